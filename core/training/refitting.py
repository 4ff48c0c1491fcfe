"""The interest model once more, with the validation events: what chose it is learned too."""

from __future__ import annotations

from pathlib import Path

from core.corpus.corpus import Corpus
from core.corpus.sampling import among
from core.corpus.store import Library
from core.domain import DomainError
from core.encode.cache import open_cache, open_encoder, shipped_sentiment
from core.language import tr
from core.model.folder import read_config, train_again
from core.model.interest import InterestModel
from core.model.metrics import read_metrics
from core.progress import ProgressCallback, StopCallback
from core.recommend.refit import with_validation
from core.training.preparing import prepare
from core.training.training import fit_interest


def refit_interest(
    corpus: Corpus,
    library: Library,
    model_folder: Path,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    device: str = "auto",
) -> InterestModel:
    """A model's interest model trained anew on training and validation events.

    Settings, number of epochs and the constant for unmet items are those that validation chose; no
    test event is read. DomainError where the model doesn't say its epochs.
    """
    config, metrics = read_config(model_folder), read_metrics(model_folder)
    epochs = None if metrics is None else metrics.best_epoch
    if epochs is None:
        raise DomainError(
            tr("the model doesn't say how many epochs were chosen"),
            where=str(model_folder),
            remedy=train_again(corpus.name),
        )
    encoder = open_encoder(library, config.encoder.name, device=device)
    corpus = among(corpus, config.sample)
    parts = with_validation(corpus.parts)
    prepared = prepare(
        *(corpus, parts, encoder, open_cache(library), shipped_sentiment(library)),
        progress=progress,
        stop=stop,
        item_text=config.item_text,
    )
    offsets = {"cold_offset": config.cold_offset, "repeat_offset": config.repeat_offset}
    _, interest = fit_interest(prepared, config.settings, progress, stop, epochs=epochs, **offsets)
    return interest

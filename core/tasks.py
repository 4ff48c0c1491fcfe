"""What a process of its own is told to do: to train, update, evaluate and compare all lists.

Each opens the library anew, since a process shares nothing with who asked, and imports what is
heavy once it is its turn: what waits takes little memory. Arguments are JSON; a result is the path
of what was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.corpus.store import Corpus, Library
from core.domain import Stopped
from core.language import mark
from core.progress import Progress, ProgressCallback, StopCallback
from core.records import turn


def train(
    root: Path,
    corpus: str,
    options: dict[str, Any],
    item_text: Sequence[str] | None = None,
    encoder: str | None = None,
    users: int | None = None,
    *,
    progress: ProgressCallback,
    stop: StopCallback,
) -> Path:
    """Train a model with the settings of ``InterestConfig.to_json``; returns its folder.

    ``users``: of how many, drawn at random by the settings' seed; None for all.
    """
    library = Library.open(root)
    with turn("training", root, progress, stop):
        from core.corpus.sampling import draw
        from core.encode.cache import open_encoder
        from core.model.config import InterestConfig
        from core.training import training

        settings = InterestConfig.from_json(options)
        data = draw(library.corpus(corpus), users, settings.seed)
        read_by = open_encoder(library, encoder, device="auto", progress=progress)
        place = (data, library, settings, progress, stop)
        folder = training.train(*place, encoder=read_by, item_text=item_text)
        _measure_new(library, data, folder, progress, stop)
    return folder


def update(root: Path, corpus: str, *, progress: ProgressCallback, stop: StopCallback) -> Path:
    """Update the newest model of a corpus; returns the new folder."""
    library = Library.open(root)
    with turn("training", root, progress, stop):
        from core.training import updating

        data = library.corpus(corpus)
        folder = updating.update(data, library, progress=progress, stop=stop)
        _measure_new(library, data, folder, progress, stop)
    return folder


def _measure_new(
    library: Library, corpus: Corpus, folder: Path, progress: ProgressCallback, stop: StopCallback
) -> None:
    """What pages show of all users; where that is stopped they offer to measure it later."""
    from core.cohorts.everyone import measure_everyone

    progress(Progress(mark("Measuring all users"), 0, 1, made=str(folder)))
    with suppress(Stopped):
        measure_everyone(library, corpus, folder, progress, stop)


def evaluate(
    root: Path,
    corpus: str,
    model: str,
    protocol: str,
    *,
    progress: ProgressCallback,
    stop: StopCallback,
) -> None:
    """Judge a model and custom recommenders under a protocol; the library keeps the reports.

    It ends with the first error of a custom recommender, after all others are kept.
    """
    library = Library.open(root)
    with turn("evaluation", root, progress, stop):
        from core.engine import Engine
        from core.evaluate.protocols import with_own
        from core.training.training import evaluate_model

        data, folder = library.corpus(corpus), library.model_folder(corpus, model)
        report = evaluate_model(data, library, folder, protocol, progress=progress, stop=stop)
        engine = Engine.open(data, folder, library)
        _, failures = with_own(report, engine, library, progress, stop)
    for error in failures.values():
        raise error


def judge_windows(
    root: Path, corpus: str, model: str, *, progress: ProgressCallback, stop: StopCallback
) -> None:
    """Judge a model left alone, updated and trained anew over windows; the library keeps it."""
    library = Library.open(root)
    with turn("evaluation", root, progress, stop):
        from core.training.windows import evaluate_windows

        data, folder = library.corpus(corpus), library.model_folder(corpus, model)
        evaluate_windows(data, library, folder, progress=progress, stop=stop)


def compare_lists(
    root: Path,
    corpus: str,
    model: str,
    recommender: str,
    *,
    progress: ProgressCallback,
    stop: StopCallback,
) -> None:
    """Measure how fast a recommender's lists change; the library keeps it."""
    library = Library.open(root)
    with turn("evaluation", root, progress, stop):
        from core.compare.turnover import make_turnover
        from core.engine import Engine

        engine = Engine.open(library.corpus(corpus), library.model_folder(corpus, model), library)
        make_turnover(library, engine, recommender, progress=progress, stop=stop)

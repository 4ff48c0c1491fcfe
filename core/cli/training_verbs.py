"""Verbs that train: train, update, tune."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.model_verbs import DeviceOption, ModelOption, RayOption
from core.cli.output import (
    CorpusArgument,
    JsonOption,
    LibraryOption,
    answer,
    complain,
    progress_bar,
)
from core.cluster import machines_at
from core.corpus.store import Library
from core.domain import DomainError
from core.language import mark, tr

if TYPE_CHECKING:
    from core.model.config import InterestConfig
    from core.model.metrics import Metrics
    from core.training.tracking import Tracking
    from core.training.tuning import Tuning

TRIALS_SHOWN = 8
STATES = {"done": mark("done"), "behind": mark("behind"), "cut": mark("cut")}
"""How trials ended."""
WhyOption = Annotated[
    str, typer.Option("--why", metavar="TEXT", help=tr("The reason, as the log shows it."))
]
EncoderOption = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        metavar="NAME_OR_PATH",
        help=tr("multilingual, or a BERT-family model by its folder or name."),
    ),
]
UsersOption = Annotated[
    int | None,
    typer.Option(
        "--users",
        metavar="N",
        min=1,
        help=tr(
            "Train on so many users, drawn at random, of a corpus that is too large (default: all)."
        ),
    ),
]
DespiteOption = Annotated[
    bool,
    typer.Option(
        "--despite-unknown",
        help=tr("Go on where the encoder does not know more than 10 % of the word pieces."),
    ),
]


def train_model(
    corpus: CorpusArgument,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, max=100_000, help=tr("Maximum number of epochs.")),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, max=2**32 - 1, help=tr("Seed of the training."))
    ] = None,
    encoder: EncoderOption = None,
    despite_unknown: DespiteOption = False,
    users: UsersOption = None,
    item_text: Annotated[
        str | None,
        typer.Option(
            "--item-text",
            metavar="COLUMN,...",
            help=tr(
                "Columns of the items file that describe an item (default: all that hold words)."
            ),
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help=tr("Settings as JSON."))
    ] = None,
    tuned: Annotated[
        bool, typer.Option("--tuned", help=tr("Settings that `tune` found best for this corpus."))
    ] = False,
    log: Annotated[
        str | None,
        typer.Option(
            "--log",
            metavar="tensorboard:DIR,mlflow:URI",
            help=tr("Also keep the training's figures there; the package has to be installed."),
        ),
    ] = None,
    why: WhyOption = "",
    device: DeviceOption = "auto",
    ray: RayOption = None,
    library: LibraryOption = None,
    json: JsonOption = False,
) -> None:
    """Train the LSTM+BERT interest model and write a model folder."""
    import time
    from dataclasses import replace

    from core.cohorts.everyone import measure_everyone
    from core.corpus.options import parse_names
    from core.corpus.sampling import draw
    from core.encode.cache import open_encoder
    from core.encode.item_text import choose_columns
    from core.encode.unknown import unknown_in
    from core.model.config import InterestConfig
    from core.model.metrics import read_metrics
    from core.training.outlook import outlook
    from core.training.training import train

    shelf = Library.open(library)
    data = shelf.corpus(corpus)
    if config is not None and tuned:
        raise DomainError(
            tr("--config and --tuned exclude each other"), remedy=tr("Give one of them")
        )
    text_encoder = open_encoder(shelf, encoder, allow_download=encoder is not None, device=device)
    options = InterestConfig()
    if config is not None or tuned:
        from core.training.tuning import read_config_file, read_tuning

        options = (
            read_config_file(config)
            if config
            else read_tuning(shelf, data, text_encoder.encoder_id).config
        )
    if seed is not None:
        options = replace(options, seed=seed)
    if epochs is not None:
        options = replace(options, epochs=epochs)
    data = draw(data, users, options.seed)
    if config is None and not tuned:
        options = replace(options, patience=InterestConfig.usual(data.n_events).patience)
    columns = choose_columns(data, parse_names(item_text) if item_text is not None else None)
    unknown = unknown_in(data, text_encoder.folder, text_encoder.name)
    if not despite_unknown:
        unknown.refuse()
    for sentence in outlook(data, unknown):
        complain(sentence)
    started = time.monotonic()
    with (
        progress_bar() as progress,
        machines_at(ray) as text_encoder.machines,
        _tracking(log, corpus, options, text_encoder.name) as tracking,
    ):
        told = progress if tracking is None else tracking.told(progress)
        folder = train(
            *(data, shelf, options, told), encoder=text_encoder, item_text=columns, why=why
        )
        if tracking is not None:
            tracking.results(_results(folder))
        measure_everyone(shelf, data, folder, progress)
    seconds = round(time.monotonic() - started, 1)
    metrics = read_metrics(folder)
    assert metrics is not None  # just written
    made = mark("Model {model} in {seconds:.0f} s: {folder}")
    lines = [tr(made, model=folder.name, seconds=seconds, folder=folder)]
    if metrics.targets:
        best = metrics.best_first
        lines += [f"{score.recommender}: NDCG@10 {score}" for score in best]  # no sentence
        lines += _sampled(metrics)
    else:
        why_not = mark("Not judged: no user has five or more events, so nobody could be scored.")
        lines.append(tr(why_not))
    facts: dict[str, Any] = {"model_id": folder.name, "seconds": seconds}
    if data.sample is not None:
        lines.append(data.sample.sentence)
        facts |= data.sample.facts
    metrics_facts = metrics.model_dump(mode="json", exclude_unset=True)
    answer({**facts, "metrics": metrics_facts}, lines, as_json=json)


@contextmanager
def _tracking(
    log: str | None, corpus: str, options: InterestConfig, encoder: str
) -> Iterator[Tracking | None]:
    """Where ``--log`` sends figures; it ends with the training, failed or not."""
    if log is None:
        yield None
        return
    from core.training.tracking import Tracking, open_tracker

    tracking, done = Tracking(open_tracker(log, corpus)), False
    try:
        tracking.settings({"corpus": corpus, "encoder": encoder, **asdict(options)})
        yield tracking
        done = True
    finally:
        tracking.close(done)
        if tracking.problem:
            went_on = mark("--log stopped, the training went on: {problem}")
            complain(tr(went_on, problem=tracking.problem))


def _sampled(metrics: Metrics) -> list[str]:
    """The line that says of how many test targets so many were ranked, where not all were."""
    from core.views.wording import sample_sentence

    return [sample_sentence(metrics.sampled, "target")] if metrics.sampled else []


def _results(folder: Path) -> dict[str, float]:
    """NDCG on the test targets by recommender."""
    from core.model.metrics import read_metrics

    metrics = read_metrics(folder)
    scores = metrics.results if metrics is not None else ()
    known = {score.recommender: score.ndcg for score in scores if score.ndcg is not None}
    return {f"test NDCG@10/{name}": ndcg for name, ndcg in known.items()}  # no sentence


def update_model(
    corpus: CorpusArgument,
    model: ModelOption = None,
    why: WhyOption = "",
    device: DeviceOption = "auto",
    ray: RayOption = None,
    library: LibraryOption = None,
    json: JsonOption = False,
) -> None:
    """Let the newest model of a corpus learn what was appended since; the old model stays."""
    import time

    from core.cohorts.everyone import measure_everyone
    from core.encode.cache import open_encoder
    from core.model.folder import read_config
    from core.model.metrics import read_metrics
    from core.training.update_words import update_sentences
    from core.training.updating import find_parent, update

    shelf = Library.open(library)
    data = shelf.corpus(corpus)
    parent = find_parent(shelf, data, model)
    encoder = open_encoder(shelf, read_config(parent).encoder.name, device=device)
    started = time.monotonic()
    with progress_bar() as progress, machines_at(ray) as encoder.machines:
        folder = update(*(data, shelf, parent.name), progress=progress, encoder=encoder, why=why)
        measure_everyone(shelf, data, folder, progress)
    seconds = round(time.monotonic() - started, 1)
    metrics = read_metrics(folder)
    assert metrics is not None and metrics.update is not None  # just written
    made = mark("Model {model}, updated from {parent}, in {seconds:.0f} s: {folder}")
    lines = [
        tr(made, model=folder.name, parent=parent.name, seconds=seconds, folder=folder),
    ]
    lines += [*update_sentences(metrics.update), *_sampled(metrics)]
    facts: dict[str, Any] = {"model_id": folder.name, "parent": parent.name, "seconds": seconds}
    sample = read_config(folder).sample
    if sample is not None:
        lines.append(sample.sentence)
        facts |= sample.facts
    update_facts = metrics.update.model_dump(mode="json")
    metrics_facts = metrics.model_dump(mode="json", exclude_unset=True)
    answer({**facts, "update": update_facts, "metrics": metrics_facts}, lines, as_json=json)


def tune_model(
    corpus: CorpusArgument,
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.01, max=10_000, help=tr("Duration of the search."))
    ] = 10.0,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=2**32 - 1, help=tr("Seed of search and training."))
    ] = 0,
    encoder: EncoderOption = None,
    despite_unknown: DespiteOption = False,
    users: UsersOption = None,
    device: DeviceOption = "auto",
    ray: RayOption = None,
    library: LibraryOption = None,
    json: JsonOption = False,
) -> None:
    """Search settings of the interest model on validation events; Ctrl-C keeps what was tried."""
    from core.corpus.sampling import draw
    from core.encode.cache import open_encoder
    from core.encode.unknown import unknown_in
    from core.training.tuning import read_tuning, tune, tuning_file

    if ray is not None and device not in ("auto", "cpu"):
        raise DomainError(
            tr("nodes try settings on their processors"),
            where="--device",
            remedy=tr("Leave out --device, or --ray"),
        )
    shelf = Library.open(library)
    data = draw(shelf.corpus(corpus), users, seed)
    text_encoder = open_encoder(shelf, encoder, allow_download=encoder is not None, device=device)
    if not despite_unknown:
        unknown_in(data, text_encoder.folder, text_encoder.name).refuse()
    place = tuning_file(shelf, corpus)
    before = place.stat().st_mtime_ns if place.exists() else None
    try:
        with progress_bar() as progress, machines_at(ray) as machines:
            text_encoder.machines = machines
            tuning = tune(
                *(data, shelf, minutes, seed, progress), encoder=text_encoder, machines=machines
            )
    except KeyboardInterrupt:
        if not place.exists() or place.stat().st_mtime_ns == before:
            raise
        tuning = read_tuning(shelf, data, text_encoder.encoder_id)
    kept = next((path for path in shelf.places(place) if path.is_file()), None)
    answer({**tuning.facts(), "file": kept}, _tuning_lines(tuning, kept), as_json=json)


def _tuning_lines(tuning: Tuning, place: Path | None) -> Iterator[str]:
    several = len({trial.seed for trial in tuning.trials}) > 1
    tried = mark("{n} settings tried on validation NDCG@10; the default came first")
    yield tr(tried, n=len(tuning.trials))
    for trial in sorted(tuning.trials, key=lambda trial: -trial.ndcg)[:TRIALS_SHOWN]:
        setting = ", ".join(
            f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in trial.setting.items()
        )
        how = [tr("{ndcg:.4f} in {seconds:.0f} s", ndcg=trial.ndcg, seconds=trial.seconds)]
        how += [tr("seed {seed}", seed=trial.seed)] * several
        how += [tr(STATES[trial.state])] * (trial.state != "done")
        about = tr(", ").join(how)
        yield tr("{about}: {problem}", about=about, problem=setting or tr("the default"))
    if tuning.sample is not None:
        yield tuning.sample.sentence
    yield tr("the best of many trials is an optimistic figure; test events were not read")
    if place is not None:
        yield tr("all of them: {file}", file=place)
        command = f"python -m core train {tuning.corpus} --tuned"  # no sentence
        if tuning.sample is not None:
            command += f" --users {tuning.sample.users}"  # no sentence
        yield tr("next: {command}", command=command)


VERBS = {"train": train_model, "update": update_model, "tune": tune_model}

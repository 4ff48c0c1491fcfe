"""Verbs about quality: import-lists and tune."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.corpus_verbs import refusal_lines
from core.cli.output import CorpusArgument, JsonOption, LibraryOption, answer, progress_bar

if TYPE_CHECKING:
    from core.evaluate.importing_lists import ListsSummary
    from core.training.tuning import Tuning

TRIALS_SHOWN = 8


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("import-lists")(import_served_lists)
    app.command("tune")(tune_model)


def import_served_lists(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Table of served lists.")],
    corpus: Annotated[str, typer.Option("--name", help="Name of the corpus.")],
    name: Annotated[str, typer.Option("--as", help="Name of the lists.")] = "production",
    library: LibraryOption = None,
    json: JsonOption = False,
) -> None:
    """Import the lists that your own system served (user_id, timestamp, rank, item_id)."""
    from dataclasses import asdict

    from core.corpus.store import Library
    from core.evaluate.importing_lists import import_lists

    shelf = Library.open(library)
    with progress_bar() as progress:
        summary = import_lists(shelf.corpus(corpus), shelf, file, name, progress)
    answer(asdict(summary.manifest), _lines(summary), as_json=json)


def tune_model(
    corpus: CorpusArgument,
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.01, max=10_000, help="Duration of the search.")
    ] = 10.0,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=2**32 - 1, help="Seed of search and training.")
    ] = 0,
    library: LibraryOption = None,
    json: JsonOption = False,
) -> None:
    """Search settings of the interest model on validation events; Ctrl-C keeps what was tried."""
    from core.corpus.store import Library
    from core.encode.cache import open_encoder
    from core.training.tuning import read_tuning, tune, tuning_file

    shelf = Library.open(library)
    data = shelf.corpus(corpus)
    encoder = open_encoder(shelf)
    place = tuning_file(shelf, corpus)
    before = place.stat().st_mtime_ns if place.exists() else None
    try:
        with progress_bar() as progress:
            tuning = tune(data, shelf, minutes, seed, progress, encoder=encoder)
    except KeyboardInterrupt:
        if not place.exists() or place.stat().st_mtime_ns == before:
            raise
        tuning = read_tuning(shelf, data, encoder.encoder_id)
    answer({**tuning.facts(), "file": place}, _tuning_lines(tuning, place), as_json=json)


def _tuning_lines(tuning: Tuning, place: Path) -> Iterator[str]:
    several = len({trial.seed for trial in tuning.trials}) > 1
    yield f"{len(tuning.trials)} settings tried on validation NDCG@10; the default came first"
    for trial in sorted(tuning.trials, key=lambda trial: -trial.ndcg)[:TRIALS_SHOWN]:
        setting = ", ".join(
            f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in trial.setting.items()
        )
        ended = "" if trial.state == "done" else f", {trial.state}"
        seed = f", seed {trial.seed}" if several else ""
        yield f"{trial.ndcg:.4f} in {trial.seconds:.0f} s{seed}{ended}: {setting or 'the default'}"
    yield "the best of many trials is an optimistic figure; test events were not read"
    yield f"all of them: {place}"
    yield f"next: python -m core train {tuning.corpus} --tuned"


def _lines(summary: ListsSummary) -> Iterator[str]:
    manifest = summary.manifest
    yield (
        f"{manifest.name}: {manifest.lists:,} lists of {manifest.users:,} users, "
        f"{manifest.first[:10]} to {manifest.last[:10]}"
    )
    yield (
        f"{manifest.rows_read:,} rows read: {manifest.accepted:,} accepted, "
        f"{manifest.quarantined:,} quarantined"
    )
    yield from refusal_lines(summary)
    yield f"next: python -m core evaluate {manifest.corpus}"

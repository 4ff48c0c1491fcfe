"""Verbs about quality: import-lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.output import JsonOption, LibraryOption, answer, progress_bar

if TYPE_CHECKING:
    from core.evaluate.importing_lists import ListsSummary

REFUSALS_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("import-lists")(import_served_lists)


def import_served_lists(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Table of lists that were served.")],
    corpus: Annotated[str, typer.Option("--name", help="Name of the corpus.")],
    name: Annotated[str, typer.Option("--as", help="What to call them.")] = "production",
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
    for reason, count in summary.reasons.items():
        yield f"refused {count:,}: {reason}"
    for refusal in summary.refused[:REFUSALS_SHOWN]:
        yield f"  {refusal}"
    if summary.refused:
        yield f"all refused rows: {summary.quarantine}"
    yield f"next: python -m core evaluate {manifest.corpus}"

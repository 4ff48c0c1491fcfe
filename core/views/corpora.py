"""The page Data and models: what the library holds, and how an import or a training went."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.corpus.quarantine import Refusal
from core.corpus.rows import read_head
from core.corpus.source import SourceFile
from core.corpus.store import Library, Manifest, created_at
from core.progress import Progress
from core.views import wording

if TYPE_CHECKING:
    from core.corpus.importing import ImportSummary


@dataclass(frozen=True, slots=True)
class CorpusRow:
    """One corpus of the library."""

    name: str
    """Its name."""
    simulated: bool
    """True for data that a program made up."""
    users: int
    """Number of users."""
    items: int
    """Size of the catalogue."""
    events: int
    """Number of events."""
    text_share: float
    """Share of events with words, 0 to 1."""
    period: str
    """First to last month."""
    refused: int
    """Rows that the import put into quarantine."""
    models: int
    """Trained models."""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One trained model of a corpus."""

    model_id: str
    """Its id, which is its folder's name."""
    created: str
    """When it was trained."""
    folder: Path
    """Where it lies."""
    card: str | None
    """The model card, Markdown written by the training; None without one."""


@dataclass(frozen=True, slots=True)
class LibraryView:
    """What the library holds."""

    corpora: tuple[CorpusRow, ...]
    """All corpora, the demo first."""
    root: Path
    """Where the library lies."""


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """Why rows were refused."""

    reason: str
    """Field and reason."""
    rows: int
    """How many rows."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One row that was refused."""

    file: str
    """Name of the file."""
    line: int
    """Line or row number in it."""
    field: str
    """The field at fault."""
    reason: str
    """What is wrong with it."""
    value: str
    """The start of the value; untrusted text."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How an import went."""

    corpus: str
    """The corpus it made."""
    sentence: str
    """What was taken and what was refused."""
    reasons: tuple[ReasonRow, ...]
    """Reasons, most frequent first."""
    refused: tuple[RefusedRow, ...]
    """The first refused rows."""
    quarantine: Path
    """File with all refused rows, as JSON lines."""
    notes: tuple[str, ...]
    """What the import decided by itself."""


@dataclass(frozen=True, slots=True)
class JobView:
    """Where long work stands."""

    share: float
    """Done, 0 to 1."""
    sentence: str
    """Stage, place and time left."""
    figures: tuple[tuple[str, str], ...]
    """Latest figures as (name, value)."""


def build_library(library: Library) -> LibraryView:
    """Everything the library holds."""
    rows = tuple(
        corpus_row(manifest, len(library.model_folders(manifest.name)))
        for manifest in library.corpora()
    )
    return LibraryView(rows, library.root)


def corpus_row(manifest: Manifest, models: int) -> CorpusRow:
    """One corpus as a row."""
    return CorpusRow(
        name=manifest.name,
        simulated=manifest.simulated,
        users=manifest.users,
        items=manifest.items,
        events=manifest.accepted,
        text_share=manifest.with_text / max(manifest.accepted, 1),
        period=wording.span(manifest.first, manifest.last),
        refused=manifest.quarantined,
        models=models,
    )


def build_models(library: Library, corpus: str) -> tuple[ModelRow, ...]:
    """The models of a corpus, newest first."""
    return tuple(model_row(folder) for folder in library.model_folders(corpus))


def model_row(folder: Path) -> ModelRow:
    """One model as a row; what can't be read is left out."""
    moment = created_at(folder)
    created = wording.day(moment) if moment else "at an unknown time"
    try:
        card = (folder / "README.md").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        card = None
    return ModelRow(folder.name, created, folder, card)


def build_import_report(summary: ImportSummary) -> ImportReport:
    """How an import went, for the screen."""
    manifest = summary.manifest
    return ImportReport(
        corpus=manifest.name,
        sentence=wording.import_sentence(
            manifest.accepted,
            manifest.rows_read,
            manifest.quarantined,
            manifest.duplicates,
            manifest.users,
            manifest.items,
        ),
        reasons=tuple(ReasonRow(reason, rows) for reason, rows in summary.reasons.items()),
        refused=tuple(map(refused_row, summary.refused)),
        quarantine=summary.quarantine,
        notes=manifest.notes,
    )


def refused_row(problem: Refusal) -> RefusedRow:
    """A row that an import refuses, for a table."""
    field = problem.column or problem.field
    return RefusedRow(problem.file, problem.line, field, problem.reason, problem.value)


def build_job(progress: Progress | None, stopping: bool) -> JobView:
    """Where long work stands; ``progress`` None means that nothing was reported yet."""
    if progress is None:
        return JobView(0.0, "Starting.", ())
    share = min(progress.done / progress.total, 1.0) if progress.total else 0.0
    sentence = wording.job_sentence(progress.stage, share, progress.seconds_left, stopping)
    figures = tuple((name, f"{value:,.4g}") for name, value in progress.figures.items())
    return JobView(share, sentence, figures)


def columns_of(path: Path) -> tuple[str, ...]:
    """The columns of a file, so that a person can say which is which; DomainError if unreadable."""
    return read_head(SourceFile(path)).columns


def name_for(paths: Sequence[Path]) -> str:
    """A corpus name made from a file's name."""
    stem = paths[0].name.split(".")[0].lower() if paths else ""
    return re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[:40] or "mine"

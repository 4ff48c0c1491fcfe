"""The page Data and models: what the library holds, and how an import or a training went."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from core.corpus.models import read_model_facts
from core.corpus.quarantine import Refusal
from core.corpus.store import Library, Manifest, Source, created_at
from core.encode.multilingual import DOWNLOAD, INSTALL, MULTILINGUAL, ON_DISK, is_installed
from core.encode.unknown import UnknownPieces
from core.files import Damaged, verify
from core.model.folder import CARD
from core.model.metrics import Metrics
from core.progress import Progress
from core.views.quality.sentences import MODELS, name_of
from core.views.tables import table
from core.views.wording import (
    capital,
    count,
    day,
    duration,
    grown_since,
    number,
    percent,
    period,
)

if TYPE_CHECKING:
    from core.corpus.appending import AppendSummary
    from core.corpus.importing import ImportSummary
    from core.evaluate.importing_lists import ListsSummary


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One trained model of a corpus."""

    model_id: str
    """Its id, which is its folder's name."""
    created: str
    """When it was trained."""
    folder: Path
    """Where it lies."""
    card: str
    """The model card, Markdown written by the training, or why there is none."""
    content: str
    """Which content it was made from, where the corpus has other content now; else empty."""


@dataclass(frozen=True, slots=True)
class JobView:
    """Where long work stands."""

    share: float
    """Done, 0 to 1."""
    sentence: str
    """Stage, share and time left."""
    figures: tuple[tuple[str, str], ...]
    """Latest figures as (name, value)."""


def corpora_table(library: Library) -> pd.DataFrame:
    """All corpora of the library, the demo first; ``text_share`` in percent of the events."""
    manifests = library.corpora()
    return table(manifests, "name users items events=accepted refused=quarantined").assign(
        simulated=["simulated" if manifest.simulated else "" for manifest in manifests],
        text_share=[100 * each.with_text / max(each.accepted, 1) for each in manifests],
        period=list(map(period, manifests)),
        appends=[len(manifest.appends) for manifest in manifests],
        models=[len(library.model_folders(manifest.name)) for manifest in manifests],
    )


def build_models(library: Library, corpus: str) -> Iterator[ModelRow]:
    """The models of a corpus, newest first; what can't be read is left out."""
    manifest = library.manifest(corpus)
    for folder in library.model_folders(corpus):
        moment = created_at(folder)
        created = day(moment) if moment else "at an unknown time"
        yield ModelRow(folder.name, created, folder, read_card(folder), made_from(manifest, folder))


def read_card(folder: Path) -> str:
    """The card of a model, Markdown written by the training, or why there is none."""
    try:
        verify(folder, (CARD,))
        return (folder / CARD).read_text(encoding="utf-8")
    except Damaged as error:
        return f"The card is damaged: {error.what}."
    except (OSError, UnicodeDecodeError):
        return "This model has no card."


def made_from(manifest: Manifest, folder: Path) -> str:
    """``made before 300 events were appended``; empty for a model of the content as it is."""
    try:
        corpus_id = str(read_model_facts(folder).get("corpus_id", ""))
    except Damaged:
        return ""
    since = grown_since(manifest, corpus_id)
    return f"made {since.replace('of other', 'from other')}" if since else ""


def behind_sentence(manifest: Manifest, folders: Sequence[Path]) -> str:
    """What the newest model has not learned yet, where an update can teach it; else empty."""
    if not folders:
        return ""
    try:
        facts = read_model_facts(folders[0])
    except Damaged:
        return ""
    corpus_id = str(facts.get("corpus_id", ""))
    added = manifest.appends_since(corpus_id)
    if not added:
        return ""
    users, items = (sum(getattr(append, name) for append in added) for name in ("users", "items"))
    return (
        f"The model {folders[0].name} was made {grown_since(manifest, corpus_id)} "
        f"({count(users, 'new user')}, {count(items, 'new item')}). An update learns them in a "
        "fraction of a training's time, keeps what the model knew, and leaves the map as it is."
    )


def import_sentence(manifest: Manifest) -> str:
    """What an import accepted and what it refused."""
    said = [
        f"Imported {number(manifest.accepted)} of {count(manifest.rows_read, 'row')}: "
        f"{count(manifest.users, 'user')}, {count(manifest.items, 'item')}."
    ]
    if manifest.quarantined:
        said.append(f"Quarantined {count(manifest.quarantined, 'row')}.")
    if manifest.duplicates:
        said.append(f"Skipped {count(manifest.duplicates, 'duplicate')}.")
    return " ".join(said if len(said) > 1 else [*said, "No row was rejected."])


def append_sentence(summary: AppendSummary) -> str:
    """What an append added, and what it knew or refused."""
    name, append = summary.manifest.name, summary.append
    if append is None:
        rows = count(summary.rows_read, "row")
        if summary.users_changed:
            return f"No event of {rows} is new; the user attributes of {name} were changed."
        return f"Nothing of {rows} is new: {name} is as it was."
    said = [
        f"Added to {name}: {count(append.accepted, 'event')} of {count(append.rows_read, 'row')}, "
        f"{count(append.users, 'new user')}, {count(append.items, 'new item')}; "
        f"{count(append.corrected, 'item')} corrected."
    ]
    if append.quarantined:
        said.append(f"Quarantined {count(append.quarantined, 'row')}.")
    if append.duplicates:
        said.append(f"Skipped {count(append.duplicates, 'duplicate')}.")
    return " ".join(said)


def lineage_table(manifest: Manifest) -> pd.DataFrame:
    """What a corpus's content came from: the import, then each append, the newest last."""
    columns = "when", "content", "events", "users", "items", "duplicates", "refused", "files"
    steps = manifest.appends
    before = {
        name: getattr(manifest, name) - sum(getattr(step, name) for step in steps)
        for name in ("accepted", "users", "items", "duplicates", "quarantined")
    }
    added = len([source for step in steps for source in step.sources])
    files = manifest.sources[: len(manifest.sources) - added]
    ids = [*(step.corpus_id for step in steps), manifest.corpus_id]
    rows = [(manifest.created, ids[0], *before.values(), _names(files))] + [
        (
            *(step.created, content),
            *(getattr(step, name) for name in before),
            _names(step.sources),
        )
        for step, content in zip(steps, ids[1:], strict=True)
    ]
    return pd.DataFrame(rows, columns=columns)


def _names(sources: Sequence[Source]) -> str:
    return ", ".join(source.path for source in sources)


def reasons_table(summary: ImportSummary | ListsSummary) -> pd.DataFrame:
    """Why rows were refused, the most frequent reason first."""
    return pd.DataFrame(summary.reasons.items(), columns=["reason", "rows"])


def refused_table(refused: Sequence[Refusal]) -> pd.DataFrame:
    """Refused rows; their values are untrusted text."""
    rows = [(r.file, r.line, r.column or r.field, r.reason, r.value) for r in refused]
    return pd.DataFrame(rows, columns=["file", "line", "field", "reason", "value"])


def build_job(progress: Progress | None, stopping: bool) -> JobView:
    """Where long work stands; ``progress`` None means that nothing was reported yet."""
    if progress is None:
        return JobView(0.0, "Starting.", ())
    share = min(max(progress.done / progress.total, 0.0), 1.0) if progress.total else 0.0
    pieces = [capital(progress.stage), percent(share)]
    if progress.seconds_left is not None:
        pieces.append(f"about {duration(progress.seconds_left)} left")
    if stopping:
        pieces.append("stopping")
    figures = tuple((name, f"{value:,.4g}") for name, value in progress.figures.items())
    return JobView(share, " · ".join(pieces), figures)


def training_sentence(metrics: Metrics) -> str:
    """How a new model did on the test targets against the best baseline; empty if unjudged."""
    scores = {score.recommender: score.ndcg for score in metrics.best_first if score.ndcg}
    usual = next(iter(metrics.results), None)
    rivals = [name for name in scores if name not in MODELS]
    if usual is None or usual.recommender not in scores or not rivals:
        return ""
    rival = rivals[0]
    gain = scores[usual.recommender] / scores[rival] - 1
    against = "above" if gain >= 0 else "below"
    return (
        f"On {count(metrics.targets, 'test target')}, NDCG@10 of {name_of(usual.recommender)} is "
        f"{scores[usual.recommender]:.3f}: {percent(abs(gain))} {against} {name_of(rival)} "
        f"({scores[rival]:.3f}). Quality tells whether that is significant."
    )


def name_for(paths: Sequence[Path]) -> str:
    """A corpus name made from a file's name."""
    stem = paths[0].name.split(".")[0].lower() if paths else ""
    return re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[:40] or "mine"


ENCODERS = {
    "": "English (MiniLM, built in)",
    MULTILINGUAL: f"Multilingual E5 ({DOWNLOAD} MB, {ON_DISK} MB on disk)",
}
"""Text encoders that a training on the page can use."""


def unknown_sentence(unknown: UnknownPieces) -> str:
    """What the usual encoder can't read, and what else there is."""
    said = str(unknown)
    first = "" if is_installed() else f" It has to be installed first: {INSTALL}."
    return f"{said[0].upper()}{said[1:]}. The multilingual one does.{first}"


def usual_encoder(unknown: UnknownPieces) -> int:
    """The place in ``ENCODERS`` of the one to begin with."""
    return int(unknown.is_too_much)

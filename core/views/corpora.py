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
from core.corpus.spoken import spoken
from core.corpus.store import Library, Manifest, Source, created_at
from core.encode.multilingual import DOWNLOAD, INSTALL, MULTILINGUAL, ON_DISK, is_installed
from core.encode.unknown import UnknownPieces
from core.files import Damaged, verify
from core.language import mark, tr, trn
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
    joined,
    number,
    percent,
    period,
    sample_sentence,
)

if TYPE_CHECKING:
    from core.corpus.appending import AppendSummary
    from core.corpus.importing import ImportSummary
    from core.corpus.manifest import Append
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
    columns = "name users items events=accepted refused=quarantined"  # no sentence
    return table(manifests, columns).assign(
        simulated=[tr("simulated") if manifest.simulated else "" for manifest in manifests],
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
        created = day(moment) if moment else tr("at an unknown time")
        yield ModelRow(folder.name, created, folder, read_card(folder), made_from(manifest, folder))


def read_card(folder: Path) -> str:
    """The card of a model, Markdown written by the training, or why there is none."""
    try:
        verify(folder, (CARD,))
        return (folder / CARD).read_text(encoding="utf-8")
    except Damaged as error:
        return tr("The card is damaged: {reason}.", reason=error.what)
    except (OSError, UnicodeDecodeError):
        return tr("This model has no card.")


def made_from(manifest: Manifest, folder: Path) -> str:
    """``made before 300 events were appended``; empty for a model of the content as it is."""
    try:
        corpus_id = str(read_model_facts(folder).get("corpus_id", ""))
    except Damaged:
        return ""
    appends = manifest.appends_since(corpus_id) if corpus_id else ()
    if appends is None:
        return tr("made from other content")
    if not appends:
        return ""
    n = sum(append.accepted for append in appends)
    return trn(
        "made before {n} event was appended",
        "made before {n} events were appended",
        n,
        n=number(n),
    )


def behind_sentence(manifest: Manifest, folders: Sequence[Path]) -> str:
    """What the newest model has not learned yet, where an update can teach it; else empty."""
    if not folders:
        return ""
    try:
        facts = read_model_facts(folders[0])
    except Damaged:
        return ""
    added = manifest.appends_since(str(facts.get("corpus_id", "")))
    if not added:
        return ""
    n = sum(append.accepted for append in added)
    behind = trn(
        "The model {model} was made before {n} event was appended ({users}, {items}).",
        "The model {model} was made before {n} events were appended ({users}, {items}).",
        n,
        model=folders[0].name,
        n=number(n),
        users=count(sum(append.users for append in added), "new user"),
        items=count(sum(append.items for append in added), "new item"),
    )
    return joined(
        behind,
        tr(
            "An update learns them in a fraction of a training's time, keeps what the model knew, "
            "and leaves the map as it is."
        ),
    )


def import_sentence(manifest: Manifest) -> str:
    """What an import accepted and what it refused."""
    said = tr(
        "Imported {n} of {rows}: {users}, {items}.",
        n=number(manifest.accepted),
        rows=count(manifest.rows_read, "row"),
        users=count(manifest.users, "user"),
        items=count(manifest.items, "item"),
    )
    left_out = _left_out(manifest)
    return joined(said, *(left_out or [tr("No row was rejected.")]))


def _left_out(step: Manifest | Append) -> list[str]:
    said = []
    if step.quarantined:
        said.append(tr("Quarantined {rows}.", rows=count(step.quarantined, "row")))
    if step.duplicates:
        said.append(tr("Skipped {duplicates}.", duplicates=count(step.duplicates, "duplicate")))
    return said


def append_sentence(summary: AppendSummary) -> str:
    """What an append added, and what it knew or refused."""
    name, append = summary.manifest.name, summary.append
    if append is None:
        rows = count(summary.rows_read, "row")
        if summary.users_changed:
            return tr(
                "No event of {rows} is new; the user attributes of {corpus} were changed.",
                rows=rows,
                corpus=name,
            )
        return tr("Nothing of {rows} is new: {corpus} is as it was.", rows=rows, corpus=name)
    said = tr(
        "Added to {corpus}: {events} of {rows}, {users}, {items}; {corrected} corrected.",
        corpus=name,
        events=count(append.accepted, "event"),
        rows=count(append.rows_read, "row"),
        users=count(append.users, "new user"),
        items=count(append.items, "new item"),
        corrected=count(append.corrected, "item"),
    )
    return joined(said, *_left_out(append))


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
    return tr(", ").join(source.path for source in sources)


def reasons_table(summary: ImportSummary | ListsSummary) -> pd.DataFrame:
    """Why rows were refused, the most frequent reason first."""
    rows = [(spoken(reason), n) for reason, n in summary.reasons.items()]
    return pd.DataFrame(rows, columns=["reason", "rows"])


def refused_table(refused: Sequence[Refusal]) -> pd.DataFrame:
    """Refused rows; their values are untrusted text."""
    rows = [(r.file, r.line, r.column or r.field, r.said, r.value) for r in refused]
    return pd.DataFrame(rows, columns=["file", "line", "field", "reason", "value"])


def build_job(progress: Progress | None, stopping: bool) -> JobView:
    """Where long work stands; ``progress`` None means that nothing was reported yet."""
    if progress is None:
        return JobView(0.0, tr("Starting."), ())
    share = min(max(progress.done / progress.total, 0.0), 1.0) if progress.total else 0.0
    pieces = [capital(tr(progress.stage)), percent(share)]
    if progress.seconds_left is not None:
        pieces.append(tr("about {duration} left", duration=duration(progress.seconds_left)))
    if stopping:
        pieces.append(tr("stopping"))
    figures = tuple((tr(name), f"{value:,.4g}") for name, value in progress.figures.items())
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
    facts = {
        "targets": count(metrics.targets, "test target"),
        "name": name_of(usual.recommender),
        "ndcg": scores[usual.recommender],
        "gain": percent(abs(gain)),
        "rival": name_of(rival),
        "other": scores[rival],
    }
    if gain >= 0:
        said = tr(
            "On {targets}, NDCG@10 of {name} is {ndcg:.3f}: {gain} above {rival} ({other:.3f}).",
            **facts,
        )
    else:
        said = tr(
            "On {targets}, NDCG@10 of {name} is {ndcg:.3f}: {gain} below {rival} ({other:.3f}).",
            **facts,
        )
    said = joined(said, sample_sentence(metrics.sampled, "target"))
    return joined(said, tr("Quality tells whether that is significant."))


def name_for(paths: Sequence[Path]) -> str:
    """A corpus name made from a file's name."""
    stem = paths[0].name.split(".")[0].lower() if paths else ""
    return re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[:40] or "mine"


ENCODERS = {
    "": mark("English (MiniLM, built in)"),
    MULTILINGUAL: mark("Multilingual E5 ({download} MB, {stored} MB on disk)"),
}
"""Text encoders that a training on the page can use."""


def encoder_name(encoder: str) -> str:
    """How the page calls one of ``ENCODERS``."""
    return tr(ENCODERS[encoder], download=DOWNLOAD, stored=ON_DISK)


def unknown_sentence(unknown: UnknownPieces) -> str:
    """What the usual encoder can't read, and what else there is."""
    said = [tr("{what}.", what=capital(str(unknown))), tr("The multilingual one does.")]
    if not is_installed():
        said.append(tr("It has to be installed first: {command}.", command=INSTALL))
    return joined(*said)


def usual_encoder(unknown: UnknownPieces) -> int:
    """The place in ``ENCODERS`` of the one to begin with."""
    return int(unknown.is_too_much)

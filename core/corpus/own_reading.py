"""A file of one person's events, read as the import reads it, as a history over another corpus.

Items are found by id, then by title; what can't be found keeps its text alone, and says what it may
be.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from core import access
from core.corpus.corpus import Corpus
from core.corpus.importing import import_files
from core.corpus.options import ImportOptions
from core.corpus.own import own_history
from core.corpus.questions import Asked
from core.corpus.store import Library
from core.domain import Columns, DomainError, Event, EventKind, History
from core.language import tr, trc

NAME = "own"
CHOICES, ALIKE = 3, 0.3
"""Titles offered for an unknown item, and the cosine of their letters from which they are."""
MOST_TITLES = 50_000
"""In a larger catalogue only equal titles are found."""


@dataclass(frozen=True, slots=True)
class UnknownItem:
    """An item of the file whose id the corpus lacks."""

    item_id: str
    title: str | None
    events: int
    choices: tuple[str, ...]
    """Items of the corpus with the same title or one like it, the likeliest first."""
    taken: str | None
    """The item that stands for it; None where its events keep their text alone."""

    @property
    def name(self) -> str:
        """Its title, else its id. Words of a person."""
        return self.title or self.item_id


@dataclass(frozen=True, slots=True)
class OwnReading:
    """What a file says, over the items of a corpus."""

    history: History
    known: int
    """Events whose item the corpus has by its id."""
    unknown: tuple[UnknownItem, ...]
    notes: tuple[str, ...]
    """What was left out or is taken for something else, a sentence each."""

    @property
    def undecided(self) -> tuple[UnknownItem, ...]:
        """Items without a match that may be one of the corpus."""
        return tuple(item for item in self.unknown if item.taken is None and item.choices)

    @property
    def summary(self) -> str:
        """How many events and items were found."""
        matched = sum(item.events for item in self.unknown if item.taken)
        as_text = sum(item.events for item in self.unknown if not item.taken)
        n, known = len(self.history), self.known
        said = [tr("{n} events: {known} with items of the corpus", n=n, known=known)]
        said += [tr("{n} matched by title", n=matched)] if matched else []
        said += [tr("{n} kept as text only", n=as_text)] if as_text else []
        return tr("{clauses}.", clauses=trc("clauses", ", ").join(said))


def read_own_file(
    paths: Sequence[Path], corpus: Corpus, matches: Mapping[str, str] | None = None
) -> OwnReading:
    """Read files that hold the events of exactly one user.

    ``matches`` says which item of the corpus stands for one of the file ("" for none); without a
    word an equal title decides. Ratings outside the corpus's scale are left out. DomainError for
    what an import refuses, for several users, and for a match that does not exist.
    """
    mine = _import(paths, corpus)
    if len(mine.user_ids) != 1:
        few = ", ".join(mine.user_ids[:3])
        raise DomainError(
            tr(
                "the file has the events of {n:,} users ({users}, ...), not of one",
                n=len(mine.user_ids),
                users=few,
            ),
            where=", ".join(path.name for path in paths),
            remedy=tr("Keep one user's rows, or import the file as a corpus"),
        )
    events = mine.history(mine.user_ids[0]).events
    unknown = _unknown_items(mine, corpus, events, matches or {})
    by_id = {item.item_id: item for item in unknown}
    notes = list(_import_notes(mine))
    fitted = [_fitted(event, by_id.get(event.item_id), corpus) for event in events]
    changed = Counter(
        (old.kind.value, new.kind.value)
        for old, new in zip(events, fitted, strict=True)
        if old.kind is not new.kind
    )
    notes += [
        tr(
            "{n} {kind} events count as {other} events, which the corpus has",
            n=n,
            kind=tr(kind),
            other=tr(other),
        )
        for (kind, other), n in changed.items()
    ]
    if corpus.manifest.rating_scale is None and any(e.rating is not None for e in events):
        notes.append(tr("Ratings are left out: the corpus has none"))
    history = own_history(corpus.name, fitted)
    return OwnReading(history, sum(e.item_id not in by_id for e in events), unknown, tuple(notes))


def _import(paths: Sequence[Path], corpus: Corpus) -> Corpus:
    """The files as a corpus of their own, in a library that goes at once."""
    manifest = corpus.manifest
    said = ImportOptions(order_as_time=manifest.order_as_time, rating_scale=manifest.rating_scale)
    folder_of_its_own = TemporaryDirectory(prefix="tastelines-own-")
    with folder_of_its_own as folder, access.in_scratch():
        shelf = Library(Path(folder))
        try:
            import_files(shelf, NAME, paths, options=said)
        except Asked as asked:
            others = []
            if asked.question.field == Columns.User:  # a file that names nobody
                others.append(said.model_copy(update={"one_user": NAME}))
            if manifest.options is not None and manifest.options != said:
                others.insert(0, said.over(manifest.options))  # of the corpus's own shape
            for other in others:
                try:
                    import_files(shelf, NAME, paths, options=other)
                    break
                except DomainError:
                    continue
            else:
                raise _unread(asked) from None
        read = shelf.corpus(NAME)
        _ = read.history(read.user_ids[0])  # what is read lazily, before the files go
        return replace(read, library=None)


def _unread(asked: Asked) -> DomainError:
    remedy = tr(
        "Name the columns user_id, item_id, timestamp, kind, rating, title and text, with times "
        "such as 2024-03-01T12:00:00"
    )
    return DomainError(asked.what, where=asked.where, remedy=remedy)


def _import_notes(mine: Corpus) -> tuple[str, ...]:
    manifest = mine.manifest
    notes = []
    if manifest.quarantined:
        n, rows = manifest.quarantined, manifest.rows_read
        notes.append(tr("{n} of {rows} rows could not be read", n=n, rows=rows))
    notes += [
        tr("{n} values of {field} were left out", n=n, field=field)
        for field, n in manifest.dropped_fields.items()
        if n
    ]
    return tuple(notes)


def _fitted(event: Event, unknown: UnknownItem | None, corpus: Corpus) -> Event:
    """The event as one of the corpus; of an item that it lacks the text alone."""
    manifest = corpus.manifest
    item_id, title = event.item_id, event.title
    if unknown is not None:
        item_id = unknown.taken or ""
        if not item_id and not event.words:
            title = unknown.name
    return replace(
        event,
        item_id=item_id,
        title=title,
        kind=event.kind if event.kind in manifest.known_kinds else EventKind.CLICK,
        rating=event.rating if manifest.rating_scale is not None else None,
        timed=not manifest.order_as_time,
    )


def _unknown_items(
    mine: Corpus, corpus: Corpus, events: Sequence[Event], matches: Mapping[str, str]
) -> tuple[UnknownItem, ...]:
    counts = Counter(e.item_id for e in events if e.item_id not in corpus.item_index)
    for item_id, match in matches.items():
        if item_id not in counts:
            problem = tr("the file has no unknown item {item!r}", item=item_id)
            raise DomainError(problem, where="--match", remedy=tr("Leave it out"))
        if match:
            corpus.index_of(match, "--match")
    if not counts:
        return ()
    named = dict(zip(mine.items[Columns.Item], mine.items[Columns.Title], strict=True))
    titles = {item_id: named.get(item_id) or None for item_id in counts}
    equal = _equal_titles(corpus)
    alike = _alike(corpus, [titles[item_id] or item_id for item_id in counts])
    unknown = []
    for (item_id, events_of), near in zip(counts.items(), alike, strict=True):
        title = titles[item_id]
        same = equal.get(_plain(title or item_id), ())
        choices = tuple(dict.fromkeys([*same[:CHOICES], *near]))[:CHOICES]
        taken = same[0] if len(same) == 1 else None
        if item_id in matches:
            taken = matches[item_id] or None
        unknown.append(UnknownItem(item_id, title, events_of, choices, taken))
    return tuple(unknown)


def _plain(title: str) -> str:
    """A title without case, accents of width, and what is no letter or digit."""
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", title).casefold()).strip()


def _equal_titles(corpus: Corpus) -> dict[str, list[str]]:
    equal: dict[str, list[str]] = defaultdict(list)
    for item_id, title in zip(corpus.item_ids, corpus.items[Columns.Title], strict=True):
        if title and (plain := _plain(title)):
            equal[plain].append(item_id)
    return equal


def _alike(corpus: Corpus, names: Sequence[str]) -> list[list[str]]:
    """For each name the items whose titles share most rare runs of three letters with it."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    titles = [title or "" for title in corpus.items[Columns.Title]]
    if len(titles) > MOST_TITLES or not any(map(str.strip, titles)):
        return [[] for _ in names]
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3), dtype=np.float32)
    try:
        known = vectors.fit_transform(map(_plain, titles))
    except ValueError:  # no letters at all
        return [[] for _ in names]
    near = (vectors.transform(map(_plain, names)) @ known.T).toarray()
    return [
        [corpus.item_ids[at] for at in np.argsort(-row, kind="stable")[:CHOICES] if row[at] > ALIKE]
        for row in near
    ]

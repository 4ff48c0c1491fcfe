"""Each kind of edit in words: its mark in the table of a history, and a sentence about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.corpus.corpus import Corpus
from core.domain import Event, History
from core.language import mark, tr
from core.scenario.edits import Edit, Op, name_of
from core.views import wording


@dataclass(frozen=True, slots=True)
class EditWords:
    """The words of one kind of edit."""

    mark: str
    """Sign and word in the table's column of changes, marked for translation."""
    words: Callable[[Edit, str, Any], str]
    """What an edit did to its event, which is given in words; last, the value before it."""
    field: str = ""
    """Which value of the event it replaces, where a person can read both."""


def _added(edit: Edit, event: str, old: None) -> str:
    if edit.rating is None:
        return tr("added {event}", event=event)
    return tr("added {event}, rated {rating}", event=event, rating=wording.rating(edit.rating))


def _rated(edit: Edit, event: str, old: float | None) -> str:
    change = _change(wording.rating(old), wording.rating(edit.rating))
    return tr("rated {event}: {change}", event=event, change=change)


def _dated(edit: Edit, event: str, old: datetime | None) -> str:
    if edit.timestamp is None:
        return ""
    new = edit.timestamp
    times = [wording.day(when) if when else "" for when in (old, new)]
    if old is not None and times[0] == times[1]:
        times = [f"{wording.day(when)} {when:%H:%M}" for when in (old, new)]
    return tr("dated {event}: {change}", event=event, change=_change(*times))


def _moved(edit: Edit, event: str, old: None) -> str:
    if edit.to is None:
        return ""
    return tr("moved {event} to {place}", event=event, place=name_of(edit.to))


def _deleted(edit: Edit, event: str, old: None) -> str:
    return tr("deleted {event}", event=event)


def _rewritten(edit: Edit, event: str, old: None) -> str:
    return tr("rewrote the text of {event}", event=event)


def _change(old: str, new: str) -> str:
    none = tr("none")
    return f"{old or none} → {new}"


WORDS = {
    Op.ADD: EditWords(mark("+ added"), _added),
    Op.DELETE: EditWords(mark("✕ deleted"), _deleted),
    Op.RATE: EditWords(mark("✎ rating"), _rated, "rating"),
    Op.EDIT: EditWords(mark("✎ text"), _rewritten),
    Op.DATE: EditWords(mark("✎ date"), _dated, "timestamp"),
    Op.MOVE: EditWords(mark("⇅ moved"), _moved),
}
"""A new kind of edit gets its line here."""


def marks(edits: Sequence[Edit], before: Event | None = None) -> str:
    """What edits did to one event: ``✎ rating 4 → 1, ✎ text``; ``before`` is the base's event."""
    last = {edit.op: edit for edit in edits}
    said = []
    for op, edit in last.items():
        change = ""
        if op is Op.RATE and before is not None:
            change = f" {_change(wording.rating(before.rating), wording.rating(edit.rating))}"
        said.append(tr(WORDS[op].mark) + change)
    return tr(", ").join(said)


def edit_words(
    corpus: Corpus,
    base: History,
    edits: Sequence[Edit],
    number: int,
    longest: int | None = wording.TITLE,
) -> str:
    """One edit in words, with the value before it and after it; ``number`` is 1-based.

    ``longest`` is how many characters its event may take; None for all, as in files.
    """
    edit = edits[number - 1]
    event = _event_words(corpus, base, edits, edit)
    event = event if longest is None else wording.short(event, longest)
    kind = WORDS[edit.op]
    return kind.words(edit, event, _value_before(base, edits, number, kind.field))


def _value_before(base: History, edits: Sequence[Edit], number: int, field: str) -> Any:
    """What a field of an edit's event was before that edit; None where it isn't known."""
    handle = edits[number - 1].step
    if not field or handle is None:
        return None
    for edit in reversed(edits[: number - 1]):
        if edit.step == handle and getattr(edit, field) is not None:
            return getattr(edit, field)
    if isinstance(handle, int):
        return getattr(base.events[handle - 1], field) if 1 <= handle <= len(base) else None
    added = [edit for edit in edits[: number - 1] if edit.op is Op.ADD]
    at = int(handle[1:]) - 1
    return getattr(added[at], field) if at < len(added) else None


def _event_words(corpus: Corpus, base: History, edits: Sequence[Edit], edit: Edit) -> str:
    if edit.op is Op.ADD:
        return corpus.title(edit.item_id or "")
    handle = edit.step
    if isinstance(handle, int):
        known = 1 <= handle <= len(base)
        item = corpus.event_title(base.events[handle - 1]) if known else ""
    else:
        added = [other.item_id or "" for other in edits if other.op is Op.ADD]
        at = int(str(handle)[1:]) - 1
        item = corpus.title(added[at]) if at < len(added) else ""
    name = name_of(handle) if handle is not None else ""
    return f"{name} · {item}" if item else name

"""Each kind of edit in words: its mark in the table of a history, and a sentence about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from core.corpus.corpus import Corpus
from core.domain import History
from core.scenario.edits import Edit, Op, name_of
from core.views import wording


@dataclass(frozen=True, slots=True)
class EditWords:
    """The words of one kind of edit."""

    mark: str
    """Sign and word in the table's column of changes."""
    words: Callable[[Edit, str], str]
    """What an edit did to its event, which is given in words."""


def _added(edit: Edit, event: str) -> str:
    rated = f", rated {wording.rating(edit.rating)}" if edit.rating is not None else ""
    return f"added {event}{rated}"


def _dated(edit: Edit, event: str) -> str:
    return f"dated {event} {wording.day(edit.timestamp)}" if edit.timestamp else ""


def _moved(edit: Edit, event: str) -> str:
    return f"moved {event} to {name_of(edit.to)}" if edit.to is not None else ""


WORDS = {
    Op.ADD: EditWords("+ added", _added),
    Op.DELETE: EditWords("✕ deleted", lambda edit, event: f"deleted {event}"),
    Op.RATE: EditWords(
        "✎ rating", lambda edit, event: f"rated {event} {wording.rating(edit.rating)}"
    ),
    Op.EDIT: EditWords("✎ text", lambda edit, event: f"rewrote the text of {event}"),
    Op.DATE: EditWords("✎ date", _dated),
    Op.MOVE: EditWords("⇅ moved", _moved),
}
"""A new kind of edit gets its line here."""


def marks(edits: Iterable[Edit]) -> str:
    """What edits did to one event: ``✎ rating, ✎ text``."""
    return ", ".join(WORDS[op].mark for op in dict.fromkeys(edit.op for edit in edits))


def edit_words(corpus: Corpus, base: History, edits: Sequence[Edit], number: int) -> str:
    """One edit in words; ``number`` is 1-based."""
    edit = edits[number - 1]
    event = wording.short(_event_words(corpus, base, edits, edit), wording.TITLE)
    return WORDS[edit.op].words(edit, event)


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

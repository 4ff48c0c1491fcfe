"""Edits of one user's history, and the history that they make of a base.

An edit names an event of the *base* history by its step, or an event that the same scenario added
before by its name: the first ``add`` of a list makes a1, the second a2, whatever stands between
them. Edits apply in their order (docs/contracts.md, What-if).
"""

from __future__ import annotations

import difflib
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from reprlib import repr as short
from typing import Any

from core.corpus.corpus import Corpus
from core.corpus.validate import MAX_TEXT, clean_text, outside, scale_words
from core.domain import DomainError, Event, EventKind, History, order_hash
from core.scenario.fields import READERS, Handle, all_of, one_of

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""Times that an import accepts; an edit has the same bounds."""


class Op(StrEnum):
    """What an edit does."""

    ADD = "add"
    EDIT = "edit"
    DELETE = "delete"
    RATE = "rate"
    DATE = "date"
    MOVE = "move"


NEEDED: dict[Op, tuple[str, ...]] = {
    Op.ADD: ("item_id", "timestamp"),
    Op.EDIT: ("step", "text"),
    Op.DELETE: ("step",),
    Op.RATE: ("step", "rating"),
    Op.DATE: ("step", "timestamp"),
    Op.MOVE: ("step", "to"),
}
"""The fields that each kind of edit must have."""
OPTIONAL: dict[Op, tuple[str, ...]] = {Op.ADD: ("kind", "rating", "text")}


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a history. Which fields are set depends on ``op`` (``NEEDED``, ``OPTIONAL``).

    ``text`` is the whole review, its title included: an edited event has no title of its own.
    ``kind`` of an added event is, where left out, what an import would make of it: a review with
    text, else a rating with a rating, else a view. ``to`` is the event whose place is taken.
    """

    op: Op
    step: Handle | None = None
    item_id: str | None = None
    text: str | None = None
    rating: float | None = None
    timestamp: datetime | None = None
    to: Handle | None = None
    kind: EventKind | None = None

    @property
    def label(self) -> str:
        """The edit in a few words, as messages name it: ``rate step 12``, ``edit a1``."""
        if self.op is Op.ADD:
            return f"add {(self.item_id or 'an event')[:80]}"
        return f"{self.op} {name_of(self.step) if self.step is not None else 'an event'}"

    def to_json(self) -> dict[str, Any]:
        """The contract's form: only what is set, the time as ISO text in UTC."""
        found = {name: getattr(self, name) for name in _FIELDS}
        return {
            name: value.isoformat()
            if isinstance(value, datetime)
            else str(value)
            if isinstance(value, StrEnum)
            else value
            for name, value in found.items()
            if value is not None
        }

    @classmethod
    def from_json(cls, value: object, where: str = "edit") -> Edit:
        """Read the contract's form; DomainError, with ``where``, for any other.

        A time without a zone is UTC; a bare date its first instant.
        """
        if not isinstance(value, Mapping):
            raise DomainError("an edit is an object with op and its fields", where=where)
        found = {str(name): inner for name, inner in value.items() if inner is not None}
        op = _read_op(found.pop("op", None), where)
        allowed = (*NEEDED[op], *OPTIONAL.get(op, ()))
        for name in found:
            if name not in allowed:
                raise DomainError(
                    f"{op} takes no field {name!r}", where=where, remedy=f"Use {all_of(allowed)}"
                )
        edit = cls(op, **{name: READERS[name](inner, where) for name, inner in found.items()})
        _check_fields(edit, f"{where} ({edit.label})")
        return edit


_FIELDS = ("op", "step", "item_id", "text", "rating", "timestamp", "to", "kind")


@dataclass(frozen=True, eq=False)
class EditedHistory:
    """A base history and what a list of edits makes of it.

    ``history`` is in contract order, but for moves among equal times. Its clock is the base's, or
    its own last event where that is later: a deleted last event doesn't turn back the time at which
    the list is asked for. What is excluded follows from its own events.
    """

    base: History
    edits: tuple[Edit, ...]
    """As they were applied: texts without control characters and half characters."""
    history: History
    origins: tuple[Handle, ...]
    """Of each event of ``history``: the base's step, or a1, a2, ..."""
    touched: tuple[tuple[int, ...], ...]
    """Of each event of ``history``: the 1-based numbers of the edits that made or changed it."""

    @property
    def removed(self) -> tuple[int, ...]:
        """Steps of the base that are gone."""
        left = set(self.origins)
        return tuple(step for step in range(1, len(self.base) + 1) if step not in left)

    def step_of(self, handle: Handle) -> int | None:
        """Where an event is now: its step in ``history``, None where it is gone."""
        return self.origins.index(handle) + 1 if handle in self.origins else None


def edits_from_json(values: object) -> tuple[Edit, ...]:
    """Read the contract's list of edits; DomainError names the entry (``edit 3``)."""
    if not isinstance(values, list):
        raise DomainError("edits are a list of objects", remedy='For example [{"op": "delete", ...')
    return tuple(Edit.from_json(value, f"edit {n}") for n, value in enumerate(values, start=1))


def apply_edits(base: History, edits: Sequence[Edit], corpus: Corpus) -> EditedHistory:
    """The history after all edits, in their order.

    DomainError for the first edit that can't be applied: an unknown item, a rating outside the
    corpus's scale, an impossible time, an empty text, a move between unequal times, an event that
    does not exist or was deleted. Its ``where`` is such as ``edit 3 (rate step 12)``.
    """
    bench = _Bench(base, corpus)
    for number, edit in enumerate(edits, start=1):
        bench.apply(number, edit)
    return bench.result(edits)


def apply_some(
    base: History, edits: Sequence[Edit], corpus: Corpus, numbers: Iterable[int]
) -> EditedHistory:
    """The history after the edits of these 1-based numbers alone.

    Names of added events stay those of the whole list; an edit that needs one which is left out
    does nothing.
    """
    return _apply_what_can_be(base, edits, corpus, set(numbers))[0]


def find_problems(base: History, edits: Sequence[Edit], corpus: Corpus) -> dict[int, DomainError]:
    """Every edit that can't be applied, by its 1-based number; the others are applied."""
    return _apply_what_can_be(base, edits, corpus, set(range(1, len(edits) + 1)))[1]


def _apply_what_can_be(
    base: History, edits: Sequence[Edit], corpus: Corpus, numbers: set[int]
) -> tuple[EditedHistory, dict[int, DomainError]]:
    bench = _Bench(base, corpus)
    problems = {}
    for number, edit in enumerate(edits, start=1):
        try:
            if number in numbers:
                bench.apply(number, edit)
            else:
                bench.skip(edit)
        except DomainError as problem:
            problems[number] = problem
    return bench.result(edits), problems


def name_of(handle: Handle) -> str:
    """An event in words: ``step 12``, or ``a1``."""
    return f"step {handle}" if isinstance(handle, int) else handle


@dataclass(frozen=True, slots=True)
class _Entry:
    handle: Handle
    event: Event
    touched: tuple[int, ...] = ()


@dataclass(eq=False)
class _Bench:
    """A history being edited."""

    base: History
    corpus: Corpus
    entries: list[_Entry] = field(init=False)
    added: int = 0

    def __post_init__(self) -> None:
        self.entries = [_Entry(step, event) for step, event in enumerate(self.base.events, start=1)]

    def skip(self, edit: Edit) -> None:
        self.added += edit.op is Op.ADD

    def apply(self, number: int, edit: Edit) -> None:
        self.added += edit.op is Op.ADD
        where = f"edit {number} ({edit.label})"
        _check_fields(edit, where)
        _check_values(edit, self.corpus, where)
        if edit.op is Op.ADD:
            event = changed_event(None, edit)
            assert event is not None
            self._insert(_Entry(f"a{self.added}", event, (number,)))
            return
        assert edit.step is not None
        at = self._find(edit.step, where)
        entry = self.entries[at]
        event = changed_event(entry.event, edit)
        if event is None:
            del self.entries[at]
            return
        changed = _Entry(entry.handle, event, (*entry.touched, number))
        if edit.op is Op.MOVE:
            self._move(at, edit, changed, where)
        elif event.timestamp != entry.event.timestamp:
            del self.entries[at]
            self._insert(changed)
        elif edit.op is not Op.DATE:
            self.entries[at] = changed

    def result(self, edits: Sequence[Edit]) -> EditedHistory:
        history = self.base
        if edits:
            events = tuple(entry.event for entry in self.entries)
            times = [at for at in (self.base.at, *(e.timestamp for e in events[-1:])) if at]
            history = History(self.base.user_id, events, max(times, default=None))
        return EditedHistory(
            base=self.base,
            edits=tuple(
                replace(edit, text=clean_text(edit.text)) if edit.text else edit for edit in edits
            ),
            history=history,
            origins=tuple(entry.handle for entry in self.entries),
            touched=tuple(entry.touched for entry in self.entries),
        )

    def _find(self, handle: Handle, where: str) -> int:
        for at, entry in enumerate(self.entries):
            if entry.handle == handle:
                return at
        exists = (
            1 <= handle <= len(self.base)
            if isinstance(handle, int)
            else handle in {f"a{number}" for number in range(1, self.added + 1)}
        )
        steps = f"a step from 1 to {len(self.base)}" if len(self.base) else "an added event"
        raise DomainError(
            f"{name_of(handle)} {'was deleted before' if exists else 'does not exist'}",
            where=where,
            remedy=f"Choose {steps}, or a1, a2, ... for an event added before",
        )

    def _insert(self, entry: _Entry) -> None:
        place = bisect_right(self.entries, self._order(entry), key=self._order)
        self.entries.insert(place, entry)

    def _order(self, entry: _Entry) -> tuple[datetime, str]:
        event = entry.event
        return event.timestamp, order_hash(self.base.user_id, event.item_id, event.kind)

    def _move(self, at: int, edit: Edit, entry: _Entry, where: str) -> None:
        assert edit.to is not None
        to = self._find(edit.to, where)
        other = self.entries[to].event.timestamp
        if other != entry.event.timestamp:
            raise DomainError(
                f"{name_of(edit.to)} is at another time ({other.isoformat()}, not "
                f"{entry.event.timestamp.isoformat()})",
                where=where,
                remedy="Events move only among equal times; give it another date instead",
            )
        del self.entries[at]
        self.entries.insert(to, entry)


def changed_event(event: Event | None, edit: Edit) -> Event | None:
    """What an edit makes of its event; None where it deletes it. An ``add`` has no event before.

    The edit's fields are taken as they are: ``apply_edits`` checks them.
    """
    if edit.op is Op.DELETE:
        return None
    text = None if edit.text is None else clean_text(edit.text)
    if event is None:
        assert edit.item_id is not None and edit.timestamp is not None
        kind = edit.kind or _kind_of(edit)
        return Event(edit.item_id, edit.timestamp.astimezone(UTC), kind, edit.rating, text=text)
    if edit.op is Op.EDIT:
        return replace(event, title=None, text=text)
    if edit.op is Op.RATE:
        return replace(event, rating=edit.rating)
    if edit.op is Op.DATE and edit.timestamp is not None:
        return replace(event, timestamp=edit.timestamp.astimezone(UTC))
    return event


def _kind_of(edit: Edit) -> EventKind:
    """What an import would make of an added event without a kind."""
    if edit.text is not None:
        return EventKind.REVIEW
    return EventKind.VIEW if edit.rating is None else EventKind.RATING


def _check_fields(edit: Edit, where: str) -> None:
    missing = [name for name in NEEDED[edit.op] if getattr(edit, name) is None]
    if missing:
        raise DomainError(f"{edit.op} needs {all_of(missing)}", where=where)


def _check_values(edit: Edit, corpus: Corpus, where: str) -> None:
    if edit.item_id is not None and edit.item_id not in corpus.item_index:
        close = difflib.get_close_matches(edit.item_id[:80], corpus.item_ids[:50_000], n=3)
        hint = f"Did you mean {', '.join(close)}?" if close else "Choose an item of the corpus"
        raise DomainError(f"there is no item {short(edit.item_id)}", where=where, remedy=hint)
    if edit.text is not None:
        text = clean_text(edit.text)
        if not text:
            raise DomainError(
                "the text is empty", where=where, remedy="Write one, or leave the text out"
            )
        if len(text) > MAX_TEXT:
            raise DomainError(
                f"the text has {len(text):,} characters", where=where,
                remedy=f"Keep it to {MAX_TEXT:,}",
            )  # fmt: skip
    if edit.rating is not None:
        _check_rating(edit.rating, corpus.manifest.rating_scale, where)
    elif edit.kind is EventKind.RATING:
        raise DomainError("a rating needs its number", where=where, remedy="Give a rating")
    if edit.timestamp is not None and not EARLIEST <= _aware(edit.timestamp, where) < LATEST:
        raise DomainError(
            f"{edit.timestamp.isoformat()} is no possible date",
            where=where,
            remedy="Choose one from 1970 to 2099",
        )


def _check_rating(rating: float, scale: tuple[float, float] | None, where: str) -> None:
    if scale is None:
        raise DomainError("this corpus has no ratings", where=where, remedy="Leave the rating out")
    if not scale[0] <= rating <= scale[1]:
        raise DomainError(
            f"the rating {rating:g} {outside(scale)}",
            where=where,
            remedy=f"Choose one within {scale_words(scale)}",
        )


def _aware(instant: datetime, where: str) -> datetime:
    if instant.tzinfo is None:
        raise DomainError(f"{instant.isoformat()} has no time zone", where=where, remedy="Use UTC")
    return instant


def _read_op(value: object, where: str) -> Op:
    if not isinstance(value, str) or value not in set(Op):
        raise DomainError(
            f"unknown op {short(value)}", where=where, remedy=f"Use {one_of(list(Op))}"
        )
    return Op(value)

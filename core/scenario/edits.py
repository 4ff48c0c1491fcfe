"""Edits of one user's history, and the history that they make of a base.

An edit names an event of the *base* history by its step, or an event that the same scenario added
before by its name: the first ``add`` of a list makes a1, the second a2, whatever stands between
them. Edits apply in their order (docs/contracts.md, What-if).
"""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from reprlib import repr as short
from typing import Any, NoReturn, TypeVar

from core.corpus.corpus import Corpus
from core.corpus.ratings import scale_words
from core.corpus.texts import MAX_TEXT, clean_text
from core.domain import DomainError, Event, EventKind, History, order_hash, read_utc
from core.language import mark, tr

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""Times that an import accepts; an edit has the same bounds."""
Handle = int | str
"""How an edit names an event: the base history's step, or a1, a2, ... for an added one."""
ADDED = re.compile(r"a[1-9]\d{0,5}")
Choice = TypeVar("Choice", bound=StrEnum)


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
LABELS = {
    Op.ADD: mark("add {event}"),
    Op.EDIT: mark("edit {event}"),
    Op.DELETE: mark("delete {event}"),
    Op.RATE: mark("rate {event}"),
    Op.DATE: mark("date {event}"),
    Op.MOVE: mark("move {event}"),
}
OPTIONAL: dict[Op, tuple[str, ...]] = {Op.ADD: ("kind", "rating", "text")}


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a history. Which fields are set depends on ``op`` (``NEEDED``, ``OPTIONAL``).

    ``text`` is the whole review, its title included: an edited event has no title of its own.
    ``kind`` of an added event is, where left out, what an import would make of it: a review with
    text, else a rating with a rating, else a view. ``to`` is the event whose step is taken.
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
            event = (self.item_id or tr("an event"))[:80]
        else:
            event = name_of(self.step) if self.step is not None else tr("an event")
        return tr(LABELS[self.op], event=event)

    def to_json(self) -> dict[str, Any]:
        """The contract's form: only what is set, the time as ISO text in UTC."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        values["op"], values["kind"] = str(self.op), self.kind and str(self.kind)
        values["timestamp"] = self.timestamp and self.timestamp.isoformat()
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_json(cls, value: object, where: str = "") -> Edit:
        """Read the contract's form; DomainError, with ``where``, for any other.

        A time without a zone is UTC; a bare date its first instant.
        """
        where = where or tr("edit")
        if not isinstance(value, Mapping):
            raise DomainError(tr("an edit is an object with op and its fields"), where=where)
        values = {str(name): each for name, each in value.items() if each is not None}
        op = read_choice(Op, "op", values.pop("op", None), where)
        allowed = (*NEEDED[op], *OPTIONAL.get(op, ()))
        for name in values:
            if name not in allowed:
                raise DomainError(
                    tr("{op} takes no field {name!r}", op=op, name=name),
                    where=where,
                    remedy=tr("Use {names}", names=tr(", ").join(allowed)),
                )
        edit = cls(op, **{name: READERS[name](each, where) for name, each in values.items()})
        _check_fields(edit, tr("{where} ({edit})", where=where, edit=edit.label))
        return edit


@dataclass(frozen=True, eq=False)
class EditedHistory:
    """A base history and what a list of edits makes of it.

    ``history`` is in contract order, save for moves among equal times. Its clock is the base's, or
    its own last event where that is later: a deleted last event doesn't turn back the time at which
    the list is asked for. What is excluded follows from its own events.
    """

    base: History
    edits: tuple[Edit, ...]
    """As they were applied: texts without control characters and invalid Unicode."""
    history: History
    origins: tuple[Handle, ...]
    """Of each event of ``history``: the base's step, or a1, a2, ..."""
    touched: tuple[tuple[int, ...], ...]
    """Of each event of ``history``: the 1-based numbers of the edits that made or changed it."""

    @property
    def removed(self) -> tuple[int, ...]:
        """Steps of the base that are gone."""
        return tuple(sorted({*range(1, len(self.base) + 1)}.difference(self.origins)))

    def step_of(self, handle: Handle) -> int | None:
        """Where an event is now: its step in ``history``, None where it is gone."""
        return self.origins.index(handle) + 1 if handle in self.origins else None


def edits_from_json(values: object) -> tuple[Edit, ...]:
    """Read the contract's list of edits; DomainError names the entry (``edit 3``)."""
    if not isinstance(values, list):
        example = '[{"op": "delete", ...'
        raise DomainError(
            tr("edits are a list of objects"), remedy=tr("For example {example}", example=example)
        )
    return tuple(
        Edit.from_json(value, tr("edit {n}", n=n)) for n, value in enumerate(values, start=1)
    )


def apply_edits(base: History, edits: Sequence[Edit], corpus: Corpus) -> EditedHistory:
    """The history after all edits, in their order.

    DomainError for the first edit that can't be applied: an unknown item, a rating outside the
    corpus's scale, an impossible time, an empty text, a move between unequal times, an event that
    does not exist or was deleted. Its ``where`` is such as ``edit 3 (rate step 12)``.
    """
    editing = _Editing(base, corpus)
    for number, edit in enumerate(edits, start=1):
        editing.apply(number, edit)
    return editing.result(edits)


def apply_some(
    base: History, edits: Sequence[Edit], corpus: Corpus, numbers: Iterable[int]
) -> EditedHistory:
    """The history after the edits of these 1-based numbers alone.

    Names of added events stay those of the whole list; an edit that needs one which is left out
    does nothing.
    """
    return _apply_possible(base, edits, corpus, set(numbers))[0]


def find_problems(base: History, edits: Sequence[Edit], corpus: Corpus) -> dict[int, DomainError]:
    """Every edit that can't be applied, by its 1-based number; the others are applied."""
    return _apply_possible(base, edits, corpus, set(range(1, len(edits) + 1)))[1]


def _apply_possible(
    base: History, edits: Sequence[Edit], corpus: Corpus, numbers: set[int]
) -> tuple[EditedHistory, dict[int, DomainError]]:
    editing = _Editing(base, corpus)
    problems = {}
    for number, edit in enumerate(edits, start=1):
        if number not in numbers:
            editing.added += edit.op is Op.ADD
            continue
        try:
            editing.apply(number, edit)
        except DomainError as problem:
            problems[number] = problem
    return editing.result(edits), problems


def name_of(handle: Handle) -> str:
    """An event in words: ``step 12``, or ``a1``."""
    return tr("step {step}", step=handle) if isinstance(handle, int) else handle


def new_event(edit: Edit, base: History) -> Event:
    """The event that an ``add`` to ``base`` makes, from fields that ``apply_edits`` has checked."""
    assert edit.item_id is not None and edit.timestamp is not None
    text = None if edit.text is None else clean_text(edit.text)
    kind = EventKind.VIEW if edit.rating is None else EventKind.RATING
    kind = edit.kind or (kind if text is None else EventKind.REVIEW)
    at = edit.timestamp.astimezone(UTC)
    return Event(edit.item_id, at, kind, edit.rating, text=text, timed=base.timed)


def changed_event(event: Event, edit: Edit) -> Event | None:
    """What another edit makes of its event; None where it deletes it."""
    if edit.op is Op.DELETE:
        return None
    if edit.op is Op.EDIT:
        return replace(event, title=None, text=clean_text(edit.text or ""))
    if edit.op is Op.RATE:
        return replace(event, rating=edit.rating)
    if edit.op is Op.DATE and edit.timestamp is not None:
        return replace(event, timestamp=edit.timestamp.astimezone(UTC))
    return event


@dataclass(frozen=True, slots=True)
class _Entry:
    handle: Handle
    event: Event
    touched: tuple[int, ...] = ()


@dataclass(eq=False)
class _Editing:
    """A history being edited; ``added`` counts the ``add`` edits so far."""

    base: History
    corpus: Corpus
    entries: list[_Entry] = field(init=False)
    added: int = 0

    def __post_init__(self) -> None:
        self.entries = [_Entry(step, event) for step, event in enumerate(self.base.events, start=1)]

    def apply(self, number: int, edit: Edit) -> None:
        self.added += edit.op is Op.ADD
        where = tr("{where} ({edit})", where=tr("edit {n}", n=number), edit=edit.label)
        _check_fields(edit, where)
        check_values(edit, self.corpus, where)
        if edit.op is Op.ADD:
            entry = _Entry(f"a{self.added}", new_event(edit, self.base), (number,))
            insort(self.entries, entry, key=self._order)
            return
        at = to = self._find(edit.step, where)
        entry = self.entries[at]
        if edit.op is Op.DATE and edit.timestamp == entry.event.timestamp:
            return
        if edit.op is Op.MOVE:
            to = self._find(edit.to, where)
            other, own = self.entries[to].event.timestamp, entry.event.timestamp
            if other != own:
                raise DomainError(
                    tr(
                        "{event} is at another time ({other}, not {own})",
                        event=name_of(self.entries[to].handle),
                        other=other.isoformat(),
                        own=own.isoformat(),
                    ),
                    where=where,
                    remedy=tr("Events move only among equal times; give it another date instead"),
                )
        del self.entries[at]
        event = changed_event(entry.event, edit)
        if event is not None:
            changed = _Entry(entry.handle, event, (*entry.touched, number))
            if self._order(changed) != self._order(entry):
                insort(self.entries, changed, key=self._order)
            else:
                self.entries.insert(to, changed)

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

    def _find(self, handle: Handle | None, where: str) -> int:
        assert handle is not None
        for at, entry in enumerate(self.entries):
            if entry.handle == handle:
                return at
        known = {*range(1, len(self.base) + 1), *(f"a{n}" for n in range(1, self.added + 1))}
        if handle in known:
            what = tr("{event} was already deleted", event=name_of(handle))
        else:
            what = tr("{event} does not exist", event=name_of(handle))
        if len(self.base):
            remedy = tr(
                "Choose a step from 1 to {last}, or a1, a2, ... for an event added before",
                last=len(self.base),
            )
        else:
            remedy = tr("Choose an added event, or a1, a2, ... for an event added before")
        raise DomainError(what, where=where, remedy=remedy)

    def _order(self, entry: _Entry) -> tuple[datetime, str]:
        event = entry.event
        return event.timestamp, order_hash(self.base.user_id, event.item_id, event.kind)


def _check_fields(edit: Edit, where: str) -> None:
    missing = [name for name in NEEDED[edit.op] if getattr(edit, name) is None]
    if missing:
        names = tr(" and ").join(missing)
        raise DomainError(tr("{op} needs {names}", op=edit.op, names=names), where=where)


def check_values(edit: Edit, corpus: Corpus, where: str = "") -> None:
    """DomainError for the first field that is set to what no event of the corpus can have."""

    def refuse(problem: str, remedy: str) -> NoReturn:
        raise DomainError(problem, where=where, remedy=remedy)

    if edit.item_id is not None:
        corpus.index_of(edit.item_id, where)
    if edit.text is not None:
        length = len(clean_text(edit.text))
        if not length:
            refuse(tr("the text is empty"), tr("Write one, or leave the text out"))
        if length > MAX_TEXT:
            what = tr("the text has {n:,} characters", n=length)
            refuse(what, tr("Keep it to {most:,}", most=MAX_TEXT))
    if edit.op is Op.DATE and corpus.manifest.order_as_time:
        refuse(
            tr("this corpus has no times, only the order of events"),
            tr("Add or delete events instead"),
        )
    scale, rating, time = corpus.manifest.rating_scale, edit.rating, edit.timestamp
    known = corpus.manifest.known_kinds
    if edit.kind is not None and edit.kind not in known:
        what = tr("this corpus has no event of kind {kind}", kind=edit.kind)
        refuse(what, tr("Use one of {names}", names=tr(", ").join(known)))
    if rating is None:
        if edit.kind is EventKind.RATING:
            refuse(tr("a rating needs its number"), tr("Give a rating"))
    elif scale is None:
        refuse(tr("this corpus has no ratings"), tr("Leave the rating out"))
    elif not scale[0] <= rating <= scale[1]:
        said = scale_words(scale)
        what = tr("the rating {rating:g} is outside the scale {scale}", rating=rating, scale=said)
        refuse(what, tr("Choose one in {scale}", scale=said))
    if time is not None:
        if time.tzinfo is None:
            refuse(tr("{time} has no time zone", time=time.isoformat()), tr("Use UTC"))
        if not EARLIEST <= time < LATEST:
            what = tr("{time} is out of range", time=time.isoformat())
            refuse(what, tr("Choose a date from 1970 to 2099"))


def read_handle(value: object, where: str) -> Handle:
    """A base step as a whole number, or the name of an added event."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and ADDED.fullmatch(value):
        return value
    what = tr("{value} does not name an event", value=short(value))
    remedy = tr("Use a step such as 12, or a1 for the first added event")
    raise DomainError(what, where=where, remedy=remedy)


def read_str(value: object, where: str) -> str:
    """Text as it is."""
    if not isinstance(value, str):
        what = tr("{value} is not text", value=short(value))
        raise DomainError(what, where=where, remedy=tr("Put it in quotes"))
    return value


def read_rating(value: object, where: str) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e300:
        what = tr("the rating {value} is not a number", value=short(value))
        raise DomainError(what, where=where)
    return float(value)


def read_time(value: object, where: str) -> datetime:
    """An ISO time as UTC; without a zone it is UTC, a bare date its first instant."""
    try:
        return read_utc(value if isinstance(value, str) else "")
    except (ValueError, OverflowError):
        what = tr("{value} is not a valid date", value=short(value))
        remedy = tr("Use one such as 2024-03-01 or 2024-03-01T12:00:00")
        raise DomainError(what, where=where, remedy=remedy) from None


def read_choice(choices: type[Choice], name: str, value: object, where: str) -> Choice:
    """One of the values of an enumeration."""
    if not isinstance(value, str) or value not in set(choices):
        what = tr("unknown {name} {value}", name=name, value=short(value))
        remedy = tr("Use one of {names}", names=tr(", ").join(choices))
        raise DomainError(what, where=where, remedy=remedy)
    return choices(value)


READERS: dict[str, Callable[[object, str], Any]] = {
    "step": read_handle,
    "to": read_handle,
    "item_id": read_str,
    "text": read_str,
    "rating": read_rating,
    "timestamp": read_time,
    "kind": partial(read_choice, EventKind, "kind"),
}

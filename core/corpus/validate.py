"""One row of a file becomes one event, or the reason why it can't be one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from core.corpus.described import read_quantity
from core.corpus.kinds import kind_of
from core.corpus.options import CLOCK, NONE, QUANTITY
from core.corpus.ratings import Rating, RatingStyle
from core.corpus.source import BadRow
from core.corpus.syntax.protocol import Values
from core.corpus.texts import IS_MISSING, MAX_TEXT, NO_NUMBER, is_missing, read_id, read_text
from core.corpus.time_forms import NO_CLOCK, NotATime, read_clock
from core.corpus.timestamps import DAY_MICROS, TimeUnit
from core.domain import Columns
from core.language import mark

MEMO = 100_000
UNKNOWN_WORDS = 1_000
NO_RATING = Rating()
GIVEN_BACK = mark("is below zero: what was given back is no event")
NO_EVENT = mark("stands for no event")
OPEN = ""
"""The kind of an event whose file names none: it follows from rating and text at the end."""


class ValidEvent(NamedTuple):
    """One event as it waits for the end of the import.

    ``kind`` may be OPEN; ``rating`` is on the file's own scale, ``share`` (0 to 1) on the one that
    the value names itself.
    """

    user: str
    item: str
    time: int
    kind: str
    rating: float | None
    title: str | None
    text: str | None
    share: float | None


class _Memo(dict[str, Any]):
    """What was made of texts that come again and again."""

    def __init__(self, read: Callable[[str], Any]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, value: str) -> Any:
        result = self._read(value)
        if len(self) < MEMO:
            self[value] = result
        return result


def _clock(value: str) -> int | None:
    try:
        return read_clock(value) // timedelta(microseconds=1)
    except NotATime:
        return None


class EventReader:
    """Reads rows of one file as events.

    ``columns`` maps fields to the file's columns; ``wanted`` are the columns whose values ``read``
    takes, in this order, and then the
    columns ``also``. ``unit`` None: an event's time is its place among the user's rows, one a
    day, counted in ``order``. ``whole``: fields of ids whose "12.0" is 12. ``kind``: that of
    events whose row names none; ``one_user``: whose the rows are, where no column says it;
    ``numbers``: fields whose ids are numbers, among which NA is none.
    ``dropped`` are the optional values of the latest row that could not be read; ``shortened``
    counts texts cut at MAX_TEXT; ``unknown`` counts unknown words of the kind column; ``wholes``
    counts what ratings such as 3/5 are of.
    """

    def __init__(
        self,
        columns: Mapping[str, str],
        unit: TimeUnit | None,
        style: RatingStyle,
        kinds: Mapping[str, str],
        whole: frozenset[str],
        order: Counter[str],
        kind: str = OPEN,
        also: Sequence[str] = (),
        one_user: str = "",
        numbers: frozenset[str] = frozenset(),
    ) -> None:
        fields = [field for field in (*Columns.EVENTS, CLOCK, QUANTITY) if field in columns]
        if unit is None and Columns.Time in fields:
            fields.remove(Columns.Time)
        self._n_values = len(fields)
        self.wanted = (*(columns[field] for field in fields), *also)
        places = {field: place for place, field in enumerate(fields)}
        self._user, self._item = places.get(Columns.User, -1), places[Columns.Item]
        self._one_user = one_user
        self._time_place = places.get(Columns.Time, -1)
        self._kind_place = places.get(Columns.Kind, -1)
        self._rating_place = places.get(Columns.Rating, -1)
        self._title_place = places.get(Columns.Title, -1)
        self._text_place = places.get(Columns.Text, -1)
        self._clock_place = places.get(CLOCK, -1)
        self._quantity_place = places.get(QUANTITY, -1)
        self._unit, self._style, self._said, self._order = unit, style, kinds, order
        self._whole, self._numbers = whole, numbers
        self._default_kind = kind
        self._users = _Memo(lambda value: self._id(Columns.User, value))
        self._items = _Memo(lambda value: self._id(Columns.Item, value))
        self._ratings = _Memo(self._rating)
        self._quantities = _Memo(read_quantity)
        self._clocks = _Memo(_clock)
        self._kinds = _Memo(self._kind)
        self.dropped: list[BadRow] = []
        self._long, self._cut = "", ""
        self.shortened = 0
        self.unknown: Counter[str] = Counter()
        self.wholes: Counter[float] = Counter()

    def read(self, values: Values) -> ValidEvent | BadRow:
        """The row as an event, or why not."""
        item = values[self._item]
        user = self._one_user if self._user < 0 else values[self._user]
        try:
            user = self._users[user] if user.__class__ is str else self._id(Columns.User, user)
            item = self._items[item] if item.__class__ is str else self._id(Columns.Item, item)
            if self._quantity_place >= 0:
                self._check_quantity(values[self._quantity_place])
            kind = self._kind_of(values)
            time = self._time(user, values)
        except BadRow as bad:
            return bad
        rating = NO_RATING
        title, text = None, None
        if self._rating_place >= 0:
            value = values[self._rating_place]
            found = self._ratings[value] if value.__class__ is str else self._rating(value)
            if isinstance(found, BadRow):
                self.dropped.append(found)
            else:
                rating = found
                if rating.of is not None:
                    self.wholes[rating.of] += 1
        if self._title_place >= 0:
            title = self._text(Columns.Title, values[self._title_place])
        if self._text_place >= 0:
            text = self._text(Columns.Text, values[self._text_place])
        return ValidEvent(user, item, time, kind, rating.number, title, text, rating.share)

    def further(self, values: Values | BadRow) -> Values:
        """The row's values of the columns ``also``."""
        return () if isinstance(values, BadRow) else values[self._n_values :]

    def _id(self, field: str, value: Any) -> str:
        if field in self._numbers and str(value).strip().lower() in NO_NUMBER[field]:
            raise BadRow(field, IS_MISSING, value)
        return read_id(field, value, whole=field in self._whole)

    def _check_quantity(self, value: Any) -> None:
        """Refuse what was given back."""
        number = self._quantities[value] if value.__class__ is str else read_quantity(value)
        if number is not None and number < 0:
            raise BadRow(QUANTITY, GIVEN_BACK, value)

    def _time(self, user: str, values: Values) -> int:
        if self._unit is None:
            place = self._order[user]
            self._order[user] = place + 1
            return place * DAY_MICROS
        value = values[self._time_place]
        try:
            time = self._unit.read(value)
            return time if self._clock_place < 0 else self._with_clock(time, values)
        except (ValueError, OverflowError) as error:
            if is_missing(value):
                raise BadRow(Columns.Time, IS_MISSING) from None
            raise BadRow(Columns.Time, str(error), value) from None

    def _with_clock(self, time: int, values: Values) -> int:
        """The day and the time of day; the day alone where that can't be read."""
        value = values[self._clock_place]
        micros = self._clocks[value if value.__class__ is str else str(value)]
        if micros is None and not is_missing(value):
            self.dropped.append(BadRow(CLOCK, NO_CLOCK, value))
        return time + (micros or 0)

    def _rating(self, value: Any) -> Rating | BadRow:
        try:
            return self._style.read(value) or NO_RATING
        except BadRow as bad:
            return bad

    def _text(self, field: str, value: Any) -> str | None:
        if value is None or value == "":
            return None
        if value.__class__ is str and len(value) > MAX_TEXT:
            return self._long_text(field, value)
        try:
            text = read_text(field, value)
        except BadRow as bad:
            self.dropped.append(bad)
            return None
        if text is not None and len(text) > MAX_TEXT:
            self.shortened += 1
            text = text[:MAX_TEXT].rstrip()
        return text

    def _long_text(self, field: str, value: str) -> str | None:
        """A very long text, cut; one that comes again and again is in memory once."""
        self.shortened += 1
        if value is not self._long:
            text = read_text(field, value)
            self._long, self._cut = value, (text or "")[:MAX_TEXT].rstrip()
        return self._cut or None

    def _kind_of(self, values: Values) -> str:
        """The row's kind; unknown words are counted. BadRow where it says that it is no event."""
        if self._kind_place < 0:
            return self._default_kind
        value = values[self._kind_place]
        known = self._kinds[value] if value.__class__ is str else self._kind(value)
        if known == NONE:
            raise BadRow(Columns.Kind, NO_EVENT, value)
        if known is None and (len(self.unknown) < UNKNOWN_WORDS or value in self.unknown):
            self.unknown[str(value).strip()] += 1
        return known or self._default_kind

    def _kind(self, value: Any) -> str | None:
        if is_missing(value):
            return OPEN
        return kind_of(value if isinstance(value, str) else str(value), self._said)

"""Any table of events or items: which column is what is guessed from names and values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.corpus.column_names import NOT_ITEMS, NOT_KINDS, NOT_TIMES, guess, plain_name
from core.corpus.described import ONE_VALUE, share_of_one
from core.corpus.kinds import MAX_LENGTH, holds_kinds, kind_of
from core.corpus.ratings import RatingStyle
from core.corpus.readers.protocol import mapped
from core.corpus.source import BadRow
from core.corpus.syntax.protocol import Fields, Head, named, real_column
from core.corpus.texts import is_missing
from core.corpus.timestamps import times_share
from core.domain import Columns

JUDGED = 400
READABLE = 0.3
MOSTLY = 0.5
KINDS_SHARE, FEW_WORDS = 0.7, 20
NEARLY_ALL = 0.95
REPEATING = 0.9
ALONE = 0.2
NEEDED = (Columns.User, Columns.Item, Columns.Time)


class Table:
    """CSV, TSV, JSON, Parquet or a sheet with any column names.

    A ``title`` counts as a review's title only beside a text: alone it is more likely the item's.
    """

    format = "table"
    rating_scale = None

    def event_columns(self, head: Head) -> dict[str, str] | None:
        """A guess by name, checked against the values where names mislead."""
        return _Guess(head).columns()

    def item_columns(self, head: Head) -> dict[str, str] | None:
        """A guess by name; one column serves once."""
        found: dict[str, str] = {}
        for field, candidates in guess("items", named(head)).items():
            free = [real_column(head, name) for name in candidates]
            free = [column for column in free if column not in found.values()]
            free.sort(key=head.claimed.__contains__)
            if free and (field == Columns.Item or free[0] not in head.claimed):
                found[field] = free[0]
        ordered = (field for field in Columns.ITEMS if field in found)
        return {field: found[field] for field in ordered}

    def item(self, fields: Fields, columns: Mapping[str, str]) -> Fields:
        """One item."""
        return mapped(fields, columns)

    def folder_files(self, folder: Path) -> tuple[list[Path], Path | None] | None:
        """No usual layout."""
        return None


class _Guess:
    """The likeliest column of each field of events."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._by_name = guess("events", named(head))
        self._taken: dict[str, str] = {}

    def columns(self) -> dict[str, str]:
        self._take(Columns.User)
        self._take(Columns.Item)
        if Columns.Item not in self._taken:
            self._take_item_id()
        self._take(Columns.Time, self._are_times)
        if Columns.Time not in self._taken:
            self._take_unnamed_times()
        self._take(Columns.Kind, self._are_kinds)
        if Columns.Kind not in self._taken:
            self._take_unnamed_kinds()
        self._take(Columns.Rating, self._are_ratings)
        self._take(Columns.Text, self._are_texts)
        if Columns.Item not in self._taken:
            self._take_titles_as_ids()
        if Columns.Text in self._taken:
            self._take(Columns.Title, self._are_titles)
        return {field: self._taken[field] for field in Columns.EVENTS if field in self._taken}

    def _take(self, field: str, fits: Callable[[str, list[Any]], bool] | None = None) -> None:
        candidates = [real_column(self._head, name) for name in self._by_name.get(field, ())]
        free = [
            column
            for column in candidates
            if column not in self._taken.values() and not self._is_object(column)
        ]
        free.sort(key=self._head.claimed.__contains__)
        if field not in NEEDED:
            free = [column for column in free if column not in self._head.claimed]
        for column in free:
            if fits is None or fits(column, self._values(column)):
                self._taken[field] = column
                return
        if field == Columns.Time and free:
            self._taken[field] = free[0]

    def _is_object(self, column: str) -> bool:
        """Whether a column holds objects: what is in them stands in columns of its own."""
        values = self._values(column)
        return bool(values) and all(isinstance(value, dict) for value in values)

    def _values(self, column: str) -> list[Any]:
        values = [value for value in self._head.values(column) if not is_missing(value)]
        return values[: JUDGED // 2] + values[JUDGED // 2 :][-JUDGED // 2 :]

    def _free(self) -> list[str]:
        return [name for name in self._head.columns[:500] if name not in self._taken.values()]

    def _take_item_id(self) -> None:
        """Without a known name: the only other column of ids."""
        free = self._free()
        ids = [name for name in free if plain_name(name).endswith(("_id", "_no", "_nr", "_code"))]
        ids = [name for name in ids if not NOT_ITEMS.search(plain_name(name))]
        if not ids:
            ids = [name for name in free if plain_name(name) == "id" and self._repeats(name)]
        if len(ids) == 1:
            self._taken[Columns.Item] = ids[0]

    def _take_titles_as_ids(self) -> None:
        """Without any id: items are known by their titles, unless these may be a review's or a
        user's."""
        free, of_reviews = self._free(), guess("events", named(self._head)).get(Columns.Title, ())
        for name in guess("items", named(self._head)).get(Columns.Title, ()):
            column = real_column(self._head, name)
            is_review = name in of_reviews and Columns.Text in self._taken
            if column in free and not is_review and not self._follows(column, Columns.User):
                self._taken[Columns.Item] = column
                return

    def _repeats(self, column: str) -> bool:
        values = [str(value) for value in self._values(column)]
        return len(set(values)) < REPEATING * len(values)

    def _take_unnamed_times(self) -> None:
        """Without a known name: the only column that holds nothing but times."""
        times = [
            name
            for name in self._free()
            if not NOT_TIMES.search(plain_name(name))
            and times_share(self._values(name), strict=True) >= NEARLY_ALL
            and not self._follows(name, Columns.Item)
            and not self._follows(name, Columns.User)
        ]
        if len(times) == 1:
            self._taken[Columns.Time] = times[0]

    def _take_unnamed_kinds(self) -> None:
        """Without a known name: the only column of a few words that are all kinds of events."""
        kinds = [
            name
            for name in self._free()
            if not NOT_KINDS.search(plain_name(name)) and self._are_only_kinds(self._values(name))
        ]
        if len(kinds) == 1:
            self._taken[Columns.Kind] = kinds[0]

    @staticmethod
    def _are_only_kinds(values: list[Any]) -> bool:
        words = [str(value) for value in values if len(str(value)) <= MAX_LENGTH]
        known = sum(kind_of(word, {}) is not None for word in words)
        return 1 < len(set(words)) <= FEW_WORDS and known >= KINDS_SHARE * len(values)

    def _follows(self, column: str, field: str) -> bool:
        """Whether each user, or each item, has one value only: a birthday, a date of release."""
        if field not in self._taken:
            return False
        ids = self._head.values(self._taken[field])
        pairs = set(zip(map(str, ids), map(str, self._head.values(column)), strict=True))
        distinct = len(set(map(str, ids)))
        return len(pairs) == distinct < REPEATING * len(ids)

    @staticmethod
    def _are_times(column: str, values: list[Any]) -> bool:
        return times_share(values) >= MOSTLY

    @staticmethod
    def _are_kinds(column: str, values: list[Any]) -> bool:
        return holds_kinds(column, values, {})

    @staticmethod
    def _are_ratings(column: str, values: list[Any]) -> bool:
        style = RatingStyle.of(values)
        return not values or sum(_reads(style, value) for value in values) >= READABLE * len(values)

    def _are_titles(self, column: str, values: list[Any]) -> bool:
        """Whether these are titles of reviews: those of items are the same in all their rows."""
        if not self._are_texts(column, values):
            return False
        if Columns.Item not in self._taken or len(set(map(str, values))) == 1:
            return True
        ids, titles = self._head.values(self._taken[Columns.Item]), self._head.values(column)
        share = share_of_one(ids, titles)
        if share is None:  # a review's title stands beside its text, an item's beside none too
            texts = self._head.values(self._taken[Columns.Text])
            alone = sum(map(is_missing, texts)) - sum(map(is_missing, titles))
            return alone < ALONE * len(titles)
        return share < ONE_VALUE

    @staticmethod
    def _are_texts(column: str, values: list[Any]) -> bool:
        texts = [value for value in values if isinstance(value, str)]
        numbers = sum(
            value.replace(".", "", 1).strip().isdecimal() for value in texts if len(value) < 40
        )
        return not values or (len(texts) > 0 and numbers < NEARLY_ALL * len(texts))


def _reads(style: RatingStyle, value: Any) -> bool:
    try:
        style.read(value)
    except BadRow:
        return False
    return True

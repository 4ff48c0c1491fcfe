"""What an import will do: each file with its syntax, columns, unit of time and ratings."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.corpus.column_names import guess, is_stand_in, is_title
from core.corpus.described import SEARCHED
from core.corpus.kinds import taken_back
from core.corpus.options import ITEM_PREFIX, QUANTITY, ImportOptions, Scale
from core.corpus.quarantine import EVENTS, ITEMS, Refusal
from core.corpus.ratings import RatingStyle
from core.corpus.readers.protocol import Reader
from core.corpus.source import BadRow, SourceFile
from core.corpus.spoken import form
from core.corpus.syntax import Head, Rows
from core.corpus.texts import is_missing
from core.corpus.timestamps import TimeUnit
from core.corpus.validate import OPEN, EventReader
from core.domain import Columns, EventKind
from core.language import mark

BY_ORDER = mark("order of rows")
TITLED = form(mark("no column has ids of items: they are known by {column}"))
STANDS_IN = form(mark("no column names users: each value of {column} is taken for one"))
TAKEN_BACK = form(
    mark(
        "rows are events whatever the column {column} says, such as {value}; {options} leaves "
        "those out"
    )
)
NOT_RATINGS = form(
    mark("the column {column} is not used: its values can't be read as ratings, such as {value}")
)
WHOLE = form(mark("whole numbers written as floats in {fields} were read as integers (12.0 as 12)"))


@dataclass(frozen=True)
class ItemFile:
    """The file of items and how its rows are read. ``columns`` is field -> file column."""

    file: SourceFile
    rows: Rows
    head: Head
    reader: Reader
    columns: dict[str, str]
    whole: frozenset[str]
    """Fields of ids whose whole numbers are written as floats (12.0)."""

    @property
    def table(self) -> str:
        """Which table its rows belong to."""
        return EVENTS if isinstance(self, EventFile) else ITEMS

    def refusal(self, line: int, bad: BadRow, table: str | None = None) -> Refusal:
        """Why a row or a value can't be used, in the file's words."""
        return Refusal.of(self.file.name, line, bad, self.columns, table or self.table)

    @property
    def used(self) -> set[str]:
        """The columns that a field takes."""
        return set(self.columns.values())

    @property
    def unused(self) -> tuple[str, ...]:
        """Columns that no field takes; a nameless column without values is none."""
        used = self.used
        outer = {column.partition(".")[0] for column in used if "." in column}
        names = set(self.head.columns)
        return tuple(
            column
            for column in self.head.columns
            if column not in used
            and column not in outer
            and not ("." in column and column.partition(".")[0] in names)
            and not (column.startswith("column ") and self._is_empty(column))
        )

    def _is_empty(self, column: str) -> bool:
        return all(is_missing(value) for value in self.head.values(column))


@dataclass(frozen=True)
class EventFile(ItemFile):
    """One file of events and how its rows are read.

    ``unit`` None: their order is their time. ``about``: the same file as one of items, where its
    rows say what their items are. ``one_user``: whose all rows are, where no column says it.
    ``numbers``: fields whose ids are numbers, among which NA is none.
    """

    unit: TimeUnit | None
    style: RatingStyle
    about: ItemFile | None = None
    one_user: str = ""
    numbers: frozenset[str] = frozenset()

    @property
    def used(self) -> set[str]:
        """The columns that a field takes."""
        return super().used | (self.about.used if self.about is not None else set())

    def events(self, kinds: Mapping[str, str], order: Counter[str]) -> EventReader:
        """A reader of its rows."""
        kind = kinds.get("") or self.rows.facts.kind or OPEN
        also = () if self.about is None else tuple(self.about.columns.values())
        whole = self.whole
        whose = self.one_user
        return EventReader(
            self.columns, self.unit, self.style, kinds, whole, order, kind, also, whose,
            self.numbers,
        )  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """All files of one import."""

    events: tuple[EventFile, ...]
    items: ItemFile | None
    asked: ImportOptions

    @property
    def scale(self) -> Scale | None:
        """The rating scale asked for or fixed by the format; None: to be found from the values."""
        return self.asked.rating_scale or self.events[0].reader.rating_scale

    @property
    def files(self) -> tuple[ItemFile, ...]:
        """All files, the items last."""
        return (*self.events, *([self.items] if self.items is not None else []))

    @property
    def format(self) -> str:
        """The format of the event files."""
        return self.events[0].reader.format

    @property
    def encoding(self) -> str:
        """The encodings found, in words."""
        return _together(source.file.encoding for source in self.events)

    @property
    def timestamp_unit(self) -> str:
        """The units of time found, in words."""
        units = (source.unit for source in self.events)
        return _together(BY_ORDER if unit is None else unit.name for unit in units)

    @property
    def mapping(self) -> dict[str, str]:
        """Field -> file column; item fields are prefixed with ``item.``."""
        merged: dict[str, str] = {}
        for source in reversed(self.events):
            merged.update(source.columns)
            if source.about is not None:
                about = source.about.columns.items()
                merged.update({ITEM_PREFIX + k: name for k, name in about if k != Columns.Item})
        if self.items is not None:
            merged.update({ITEM_PREFIX + key: name for key, name in self.items.columns.items()})
        return merged

    @property
    def unused(self) -> dict[str, tuple[str, ...]]:
        """Columns that no field takes, by file."""
        return {source.file.name: source.unused for source in self.files if source.unused}

    @property
    def options(self) -> ImportOptions:
        """The options asked for, with what was found filled in."""
        first = self.events[0]
        facts = first.rows.facts
        mapping = dict(self.mapping)
        if QUANTITY not in self.asked.mapping:  # found by its name again, where a file has one
            mapping.pop(QUANTITY, None)
        found: dict[str, Any] = {"mapping": mapping}
        if facts.delimiter and facts.layout is None:
            found["delimiter"] = facts.delimiter
        if not facts.has_header and facts.layout is None:
            found["header"] = False
        if first.unit is not None and first.unit.said:
            found["time_format"] = first.unit.said
        return ImportOptions(**(self.asked.model_dump() | found))

    @property
    def notes(self) -> list[str]:
        """What a person may wonder about in how the files are read."""
        notes: list[str] = []
        said = self.asked.mapping.values()
        for source in self.files:
            notes += [f"{source.file.name}: {note}" for note in source.rows.facts.notes]
            if source.whole:
                fields = " and ".join(source.columns[field] for field in sorted(source.whole))
                notes.append(f"{source.file.name}: {WHOLE.format(fields=fields)}")
            user = source.columns.get(Columns.User, "")
            if source.table == EVENTS and is_stand_in(user) and user not in said:
                notes.append(f"{source.file.name}: {STANDS_IN.format(column=repr(user[:60]))}")
            if source.table == EVENTS and Columns.Rating not in source.columns:
                notes += [f"{source.file.name}: {note}" for note in _not_ratings(source)]
            if source.table == EVENTS and Columns.Kind not in source.columns:
                notes += [f"{source.file.name}: {note}" for note in _taken_back(source)]
            item = source.columns.get(Columns.Item, "")
            if source.table == EVENTS and is_title(item) and item not in said:
                notes.append(f"{source.file.name}: {TITLED.format(column=repr(item[:60]))}")
        return list(dict.fromkeys(notes))


def _taken_back(source: ItemFile) -> Iterator[str]:
    """Of a column that no field takes, and by which some rows were taken back."""
    for column in source.unused[:SEARCHED]:
        found = taken_back(source.head.values(column))
        if found is not None:
            word, others = found
            said = ["--map", f"kind={column}"]
            for other in others:
                said += ["--kind", f"{other}={EventKind.PURCHASE}"]
            about = {"column": repr(column[:60]), "value": repr(word[:40])}
            yield TAKEN_BACK.format(**about, options=shlex.join(said))
            return


def _not_ratings(source: ItemFile) -> Iterator[str]:
    """Of a column that is called as ratings are, but holds none that can be read."""
    unused = set(source.unused)
    for column in guess("events", source.head.columns).get(Columns.Rating, ()):
        values = [value for value in source.head.values(column) if not is_missing(value)]
        if column in unused and values:
            yield NOT_RATINGS.format(column=repr(column[:60]), value=repr(str(values[0])[:40]))
            return


def _together(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))

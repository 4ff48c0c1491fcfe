"""Rows that hold lists of events: a session's, the lines of an order, parallel lists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from core.corpus.column_names import guess
from core.corpus.source import BadRow
from core.corpus.spoken import form
from core.corpus.syntax.protocol import Row, Rows, ValueRow
from core.domain import Columns
from core.language import mark

LOOKED_AT = 200
MAX_COLUMNS = 500
MAX_TEXT = 2**20
OBJECTS = form(mark("each object in the list {column} is an event"))
PARALLEL = form(mark("each place in the lists {columns} is an event"))
UNEVEN = form(mark("has lists of different lengths in {columns}"))
_LIST = re.compile(r"\s*\[(.*)\]\s*", re.DOTALL)
_BETWEEN = re.compile(r"[,\s]+")


def each_event(rows: Rows) -> Rows:
    """The same rows, or, where nothing in them names an item but lists do, one for each event."""
    columns = rows.columns
    if len(columns) > MAX_COLUMNS or Columns.Item in guess("events", columns):
        return rows
    head = [values for _, values in islice(rows.read(columns), LOOKED_AT)]
    seen = [dict(zip(columns, values, strict=True)) for values in head if isinstance(values, tuple)]
    lists = {
        column: found
        for column in columns
        if len(found := [as_list(row[column]) for row in seen if row[column] is not None]) > 0
        and all(each is not None for each in found)
        and len(found) * 2 >= len(seen)
    }
    for column, found in lists.items():
        inner = [each for several in found for each in (several or ())[:3]]
        if inner and all(isinstance(each, dict) for each in inner):
            keys = tuple(dict.fromkeys(key for each in inner for key in each))
            if Columns.Item in guess("events", [f"{column}.{key}" for key in keys]):
                return _Objects(rows, column, keys)
    plain = [column for column in lists if not _holds_objects(lists[column])]
    named = {column: _singular(column) for column in plain}
    if Columns.Item in guess("events", named.values()):
        return _Parallel(rows, named)
    return rows


def as_list(value: Any) -> list[Any] | None:
    """A list, also one written as text: ``[1, 2]``, ``['a' 'b']``; None for anything else."""
    if isinstance(value, list):
        return value
    if not isinstance(value, str) or len(value) > MAX_TEXT or not (match := _LIST.fullmatch(value)):
        return None
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        words = _BETWEEN.split(match[1].strip())
        return [word.strip("'\"") for word in words if word]
    return found if isinstance(found, list) else None


def _holds_objects(found: Sequence[list[Any] | None]) -> bool:
    return any(isinstance(each, dict | list) for several in found for each in (several or ())[:3])


def _singular(column: str) -> str:
    """item_ids, item_id_list and itemIds are called item_id."""
    short = re.sub(r"(?i)[ _-]?(?:list|seq|sequence|history|array)(?=$|:)", "", column)
    return re.sub(r"(?i)(?<=[a-z])(?<!s)s(?=$|:)", "", short) or column


class _Objects:
    """Rows of the objects in a list; their keys are columns called ``list.key``."""

    def __init__(self, rows: Rows, column: str, keys: Sequence[str]) -> None:
        self._rows, self._column = rows, column
        note = OBJECTS.format(column=repr(column))
        self.facts = replace(rows.facts, notes=(*rows.facts.notes, note))
        inner = tuple(f"{column}.{key}" for key in keys)
        self.columns = (*rows.columns, *(name for name in inner if name not in rows.columns))

    def read(self, columns: Sequence[str]) -> Iterator[ValueRow]:
        begin = f"{self._column}."
        keys = [name.removeprefix(begin) if name.startswith(begin) else None for name in columns]
        asked = [name for name, key in zip(columns, keys, strict=True) if key is None]
        outer = {name: place for place, name in enumerate(asked)}
        for number, values in self._rows.read([*asked, self._column]):
            if isinstance(values, BadRow):
                yield number, values
                continue
            for each in as_list(values[-1]) or ():
                fields = each if isinstance(each, dict) else {}
                yield number, tuple([
                    values[outer[name]] if key is None else fields.get(key)
                    for name, key in zip(columns, keys, strict=True)
                ])  # fmt: skip

    def records(self) -> Iterator[Row]:
        return _records(self)

    def later(self, column: str) -> Sequence[Any]:
        return ()


class _Parallel:
    """Rows of the places in lists of one length; other columns are the same in all of them.

    ``named``: column of lists -> what one of its values is called.
    """

    def __init__(self, rows: Rows, named: dict[str, str]) -> None:
        self._rows, self._lists = rows, tuple(named)
        self._listed = ", ".join(named)
        note = PARALLEL.format(columns=self._listed)
        facts = rows.facts
        self.facts = replace(facts, notes=(*facts.notes, note), aliases=facts.aliases | named)
        self.columns = rows.columns

    def read(self, columns: Sequence[str]) -> Iterator[ValueRow]:
        n = len(columns)
        spread = [place for place, name in enumerate(columns) if name in self._lists]
        for number, values in self._rows.read([*columns, *self._lists]):
            if isinstance(values, BadRow):
                yield number, values
                continue
            lists = [as_list(value) for value in values[n:] if value is not None]
            lengths = {len(each) for each in lists if each is not None}
            if len(lengths) != 1 or None in lists:
                if lists:
                    yield number, BadRow("line", UNEVEN.format(columns=self._listed))
                continue
            at_hand = [as_list(values[place]) if place in spread else None for place in range(n)]
            for at in range(lengths.pop()):
                yield number, tuple([
                    values[place] if each is None and place not in spread
                    else None if each is None else each[at]
                    for place, each in enumerate(at_hand)
                ])  # fmt: skip

    def records(self) -> Iterator[Row]:
        return _records(self)

    def later(self, column: str) -> Sequence[Any]:
        return ()


def _records(rows: Rows) -> Iterator[Row]:
    for number, values in rows.read(rows.columns):
        if isinstance(values, BadRow):
            yield number, values
        else:
            yield number, dict(zip(rows.columns, values, strict=True))

"""Rows that hold lists of events: a session's, the lines of an order, parallel lists."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from core.corpus.column_names import guess
from core.corpus.source import BadRow
from core.corpus.spoken import form
from core.corpus.syntax.protocol import Row, Rows, ValueRow
from core.corpus.texts import is_missing
from core.domain import Columns
from core.language import mark

LOOKED_AT = 200
MAX_COLUMNS = 500
MAX_TEXT = 2**20
ALIKE = 0.95
OBJECTS = form(mark("each object in the list {column} is an event"))
PARALLEL = form(mark("each place in the lists {columns} is an event"))
UNEVEN = form(mark("has lists of different lengths in {columns}"))
NO_LIST = form(mark("has no list in {column}"))
_LIST = re.compile(r"\s*\[(.*)\]\s*", re.DOTALL)
_BETWEEN = re.compile(r"[,\s]+")
_QUOTED = re.compile(r"'([^'\\]*)'|\"([^\"\\]*)\"")
_ALL_QUOTED = re.compile(rf"(?:{_QUOTED.pattern}|[,\s])*")


def each_event(rows: Rows) -> Rows:
    """A row for each event, where lists in the rows name items; else the same rows."""
    columns = rows.columns
    if len(columns) > MAX_COLUMNS:
        return rows
    head = [values for _, values in islice(rows.read(columns), LOOKED_AT)]
    seen = [dict(zip(columns, values, strict=True)) for values in head if isinstance(values, tuple)]
    lists: dict[str, list[list[Any]]] = {}
    for column in columns:
        values = [row[column] for row in seen if not is_missing(row[column])]
        found = [several for value in values if (several := as_list(value)) is not None]
        if found and len(found) >= ALIKE * len(values) and len(found) * 2 >= len(seen):
            lists[column] = found
    for column, found in lists.items():
        inner = [each for several in found for each in several[:3]]
        keys = _keys(inner)
        if keys and Columns.Item in guess("events", [f"{column}.{key}" for key in keys]):
            return _Objects(rows, column, keys)
    plain = {column: _singular(column) for column in lists if not _keys(lists[column][0])}
    items = guess("events", plain.values()).get(Columns.Item, ())
    leading = next((column for item in items for column in plain if plain[column] == item), None)
    if leading is None:
        return rows
    lengths = _lengths(seen, leading)
    together = [
        column
        for column in plain
        if sum((lengths & _lengths(seen, column)).values()) >= ALIKE * lengths.total()
    ]
    return _Parallel(rows, {column: plain[column] for column in together})


def as_list(value: Any) -> list[Any] | None:
    """A list, also one written as text: ``[1, 2]``, ``['a', 'b']``, numpy's ``[1 2]`` and
    ``['a' 'b']``; None for anything else."""
    if isinstance(value, list):
        return value
    if not isinstance(value, str) or len(value) > MAX_TEXT or not (match := _LIST.fullmatch(value)):
        return None
    inside = match[1].strip()
    if inside and _ALL_QUOTED.fullmatch(inside):
        return [single or double for single, double in _QUOTED.findall(inside)]
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        return found if isinstance(found, list) else None
    if any(sign in inside for sign in "'\"{}()[]"):
        return None
    return [word for word in _BETWEEN.split(inside) if word]


def _keys(inner: Sequence[Any]) -> tuple[str, ...]:
    """The keys of objects; none where these are no objects, or of too many keys."""
    if not inner or not all(isinstance(each, dict) for each in inner):
        return ()
    keys = tuple(dict.fromkeys(str(key) for each in inner for key in each))
    return keys if len(keys) <= MAX_COLUMNS else ()


def _lengths(seen: Sequence[dict[str, Any]], column: str) -> Counter[tuple[int, int]]:
    """Numbers of rows with the lengths of their lists."""
    lists = enumerate(as_list(row[column]) for row in seen)
    return Counter((at, len(each)) for at, each in lists if each is not None)


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
            if isinstance(values, BadRow) or is_missing(values[-1]):
                if isinstance(values, BadRow):
                    yield number, values
                continue
            several = as_list(values[-1])
            if several is None:
                reason = NO_LIST.format(column=repr(self._column))
                yield number, BadRow("line", reason, values[-1])
                continue
            for each in several:
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
        place_of = {name: place for place, name in enumerate(self._lists)}
        for number, values in self._rows.read([*columns, *self._lists]):
            if isinstance(values, BadRow):
                yield number, values
                continue
            given = values[n:]
            if all(map(is_missing, given)):
                continue
            lists = [as_list(value) for value in given]
            lengths = {-1 if each is None else len(each) for each in lists}
            if len(lengths) > 1 or -1 in lengths:
                yield number, BadRow("line", UNEVEN.format(columns=self._listed))
                continue
            of_column = [lists[place_of[name]] if name in place_of else None for name in columns]
            for at in range(lengths.pop()):
                yield number, tuple([
                    value if several is None else several[at]
                    for value, several in zip(values[:n], of_column, strict=True)
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

"""Rows of JSON: one object a line, an array, objects over many lines, Python dictionaries.

MongoDB's extended JSON is turned into plain values; fields of an inner object are columns of their
own, called ``outer.inner``.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from core.corpus.column_names import is_named
from core.corpus.source import MAX_LINE, BadRow, SourceFile
from core.corpus.spoken import form
from core.corpus.syntax.protocol import SAMPLE_ROWS, Facts, Fields, Row, ValueRow
from core.language import mark

SYNTAX_LINES = 20
MAX_LITERAL = 200_000
LINE_EXCERPT = 1_000
MAX_COLUMNS = 50_000
LATER_ROWS = 200
NOT_JSON = form(mark("is not JSON: {why}"))
NO_OBJECT = mark("is not a JSON object")
BEYOND_BOUNDS = mark("a number or nesting beyond all bounds")
_SHELL = re.compile(
    r"\b(?:ObjectId|ISODate|NumberInt|NumberLong|NumberDecimal|new Date)\(\s*"
    r"(\"[^\"]*\"|'[^']*'|-?[\d.]+)\s*\)"
)
_WRAPPED = re.compile(
    r'\s*\{\s*(?:"(?:[^"\\]|\\.){1,60}"\s*:\s*(?:"(?:[^"\\]|\\.)*"|-?[\d.eE+-]+|true|false|null)'
    r'\s*,\s*){0,40}"(?:[^"\\]|\\.){1,60}"\s*:\s*\[\s*(?=\{)'
)
_NEXT = re.compile(r"\n\s*(?=\{)|\}\s*,\s*(?=\{)")
_GAP, _GAP_INSIDE, _BLANKS = (re.compile(p) for p in (r"[\s,\[\]]*", r"[\s,]*", r"\s*"))
_DECODER = json.JSONDecoder()
_DICTIONARY = re.compile(r"\s*\{\s*u?'")


def looks_like_json(lines: Sequence[str]) -> bool:
    """Whether these first lines of a text are JSON or Python dictionaries."""
    starts = [line.lstrip()[:1] for line in lines if line.strip()][:SYNTAX_LINES]
    if starts[:1] == ["["]:
        first = next(line for line in lines if line.strip()).lstrip()
        return first.rstrip() == "[" or first[1:].lstrip()[:1] in ("{", "]")
    return starts[:1] == ["{"] or starts.count("{") * 2 > len(starts)


class JsonRows:
    """The objects of a text file; those that are no objects are refused by line."""

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        text = file.sample.start
        lines = [line for line in text.split("\n")[: SYNTAX_LINES * 5] if line.strip()]
        wrapped = _WRAPPED.match(text)
        array = text.lstrip()[:1] == "["
        self._begin = 0
        if not array and wrapped and not _is_object(lines[0]):
            self._begin = wrapped.end()
        several = len(lines) > 1 or not file.sample.is_whole
        self._by_line = several and not array and not self._begin
        self._by_line = self._by_line and _objects(lines) * 2 >= len(lines)
        self._is_python = bool(lines) and sum(map(bool, map(_DICTIONARY.match, lines))) > (
            len(lines) / 2
        )
        syntax = mark("JSON lines") if self._by_line else mark("JSON array") if array else "JSON"
        self.facts = Facts(mark("Python dictionaries") if self._is_python else syntax)
        self._head = self._read_head()
        self.columns = self._named()

    def read(self, columns: Sequence[str]) -> Iterator[ValueRow]:
        gets = [_getter(column) for column in columns]
        for number, fields in self.records():
            if isinstance(fields, BadRow):
                yield number, fields
            else:
                yield number, tuple([get(fields) for get in gets])

    def records(self) -> Iterator[Row]:
        return self._lines() if self._by_line else self._stream()

    def later(self, column: str) -> Sequence[Any]:
        if not self._by_line:
            return ()
        get = _getter(column)
        values = []
        for piece in self._file.sample.later:
            for line in piece.split("\n")[:LATER_ROWS]:
                fields = self._object(line)
                if isinstance(fields, dict):
                    values.append(get(fields))
        return values

    def _read_head(self) -> list[Row]:
        rows: list[Row] = []
        size = 0
        for row in self.records():
            rows.append(row)
            size += len(row[1]) if isinstance(row[1], dict) else 1
            if len(rows) >= SAMPLE_ROWS or self._file.text_read > 2**25 or size > MAX_COLUMNS * 20:
                break
        return rows

    def _named(self) -> tuple[str, ...]:
        """The union of the sampled objects' keys; those of inner objects after a dot."""
        columns: dict[str, None] = {}
        for _, fields in self._head:
            if isinstance(fields, BadRow):
                continue
            for key, value in fields.items():
                columns[key] = None
                if isinstance(value, dict) and not _is_extended(value):
                    columns.update(dict.fromkeys(f"{key}.{inner}" for inner in value))
            if len(columns) > MAX_COLUMNS:
                break
        return tuple(columns)

    def _lines(self) -> Iterator[Row]:
        for number, line in self._file.lines():
            if isinstance(line, BadRow):
                yield number, line
            elif line.strip():
                yield number, self._object(line)

    def _object(self, line: str) -> Fields | BadRow:
        if self._is_python:
            fields = _python_literal(line)
            if isinstance(fields, dict):
                return fields
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            fields = _lenient(line)
            if fields is None:
                reason = getattr(error, "msg", BEYOND_BOUNDS)
                return BadRow("line", NOT_JSON.format(why=reason), nameless(line))
        if isinstance(fields, dict):
            return fields
        return BadRow("line", NO_OBJECT, line)

    def _stream(self) -> Iterator[Row]:
        """Objects one after another, in an array or not, wherever their lines end."""
        text = _Buffer(self._file.blocks())
        text.skip(self._begin)
        is_first = True
        while text.at_next(_GAP if not self._begin else _GAP_INSIDE):
            if self._begin and text.character == "]":
                return
            number = text.number
            value = text.decode()
            if is_first and isinstance(value, dict) and text.is_at_end():
                for inner in _unwrapped(value) or [value]:
                    yield number, inner
                return
            is_first = False
            if isinstance(value, dict | BadRow):
                yield number, value
            else:
                yield number, BadRow("line", NO_OBJECT, value)


class _Buffer:
    """A text that is read block by block, and a place in it."""

    def __init__(self, blocks: Iterator[str]) -> None:
        self._blocks = blocks
        self._text = ""
        self._place = 0
        self.number = 1
        """The line of the place, from 1."""

    @property
    def character(self) -> str:
        """The character at the place."""
        return self._text[self._place]

    def skip(self, n: int) -> None:
        """Go n characters on."""
        while len(self._text) < self._place + n and self._grow():
            pass
        self._go_to(self._place + n)

    def at_next(self, gap: re.Pattern[str]) -> bool:
        """Go over what separates two objects; False at the end of the text."""
        while True:
            match = gap.match(self._text, self._place)
            self._go_to(match.end() if match else self._place)
            if self._place < len(self._text):
                return True
            if not self._grow():
                return False

    def is_at_end(self) -> bool:
        """Whether only blanks follow."""
        return not self.at_next(_BLANKS)

    def decode(self) -> Any:
        """The JSON value at the place, or a BadRow; the place is behind it afterwards."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._place)
            except (ValueError, RecursionError) as error:
                if self._is_cut_off(error) and self._grow():
                    continue
                return self._broken(error)
            self._go_to(end)
            return value

    def _is_cut_off(self, error: Exception) -> bool:
        """Whether the value may only lack the text that has not been read yet."""
        if not isinstance(error, json.JSONDecodeError):
            return False
        if len(self._text) - self._place > MAX_LINE:
            return False
        return error.msg.startswith("Unterminated") or error.pos >= len(self._text) - 16

    def _broken(self, error: Exception) -> Any:
        following = _NEXT.search(self._text, self._place + 1)
        while following is None and len(self._text) - self._place < MAX_LINE and self._grow():
            following = _NEXT.search(self._text, self._place + 1)
        end = following.end() if following else len(self._text)
        piece = self._text[self._place : min(end, self._place + MAX_LITERAL)]
        self._go_to(end)
        value = _lenient(piece.strip().rstrip(",]").strip())
        if isinstance(value, dict):
            return value
        reason = getattr(error, "msg", BEYOND_BOUNDS)
        return BadRow("line", NOT_JSON.format(why=reason), nameless(piece))

    def _go_to(self, place: int) -> None:
        self.number += self._text.count("\n", self._place, place)
        self._place = place

    def _grow(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        self._text = self._text[self._place :] + block
        self._place = 0
        return True


def _unwrapped(value: Fields) -> list[Fields]:
    """The objects inside an only object: under one of its keys, or column by column."""
    lists = [
        inner
        for inner in value.values()
        if isinstance(inner, list) and inner and isinstance(inner[0], dict)
    ]
    if lists:
        return [row for row in max(lists, key=len) if isinstance(row, dict)]
    names, data = value.get("columns"), value.get("data")
    if isinstance(names, list) and isinstance(data, list):
        rows = [row for row in data if isinstance(row, list) and len(row) == len(names)]
        return [dict(zip(map(str, names), row, strict=True)) for row in rows]
    columns = [inner for inner in value.values() if isinstance(inner, dict | list)]
    if len(columns) < 3 or len(columns) < len(value):
        return []
    if all(isinstance(column, list) and len(column) == len(columns[0]) for column in columns):
        return [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]
    if all(isinstance(column, dict) and len(column) > 0 for column in columns):
        if is_named(columns[0]) > is_named(value):
            return [row for row in columns if isinstance(row, dict)]
        return [{name: column.get(key) for name, column in value.items()} for key in columns[0]]
    return []


def plain_value(value: Any) -> Any:
    """MongoDB's extended JSON as plain values: $oid, $date, $numberInt and so on."""
    while isinstance(value, dict) and len(value) == 1:
        ((key, inner),) = value.items()
        if not key.startswith("$"):
            return value
        if key in ("$numberInt", "$numberLong"):
            try:
                return int(inner)
            except (TypeError, ValueError):
                return inner
        if key in ("$numberDouble", "$numberDecimal"):
            try:
                return float(inner)
            except (TypeError, ValueError):
                return inner
        if key == "$timestamp" and isinstance(inner, dict):
            return inner.get("t")
        if key not in ("$oid", "$date", "$uuid", "$symbol", "$undefined"):
            return value
        value = inner
    return value


def nameless(line: str) -> str:
    """The line without the reviewer's name, which is never kept."""
    return re.sub(r'("reviewerName"\s*:\s*)"(?:[^"\\]|\\.)*"?', r'\1"…"', line[:LINE_EXCERPT])


def _is_extended(value: Fields) -> bool:
    return len(value) == 1 and next(iter(value)).startswith("$")


def _getter(column: str) -> Callable[[Fields], Any]:
    outer, dot, inner = column.partition(".")

    def plain(fields: Fields) -> Any:
        value = fields.get(column)
        return plain_value(value) if value.__class__ is dict else value

    def nested(fields: Fields) -> Any:
        if column in fields:
            return plain(fields)
        value = fields.get(outer)
        return plain_value(value.get(inner)) if isinstance(value, dict) else None

    return nested if dot else plain


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return isinstance(_lenient(line), dict)


def _objects(lines: Sequence[str]) -> int:
    """How many of the lines are, or were meant to be, objects of their own."""
    starts = (line.strip() for line in lines)
    return sum(line[0] == "{" and len(line) > 2 for line in starts)


def _lenient(line: str) -> Any:
    """Python dictionaries and the MongoDB shell's calls; None for anything else."""
    plain = line.strip().rstrip(",;")
    if len(plain) <= MAX_LITERAL and "(" in plain and (shell := _SHELL.sub(r"\1", plain)) != plain:
        try:
            return json.loads(shell)
        except (ValueError, RecursionError):
            plain = shell
    if plain != line.strip():
        try:
            return json.loads(plain)
        except (ValueError, RecursionError):
            pass
    return _python_literal(plain)


def _python_literal(line: str) -> Any:
    """A dictionary as Python writes it; None for anything else."""
    if not _DICTIONARY.match(line) or len(line) > MAX_LITERAL:
        return None
    try:
        return ast.literal_eval(line.strip().rstrip(","))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None

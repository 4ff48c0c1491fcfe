"""Rows out of a file, whatever their syntax: JSON lines, delimited text or Parquet.

A row is its line number (row number for Parquet) with either its fields by column name or a
``BadRow``. Empty lines are no rows.
"""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.corpus.source import MAX_LINE, BadRow, SourceFile
from core.domain import DomainError

SAMPLE_ROWS = 5_000
SAMPLE_BYTES = 32 * 2**20
MAX_ROW_LINES = 2_000
DELIMITERS = (",", "\t", ";", "|")
BATCH_ROWS = 2_000
SYNTAX_LINES = 20
MAX_LITERAL = 200_000
LINE_EXCERPT = 1_000
NAME_EXCERPT = 40

Fields = dict[str, Any]
Row = tuple[int, Fields | BadRow]

csv.field_size_limit(MAX_LINE)


@dataclass(frozen=True)
class Head:
    """The start of a file: its columns in order, and up to SAMPLE_ROWS rows."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def listed(self) -> str:
        """The first columns for a message, each cut."""
        shown = ", ".join(column[:NAME_EXCERPT] for column in self.columns[:20])
        return shown + (", …" if len(self.columns) > 20 else "")

    def values(self, column: str) -> list[Any]:
        """The column's values, None where a row lacks it; unusable rows are left out."""
        return [fields.get(column) for _, fields in self.rows if isinstance(fields, dict)]


def read_head(file: SourceFile) -> Head:
    """Sample the file; the columns of JSON rows are the union of the sampled rows' keys."""
    rows: list[Row] = []
    for row in islice(read_rows(file), SAMPLE_ROWS):
        rows.append(row)
        if file.text_read > SAMPLE_BYTES:
            break
    columns = dict.fromkeys(
        column for _, fields in rows if isinstance(fields, dict) for column in fields
    )
    return Head(tuple(columns), tuple(rows))


def read_rows(file: SourceFile) -> Iterator[Row]:
    """All rows of the file, streamed. DomainError where the file as a whole makes no sense."""
    if file.is_parquet:
        return _parquet_rows(file)
    text_lines = (line for _, line in file.lines() if isinstance(line, str) and line.strip())
    starts = [line.lstrip()[0] for line in islice(text_lines, SYNTAX_LINES)]
    if starts[:1] == ["["]:
        raise DomainError(
            "the file is one JSON array, not one JSON object a line",
            where=str(file.path),
            remedy="Convert it, for example with: jq -c '.[]' FILE > FILE.jsonl",
        )
    is_json = starts[:1] == ["{"] or starts.count("{") * 2 > len(starts)
    return _json_rows(file) if is_json else _delimited_rows(file)


def _json_rows(file: SourceFile) -> Iterator[Row]:
    for number, line in file.lines():
        if isinstance(line, BadRow):
            yield number, line
            continue
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            fields = _python_literal(line)
            if fields is None:
                reason = getattr(error, "msg", "a number or nesting beyond all bounds")
                yield number, BadRow("line", f"is not JSON: {reason}", _nameless(line))
                continue
        if isinstance(fields, dict):
            yield number, fields
        else:
            yield number, BadRow("line", "is not a JSON object", line)


def _python_literal(line: str) -> Any:
    """Metadata of 2014 was published as Python literals; None for anything else."""
    if not line.lstrip().startswith("{'") or len(line) > MAX_LITERAL:
        return None
    try:
        return ast.literal_eval(line.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _nameless(line: str) -> str:
    """The line without the reviewer's name, which is never kept."""
    return re.sub(r'("reviewerName"\s*:\s*)"(?:[^"\\]|\\.)*"?', r'\1"…"', line[:LINE_EXCERPT])


class _RunawayQuote(Exception):
    pass


class _Lines:
    """Feeds a csv reader, remembers the lines of the row being read, and can take them back."""

    def __init__(self, file: SourceFile) -> None:
        self._source = file.lines()
        self._again: list[tuple[int, str | BadRow]] = []
        self.row: list[tuple[int, str]] = []
        self.too_long: tuple[int, BadRow] | None = None

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.row) >= MAX_ROW_LINES:
            raise _RunawayQuote
        number, line = self._again.pop() if self._again else next(self._source)
        if isinstance(line, BadRow):
            self.too_long = number, line
            raise _RunawayQuote
        self.row.append((number, line))
        return line

    def give_back(self) -> tuple[int, str]:
        """Return the first line of the failed row, the rest will be read again."""
        first, *rest = self.row
        if self.too_long is not None and rest:
            self._again.append(self.too_long)
            self.too_long = None
        self._again.extend(reversed(rest))
        return first


def _delimited_rows(file: SourceFile) -> Iterator[Row]:
    delimiter = _delimiter(file)
    lines = _Lines(file)
    parsed = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        lines.row.clear()
        try:
            cells = next(parsed)
        except StopIteration:
            return
        except (csv.Error, _RunawayQuote):
            if header is None:
                raise DomainError(
                    "the header line cannot be read",
                    where=str(file.path),
                    remedy="Give a CSV with a header line, JSON lines, or Parquet",
                ) from None
            if not lines.row:
                assert lines.too_long is not None
                yield lines.too_long
                lines.too_long = None
                continue
            number, line = lines.give_back()
            yield number, BadRow("line", "has a quote that does not close properly", line)
            continue
        if len(cells) < 2 and not "".join(cells).strip():
            continue
        if header is None:
            header = _checked_header(file, cells)
            continue
        if len(cells) == len(header):
            yield lines.row[0][0], dict(zip(header, cells, strict=True))
        else:
            reason = f"has {len(cells)} fields where the header has {len(header)}"
            yield lines.row[0][0], BadRow("line", reason, lines.row[0][1])


def _delimiter(file: SourceFile) -> str:
    """The delimiter that cuts the header into the most columns."""
    for _, line in file.lines():
        if isinstance(line, str) and line.strip():
            return max(DELIMITERS, key=lambda mark: len(next(csv.reader([line], delimiter=mark))))
    return ","


def _checked_header(file: SourceFile, cells: list[str]) -> list[str]:
    names = [cell.strip() or f"column {place}" for place, cell in enumerate(cells, 1)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DomainError(
            f"the column name {repeated[0][:NAME_EXCERPT]!r} occurs more than once",
            where=f"{file.path}, header",
            remedy="Rename one of them",
        )
    if any(_is_number(name) for name in names):
        raise DomainError(
            "the first line looks like data, not like column names",
            where=str(file.path),
            remedy="Put a header line first, for example user_id,item_id,rating,timestamp",
        )
    return names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parquet_rows(file: SourceFile) -> Iterator[Row]:
    number = 0
    try:
        with file.seekable() as stream, pq.ParquetFile(stream) as table:
            names = table.schema_arrow.names
            if len(set(names)) < len(names):
                raise DomainError(
                    "a column name occurs more than once",
                    where=str(file.path),
                    remedy="Rename one of them",
                )
            total = max(table.metadata.num_rows, 1)
            for batch in table.iter_batches(batch_size=BATCH_ROWS):
                columns = (_plain_times(column) for column in batch.columns)
                for values in zip(*(column.to_pylist() for column in columns), strict=True):
                    number += 1
                    yield number, dict(zip(names, values, strict=True))
                file.note_share(number / total)
    except (pa.ArrowException, OSError, UnicodeError, OverflowError) as error:
        raise DomainError(
            "the Parquet file is damaged or of an unknown kind",
            where=f"{file.path}, row {number + 1}",
            remedy=f"Write it again ({type(error).__name__})",
        ) from None


def _plain_times(column: pa.Array) -> pa.Array:
    """Times as numbers since 1970: Arrow holds instants that Python's datetime cannot."""
    return column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column

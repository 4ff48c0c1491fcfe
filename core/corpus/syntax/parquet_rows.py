"""Rows of a Parquet file, within limits that hold before anything is decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.corpus.source import MAX_RATIO, SourceFile
from core.corpus.syntax.protocol import Facts, Row, ValueRow
from core.domain import DomainError
from core.language import tr

BATCH_ROWS = 2_000
BATCH_BYTES = 16 * 2**20
UNSUSPECTED = 64 * 2**20
MAX_CHUNK = 2 * 2**30
MAX_COLUMNS = 50_000
MAX_GROUPS = 100_000
LATER_ROWS = 500
MAX_DEPTH, MAX_INNER = 3, 500
"""How deep objects are looked into, and how many columns come of it."""
THRIFT_LIMIT = 64 * 2**20
WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8}


class ParquetRows:
    """The rows of a Parquet file; only the columns asked for are decoded, a few rows at a time.

    What an object holds has columns of its own, called ``object.name``.
    """

    facts = Facts("Parquet")

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        with _damage(file, lambda: 1), file.seekable() as stream:
            table = _opened(stream)
            self._schema = table.schema_arrow
            self._inner = _inner_columns(self._schema)
            self.columns = (*self._schema.names, *self._inner)
            self._check(table.metadata)
            leaves = (table.schema.column(place) for place in range(len(table.schema)))
            self._texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
        if len(set(self._schema.names)) < len(self._schema.names):
            raise DomainError(
                tr("a column name occurs more than once"),
                where=str(file.path),
                remedy=tr("Rename one of them"),
            )

    def is_binary(self, column: str) -> bool:
        """Whether a column holds bytes, which are neither ids nor text."""
        kind = self._kind(column)
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
        return any(test(kind) for test in tests)

    def read(self, columns: Sequence[str]) -> Iterator[ValueRow]:
        number = 0
        with _damage(self._file, lambda: number + 1):
            unpacked, allowed = 0, max(UNSUSPECTED, MAX_RATIO * self._file.size)
            roots = dict.fromkeys(self._inner[c][0] if c in self._inner else c for c in columns)
            for batch in self._batches(list(roots)):
                unpacked += sum(_text_size(column) for column in batch.columns)
                if unpacked > allowed:
                    what = tr(
                        "the Parquet file grows to more than {total} MiB of text from {size} KiB; "
                        "it may be a bomb",
                        total=unpacked // 2**20,
                        size=self._file.size // 2**10,
                    )
                    raise self._bomb(what)
                by_name = {
                    name: _values(column)
                    for name, column in zip(batch.schema.names, batch.columns, strict=True)
                }
                for column in self._inner.keys() & set(columns):
                    root, *path = self._inner[column]
                    by_name[column] = [_within(value, path) for value in by_name[root]]
                for values in zip(*(by_name[name] for name in columns), strict=True):
                    number += 1
                    yield number, values

    def records(self) -> Iterator[Row]:
        columns = [name for name in self.columns if not self._is_nested_bulk(name)]
        for number, values in self.read(columns):
            assert isinstance(values, tuple)
            yield number, dict(zip(columns, values, strict=True))

    def later(self, column: str) -> Sequence[Any]:
        with _damage(self._file, lambda: 1), self._file.seekable() as stream:
            root, *path = self._inner.get(column, (column,))
            table = _opened(stream, self._strings([root]))
            groups = table.metadata.num_row_groups
            values: list[Any] = []
            for group in sorted({groups // 2, groups - 1} - {0, -1}):
                rows = min(self._batch_rows(table.metadata, [root]), LATER_ROWS)
                some: list[Any] = []  # as many of each column: they are held side by side
                for batch in table.iter_batches(rows, row_groups=[group], columns=[root]):
                    some.extend(_within(value, path) for value in _values(batch.columns[0]))
                    if len(some) >= LATER_ROWS:
                        break
                values += some[:LATER_ROWS]
            return values

    def _batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        with self._file.seekable() as stream:
            table = _opened(stream, self._strings(columns))
            rows = self._batch_rows(table.metadata, columns)
            total, done = max(table.metadata.num_rows, 1), 0
            for group in self._groups(table.metadata, columns):
                batches = table.iter_batches(
                    rows, row_groups=group, columns=columns, use_threads=False
                )
                for batch in batches:
                    yield batch
                    done += batch.num_rows
                    self._file.note_share(done / total)

    def _groups(self, metadata: pq.FileMetaData, columns: list[str]) -> list[list[int]]:
        """Row groups to read together: each alone where Arrow can't join objects of several."""
        groups = list(range(metadata.num_row_groups))
        if any(pa.types.is_nested(self._schema.field(name).type) for name in columns):
            return [[group] for group in groups]
        return [groups]

    def _strings(self, columns: Sequence[str]) -> list[str]:
        """Leaves of text: read as dictionaries, so that a repeated text is in memory once."""
        wanted = set(columns)
        return [path for path in self._texts if path.partition(".")[0] in wanted]

    def _is_nested_bulk(self, column: str) -> bool:
        return pa.types.is_nested(self._kind(column)) and len(self.columns) > 2_000

    def _kind(self, column: str) -> pa.DataType:
        root, *path = self._inner.get(column, (column,))
        kind = self._schema.field(root).type
        for name in path:
            kind = kind.field(name).type
        return kind

    def _check(self, metadata: pq.FileMetaData) -> None:
        """Refuse what would be far larger decoded than it is on disk."""
        if metadata.num_columns > MAX_COLUMNS or metadata.num_row_groups > MAX_GROUPS:
            what = tr(
                "the Parquet file has {columns} columns and {groups} row groups; it may be a bomb",
                columns=metadata.num_columns,
                groups=metadata.num_row_groups,
            )
            raise self._bomb(what)
        decoded, allowed = metadata.num_rows, max(UNSUSPECTED, MAX_RATIO * self._file.size)
        for group in range(metadata.num_row_groups):
            for place in range(metadata.num_columns):
                chunk = metadata.row_group(group).column(place)
                unpacked = max(chunk.total_uncompressed_size, 0)
                width = WIDTHS.get(chunk.physical_type, 1)
                decoded += max(unpacked, chunk.num_values * width)
                if unpacked > MAX_CHUNK:
                    what = tr(
                        "the Parquet file holds a column of {size} MiB in one row group; it may be "
                        "a bomb",
                        size=unpacked // 2**20,
                    )
                    raise self._bomb(what)
                if decoded > allowed:
                    what = tr(
                        "the Parquet file grows to more than {total} MiB from {size} KiB; it may "
                        "be a bomb",
                        total=decoded // 2**20,
                        size=self._file.size // 2**10,
                    )
                    raise self._bomb(what)

    def _bomb(self, what: str) -> DomainError:
        remedy = tr("If it is genuine, write it as CSV and import that")
        return DomainError(what, where=str(self._file.path), remedy=remedy)

    def _batch_rows(self, metadata: pq.FileMetaData, columns: Sequence[str]) -> int:
        """How many rows are decoded at once: fewer where a row holds much."""
        wanted = set(columns)
        rows, size = max(metadata.num_rows, 1), 0
        for group in range(metadata.num_row_groups):
            for place in range(metadata.num_columns):
                chunk = metadata.row_group(group).column(place)
                if chunk.path_in_schema.partition(".")[0] in wanted:
                    width = WIDTHS.get(chunk.physical_type, 16)
                    size += max(chunk.total_uncompressed_size, chunk.num_values * width)
        return int(min(max(BATCH_BYTES * rows // max(size, 1), 1), BATCH_ROWS))


class _damage:
    """Turns what Arrow says of a damaged file into a sentence."""

    def __init__(self, file: SourceFile, row: Callable[[], int]) -> None:
        self._file, self._row = file, row

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, pa.ArrowException | OSError | UnicodeError | OverflowError):
            raise DomainError(
                tr("the Parquet file is damaged or of an unknown kind"),
                where=tr("{path}, row {row}", path=self._file.path, row=self._row()),
                remedy=tr("Write it again ({error})", error=type(error).__name__),
            ) from None


def _opened(stream: Any, dictionaries: Sequence[str] = ()) -> pq.ParquetFile:
    return pq.ParquetFile(
        stream,
        read_dictionary=list(dictionaries),
        pre_buffer=False,
        thrift_string_size_limit=THRIFT_LIMIT,
        thrift_container_size_limit=THRIFT_LIMIT,
    )


def _inner_columns(schema: pa.Schema) -> dict[str, tuple[str, ...]]:
    """What objects hold besides objects: the column's name -> the object's and those in it."""
    found: dict[str, tuple[str, ...]] = {}
    waiting: list[tuple[tuple[str, ...], pa.DataType]]
    waiting = [((field.name,), field.type) for field in schema if pa.types.is_struct(field.type)]
    while waiting:
        path, kind = waiting.pop(0)
        for place in range(kind.num_fields):
            inner = kind.field(place)
            if len(path) < MAX_DEPTH and pa.types.is_struct(inner.type):
                waiting.append(((*path, inner.name), inner.type))
            elif len(found) < MAX_INNER:
                found.setdefault(".".join((*path, inner.name)), (*path, inner.name))
    return {name: path for name, path in found.items() if name not in schema.names}


def _within(value: Any, path: Sequence[str]) -> Any:
    """What stands in an object under these names; None where one is missing."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text_size(column: pa.Array) -> int:
    """Bytes of all texts in a column, each counted as often as it occurs."""
    kind = column.type
    if pa.types.is_struct(kind):
        return sum(_text_size(column.field(place)) for place in range(kind.num_fields))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _text_size(column.flatten())
    if not pa.types.is_dictionary(kind):
        return 0
    lengths = pc.binary_length(column.dictionary).take(column.indices.fill_null(0))
    return int(pc.sum(lengths).as_py() or 0) if len(column.dictionary) else 0


def _valid(column: pa.Array) -> list[bool]:
    return column.is_valid().to_pylist()  # type: ignore[no-any-return]


def _values(column: pa.Array) -> list[Any]:
    """A column's values as Python's; times as numbers, since Arrow holds instants Python cannot.

    Values that repeat are one object.
    """
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    kind = column.type
    if pa.types.is_struct(kind):
        names = [kind.field(place).name for place in range(kind.num_fields)]
        fields = [_values(column.field(place)) for place in range(kind.num_fields)]
        rows = [dict(zip(names, row, strict=True)) for row in zip(*fields, strict=True)]
        return [row if valid else None for row, valid in zip(rows, _valid(column), strict=True)]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        parts, ends = _values(column.values), column.offsets.to_pylist()
        lists = [parts[start:stop] for start, stop in pairwise(ends)]
        return [row if valid else None for row, valid in zip(lists, _valid(column), strict=True)]
    if pa.types.is_decimal(kind):
        return [_number(value) for value in column.to_pylist()]
    if not pa.types.is_dictionary(kind):
        return column.to_pylist()  # type: ignore[no-any-return]
    used = column.indices.unique().drop_null()
    words = dict(zip(used.to_pylist(), column.dictionary.take(used).to_pylist(), strict=True))
    return [words.get(index) for index in column.indices.to_pylist()]


def _number(value: Decimal | None) -> int | float | None:
    """A decimal as Python's other numbers, which are exact where it is whole."""
    if value is None or not value.is_finite():
        return None
    return int(value) if value == value.to_integral_value() else float(value)

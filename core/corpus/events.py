"""The events of a corpus: a frame in memory, or a Parquet file that is read by need.

An opened file keeps the users and where their events begin, nothing of the events: a history reads
the row groups that hold it, a column is read when it is asked for. The column of users alone says
where the events of each begin (.02 s for a million events), so no index lies beside the file.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.arrays import FloatArray, IntArray
from core.corpus import tables
from core.corpus.split import user_starts
from core.domain import Columns
from core.files import Damaged, changed, read_sums, reason_of, sha256_of_open, verify
from core.language import mark, tr
from core.threads import once_each

TimeArray = npt.NDArray[np.datetime64]
CodeArray = npt.NDArray[np.int32]
EventRow = tuple[str, int, str, float | None, str | None, str | None]
"""Item, microseconds since 1970, kind, rating, title and text."""
ROW_COLUMNS = (
    Columns.Item,
    Columns.Time,
    Columns.Kind,
    Columns.Rating,
    Columns.Title,
    Columns.Text,
)
WORDS = [Columns.User, Columns.Item, Columns.Kind]
"""Columns whose values come again and again: read as codes, in memory once."""
REMEDY = mark("Import the corpus again")
BYTES_KEPT = 256 * 2**20
BYTES_OF_ROW = 8 * len(ROW_COLUMNS) + sys.getsizeof(2**50) + sys.getsizeof(0.5)
"""What decoded row groups may take together; a row of them beside its words, each in memory once:
places in lists, a time and a rating."""


class EventSource(Protocol):
    """Where a corpus has its events from. Rows are in contract order, users sorted."""

    @property
    def user_ids(self) -> tuple[str, ...]:
        """User ids, in the order of the rows."""
        ...

    @property
    def user_starts(self) -> IntArray:
        """int64[n_users + 1]: row of each user's first event, then the number of rows."""
        ...

    @property
    def frame(self) -> pd.DataFrame:
        """All of ``Columns.EVENTS``: large where the corpus is."""
        ...

    @property
    def times(self) -> TimeArray:
        """datetime64[us][n_events], UTC."""
        ...

    @property
    def ratings(self) -> FloatArray:
        """float32[n_events], NaN for none."""
        ...

    def codes(self, name: str) -> tuple[tuple[str, ...], CodeArray]:
        """A column of text without gaps: its distinct words, and int32[n_events] into them."""
        ...

    def some(self, rows: IntArray) -> pd.DataFrame:
        """Some rows int64[n], ascending, as a frame like ``frame``."""
        ...

    def rows(self, begin: int, end: int) -> list[EventRow]:
        """Some rows; ``end`` is not among them."""
        ...

    def forget(self) -> None:
        """Give back what ``rows`` has decoded and kept."""
        ...


class FrameEvents:
    """Events in memory."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    @cached_property
    def user_starts(self) -> IntArray:
        return user_starts(self.frame)

    @cached_property
    def user_ids(self) -> tuple[str, ...]:
        return tuple(self.frame[Columns.User].to_numpy()[self.user_starts[:-1]])

    @cached_property
    def times(self) -> TimeArray:
        return np.asarray(self.frame[Columns.Time].to_numpy("datetime64[us]"))

    @cached_property
    def ratings(self) -> FloatArray:
        return np.asarray(self.frame[Columns.Rating], np.float32)

    def codes(self, name: str) -> tuple[tuple[str, ...], CodeArray]:
        codes, words = pd.factorize(self.frame[name].to_numpy(object))
        return tuple(words), codes.astype(np.int32)

    def some(self, rows: IntArray) -> pd.DataFrame:
        return self.frame.iloc[rows].reset_index(drop=True)

    def rows(self, begin: int, end: int) -> list[EventRow]:
        return list(zip(*(column[begin:end] for column in self._columns), strict=True))

    def forget(self) -> None:
        vars(self).pop("_columns", None)

    @cached_property
    def _columns(self) -> tuple[list[Any], ...]:
        texts = (self.frame[name].tolist() for name in (Columns.Title, Columns.Text))
        return (
            self.frame[Columns.Item].tolist(),
            self.times.astype(np.int64).tolist(),
            self.frame[Columns.Kind].tolist(),
            _with_gaps(self.frame[Columns.Rating].to_numpy()),
            *texts,
        )


class StoredEvents:
    """Events in the Parquet file of a corpus folder.

    The file is verified when it is opened, and the open one is hashed again where its size or times
    have changed since. It stays readable when another import has taken its place. Safe between
    threads. ``Damaged`` where it isn't what was written.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock, self._keeping = path, Lock(), Lock()
        verify(path.parent, (path.name,), remedy=tr(REMEDY))
        with reading(path.parent):
            self._bytes = pa.OSFile(str(path))
            self._sha256 = sha256_of_open(self._bytes.fileno(), path)
            listed = (read_sums(path.parent) or {}).get(path.name, self._sha256)
            if listed != self._sha256:
                raise changed(path, remedy=tr(REMEDY))
        with self._reading():
            self._file = pq.ParquetFile(self._bytes, read_dictionary=WORDS)
            self._file.schema_arrow.empty_table().cast(tables.EVENTS_SCHEMA)
            facts = self._file.metadata
            sizes = [facts.row_group(at).num_rows for at in range(facts.num_row_groups)]
            self._group_starts = np.cumsum([0, *sizes])
            self.user_ids, self.user_starts = self._users()
        self._groups: OrderedDict[int, tuple[list[Any], ...]] = OrderedDict()
        self._weights: dict[int, int] = {}

    @once_each
    def frame(self) -> pd.DataFrame:
        """Ids and kinds are each in memory once."""
        rest = [name for name in Columns.EVENTS if name not in WORDS]
        with self._reading():
            read = self._file.read(columns=rest).select(rest)
        frame = tables.frame_from_table(read)
        del read
        counts = np.diff(self.user_starts)
        columns: dict[str, Any] = {Columns.User: np.repeat(_objects(self.user_ids), counts)}
        for name in (Columns.Item, Columns.Kind):
            words, codes = self.codes(name)
            columns[name] = _objects(words)[codes]
        return _framed(frame, columns)

    def some(self, rows: IntArray) -> pd.DataFrame:
        """Read one row group after the other: no more of the file is in memory at a time."""
        names = [name for name in Columns.EVENTS if name != Columns.User]
        edges = np.searchsorted(rows, self._group_starts)
        parts = []
        for group, (first, last) in enumerate(pairwise(edges.tolist())):
            if first < last:
                with self._reading():  # others read between two groups
                    read = self._file.read_row_group(group, names)
                    parts.append(read.take(pa.array(rows[first:last] - self._group_starts[group])))
        if not parts:
            return self.frame.iloc[:0]
        table = pa.concat_tables(parts)
        frame = tables.frame_from_table(table.drop_columns([Columns.Item, Columns.Kind]))
        users = np.searchsorted(self.user_starts, rows, side="right") - 1
        places, own = np.unique(users, return_inverse=True)
        ids = _objects([self.user_ids[place] for place in places.tolist()])
        columns: dict[str, Any] = {Columns.User: ids[own]}
        for name in (Columns.Item, Columns.Kind):
            words, codes = _coded(table[name])
            columns[name] = _objects(words)[codes]
        return _framed(frame, columns)

    @once_each
    def times(self) -> TimeArray:
        micros = self._column(Columns.Time).cast(pa.int64()).to_numpy()
        return np.asarray(micros.view("datetime64[us]"))

    @once_each
    def ratings(self) -> FloatArray:
        return _numbers(self._column(Columns.Rating))

    def codes(self, name: str) -> tuple[tuple[str, ...], CodeArray]:
        return _coded(self._column(name))

    def rows(self, begin: int, end: int) -> list[EventRow]:
        first = int(np.searchsorted(self._group_starts, begin, side="right")) - 1
        found: list[EventRow] = []
        while begin < end:
            start, stop = self._group_starts[first], min(end, self._group_starts[first + 1])
            columns = self._decoded(first)
            part = (column[begin - start : stop - start] for column in columns)
            found.extend(zip(*part, strict=True))
            begin, first = stop, first + 1
        return found

    def _users(self) -> tuple[tuple[str, ...], IntArray]:
        """User ids and ``user_starts``, from the runs of the column of users."""
        ids: list[str] = []
        starts: list[IntArray] = []
        at = 0
        for group in range(self._file.num_row_groups):
            column = self._file.read_row_group(group, [Columns.User])[Columns.User]
            for chunk in column.chunks:
                codes = chunk.indices.to_numpy(zero_copy_only=False)
                begins = np.flatnonzero(np.diff(codes, prepend=-1))
                words = chunk.dictionary.take(pa.array(codes[begins])).to_pylist()
                goes_on = int(bool(ids and words) and ids[-1] == words[0])
                ids.extend(words[goes_on:])
                starts.append(begins[goes_on:].astype(np.int64) + at)
                at += len(codes)
        return tuple(ids), np.concatenate([*starts, [at]]).astype(np.int64)

    def _column(self, name: str) -> pa.ChunkedArray:
        with self._reading():
            return self._file.read(columns=[name])[name]

    def _decoded(self, group: int) -> tuple[list[Any], ...]:
        """The columns of a row group as lists; those that were asked for last are kept."""
        with self._keeping:
            if group in self._groups:
                self._groups.move_to_end(group)
                return self._groups[group]
        with self._reading():
            read = self._file.read_row_group(group, list(ROW_COLUMNS))
        made = tuple(_list_of(read[name]) for name in ROW_COLUMNS)
        weight = _weight_of(made)
        with self._keeping:
            self._groups[group] = made
            self._weights[group] = weight
            while len(self._groups) > 1 and sum(self._weights.values()) > BYTES_KEPT:
                gone, _ = self._groups.popitem(last=False)
                del self._weights[gone]
        return made

    def forget(self) -> None:
        with self._keeping:
            self._groups.clear()
            self._weights.clear()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """One reader at a time, of the content that was written."""
        with self._lock, reading(self._path.parent):
            self._check()
            yield
            self._check()

    def _check(self) -> None:
        """``Damaged`` where the open file isn't what it was.

        Another file of its name, or none, is no matter.
        """
        if sha256_of_open(self._bytes.fileno(), self._path) != self._sha256:
            raise changed(self._path, remedy=tr(REMEDY))


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """What readers raise of a corpus's tables that aren't what was written, as ``Damaged``."""
    try:
        yield
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise Damaged(
            tr("the tables of the corpus are damaged: {reason}", reason=reason_of(error)),
            where=str(folder),
            remedy=tr(REMEDY),
        ) from None


def _coded(column: pa.ChunkedArray) -> tuple[tuple[str, ...], CodeArray]:
    """Distinct words of a column of codes, and int32[n] into them."""
    column = column.unify_dictionaries()
    if not column.num_chunks:
        return (), np.empty(0, np.int32)
    codes = [chunk.indices.to_numpy(zero_copy_only=False) for chunk in column.chunks]
    words = tuple(column.chunk(0).dictionary.to_pylist())
    return words, np.concatenate(codes).astype(np.int32, copy=False)


def _framed(rest: pd.DataFrame, words: dict[str, Any]) -> pd.DataFrame:
    """Events from their columns of words and the other ones."""
    columns = {name: pd.Series(values, dtype=object) for name, values in words.items()}
    return pd.DataFrame({name: columns.get(name, rest.get(name)) for name in Columns.EVENTS})


def _list_of(column: pa.ChunkedArray) -> list[Any]:
    """A column as Python's own: times as microseconds, None for gaps, equal words once."""
    kind = column.type
    if column.null_count == len(column):
        return [None] * len(column)
    if pa.types.is_string(kind):
        column = column.dictionary_encode()
    if pa.types.is_dictionary(column.type):
        chunks = column.unify_dictionaries().chunks
        words = _objects([*chunks[0].dictionary.to_pylist(), None])
        codes = (pc.fill_null(chunk.indices, len(words) - 1).to_numpy() for chunk in chunks)
        return list(words[np.concatenate(list(codes))])
    if pa.types.is_timestamp(kind):
        return list(column.cast(pa.int64()).to_numpy().tolist())
    if pa.types.is_floating(kind):
        return _with_gaps(_numbers(column))
    return list(column.to_pylist())


def _weight_of(columns: tuple[list[Any], ...]) -> int:
    """Bytes that decoded rows take, of which equal words are in memory once."""
    total = len(columns[0]) * BYTES_OF_ROW
    for name, column in zip(ROW_COLUMNS, columns, strict=True):
        if name not in (Columns.Time, Columns.Rating):
            total += sum(map(sys.getsizeof, set(column)))
    return total


def _numbers(column: pa.ChunkedArray) -> FloatArray:
    return np.asarray(pc.fill_null(column, float("nan")).to_numpy(), np.float32)


def _with_gaps(ratings: npt.NDArray[Any]) -> list[float | None]:
    return [None if rating != rating else rating for rating in ratings.tolist()]


def _objects(words: Sequence[str | None]) -> npt.NDArray[np.object_]:
    array = np.empty(len(words), object)
    array[:] = words
    return array

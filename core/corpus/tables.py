"""The two tables of a corpus as Arrow: schemas, order, fingerprint, Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.arrays import BoolArray, IntArray
from core.domain import Columns, order_hash

EVENTS_FILE, ITEMS_FILE = "events.parquet", "items.parquet"
ROWS_PER_GROUP = 16_384
TIES_AT_ONCE = 50_000
BYTES_AT_ONCE = 32 * 2**20

EVENTS_SCHEMA = pa.schema(
    [
        pa.field(Columns.User, pa.string(), nullable=False),
        pa.field(Columns.Item, pa.string(), nullable=False),
        pa.field(Columns.Time, pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field(Columns.Kind, pa.string(), nullable=False),
        pa.field(Columns.Rating, pa.float32()),
        pa.field(Columns.Title, pa.string()),
        pa.field(Columns.Text, pa.string()),
    ]
)
ITEMS_SCHEMA = pa.schema(
    [
        pa.field(Columns.Item, pa.string(), nullable=False),
        pa.field(Columns.Title, pa.string()),
        pa.field(Columns.Category, pa.string()),
        pa.field(Columns.Description, pa.string()),
        pa.field(Columns.Price, pa.float64()),
        pa.field(Columns.Extra, pa.string()),
    ]
)


def batch_of(rows: Iterable[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Rows, each in the schema's order, as one batch."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.record_batch(list(map(pa.array, columns, schema.types)), schema=schema)


def frame_of(rows: Iterable[Sequence[Any]], schema: pa.Schema) -> pd.DataFrame:
    """Rows, each in the schema's order, as a frame."""
    return frame_from_table(pa.Table.from_batches([batch_of(rows, schema)]))


def table_from_frame(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """Turn a frame with the schema's columns (None or NaN = missing) into an Arrow table."""
    return pa.Table.from_pandas(
        frame[schema.names], schema=schema, preserve_index=False, safe=False
    )


def frame_from_table(table: pa.Table) -> pd.DataFrame:
    """Turn a table into a frame: text columns hold str or None, numbers NaN for missing."""
    columns: dict[str, Any] = {}
    for field in table.schema:
        column = table.column(field.name)
        if pa.types.is_string(field.type):
            values = column.to_numpy(zero_copy_only=False)
            columns[field.name] = pd.Series(values, dtype=object)
        else:
            columns[field.name] = column.to_pandas()
    return pd.DataFrame(columns)


def codes_in_order(column: pa.ChunkedArray) -> npt.NDArray[np.int32]:
    """int32[n]: each string's rank among the column's distinct strings, by code point."""
    words = column.unique()
    # Not dictionary_encode, which gives each chunk a dictionary of all words so far.
    ranks = pc.index_in(column, value_set=words.take(pc.sort_indices(words)))
    return np.asarray(ranks.to_numpy(), np.int32)


def contract_order(events: pa.Table, ordered: int = 0) -> tuple[IntArray, BoolArray]:
    """Rows in contract order within each user, users sorted; and which of them repeat another.

    The first ``ordered`` rows are in contract order already and repeat nothing. Returns
    ``order`` int64[n], row numbers, and ``repeated`` bool[n], aligned with ``order``: True where
    the row has the same user, item, time, kind and text as the one before it. Among repeats the one
    with the highest rating, then the first title, comes first, so that the order of the files never
    decides.
    """
    if events.num_rows == 0:
        return np.empty(0, np.int64), np.empty(0, np.bool_)
    users = codes_in_order(events[Columns.User])
    times = events[Columns.Time].cast(pa.int64()).to_numpy()
    order = np.lexsort((times, users))
    repeated = np.zeros(len(order), np.bool_)
    getter = RowGetter(events.select(Columns.EVENTS))
    same = np.ones(len(order) - 1, np.bool_)
    for values in (users, times):
        ordered_values = values[order]
        same &= ordered_values[1:] == ordered_values[:-1]
    goes_on, came_from = np.append(same, False), np.insert(same, 0, False)
    tied = np.flatnonzero(goes_on | came_from)
    run = np.cumsum(~came_from)[tied]
    if ordered:  # lexsort is stable: runs without a new row stay as they are
        is_open = np.zeros(len(order) + 1, np.bool_)
        is_open[run[order[tied] >= ordered]] = True
        tied, run = tied[is_open[run]], run[is_open[run]]
    start = 0
    at_once = rows_at_once(events, TIES_AT_ONCE)
    while start < len(tied):
        last = min(start + at_once, len(tied)) - 1
        stop = int(np.searchsorted(run, run[last], side="right"))
        places, runs = tied[start:stop], run[start:stop].tolist()
        rows = order[places]
        keys = list(zip(runs, _tie_keys(getter.take(rows)), strict=True))
        by_key = sorted(range(len(keys)), key=keys.__getitem__)
        order[places] = rows[by_key]
        keys = [keys[at] for at in by_key]
        repeated[places[1:]] = [
            (run_a, key_a[:2]) == (run_b, key_b[:2])
            for (run_a, key_a), (run_b, key_b) in pairwise(keys)
        ]
        start = stop
    return order, repeated


def _tie_keys(events: pa.Table) -> list[tuple[str, bytes, float, str]]:
    """What decides between events of one user at one instant."""
    columns = (events[name].to_pylist() for name in Columns.EVENTS)
    return [
        (
            order_hash(user, item, kind),
            hashlib.blake2b((text or "").encode(), digest_size=16).digest(),
            -rating if rating is not None and rating == rating else np.inf,
            title or "",
        )
        for user, item, _, kind, rating, title, text in zip(*columns, strict=True)
    ]


class RowGetter:
    """Takes rows out of a table of many chunks without joining the chunks first.

    The chunks may lie in a memory-mapped file; only the rows asked for come into memory.
    """

    def __init__(self, table: pa.Table) -> None:
        self._batches = table.to_batches()
        self._starts = np.cumsum([0, *(batch.num_rows for batch in self._batches)])

    def take(self, rows: IntArray) -> pa.Table:
        """The rows with these numbers, int64[n], in this order; n must not be 0."""
        by_place = np.argsort(rows, kind="stable")
        ordered = rows[by_place]
        edges = np.searchsorted(ordered, self._starts)
        parts = [
            self._batches[batch].take(pa.array(ordered[begin:end] - self._starts[batch]))
            for batch, (begin, end) in enumerate(pairwise(edges.tolist()))
            if begin < end
        ]
        back = np.empty_like(by_place)
        back[by_place] = np.arange(len(rows))
        return pa.Table.from_batches(parts).combine_chunks().take(pa.array(back))


def slices(table: pa.Table, order: IntArray, schema: pa.Schema) -> Iterator[pa.Table]:
    """The table's rows in this order, one row group at a time."""
    getter = RowGetter(table.select(schema.names))
    step = rows_at_once(table, ROWS_PER_GROUP)
    for start in range(0, len(order), step):
        yield getter.take(order[start : start + step]).cast(schema)


def rows_at_once(table: pa.Table, most: int) -> int:
    """How many rows to hold in memory: ``most``, or fewer where texts are very long."""
    size = table.nbytes // max(table.num_rows, 1)
    return max(min(most, BYTES_AT_ONCE // max(int(size), 1)), 16)


class Fingerprint:
    """sha256 over the canonical content of tables: values and gaps, column by column.

    How rows are cut into slices doesn't matter, nor does the Parquet encoding.
    """

    def __init__(self) -> None:
        self._columns: dict[str, tuple[Any, Any]] = {}

    def add(self, table_name: str, rows: pa.Table) -> None:
        """Continue the content of one table."""
        for field in rows.schema:
            lengths, content = self._columns.setdefault(
                f"{table_name}.{field.name}", (hashlib.sha256(), hashlib.sha256())
            )
            column = rows[field.name]
            if pa.types.is_string(field.type):
                lengths.update(pc.fill_null(pc.binary_length(column), -1).to_numpy().tobytes())
                for chunk in column.chunks:
                    content.update("".join(chunk.fill_null("").to_pylist()).encode())
            elif pa.types.is_floating(field.type):
                values = pc.fill_null(column, float("nan")).to_numpy().copy()
                values[np.isnan(values)] = np.nan
                content.update(values.tobytes())
            else:
                content.update(column.cast(pa.int64()).to_numpy().tobytes())

    def hexdigest(self, *facts: object) -> str:
        """16 hex digits over all tables and these further facts."""
        total = hashlib.sha256(repr(facts).encode())
        for name in sorted(self._columns):
            lengths, content = self._columns[name]
            total.update(name.encode() + lengths.digest() + content.digest())
        return total.hexdigest()[:16]


def write_parquet(path: Path, parts: Iterable[pa.Table], schema: pa.Schema) -> None:
    """Write row groups as given; the same content gives the same bytes."""
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=6) as writer:
        for part in parts:
            writer.write_table(part, row_group_size=ROWS_PER_GROUP)

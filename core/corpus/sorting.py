"""Events in contract order without repeats, sorted a part of the users at a time.

Of many rows all are dealt out first, in one pass, to files by user: rows of a user lie far apart in
a shop's log, and fetching them from all over it would hold all of it in memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.corpus.tables import (
    ROWS_PER_GROUP,
    RowGetter,
    codes_in_order,
    contract_order,
    rows_at_once,
)
from core.domain import Columns

ROWS_OF_PART, BYTES_OF_PART = 500_000, 128 * 2**20
MOST_PARTS = 256
"""Files that are open at once."""
RELEASED_ROWS = 1_000_000


class InOrder:
    """Events in contract order, each once.

    ``events`` has ``Columns.EVENTS``; its first ``ordered`` rows are in contract order already.
    Files of parts lie in ``folder`` while ``slices`` runs. ``release`` is called whenever memory
    that ``events`` is mapped into could be given back. ``read`` counts the rows that were passed,
    ``repeated`` those of them that repeat another, ``n_users`` the users.
    """

    def __init__(
        self,
        events: pa.Table,
        folder: Path,
        ordered: int = 0,
        release: Callable[[], object] = lambda: None,
    ) -> None:
        self._events, self._folder, self._ordered = events, folder, ordered
        self._release = release
        self.read, self.repeated, self.n_users = 0, 0, 0

    def slices(self, schema: pa.Schema) -> Iterator[pa.Table]:
        """The rows, one row group at a time."""
        step = rows_at_once(self._events, ROWS_PER_GROUP)
        rest: list[pa.Table] = []
        waiting = 0
        for part, ordered in self._parts():
            order, repeated = contract_order(part, ordered)
            kept, getter = order[~repeated], RowGetter(part.select(schema.names))
            self.repeated += len(order) - len(kept)
            start = 0
            while start < len(kept):
                rows = getter.take(kept[start : start + step - waiting]).cast(schema)
                start, waiting = start + len(rows), waiting + len(rows)
                rest.append(rows)
                if waiting == step:
                    self.read += waiting
                    yield _joined(rest)
                    rest, waiting = [], 0
        if rest:
            yield _joined(rest)
        self.read = self._events.num_rows

    def _parts(self) -> Iterator[tuple[pa.Table, int]]:
        """All rows of some users after all rows of those before, and how many are ordered."""
        events = self._events.select(Columns.EVENTS)
        n = events.num_rows
        if not n:
            return
        ranks = codes_in_order(events[Columns.User])
        self.n_users = int(ranks.max()) + 1
        self._release()
        wanted = max(-(-n // ROWS_OF_PART), -(-self._events.nbytes // BYTES_OF_PART))
        if wanted == 1:
            del ranks
            yield events, self._ordered
            return
        ends = np.cumsum(np.bincount(ranks))
        _, part_of_user = np.unique(
            (ends - 1) // -(-n // min(wanted, MOST_PARTS)), return_inverse=True
        )
        parts = part_of_user.astype(np.int16)[ranks]
        del ranks, ends, part_of_user
        n_parts = int(parts.max()) + 1
        ordered = np.bincount(parts[: self._ordered], minlength=n_parts)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".sorting-") as folder:
            paths = [Path(folder) / f"{part}.arrow" for part in range(n_parts)]
            self._deal(events, parts, paths)
            del parts
            for path, known in zip(paths, ordered.tolist(), strict=True):
                with pa.OSFile(str(path)) as file:
                    part = pa.ipc.open_file(file).read_all().combine_chunks()
                path.unlink()
                yield part, known

    def _deal(self, events: pa.Table, parts: npt.NDArray[np.int16], paths: list[Path]) -> None:
        """Write each row into the file of its part; the rows of a part keep their order."""
        start = released = 0
        with ExitStack() as stack:
            writers = [
                stack.enter_context(pa.ipc.new_file(sink, events.schema))
                for sink in (stack.enter_context(pa.OSFile(str(path), "wb")) for path in paths)
            ]
            for batch in events.to_batches():
                own = parts[start : start + batch.num_rows]
                order = np.argsort(own, kind="stable")
                sorted_batch = batch.take(pa.array(order))
                edges = np.searchsorted(own[order], np.arange(len(paths) + 1))
                for part in np.flatnonzero(np.diff(edges)):
                    begin, end = int(edges[part]), int(edges[part + 1])
                    writers[part].write_batch(sorted_batch.slice(begin, end - begin))
                start += batch.num_rows
                if start - released >= RELEASED_ROWS:
                    self._release()
                    released = start
        self._release()


def _joined(parts: list[pa.Table]) -> pa.Table:
    """One chunk a column: where chunks end, Parquet's writer may end its pages."""
    return pa.concat_tables(parts).combine_chunks()

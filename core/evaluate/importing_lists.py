"""Read a file of served lists row by row, refuse what can't be used, store the rest whole."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.arrays import BoolArray, IntArray
from core.corpus.corpus import Corpus
from core.corpus.quarantine import Quarantine, Refusal
from core.corpus.rows import read_head, read_rows
from core.corpus.source import BadRow, SourceFile
from core.corpus.store import Library
from core.corpus.timestamps import TimeUnit, find_unit
from core.corpus.validate import RowProblem, read_id
from core.domain import Columns, DomainError
from core.evaluate.served import HEADER, RANK, ListsManifest, lists_path
from core.files import replace_file
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.recommend.registry import NAMES

NEEDED = (Columns.User, Columns.Time, RANK, Columns.Item)
DEEPEST = 10_000
"""Last rank that is read."""
REPORT_ROWS = 20_000


@dataclass(frozen=True)
class ListsSummary:
    """What was taken and what refused."""

    manifest: ListsManifest
    reasons: dict[str, int]
    """Refused rows by reason, most frequent first."""
    refused: tuple[Refusal, ...]
    """The first refused rows."""
    quarantine: Path
    """File of all refused rows."""


def import_lists(
    corpus: Corpus,
    library: Library,
    path: Path,
    name: str,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> ListsSummary:
    """Import lists with the columns user_id, timestamp, rank and item_id.

    CSV, TSV, JSON lines or Parquet, also as gzip. Users and items must be the corpus's; ranks are
    whole numbers from 1; a rank or item that a list has twice is refused the second time. Replaces
    older lists of the same name. DomainError where nothing can be used, and Stopped.
    """
    _check_name(name)
    file = SourceFile(path, can_ask=False)
    unit = _time_unit(file)
    place = lists_path(library, corpus.name, name)
    refusals = place.with_suffix(".quarantine.jsonl")
    rows = _Rows(corpus, unit)
    try:
        with tempfile.TemporaryDirectory(prefix="tastelines-lists-") as work:
            draft = Path(work) / "quarantine.jsonl"
            quarantine = Quarantine(draft)
            with closing(quarantine):
                for bad, line in rows.read(file, progress, stop):
                    quarantine.add(file.name, line, bad, "" if bad.field == "line" else bad.field)
                table = rows.table(file.name, quarantine)
            if table.num_rows == 0:
                first = str(quarantine.first[0]) if quarantine.first else "no rows"
                raise DomainError(
                    f"none of {rows.count} rows could be used",
                    where=first,
                    remedy="Users and items must be the corpus's, ranks whole numbers from 1",
                )
            manifest = _describe(table, rows, corpus, name, file, sum(quarantine.rows.values()))
            header = {HEADER: json.dumps(asdict(manifest)).encode()}
            stored = table.replace_schema_metadata(header)
            replace_file(place, lambda target: pq.write_table(stored, target, compression="zstd"))
            replace_file(refusals, lambda target: _copy(draft, target))
    except (OSError, pa.ArrowException) as error:
        raise DomainError(
            f"the lists could not be written: {getattr(error, 'strerror', None) or error}",
            where=str(library.root),
            remedy="Check free space and permissions, or choose another --library",
        ) from None
    return ListsSummary(
        manifest,
        dict(quarantine.reasons.most_common()),
        tuple(quarantine.first),
        refusals,
    )


class _Rows:
    """The usable rows of one file as indices."""

    def __init__(self, corpus: Corpus, unit: TimeUnit) -> None:
        self.corpus, self.unit = corpus, unit
        self.count = 0
        self._users = {user: at for at, user in enumerate(corpus.user_ids)}
        self._kept = array("q")  # user, time, rank, item, line; and again

    def read(
        self, file: SourceFile, progress: ProgressCallback | None, stop: StopCallback | None
    ) -> Iterator[tuple[BadRow, int]]:
        """Keep what can be used; yield what can't with its line."""
        for line, fields in read_rows(file):
            self.count += 1
            found = self._one(fields) if isinstance(fields, dict) else fields
            if isinstance(found, BadRow):
                yield found, line
            else:
                self._kept.extend((*found, line))
            if self.count % REPORT_ROWS == 0:
                check_stop(stop)
                now = Progress("reading", file.bytes_read, file.size, figures={"rows": self.count})
                report(progress, now)
        check_stop(stop)

    def _one(self, fields: dict[str, Any]) -> tuple[int, int, int, int] | BadRow:
        try:
            user, item = (read_id(name, fields.get(name)) for name in (Columns.User, Columns.Item))
        except RowProblem as problem:
            return problem.bad
        if user not in self._users:
            return BadRow.because(Columns.User, "is not in the corpus", user)
        index = self.corpus.item_index.get(item)
        if index is None:
            return BadRow.because(Columns.Item, "is not in the catalogue", item)
        rank = _rank(fields.get(RANK))
        if rank is None:
            return BadRow.because(
                RANK, f"is not a whole number from 1 to {DEEPEST:,}", fields.get(RANK)
            )
        when = fields.get(Columns.Time)
        if when in (None, ""):
            return BadRow.because(Columns.Time, "is missing")
        try:
            time = self.unit.read(when)
        except ValueError as error:
            return BadRow.because(Columns.Time, str(error), when)
        return self._users[user], time, rank, index

    def table(self, file: str, quarantine: Quarantine) -> pa.Table:
        """Rows sorted by user, time and rank, each rank and item of a list once."""
        rows = np.frombuffer(self._kept, np.int64).reshape(-1, 5)
        for column, field in ((2, RANK), (3, Columns.Item)):
            again = _repeated(rows, column)
            for user, _, _, item, line in rows[again].tolist():
                ids = f"{self.corpus.user_ids[user]}, {self.corpus.item_ids[item]}"
                bad = BadRow.because(field, "appears twice in one list", ids)
                quarantine.add(file, line, bad, field)
            rows = rows[~again]
        rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
        return pa.table(
            {
                Columns.User: pa.array(self.corpus.user_ids).take(pa.array(rows[:, 0])),
                Columns.Time: pa.array(rows[:, 1], pa.timestamp("us", "UTC")),
                RANK: pa.array(rows[:, 2].astype(np.int32)),
                Columns.Item: pa.array(self.corpus.item_ids).take(pa.array(rows[:, 3])),
            }
        )


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _repeated(rows: IntArray, column: int) -> BoolArray:
    """Rows whose user, time and ``column`` an earlier row of the file has, bool[n]."""
    again = np.ones(len(rows), np.bool_)
    again[np.unique(rows[:, [0, 1, column]], axis=0, return_index=True)[1]] = False
    return again


def _describe(
    table: pa.Table, rows: _Rows, corpus: Corpus, name: str, file: SourceFile, refused: int
) -> ListsManifest:
    content = hashlib.sha256()
    for column in table.columns:
        for buffer in column.combine_chunks().buffers():
            content.update(buffer or b"")
    times = pc.min_max(table[Columns.Time]).as_py()
    lists = table.group_by([Columns.User, Columns.Time]).aggregate([])
    return ListsManifest(
        name=name,
        corpus=corpus.name,
        lists_id=content.hexdigest()[:16],
        source=file.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        rows_read=rows.count,
        accepted=table.num_rows,
        quarantined=refused,
        lists=lists.num_rows,
        users=pc.count_distinct(table[Columns.User]).as_py(),
        first=times["min"].isoformat(),
        last=times["max"].isoformat(),
        corpus_id=corpus.corpus_id,
    )


def _time_unit(file: SourceFile) -> TimeUnit:
    head = read_head(file)
    missing = [name for name in NEEDED if name not in head.columns]
    if missing:
        raise DomainError(
            f"the file has no column {missing[0]!r}",
            where=f"{file.path}: {head.listed or 'no columns'}",
            remedy=f"Name the columns {', '.join(NEEDED)}",
        )
    return find_unit(head.values(Columns.Time), where=f"{file.path}, column {Columns.Time}")


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
        raise DomainError(
            f"{name!r} cannot be the name of lists",
            where="--as",
            remedy="Use up to 64 of a-z, 0-9, - and _, beginning with a letter or digit",
        )
    if name in NAMES:
        raise DomainError(
            f"{name!r} is one of the product's own recommenders",
            where="--as",
            remedy="Choose another name, for example production",
        )


def _rank(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return int(number) if number.is_integer() and 1 <= number <= DEEPEST else None

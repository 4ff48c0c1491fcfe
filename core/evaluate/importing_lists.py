"""Read a file of served lists row by row, refuse what can't be used, store the rest whole."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import tempfile
from array import array
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core import access
from core.corpus.corpus import Corpus
from core.corpus.options import ImportOptions
from core.corpus.quarantine import Quarantine, Refusal
from core.corpus.source import BadRow, SourceFile
from core.corpus.store import Library, check_name
from core.corpus.syntax import Rows, open_rows, read_head
from core.corpus.syntax.protocol import Fields
from core.corpus.texts import read_id
from core.corpus.timestamps import TimeUnit, find_unit
from core.domain import Columns, DomainError
from core.evaluate.served import (
    HEADER,
    LEAST_PROPENSITY,
    MOST_REWARD,
    PROPENSITY,
    RANK,
    REFUSED,
    REWARD,
    ListsManifest,
    lists_path,
)
from core.files import replace_file
from core.language import mark, tr
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.recommend.own import installed
from core.recommend.registry import NAMES
from core.strategy.store import StrategyStore

NEEDED = (Columns.User, Columns.Time, RANK, Columns.Item)
EARNED = (PROPENSITY, REWARD)
"""Columns that a file has both of, or neither."""
OWN_NAMES = {name: name for name in (*NEEDED, *EARNED)}
DEEPEST = 10_000
"""Last rank that is read."""
NO_RANK = mark("is not a whole number from 1 to 10,000")
NO_PROPENSITY = mark("is not a number from 1e-09 to 1")
NO_REWARD = mark("is not a number from -1e+12 to 1e+12")
"""Reasons that name the limits; the quarantine holds them in English."""
REPORT_ROWS = 20_000


@dataclass(frozen=True)
class ListsSummary:
    """What was accepted and what was refused."""

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

    Also propensity and reward, where the file has both (``core.evaluate.offpolicy``).
    CSV, TSV, JSON lines or Parquet, also as gzip. Users and items must be the corpus's; ranks are
    whole numbers from 1; a rank or item that a list has twice is refused the second time. Replaces
    older lists of the same name. DomainError where nothing can be used, and for all but editors;
    Stopped.
    """
    access.need_editor(mark("importing lists"))
    check_name(name, mark("the name of lists"), "--as")
    ids = {point.name: tr("the id of an installed recommender") for point in installed()}
    ids |= dict.fromkeys(NAMES, tr("one of the product's own recommenders"))
    with suppress(DomainError):  # damaged strategies are no reason to refuse lists
        saved = StrategyStore.open(library).strategies(corpus.name)
        ids |= dict.fromkeys((strategy.name for strategy in saved), tr("the name of a strategy"))
    if name in ids:
        remedy = tr("Choose another name, for example production")
        said = tr("{name!r} is {what}", name=name, what=ids[name])
        raise DomainError(said, where="--as", remedy=remedy)
    file = SourceFile(path, can_ask=False)
    rows = open_rows(file, ImportOptions(header=True))
    unit, is_rewarded = _time_unit(file, rows), _is_rewarded(file, rows)
    target = lists_path(library, corpus.name, name)
    refused = target.with_suffix(REFUSED)
    with (
        library.writing(mark("lists")),
        tempfile.TemporaryDirectory(prefix="tastelines-lists-") as work,
    ):
        draft = Path(work) / "quarantine.jsonl"
        quarantine = Quarantine(draft)
        with closing(quarantine):
            kept = array("q")  # user, time, rank, item, line; and again
            earned = array("d")  # propensity, reward; and again
            rows_read = 0
            for line, fields in rows.records():
                rows_read += 1
                row = _read(corpus, unit, fields) if isinstance(fields, dict) else fields
                pair = _earned(fields) if is_rewarded and isinstance(fields, dict) else ()
                if isinstance(row, BadRow) or isinstance(pair, BadRow):
                    bad = row if isinstance(row, BadRow) else pair
                    assert isinstance(bad, BadRow)
                    quarantine.add(Refusal.of(file.name, line, bad, OWN_NAMES))
                else:
                    kept.extend((*row, line))
                    earned.extend(pair)
                if rows_read % REPORT_ROWS == 0:
                    check_stop(stop)
                    done, figures = file.bytes_read, {"rows": float(rows_read)}
                    report(progress, Progress(mark("reading"), done, file.size, figures=figures))
            check_stop(stop)
            table = _table(kept, earned, corpus, file.name, quarantine)
        if table.num_rows == 0:
            raise DomainError(
                tr("none of {n} rows could be used", n=rows_read),
                where=str(quarantine.first[0]) if quarantine.first else tr("no rows"),
                remedy=tr("Users and items must be the corpus's, ranks whole numbers from 1"),
            )
        times = pc.min_max(table[Columns.Time]).as_py()
        manifest = ListsManifest(
            name=name,
            corpus=corpus.name,
            lists_id=_content_hash(table),
            source=file.name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            rows_read=rows_read,
            accepted=table.num_rows,
            quarantined=sum(quarantine.rows.values()),
            lists=table.group_by([Columns.User, Columns.Time]).aggregate([]).num_rows,
            users=pc.count_distinct(table[Columns.User]).as_py(),
            first=times["min"].isoformat(),
            last=times["max"].isoformat(),
            corpus_id=corpus.corpus_id,
        ).sealed(table)
        stored = table.replace_schema_metadata({HEADER: json.dumps(asdict(manifest)).encode()})
        replace_file(target, lambda place: pq.write_table(stored, place, compression="zstd"))
        replace_file(refused, lambda place: shutil.copyfile(draft, place))
    reasons = dict(quarantine.reasons.most_common())
    return ListsSummary(manifest, reasons, tuple(quarantine.first), refused)


def _read(corpus: Corpus, unit: TimeUnit, fields: Fields) -> tuple[int, int, int, int] | BadRow:
    """One row as indices: user, microseconds since 1970, rank and item; or why not."""
    try:
        user_id = read_id(Columns.User, fields.get(Columns.User))
        item_id = read_id(Columns.Item, fields.get(Columns.Item))
    except BadRow as bad:
        return bad
    user, item = corpus.user_index.get(user_id), corpus.item_index.get(item_id)
    if user is None:
        return BadRow(Columns.User, mark("is not in the corpus"), user_id)
    if item is None:
        return BadRow(Columns.Item, mark("is not in the catalogue"), item_id)
    rank = _rank(fields.get(RANK))
    if rank is None:
        return BadRow(RANK, NO_RANK, fields.get(RANK))
    when = fields.get(Columns.Time)
    if when in (None, ""):
        return BadRow(Columns.Time, mark("is missing"))
    try:
        return user, unit.read(when), rank, item
    except ValueError as error:
        return BadRow(Columns.Time, str(error), when)


def _earned(fields: Fields) -> tuple[float, float] | BadRow:
    """Propensity and reward of one row, or why not."""
    propensity, reward = (_number(fields.get(name)) for name in EARNED)
    if propensity is None or not LEAST_PROPENSITY <= propensity <= 1:
        return BadRow(PROPENSITY, NO_PROPENSITY, fields.get(PROPENSITY))
    if reward is None or abs(reward) > MOST_REWARD:
        return BadRow(REWARD, NO_REWARD, fields.get(REWARD))
    return propensity, reward


def _number(value: Any) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(value, bool):
        return float(value)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _table(
    kept: array[int], earned: array[float], corpus: Corpus, file: str, quarantine: Quarantine
) -> pa.Table:
    """Rows sorted by user, time and rank, each rank and item of a list once."""
    one_list = [Columns.User, Columns.Time]
    rows = pd.DataFrame(
        np.frombuffer(kept, np.int64).reshape(-1, 5),
        columns=[*one_list, RANK, Columns.Item, "line"],
    )
    if earned:
        rows[list(EARNED)] = np.frombuffer(earned, np.float64).reshape(-1, 2)
    for field in (RANK, Columns.Item):
        repeated = rows.duplicated([*one_list, field])
        for row in rows[repeated].itertuples(index=False):
            ids = f"{corpus.user_ids[row.user_id]}, {corpus.item_ids[row.item_id]}"
            bad = BadRow(field, mark("appears twice in one list"), ids)
            quarantine.add(Refusal.of(file, row.line, bad, OWN_NAMES))
        rows = rows[~repeated]
    rows = rows.sort_values([*one_list, RANK])
    return pa.table(
        {
            Columns.User: pa.array(corpus.user_ids).take(pa.array(rows[Columns.User])),
            Columns.Time: pa.array(rows[Columns.Time], pa.timestamp("us", "UTC")),
            RANK: pa.array(rows[RANK].astype(np.int32)),
            Columns.Item: pa.array(corpus.item_ids).take(pa.array(rows[Columns.Item])),
            **{name: pa.array(rows[name]) for name in EARNED if name in rows},
        }
    )


def _content_hash(table: pa.Table) -> str:
    content = hashlib.sha256()
    for column in table.columns:
        for buffer in column.combine_chunks().buffers():
            content.update(buffer or b"")
    return content.hexdigest()[:16]


def _time_unit(file: SourceFile, rows: Rows) -> TimeUnit:
    head = read_head(rows)
    missing = [name for name in NEEDED if name not in head.columns]
    if missing:
        none = tr("no columns")
        raise DomainError(
            tr("the file has no column {column!r}", column=missing[0]),
            where=f"{file.path}: {head.listed or none}",
            remedy=tr("Name the columns {columns}", columns=", ".join(NEEDED)),
        )
    where = tr("{file}, column {column}", file=file.path, column=Columns.Time)
    return find_unit(head.values(Columns.Time), where=where)


def _is_rewarded(file: SourceFile, rows: Rows) -> bool:
    """Whether a file has propensities and rewards; DomainError for one without the other."""
    has = [name in read_head(rows).columns for name in EARNED]
    if has[0] != has[1]:
        raise DomainError(
            tr(
                "the file has the column {column!r} without {other!r}",
                column=EARNED[has[1]],
                other=EARNED[has[0]],
            ),
            where=str(file.path),
            remedy=tr("Give both, or neither"),
        )
    return has[0]


def _rank(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return int(number) if number.is_integer() and 1 <= number <= DEEPEST else None

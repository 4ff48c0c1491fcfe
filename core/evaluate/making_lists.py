"""Lists of all users of a corpus in one file, in the layout that ``importing_lists`` reads.

What is made waits in a SQLite file beside the target, a transaction per batch, so that a stopped
run goes on where it was; the target is replaced whole at the end. Each row of that file holds the
sha256 of its content: where one was changed, all is made anew.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from core.arrays import FloatArray, IntArray
from core.cluster import HERE, Machines
from core.corpus.texts import FORMULA_BEGINS
from core.domain import Columns, DomainError, History, is_step, parse_instant
from core.engine import Engine, EnginePlace
from core.evaluate.served import RANK
from core.files import reason_of, replace_file
from core.language import mark, tr
from core.progress import Progress, ProgressCallback, StopCallback, report
from core.ranking import NO_ITEM, ExcludedItems, excluded_mask, top_items, top_k
from core.recommend.protocol import CELLS_PER_BATCH, Recommender
from core.recommend.training_data import microseconds

SCORE = "score"
MADE = b"made_lists"
"""Key of the facts in a Parquet file's header."""
SCHEMA = pa.schema(
    {
        Columns.User: pa.string(),
        Columns.Time: pa.timestamp("us", "UTC"),
        RANK: pa.int32(),
        Columns.Item: pa.string(),
        SCORE: pa.float32(),
    }
)
FEWEST_USERS, MOST_USERS = 8, 256
"""Users whose lists are made and kept together."""
LISTS_AT_ONCE = 5_000
TOLERANCE = 1e-4
"""Nats by which neighbours of a list must differ. Scores of a batch and of one history differ by up
to 1e-5, which could swap items that are closer; such a user is asked for alone."""


@dataclass(frozen=True)
class MadeLists:
    """What was written: ``lists`` of at most ``k`` items, ``rows`` in all.

    ``left_out`` counts users without an event at the moment that was asked for, ``kept`` those
    whose lists an earlier run had made. ``discarded``: an unfinished run lay there that was damaged
    or for another model, length or moment, and was removed.
    """

    file: Path
    recommender: str
    k: int
    lists: int
    rows: int
    left_out: int
    kept: int
    discarded: bool


def make_lists(
    engine: Engine,
    target: Path,
    k: int,
    at: str | None = None,
    recommender: str | None = None,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    machines: Machines = HERE,
) -> MadeLists:
    """Write the list of every user to a ``.parquet`` or ``.csv`` file: those of ``recommend``.

    Columns: user_id, timestamp (of the last event that the list follows from), rank, item_id and
    score (nats). ``at`` as in ``recommend``. DomainError where the file can't be written, an
    option can't be read, or nobody has an event at that moment; ``Stopped``, after which the same
    call goes on.
    """
    write = _writer(engine, target)
    if at is not None and not is_step(at):
        parse_instant(at)
    chosen = engine.recommender(recommender).id
    corpus = engine.corpus.whole
    asked = {
        "corpus": corpus.name,
        "corpus_id": corpus.corpus_id,
        "model": engine.fingerprint(chosen),
        "recommender": chosen,
        "k": k,
        "at": at,
    }
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with closing(_Unfinished(unfinished_path(target), asked)) as unfinished:
            n_users, kept = len(corpus.user_ids), unfinished.done
            size = min(max(CELLS_PER_BATCH // len(corpus.item_ids), FEWEST_USERS), MOST_USERS)
            starts = range(kept, n_users, size)
            spans = [(start, min(start + size, n_users)) for start in starts]
            question = _Question(chosen, engine.fingerprint(chosen), k, at)
            made = _asked(machines, engine, question, spans, stop)
            for start, end in spans:
                report(progress, Progress(mark("making lists"), start, n_users))
                unfinished.add(end, next(made))
            report(progress, Progress(mark("writing"), n_users, n_users))
            lists, rows = unfinished.count()
            if not lists:
                unfinished.path.unlink()
                raise DomainError(
                    tr("no user has an event at that moment"),
                    where=f"--at {at}",  # no sentence
                    remedy=tr("Choose a later time or a smaller step"),
                )
            schema = SCHEMA.with_metadata({MADE: json.dumps(asked).encode()})
            replace_file(target, lambda path: write(path, schema, unfinished.tables(engine)))
            discarded = unfinished.discarded
        unfinished.path.unlink(missing_ok=True)
    except (OSError, sqlite3.Error, pa.ArrowException) as error:
        raise DomainError(
            tr("the lists could not be written: {reason}", reason=reason_of(error)),
            where=str(target),
            remedy=tr(
                "Check free space and permissions, and that no other run writes them; or choose "
                "another --out"
            ),
        ) from None
    return MadeLists(target, chosen, k, lists, rows, n_users - lists, kept, discarded)


def unfinished_path(target: Path) -> Path:
    """Where the lists wait until all are made."""
    return target.with_name(f".{target.name}.unfinished")


Made = tuple[int, int, IntArray, FloatArray]
"""User's index, microseconds since 1970, catalogue indices int64[<= k], scores float32[<= k]."""


@dataclass(frozen=True)
class _Question:
    """Which lists are asked for."""

    recommender: str
    fingerprint: str
    k: int
    at: str | None


def _asked(
    machines: Machines,
    engine: Engine,
    question: _Question,
    spans: Iterable[tuple[int, int]],
    stop: StopCallback | None,
) -> Iterator[list[Made]]:
    """The lists of the users of each span."""
    if machines is HERE:
        return HERE.map(partial(_lists, engine, question), spans, stop)
    place = engine.place()
    return machines.map(partial(_lists_on_node, place, question), spans, stop)


def _lists_on_node(place: EnginePlace, question: _Question, span: tuple[int, int]) -> list[Made]:
    engine = place.with_recommender(question.recommender, question.fingerprint)
    return _lists(engine, question, span)


def _lists(engine: Engine, question: _Question, span: tuple[int, int]) -> list[Made]:
    """The lists of these users that have events until then, in order."""
    corpus, users = engine.corpus.whole, range(*span)
    moments = {user: _moment(corpus.history(corpus.user_ids[user]), question.at) for user in users}
    histories = {user: moment for user, moment in moments.items() if moment is not None}
    asked = list(histories.values())
    if not asked:
        return []
    recommender = engine.recommender(question.recommender)
    made = lists_after(engine, asked, question.k, recommender)
    return [
        (user, microseconds(moment), items, values)
        for (user, history), (items, values) in zip(histories.items(), made, strict=True)
        if (moment := history.at) is not None
    ]


def lists_after(
    engine: Engine, histories: Sequence[History], k: int, recommender: Recommender
) -> Iterator[tuple[IntArray, FloatArray]]:
    """The list after each history, asked for together: the items that it has alone.

    Catalogue indices int64[<= k], best first, and their scores float32[<= k].
    """
    item_index = engine.corpus.item_index
    scores = recommender.log_probabilities(histories)
    excluded = ExcludedItems.of(histories, item_index)
    for history, row, best in zip(
        histories, scores, top_items(scores, excluded, k + 1), strict=True
    ):
        items, values = best[best != NO_ITEM], row[best[best != NO_ITEM]]
        if (values[:-1] - values[1:] <= TOLERANCE).any():
            row = recommender.log_probabilities([history])[0]
            items = top_k(row, excluded_mask(history, item_index), k)
            values = row[items]
        yield items[:k], values[:k]


def _moment(history: History, at: str | None) -> History | None:
    """The history up to a step or time; None where it has no such event."""
    try:
        return history.up_to(history.resolve_step(at))
    except DomainError:
        return None


class _Unfinished:
    """The lists that are made so far; an earlier run's, where it was asked for the same.

    sqlite3.Error where the file can't be written or another run writes it.
    """

    def __init__(self, path: Path, asked: Mapping[str, Any]) -> None:
        self.path, self._asked = path, json.dumps(asked, sort_keys=True)
        if path.is_symlink():  # planted: what it leads to is no run's
            path.unlink()
        opened, known, is_old = None, None, path.exists()
        try:
            opened = _connect(path)
            known = self._known(opened)
        except sqlite3.DatabaseError as error:  # no SQLite file, or a damaged one, or no access
            is_access = isinstance(error, sqlite3.OperationalError)
            if is_access and error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
        self.discarded = is_old and known is None
        if opened is None or self.discarded:
            if opened is not None:
                opened.close()
            path.unlink()
            opened = _connect(path)
        self._db, self.done = opened, known or 0
        """Users that were looked at."""
        if known is None:
            with self._db:
                self._db.execute("INSERT INTO state VALUES (?, ?, ?, ?)", self._state(0, 0))

    def _state(self, done: int, lists: int) -> tuple[str, int, int, bytes]:
        """The row of the table ``state``: so many users were looked at, so many lists are kept."""
        return self._asked, done, lists, _mark(self._asked, done, lists)

    def _known(self, opened: sqlite3.Connection) -> int | None:
        """How many users were looked at; None where it is for another question, or was changed."""
        states = opened.execute("SELECT asked, done, lists, mark FROM state").fetchall()
        rows = opened.execute("SELECT mark, user, time, items, scores FROM lists")
        is_whole = [mark == _mark(*row) for mark, *row in rows]
        done: int = states[0][1] if states else 0
        return done if states == [self._state(done, len(is_whole))] and all(is_whole) else None

    def add(self, done: int, lists: Iterable[Made]) -> None:
        """Keep lists, and that so many users were looked at."""
        rows = [
            (user, time, items.tobytes(), values.tobytes()) for user, time, items, values in lists
        ]
        with self._db:
            marked = [(*row, _mark(*row)) for row in rows]
            self._db.executemany("INSERT INTO lists VALUES (?, ?, ?, ?, ?)", marked)
            state = self._state(done, self.count()[0])
            self._db.execute("UPDATE state SET asked = ?, done = ?, lists = ?, mark = ?", state)

    def count(self) -> tuple[int, int]:
        """Lists and rows."""
        query = "SELECT COUNT(*), COALESCE(SUM(LENGTH(scores)), 0) FROM lists"
        lists, n_bytes = self._db.execute(query).fetchone()
        return lists, n_bytes // np.dtype(np.float32).itemsize

    def tables(self, engine: Engine) -> Iterator[pa.Table]:
        """All rows by user and rank, some thousand lists at a time."""
        user_ids, item_ids = (
            pa.array(engine.corpus.whole.user_ids),
            pa.array(engine.corpus.item_ids),
        )
        found = self._db.execute("SELECT user, time, items, scores FROM lists ORDER BY user")
        while some := found.fetchmany(LISTS_AT_ONCE):
            lengths = np.array([len(row[3]) // 4 for row in some])
            items = np.frombuffer(b"".join(row[2] for row in some), np.int64)
            scores = np.frombuffer(b"".join(row[3] for row in some), np.float32)
            users = np.repeat([row[0] for row in some], lengths)
            times = np.repeat([row[1] for row in some], lengths)
            firsts = np.repeat(np.cumsum(lengths) - lengths, lengths)
            columns = [
                user_ids.take(pa.array(users)),
                pa.array(times, SCHEMA.field(Columns.Time).type),
                pa.array((np.arange(len(items)) - firsts + 1).astype(np.int32)),
                item_ids.take(pa.array(items)),
                pa.array(scores),
            ]
            yield pa.table(columns, schema=SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


def _mark(*cells: object) -> bytes:
    """sha256 of a row's cells."""
    return hashlib.sha256(repr(cells).encode()).digest()


def _connect(path: Path) -> sqlite3.Connection:
    """The file, with its tables where it is new."""
    connection = sqlite3.connect(path, timeout=1.0)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        with connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS state "
                "(asked TEXT, done INTEGER, lists INTEGER, mark BLOB)"
            )
            connection.execute(
                "CREATE TABLE IF NOT EXISTS lists "
                "(user INTEGER PRIMARY KEY, time INTEGER, items BLOB, scores BLOB, mark BLOB)"
            )
        return connection
    except sqlite3.Error:
        connection.close()
        raise


Writer = Callable[[Path, pa.Schema, Iterator[pa.Table]], None]


def _writer(engine: Engine, target: Path) -> Writer:
    """What writes the file, by its ending; DomainError where it can't."""
    option = f"--out {target}"  # no sentence
    if target.is_dir():
        raise DomainError(tr("this is a folder"), where=option, remedy=tr("Name a file in it"))
    ending = target.suffix.lower()
    if ending not in WRITERS:
        raise DomainError(
            tr("lists can't be written as {ending}", ending=ending or tr("a file without ending")),
            where=option,
            remedy=tr("End its name in {endings}", endings=tr(" or ").join(WRITERS)),
        )
    if ending == ".csv":
        for ids in (engine.corpus.whole.user_ids, engine.corpus.item_ids):
            formula = next((name for name in ids if name.startswith(FORMULA_BEGINS)), None)
            if formula is not None:
                raise DomainError(
                    tr("a spreadsheet would take the id {id!r} for a formula", id=formula),
                    where=option,
                    remedy=tr("End its name in .parquet"),
                )
    return WRITERS[ending]


def _write_parquet(path: Path, schema: pa.Schema, tables: Iterator[pa.Table]) -> None:
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for table in tables:
            file.write_table(table.replace_schema_metadata(schema.metadata))


def _write_csv(path: Path, schema: pa.Schema, tables: Iterator[pa.Table]) -> None:
    with pyarrow.csv.CSVWriter(path, schema) as file:
        for table in tables:
            file.write_table(table)


WRITERS: dict[str, Writer] = {".parquet": _write_parquet, ".csv": _write_csv}

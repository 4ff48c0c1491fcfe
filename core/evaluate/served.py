"""Lists served by a system in production: kept in the library, judged like a recommender.

A case is judged by the list that the user was served last before the target's event, or at the time
of the last known event (the same where times are whole days). Ranks count as given, nothing is
excluded; a case without a list is a miss. A list has ranks only, no probabilities
(docs/contracts.md).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.arrays import DoubleArray, IntArray
from core.corpus.corpus import Corpus
from core.corpus.manifest import Manifest
from core.corpus.quarantine import read_quarantine
from core.corpus.store import Library
from core.corpus.tables import Fingerprint
from core.corpus.timestamps import EPOCH, MICROSECOND
from core.domain import Columns, DomainError, RecommendationList, RecommendedItem
from core.evaluate.report import Result, joined, list_qualities
from core.files import Damaged, reason_of
from core.language import tr
from core.measure.cases import Case, targets_of
from core.ranking import NO_ITEM, ExcludedItems
from core.recommend.training_data import TrainingData, microseconds

RANK = "rank"
PROPENSITY, REWARD = "propensity", "reward"
"""Columns that lists may have besides: with which probability the item would be in this list, and
what showing it earned."""
LEAST_PROPENSITY, MOST_REWARD = 1e-9, 1e12
"""Weights are 1 / propensity: beyond these, sums would lose all other rows."""
FOLDER, REFUSED = "lists", ".quarantine.jsonl"
HEADER = b"served_lists"
UNREADABLE = (OSError, ValueError, KeyError, TypeError, RecursionError, pa.ArrowException)


@dataclass(frozen=True, slots=True)
class ListsManifest:
    """The facts of the lists imported under one name, which is their recommender id.

    ``lists_id`` is a hash of their content, 16 hex digits, ``source`` the file's name; ``accepted``
    and ``quarantined`` count rows, ``lists`` different users and times, ``users`` users with a
    list; ``created`` and the times of the ``first`` and ``last`` list are ISO. ``corpus_id`` is the
    fingerprint of the corpus they were imported for; empty where it wasn't recorded.
    """

    name: str
    corpus: str
    lists_id: str
    source: str
    created: str
    rows_read: int
    accepted: int
    quarantined: int
    lists: int
    users: int
    first: str
    last: str
    corpus_id: str = ""
    seal: str = ""
    """Hash of rows and facts; empty where it wasn't recorded."""

    def sealed(self, table: pa.Table) -> ListsManifest:
        """These facts with the hash that rows and facts give."""
        content = Fingerprint()
        content.add(FOLDER, table)
        return replace(self, seal=content.hexdigest(replace(self, seal="")))

    def is_of_other_content(self, manifest: Manifest) -> bool:
        """Whether the corpus surely had other content when they were imported.

        What was appended since took nothing of it away.
        """
        return bool(self.corpus_id) and manifest.appends_since(self.corpus_id) is None


@dataclass(frozen=True, eq=False)
class ServedLists:
    """All lists of one name over a corpus, sorted by user, time and rank.

    ``user``, ``item`` int64[n_rows] are indices into the corpus's users and catalogue; ``time``
    int64[n_rows] microseconds since 1970; ``rank`` int64[n_rows] from 1, as served. Where they were
    imported, ``propensity`` float64[n_rows], 1e-9 to 1, and ``reward`` float64[n_rows]; else None.
    """

    manifest: ListsManifest
    corpus: Corpus
    user: IntArray
    time: IntArray
    rank: IntArray
    item: IntArray
    propensity: DoubleArray | None = None
    reward: DoubleArray | None = None
    outside: int = 0
    """Lists of users whom a sample leaves out; they are not among the rows."""

    @cached_property
    def _user_starts(self) -> IntArray:
        return np.searchsorted(self.user, np.arange(len(self.corpus.user_ids) + 1)).astype(np.int64)

    def last(self, user_id: str, until: datetime) -> slice:
        """Rows of the list that a user was served last at or before ``until``; empty if none."""
        user = self.corpus.user_index.get(user_id)
        if user is None:
            return slice(0, 0)
        begin, end = self._user_starts[user], self._user_starts[user + 1]
        times = self.time[begin:end]
        stop = int(np.searchsorted(times, microseconds(until), "right"))
        start = int(np.searchsorted(times, times[stop - 1])) if stop else 0
        return slice(int(begin) + start, int(begin) + stop)

    def judge(self, cases: Sequence[Case], data: TrainingData, k: int) -> ListsJudged:
        """The lists as one more recommender on ``cases``; ``data`` is what rivals learned from."""
        n = len(cases)
        targets = targets_of(cases, data.item_index)
        rank = np.full(n, np.inf)
        lists = np.full((n, k), NO_ITEM, np.int64)
        unserved = stale = 0
        for row, case in enumerate(cases):
            rows = self.last(case.history.user_id, _last_moment(case))
            if rows.stop == rows.start:
                unserved += 1
                continue
            served = EPOCH + int(self.time[rows.start]) * MICROSECOND
            stale += served < (case.history.at or served)
            items, ranks = self.item[rows], self.rank[rows]
            shown = ranks <= k
            lists[row, ranks[shown] - 1] = items[shown]
            target_ranks = ranks[items == targets[row]]
            if len(target_ranks):
                rank[row] = target_ranks[0]
        excluded = ExcludedItems.of([case.history for case in cases], data.item_index)
        rank[excluded.contain(targets)] = np.inf
        unknown = np.full(n, np.nan)
        return ListsJudged(
            Result(
                self.manifest.name,
                rank=rank,
                log_probability=unknown,
                lists=lists,
                promised=unknown,
                **list_qualities(lists, data),
            ),
            n,
            unserved,
            stale,
            self.manifest.is_of_other_content(self.corpus.manifest),
        )


@dataclass(frozen=True, eq=False)
class ListsJudged:
    """Served lists on the cases of a protocol.

    ``unserved`` counts targets before which the user was served no list (misses), ``stale`` those
    whose list is older than the last known event. ``of_other_content``: the lists were imported for
    other content of the corpus.
    """

    result: Result
    cases: int
    unserved: int
    stale: int
    of_other_content: bool = False

    @classmethod
    def pooled(cls, parts: Sequence[ListsJudged], k: int) -> ListsJudged:
        """The same lists on the cases of several cuts."""
        return cls(
            joined(parts[0].result.recommender, [part.result for part in parts], k),
            sum(part.cases for part in parts),
            sum(part.unserved for part in parts),
            sum(part.stale for part in parts),
            parts[0].of_other_content,
        )


def served_list(
    corpus: Corpus, library: Library, name: str, user_id: str, at: datetime
) -> RecommendationList | None:
    """The list that a user was served last at or before ``at``; None where there is none.

    Ranks as served; scores are NaN, because a list has none. DomainError for an unknown name.
    """
    served = load_lists(corpus.whole, library, name)
    rows = served.last(user_id, at)
    if rows.stop == rows.start:
        return None
    events = corpus.history(user_id).events
    return RecommendationList(
        user_id=user_id,
        step=sum(event.timestamp <= at for event in events),
        recommender=served.manifest.name,
        items=tuple(
            RecommendedItem(
                int(rank), corpus.item_ids[item], corpus.title(corpus.item_ids[item]), float("nan")
            )
            for rank, item in zip(served.rank[rows], served.item[rows], strict=True)
        ),
    )


def served_manifests(corpus_name: str, library: Library) -> list[ListsManifest]:
    """What was imported for a corpus, by name; damaged files are left out."""
    manifests = []
    for name in served_names(corpus_name, library):
        with suppress(*UNREADABLE):
            schema = pq.read_schema(lists_path(library, corpus_name, name))
            manifests.append(_manifest(schema))
    return manifests


def served_names(corpus_name: str, library: Library) -> list[str]:
    """Under which names lists of a corpus are kept, damaged ones too."""
    return sorted(path.stem for path in (library.root / FOLDER / corpus_name).glob("*.parquet"))


def load_lists(corpus: Corpus, library: Library, name: str) -> ServedLists:
    """Read imported lists; DomainError when there are none of that name, or damaged ones.

    Rows about users and items that the corpus no longer has are left out.
    """
    path = lists_path(library, corpus.name, name)
    try:
        table = pq.read_table(path)
        manifest = _manifest(table.schema)
        if manifest.seal not in ("", manifest.sealed(table).seal):
            raise ValueError(tr("their content was changed after it was written"))
        user = table[Columns.User].to_pandas().map(corpus.user_index)
        item = table[Columns.Item].to_pandas().map(corpus.item_index)
        known = (user.notna() & item.notna()).to_numpy()
        time = table[Columns.Time].to_numpy().astype("datetime64[us]").astype(np.int64)
        rank = table[RANK].to_numpy().astype(np.int64)
        earned: list[DoubleArray] = []
        if {PROPENSITY, REWARD} <= set(table.column_names):
            earned = [table[name].to_numpy().astype(np.float64) for name in (PROPENSITY, REWARD)]
            propensity, reward = earned
            fits = (propensity >= LEAST_PROPENSITY) & (propensity <= 1)
            if not (fits & (np.abs(reward) <= MOST_REWARD)).all():
                raise ValueError(tr("its propensities or rewards are damaged or out of bounds"))
    except FileNotFoundError:
        names = [manifest.name for manifest in served_manifests(corpus.name, library)]
        command = (
            f"python -m core import-lists FILE --name {corpus.name} --as {name}"  # no sentence
        )
        raise DomainError(
            tr("there are no imported lists {name!r}", name=name),
            where=tr("corpus {name}", name=corpus.name),
            remedy=tr("Choose one of {names}", names=", ".join(names))
            if names
            else tr("Import them: {command}", command=command),
        ) from None
    except UNREADABLE as error:
        raise DomainError(
            tr(
                "the imported lists {name!r} can't be read: {reason}",
                name=name,
                reason=reason_of(error),
            ),
            where=str(path),
            remedy=tr("Import them again"),
        ) from None
    columns = (user.to_numpy(), time, rank, item.to_numpy())
    users, times, ranks, items = (np.asarray(column[known], np.int64) for column in columns)
    outside = 0
    if corpus.sample is not None:
        others = table.select([Columns.User, Columns.Time]).to_pandas()[user.isna()]
        others = others[others[Columns.User].isin(corpus.whole.user_ids)]
        outside = len(others.drop_duplicates())
    served = ServedLists(manifest, corpus, users, times, ranks, items, outside=outside)
    if not earned:
        return served
    return replace(served, propensity=earned[0][known], reward=earned[1][known])


def rewarded_names(corpus_name: str, library: Library) -> list[str]:
    """Names of the lists with propensities and rewards; damaged files are left out."""
    names = []
    for name in served_names(corpus_name, library):
        with suppress(*UNREADABLE):
            schema = pq.read_schema(lists_path(library, corpus_name, name))
            if {PROPENSITY, REWARD} <= set(schema.names):
                names.append(name)
    return names


def lists_path(library: Library, corpus_name: str, name: str) -> Path:
    """Where the lists of one name are kept."""
    return library.root / FOLDER / corpus_name / f"{name}.parquet"


def check_refused(library: Library, corpus_name: str, name: str) -> None:
    """``Damaged`` where the file of refused rows is not as long as the import said."""
    path = lists_path(library, corpus_name, name)
    refused = path.with_suffix(REFUSED)
    try:
        count, expected = len(read_quarantine(refused)), _manifest(pq.read_schema(path)).quarantined
        problem = ""
        if count != expected:
            problem = tr("it holds {n:,} rows, not {expected:,}", n=count, expected=expected)
    except UNREADABLE as error:
        problem = reason_of(error)
    if problem:
        raise Damaged(problem, where=str(refused), remedy=tr("Import the lists again"))


def _last_moment(case: Case) -> datetime:
    before = case.target_time - MICROSECOND
    return before if case.history.at is None else max(before, case.history.at)


def _manifest(schema: pa.Schema) -> ListsManifest:
    facts: dict[str, Any] = json.loads((schema.metadata or {})[HEADER])
    return ListsManifest(**facts)

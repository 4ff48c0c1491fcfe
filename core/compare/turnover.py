"""How fast lists change: for every user, how alike the lists of two of their moments are.

Lists are taken after each of a user's newest events. Two lists of one user have a distance in
events and one in days; their overlap is ``rank_biased_overlap``. Each user counts once in every
mean, however many pairs of lists they have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.arrays import FloatArray
from core.compare.overlap import rank_biased_overlap
from core.domain import History
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report

if TYPE_CHECKING:
    from core.engine import Engine


K = 10
NEWEST = 16
"""Newest moments of a history whose lists are made."""
EVENT_BINS = (1, 2, 3, 5, 8, 12)
"""Events between two lists at which a bin begins; the last one is open."""
DAY_BINS = (0, 1, 7, 30, 90, 365)
"""Whole days between two lists at which a bin begins; the last one is open."""
HISTORIES_PER_BATCH = 64
ARRAYS = ("change", "by_events", "by_days", "lists")
"""What a ``Turnover`` holds for each user."""


@dataclass(frozen=True, eq=False)
class Turnover:
    """Overlaps of the lists of n users, NaN where a user has no such pair.

    ``change`` float32[n]: 1 minus the mean overlap of neighbouring lists, so 0 is a list that no
    event changes. ``by_events`` float32[n, 6] and ``by_days`` float32[n, 6]: mean overlap of a
    user's pairs per bin of ``EVENT_BINS`` and ``DAY_BINS``. ``lists`` int32[n]: lists per user.
    """

    corpus_id: str
    model_id: str
    recommender: str
    k: int
    user_ids: tuple[str, ...]
    change: FloatArray
    by_events: FloatArray
    by_days: FloatArray
    lists: npt.NDArray[np.int32]

    def among(self, user_ids: Sequence[str]) -> Turnover:
        """The same for a cohort; users that weren't measured are left out."""
        row_of = {user: row for row, user in enumerate(self.user_ids)}
        rows = np.array([row_of[user] for user in user_ids if user in row_of], np.int64)
        return replace(
            self,
            user_ids=tuple(self.user_ids[row] for row in rows),
            **{name: getattr(self, name)[rows] for name in ARRAYS},
        )

    def most_changed(self, n: int, fewest_lists: int = 5) -> list[tuple[str, float]]:
        """The users whose lists change most per event, with that change; ties by user id."""
        usable = np.flatnonzero(np.isfinite(self.change) & (self.lists >= fewest_lists))
        ordered = sorted(usable.tolist(), key=lambda at: (-self.change[at], self.user_ids[at]))
        return [(self.user_ids[at], float(self.change[at])) for at in ordered[:n]]


@dataclass(frozen=True, slots=True)
class Bin:
    """One point of a turnover curve."""

    low: int
    """Events or whole days between two lists, from here ..."""
    high: int | None
    """... to here; None for the open last bin."""
    overlap: float | None
    """Mean over users of their mean RBO, 0 to 1; None without users."""
    users: int
    """How many users have such a pair."""


def curve(values: FloatArray, starts: Sequence[int]) -> tuple[Bin, ...]:
    """The mean over users of overlaps float32[n, n_bins] whose bins begin at ``starts``."""
    ends = [*(start - 1 for start in starts[1:]), None]
    bins = []
    for column, low, high in zip(values.T, starts, ends, strict=True):
        known = column[np.isfinite(column)]
        mean = float(known.mean(dtype=np.float64)) if len(known) else None
        bins.append(Bin(low, high, mean, len(known)))
    return tuple(bins)


def measure_turnover(
    engine: Engine,
    users: Sequence[str] | None = None,
    recommender: str | None = None,
    k: int = K,
    *,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Turnover:
    """Make the lists of all users (or of a cohort) and compare them.

    ``stop`` is asked between batches of 64 lists. DomainError for an unknown user or recommender.
    """
    chosen = engine.recommender(recommender)
    user_ids = tuple(engine.corpus.user_ids if users is None else users)
    rows: list[tuple[float, FloatArray, FloatArray, int]] = []
    for batch in _batches(engine, user_ids):
        report(progress, Progress("compare each user's lists", len(rows), len(user_ids)))
        moments = [history for histories in batch for history in histories]
        tops: list[list[str]] = []
        for start in range(0, len(moments), HISTORIES_PER_BATCH):
            check_stop(stop)
            some = moments[start : start + HISTORIES_PER_BATCH]
            for history, scores in zip(some, chosen.log_probabilities(some), strict=True):
                shown = engine.top(history, scores, k, chosen.id).items
                tops.append([item.item_id for item in shown])
        for histories in batch:
            own, tops = tops[: len(histories)], tops[len(histories) :]
            rows.append((*_compare(histories, own), len(histories)))
    report(progress, Progress("compare each user's lists", len(rows), len(user_ids)))
    change, by_events, by_days, lists = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Turnover(
        engine.corpus.corpus_id,
        engine.model_id,
        chosen.id,
        k,
        user_ids,
        np.array(change, np.float32),
        np.array(by_events, np.float32).reshape(-1, len(EVENT_BINS)),
        np.array(by_days, np.float32).reshape(-1, len(DAY_BINS)),
        np.array(lists, np.int32),
    )


def _batches(engine: Engine, user_ids: Sequence[str]) -> Iterator[list[list[History]]]:
    """The newest moments of some users at a time."""
    batch: list[list[History]] = []
    size = 0
    for user in user_ids:
        whole = engine.corpus.history(user)
        first = max(len(whole) - NEWEST, 0) + 1
        batch.append([whole.up_to(step) for step in range(first, len(whole) + 1)])
        size += len(batch[-1])
        if size >= HISTORIES_PER_BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _compare(
    histories: Sequence[History], lists: Sequence[Sequence[str]]
) -> tuple[float, FloatArray, FloatArray]:
    """Change between neighbours, and mean overlap by events and by days between."""
    sums = np.zeros((2, len(EVENT_BINS)))
    pairs = np.zeros((2, len(EVENT_BINS)))
    next_to: list[float] = []
    for a, b in combinations(range(len(lists)), 2):
        overlap = rank_biased_overlap(lists[a], lists[b])
        first, second = histories[a].at, histories[b].at
        if overlap is None or first is None or second is None:
            continue
        if b - a == 1:
            next_to.append(overlap)
        for row, starts, value in ((0, EVENT_BINS, b - a), (1, DAY_BINS, (second - first).days)):
            at = int(np.searchsorted(starts, value, side="right")) - 1
            sums[row, at] += overlap
            pairs[row, at] += 1
    means = np.where(pairs > 0, sums / np.maximum(pairs, 1), np.nan).astype(np.float32)
    change = 1.0 - float(np.mean(next_to)) if next_to else float("nan")
    return change, means[0], means[1]

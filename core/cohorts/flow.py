"""How users move between leading topics from one calendar time to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from core.arrays import BoolArray, IntArray
from core.cohorts.states import Clock, instant
from core.measure.chances import q_values

STOPS = 4
"""Times that a flow is shown at."""
BEGUN = 0.5
"""Share of the users that the first of them has seen."""


@dataclass(frozen=True, slots=True)
class Gain:
    """One topic between the first and the last time: users who came and went.

    ``q``: how likely as uneven a number of comings and goings is by chance (exact sign test,
    Benjamini-Hochberg over the topics).
    """

    topic: int
    before: int
    after: int
    came: int
    went: int
    q: float


@dataclass(frozen=True, eq=False)
class Flow:
    """Users by leading topic at some times.

    ``times``: None each in a corpus without times, where they are equal parts of every history.
    ``moves`` int64[n_times - 1, n_topics, n_topics] counts users from topic to topic, of the
    ``users`` who were seen by the first time; ``moved`` of them changed until the last.
    """

    times: tuple[datetime | None, ...]
    moves: IntArray
    users: int
    moved: int
    gains: tuple[Gain, ...]
    whole: IntArray
    """int64[n_topics, n_topics] from the first time to the last."""

    def largest(self) -> tuple[int, int, int] | None:
        """The most frequent change from the first time to the last: from, to, users."""
        whole = self.whole.copy()
        np.fill_diagonal(whole, 0)
        if not whole.any():
            return None
        start, end = np.unravel_index(int(whole.argmax()), whole.shape)
        return int(start), int(end), int(whole[start, end])


def month_ends(first: datetime, last: datetime) -> list[datetime]:
    """The last instants of the calendar months from one time to another, then that other time."""
    ends: list[datetime] = []
    year, month = first.year, first.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        end = datetime(year, month, 1, tzinfo=UTC) - timedelta(microseconds=1)
        if end >= last:
            return [*ends, last]
        ends.append(end)


def flow_of(
    clock: Clock,
    topics: npt.NDArray[np.int16],
    n_topics: int,
    chosen: BoolArray,
    until: datetime | None,
) -> Flow:
    """The flow of chosen users bool[n_users] up to a time; ``topics`` int16[n_events]."""
    times = _times(clock, chosen, until)
    rows = (
        [clock.rows(at) for at in times]
        if times
        else [clock.rows_after(share) for share in np.linspace(0, 1, STOPS)]
    )
    begun = chosen & (rows[0] >= 0)
    stands = [_standing(each, topics, begun) for each in rows]
    moves = np.stack([_counted(a, b, n_topics) for a, b in pairwise(stands)])
    first, last = stands[0], stands[-1]
    whole = _counted(first, last, n_topics)
    return Flow(
        tuple(times) if times else (None,) * STOPS,
        moves,
        int(begun.sum()),
        int((first != last).sum()),
        _gains(whole),
        whole,
    )


def _times(clock: Clock, chosen: BoolArray, until: datetime | None) -> list[datetime]:
    """Month ends at equal distances, from when half of those seen by then were; or none."""
    corpus = clock.corpus
    manifest = corpus.manifest
    if manifest.order_as_time or manifest.first is None or manifest.last is None:
        return []
    last = until or manifest.last
    begins = clock.seconds[corpus.user_starts[:-1][chosen]]
    begins = begins[begins <= instant(last)]
    if not len(begins):
        return [last] * 2
    begun = np.quantile(begins.astype(np.int64), BEGUN, method="higher")
    first = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(begun))
    ends = month_ends(min(first, last), last)
    kept = np.unique(np.linspace(0, len(ends) - 1, STOPS).round().astype(int))
    chosen_ends = [ends[at] for at in kept]
    return chosen_ends if len(chosen_ends) > 1 else [min(first, last), last]


def _standing(rows: IntArray, topics: npt.NDArray[np.int16], chosen: BoolArray) -> IntArray:
    """Leading topic of each user, int64[n_users]; -1 for those not chosen or not seen yet."""
    seen = (rows >= 0) & chosen
    return np.where(seen, topics[np.maximum(rows, 0)].astype(np.int64), -1)


def _counted(before: IntArray, after: IntArray, n: int) -> IntArray:
    both = (before >= 0) & (after >= 0)
    counts = np.bincount(before[both] * n + after[both], minlength=n * n)
    return np.asarray(counts.reshape(n, n), np.int64)


def _gains(whole: IntArray) -> tuple[Gain, ...]:
    stayed = np.diag(whole)
    came, went = whole.sum(axis=0) - stayed, whole.sum(axis=1) - stayed
    p = [
        float(binomtest(int(a), int(a + b)).pvalue) if a + b else 1.0
        for a, b in zip(came, went, strict=True)
    ]
    q_of = q_values(p)
    rows = zip(range(len(p)), whole.sum(1), whole.sum(0), came, went, p, strict=True)
    return tuple(
        Gain(topic, int(before), int(after), int(a), int(b), q_of(chance) or 0.0)
        for topic, before, after, a, b, chance in rows
    )


def largest_topics(moves: Sequence[IntArray] | IntArray, most: int) -> list[int]:
    """The topics with most users over all times, in their own order."""
    totals = np.asarray(moves).sum(axis=(0, 1)) + np.asarray(moves).sum(axis=(0, 2))
    return sorted(np.argsort(-totals, kind="stable")[:most].tolist())

"""Recommenders that count: all of training, or a calendar window before the clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.arrays import FloatArray, IntArray
from core.recommend.histories import EncodedHistories
from core.recommend.training_data import TrainingData

DAY = 86_400_000_000
"""Microseconds."""


@dataclass(frozen=True, eq=False)
class Popularity:
    """Training events of each item, float32[n_items]."""

    counts: FloatArray

    @classmethod
    def grid(cls, data: TrainingData) -> Iterator[tuple[dict[str, float], Popularity]]:
        """There is nothing to choose."""
        yield {}, cls(data.item_counts.astype(np.float32))

    def scores(self, histories: EncodedHistories) -> FloatArray:
        """The same counts for everybody, float32[n, n_items]."""
        return np.tile(self.counts, (histories.n, 1))


@dataclass(frozen=True, eq=False)
class RecentPopularity:
    """Training events in the ``window`` (days) that ends at each history's clock.

    ``time`` int64[n_events] microseconds, ascending, and the events' ``item`` int64[n_events].
    """

    time: IntArray
    item: IntArray
    window: float

    @classmethod
    def grid(cls, data: TrainingData) -> Iterator[tuple[dict[str, float], RecentPopularity]]:
        """A month to two years."""
        order = np.argsort(data.time, kind="stable")
        for window in (30.0, 90.0, 180.0, 365.0, 730.0):
            yield {"window": window}, cls(data.time[order], data.item[order], window)

    def scores(self, histories: EncodedHistories) -> FloatArray:
        """Counts within each window, float32[n, n_items]; without a clock, the last window."""
        end = np.minimum(histories.clock, self.time[-1])
        first = np.searchsorted(self.time, end - int(self.window * DAY), side="right")
        last = np.searchsorted(self.time, end, side="right")
        counts = np.empty((histories.n, histories.n_items), np.float32)
        for row, (start, stop) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
            counts[row] = np.bincount(self.item[start:stop], minlength=histories.n_items)
        return counts

"""The one small door between recommenders and everything that asks them questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from core.arrays import FloatArray, IntArray
from core.domain import History
from core.ranking import ExcludedItems, target_ranks

CELLS_PER_BATCH = 4_000_000
"""Scores held at a time: 16 MB."""


@runtime_checkable
class Recommender(Protocol):
    """Anything that gives every item of a catalogue a probability after a history."""

    @property
    def id(self) -> str:
        """Its name in tables, options and files, such as ``item-knn``."""
        ...

    def log_probabilities(self, histories: Sequence[History]) -> FloatArray:
        """Score the whole catalogue for each history.

        Returns float32[n_histories, n_items]: the natural log of a probability over the whole
        catalogue before exclusion, so that each row's exponentials sum to 1 and all recommenders
        share one unit (nats). An empty history is valid. Time-aware recommenders read
        ``history.at``.
        """
        ...


def batches(rows: int, columns: int, cells: int = CELLS_PER_BATCH) -> Iterator[slice]:
    """The rows of a table in pieces of at most so many cells, at least one row each."""
    size = max(cells // max(columns, 1), 1)
    return (slice(start, min(start + size, rows)) for start in range(0, rows, size))


def next_ranks(
    recommender: Recommender,
    history: History,
    item_index: Mapping[str, int],
    steps: IntArray | None = None,
) -> FloatArray:
    """Rank of the next event's item in the list after each step, float32[n]; 1 is best.

    Ties count half. NaN at the last step, where the next item was excluded already or is not in the
    catalogue, and at others than ``steps`` int64[<= n] where they are given.
    """
    ranks = np.full(len(history), np.nan, np.float32)
    following = history.events[1:]
    unknown = [row for row, event in enumerate(following) if event.item_id not in item_index]
    asked = np.arange(len(following)) if steps is None else steps[steps < len(following)]
    for part in batches(len(asked), len(item_index)):
        rows = asked[part]
        prefixes = [history.up_to(int(row) + 1) for row in rows]
        scores = recommender.log_probabilities(prefixes)
        next_items = [item_index.get(following[row].item_id, 0) for row in rows]
        excluded = ExcludedItems.of(prefixes, item_index)
        ranks[rows] = target_ranks(scores, np.array(next_items, np.int64), excluded)
    ranks[np.isinf(ranks)] = np.nan
    ranks[unknown] = np.nan
    return ranks

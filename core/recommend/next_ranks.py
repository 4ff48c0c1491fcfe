"""Which rank the next event's item had at every step of a history, by any recommender."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from core.arrays import FloatArray
from core.domain import History
from core.ranking import ExcludedItems, target_ranks
from core.recommend.protocol import Recommender

CELLS_PER_BATCH = 4_000_000
"""Scores held at a time: 16 MB."""


def next_ranks(
    recommender: Recommender, history: History, item_index: Mapping[str, int]
) -> FloatArray:
    """Rank of the next event's item in the list after each step, float32[n]; 1 is best.

    Ties count half. NaN at the last step, and where the next item was excluded already.
    """
    steps = len(history)
    ranks = np.full(steps, np.nan, np.float32)
    size = max(1, CELLS_PER_BATCH // max(len(item_index), 1))
    for begin in range(0, steps - 1, size):
        end = min(begin + size, steps - 1)
        prefixes = [history.up_to(step) for step in range(begin + 1, end + 1)]
        scores = recommender.log_probabilities(prefixes)
        next_items = [item_index[event.item_id] for event in history.events[begin + 1 : end + 1]]
        excluded = ExcludedItems.of(prefixes, item_index)
        ranks[begin:end] = target_ranks(scores, np.array(next_items, np.int64), excluded)
    ranks[np.isinf(ranks)] = np.nan
    return ranks

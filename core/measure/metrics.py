"""Ranks, lists and what they are worth, for many histories at once.

NDCG, recall and reciprocal rank are those of one relevant item (Järvelin & Kekäläinen 2002;
Voorhees 1999): with the target on rank r <= k they are 1 / log2(1 + r), 1 and 1 / r, else 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from core.domain import History

NO_ITEM = -1


@dataclass(frozen=True, eq=False)
class ExcludedItems:
    """What lists may not contain: pairs (row of the batch, catalogue index), each once."""

    rows: IntArray
    items: IntArray

    @classmethod
    def of(cls, histories: Sequence[History], item_index: Mapping[str, int]) -> ExcludedItems:
        """The excluded items of each history; items outside the catalogue need no exclusion."""
        pairs = [
            (row, item_index[item])
            for row, history in enumerate(histories)
            for item in history.excluded_items()
            if item in item_index
        ]
        table = np.array(pairs, np.int64).reshape(-1, 2)
        return cls(table[:, 0], table[:, 1])


def target_ranks(scores: FloatArray, targets: IntArray, excluded: ExcludedItems) -> DoubleArray:
    """Rank of each target among the items that may be listed, float64[n]; 1 is best.

    ``scores`` float32[n, n_items] without NaN, ``targets`` int64[n] (catalogue indices). A tie
    counts half: with t others of equal score the rank is 1 + (number above) + t / 2. A target
    that is itself excluded could not be shown: its rank is infinite, a miss.
    """
    goal = scores[np.arange(len(targets)), targets]
    above = (scores > goal[:, None]).sum(axis=1)
    tied = (scores == goal[:, None]).sum(axis=1) - 1
    lost = scores[excluded.rows, excluded.items]
    bar = goal[excluded.rows]
    above = above - np.bincount(excluded.rows[lost > bar], minlength=len(targets))
    tied = tied - np.bincount(excluded.rows[lost == bar], minlength=len(targets))
    ranks = 1.0 + above + tied / 2.0
    ranks[excluded.rows[excluded.items == targets[excluded.rows]]] = np.inf
    return np.asarray(ranks, np.float64)


def top_items(scores: FloatArray, excluded: ExcludedItems, k: int) -> IntArray:
    """The k best items of each row that may be listed, int64[n, k] of catalogue indices.

    Equal scores rank by catalogue index, which is the order of item ids. A row with fewer than k
    such items ends in ``NO_ITEM``.
    """
    n, n_items = scores.shape
    left = scores.copy()
    left[excluded.rows, excluded.items] = -np.inf
    best = np.full((n, k), NO_ITEM, np.int64)
    width = min(k, n_items)
    if width == 0:
        return best
    bar = np.partition(left, n_items - width, axis=1)[:, n_items - width]
    for row in range(n):
        near = np.flatnonzero(left[row] >= bar[row])
        near = near[np.argsort(-left[row, near], kind="stable")][:width]
        near = near[left[row, near] > -np.inf]
        best[row, : len(near)] = near
    return best


def ndcg(ranks: DoubleArray, k: int) -> DoubleArray:
    """Normalised discounted cumulative gain at k of each case, float64[n] in [0, 1]."""
    return np.where(ranks <= k, 1.0 / np.log2(1.0 + ranks), 0.0)


def recall(ranks: DoubleArray, k: int) -> DoubleArray:
    """1 where the target is among the first k, else 0; float64[n]."""
    return (ranks <= k).astype(np.float64)


def reciprocal_rank(ranks: DoubleArray, k: int) -> DoubleArray:
    """1 / rank where the target is among the first k, else 0; float64[n]."""
    return np.where(ranks <= k, 1.0 / ranks, 0.0)


def coverage(lists: IntArray, n_items: int) -> float:
    """Share of the catalogue that is in at least one list; ``lists`` int64[n, k]."""
    return len(np.unique(lists[lists != NO_ITEM])) / max(n_items, 1)


def novelty(lists: IntArray, training_counts: IntArray) -> DoubleArray:
    """Mean self-information of each list's items in bits, float64[n] (NaN for an empty list).

    An item's probability is its share of training events with one added to every count
    (Vargas & Castells, RecSys 2011; Laplace's rule).
    """
    share = (training_counts + 1.0) / (training_counts.sum() + len(training_counts))
    return _row_means(-np.log2(share)[lists], lists != NO_ITEM)


def popularity_bias(lists: IntArray, training_counts: IntArray, typical: float) -> DoubleArray:
    """Mean training count of each list's items over the ``typical`` one, float64[n].

    ``typical`` is the mean training count of what users chose by themselves; above 1 the lists
    are more popular than their readers' taste (Abdollahpouri et al., RMSE workshop 2019).
    """
    return _row_means(training_counts[lists].astype(np.float64), lists != NO_ITEM) / typical


def intra_list_diversity(lists: IntArray, item_vectors: FloatArray) -> DoubleArray:
    """Mean cosine distance between the items of each list, float64[n].

    ``item_vectors`` float32[n_items, d] of unit length, zeros for an item without text: those
    take no part; NaN where fewer than two remain (Ziegler et al., WWW 2005).
    """
    known = (lists != NO_ITEM) & np.any(item_vectors != 0, axis=1)[lists]
    vectors = np.where(known[:, :, None], item_vectors[lists], 0.0)
    total = vectors.sum(axis=1)
    pairs = (total * total).sum(axis=1) - (vectors * vectors).sum(axis=(1, 2))
    size = known.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(size > 1, 1.0 - pairs / (size * (size - 1.0)), np.nan).astype(np.float64)


def _row_means(values: DoubleArray, known: BoolArray) -> DoubleArray:
    size = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.where(size > 0, total / np.maximum(size, 1), np.nan).astype(np.float64)

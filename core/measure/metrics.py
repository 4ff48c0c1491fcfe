"""What ranks and lists are worth, for many histories at once.

NDCG, recall and reciprocal rank are those of one relevant item (Järvelin & Kekäläinen 2002;
Voorhees 1999): with the target on rank r <= k they are 1 / log2(1 + r), 1 and 1 / r, else 0.
"""

from __future__ import annotations

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from core.ranking import NO_ITEM


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

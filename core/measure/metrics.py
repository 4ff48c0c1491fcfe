"""What ranks and lists are worth, for many histories at once, and how sure a figure is.

NDCG, recall and reciprocal rank are those of one relevant item (Järvelin & Kekäläinen 2002;
Voorhees 1999): with the target on rank r <= k they are 1 / log2(1 + r), 1 and 1 / r, else 0.
Intervals are by bootstrap over users, alone and paired (Efron 1979; Sakai 2006).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from core.ranking import NO_ITEM

RESAMPLES = 2_000
SEED = 20_240_601
_CELLS_PER_BLOCK = 4_000_000


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


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % interval; all NaN without cases."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Two recommenders on the same cases: first - second, and first / second.

    The ratio is NaN or infinite where the second never scores.
    """

    difference: Interval
    ratio: Interval

    @property
    def decided(self) -> bool:
        """Whether the interval of the difference leaves out zero."""
        return self.difference.low > 0 or self.difference.high < 0


def bootstrap(values: DoubleArray, users: Sequence[str]) -> Interval:
    """The mean of ``values`` float64[n_cases] and its 95 % percentile interval.

    Users are drawn with replacement, each with all their cases, so that a user with several cases
    makes the interval wider, not narrower. Seeded: the same input gives the same interval.
    """
    return bootstrap_columns(values[:, None], users)[0]


def bootstrap_columns(values: DoubleArray, users: Sequence[str]) -> list[Interval]:
    """``bootstrap`` of each column of ``values`` float64[n_cases, c], with the same draws."""
    resampled = _resampled_means(values, users)
    means = values.mean(axis=0) if len(values) else np.full(values.shape[1], np.nan)
    return [_interval(float(mean), drawn) for mean, drawn in zip(means, resampled.T, strict=True)]


def compare_paired(first: DoubleArray, second: DoubleArray, users: Sequence[str]) -> PairedTest:
    """Difference and ratio of the means of two float64[n_cases] over the same cases."""
    means = _resampled_means(np.stack([first, second], axis=1), users)
    a, b = (float(x.mean()) if len(x) else np.nan for x in (first, second))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = means[:, 0] / means[:, 1]
        whole = float(np.float64(a) / np.float64(b))
    return PairedTest(
        _interval(a - b, means[:, 0] - means[:, 1]), _interval(whole, ratio[~np.isnan(ratio)])
    )


def _resampled_means(values: DoubleArray, users: Sequence[str]) -> DoubleArray:
    """Means of columns of float64[n_cases, c] in each resample, float64[RESAMPLES, c]."""
    _, owner = np.unique(np.asarray(users, dtype=object), return_inverse=True)
    n = int(owner.max()) + 1 if len(owner) else 0
    if n == 0:
        return np.full((RESAMPLES, values.shape[1]), np.nan)
    cases = np.bincount(owner, minlength=n)
    sums = np.stack([np.bincount(owner, column, minlength=n) for column in values.T], axis=1)
    per_user = np.column_stack([sums, cases])
    draws = _kept_draws(n) if RESAMPLES * n <= _CELLS_PER_BLOCK else _draws(n)
    totals = np.concatenate([times @ per_user for times in draws])
    return np.asarray(totals[:, :-1] / totals[:, -1:])


def _draws(n: int) -> Iterator[DoubleArray]:
    """How often each resample draws each of n users, float64[b, n] for blocks of b resamples."""
    rng = np.random.default_rng(SEED)
    block = max(_CELLS_PER_BLOCK // n, 1)
    for start in range(0, RESAMPLES, block):
        size = min(block, RESAMPLES - start)
        chosen = rng.integers(0, n, size=(size, n)) + n * np.arange(size)[:, None]
        times = np.bincount(chosen.ravel(), minlength=size * n).reshape(size, n)
        yield times.astype(np.float64)


@lru_cache(2)
def _kept_draws(n: int) -> list[DoubleArray]:
    """One evaluation asks for several intervals of the same users."""
    return list(_draws(n))


def _interval(mean: float, resampled: DoubleArray) -> Interval:
    if len(resampled) == 0 or np.isnan(mean):
        return Interval(mean, np.nan, np.nan)
    low, high = np.quantile(resampled, [0.025, 0.975], method="nearest")
    return Interval(mean, float(low), float(high))

"""Penalised segmentation of many signals at once.

The segmentation with the smallest sum of squares around the segments' means plus a penalty per
change, by dynamic programming (optimal partitioning, Jackson et al. 2005). ``ruptures`` finds the
same changes (a test holds both equal), one signal at a time; here one call takes a history and
its 200 shuffles, which is what the null costs.
"""

from __future__ import annotations

import numpy as np

from core.arrays import DoubleArray, IntArray

SHORTEST = 5
"""Visits of a segment at least; chosen as ``turning.LEVEL``."""
MOST_BOUNDARIES = 200
"""A longer history may change only at every second, third, ... visit."""


def costs_of(signals: DoubleArray, boundaries: IntArray) -> DoubleArray:
    """Sums of squares around the mean between any two boundaries.

    ``signals`` float64[n_signals, n, d], ``boundaries`` int64[m] from 0 to n; the result is
    float64[n_signals, m, m], meaningful where the second boundary is beyond the first.
    """
    count, _, width = signals.shape
    sums = np.concatenate([np.zeros((count, 1, width)), signals.cumsum(1)], 1)[:, boundaries]
    squares = np.concatenate([np.zeros((count, 1)), (signals**2).sum(2).cumsum(1)], 1)
    squares = squares[:, boundaries]
    products = sums @ sums.transpose(0, 2, 1)
    norms = np.diagonal(products, axis1=1, axis2=2)
    length = np.maximum(boundaries[None, :] - boundaries[:, None], 1)
    between: DoubleArray = norms[:, None, :] + norms[:, :, None] - 2 * products
    inside: DoubleArray = squares[:, None, :] - squares[:, :, None] - between / length
    return inside


def boundaries_of(n: int) -> IntArray:
    """Where a signal of n values may be cut, from 0 to n, int64[m]."""
    every = -(-n // MOST_BOUNDARIES)
    return np.unique(np.append(np.arange(0, n, max(every, 1)), n))


def best_single_gains(costs: DoubleArray, boundaries: IntArray) -> DoubleArray:
    """How much the best single change lowers each signal's cost, float64[n_signals]."""
    n = boundaries[-1]
    inner = np.flatnonzero((boundaries >= SHORTEST) & (boundaries <= n - SHORTEST))
    if not len(inner):
        return np.zeros(len(costs))
    gains = costs[:, 0, -1][:, None] - costs[:, 0, inner] - costs[:, inner, -1]
    best: DoubleArray = gains.max(axis=1)
    return best


def segment(costs: DoubleArray, boundaries: IntArray, penalty: float) -> list[int]:
    """The best changes of one signal: indices into ``boundaries``.

    ``costs`` float64[m, m].
    """
    m = len(boundaries)
    total, before = np.full(m, np.inf), np.zeros(m, np.int64)
    total[0] = -penalty
    for end in range(1, m):
        starts = np.flatnonzero(boundaries[:end] <= boundaries[end] - SHORTEST)
        if len(starts):
            sums = total[starts] + costs[starts, end] + penalty
            total[end], before[end] = sums.min(), starts[sums.argmin()]
    changes: list[int] = []
    at = int(before[-1])
    while at > 0:
        changes.append(at)
        at = int(before[at])
    return changes[::-1]


def gains_of(costs: DoubleArray, changes: list[int]) -> list[float]:
    """How much each change lowers the cost between its neighbours; ``costs`` float64[m, m]."""
    ends = [0, *changes, len(costs) - 1]
    return [
        float(costs[a, c] - costs[a, b] - costs[b, c])
        for a, b, c in zip(ends, ends[1:], ends[2:], strict=False)
    ]

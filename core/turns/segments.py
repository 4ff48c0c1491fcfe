"""Penalised segmentation of a signal, and the best single change of many.

The segmentation with the smallest sum of squares around the segments' means plus a penalty per
change, by dynamic programming (optimal partitioning, Jackson et al. 2005). ``ruptures`` finds the
same changes (a test holds both equal); what it does not give is what each change gains, which is
what is tested, and it takes the 200 shuffles one by one.
"""

from __future__ import annotations

import numpy as np

from core.arrays import DoubleArray, IntArray

SHORTEST = 5
"""Visits of a segment at least; chosen as ``turning.LEVEL``."""
MOST_BOUNDARIES = 200
"""A longer history may change only at every second, third, ... visit."""


def costs_of(signal: DoubleArray, boundaries: IntArray) -> DoubleArray:
    """Sums of squares around the mean between any two boundaries.

    ``signal`` float64[n, d], ``boundaries`` int64[m] from 0 to n; the result is float64[m, m],
    meaningful where the second boundary is beyond the first.
    """
    sums = np.concatenate([np.zeros((1, signal.shape[1])), signal.cumsum(axis=0)])[boundaries]
    squares = np.append(0.0, (signal**2).sum(axis=1).cumsum())[boundaries]
    products = sums @ sums.T
    norms = products.diagonal()
    length = np.maximum(boundaries[None, :] - boundaries[:, None], 1)
    between = norms[None, :] + norms[:, None] - 2 * products
    inside: DoubleArray = squares[None, :] - squares[:, None] - between / length
    return inside


def boundaries_of(n: int) -> IntArray:
    """Where a signal of n values may be cut, from 0 to n, int64[m]."""
    every = -(-n // MOST_BOUNDARIES)
    return np.unique(np.append(np.arange(0, n, max(every, 1)), n))


def best_single_gains(signals: DoubleArray, boundaries: IntArray) -> DoubleArray:
    """How much the best single change lowers each signal's cost, float64[n_signals].

    ``signals`` float64[n_signals, n, d]. The same as from ``costs_of``, without its pairs.
    """
    n = boundaries[-1]
    cuts = boundaries[(boundaries >= SHORTEST) & (boundaries <= n - SHORTEST)]
    if not len(cuts):
        return np.zeros(len(signals))
    before = signals.cumsum(axis=1)
    whole = before[:, -1:]
    before = before[:, cuts - 1]
    gains = (before**2).sum(axis=2) / cuts
    gains += ((whole - before) ** 2).sum(axis=2) / (n - cuts)
    best: DoubleArray = gains.max(axis=1) - (whole[:, 0] ** 2).sum(axis=1) / n
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

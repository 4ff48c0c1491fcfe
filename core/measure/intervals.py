"""How sure a figure is: the bootstrap over users, alone and paired (Efron 1979; Sakai 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.arrays import DoubleArray

RESAMPLES = 2_000
SEED = 20_240_601
_CELLS_PER_BLOCK = 4_000_000


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
    rng = np.random.default_rng(SEED)
    block = max(_CELLS_PER_BLOCK // n, 1)
    drawn = []
    for start in range(0, RESAMPLES, block):
        size = min(block, RESAMPLES - start)
        chosen = rng.integers(0, n, size=(size, n)) + n * np.arange(size)[:, None]
        times = np.bincount(chosen.ravel(), minlength=size * n).reshape(size, n)
        drawn.append(times.astype(np.float64) @ per_user)
    totals = np.concatenate(drawn)
    return np.asarray(totals[:, :-1] / totals[:, -1:])


def _interval(mean: float, resampled: DoubleArray) -> Interval:
    if len(resampled) == 0 or np.isnan(mean):
        return Interval(mean, np.nan, np.nan)
    low, high = np.quantile(resampled, [0.025, 0.975], method="nearest")
    return Interval(mean, float(low), float(high))

"""Does a period differ from the ones before it by more than shuffled periods do?

The unit that is shuffled is a block: all events of one user in one period. A user's events of one
period hang together, so single events would look far surer than they are; and no user has two
blocks in the tested period. A shuffle deals the blocks of the tested period and of the periods
before it out again at random. What periods of this corpus differ by beyond that (seasons, trends,
campaigns) widens the band: the same forecast is made for every period of the reference, and the
band grows by how much farther than shuffles those lie from it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import stats

from core.arrays import DoubleArray, IntArray
from core.monitor.measures import Measure, Scale, Watched
from core.monitor.periods import Calendar

FIRST_SHUFFLES, SHUFFLES, MOST_SHUFFLES = 400, 10_000, 100_000
"""Shuffles of every test, of one that may be an alarm, and of one among very many tests."""
LIKE_CHANCE = 0.1
"""A period that the first shuffles show to be as usual gets no more (Besag & Clifford 1991)."""
OUTSIDE = 0.01
"""Chance of a usual period outside the band."""
FEWEST_FORECASTS = 3
"""Reference periods whose distance from their forecast has to be known."""
LEAST_BEFORE = 3
"""Periods that a forecast needs."""
ENOUGH = 0.75
"""A rule has to forecast so large a share of what another one forecasts of the reference."""
NOTHING = 1e-12
GROUPS = 64
"""Different values of blocks that shuffles tell apart; more are put together by quantiles."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """A measure's blocks, by period. ``total`` and ``size`` float64[n_blocks]: sum of the values
    and number of rows; ``start`` int64[n_periods + 1]: where each period's blocks begin."""

    total: DoubleArray
    size: DoubleArray
    start: IntArray

    def of(self, period: int) -> slice:
        """The blocks of one period."""
        return slice(int(self.start[period]), int(self.start[period + 1]))


@dataclass(frozen=True, slots=True)
class Usual:
    """How far the periods of the reference lie from their forecasts.

    ``rule``: which earlier periods make a forecast (``Unit.rules``), the one that forecast the
    reference best. ``excess``: how many times farther than shuffles they lie from it (at least 1);
    ``known``: of how many periods that is known; ``error``: their mean squared distance as values,
    each weighing as many as its rows.
    """

    rule: tuple[int, ...]
    excess: float
    known: int
    error: float


@dataclass(frozen=True, eq=False)
class Series:
    """A measure in all periods, float64[n_periods] each, NaN where it is not known.

    ``value``; ``expected`` from the periods before; ``low`` and ``high``, the band; ``events``, the
    rows behind the value. ``usual``: how the reference differs from what was expected of it.
    """

    value: DoubleArray
    expected: DoubleArray
    low: DoubleArray
    high: DoubleArray
    events: DoubleArray
    usual: Usual


@dataclass(frozen=True, slots=True)
class Test:
    """One measure in one tested period; ``p`` by shuffles, widened as the band is."""

    period: int
    value: float
    expected: float
    low: float
    high: float
    p: float

    @property
    def is_outside(self) -> bool:
        """Whether the value left the band."""
        return self.p <= OUTSIDE


def counted_rows(watched: Watched, measure: Measure) -> tuple[IntArray, DoubleArray]:
    """The rows of ``corpus.events`` that a measure counts, int64[n], and its values there."""
    rows = np.arange(len(watched.user)) if measure.rows is None else measure.rows
    counts = watched.is_counted[rows]
    if measure.counts is not None:
        counts = counts & measure.counts()
    return rows[counts], measure.values()[counts]


def blocks_of(watched: Watched, measure: Measure) -> Blocks:
    """Sum a measure up over each user's rows of each period."""
    rows, values = counted_rows(watched, measure)
    block = watched.block[rows]
    n = len(watched.block_period)
    size, total = np.bincount(block, minlength=n), np.bincount(block, values, minlength=n)
    has = np.flatnonzero(size)
    periods = np.arange(len(watched.calendar) + 1)
    start = np.searchsorted(watched.block_period[has], periods).astype(np.int64)
    return Blocks(total[has].astype(np.float64), size[has].astype(np.float64), start)


def judge(
    watched: Watched, measure: Measure, current: range, tests: int
) -> tuple[Series, list[Test]]:
    """A measure in all periods, and a test of each current one that can be tested.

    Forecasts of the current periods know nothing after the reference. ``tests`` is about how many
    tests there are in all: the more, the smaller a p has to be.
    """
    calendar = watched.calendar
    rolling = _Forecasts(measure, blocks_of(watched, measure), calendar)
    reference = range(max(current.start - calendar.unit.reference, 0), current.start)
    expected, low, high = (np.full(len(calendar), np.nan) for _ in range(3))
    tested = []
    usual = first = rolling.choose_rule(reference)
    for period in range(reference.start, current.stop):
        gap = max(period - current.start, 0)
        if gap:
            usual = rolling.usual(first.rule, reference, gap)
        forecast = rolling.forecast(period, usual.rule, gap)
        if forecast is None or usual.known < FEWEST_FORECASTS:
            continue
        expected[period], spread = forecast
        reach = usual.excess * width_of(usual.known) * float(stats.norm.ppf(1 - OUTSIDE / 2))
        ends = -reach, reach
        if period in current:
            p, ends = rolling.chance(period, usual, gap, tests)
        low[period], high[period] = (expected[period] + end * spread for end in ends)
        least, most = measure.limits
        low[period], high[period] = max(low[period], least), min(high[period], most)
        value = float(rolling.values[period])
        if period in current and not np.isnan(value):
            own = float(expected[period]), float(low[period]), float(high[period])
            tested.append(Test(period, value, *own, p))
    return Series(rolling.values, expected, low, high, rolling.rows, first), tested


@dataclass(frozen=True, slots=True)
class _Shuffled:
    """A period's sum among shuffles: its ``distance`` from their mean and their ``deviation``.

    ``centre``: the pool's mean of a row, or the period's share of days for counts; ``expected``
    from the window alone; ``scale`` turns a distance into one of values.
    """

    distance: float
    deviation: float
    centre: float
    expected: float
    scale: float
    middle: float
    """The mean of shuffles, as a value."""
    per_value: float
    """By what a distance is multiplied for one of values from ``middle``."""

    def deviations(self, value: Any) -> Any:
        """How far values, one or float64[n], are from the mean of shuffles, in deviations."""
        return (value - self.middle) / (self.deviation * self.per_value)

    @property
    def z(self) -> float:
        """The distance in deviations; 0 where shuffles are all alike."""
        return self.distance / self.deviation if self.deviation > NOTHING else 0.0


def window_of(period: int, rule: tuple[int, ...], gap: int) -> list[int]:
    """The periods that a forecast is made from, of those known ``gap`` periods before the last."""
    if rule[0] == 1:
        rule = tuple(back + gap for back in rule)
    return [period - back for back in rule if gap < back <= period]


def _less_sure(distance: float, known: int) -> float:
    """A distance as far out in the normal distribution as the given one is in Student's t."""
    return float(np.copysign(stats.norm.isf(stats.t.sf(abs(distance), known)), distance))


@cache
def width_of(known: int) -> float:
    """How much wider a band has to be where the excess is estimated from so many periods."""
    return float(stats.t.ppf(1 - OUTSIDE / 2, known) / stats.norm.ppf(1 - OUTSIDE / 2))


class _Forecasts:
    """Forecasts of one measure from the periods before, with what shuffles say of them."""

    def __init__(self, measure: Measure, blocks: Blocks, calendar: Calendar) -> None:
        self.is_count = measure.scale is Scale.COUNT
        self.blocks, self.days, self.rules = blocks, calendar.days, calendar.unit.rules
        self.seed = zlib.crc32(measure.id.encode())
        n, m = blocks.total, blocks.size
        cells = (np.ones(len(n)), n, m, n * n, n * m, m * m)
        sums = [np.concatenate([[0.0], np.cumsum(cell)])[blocks.start] for cell in cells]
        self.sums = np.diff(np.stack(sums), axis=1)
        """float64[6, n_periods]: blocks, their totals and sizes, and the products of these."""
        self.rows: DoubleArray = self.sums[2]
        if self.is_count:
            self.values: DoubleArray = self.sums[1]
        else:
            with np.errstate(invalid="ignore"):
                self.values = self.sums[1] / np.where(self.rows > 0, self.rows, np.nan)

    def choose_rule(self, reference: range) -> Usual:
        """The rule that forecasts a reference best among those that forecast enough of it."""
        found = [self.usual(rule, reference, 0) for rule in self.rules]
        enough = ENOUGH * max(each.known for each in found)
        return min((each for each in found if each.known >= enough), key=lambda each: each.error)

    def usual(self, rule: tuple[int, ...], reference: range, gap: int) -> Usual:
        """How far a reference lies from the forecasts of a rule, ``gap`` periods ahead."""
        found = [self._shuffled(period, rule, gap) for period in reference]
        pairs = [(each, at) for each, at in zip(found, reference, strict=True) if each is not None]
        if not pairs:
            return Usual(rule, 1.0, 0, np.inf)
        squares = np.mean([each.z**2 for each, _ in pairs])
        errors = [(self.values[at] - each.expected) ** 2 for each, at in pairs]
        weights = [1.0 if self.is_count else self.rows[at] for _, at in pairs]
        error = float(np.average(errors, weights=weights))
        return Usual(rule, max(1.0, float(np.sqrt(squares))), len(pairs), error)

    def forecast(self, period: int, rule: tuple[int, ...], gap: int) -> tuple[float, float] | None:
        """What is expected, and the standard deviation of shuffles around it, both as values."""
        found = self._shuffled(period, rule, gap)
        return None if found is None else (found.expected, found.deviation * found.scale)

    def _shuffled(self, period: int, rule: tuple[int, ...], gap: int) -> _Shuffled | None:
        """What shuffles of a period and its window come to; None where there is too little."""
        window = window_of(period, rule, gap)
        if len(window) < min(LEAST_BEFORE, len(rule)):
            return None
        own, before = self.sums[:, period], self.sums[:, window].sum(axis=1)
        every = own + before
        if self.is_count:
            days = float(self.days[period])
            share = days / (days + float(self.days[window].sum()))
            deviation = float(np.sqrt(share * (1 - share) * every[3]))
            middle = float(share * every[1])
            expected = float(before[1] * share / (1 - share))
            distance = float(own[1]) - middle
            return _Shuffled(distance, deviation, share, expected, 1 / (1 - share), middle, 1.0)
        if not own[2] or not before[2]:
            return None
        mean = float(every[1] / every[2])
        squares = float(every[3] - 2 * mean * every[4] + mean * mean * every[5])
        n = float(every[0])
        variance = own[0] * (n - own[0]) / n * max(squares, 0.0) / max(n - 1, 1.0)
        scale = float(every[2] / before[2] / own[2])
        expected = float(before[1] / before[2])
        distance = float(own[1] - mean * own[2])
        deviation = float(np.sqrt(variance))
        return _Shuffled(distance, deviation, mean, expected, scale, mean, 1.0 / float(own[2]))

    def chance(
        self, period: int, usual: Usual, gap: int, tests: int
    ) -> tuple[float, tuple[float, float]]:
        """p of a period, and between which standard deviations usual ones lie (``OUTSIDE``).

        Shuffles have the tails that the measure has; the excess, an estimate from some
        periods, makes the distance less sure by as much as Student's t differs from the normal
        distribution.
        """
        found = self._shuffled(period, usual.rule, gap)
        if found is None or found.deviation <= NOTHING:
            return 1.0, (0.0, 0.0)
        at = _less_sure(found.deviations(float(self.values[period])) / usual.excess, usual.known)
        random = np.random.default_rng([self.seed, period])
        totals, sizes, counts = self._groups(
            [period, *window_of(period, usual.rule, gap)], found.centre
        )
        blocks = self.blocks.of(period)
        n_own = blocks.stop - blocks.start
        shuffles, drawn = FIRST_SHUFFLES, np.zeros(0)
        while True:
            more = shuffles - len(drawn)
            if self.is_count:
                dealt = random.binomial(counts, found.centre, (more, len(counts)))
                values = dealt @ totals
            else:
                dealt = random.multivariate_hypergeometric(counts, n_own, more, method="marginals")
                values = (dealt @ totals) / (dealt @ sizes)
            drawn = np.concatenate([drawn, found.deviations(values)])
            tail = min((drawn <= at + 1e-9).sum(), (drawn >= at - 1e-9).sum())
            p = min(2.0 * float(1 + tail) / (1 + len(drawn)), 1.0)
            if p > LIKE_CHANCE or shuffles > FIRST_SHUFFLES:
                break
            shuffles = int(np.clip(80 * tests, SHUFFLES, MOST_SHUFFLES))
        low, high = np.quantile(drawn, [OUTSIDE / 2, 1 - OUTSIDE / 2])
        wider = usual.excess * width_of(usual.known)
        return p, (float(low) * wider, float(high) * wider)

    def _groups(
        self, periods: Sequence[int], mean: float
    ) -> tuple[DoubleArray, DoubleArray, IntArray]:
        """The different blocks of some periods, float64[g] totals and sizes, int64[g]
        how many there are of each.

        Of many, equally many neighbours are put together, spread so that their variance stays.
        """
        pool = np.r_[tuple(self.blocks.of(period) for period in periods)]
        pairs = np.stack([self.blocks.size[pool], self.blocks.total[pool].round(9)], axis=1)
        different, counts = np.unique(pairs, axis=0, return_counts=True)
        if len(different) <= GROUPS:
            return different[:, 1], different[:, 0], counts.astype(np.int64)
        pairs = pairs[np.lexsort(pairs.T[::-1])]
        parts = np.array_split(pairs, GROUPS)
        sizes, totals = np.stack([part.mean(axis=0) for part in parts]).T
        counts = np.array([len(part) for part in parts], np.int64)
        if not self.is_count:
            kept = float((counts * (totals - mean * sizes) ** 2).sum())
            whole = float(((pairs[:, 1] - mean * pairs[:, 0]) ** 2).sum())
            wider = np.sqrt(whole / kept) if kept > 0 else 1.0
            totals = mean * sizes + (totals - mean * sizes) * wider
        return totals, sizes, counts

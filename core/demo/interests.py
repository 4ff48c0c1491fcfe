"""The planted interest of a user: a mix over categories that moves through time.

Every process is a piecewise linear curve between knots, so the truth at any instant is a handful of
multiplications, the same on every machine.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import NamedTuple

from core.demo.shop import DAY, WINDOW_END, Shop, seconds_at

RAMP = 15 * DAY
"""How long a season takes to come and to go."""

EVENTS_PER_FOCUS = 6
"""About how many events an explorer stays with one category."""

Mix = tuple[float, ...]


class Process(StrEnum):
    """How a user's interest evolves."""

    STEADY = "steady"
    DRIFT = "drift"
    TURN = "turn"
    SEASONAL = "seasonal"
    EXPLORER = "explorer"


class Change(NamedTuple):
    """One planted change of a user's main interest, between two categories' indices.

    ``start`` and ``end`` are seconds into the window: equal for a turn and an explorer's new focus.
    """

    start: int
    end: int
    source: int
    target: int


@dataclass(frozen=True)
class Interest:
    """A process, its knots (seconds, mix) in time order, and its changes."""

    process: Process
    knots: tuple[tuple[int, Mix], ...]
    changes: tuple[Change, ...] = ()
    season: int | None = None

    def mix_at(self, time: int) -> Mix:
        """The share of each category in the interest at that second; sums to 1."""
        place = bisect_right(self.knots, time, key=lambda knot: knot[0])
        if place in (0, len(self.knots)):
            return self.knots[max(place - 1, 0)][1]
        (before, old), (after, new) = self.knots[place - 1], self.knots[place]
        share = (time - before) / (after - before)
        return tuple(a * (1.0 - share) + b * share for a, b in zip(old, new, strict=True))


def plan_interest(
    process: Process, shop: Shop, rng: Random, start: int, end: int, n_events: int
) -> Interest:
    """Plant one user's interest between the first and the last second of their activity."""
    main, second, third, *others = _draw_categories(shop, rng)
    if process is Process.STEADY:
        return Interest(process, ((start, _mix(shop, rng, main, second, third)),))
    length = end - start
    if process is Process.EXPLORER:
        return _explorer(shop, rng, start, end, max(2, n_events // EVENTS_PER_FOCUS))
    if process is Process.SEASONAL:
        return _seasonal(shop, rng)
    if process is Process.DRIFT:
        first, last = start + length * 2 // 10, start + length * 8 // 10
        before, beside = first, (third, others[1])
    else:
        first = last = start + length * rng.randrange(38, 66) // 100
        before, beside = first - 1, (others[1], others[2])
    old = _mix(shop, rng, main, third, others[0])
    knots = ((before, old), (last, _mix(shop, rng, second, *beside)))
    return Interest(process, knots, (Change(first, last, main, second),))


def _draw_categories(shop: Shop, rng: Random) -> list[int]:
    """All categories in random order, the shop's larger departments earlier."""
    left = list(shop.categories)
    order = []
    while left:
        chosen = rng.choices(left, [category.weight for category in left])[0]
        left.remove(chosen)
        order.append(chosen.index)
    return order


def _mix(shop: Shop, rng: Random, main: int, second: int, third: int) -> Mix:
    shares = [1] * len(shop.categories)
    for category, lowest, highest in ((main, 68, 82), (second, 8, 15), (third, 3, 5)):
        shares[category] = rng.randint(lowest, highest)
    return tuple(share / sum(shares) for share in shares)


def _explorer(shop: Shop, rng: Random, start: int, end: int, n_foci: int) -> Interest:
    knots: list[tuple[int, Mix]] = []
    changes: list[Change] = []
    step = (end - start) // n_foci
    focus = _draw_categories(shop, rng)[0]
    for n in range(n_foci):
        if n:
            time = start + n * step + rng.randrange(-step // 5, step // 5)
            new = next(index for index in _draw_categories(shop, rng) if index != focus)
            changes.append(Change(time, time, focus, new))
            knots.append((time - 1, knots[-1][1]))
            focus = new
        shares = [rng.randrange(2, 5) for _ in shop.categories]
        shares[focus] = rng.randrange(56, 72)
        mix = tuple(share / sum(shares) for share in shares)
        knots.append((time if n else start, mix))
    return Interest(Process.EXPLORER, tuple(knots), tuple(changes))


def _seasonal(shop: Shop, rng: Random) -> Interest:
    """A base interest, replaced by the season's category in its months of every year."""
    seasonal = [category for category in shop.categories if category.season]
    star = rng.choice(seasonal)
    base, second, third = [c for c in _draw_categories(shop, rng) if c != star.index][:3]
    calm = _mix(shop, rng, base, second, third)
    high = _mix(shop, rng, star.index, base, second)
    assert star.season is not None
    first, last = star.season
    knots: list[tuple[int, Mix]] = []
    changes: list[Change] = []
    for year in range(2021, 2025):
        rise = seconds_at(year, first)
        ends_next_year = last < first or last == 12
        fall = seconds_at(year + ends_next_year, last % 12 + 1)
        knots += [(rise, calm), (rise + RAMP, high), (fall - RAMP, high), (fall, calm)]
        changes += [
            Change(rise, rise + RAMP, base, star.index),
            Change(fall - RAMP, fall, star.index, base),
        ]
    inside = tuple(c for c in changes if c.start >= 0 and c.end < WINDOW_END)
    return Interest(Process.SEASONAL, tuple(knots), inside, star.index)

"""Turning points: what they are, and how a user's tested changes become them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise

import numpy as np

from core.arrays import DoubleArray, FloatArray
from core.measure.chances import Chance
from core.turns.detection import Tested
from core.turns.signal import news_of

LEVEL = 0.1
"""False discovery rate among the users of a corpus said to have changed.

It and the method's other settings were chosen on one half of the demo's users and on 1,000 users
simulated anew; ``benchmarks.turns`` reports on the other half.
"""
SEASON_LEVEL = 0.05
"""The same among users said to have a yearly interest."""
ALONE = 0.05
"""The p up to which a user tested without the corpus is said to have changed."""
SMALLEST = 0.5
"""Share of the interest profile that has to move; chosen as ``LEVEL``."""
ALIKE = 0.35
"""Two stretches whose profiles differ by less show the same interest."""
NEAR = 2
"""Events between two finds that are one."""
CLEAR = 0.15
"""How far from the middle between old and new interest an event shows one of them."""
SLOW_EVENTS, SLOW_SHARE = 4, 0.25
"""A change takes at least so many events, and so large a share of both stretches, to be a drift."""


class Kind(IntEnum):
    """How an interest changed."""

    TURN = 0
    DRIFT = 1
    RETURN = 2
    WIDENING = 3
    NARROWING = 4


@dataclass(frozen=True, slots=True)
class TurningPoint:
    """One change of a user's interest. Steps are 1-based; topics are indices.

    ``step`` is the first event of the new stretch, ``until`` the one with which the change is over
    (above ``step`` in a drift alone). The stretch before begins at ``first``, the one after ends at
    ``last``. ``size``: share of the mean interest profile that moved, 0 to 1.
    """

    kind: Kind
    step: int
    until: int
    first: int
    last: int
    p: float
    q: float | None
    size: float
    grew: int
    shrank: int


@dataclass(frozen=True, slots=True)
class UserTurns:
    """What is known of one user's changes.

    ``p``: how likely a shuffled history of the user changes as much; None where there are too few
    events to tell. ``seasonal`` and ``widths`` are the chances of the other two tests.
    """

    user_id: str
    events: int
    p: float | None
    points: tuple[TurningPoint, ...]

    @property
    def order_matters(self) -> bool | None:
        """Whether the order of the events says more than chance; None where nobody can tell."""
        if self.p is None:
            return None
        return self.p <= ALONE or bool(self.points)

    @property
    def stretches(self) -> tuple[tuple[int, int], ...]:
        """First and last step of each episode between turns, drifts and returns."""
        inner = sorted({point.step for point in self.points if point.kind <= Kind.RETURN})
        return tuple((a, b - 1) for a, b in pairwise([1, *inner, self.events + 1]))


def unknown(p: float) -> float | None:
    """The q-value where nothing but one user was tested."""
    return None


def points_of(
    tested: Tested,
    profile: FloatArray,
    scores: DoubleArray,
    entropy: DoubleArray,
    q_change: Chance = unknown,
    q_season: Chance = unknown,
    q_width: Chance = unknown,
) -> tuple[TurningPoint, ...]:
    """Turning points of one user, in order.

    ``profile`` float32[n, n_topics], ``scores`` float64[n, n_topics] and ``entropy`` float64[n]
    after each event.
    """
    n = len(profile)
    kept = [c for c in tested.changes if is_sure(c.p, q_change)]
    points = []
    ends = [0, *(c.at for c in kept), n]
    for k, change in enumerate(kept, start=1):
        point = _point(profile, ends[k - 1], ends[k], ends[k + 1], change.p, q_change)
        if point.size < SMALLEST:
            continue
        earlier = [profile[a:b].mean(axis=0) for a, b in pairwise(ends[:k])]
        after = profile[ends[k] : ends[k + 1]].mean(axis=0)
        kind, until = Kind.TURN, point.step
        if any(moved(old, after) <= ALIKE for old in earlier):
            kind = Kind.RETURN
        elif (last := _slow_until(scores, ends[k - 1], ends[k], ends[k + 1])) is not None:
            kind, until = Kind.DRIFT, max(last, point.step)
        points.append(replace(point, kind=kind, until=until))
    if tested.season_p is not None and is_sure(tested.season_p, q_season, SEASON_LEVEL):
        points = _with_seasons(points, tested, profile, q_season)
    if tested.width_p is not None and is_sure(tested.width_p, q_width) and n > 2 * NEAR:
        at = int(np.abs(np.cumsum(entropy - entropy.mean()))[:-1].argmax()) + 1
        widens = tested.width_trend > 0
        point = _point(profile, 0, at, n, tested.width_p, q_width)
        points.append(replace(point, kind=Kind.WIDENING if widens else Kind.NARROWING))
    return tuple(sorted(points, key=lambda point: (point.step, point.kind)))


def any_sure(tested: Tested, q_change: Chance, q_season: Chance, q_width: Chance) -> bool:
    """Whether any test counts: without, there are no turning points, and nothing else to make."""
    return (
        any(is_sure(change.p, q_change) for change in tested.changes)
        or (tested.season_p is not None and is_sure(tested.season_p, q_season, SEASON_LEVEL))
        or (tested.width_p is not None and is_sure(tested.width_p, q_width))
    )


def is_sure(p: float, q_of: Chance, level: float = LEVEL) -> bool:
    """Whether a test counts: by its q-value, or by p where the user was tested alone."""
    q = q_of(p)
    return p <= ALONE if q is None else q <= level


def moved(before: FloatArray, after: FloatArray) -> float:
    """Share of the probability that differs between two profiles float32[n_topics], 0 to 1."""
    return float(np.abs(after - before).sum() / 2)


def _with_seasons(
    points: list[TurningPoint], tested: Tested, profile: FloatArray, q_season: Chance
) -> list[TurningPoint]:
    """Each later season is a return; a change found there already becomes one."""
    for (_, ended), (begins, ends) in pairwise(tested.seasons):
        if ended + 1 >= begins:
            continue
        points = [point for point in points if abs(point.step - begins - 1) > NEAR]
        season_p = tested.season_p or 0.0
        point = _point(profile, ended + 1, begins, ends + 1, season_p, q_season)
        points.append(replace(point, kind=Kind.RETURN))
    return points


def _point(
    profile: FloatArray, first: int, at: int, end: int, p: float, q_of: Chance
) -> TurningPoint:
    """A turn at a 0-based event between two stretches."""
    before, after = profile[first:at].mean(axis=0), profile[at:end].mean(axis=0)
    change = after - before
    return TurningPoint(
        Kind.TURN,
        at + 1,
        at + 1,
        first + 1,
        end,
        p,
        q_of(p),
        moved(before, after),
        int(change.argmax()),
        int(change.argmin()),
    )


def _slow_until(scores: DoubleArray, first: int, at: int, end: int) -> int | None:
    """The 1-based last event of the old interest, where old and new alternate for long."""
    news = news_of(scores)
    before, after = news[first:at].mean(axis=0), news[at:end].mean(axis=0)
    apart = after - before
    place = (news[first:end] - (before + after) / 2) @ apart / max(float(apart @ apart), 1e-12)
    new, old = np.flatnonzero(place > CLEAR), np.flatnonzero(place < -CLEAR)
    if not len(new) or not len(old):
        return None
    events = int(old[-1] - new[0]) + 1
    slow = events >= max(SLOW_EVENTS, SLOW_SHARE * (end - first))
    return first + int(old[-1]) + 1 if slow else None

"""Other orders of a user's events: what chance makes of the same history.

Views, clicks, likes and carts stay with what follows them in the same visit, so the null of
shuffled histories keeps what a visit says by itself and loses only when it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.arrays import DoubleArray, IntArray
from core.domain import CONSUMING_KINDS, Event

VISIT_ENDS = 86400.0
"""Seconds; a longer pause ends a visit."""


@dataclass(frozen=True, eq=False)
class Orders:
    """Random orders of n events: which event comes when, and when that is.

    ``at`` int64[n_orders, n], 0-based; ``seconds`` float64[n_orders, n].
    """

    at: IntArray
    seconds: DoubleArray


def visits_of(events: Sequence[Event]) -> IntArray:
    """The visit of each of n events, int64[n], counted from 0.

    A purchase, rating or review ends its visit, and so does a pause of more than a day.
    """
    visits = np.zeros(len(events), np.int64)
    for at in range(1, len(events)):
        before, event = events[at - 1], events[at]
        pause = (event.timestamp - before.timestamp).total_seconds() if event.timed else 0.0
        ends = before.kind in CONSUMING_KINDS or pause > VISIT_ENDS
        visits[at] = visits[at - 1] + ends
    return visits


def shuffled(
    events: Sequence[Event], visits: IntArray, count: int, random: np.random.Generator
) -> Orders:
    """``count`` random orders of the visits int64[n] of n events.

    Pauses inside a visit move with it; the pauses between visits stay where they are.
    """
    seconds = np.array([event.timestamp.timestamp() for event in events])
    pauses = np.diff(seconds, prepend=seconds[:1])
    begins = np.diff(visits, prepend=-1) > 0
    starts = np.flatnonzero(begins)
    ranks = random.random((count, len(starts))).argsort(axis=1)
    at = ranks[:, visits].argsort(axis=1, kind="stable")
    begins_then = begins[at]
    moved = pauses[at]
    number = np.cumsum(begins_then, axis=1) - 1
    moved[begins_then] = pauses[starts][number[begins_then]]
    return Orders(at, seconds[0] + np.cumsum(moved, axis=1))

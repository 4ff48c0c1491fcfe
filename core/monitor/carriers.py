"""Who and what carries a change: shares of it by user, item, topic and kind, and example events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.arrays import BoolArray, DoubleArray, IntArray
from core.cohorts.listed import MOST
from core.monitor.band import Series, Test, counted_rows, window_of
from core.monitor.measures import Group, Measure, Scale, Watched

SHOWN, EXAMPLES = 5, 5
"""Carriers of each kind, and example events."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """A user, item, topic or kind with its part of a change.

    ``part`` adds up to the whole change over all carriers of one kind, in the measure's own unit;
    ``share`` is ``part`` over the whole change. ``now`` counts rows in the period, ``before`` those
    in the periods that say what is expected.
    """

    id: str
    part: float
    share: float
    now: int
    before: int


@dataclass(frozen=True, slots=True)
class Carried:
    """What carries one change.

    ``half``: how many users carry half of it, the largest parts first; ``behind`` are the places
    in the corpus's order of those whose parts, the largest first, add up to it (at most ``MOST``,
    in that order). ``rows`` are example events
    (rows of ``corpus.events``), from before the change where it is a lack (``are_missing``).
    """

    users: tuple[Carrier, ...]
    items: tuple[Carrier, ...]
    topics: tuple[Carrier, ...]
    kinds: tuple[Carrier, ...]
    half: int
    behind: tuple[int, ...]
    active: int
    rows: tuple[int, ...]
    are_missing: bool


def carried_by(
    watched: Watched,
    measure: Measure,
    series: Series,
    test: Test,
    current: range,
    topics: tuple[tuple[str, ...], IntArray] | None,
) -> Carried:
    """Share a change out.

    A part is the sum of (value - expected) over the carrier's rows in the period, less the same in
    the periods before, each divided by all rows there. Those before add up to zero, so the parts
    add up to the change.
    """
    rows, values = counted_rows(watched, measure)
    period = watched.calendar.of_event[rows]
    now = period == test.period
    window = window_of(test.period, series.usual.rule, max(test.period - current.start, 0))
    before = np.isin(period, window)
    if measure.scale is Scale.COUNT:
        days = watched.calendar.days
        fewer = float(days[test.period]) / float(days[list(window)].sum())
        weight = np.where(now, values, -fewer * values)
    else:
        distance = values - test.expected
        weight = np.where(now, distance / max(now.sum(), 1), -distance / max(before.sum(), 1))
    used = now | before
    rows, weight, now, values = rows[used], weight[used], now[used], values[used]
    change = test.value - test.expected

    def of(codes: IntArray, name: Callable[[int], str]) -> tuple[Carrier, ...]:
        parts = np.bincount(codes, weight)
        mine, earlier = np.bincount(codes, now, len(parts)), np.bincount(codes, ~now, len(parts))
        order = np.argsort(-parts * np.sign(change), kind="stable")[:SHOWN]
        return tuple(
            Carrier(
                name(int(at)),
                float(parts[at]),
                float(parts[at] / change),
                int(mine[at]),
                int(earlier[at]),
            )
            for at in order
            if parts[at] * change > 0
        )

    user, item = watched.user[rows], watched.item[rows]
    of_users = np.bincount(user, weight) * np.sign(change)
    carrying = np.flatnonzero(of_users > 0)
    carrying = carrying[np.argsort(-of_users[carrying], kind="stable")]
    by_size = of_users[carrying]
    half, whole = (
        int(np.searchsorted(np.cumsum(by_size), abs(change) * share)) + 1
        for share in (0.5, 1 - 1e-9)
    )
    kinds, kind_names = pd.factorize(watched.kind[rows], sort=True)
    no_topic = topics is None or measure.group is Group.TOPICS
    examples, are_missing = _examples(measure, rows, values, now, user, of_users, change)
    return Carried(
        users=of(user, lambda at: watched.corpus.user_ids[at]),
        items=of(item, lambda at: watched.corpus.item_ids[at]),
        topics=()
        if no_topic or topics is None
        else of(topics[1][item].astype(np.int64), lambda at: topics[0][at]),
        kinds=()
        if measure.group is Group.KINDS or len(kind_names) < 2
        else of(kinds.astype(np.int64), lambda at: str(kind_names[at])),
        half=min(half, max(len(by_size), 1)),
        behind=tuple(carrying[: min(whole, MOST)].tolist()),
        active=len(np.unique(user[now])),
        rows=examples,
        are_missing=are_missing,
    )


def _examples(
    measure: Measure,
    rows: IntArray,
    values: DoubleArray,
    now: BoolArray,
    user: IntArray,
    of_users: DoubleArray,
    change: float,
) -> tuple[tuple[int, ...], bool]:
    """Events that show a change, of different users as far as there are, the main carriers first.

    Where a share or a number fell, what shows it isn't there: the newest such events before it.
    """
    is_lack = change < 0 and measure.scale is not Scale.MEAN
    fits = (values > 0) & (~now if is_lack else now)
    if measure.scale is Scale.MEAN:
        fits = now
    at = np.flatnonzero(fits)
    if is_lack:
        order = np.lexsort((-rows[at], -of_users[user[at]]))
    else:
        order = np.lexsort((rows[at], -values[at] * np.sign(change), -of_users[user[at]]))
    at = at[order]
    _, first = np.unique(user[at], return_index=True)
    others = np.setdiff1d(np.arange(len(at)), first)
    chosen = np.concatenate([np.sort(first), others])[:EXAMPLES]
    return tuple(int(rows[each]) for each in at[chosen]), is_lack

"""Interests that come back every year, in the months in which they do for everybody.

Of each topic the corpus says in which months it is met more often. A user whose events of a topic
follow these months more closely than the same events in other orders do has a yearly interest. The
events' own topics are read, not the states: a season of one to six events is over before the state
has turned. All choices were made as ``turning.LEVEL`` says.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.arrays import DoubleArray, IntArray

MONTHS = 12
SHORTEST_SPAN = 1.25 * 365.25 * 86400
"""Seconds; in a shorter history nothing can come back after a year."""
APART = 150 * 86400.0
"""Seconds between two visits to a topic, from which the later one is another season."""


def months_of(seconds: DoubleArray) -> IntArray:
    """Calendar months 0 to 11 (UTC) of times, int64 of the same shape."""
    months = np.floor(seconds).astype("datetime64[s]").astype("datetime64[M]")
    return np.asarray(months.astype(np.int64) % MONTHS)


def calendar_of(
    user_topics: Sequence[npt.NDArray[np.int16]],
    user_months: Sequence[IntArray],
    topics: int,
) -> DoubleArray:
    """How much more of the events in a month are of a topic than in other months.

    float64[n_topics, 12], 0 is as usual, 1 twice as often. Each user weighs the same. Single months
    are noise, so a month counts half, and each of its neighbours a quarter.
    """
    met = np.full((topics, MONTHS), 0.5)
    for own, months in zip(user_topics, user_months, strict=True):
        np.add.at(met, (own, months), 1.0 / max(len(own), 1))
    shares = met / met.sum(axis=0)
    excess = shares / shares.mean(axis=1, keepdims=True) - 1.0
    beside = np.roll(excess, 1, axis=1) + np.roll(excess, -1, axis=1)
    return np.asarray(excess / 2 + beside / 4)


def season_fit(
    event_topics: npt.NDArray[np.int16], months: IntArray, calendar: DoubleArray
) -> DoubleArray:
    """How closely the events of each topic follow its months, float64[n_orders, n_topics].

    The correlation of being about the topic with what the calendar has for the event's month; 0 for
    topics of none or all events. ``event_topics`` int16[n_orders, n], -1 for none, and ``months``
    int64[n_orders, n]: of each event, when it comes in that order. A visit's events share a month,
    in every order: months of other orders would make chance look smaller than it is.
    """
    n = months.shape[1]
    fit = np.zeros((len(event_topics), len(calendar)))
    for topic in np.unique(event_topics[0][event_topics[0] >= 0]).tolist():
        is_met = event_topics == topic
        share = float(is_met[0].mean())
        if share < 1:
            expected = calendar[topic][months]
            expected = expected - expected.mean(axis=1, keepdims=True)
            length = np.sqrt((expected**2).sum(axis=1))
            met = np.where(is_met, expected, 0.0).sum(axis=1)
            spread = np.sqrt(n * share * (1 - share))
            fit[:, topic] = np.divide(
                met, length * spread, out=np.zeros_like(met), where=length > 1e-9
            )
    return fit


def seasons_of(
    topic: int,
    event_topics: npt.NDArray[np.int16],
    seconds: DoubleArray,
    months: IntArray,
    calendar: DoubleArray,
) -> list[tuple[int, int]]:
    """First and last 0-based event of each season in which the user met a yearly topic.

    The topic's season are the months in which the corpus meets it more often than usual.
    """
    visits = np.flatnonzero((event_topics == topic) & (calendar[topic] > 0)[months]).tolist()
    seasons: list[tuple[int, int]] = []
    for at in visits:
        if seasons and seconds[at] - seconds[seasons[-1][1]] <= APART:
            seasons[-1] = (seasons[-1][0], at)
        else:
            seasons.append((at, at))
    return seasons

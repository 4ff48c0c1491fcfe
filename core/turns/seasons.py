"""Interests that come back every year, in the months in which they do for everybody.

Of each topic the corpus says in which months it is met more often. A user whose news of a topic
follow these months more closely than the same events in other orders do has a yearly interest.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from core.arrays import DoubleArray, IntArray

MONTHS = 12
SHORTEST_SPAN = 1.25 * 365.25 * 86400
"""Seconds; in a shorter history nothing can come back after a year."""
HIGH_SEASON = 0.5
"""Months whose share lies above this part of the topic's highest month belong to its season."""
APART = 150 * 86400.0
"""Seconds between two visits to a topic, from which the later one is another season."""


def months_of(seconds: DoubleArray) -> IntArray:
    """Calendar months 0 to 11 (UTC) of times, int64 of the same shape."""
    flat = [datetime.fromtimestamp(float(t), UTC).month - 1 for t in seconds.ravel()]
    return np.array(flat, np.int64).reshape(seconds.shape)


def calendar_of(
    user_topics: Sequence[npt.NDArray[np.int16]],
    user_months: Sequence[IntArray],
    topics: int,
) -> DoubleArray:
    """How much more of the events in a month are of a topic than in other months.

    float64[n_topics, 12], 0 is as usual, 1 twice as often. Each user weighs the same.
    """
    met = np.full((topics, MONTHS), 0.5)
    for own, months in zip(user_topics, user_months, strict=True):
        np.add.at(met, (own, months), 1.0 / max(len(own), 1))
    shares = met / met.sum(axis=0)
    calendar: DoubleArray = shares / shares.mean(axis=1, keepdims=True) - 1.0
    return calendar


def season_fit(news: DoubleArray, months: IntArray, calendar: DoubleArray) -> DoubleArray:
    """How closely each topic's news follow its months, float64[n_signals, n_topics].

    ``news`` float64[n_signals, n, n_topics], ``months`` int64[n].
    """
    expected = calendar[:, months].T
    expected = expected - expected.mean(axis=0)
    length = np.sqrt((expected**2).sum(axis=0))
    expected = np.divide(expected, length, out=np.zeros_like(expected), where=length > 1e-9)
    fit: DoubleArray = ((news - news.mean(axis=1, keepdims=True)) * expected).sum(axis=1)
    return fit


def seasons_of(
    topic: int,
    event_topics: npt.NDArray[np.int16],
    seconds: DoubleArray,
    months: IntArray,
    calendar: DoubleArray,
) -> list[tuple[int, int]]:
    """First and last 0-based event of each season in which the user met a yearly topic."""
    high = calendar[topic] > HIGH_SEASON * max(float(calendar[topic].max()), 1e-9)
    visits = np.flatnonzero((event_topics == topic) & high[months]).tolist()
    seasons: list[tuple[int, int]] = []
    for at in visits:
        if seasons and seconds[at] - seconds[seasons[-1][1]] <= APART:
            seasons[-1] = (seasons[-1][0], at)
        else:
            seasons.append((at, at))
    return seasons

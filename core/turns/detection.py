"""One user's changes of interest, tested against the same events in other orders."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.arrays import DoubleArray, IntArray
from core.domain import Event, History
from core.model.interest import InterestModel
from core.model.profile import Topics
from core.turns.orders import shuffled, visits_of
from core.turns.seasons import SHORTEST_SPAN, calendar_of, months_of, season_fit, seasons_of
from core.turns.segments import (
    SHORTEST,
    best_single_gains,
    boundaries_of,
    costs_of,
    gains_of,
    segment,
)
from core.turns.signal import by_visit, entropy_of, news_of, scores_of, topic_directions, trend_of

SHUFFLES = 200
FIRST_SHUFFLES = 50
"""A history that these show to be like its other orders gets no more (Besag & Clifford 1991)."""
LIKE_CHANCE = 0.2
LONGEST = 400
"""Of a longer history the newest events are looked at."""
PENALTY_QUANTILE = 0.9
"""A change costs what this share of the shuffles' best single changes gain; chosen as
``turning.LEVEL``."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change that the segmentation proposes: ``at`` is the first event after it, 0-based."""

    at: int
    p: float


@dataclass(frozen=True, slots=True)
class Tested:
    """What one user's history says against its shuffles; p are None where it can't be tested."""

    p: float | None
    """Chance of a single change as large as the largest one, in a shuffled history."""
    changes: tuple[Candidate, ...]
    season_p: float | None
    """Chance that a topic follows the year so closely."""
    seasons: tuple[tuple[int, int], ...]
    """First and last event, 0-based, of each season of the yearly topic; at least two, or none."""
    width_p: float | None
    """Chance of so large a trend in how many topics the interest spreads over."""
    width_trend: float
    """Above 0 where it widens."""
    shuffles: int


GAIN, FIT, WIDTH = range(3)
"""Columns of the statistics of a history and its shuffles."""
UNTESTED = Tested(None, (), None, (), None, 0.0, 0)


@dataclass(eq=False)
class Detector:
    """Tests histories of one corpus and model. ``calendar`` float64[n_topics, 12] or None."""

    interest: InterestModel
    topics: Topics
    item_index: Mapping[str, int]
    calendar: DoubleArray | None = None

    def __post_init__(self) -> None:
        self.directions = topic_directions(self.interest.item_vectors, self.topics.item_topic)
        self._orders = self.interest.toward(self.directions)

    def topics_of(self, events: tuple[Event, ...]) -> npt.NDArray[np.int16]:
        """Topic of each event's item, int16[n]; -1 of one that the corpus doesn't have."""
        items = [self.item_index.get(event.item_id) for event in events]
        known = self.topics.item_topic
        return np.array([-1 if item is None else known[item] for item in items], np.int16)

    def test(self, history: History) -> Tested:
        """Propose changes of a history and test them; the same history gives the same answer."""
        skipped = max(len(history) - LONGEST, 0)
        events = history.events[skipped:]
        visits = visits_of(events)
        few = len(visits) == 0 or int(visits[-1]) + 1 < 2 * SHORTEST
        if few or len(self.directions) < 2:
            return UNTESTED
        random = np.random.default_rng(zlib.crc32(history.user_id.encode()))
        seconds = np.array([event.timestamp.timestamp() for event in events])
        yearly = self.calendar is not None and seconds[-1] - seconds[0] >= SHORTEST_SPAN
        months = months_of(seconds)[None] if yearly and history.timed else None
        starts = np.flatnonzero(np.diff(visits, prepend=-1))
        boundaries = boundaries_of(len(starts))
        queries = self.interest.states(History(history.user_id, events))[1:]
        own = scores_of(queries, self.directions)[None]
        costs = costs_of(by_visit(news_of(own), visits[None])[0], boundaries)
        topics = self.topics_of(events)
        real = self._statistics(own, visits[None], boundaries, topics[None], months)
        null = np.zeros((0, real.shape[1]))
        encoded = self.interest.events.encode(events)
        for count in (FIRST_SHUFFLES, SHUFFLES - FIRST_SHUFFLES):
            orders = shuffled(events, visits, count, random)
            scores = self._orders.scores(encoded, orders.at, orders.seconds).astype(np.float64)
            theirs = None if months is None else months_of(orders.seconds)
            moved = visits[orders.at], boundaries, topics[orders.at], theirs
            null = np.concatenate([null, self._statistics(scores, *moved)])
            trends, usual = null[:, WIDTH], float(null[:, WIDTH].mean())
            width_p = chance_of(abs(real[0, WIDTH] - usual), np.abs(trends - usual))
            p = chance_of(real[0, GAIN], null[:, GAIN])
            season_p = None if months is None else chance_of(real[0, FIT], null[:, FIT])
            if min(p, width_p, 1.0 if season_p is None else season_p) >= LIKE_CHANCE:
                break
        changes = segment(costs, boundaries, float(np.quantile(null[:, GAIN], PENALTY_QUANTILE)))
        gains = gains_of(costs, changes)
        seasons: list[tuple[int, int]] = []
        if months is not None and self.calendar is not None:
            topic = int(season_fit(topics[None], months, self.calendar)[0].argmax())
            seasons = seasons_of(topic, topics, seconds, months[0], self.calendar)
        return Tested(
            p,
            tuple(
                Candidate(skipped + int(starts[boundaries[change]]), chance_of(gain, null[:, GAIN]))
                for change, gain in zip(changes, gains, strict=True)
            ),
            season_p if len(seasons) > 1 else None,
            tuple((skipped + a, skipped + b) for a, b in seasons) if len(seasons) > 1 else (),
            width_p,
            float(real[0, WIDTH] - usual),
            len(null),
        )

    def _statistics(
        self,
        scores: DoubleArray,
        visits: IntArray,
        boundaries: IntArray,
        topics: npt.NDArray[np.int16],
        months: IntArray | None,
    ) -> DoubleArray:
        """GAIN, FIT and WIDTH of topic scores float64[n_orders, n, n_topics], [n_orders, 3].

        ``visits`` and ``months`` int64[n_orders, n], ``topics`` int16[n_orders, n]: of each event,
        in each order.
        """
        news = news_of(scores)
        gain = best_single_gains(by_visit(news, visits), boundaries)
        fit = np.zeros(len(scores))
        if months is not None and self.calendar is not None:
            fit = season_fit(topics, months, self.calendar).max(axis=1)
        trend = trend_of(entropy_of(scores, self.interest.temperature))
        return np.stack([gain, fit, trend], axis=1)


def chance_of(value: float, null: DoubleArray) -> float:
    """The p-value of a statistic among those of random orders, the real one counted in."""
    return float((1 + (null >= value - 1e-9).sum()) / (1 + len(null)))


def calendar_from(detector: Detector, histories: Iterable[History]) -> DoubleArray | None:
    """In which months the corpus meets each topic; None without times."""
    topics, months = [], []
    for history in histories:
        if not history.timed:
            return None
        seconds = np.array([event.timestamp.timestamp() for event in history.events])
        topics.append(detector.topics_of(history.events))
        months.append(months_of(seconds))
    return calendar_of(topics, months, len(detector.directions))

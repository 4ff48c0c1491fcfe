"""The game whose players are a user's events: what is a coalition worth?

Removing an event means asking the real recommender with a shorter history. The clock and the items
that are excluded stay those of the full history (docs/contracts.md, Shapley over events).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray
from core.domain import Event, History
from core.progress import StopCallback, check_stop
from core.recommend.protocol import Recommender

Masks = BoolArray
Players = tuple[tuple[int, ...], ...]
"""For each player the 1-based steps of its events."""

ALONE = 40
"""Of a history above ``MOST_PLAYERS`` events, so many of the newest play alone."""
MOST_PLAYERS = 60
CELLS_PER_BATCH = 2_000_000
"""Scores held at once: histories times items."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What is explained: an item's score, or its margin over another item.

    ``item`` and ``against`` are catalogue indices.
    """

    item: int
    against: int | None = None

    def of(self, log_probabilities: FloatArray) -> DoubleArray:
        """The goal's value for each row of float32[n, n_items], as float64[n] in nats."""
        value = log_probabilities[:, self.item].astype(np.float64)
        if self.against is not None:
            value -= log_probabilities[:, self.against]
        return value


def players_of(events: int) -> Players:
    """Each event a player; above 60 events the older ones in equal groups of neighbours."""
    if events <= MOST_PLAYERS:
        return tuple((step,) for step in range(1, events + 1))
    older = np.array_split(np.arange(1, events - ALONE + 1), MOST_PLAYERS - ALONE)
    newest = tuple((step,) for step in range(events - ALONE + 1, events + 1))
    return (*(tuple(group.tolist()) for group in older), *newest)


def ask(
    recommender: Recommender,
    histories: Sequence[History],
    goal: Goal,
    stop: StopCallback | None = None,
) -> DoubleArray:
    """The goal's value after each history, float64[n], asked in batches of bounded size."""
    return over_batches(recommender, histories, goal.of, stop)


def over_batches(
    recommender: Recommender,
    histories: Sequence[History],
    read: Callable[[FloatArray], DoubleArray],
    stop: StopCallback | None = None,
) -> DoubleArray:
    """``read`` of the log-probabilities of all histories, batch by batch: float64[n, ...]."""
    found: list[DoubleArray] = []
    start, size = 0, 256
    while start < len(histories) or not found:
        check_stop(stop)
        scores = recommender.log_probabilities(histories[start : start + size])
        found.append(read(scores))
        start += size
        size = max(32, min(2048, CELLS_PER_BATCH // max(scores.shape[1], 1)))
    return np.concatenate(found)


@dataclass(eq=False)
class EventGame:
    """Values of coalitions of players, each asked once."""

    recommender: Recommender
    history: History
    goal: Goal
    players: Players
    stop: StopCallback | None = None
    _known: dict[bytes, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        recommender: Recommender,
        history: History,
        goal: Goal,
        stop: StopCallback | None = None,
    ) -> EventGame:
        """The game of all events of a history."""
        return cls(recommender, history, goal, players_of(len(history)), stop)

    def values(self, masks: Masks) -> DoubleArray:
        """The value of each coalition: bool[n, n_players] to float64[n] in nats."""
        keys = [mask.tobytes() for mask in masks]
        new: dict[bytes, History] = {}
        for key, mask in zip(keys, masks, strict=True):
            if key not in self._known and key not in new:
                new[key] = self.keeping(mask)
        if new:
            asked = ask(self.recommender, list(new.values()), self.goal, self.stop)
            self._known.update(zip(new, asked.tolist(), strict=True))
        return np.array([self._known[key] for key in keys])

    def keeping(self, mask: BoolArray) -> History:
        """The history with only the players of one mask bool[n_players]."""
        return shortened(
            self.history,
            [
                self.history.events[step - 1]
                for player in np.flatnonzero(mask)
                for step in self.players[player]
            ],
        )

    @property
    def base(self) -> float:
        """The value of the empty history."""
        return float(self.values(np.zeros((1, len(self.players)), np.bool_))[0])

    @property
    def whole(self) -> float:
        """The value of the full history."""
        return float(self.values(np.ones((1, len(self.players)), np.bool_))[0])

    @property
    def asked(self) -> int:
        """How many different coalitions the recommender was asked about."""
        return len(self._known)


def shortened(history: History, events: Sequence[Event]) -> History:
    """The same moment with other events: clock and exclusions stay those of ``history``."""
    return History(history.user_id, tuple(events), history.at, history.excluded_items())

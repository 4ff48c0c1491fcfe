"""The game whose players are a user's events: what does each contribute to a goal?

Removing an event means asking the real recommender with a shorter history. The clock and the items
that are excluded stay those of the full history (docs/contracts.md, Shapley over events).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, compress

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray
from core.domain import Event, History
from core.progress import ProgressCallback, StopCallback
from core.recommend.protocol import Recommender
from core.shapley.engine import (
    ENOUGH,
    EXACT_UP_TO,
    ShapleyValues,
    shapley_values,
    values_of_seeds,
)
from core.shapley.game import Game, Masks, over_batches, players_of


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


@dataclass(eq=False)
class EventGame:
    """Values of coalitions of a history's events, each asked once.

    ``players`` holds the 1-based steps of each player's events.
    """

    recommender: Recommender
    history: History
    goal: Goal
    stop: StopCallback | None = None

    def __post_init__(self) -> None:
        self.players = players_of(len(self.history))
        self._events = [tuple(self.events_of(at)) for at in range(len(self.players))]
        self.moment = self.history.same_moment(self.history.events)
        """The history with its clock and exclusions said, which all coalitions then share."""
        self._game = Game(self.recommender, self.keeping, self.goal.of, self.stop)

    def events_of(self, player: int) -> list[Event]:
        """A player's events."""
        return [self.history.events[step - 1] for step in self.players[player]]

    def values(self, masks: Masks) -> DoubleArray:
        """The value of each coalition: bool[n, n_players] to float64[n] in nats."""
        return self._game(masks)

    def ask(self, histories: Sequence[History]) -> DoubleArray:
        """The goal's value after each history, float64[n], in nats."""
        return over_batches(self.recommender, histories, self.goal.of, self.stop)

    def keeping(self, mask: BoolArray) -> History:
        """The history with only the players of one mask bool[n_players]."""
        return self.moment.same_moment(chain.from_iterable(compress(self._events, mask.tolist())))


def explain_events(
    game: EventGame,
    *,
    seed: int = 0,
    seconds: float = 5.0,
    enough: float = ENOUGH,
    sure: bool = False,
    exact_up_to: int = EXACT_UP_TO,
    progress: ProgressCallback | None = None,
) -> ShapleyValues:
    """What each player contributes to the goal, float64[n_players] in nats (``shapley_values``)."""
    return shapley_values(
        lambda masks: game.values(masks)[:, None],
        len(game.players),
        seed=seed,
        seconds=seconds,
        enough=enough,
        sure=sure,
        exact_up_to=exact_up_to,
        progress=progress,
        stop=game.stop,
    ).output(0)


def explain_by_seeds(
    game: EventGame,
    seeds: Sequence[int],
    *,
    seconds: float,
    enough: float,
    progress: ProgressCallback | None = None,
) -> list[ShapleyValues]:
    """``explain_events`` by each of several seeds, ``seconds`` for each of them."""
    several = values_of_seeds(
        lambda masks: game.values(masks)[:, None],
        len(game.players),
        seeds,
        seconds=seconds,
        enough=enough,
        progress=progress,
        stop=game.stop,
    )
    return [values.output(0) for values in several]

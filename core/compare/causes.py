"""Why scores changed between two times of one user: events in between, and the clock.

Players are the events after the first time, up to the second, and one ``clock`` that moves the
moment of asking from the first time to the second. A coalition's value is the score of an item
after the earlier events and the coalition's own, with the items excluded that *these* events
consumed. So the empty coalition is the first list's score, the full one the second list's, and
Shapley values add up to the difference. All items of both lists are scored at once: the histories
are the same for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from core.domain import History
from core.progress import StopCallback
from core.recommend.protocol import Recommender
from core.shapley.engine import EXACT_UP_TO, ShapleyValues, shapley_values
from core.shapley.game import Game, Players, players_of

CauseKind = Literal["event", "clock", "eligibility", "others", "edit"]

SECONDS = 0.5
"""Sampling begins no further round after so long."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What moved an item most.

    ``event``: the event that pushed its score most in the direction of the move; ``clock``: time
    alone did; ``eligibility``: an event excluded the item itself, or others ahead of it, and that
    alone explains the new rank; ``others``: its own score did not move that way, so the others
    moved by more, most of all through this event; ``edit``: an edit of a scenario, ``edit`` its
    1-based number and ``step`` the base's step that it changed. ``value`` is what the player gave
    the item's own score, in nats, ``stderr`` its standard error (0 where exact). ``step`` is None
    for the clock; a group of events is named by its last step.
    """

    step: int | None
    kind: CauseKind
    value: float
    stderr: float = 0.0
    edit: int | None = None


@dataclass(frozen=True, eq=False)
class Changes(ShapleyValues):
    """What each player contributes to each item's change, in nats, from the earlier time on.

    An output per item: ``items`` int64[n] are catalogue indices, ``base`` and ``whole`` float64[n]
    the scores at the earlier and the later time. ``players`` holds the steps of each player but the
    last one, the clock.
    """

    items: IntArray
    players: Players

    def of(self, item: int) -> ShapleyValues:
        """One item's change."""
        return self.output(int(np.flatnonzero(self.items == item)[0]))

    def reversed(self) -> Changes:
        """The same changes seen from the later time to the earlier."""
        return replace(self, base=self.whole, whole=self.base, values=-self.values)


def have_changes(early: History, late: History) -> bool:
    """Whether the later history is the earlier one continued, so that causes are defined."""
    return (
        early.user_id == late.user_id
        and len(early) < len(late)
        and late.events[: len(early)] == early.events
    )


def explain_changes(
    recommender: Recommender,
    early: History,
    late: History,
    items: IntArray,
    *,
    seed: int = 0,
    seconds: float = SECONDS,
    exact_up_to: int = EXACT_UP_TO,
    stop: StopCallback | None = None,
) -> Changes:
    """Shapley values of the events between two times and of the clock, for items int64[n].

    Above 60 events between, older ones are taken in groups.
    """
    start = len(early)
    players = tuple(
        tuple(step + start for step in steps) for steps in players_of(len(late) - start)
    )

    def history(mask: BoolArray) -> History:
        """The earlier events and the coalition's, at the coalition's clock."""
        steps = [step for player in np.flatnonzero(mask[:-1]) for step in players[player]]
        events = (*early.events, *(late.events[step - 1] for step in steps))
        return History(late.user_id, events, late.at if mask[-1] else early.at)

    def read(scores: FloatArray) -> DoubleArray:
        return scores[:, items].astype(np.float64)

    found = shapley_values(
        Game(recommender, history, read, stop),
        len(players) + 1,
        seed=seed,
        seconds=seconds,
        exact_up_to=exact_up_to,
        stop=stop,
    )
    return Changes(**vars(found), items=items, players=players)

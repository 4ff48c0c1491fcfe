"""Why scores changed between two times of one user: events in between, and the clock.

Players are the events after the first time, up to the second, and one ``clock`` that moves the
moment of asking from the first time to the second. A coalition's value is the score of an item
after the earlier events and the coalition's own, with the items excluded that *these* events
consumed. So the empty coalition is the first list's score, the full one the second list's, and
Shapley values add up to the difference. All items of both lists are scored at once: the histories
are the same for all of them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from core.domain import Event, History
from core.explain.game import Masks, Players, over_batches, players_of
from core.explain.shapley import ENOUGH, LEAST_CHANGE, MOST_ROUNDS, run_shap
from core.progress import StopCallback, check_stop
from core.recommend.protocol import Recommender

CauseKind = Literal["event", "clock", "eligibility", "others", "edit"]

EXACT_UP_TO = 10
"""Players, the clock among them, up to which all coalitions are asked."""
FEWEST_ROUNDS = 2
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
class Changes:
    """What each player gave each item, in nats, from the earlier time to the later.

    ``items`` int64[n] catalogue indices; ``before``, ``after`` float64[n] scores; ``values``,
    ``stderr`` float64[n_players + 1, n], the clock last. ``before + values.sum(0) + residual`` is
    ``after``. ``players`` holds the steps of each player but the clock.
    """

    items: IntArray
    players: Players
    before: DoubleArray
    after: DoubleArray
    values: DoubleArray
    stderr: DoubleArray
    rounds: int
    """Pairs of random orders; 0 where exact."""
    asked: int
    """Different histories that the recommender was asked about."""

    @property
    def exact(self) -> bool:
        """Whether every coalition was asked."""
        return self.rounds == 0

    @property
    def residual(self) -> DoubleArray:
        """What the values leave of each item's difference, float64[n]."""
        return np.asarray(self.after - self.before - self.values.sum(axis=0))

    @property
    def error(self) -> float:
        """Largest standard error relative to its item's difference (at least 0.05 nats)."""
        if not self.stderr.size:
            return 0.0
        size = np.maximum(np.abs(self.after - self.before), LEAST_CHANGE)
        return float((self.stderr.max(axis=0) / size).max())

    def of(self, item: int) -> DoubleArray:
        """One item's values, float64[n_players + 1], the clock last."""
        values: DoubleArray = self.values[:, int(np.flatnonzero(self.items == item)[0])]
        return values

    def error_of(self, item: int, player: int) -> float:
        """Standard error of what one player gave an item."""
        return float(self.stderr[player, int(np.flatnonzero(self.items == item)[0])])

    def reversed(self) -> Changes:
        """The same changes seen from the later time to the earlier."""
        return Changes(
            self.items,
            self.players,
            self.after,
            self.before,
            -self.values,
            self.stderr,
            self.rounds,
            self.asked,
        )


@dataclass(eq=False)
class _Game:
    """Scores of the items after each coalition, each asked once."""

    recommender: Recommender
    early: History
    late: History
    items: IntArray
    players: Players
    stop: StopCallback | None
    known: dict[bytes, DoubleArray] = field(default_factory=dict)

    def values(self, masks: Masks) -> DoubleArray:
        """bool[n, n_players + 1] to float64[n, n_items]."""
        new = {mask.tobytes(): mask for mask in masks if mask.tobytes() not in self.known}
        if new:
            asked = over_batches(
                self.recommender,
                [self.history(mask) for mask in new.values()],
                self._read,
                self.stop,
            )
            self.known.update(zip(new, asked, strict=True))
        return np.stack([self.known[mask.tobytes()] for mask in masks])

    def history(self, mask: BoolArray) -> History:
        """The earlier events and the coalition's, at the coalition's clock."""
        added: list[Event] = [
            self.late.events[step - 1]
            for player, steps in enumerate(self.players)
            if mask[player]
            for step in steps
        ]
        clock = self.late.at if mask[-1] else self.early.at
        return History(self.late.user_id, (*self.early.events, *added), clock)

    def _read(self, scores: FloatArray) -> DoubleArray:
        return scores[:, self.items].astype(np.float64)


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

    Exact up to ``exact_up_to`` players (``shap.explainers.Exact``); above, sampled in pairs of
    orders as in ``core.explain.shapley``, for at least two pairs, until the error is 5 % or
    ``seconds`` are over. Above 60 events between, older ones are taken in groups.
    """
    start = len(early)
    players = tuple(
        tuple(step + start for step in steps) for steps in players_of(len(late) - start)
    )
    if not len(items):
        nothing = np.zeros((len(players) + 1, 0))
        return Changes(items, players, nothing[0], nothing[0], nothing, nothing, 0, 0)
    game = _Game(recommender, early, late, items, players, stop)
    count = len(players) + 1
    ends = game.values(np.stack([np.zeros(count, np.bool_), np.ones(count, np.bool_)]))
    rounds: list[DoubleArray] = []
    if count <= exact_up_to:
        values = _by_item(run_shap("Exact", game.values, count, seed), len(items))
        return Changes(
            items, players, ends[0], ends[1], values, np.zeros_like(values), 0, len(game.known)
        )
    began = time.monotonic()
    while True:
        check_stop(stop)
        one = run_shap(
            "Permutation",
            game.values,
            count,
            seed * MOST_ROUNDS + len(rounds),
            max_evals=2 * count + 1,
        )
        rounds.append(_by_item(one, len(items)))
        n = len(rounds)
        if n < FEWEST_ROUNDS:
            continue
        found = Changes(
            items,
            players,
            ends[0],
            ends[1],
            np.mean(rounds, axis=0),
            np.std(rounds, axis=0, ddof=1) / np.sqrt(n),
            n,
            len(game.known),
        )
        late_now = time.monotonic() - began > seconds * n / (n + 1)
        if found.error <= ENOUGH or late_now or n >= MOST_ROUNDS:
            return found


def _by_item(values: DoubleArray, items: int) -> DoubleArray:
    """float64[n_players, n_items], also where shap drops the axis of a single output."""
    return values.reshape(len(values), items)

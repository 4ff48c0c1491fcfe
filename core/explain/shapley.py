"""Shapley values of a user's events, by the shap library.

Exact values enumerate all coalitions (Shapley 1953; ``shap.explainers.Exact``). Sampled ones
average the gains along random orders, each taken forward and backward (Castro et al. 2009;
``shap.explainers.Permutation``); each such pair is one sample, so that the standard error counts
what the pair's halves have in common. ``variates`` takes noise off them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from core.arrays import BoolArray, DoubleArray
from core.explain.game import EventGame, Masks
from core.explain.variates import adjust, known_values, values_of
from core.progress import Progress, ProgressCallback, check_stop, report

EXACT_UP_TO = 10
LEAST_CHANGE = 0.05
"""Nats: an error is stated relative to at least so much difference between score and base."""
ENOUGH = 0.05
"""Sampling ends at this error."""
LEAST_ROUNDS, FEWEST_ROUNDS, MOST_ROUNDS = 2, 4, 400
"""Rounds for an error that can be stated at all, for one that may end the work, and at most."""
_shap = threading.Lock()
"""shap draws from numpy's global generator: one caller at a time."""


@dataclass(frozen=True, eq=False)
class EventValues:
    """What each player gave, in nats.

    ``values`` and ``stderr`` float64[n_players]; ``stderr`` are standard errors, zeros where exact.
    ``base + values.sum() + residual`` is the score.
    """

    base: float
    score: float
    values: DoubleArray
    stderr: DoubleArray
    exact: bool
    rounds: int
    """Pairs of random orders; 0 where exact."""
    asked: int
    """Different histories that the recommender was asked about."""

    @property
    def residual(self) -> float:
        """Score minus base minus the sum of the values."""
        return self.score - self.base - float(self.values.sum())

    @property
    def error(self) -> float:
        """The largest standard error, relative to |score - base| (at least 0.05 nats)."""
        if not len(self.stderr):
            return 0.0
        return float(self.stderr.max()) / max(abs(self.score - self.base), LEAST_CHANGE)


class _Present:
    """A shap masker whose features are players: the masked input is the mask itself."""

    immutable_outputs = True

    def __init__(self, players: int) -> None:
        self.shape = (1, players)

    def __call__(self, mask: BoolArray, row: Any) -> tuple[Masks]:
        return (mask[None],)


class RandomState:
    """numpy's global generator, seeded for shap inside the block and put back after it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __enter__(self) -> None:
        _shap.acquire()
        self._before = np.random.get_state()  # noqa: NPY002
        np.random.seed(self._seed)  # noqa: NPY002

    def __exit__(self, *_: object) -> None:
        np.random.set_state(self._before)  # noqa: NPY002
        _shap.release()


def explain_events(
    game: EventGame,
    *,
    seed: int = 0,
    seconds: float = 5.0,
    enough: float = ENOUGH,
    exact_up_to: int = EXACT_UP_TO,
    progress: ProgressCallback | None = None,
) -> EventValues:
    """Shapley values of the game's players.

    Exact up to ``exact_up_to`` players; above, sampled until the error is at most ``enough`` or
    the next pair of orders would end after ``seconds``; at least four pairs, or two where the time
    is short. The same seed gives the same values unless the time ends first.
    """
    players = len(game.players)
    if players == 0:
        return EventValues(game.base, game.whole, np.zeros(0), np.zeros(0), True, 0, game.asked)
    if players <= exact_up_to:
        found = run_shap("Exact", game.values, players, seed)
        return EventValues(game.base, game.whole, found, np.zeros(players), True, 0, game.asked)
    return _sampled(game, seed, seconds, enough, progress)


def _sampled(
    game: EventGame, seed: int, seconds: float, enough: float, progress: ProgressCallback | None
) -> EventValues:
    warm_up()
    players = len(game.players)
    started = time.monotonic()
    rounds: list[DoubleArray] = []
    variates: list[DoubleArray] = []
    alone = game.values(np.eye(players, dtype=np.bool_)) - game.base
    known = known_values(alone)
    while True:
        check_stop(game.stop)

        def both(masks: Masks) -> DoubleArray:
            return np.column_stack([game.values(masks), values_of(masks, alone)])

        found = run_shap(
            "Permutation",
            both,
            players,
            seed * MOST_ROUNDS + len(rounds),
            max_evals=2 * players + 1,
        )
        rounds.append(found[:, 0])
        variates.append(found[:, 1:] - known)
        n = len(rounds)
        late = (time.monotonic() - started) * (n + 1) / n > seconds
        if n < (LEAST_ROUNDS if late else FEWEST_ROUNDS):
            continue
        values, errors = adjust(np.array(rounds), np.array(variates))
        answer = EventValues(game.base, game.whole, values, errors, False, n, game.asked)
        report(
            progress,
            Progress("sample orders of events", n, MOST_ROUNDS, None, {"error": answer.error}),
        )
        if answer.error <= enough or late or n >= MOST_ROUNDS:
            return answer


def run_shap(
    method: str,
    value: Callable[[Masks], DoubleArray],
    players: int,
    seed: int,
    **options: Any,
) -> DoubleArray:
    """Values of ``players`` by one of shap's explainers, float64[n_players] or [n_players, n_out].

    ``value`` maps masks bool[n, n_players] to float64[n] or float64[n, n_out].
    """
    import shap

    with RandomState(seed):
        explainer = getattr(shap.explainers, method)(value, _Present(players))
        np.random.seed(seed)  # noqa: NPY002 - some explainers seed on their own when made
        explanation = explainer(
            np.zeros((1, players)), **({"batch_size": 4096, "silent": True} | options)
        )
    values: DoubleArray = np.asarray(explanation.values[0], np.float64)
    return values


@cache
def warm_up() -> None:
    """Let shap compile its loops, which takes seconds, once per process."""

    def total(masks: Masks) -> DoubleArray:
        return np.asarray(masks.sum(1), np.float64)

    run_shap("Exact", total, 2, 0)
    run_shap("Permutation", total, 2, 0, max_evals=5)

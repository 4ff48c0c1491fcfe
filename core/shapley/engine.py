"""Shapley values of a game, of many outputs at once: exact for few players, sampled for more.

Exact values weigh the gains over all coalitions (Shapley 1953). Sampled ones average the gains
along random orders, each taken forward and backward (Castro et al. 2009; antithetic pairs: Mitchell
et al. 2022); a pair is one sample, so that the standard error counts what its halves have in
common. Control variates take noise off them (``core.shapley.variates``).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import beta, ndtr, ndtri

from core.arrays import BoolArray, DoubleArray, IntArray
from core.language import mark
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.shapley.game import Masks
from core.shapley.variates import adjust, known_values, values_of

EXACT_UP_TO = 10
LEAST_CHANGE = 0.05
"""Nats: an error is stated relative to at least this difference between value and base."""
ENOUGH = 0.05
"""Sampling ends at this error."""
LEAST_ROUNDS, FEWEST_ROUNDS, MOST_ROUNDS = 2, 6, 400
"""Rounds for an error that can be stated at all, for one that may end the work, and at most."""
FEWEST_SURE, MOST_SURE = 32, 2_000
"""The last two where the bound has to be small: few rounds tell rare differences badly."""
BEYOND = 0.05
"""Share of samples in which some value may lie beyond the bound."""
GROWTH = 5
"""The error is looked at after each fifth more rounds: each look is a chance to stop too early."""

Worth = Callable[[Masks], DoubleArray]
"""Values of coalitions, bool[n, n_players] to float64[n, n_out]."""
Asking = Generator[Masks, DoubleArray, "ShapleyValues"]
"""Asks for coalitions bool[n, n_players] and is sent their values float64[n, n_out]."""


@dataclass(frozen=True, eq=False)
class ShapleyValues:
    """What each player contributes to each output.

    ``base``, ``whole`` float64[n_out]: the values of no player and of all. ``values``, ``stderr``
    float64[n_players, n_out]; standard errors are zeros where exact.
    ``base + values.sum(0) + residual`` is ``whole``.
    """

    base: DoubleArray
    whole: DoubleArray
    values: DoubleArray
    stderr: DoubleArray
    rounds: int
    """Pairs of random orders; 0 where exact."""

    def output(self, at: int) -> ShapleyValues:
        """One output alone: scalars for ``base`` and ``whole``, float64[n_players] for the rest."""
        return ShapleyValues(
            self.base[at], self.whole[at], self.values[:, at], self.stderr[:, at], self.rounds
        )

    @property
    def exact(self) -> bool:
        """Whether every coalition was asked."""
        return self.rounds == 0

    @property
    def residual(self) -> DoubleArray:
        """What the values leave of each output's difference, float64[n_out]."""
        residual: DoubleArray = self.whole - self.base - self.values.sum(axis=0)
        return residual

    @property
    def error(self) -> float:
        """Largest standard error relative to its output's |whole - base| (at least 0.05 nats)."""
        return float((self.stderr / self._size).max(initial=0.0))

    @property
    def bound(self) -> float:
        """How far the values of an output are from the exact ones at most, relative like ``error``.

        All of them at once, in 95 % of samples: the players' chances to lie beyond add up to 5 %.
        """
        relative = np.atleast_2d((self.stderr / self._size).T)
        return max((_bound(of_output) for of_output in relative), default=0.0)

    @property
    def _size(self) -> DoubleArray:
        size: DoubleArray = np.maximum(np.abs(self.whole - self.base), LEAST_CHANGE)
        return size


def shapley_values(
    worth: Worth,
    players: int,
    *,
    seed: int = 0,
    seconds: float = 5.0,
    enough: float = ENOUGH,
    sure: bool = False,
    exact_up_to: int = EXACT_UP_TO,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> ShapleyValues:
    """Shapley values of a game: exact up to ``exact_up_to`` players, sampled above.

    Sampling ends when the error (``sure``: the bound, for which more pairs of orders may be taken)
    is at most ``enough`` or the next pair of orders would end after ``seconds``; after at least six
    pairs, or two where the time is short. To be sure, coalitions are all asked once sampling has
    cost as much. The same seed gives the same values unless the time ends first, which it never
    does with infinite ``seconds``.
    """
    asking = _asking(players, seed, seconds, enough, sure, exact_up_to, progress, stop)
    return _answered(worth, [asking])[0]


def values_of_seeds(
    worth: Worth,
    players: int,
    seeds: Sequence[int],
    *,
    seconds: float,
    enough: float,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> list[ShapleyValues]:
    """``shapley_values`` by each of several seeds, ``seconds`` for each of them.

    They ask for their coalitions together, as small questions cost more; ``progress`` counts the
    pairs of orders of all.
    """
    together, started = seconds * len(seeds), time.monotonic()
    askings = [
        _asking(players, seed, together, enough, False, EXACT_UP_TO, None, stop) for seed in seeds
    ]

    def told(answered: int) -> None:
        pairs = min(answered // (2 * (players + 1)), MOST_ROUNDS * len(seeds))
        left = max(started + together - time.monotonic(), 0.0) if together < math.inf else None
        stage = mark("sample orders of events")
        report(progress, Progress(stage, pairs, MOST_ROUNDS * len(seeds), left))

    return _answered(worth, askings, told)


def _answered(
    worth: Worth, askings: Sequence[Asking], told: Callable[[int], None] | None = None
) -> list[ShapleyValues]:
    """What each comes to when ``worth`` answers its coalitions, equal questions once.

    ``told`` is called first and after each answer with the number of coalitions answered so far.
    """
    found: dict[int, ShapleyValues] = {}
    asked = {number: next(asking) for number, asking in enumerate(askings)}
    answered = 0
    while asked:
        if told is not None:
            told(answered)
        keys = {number: (len(masks), masks.tobytes()) for number, masks in asked.items()}
        questions = {keys[number]: masks for number, masks in asked.items()}
        cuts = np.cumsum([len(masks) for masks in questions.values()])[:-1]
        answers = np.split(worth(np.concatenate(list(questions.values()))), cuts)
        answer_to = dict(zip(questions, answers, strict=True))
        answered += sum(len(masks) for masks in questions.values())
        for number, key in keys.items():
            try:
                asked[number] = askings[number].send(answer_to[key])
            except StopIteration as ended:
                found[number] = ended.value
                del asked[number]
    if told is not None:
        told(answered)
    return [found[number] for number in range(len(askings))]


def _asking(
    players: int,
    seed: int,
    seconds: float,
    enough: float,
    sure: bool,
    exact_up_to: int,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> Asking:
    """``shapley_values``, which asks for coalitions and is sent their values."""
    base, whole = yield np.array([np.zeros(players), np.ones(players)], np.bool_)
    if players <= exact_up_to:
        return (yield from _exactly(players, base, whole))
    alone = (yield np.eye(players, dtype=np.bool_)) - base
    # What a first question loads or compiles is done by now.
    started, random = time.monotonic(), np.random.default_rng(seed)
    known = known_values(alone)
    next_look, most = (FEWEST_SURE, MOST_SURE) if sure else (FEWEST_ROUNDS, MOST_ROUNDS)
    rounds: list[DoubleArray] = []
    variates: list[DoubleArray] = []
    while True:
        check_stop(stop)
        n, spent = len(rounds), max(time.monotonic() - started, 1e-9)
        # All until the next look at once, as small questions cost more; or what time allows.
        size = min(next_look, most) - n
        if seconds < math.inf:
            size = min(size, max(int((seconds - spent) * n / spent), 1) if n else LEAST_ROUNDS)
        orders = np.array([random.permutation(players) for _ in range(size)])
        ranks = np.argsort(np.stack([orders, orders[:, ::-1]], 1), axis=2)  # [size, 2, players]
        # [size, 2, players + 1, players]: nobody, then one more each time.
        masks = (ranks[:, :, None, :] < np.arange(players + 1)[:, None]).reshape(-1, players)
        rounds += _gains((yield masks), ranks)
        variates += [each - known for each in _gains(values_of(masks, alone), ranks)]
        n += size
        late = (time.monotonic() - started) * (n + 1) / n > seconds
        if n < (LEAST_ROUNDS if late else min(next_look, most)):
            continue
        next_look = n + max(n // GROWTH, 1)
        values, stderr = adjust(np.array(rounds), np.array(variates))
        answer = ShapleyValues(base, whole, values, stderr, n)
        error = answer.bound if sure else answer.error
        report(progress, Progress(mark("sample orders of events"), n, most, None, {"error": error}))
        if error <= enough or late or n >= most:
            return answer
        if sure and n * 2 * (players + 1) > 2**players:  # all coalitions cost no more
            return (yield from _exactly(players, base, whole))


def _exactly(players: int, base: DoubleArray, whole: DoubleArray) -> Asking:
    values = _weights_of_all(players) @ (yield all_coalitions(players))
    return ShapleyValues(base, whole, values, np.zeros_like(values), 0)


def _bound(stderr: DoubleArray) -> float:
    """The distance beyond which normal errors of float64[n_players] lie in ``BEYOND`` of cases."""
    spread = stderr[stderr > 0]
    if not len(spread):
        return 0.0
    low, high = 0.0, float(spread.max()) * float(-ndtri(BEYOND / 2 / len(spread)))
    for _ in range(40):
        middle = (low + high) / 2
        is_beyond = 2 * ndtr(-middle / spread).sum() > BEYOND
        low, high = (middle, high) if is_beyond else (low, middle)
    return high


def exact_values(worth: Worth, players: int) -> DoubleArray:
    """Shapley values over all coalitions, float64[n_players, n_out]."""
    return _weights_of_all(players) @ worth(all_coalitions(players))


def all_coalitions(players: int) -> Masks:
    """Every coalition, bool[2 ** n_players, n_players]."""
    masks: Masks = np.arange(2**players)[:, None] >> np.arange(players) & 1 == 1
    return masks


def _weights_of_all(players: int) -> DoubleArray:
    """What each of all coalitions counts in a value, float64[n_players, 2 ** n_players]."""
    masks = all_coalitions(players)
    size = masks.sum(1, keepdims=True)
    # (s - 1)! (n - s)! / n! where the player is one of s, - s! (n - s - 1)! / n! where it is not
    weights = np.where(masks, beta(size, players - size + 1), -beta(size + 1, players - size))
    return np.asarray(weights.T)


def _gains(values: DoubleArray, ranks: IntArray) -> list[DoubleArray]:
    """Each player's mean gain along an order and its reverse: of each pair float64[n_players, ...].

    ``values`` float64[n_pairs * 2 * (n_players + 1), ...] along all; ``ranks`` int64[n_pairs, 2,
    n_players].
    """
    along = values.reshape(*ranks.shape[:2], ranks.shape[2] + 1, *values.shape[1:])
    steps = np.diff(along, axis=2)
    return [
        (both[0, rank[0]] + both[1, rank[1]]) / 2 for both, rank in zip(steps, ranks, strict=True)
    ]


class _Present:
    """A shap masker whose features are players: the masked input is the mask itself."""

    immutable_outputs = True

    def __init__(self, players: int) -> None:
        self.shape = (1, players)

    def __call__(self, mask: BoolArray, row: DoubleArray) -> tuple[Masks]:
        return (mask[None],)


def values_by_shap(
    method: Literal["Exact", "Permutation"], worth: Worth, players: int, **options: Any
) -> DoubleArray:
    """Values by ``shap.explainers.Exact`` or ``Permutation``, float64[n_players, ...].

    The words of a short review are explained with it (docs/architecture.md says why only they), and
    tests and benchmarks hold ours against it. The first call of a process imports shap and lets
    numba compile, which takes seconds.

    ``Permutation`` seeds and draws from numpy's global generator, so only tests and benchmarks call
    it; ``options`` go to the explainer's call.
    """
    import shap

    explainer = getattr(shap.explainers, method)(worth, _Present(players))
    explanation = explainer(
        np.zeros((1, players)), **({"batch_size": 4096, "silent": True} | options)
    )
    values: DoubleArray = np.asarray(explanation.values[0], np.float64)
    return values

"""Less noise from the same sample: control variates for Shapley values of events.

A simple game whose Shapley values are known in closed form is played along the same random orders
as the real one. Where it moves alike, the difference to its known values tells how far the sample
is off, and a regression over all players and rounds takes that off the real values (Glasserman
2003, chapter 4.1; for Shapley values Goldwasser & Hooker 2024). The estimate stays consistent: the
variates' expectation is zero.

Three kinds of games describe what sequence models do: an event counts less the more events follow
it, less the more events there are at all, and the number of events matters by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import ndtri, stdtrit

from core.arrays import DoubleArray
from core.shapley.game import Masks

DECAYS = (0.0, 0.6, 0.9)
RIDGE = 1e-2
TWO_SIDED = 0.975
"""The quantile that leaves 5 % outside, half on each side."""
STOPPED = 1.15
"""Sampling ends at a look at which the error happens to be small: so much larger it is stated."""
SHARED_ROUNDS = 2
"""Rounds' weight of the players' mean variance in the variance of each."""
SIZES: tuple[Callable[[DoubleArray], Any], ...] = (
    lambda k: 1 / (1 + k),
    lambda k: np.exp(-k / 3),
    lambda k: 1 / np.sqrt(1 + k),
    lambda k: (k == 0) * 1.0,
)


def values_of(masks: Masks, alone: DoubleArray) -> DoubleArray:
    """The simple games' values of coalitions bool[n, n_players], float64[n, n_games, n_out].

    ``alone`` float64[n_players, n_out] is what each player brings when there is no other.
    """
    size = masks.sum(1, dtype=np.float64)[:, None]
    later: DoubleArray = np.cumsum(masks[:, ::-1], 1)[:, ::-1] - masks
    total = masks @ alone
    games = [(masks * np.power(decay, later)) @ alone for decay in DECAYS]
    games += [total * h(size) for h in SIZES]
    games += [np.broadcast_to(h(size), total.shape) for h in SIZES]
    return np.stack(games, 1)


def known_values(alone: DoubleArray) -> DoubleArray:
    """Shapley values of the simple games, float64[n_players, n_games, n_out]."""
    n = len(alone)
    sizes = np.arange(n + 1.0)
    games = [_decayed(alone, decay) for decay in DECAYS]
    games += [sized(alone, h(sizes)) for h in SIZES]
    games += [np.full(alone.shape, (h(sizes)[-1] - h(sizes)[0]) / n) for h in SIZES]
    return np.stack(games, 1)


def _decayed(alone: DoubleArray, decay: float) -> DoubleArray:
    """Shapley values of "each player counts ``decay`` to the number of later ones present"."""
    n = len(alone)
    values = np.zeros(alone.shape)
    for player in range(n):
        later = n - 1 - player
        before = np.arange(later + 1.0)  # later ones that came first: each number equally likely
        values[player] += alone[player] * np.mean(np.power(decay, before))
        if later:
            loss = before[1:] / later * (1 - decay) * np.power(decay, before[1:] - 1)
            values[player + 1 :] -= alone[player] * loss.sum() / (later + 1)
    return values


def sized(alone: DoubleArray, by_size: DoubleArray) -> DoubleArray:
    """Shapley values of "the sum of those present times a function of how many there are".

    ``alone`` float64[n_players, ...], ``by_size`` float64[n_players + 1].
    """
    n = len(alone)
    others = alone.sum(axis=0) - alone
    share = np.arange(n) / max(n - 1, 1)
    own: DoubleArray = alone * by_size[1:].mean() + others * np.mean(share * np.diff(by_size))
    return own


def adjust(rounds: DoubleArray, variates: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Means and standard errors float64[n_players, n_out] of samples, with the noise taken off.

    ``rounds`` float64[n_rounds, n_players, n_out] are values from one round each, ``variates``
    float64[n_rounds, n_players, n_games, n_out] the simple games' values in the same round less
    their known values. Each output's slopes are those of one ridge regression over all players and
    rounds. A player's variance is pooled a little with the others', since few rounds tell it badly;
    and as few rounds hold less than 95 % of values within two standard errors, these are widened
    by Student's t over the normal quantile, and by ``STOPPED`` (``benchmarks/stated_error.py``).
    """
    n, players, games, outputs = variates.shape
    centred = (
        (variates - variates.mean(0)).transpose(3, 0, 1, 2).reshape(outputs, n * players, games)
    )
    scale = centred.std(1, keepdims=True) + 1e-12  # [n_out, 1, n_games]
    x = centred / scale
    y = np.moveaxis(rounds - rounds.mean(0), 2, 0).reshape(outputs, n * players, 1)
    gram = x.transpose(0, 2, 1) @ x + RIDGE * x.shape[1] * np.eye(games)
    slopes = np.linalg.solve(gram, x.transpose(0, 2, 1) @ y)[..., 0] / scale[:, 0]
    adjusted = rounds - np.einsum("rpgo,og->rpo", variates, slopes)
    own = adjusted.var(0, ddof=1)
    pooled = (own * (n - 1) + own.mean(0) * SHARED_ROUNDS) / (n - 1 + SHARED_ROUNDS)
    freedom = max(1 - games / ((n - 1) * players), 0.1)
    wider = STOPPED * stdtrit(n - 1, TWO_SIDED) / ndtri(TWO_SIDED)
    return adjusted.mean(0), wider * np.sqrt(pooled / n / freedom)

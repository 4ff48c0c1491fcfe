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

from core.arrays import DoubleArray
from core.explain.game import Masks

DECAYS = (0.0, 0.6, 0.9)
RIDGE = 1e-2
SHARED_ROUNDS = 2
"""Rounds' weight of the players' mean variance in the variance of each."""
Sizes = DoubleArray
SIZES: tuple[Callable[[Sizes], Any], ...] = (
    lambda k: 1 / (1 + k),
    lambda k: np.exp(-k / 3),
    lambda k: 1 / np.sqrt(1 + k),
    lambda k: (k == 0) * 1.0,
)


def values_of(masks: Masks, alone: DoubleArray) -> DoubleArray:
    """The simple games' values of coalitions bool[n, n_players], float64[n, n_games].

    ``alone`` float64[n_players] is what each player brings when there is no other.
    """
    weighed = masks * alone
    size = masks.sum(1)
    later: Sizes = np.cumsum(masks[:, ::-1], 1)[:, ::-1].astype(np.float64) - masks
    sized = [h(size.astype(np.float64)) for h in SIZES]
    games = [(weighed * np.power(decay, later)).sum(1) for decay in DECAYS]
    games += [weighed.sum(1) * h for h in sized]
    return np.stack([*games, *sized], 1)


def known_values(alone: DoubleArray) -> DoubleArray:
    """Shapley values of the simple games, float64[n_players, n_games]."""
    n = len(alone)
    sizes = np.arange(n + 1.0)
    columns = [_decayed(alone, decay) for decay in DECAYS]
    columns += [sized(alone, h(sizes)) for h in SIZES]
    columns += [np.full(n, (h(sizes)[-1] - h(sizes)[0]) / n) for h in SIZES]
    return np.stack(columns, 1)


def _decayed(alone: DoubleArray, decay: float) -> DoubleArray:
    """Shapley values of "each player counts ``decay`` to the number of later ones present"."""
    n = len(alone)
    values = np.zeros(n)
    for player in range(n):
        later = n - 1 - player
        before = np.arange(later + 1.0)  # later ones that came first: each number equally likely
        values[player] += alone[player] * np.mean(np.power(decay, before))
        if later:
            loss = before[1:] / later * (1 - decay) * np.power(decay, before[1:] - 1)
            values[player + 1 :] -= alone[player] * loss.sum() / (later + 1)
    return values


def sized(alone: DoubleArray, by_size: DoubleArray) -> DoubleArray:
    """Shapley values of "the sum of those present times a function of how many there are"."""
    n = len(alone)
    others = alone.sum() - alone
    share = np.arange(n) / max(n - 1, 1)
    own: DoubleArray = alone * by_size[1:].mean() + others * np.mean(share * np.diff(by_size))
    return own


def adjust(rounds: DoubleArray, variates: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Means and standard errors float64[n_players] of sampled values, with the noise taken off.

    ``rounds`` float64[n_rounds, n_players] are values from one round each, ``variates``
    float64[n_rounds, n_players, n_games] the simple games' values in the same round less their
    known values. The slopes are those of one ridge regression over all players and rounds. A
    player's variance is pooled a little with the others', since few rounds tell it badly.
    """
    n, players, games = variates.shape
    centred = (variates - variates.mean(0)).reshape(-1, games)
    scale = centred.std(0) + 1e-12
    x, y = centred / scale, (rounds - rounds.mean(0)).ravel()
    gram = x.T @ x + RIDGE * len(x) * np.eye(games)
    adjusted = rounds - variates @ (np.linalg.solve(gram, x.T @ y) / scale)
    own = adjusted.var(0, ddof=1)
    pooled = (own * (n - 1) + own.mean() * SHARED_ROUNDS) / (n - 1 + SHARED_ROUNDS)
    freedom = max(1 - games / ((n - 1) * players), 0.1)
    return adjusted.mean(0), np.sqrt(pooled / n / freedom)

"""Control variates: their known values are right, and they take noise off without moving values."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.explain.game import EventGame, Goal, explain_events
from core.shapley.variates import adjust, known_values, values_of
from tests.core.explain.conftest import Toy, history_of


@settings(max_examples=10, deadline=None)
@given(n=st.integers(1, 5), seed=st.integers(0, 1000))
def test_known_values_are_the_means_over_all_orders(n: int, seed: int) -> None:
    alone = np.random.default_rng(seed).normal(size=(n, 2))
    total = np.zeros(known_values(alone).shape)
    orders = list(permutations(range(n)))
    for order in orders:
        masks = np.array([[p in order[:k] for p in range(n)] for k in range(n + 1)])
        total[list(order)] += np.diff(values_of(masks, alone), axis=0)
    np.testing.assert_allclose(total / len(orders), known_values(alone), atol=1e-12)


def test_noise_that_the_variates_share_is_taken_off() -> None:
    random = np.random.default_rng(0)
    truth, variates = random.normal(size=(30, 2)), random.normal(size=(8, 30, 3, 2))
    slopes = np.array([[1.0, -2.0, 0.5], [0.3, 1.0, 0.0]])
    noise = 0.01 * random.normal(size=(8, 30, 2))
    rounds = truth + np.einsum("rpgo,og->rpo", variates, slopes) + noise
    values, errors = adjust(rounds, variates)
    assert np.abs(values - truth).max() < 0.1
    assert errors.max() < 0.1 < rounds.std(0).min() / np.sqrt(8)
    assert values.shape == errors.shape == (30, 2)


@pytest.mark.parametrize("n", [8, 10])
def test_fewer_rounds_reach_the_same_error_and_the_exact_values(n: int) -> None:
    game = EventGame(Toy(), history_of(n, 4), Goal(4))
    exact = explain_events(game).values
    sampled = explain_events(game, exact_up_to=0, enough=0.03)
    assert (np.abs(sampled.values - exact) <= 5 * sampled.stderr + 1e-3).all()
    assert abs(sampled.residual) < 0.2 * abs(sampled.whole - sampled.base)

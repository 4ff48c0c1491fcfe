"""Shapley values: equal to their definition and to shap's, honest about their error."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain import History, Stopped
from core.explain.game import EventGame, Goal, explain_events
from core.shapley.engine import shapley_values, values_by_shap, values_of_seeds
from core.shapley.game import players_of
from tests.core.explain.conftest import Toy, history_of

ITEM = 4


def game_of(history: History, against: int | None = None) -> EventGame:
    return EventGame(Toy(), history, Goal(ITEM, against))


def enumerated(history: History, goal: Goal) -> np.ndarray:
    """The definition, coalition by coalition, asking the recommender itself."""
    n, toy = len(history), Toy()

    def worth(steps: tuple[int, ...]) -> float:
        return float(goal.of(toy.log_probabilities([history.keeping(steps)]))[0])

    known = {
        steps: worth(steps)
        for size in range(n + 1)
        for steps in combinations(range(1, n + 1), size)
    }
    values = np.zeros(n)
    for step in range(1, n + 1):
        for steps, value in known.items():
            if step not in steps:
                weight = factorial(len(steps)) * factorial(n - len(steps) - 1) / factorial(n)
                values[step - 1] += weight * (known[tuple(sorted((*steps, step)))] - value)
    return values


@settings(max_examples=8, deadline=None)
@given(n=st.integers(1, 7), seed=st.integers(0, 1000), against=st.sampled_from([None, 9]))
def test_exact_values_are_those_of_the_definition(n: int, seed: int, against: int | None) -> None:
    history = history_of(n, seed)
    found = explain_events(game_of(history, against))
    np.testing.assert_allclose(
        found.values, enumerated(history, Goal(ITEM, against)), atol=1e-5, rtol=0
    )
    assert found.exact and not found.stderr.any()


def table_game(players: int, outputs: int) -> Callable[[np.ndarray], np.ndarray]:
    """A random number for every coalition and output."""
    table = np.random.default_rng([players, outputs]).normal(size=(2**players, outputs))
    return lambda masks: table[masks @ (1 << np.arange(players))]


@pytest.mark.parametrize(("players", "outputs"), [(1, 1), (1, 3), (2, 2), (5, 1), (8, 4)])
def test_exact_values_are_those_of_shaps_own_explainer(players: int, outputs: int) -> None:
    worth = table_game(players, outputs)
    found = shapley_values(worth, players)
    by_shap = values_by_shap("Exact", worth, players).reshape(players, outputs)
    np.testing.assert_allclose(found.values, by_shap, atol=1e-9, rtol=0)
    np.testing.assert_allclose(found.residual, 0, atol=1e-9)


def test_events_are_worth_what_shap_says() -> None:
    game = game_of(history_of(7, 3))
    by_shap = values_by_shap("Exact", game.values, 7)
    np.testing.assert_allclose(explain_events(game).values, by_shap, atol=1e-9, rtol=0)


def test_sampled_values_agree_with_shaps_permutations() -> None:
    game = game_of(history_of(14, 2))
    ours = explain_events(game, enough=0.02)
    by_shap = values_by_shap("Permutation", game.values, 14, max_evals=200 * (2 * 14 + 1))
    assert not ours.exact
    assert (np.abs(ours.values - by_shap) <= 6 * ours.stderr + 0.01).all()


@pytest.mark.parametrize(("players", "outputs"), [(2, 1), (6, 3)])
def test_sampled_outputs_are_each_near_their_exact_values(players: int, outputs: int) -> None:
    worth = table_game(players, outputs)
    exact = shapley_values(worth, players)
    sampled = shapley_values(worth, players, exact_up_to=0, seconds=2.0)
    assert sampled.rounds > 0
    assert (np.abs(sampled.values - exact.values) <= 5 * sampled.stderr + 1e-9).all()
    hurried = shapley_values(worth, players, exact_up_to=0, seconds=0)
    assert hurried.rounds == 2


@pytest.mark.parametrize("n", [0, 1, 9, 14, 75])
def test_base_and_values_add_up_to_the_score(n: int) -> None:
    history = history_of(n)
    found = explain_events(game_of(history), seconds=0.2)
    assert found.whole == pytest.approx(Toy().log_probabilities([history])[0, ITEM], abs=1e-6)
    assert found.base == pytest.approx(Toy().log_probabilities([History("u", ())])[0, ITEM])
    assert abs(found.residual) < 1e-6


def test_sampled_values_are_near_the_exact_ones_as_their_error_says() -> None:
    game = game_of(history_of(9, 2))
    exact = explain_events(game)
    sampled = explain_events(game, exact_up_to=0, enough=0.03)
    assert not sampled.exact and 0 < sampled.error <= 0.03
    assert (np.abs(sampled.values - exact.values) <= 5 * sampled.stderr + 1e-6).all()


def test_a_sure_sample_has_all_its_values_within_what_it_states() -> None:
    game = game_of(history_of(13, 2))
    exact = explain_events(game, exact_up_to=13)
    size = max(abs(exact.whole - exact.base), 0.05)
    for seed in range(10):
        sampled = explain_events(game, seed=seed, seconds=np.inf, sure=True)
        assert 0 < sampled.bound <= 0.05 and sampled.bound > sampled.error
        assert np.abs(sampled.values - exact.values).max() <= sampled.bound * size * 1.2


def test_a_bound_that_costs_more_than_all_coalitions_is_exact() -> None:
    sampled = explain_events(game_of(history_of(8)), sure=True, exact_up_to=0, enough=1e-9)
    assert sampled.exact and sampled.bound == 0


def test_the_same_seed_gives_the_same_values() -> None:
    first, second, other = (
        explain_events(game_of(history_of(20)), seed=seed, enough=0.1) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.values, second.values)
    assert not np.array_equal(first.values, other.values)


def test_seeds_that_ask_together_find_what_each_finds_alone() -> None:
    asked: list[int] = []

    def worth(masks: np.ndarray) -> np.ndarray:
        asked.append(len(masks))
        held = masks * (1.0 + np.arange(12) % 5)
        return held.sum(1, keepdims=True) % 7

    seeds = [3, 1, 8]
    alone = [shapley_values(worth, 12, seed=seed, seconds=np.inf, enough=0.1) for seed in seeds]
    of_each, asked[:] = len(asked), []
    together = values_of_seeds(worth, 12, seeds, seconds=np.inf, enough=0.1)
    assert [found.rounds for found in together] == [found.rounds for found in alone]
    assert min(found.rounds for found in alone) > 6 and len(asked) < of_each
    for one, other in zip(together, alone, strict=True):
        assert np.array_equal(one.values, other.values)
        assert np.array_equal(one.stderr, other.stderr)


def test_what_several_seeds_ask_alike_is_answered_once() -> None:
    asked: list[np.ndarray] = []

    def worth(masks: np.ndarray) -> np.ndarray:
        asked.append(masks)
        return (masks * np.arange(12)).sum(1, keepdims=True) % 7.0

    values_of_seeds(worth, 12, [1, 2, 3], seconds=np.inf, enough=0.5)
    nobody_and_all, each_alone = asked[:2]
    assert nobody_and_all.sum(1).tolist() == [0, 12]
    assert np.array_equal(each_alone, np.eye(12))


def test_an_event_that_changes_nothing_is_worth_nothing() -> None:
    from dataclasses import replace

    history = history_of(6)
    blank = replace(history.events[0], item_id="", rating=None, text=None, timed=False)
    events = (blank, *history.events[1:])
    found = explain_events(game_of(History("u", events)))
    assert found.values[0] == pytest.approx(0, abs=1e-6)


def test_the_clock_and_the_excluded_items_stay_when_events_go() -> None:
    history = history_of(6)
    game = game_of(history)
    kept = game.keeping(np.array([True, False, False, False, False, False]))
    assert kept.at == history.at
    assert kept.excluded_items() == history.excluded_items()


def test_long_histories_are_grouped_but_keep_every_step_once() -> None:
    for n in (0, 1, 60, 61, 500, 2000):
        players = players_of(n)
        assert [step for player in players for step in player] == list(range(1, n + 1))
        assert len(players) <= 60
    assert all(len(player) == 1 for player in players_of(2000)[-40:])


def test_a_stop_ends_the_work() -> None:
    game = EventGame(Toy(), history_of(30), Goal(ITEM), stop=lambda: True)
    with pytest.raises(Stopped):
        explain_events(game)

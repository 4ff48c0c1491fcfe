from __future__ import annotations

import numpy as np
import pytest

from core.measure.metrics import bootstrap, compare_paired


def names(n: int) -> list[str]:
    return [f"u{i}" for i in range(n)]


def test_the_interval_is_that_of_the_normal_approximation_for_many_users() -> None:
    values = np.random.default_rng(1).normal(0.5, 0.2, 4000)
    found = bootstrap(values, names(4000))
    half = 1.96 * values.std() / np.sqrt(4000)
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=half / 5)
    assert found.high == pytest.approx(values.mean() + half, abs=half / 5)


def test_many_cases_of_one_user_are_not_many_users() -> None:
    values = np.repeat(np.random.default_rng(1).random(100), 9)
    alone = bootstrap(values, names(900))
    clustered = bootstrap(values, [f"u{i // 9}" for i in range(900)])
    assert clustered.high - clustered.low > 2 * (alone.high - alone.low)


def test_the_same_input_gives_the_same_interval() -> None:
    values = np.random.default_rng(2).random(50)
    assert bootstrap(values, names(50)) == bootstrap(values, names(50))


def test_pairing_sees_what_two_intervals_hide() -> None:
    rng = np.random.default_rng(3)
    user = rng.random(300)
    first, second = user + 0.02 + 0.01 * rng.random(300), user
    apart = [bootstrap(values, names(300)) for values in (first, second)]
    assert apart[0].low < apart[1].high
    paired = compare_paired(first, second, names(300))
    assert paired.decided
    assert paired.difference.low > 0.015
    assert paired.ratio.low > 1.0
    assert paired.ratio.mean == pytest.approx(first.mean() / second.mean())


def test_a_recommender_against_itself_is_undecided() -> None:
    values = np.random.default_rng(4).random(40)
    paired = compare_paired(values, values, names(40))
    assert (paired.difference.mean, paired.difference.low, paired.difference.high) == (0, 0, 0)
    assert (paired.ratio.low, paired.ratio.high) == (1, 1)
    assert not paired.decided


def test_a_rival_that_never_scores_gives_no_number_but_no_error() -> None:
    paired = compare_paired(np.array([0.0, 1.0, 1.0]), np.zeros(3), names(3))
    assert np.isinf(paired.ratio.mean)
    nothing = compare_paired(np.zeros(3), np.zeros(3), names(3))
    assert np.isnan(nothing.ratio.mean)
    assert not nothing.decided


def test_no_cases_give_nan() -> None:
    assert np.isnan(bootstrap(np.empty(0), []).mean)
    assert np.isnan(compare_paired(np.empty(0), np.empty(0), []).difference.low)

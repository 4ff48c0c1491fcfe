"""The segmentation against enumeration, and against ruptures."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from core.turns.segments import (
    MOST_BOUNDARIES,
    SHORTEST,
    best_single_gains,
    boundaries_of,
    costs_of,
    gains_of,
    segment,
)


def signals(n: int, count: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    values = random.normal(size=(count, n, 3))
    values[:, n // 3 :] += random.normal(size=(count, 1, 3))
    values[:, 2 * n // 3 :] += random.normal(size=(count, 1, 3))
    return values


def cost_by_definition(values: np.ndarray, changes: tuple[int, ...]) -> float:
    ends = [0, *changes, len(values)]
    parts = (values[a:b] for a, b in pairwise(ends))
    return float(sum(((part - part.mean(0)) ** 2).sum() for part in parts))


@pytest.mark.parametrize("seed", range(6))
def test_the_best_of_all_segmentations_is_found(seed: int) -> None:
    values, penalty = signals(12, 1, seed)[0], 2.0
    boundaries = boundaries_of(12)
    costs = costs_of(values, boundaries)
    possible = [
        cut
        for k in range(4)
        for cut in combinations(range(SHORTEST, 12 - SHORTEST + 1), k)
        if all(b - a >= SHORTEST for a, b in pairwise(cut))
    ]
    worth = {cut: cost_by_definition(values, cut) + penalty * len(cut) for cut in possible}
    found = tuple(int(boundaries[at]) for at in segment(costs, boundaries, penalty))
    assert worth[found] == pytest.approx(min(worth.values()))
    gains = gains_of(costs, segment(costs, boundaries, penalty))
    for at, gain in enumerate(gains):
        without = found[:at] + found[at + 1 :]
        expected = cost_by_definition(values, without) - cost_by_definition(values, found)
        assert gain == pytest.approx(expected)


def test_ruptures_finds_the_same_changes() -> None:
    ruptures = pytest.importorskip("ruptures")
    for n, penalty in ((20, 3.0), (60, 6.0), (150, 8.0)):
        for values in signals(n, 4, n):
            boundaries = boundaries_of(n)
            own = segment(costs_of(values, boundaries), boundaries, penalty)
            model = ruptures.KernelCPD(kernel="linear", min_size=SHORTEST).fit(values)
            assert own == [int(at) for at in model.predict(pen=penalty)[:-1]]


def test_single_gains_are_those_of_the_best_cut() -> None:
    values = signals(15, 7, 1)
    boundaries = boundaries_of(15)
    gains = best_single_gains(values, boundaries)
    for each, gain in zip(values, gains, strict=True):
        cuts = range(SHORTEST, 15 - SHORTEST + 1)
        best = min(cost_by_definition(each, (cut,)) for cut in cuts)
        assert gain == pytest.approx(cost_by_definition(each, ()) - best)


def test_a_short_signal_has_no_change_and_a_long_one_few_boundaries() -> None:
    values = signals(4, 2, 0)
    boundaries = boundaries_of(4)
    assert best_single_gains(values, boundaries).tolist() == [0, 0]
    assert segment(costs_of(values[0], boundaries), boundaries, 0.0) == []
    many = boundaries_of(5_000)
    assert len(many) <= MOST_BOUNDARIES + 1 and many[0] == 0 and many[-1] == 5_000

"""The map: placing, saving, and saying where it misleads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.interest_map.projection import InterestMap, _neighbours, fit_map, unit


@pytest.fixture(scope="module")
def clusters() -> tuple[np.ndarray, np.ndarray]:
    """Three bundles of directions, and which bundle each is of."""
    rng = np.random.default_rng(0)
    centres = np.eye(12)[:3]
    bundle = np.repeat(np.arange(3), 60)
    return (centres[bundle] + rng.normal(scale=0.05, size=(180, 12))).astype(np.float32), bundle


def _told(topics: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda states: topics.astype(np.int16)


@pytest.fixture(scope="module")
def drawn(clusters: tuple[np.ndarray, np.ndarray]) -> InterestMap:
    vectors, bundle = clusters
    steps = np.arange(1, 180)
    return fit_map(vectors, steps, _told(bundle), vectors[::10], seed=0)


def test_bundles_stay_apart_and_late_comers_join_theirs(
    drawn: InterestMap, clusters: tuple[np.ndarray, np.ndarray]
) -> None:
    _, bundle = clusters
    centres = np.stack([drawn.states[bundle == k].mean(0) for k in range(3)])
    late = np.eye(12, dtype=np.float32)[:3] * 7.0  # length must not matter
    placed = drawn.place(late)
    nearest = np.linalg.norm(placed[:, None] - centres[None], axis=2).argmin(1)
    assert nearest.tolist() == [0, 1, 2]
    assert drawn.trustworthiness > 0.9


def test_the_same_seed_draws_the_same_map(clusters: tuple[np.ndarray, np.ndarray]) -> None:
    vectors, bundle = clusters
    one, two = (
        fit_map(vectors, np.arange(1, 180), _told(bundle), vectors[:5], seed=3) for _ in range(2)
    )
    assert np.array_equal(one.states, two.states)


def test_a_step_that_looks_long_but_is_short_misleads(drawn: InterestMap) -> None:
    longest, shortest = drawn.flat_steps[-1], drawn.flat_steps[0]
    positions = np.array([[0, 0], [longest, 0], [longest + shortest, 0]], np.float32)
    sizes = np.array([np.nan, drawn.real_steps[0], drawn.real_steps[0]], np.float32)
    assert drawn.misleading(positions, sizes).tolist() == [False, True, False]


def test_saved_and_read_again(drawn: InterestMap, tmp_path: Path) -> None:
    drawn.save(tmp_path / "map.safetensors")
    again = InterestMap.load(tmp_path / "map.safetensors")
    vectors = np.random.default_rng(1).normal(size=(9, 12)).astype(np.float32)
    assert np.array_equal(again.place(vectors), drawn.place(vectors))
    assert again.trustworthiness == pytest.approx(drawn.trustworthiness, abs=1e-6)


def test_a_handful_of_states_needs_no_umap() -> None:
    vectors = np.eye(4, dtype=np.float32)
    small = fit_map(vectors, np.array([1]), _told(np.zeros(4)), vectors, seed=0)
    assert np.isfinite(small.place(vectors)).all()


def test_unit_keeps_zeros() -> None:
    assert unit(np.zeros((1, 3), np.float32)).tolist() == [[0, 0, 0]]


def test_neighbours_are_exact_and_begin_with_oneself() -> None:
    rng = np.random.default_rng(5)
    vectors = unit(rng.normal(size=(1_300, 7)).astype(np.float32))
    vectors[40] = vectors[900]
    rows, distances = _neighbours(vectors, 6)
    assert np.array_equal(rows[:, 0], np.arange(1_300))
    real = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    assert distances[:, 1:] == pytest.approx(np.sort(real, axis=1)[:, 1:6], abs=2e-3)
    assert rows[40, 1] == 900 and distances[40, 1] < 1e-3

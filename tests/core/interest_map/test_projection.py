"""The map: placing, saving, and saying where it misleads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.domain import Stopped
from core.files import load_arrays
from core.interest_map.kept import overlay
from core.interest_map.placing import BALANCE, MEAN, MEDIAN, place
from core.interest_map.projection import (
    FITTING,
    InterestMap,
    _neighbours,
    fit_map,
    refit_positions,
    unit,
)
from core.progress import Progress


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


def test_another_seed_tells_its_epochs_and_stops(
    drawn: InterestMap, clusters: tuple[np.ndarray, np.ndarray]
) -> None:
    told: list[Progress] = []
    positions = refit_positions(drawn, clusters[0], 5, told.append)
    assert positions.shape == drawn.anchor_positions.shape
    assert {each.stage for each in told} == {FITTING} and told[-1].done == told[-1].total
    laid = overlay(drawn, positions, 5)
    assert laid.shared.mean() > 4 * laid.chance
    with pytest.raises(Stopped):
        refit_positions(drawn, clusters[0], 5, stop=lambda: True)


def test_a_map_has_a_push_if_it_places_by_it(drawn: InterestMap) -> None:
    sizes = (len(drawn.items), drawn.anchors.shape[1], 3)
    drawn.check(*sizes)
    replace(drawn, placing=MEDIAN, push=None).check(*sizes)
    assert drawn.push is not None
    few = {"anchors": drawn.anchors[:9], "anchor_positions": drawn.anchor_positions[:9]}
    for wrong in (
        {"push": None},
        {"placing": MEDIAN},
        {"placing": "x" * 50},
        {"push": drawn.push[1:]},
        {"push": drawn.push * np.float32(np.nan)},
        few,
    ):
        with pytest.raises(ValueError):
            replace(drawn, **wrong).check(*sizes)


def test_a_state_between_two_places_ends_in_one_and_old_maps_keep_theirs(
    drawn: InterestMap, tmp_path: Path
) -> None:
    turn = np.linspace(0, 6.28, 25, endpoint=False)
    ring = np.stack([np.full(25, 0.995), 0.1 * np.cos(turn), 0.1 * np.sin(turn)], axis=1)
    positions = np.where(np.arange(25)[:, None] % 3 == 0, [[9.0, 0.0]], 0.0).astype(np.float32)
    middle = np.array([[1, 0, 0]], np.float32)
    x = {how: place(middle, unit(ring), positions, how)[0, 0] for how in (MEAN, MEDIAN)}
    assert x[MEDIAN] < 1 < x[MEAN]
    for placing in (MEAN, MEDIAN):
        replace(drawn, placing=placing, push=None).save(tmp_path / placing)
        assert InterestMap.load(tmp_path / placing).placing == placing
    first = (tmp_path / MEDIAN).read_bytes()
    for _ in range(5):  # a header of two entries is written in an order that changes
        replace(drawn, placing=MEDIAN, push=None).save(tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == first
    assert drawn.placing == BALANCE
    assert "placing" not in load_arrays(tmp_path / MEAN)[1]

"""Placing by balance: each state alone, near states near, where pulls and pushes are even."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.interest_map.placing import (
    BALANCE,
    MIN_DIST,
    PUSH_GRID,
    A,
    B,
    _between,
    _membership,
    _nearest,
    mean_push,
    place,
)
from core.interest_map.projection import unit

DIM, ANCHORS = 24, 700
_rng = np.random.default_rng(0)
_anchors = unit(_rng.normal(size=(ANCHORS, DIM)).astype(np.float32))
_anchors[40:60] = _anchors[40]  # more equals than neighbours are looked at beyond
_positions = (_anchors[:, :2] * 12).astype(np.float32)
_push = mean_push(_positions, _positions)
_late = unit(_rng.normal(size=(300, DIM)).astype(np.float32))
_late[:20] = unit(_anchors[40:60] + 0.02 * _late[:20])
_placed = place(_late, _anchors, _positions, BALANCE, _push)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(_late) - 1), min_size=1, max_size=200))
def test_a_place_does_not_depend_on_what_is_placed_along(rows: list[int]) -> None:
    together = place(_late[rows], _anchors, _positions, BALANCE, _push)
    assert together.tobytes() == _placed[rows].tobytes()


def test_the_seventh_digit_moves_nothing_visible() -> None:
    noise = np.random.default_rng(1).normal(scale=3e-7, size=_late.shape).astype(np.float32)
    moved = place(unit(_late * (1 + noise)), _anchors, _positions, BALANCE, _push) - _placed
    width = np.ptp(_positions, axis=0).max()
    assert np.quantile(np.linalg.norm(moved, axis=1), 0.95) < 1e-4 * width
    assert np.isfinite(_placed).all()


def test_a_fitted_state_is_at_its_own_place() -> None:
    alone = np.r_[0:40, 60:ANCHORS]
    own = place(_anchors[alone], _anchors, _positions, BALANCE, _push)
    assert own == pytest.approx(_positions[alone], abs=1e-3)
    rounded = _anchors[alone].astype(np.float16).astype(np.float32)
    assert place(rounded, _anchors, _positions, BALANCE, _push) == pytest.approx(own, abs=0.01)


def test_pulls_and_pushes_are_even_where_a_state_ends() -> None:
    new = _late[20:]  # those before are anchors, nearly
    placed = _placed[20:]
    near, distances = _nearest(new, _anchors, 25)
    member = _membership(distances).astype(np.float64)
    apart = _positions[near] - placed[:, None]
    squares = (apart**2).sum(2) + 1e-6
    strength = member * 2 * A * B * squares ** (B - 1) / (1 + A * squares**B)
    pull = (strength[..., None] * apart).sum(1)
    low = _positions.min(0) - 1
    cell = (np.ptp(_positions, axis=0) + 2) / (PUSH_GRID - 1)
    at = (placed - low) / cell
    push = 5 * member.sum(1)[:, None] * _between(at[:, 0], at[:, 1], _push)
    left = np.linalg.norm(pull + push, axis=1) / strength.sum(1)
    assert np.median(left) < 0.01 and np.quantile(left, 0.9) < 0.2


def test_neighbours_but_the_nearest_count_as_log2_of_them() -> None:
    _, distances = _nearest(_late[20:], _anchors, 25)
    member = _membership(distances)
    assert member[:, 1:].sum(1) == pytest.approx(np.full(280, np.log2(25)), abs=1e-3)
    assert (np.diff(member, axis=1) <= 0).all()
    same = _membership(np.zeros((1, 25), np.float32))
    assert np.isfinite(same).all()


def test_mean_push_is_that_of_all_states() -> None:
    low, high = _positions.min(0) - 1, _positions.max(0) + 1
    for column, row in ((0, 0), (10, 50), (63, 31)):
        at = low + (high - low) * np.array([column, row]) / (PUSH_GRID - 1)
        away = at - _positions.astype(np.float64)
        squares = (away**2).sum(1, keepdims=True)
        each = np.clip(2 * B / ((0.001 + squares) * (1 + A * squares**B)) * away, -4, 4)
        assert _push[column, row] == pytest.approx(each.mean(0), abs=1e-4)


def test_beyond_the_grid_the_push_is_that_of_its_edge() -> None:
    grid = np.arange(PUSH_GRID**2 * 2, dtype=np.float32).reshape(PUSH_GRID, PUSH_GRID, 2)
    at = np.array([-5.0, 2.5, 99.0], np.float32)
    assert _between(at, at, grid)[0].tolist() == grid[0, 0].tolist()
    assert _between(at, at, grid)[2].tolist() == grid[-1, -1].tolist()
    assert _between(at, at, grid)[1] == pytest.approx(grid[2:4, 2:4].mean((0, 1)))


def test_the_curve_is_umaps() -> None:
    umap = pytest.importorskip("umap.umap_")
    assert umap.find_ab_params(1.0, MIN_DIST) == pytest.approx((A, B), abs=1e-4)


def test_balance_needs_the_push() -> None:
    with pytest.raises(ValueError):
        place(_late, _anchors, _positions, BALANCE)

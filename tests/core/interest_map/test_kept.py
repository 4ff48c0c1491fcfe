"""Trust in places of a map: scikit-learn's figures point by point, a second map laid over it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from core.engine import Engine
from core.interest_map.kept import at_places, kept_neighbours, kept_of, overlay


def test_the_mean_over_points_is_scikit_learns() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(150, 8)).astype(np.float32)
    positions = (vectors[:, :2] + rng.normal(scale=0.3, size=(150, 2))).astype(np.float32)
    kept = kept_neighbours(vectors, positions, 12)
    wanted = trustworthiness(vectors, positions, n_neighbors=12, metric="cosine")
    assert kept.trust.mean() == pytest.approx(wanted, abs=1e-5)
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    wanted = trustworthiness(positions, directions, n_neighbors=12)
    assert kept.continuity.mean() == pytest.approx(wanted, abs=1e-5)
    assert kept.trust.std() > 0.01


def test_the_same_map_turned_and_scaled_lies_on_itself(demo_engine: Engine) -> None:
    whole = demo_engine.map
    few = replace(whole, anchors=whole.anchors[:400], anchor_positions=whole.anchor_positions[:400])
    turn = np.array([[0.0, -3.0], [-3.0, 0.0]], np.float32)
    laid = overlay(few, few.anchor_positions @ turn + 50, 1)
    assert np.abs(laid.positions - few.anchor_positions).max() < 1e-3
    assert laid.shared.mean() > 0.99
    shuffled = np.random.default_rng(1).permutation(few.anchor_positions)
    other = overlay(few, shuffled, 1)
    assert other.shared.mean() == pytest.approx(other.chance, abs=0.02)
    trust = kept_of(few).trust
    assert 0.5 < trust.mean() <= 1
    around = at_places(few, trust, few.anchor_positions[:5])
    assert np.all((trust.min() <= around) & (around <= trust.max()))

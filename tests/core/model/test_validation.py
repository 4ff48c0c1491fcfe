"""Constants for unmet items and for a history's own, and the ranks under them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.model.validation import Judged, _ranks, _repeat_offset
from core.ranking import ExcludedItems, target_ranks


def test_ranks_of_every_offset_are_those_of_the_moved_scores() -> None:
    rng = np.random.default_rng(0)
    scores = np.round(rng.normal(size=(60, 25)), 1).astype(np.float32)  # with ties
    cold = np.array([2, 3, 11, 24])
    pairs = np.unique(rng.integers([0, 0], [60, 25], size=(200, 2)), axis=0)
    excluded = ExcludedItems(pairs[:, 0], pairs[:, 1])
    nothing = ExcludedItems(pairs[:0, 0], pairs[:0, 1])
    part = Judged([], rng.integers(25, size=60), excluded, nothing)
    offsets = (-2.0, 0.0, 1.5)
    found = _ranks(torch.from_numpy(scores), part, torch.from_numpy(cold), offsets)
    for offset, ranks in zip(offsets, found, strict=True):
        moved = scores.copy()
        moved[:, cold] += np.float32(offset)
        np.testing.assert_array_equal(ranks, target_ranks(moved, part.targets, excluded))


@pytest.mark.parametrize("repeats", [0, 30, 290])
def test_repeats_become_as_likely_as_they_are(repeats: int) -> None:
    rng = np.random.default_rng(0)
    scores = torch.from_numpy(rng.normal(size=(300, 25)).astype(np.float32))
    rows = np.repeat(np.arange(300), 3)
    own = ExcludedItems(rows, (rows + np.tile([0, 5, 9], 300)) % 25)
    again = np.arange(300) < repeats
    targets = (np.arange(300) + np.where(again, 5, 1)) % 25
    part = Judged([], targets, ExcludedItems(own.rows[:0], own.items[:0]), own)
    offset = _repeat_offset([part], lambda _: scores)
    scores[own.rows, own.items] += offset
    expected = scores.softmax(1)[own.rows, own.items].sum().item()
    assert expected == pytest.approx(repeats + 0.5, rel=0.02)
    assert (offset > 0) == (repeats == 290)

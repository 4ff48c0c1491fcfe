"""Ranks under several offsets are counted once, and are those of each offset alone."""

from __future__ import annotations

import numpy as np
import torch

from core.model.validation import Judged, _ranks
from core.ranking import ExcludedItems, target_ranks


def test_ranks_of_every_offset_are_those_of_the_moved_scores() -> None:
    rng = np.random.default_rng(0)
    scores = np.round(rng.normal(size=(60, 25)), 1).astype(np.float32)  # with ties
    cold = np.array([2, 3, 11, 24])
    pairs = np.unique(rng.integers([0, 0], [60, 25], size=(200, 2)), axis=0)
    excluded = ExcludedItems(pairs[:, 0], pairs[:, 1])
    part = Judged([], rng.integers(25, size=60), excluded)
    offsets = (-2.0, 0.0, 1.5)
    found = _ranks(torch.from_numpy(scores), part, torch.from_numpy(cold), offsets)
    for offset, ranks in zip(offsets, found, strict=True):
        moved = scores.copy()
        moved[:, cold] += np.float32(offset)
        np.testing.assert_array_equal(ranks, target_ranks(moved, part.targets, excluded))

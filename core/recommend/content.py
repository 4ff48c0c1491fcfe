"""Content: items whose texts lie near those of a history, by BERT vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.arrays import FloatArray
from core.recommend.histories import EncodedHistories, add_own
from core.recommend.training_data import TrainingData

WHITENING_SHRINKAGE = 1.0


@dataclass(frozen=True, eq=False)
class Content:
    """Sum of cosines to a history's items, each weighted by ``decay ** steps back``.

    ``vectors`` float32[n_items, d]: unit length, zeros for an item without text. An item's likeness
    to itself is left out.
    """

    vectors: FloatArray
    decay: float

    @classmethod
    def grid(cls, data: TrainingData) -> Iterator[tuple[dict[str, float], Content]]:
        """Whitening and decay; none without item text."""
        if data.item_vectors is None or not data.item_vectors.any():
            return
        for whiten in (False, True):
            vectors = centre(data.item_vectors, whiten)
            for decay in (0.3, 0.5, 0.7, 0.85):
                yield {"whiten": float(whiten), "decay": decay}, cls(vectors, decay)

    @cached_property
    def _length(self) -> FloatArray:
        return np.asarray(np.einsum("id,id->i", self.vectors, self.vectors))

    def scores(self, histories: EncodedHistories) -> FloatArray:
        """Weighted sums of cosines, float32[n, n_items]."""
        weights = histories.recency_weights(self.decay)
        alike: FloatArray = (weights @ self.vectors) @ self.vectors.T
        add_own(alike, weights, -self._length)
        return alike


def centre(vectors: FloatArray, whiten: bool) -> FloatArray:
    """Take the common part out of text vectors; float32[n, d] to unit rows, zeros stay zeros.

    BERT vectors share a large mean, which hides what tells two texts apart. Whitening also evens
    out the directions in which all texts vary (Su et al. 2021, arXiv 2103.15316), here with each
    variance raised by ``WHITENING_SHRINKAGE`` times the mean variance, as catalogues are small.
    """
    known = vectors.any(axis=1)
    centred = np.zeros_like(vectors)
    if not known.any():
        return centred
    centred[known] = vectors[known] - vectors[known].mean(axis=0)
    if whiten:
        variance, axes = np.linalg.eigh(np.cov(centred[known].T.astype(np.float64), bias=True))
        spread = np.maximum(variance, 0.0) + WHITENING_SHRINKAGE * max(variance.mean(), 1e-12)
        centred = (centred @ (axes / np.sqrt(spread))).astype(np.float32)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.where(length > 1e-9, length, 1.0), np.float32)

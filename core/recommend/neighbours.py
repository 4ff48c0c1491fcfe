"""Recommenders that follow co-occurrence: what came next, and what the same users had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import scipy.sparse as sp

from core.arrays import FloatArray
from core.recommend.histories import EncodedHistories, add_own
from core.recommend.training_data import TrainingData

TRANSITION_SMOOTHING = 5.0
"""Transitions from an item at which its shares count half."""


@dataclass(frozen=True, eq=False)
class Transitions:
    """Which items followed which: sequential rules (Ludewig & Jannach, UMUAI 2018).

    ``following`` float32[n_items, n_items], sparse: row a holds the smoothed shares of the items
    that came 1 to ``reach`` events after a, each pair weighted by 1 / distance. A history's items
    vote with ``decay ** steps back``; decay 0 with reach 1 is the plain last-item transition.
    """

    following: sp.csr_matrix
    decay: float

    @classmethod
    def grid(cls, data: TrainingData) -> Iterator[tuple[dict[str, float], Transitions]]:
        """Reach and decay."""
        for reach in (1, 3, 10, 30):
            following = cls.following_within(data, reach)
            for decay in (0.0, 0.5, 0.7, 0.85):
                yield {"reach": reach, "decay": decay}, cls(following, decay)

    @staticmethod
    def following_within(data: TrainingData, reach: int) -> sp.csr_matrix:
        """The matrix for one reach."""
        n = data.n_items
        counts = sp.csr_matrix((n, n), dtype=np.float32)
        for distance in range(1, reach + 1):
            same = data.user[distance:] == data.user[:-distance]
            if not same.any():
                break
            weight = np.full(int(same.sum()), 1.0 / distance, np.float32)
            pairs = (data.item[:-distance][same], data.item[distance:][same])
            counts = counts + sp.csr_matrix((weight, pairs), (n, n))
        total = np.asarray(counts.sum(axis=1)).ravel() + TRANSITION_SMOOTHING
        return sp.csr_matrix(sp.diags_array((1.0 / total).astype(np.float32)) @ counts)

    def scores(self, histories: EncodedHistories) -> FloatArray:
        """Sum of the votes, float32[n, n_items]."""
        votes: FloatArray = (histories.recency_weights(self.decay) @ self.following).toarray()
        return votes


@dataclass(frozen=True, eq=False)
class ItemNeighbours:
    """Item-kNN with all neighbours: cosine of the items' user sets (Sarwar et al., WWW 2001).

    ``shrinkage`` is added to each item's number of users, so that two rare items that met once
    don't count as alike; a history's items weigh ``decay ** steps back``. ``user_items`` is
    float32[n_users, n_items], sparse; the item-item matrix is never formed.
    """

    user_items: sp.csr_matrix
    shrinkage: float
    decay: float

    @classmethod
    def grid(cls, data: TrainingData) -> Iterator[tuple[dict[str, float], ItemNeighbours]]:
        """Shrinkage and decay."""
        for shrinkage, decay in product((0.0, 5.0, 20.0), (0.4, 0.7, 0.85, 1.0)):
            scorer = cls(data.user_items, shrinkage, decay)
            yield {"shrinkage": shrinkage, "decay": decay}, scorer

    @cached_property
    def _scaled(self) -> sp.csr_matrix:
        users = np.asarray(self.user_items.sum(axis=0)).ravel()
        weight = 1.0 / np.sqrt(np.maximum(users + self.shrinkage, 1.0))
        return sp.csr_matrix(self.user_items @ sp.diags_array(weight.astype(np.float32)))

    @cached_property
    def _by_item(self) -> sp.csr_matrix:
        return sp.csr_matrix(self._scaled.T)

    @cached_property
    def _length(self) -> FloatArray:
        return np.asarray(self._scaled.power(2).sum(axis=0), np.float32).ravel()

    def scores(self, histories: EncodedHistories) -> FloatArray:
        """Sum of weighted similarities, an item's to itself left out; float32[n, n_items]."""
        weights = histories.recency_weights(self.decay)
        alike: FloatArray = (weights @ self._by_item @ self._scaled).toarray()
        add_own(alike, weights, -self._length)
        return alike

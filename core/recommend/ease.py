"""EASE: a linear autoencoder in closed form (Steck, WWW 2019, arXiv 1905.03375).

With the Gram matrix G = X'X of the user-item matrix and P = (G + l I)^-1, the item weights are
B = I - P diag(1 / diag P). Where there are fewer users than items, Woodbury's identity
P = (I - X' (X X' + l I)^-1 X) / l gives exactly the same scores from a users-by-users inverse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from scipy.linalg import cho_factor, cho_solve

from core.arrays import DoubleArray, FloatArray
from core.recommend.histories import EncodedHistories, add_own
from core.recommend.training_data import TrainingData

MOST_ITEMS = 20_000
DENSE_SHARE = 0.1
"""Share of filled cells above which a dense product is faster than a sparse one."""


@dataclass(frozen=True, eq=False)
class Ease:
    """Scores are ``x - x left right`` with x a history's items weighted by ``decay ** steps back``.

    ``left`` is the sparse X' (few users) or the identity, float32[n_items, r]; ``right`` the dense
    rest, float32[r, n_items]; ``own`` float32[n_items] is what x itself contributes.
    """

    left: sp.csr_matrix
    right: FloatArray
    own: FloatArray
    decay: float

    @classmethod
    def grid(cls, data: TrainingData) -> Iterator[tuple[dict[str, float], Ease]]:
        """Regularisation and decay; none above ``MOST_ITEMS``."""
        if data.n_items > MOST_ITEMS:
            return
        for regularisation in (20.0, 50.0, 100.0, 200.0, 500.0):
            solved = cls.of(data, regularisation, 1.0)
            for decay in (0.7, 0.85, 0.95, 1.0):
                setting = {"regularisation": regularisation, "decay": decay}
                yield setting, replace(solved, decay=decay)

    @classmethod
    def of(cls, data: TrainingData, regularisation: float, decay: float) -> Ease:
        """Solve for one strength of regularisation."""
        x = data.user_items
        n_users, n_items = x.shape
        if n_users < n_items:
            inverse = _inverse(x @ x.T, regularisation)
            projected = np.ascontiguousarray((x.T @ inverse).T)
            diagonal = (
                1.0 - np.asarray(x.multiply(projected).sum(axis=0)).ravel()
            ) / regularisation
            scale = (diagonal * regularisation).astype(np.float32)
            right = np.ascontiguousarray(projected / scale, np.float32)
            return cls(sp.csr_matrix(x.T), right, 1.0 - 1.0 / scale, decay)
        inverse = _inverse(x.T @ x, regularisation)
        diagonal = inverse.diagonal().copy()
        weights = np.ascontiguousarray(-inverse / diagonal, np.float32)
        np.fill_diagonal(weights, 0.0)
        nothing = np.zeros(n_items, np.float32)
        return cls(sp.identity(n_items, np.float32, format="csr"), weights, nothing, decay)

    def scores(self, histories: EncodedHistories) -> FloatArray:
        """Predicted interaction of each item, float32[n, n_items]."""
        weights = histories.recency_weights(self.decay)
        reduced = weights @ self.left
        dense = reduced.nnz > DENSE_SHARE * reduced.shape[0] * reduced.shape[1]
        scores: FloatArray = (reduced.toarray() if dense else reduced) @ self.right
        add_own(scores, weights, self.own)
        return scores


def _inverse(gram: sp.csr_matrix, regularisation: float) -> DoubleArray:
    """(gram + regularisation I)^-1, float64[n, n]."""
    matrix = gram.toarray().astype(np.float64)
    matrix[np.diag_indices_from(matrix)] += regularisation
    return np.asarray(cho_solve(cho_factor(matrix, overwrite_a=True), np.eye(len(matrix))))

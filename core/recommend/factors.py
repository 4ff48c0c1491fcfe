"""iALS: matrix factorisation by alternating least squares (Hu, Koren & Volinsky, ICDM 2008).

In the form of Rendle et al., "Revisiting the Performance of iALS", RecSys 2022 (arXiv 2110.14037):
with item factors q and a user's factors x, the loss is

    sum over a user's items of (1 - x q)^2  +  unobserved * sum over all items of (x q)^2
        +  penalty * (number of the user's items + unobserved * n_items) * |x|^2,  likewise for q.

Written here instead of taken from a library: a user is solved for from whatever history is asked
about, many at a time, by their recency weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated

import numpy as np
import scipy.sparse as sp

from core.arrays import FloatArray
from core.recommend.checking import SHARE, Held
from core.recommend.scorers import Setting, is_part
from core.recommend.training_data import EncodedHistories, TrainingData

DIM, SWEEPS, SEED = 32, 12, 0
STRENGTHS = ((0.03, 0.003), (0.03, 0.03), (0.1, 0.003), (0.3, 0.003))
"""Pairs of ``unobserved`` and ``penalty``; larger ones of both leave no factor but zero."""
FEW_STRENGTHS, MOST_PAIRS = ((0.03, 0.003), (0.1, 0.003)), 400_000
"""Those that are tried above so many pairs of a user and an item, where a fit takes minutes."""
DECAYS = (0.3, 0.5, 0.8, 1.0)
CELLS_AT_ONCE = 4_000_000
"""Numbers held while rows are solved for: 16 MB."""


def is_large(data: TrainingData) -> bool:
    """Whether only ``FEW_STRENGTHS`` are tried."""
    return int(data.user_items.nnz) > MOST_PAIRS


@dataclass(frozen=True, eq=False)
class Factors:
    """Item ``factors`` float32[n_items, d]; a history's items weigh ``decay ** steps back``."""

    factors: Annotated[FloatArray, Held(("items", "dim"))]
    unobserved: Annotated[float, Held(low=0, high=1e6)]
    penalty: Annotated[float, Held(low=0, high=1e6)]
    decay: Annotated[float, SHARE]

    @classmethod
    def grid(
        cls, data: TrainingData, only: Setting | None = None
    ) -> Iterator[tuple[dict[str, float], Factors]]:
        """Weight of what was not observed, penalty, decay."""
        few = only is None and is_large(data)
        for unobserved, penalty in FEW_STRENGTHS if few else STRENGTHS:
            if not is_part(only, unobserved=unobserved, penalty=penalty):
                continue
            fitted = cls.of(data, unobserved, penalty)
            for decay in DECAYS:
                setting = {"unobserved": unobserved, "penalty": penalty, "decay": decay}
                yield setting, replace(fitted, decay=decay)

    @classmethod
    def of(cls, data: TrainingData, unobserved: float, penalty: float) -> Factors:
        """Factors after ``SWEEPS`` sweeps over users and items from a fixed start."""
        by_user = data.user_items
        by_item = sp.csr_matrix(by_user.T)
        start = np.random.default_rng(SEED).standard_normal((data.n_items, DIM))
        items = np.asarray(start * (0.1 / DIM**0.5), np.float32)
        for _ in range(SWEEPS):
            users = solve_rows(by_user, items, unobserved, penalty)
            items = solve_rows(by_item, users, unobserved, penalty)
        return cls(items, unobserved, penalty, 1.0)

    @cached_property
    def _gram(self) -> FloatArray:
        return np.asarray(self.unobserved * (self.factors.T @ self.factors))

    def scores(self, histories: EncodedHistories) -> FloatArray:
        """Predicted preference of each item, float32[n, n_items]."""
        weights = histories.recency_weights(self.decay)
        users = solve_rows(weights, self.factors, self.unobserved, self.penalty, self._gram)
        return np.asarray(users @ self.factors.T)


def solve_rows(
    rows: sp.csr_matrix,
    factors: FloatArray,
    unobserved: float,
    penalty: float,
    gram: FloatArray | None = None,
) -> FloatArray:
    """The best factors of each row given those of the columns, float32[n_rows, d].

    ``rows`` float32[n_rows, n], sparse: weights of what was observed; ``factors`` float32[n, d];
    ``gram`` is ``unobserved`` times their Gram matrix. A row without entries gets zeros.
    """
    n, d = factors.shape
    if gram is None:
        gram = np.asarray(unobserved * (factors.T @ factors))
    solved = np.zeros((rows.shape[0], d), np.float32)
    length = np.diff(rows.indptr)
    order = np.argsort(length, kind="stable")
    order = order[length[order] > 0]
    begin = 0
    while begin < len(order):
        widest = CELLS_AT_ONCE // (d * (d + int(length[order[begin]])))
        chosen = order[begin : begin + max(widest, 1)]
        begin += len(chosen)
        longest = int(length[chosen[-1]])
        place = np.arange(longest)
        real = place < length[chosen, None]
        at = np.where(real, rows.indptr[chosen, None] + place, 0)
        weight = np.where(real, rows.data[at], 0.0).astype(np.float32)
        own = factors[rows.indices[at]]
        weighted = own * weight[..., None]
        left = np.matmul(weighted.transpose(0, 2, 1), own) + gram
        strength = penalty * (weight.sum(axis=1) + unobserved * n)
        left[:, np.arange(d), np.arange(d)] += strength[:, None]
        solved[chosen] = np.linalg.solve(left, weighted.sum(axis=1)[..., None])[..., 0]
    return solved

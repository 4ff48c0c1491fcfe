"""EASE where a dense item-item matrix has no place: each item explained by its nearest ones.

A column of EASE is the ridge regression of one item on all others (``scorers.Ease``). Here it is
the regression on the ``NEIGHBOURS`` items that explain most of it alone: SLIM with its items chosen
by neighbourhood (Ning & Karypis, ICDM 2011) and EASE's squared penalty instead of its search. Where
every item is a neighbour of every other, scores are those of EASE.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from core.arrays import FloatArray, IntArray
from core.recommend import scorers
from core.recommend.checking import SHARE, Held
from core.recommend.scorers import Setting, is_part
from core.recommend.training_data import EncodedHistories, TrainingData

NEIGHBOURS = 100
MOST_OF_A_USER = 200
"""Newest items of a user that are counted as had together: pairs grow with the square."""
MOST_PAIRS = 400_000_000
"""Pairs that are counted at most: of users with more, fewer of the newest items count."""
STRENGTHS = (20.0, 100.0, 500.0, 2000.0)
"""Regularisations that are tried."""
DECAYS = (0.5, 0.7, 0.85, 1.0)
CELLS_AT_ONCE = 8_000_000
"""Numbers of the regressions that are solved together: 32 MB."""
ROWS_AT_ONCE = 1_024


@dataclass(frozen=True, eq=False)
class SparseEase:
    """``weights`` float32[n_items, n_items], sparse: row i, column j is what item i says of j.

    A history's items weigh ``decay ** steps back``.
    """

    weights: Annotated[sp.csr_matrix, Held(("items", "items"))]
    decay: Annotated[float, SHARE]

    @classmethod
    def grid(
        cls, data: TrainingData, only: Setting | None = None
    ) -> Iterator[tuple[dict[str, float], SparseEase]]:
        """Regularisation and decay; none up to ``scorers.MOST_ITEMS``, where EASE itself serves."""
        if data.n_items <= scorers.MOST_ITEMS:
            return
        strengths = [each for each in STRENGTHS if is_part(only, regularisation=each)]
        for strength, weights in zip(strengths, fit_weights(data, strengths), strict=True):
            for decay in DECAYS:
                yield {"regularisation": strength, "decay": decay}, cls(weights, decay)

    def scores(self, histories: EncodedHistories) -> FloatArray:
        """Predicted interaction of each item, float32[n, n_items]."""
        return np.asarray((histories.recency_weights(self.decay) @ self.weights).toarray())


def fit_weights(
    data: TrainingData, strengths: list[float], neighbours: int = NEIGHBOURS
) -> list[sp.csr_matrix]:
    """The weights of each strength of regularisation, float32[n_items, n_items], sparse."""
    gram = _together(data)
    met = gram.diagonal()
    chosen, shared = _nearest(gram, met, neighbours)
    size = np.diff(chosen.indptr)
    found = [np.zeros(chosen.nnz, np.float32) for _ in strengths]
    order = np.argsort(size, kind="stable")
    order = order[size[order] > 0]
    begin = 0
    while begin < len(order):
        width = int(size[order[begin : begin + ROWS_AT_ONCE]][-1])
        targets = order[begin : begin + max(min(CELLS_AT_ONCE // (width * width), ROWS_AT_ONCE), 1)]
        begin += len(targets)
        width = int(size[targets[-1]])
        real = np.arange(width) < size[targets, None]
        at = np.where(real, chosen.indptr[targets, None] + np.arange(width), 0)
        items = chosen.indices[at]
        among = _among(gram, items, real)
        wanted = np.where(real, shared[at], 0.0).astype(np.float32)
        diagonal = np.where(real, met[items], 1.0)
        own = np.arange(width)
        for weights, strength in zip(found, strengths, strict=True):
            among[:, own, own] = diagonal + np.float32(strength)
            solved = np.linalg.solve(among, wanted[..., None])[..., 0]
            weights[at[real]] = solved[real]
    shape = gram.shape
    return [
        sp.csr_matrix(sp.csr_matrix((weights, chosen.indices, chosen.indptr), shape).T)
        for weights in found
    ]


def _together(data: TrainingData) -> sp.csr_matrix:
    """How many users had both of two items, float32[n_items, n_items], sparse, rows in order."""
    n_users = int(data.user.max()) + 1
    sizes, most = np.bincount(data.user), MOST_OF_A_USER
    while most > 2 and int((np.minimum(sizes, most) ** 2).sum()) > MOST_PAIRS:
        most = most * 3 // 4
    ends = np.searchsorted(data.user, np.arange(n_users), side="right")
    newest = ends[data.user] - np.arange(len(data.user)) <= most
    pairs = (data.user[newest], data.item[newest])
    had = sp.csr_matrix((np.ones(len(pairs[0]), np.float32), pairs), (n_users, data.n_items))
    had.data[:] = 1.0
    by_item = sp.csr_matrix(had.T)
    gram = sp.csr_matrix(by_item @ had)  # by rows, as the product then is: no copy
    gram.sort_indices()
    return gram


def _nearest(
    gram: sp.csr_matrix, met: FloatArray, most: int
) -> tuple[sp.csr_matrix, npt.NDArray[np.float32]]:
    """For each item the others that explain most of it alone, and how often both were had.

    The pattern of a sparse matrix with at most so many per row, and float32 for each of its cells.
    """
    n = gram.shape[0]
    rows: list[IntArray] = []
    starts = np.zeros(n + 1, np.int64)
    for item in range(n):
        place = np.arange(gram.indptr[item], gram.indptr[item + 1])
        place = place[gram.indices[place] != item]
        if len(place) > most:
            gain = gram.data[place] ** 2 / met[gram.indices[place]]
            place = np.sort(place[np.argsort(-gain, kind="stable")[:most]])
        rows.append(place)
        starts[item + 1] = starts[item] + len(place)
    kept = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    shared = gram.data[kept]
    return sp.csr_matrix((shared, gram.indices[kept], starts), gram.shape), shared


def _among(gram: sp.csr_matrix, items: IntArray, real: npt.NDArray[np.bool_]) -> FloatArray:
    """How often the neighbours of each target were had with each other, float32[b, m, m].

    ``items`` int64[b, m], of which ``real`` bool[b, m] count; cells of others are zero.
    """
    count, width = items.shape
    among = np.zeros((count, width, width), np.float32)
    if width == 1:
        return among
    first, second = np.triu_indices(width, 1)
    pairs = items[:, first].ravel(), items[:, second].ravel()
    values = np.asarray(gram[pairs], np.float32).reshape(count, -1)
    values *= real[:, first] & real[:, second]
    among[:, first, second] = values
    among[:, second, first] = values
    return among

"""What scores items: counts, co-occurrence, a linear model, texts.

Each class is a ``core.recommend.registry.Scorer``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Annotated

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.linalg import get_lapack_funcs

from core.arrays import FloatArray, IntArray
from core.recommend.checking import SHARE, Held
from core.recommend.training_data import EncodedHistories, TrainingData, add_own

DAY = 86_400_000_000
"""Microseconds."""
TRANSITION_SMOOTHING = 5.0
"""Transitions from an item at which its shares count half."""
MOST_ITEMS = 20_000
MOST_DOUBLE, MIRRORED = 4_000, 1_024
STRENGTHS = (20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)
FEW_STRENGTHS = (100.0, 500.0, 2000.0)
"""Regularisations of EASE that are tried; the few where one inverse takes many seconds."""
DENSE_SHARE = 0.1
"""Share of filled cells above which a dense product is faster than a sparse one."""
WHITENING_SHRINKAGE = 1.0
Setting = Mapping[str, float]


def is_part(only: Setting | None, **values: float) -> bool:
    """Whether settings with these values are wanted: all, or the one that ``grid`` is asked for."""
    return only is None or all(only.get(name) == value for name, value in values.items())


@dataclass(frozen=True, eq=False)
class Popularity:
    """Training events of each item, float32[n_items]."""

    counts: Annotated[FloatArray, Held(("items",), low=0)]

    @classmethod
    def grid(
        cls, data: TrainingData, only: Setting | None = None
    ) -> Iterator[tuple[dict[str, float], Popularity]]:
        """There is nothing to choose."""
        yield {}, cls(data.item_counts.astype(np.float32))

    def scores(self, histories: EncodedHistories) -> FloatArray:
        """The same counts for everybody, float32[n, n_items]."""
        return np.tile(self.counts, (histories.n, 1))


@dataclass(frozen=True, eq=False)
class RecentPopularity:
    """Training events in the ``window`` (days) that ends at each history's clock.

    ``time`` int64[n_events] microseconds, ascending, and the events' ``item`` int64[n_events].
    """

    time: Annotated[IntArray, Held(("events",), ascending=True)]
    item: Annotated[IntArray, Held(("events",), below="items")]
    window: Annotated[float, Held(low=1, high=100_000)]

    @classmethod
    def grid(
        cls, data: TrainingData, only: Setting | None = None
    ) -> Iterator[tuple[dict[str, float], RecentPopularity]]:
        """A month to two years."""
        order = np.argsort(data.time, kind="stable")
        for window in (30.0, 90.0, 180.0, 365.0, 730.0):
            yield {"window": window}, cls(data.time[order], data.item[order], window)

    def scores(self, histories: EncodedHistories) -> FloatArray:
        """Counts within each window, float32[n, n_items]; without a clock, the last window."""
        end = np.minimum(histories.clock, self.time[-1])
        first = np.searchsorted(self.time, end - int(self.window * DAY), side="right")
        last = np.searchsorted(self.time, end, side="right")
        counts = np.empty((histories.n, histories.n_items), np.float32)
        running = np.zeros(histories.n_items, np.float32)
        before = after = 0  # what ``running`` counts; by clock, neighbours share most of a window
        for row in np.argsort(end, kind="stable").tolist():
            start, stop = int(first[row]), int(last[row])
            if start - before + stop - after < stop - start:
                np.subtract.at(running, self.item[before:start], np.float32(1))
                np.add.at(running, self.item[after:stop], np.float32(1))
            else:
                running[:] = np.bincount(self.item[start:stop], minlength=histories.n_items)
            before, after = start, stop
            counts[row] = running
        return counts


@dataclass(frozen=True, eq=False)
class Transitions:
    """Which items followed which: sequential rules (Ludewig & Jannach, UMUAI 2018).

    ``following`` float32[n_items, n_items], sparse: row a holds the smoothed shares of the items
    that came 1 to ``reach`` events after a, each pair weighted by 1 / distance. A history's items
    vote with ``decay ** steps back``; decay 0 with reach 1 is the plain last-item transition.
    """

    following: Annotated[sp.csr_matrix, Held(("items", "items"))]
    decay: Annotated[float, SHARE]

    @classmethod
    def grid(
        cls, data: TrainingData, only: Setting | None = None
    ) -> Iterator[tuple[dict[str, float], Transitions]]:
        """Reach and decay."""
        for reach in (1, 3, 10, 30):
            if not is_part(only, reach=reach):
                continue
            following = cls.following_within(data, reach)
            for decay in (0.0, 0.5, 0.7, 0.85):
                yield {"reach": reach, "decay": decay}, cls(following, decay)

    @staticmethod
    def following_within(data: TrainingData, reach: int) -> sp.csr_matrix:
        """The matrix for one reach."""
        weights = [1.0 / distance for distance in range(1, reach + 1)]
        counts = pairs_within(data.user, data.item, data.n_items, weights)
        total = np.asarray(counts.sum(axis=1)).ravel() + TRANSITION_SMOOTHING
        return sp.csr_matrix(sp.diags_array((1.0 / total).astype(np.float32)) @ counts)

    def scores(self, histories: EncodedHistories) -> FloatArray:
        """Sum of the votes, float32[n, n_items]."""
        return np.asarray((histories.recency_weights(self.decay) @ self.following).toarray())


def pairs_within(
    users: IntArray, items: IntArray, n: int, weights: Sequence[float]
) -> sp.csr_matrix:
    """How often one of ``n`` items came after another: 1 event later counts ``weights[0]``, ...

    ``users`` and ``items`` int64[n_events] in contract order. Returns float32[n, n], sparse: the
    earlier item's row, the later one's column.
    """
    total = sp.csr_matrix((n, n), dtype=np.float32)
    for distance, weight in enumerate(weights, 1):
        same = users[distance:] == users[:-distance]
        if not same.any():
            break
        pairs = (items[:-distance][same], items[distance:][same])
        values = np.full(int(same.sum()), weight, np.float32)
        total = total + sp.csr_matrix((values, pairs), (n, n))
    return total


@dataclass(frozen=True, eq=False)
class ItemNeighbours:
    """Item-kNN with all neighbours: cosine of the items' user sets (Sarwar et al., WWW 2001).

    ``shrinkage`` is added to each item's number of users, so that two rare items that met once
    don't count as alike; a history's items weigh ``decay ** steps back``. ``user_items`` is
    float32[n_users, n_items], sparse; the item-item matrix is never formed.
    """

    user_items: Annotated[sp.csr_matrix, Held(("users", "items"))]
    shrinkage: Annotated[float, Held(low=0, high=1e9)]
    decay: Annotated[float, SHARE]

    @classmethod
    def grid(
        cls, data: TrainingData, only: Setting | None = None
    ) -> Iterator[tuple[dict[str, float], ItemNeighbours]]:
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


@dataclass(frozen=True, eq=False)
class Ease:
    """EASE: a linear autoencoder in closed form (Steck, WWW 2019, arXiv 1905.03375).

    With the Gram matrix G = X'X of the user-item matrix and P = (G + l I)^-1, the item weights are
    B = I - P diag(1 / diag P). Where there are fewer users than items, Woodbury's identity
    P = (I - X' (X X' + l I)^-1 X) / l gives exactly the same scores from a users-by-users inverse.

    Scores are ``x - x left right`` with x a history's items weighted by ``decay ** steps back``.

    ``left`` is the sparse X' (few users) or the identity, float32[n_items, r]; ``right`` the dense
    rest, float32[r, n_items]; ``own`` float32[n_items] is what x itself contributes.
    """

    left: Annotated[sp.csr_matrix, Held(("items", "reduced"))]
    right: Annotated[FloatArray, Held(("reduced", "items"))]
    own: Annotated[FloatArray, Held(("items",))]
    decay: Annotated[float, SHARE]

    @classmethod
    def grid(
        cls, data: TrainingData, only: Setting | None = None
    ) -> Iterator[tuple[dict[str, float], Ease]]:
        """Regularisation and decay; none above ``MOST_ITEMS``."""
        if data.n_items > MOST_ITEMS:
            return
        gram = cls.gram(data)
        few = only is None and min(*data.user_items.shape) > MOST_DOUBLE
        for regularisation in FEW_STRENGTHS if few else STRENGTHS:
            if not is_part(only, regularisation=regularisation):
                continue
            solved = cls.of(data, regularisation, 1.0, gram)
            for decay in (0.7, 0.85, 0.95, 1.0):
                setting = {"regularisation": regularisation, "decay": decay}
                yield setting, replace(solved, decay=decay)
            del solved  # half a gigabyte for 12,000 items, not to be held beside the next

    @staticmethod
    def gram(data: TrainingData) -> sp.csr_matrix:
        """The smaller of X X' and X'X, sparse."""
        x = data.user_items
        return x @ x.T if x.shape[0] < x.shape[1] else x.T @ x

    @classmethod
    def of(
        cls,
        data: TrainingData,
        regularisation: float,
        decay: float,
        gram: sp.csr_matrix | None = None,
    ) -> Ease:
        """Solve for one strength of regularisation; ``gram`` as from the method of that name."""
        x = data.user_items
        n_users, n_items = x.shape
        inverse = _inverse(cls.gram(data) if gram is None else gram, regularisation)
        if n_users < n_items:
            projected = np.ascontiguousarray((x.T @ inverse).T)
            diagonal = (
                1.0 - np.asarray(x.multiply(projected).sum(axis=0)).ravel()
            ) / regularisation
            scale = (diagonal * regularisation).astype(np.float32)
            right = np.ascontiguousarray(projected / scale, np.float32)
            return cls(sp.csr_matrix(x.T), right, 1.0 - 1.0 / scale, decay)
        inverse /= -inverse.diagonal().copy()
        weights = np.asarray(inverse, np.float32)
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


def _inverse(gram: sp.csr_matrix, regularisation: float) -> npt.NDArray[np.floating]:
    """(gram + regularisation I)^-1, float64[n, n], above ``MOST_DOUBLE`` rows float32[n, n].

    By Cholesky factor and LAPACK's potri, a third of the work of solving for the identity.
    """
    n = gram.shape[0]
    kind = np.float64 if n <= MOST_DOUBLE else np.float32
    matrix = gram.toarray(order="F").astype(kind, copy=False)
    matrix[np.diag_indices_from(matrix)] += regularisation
    factorise, invert = get_lapack_funcs(("potrf", "potri"), (matrix,))
    factor, failed = factorise(matrix, lower=True, overwrite_a=True)
    inverse, also_failed = invert(factor, lower=True, overwrite_c=True)
    if failed or also_failed:
        what = f"a Gram matrix of {n} rows could not be inverted"  # no sentence
        raise np.linalg.LinAlgError(what)
    for start in range(0, n, MIRRORED):  # potri leaves the upper triangle as it was
        stop = start + MIRRORED
        inverse[start:stop, stop:] = inverse[stop:, start:stop].T
        square = np.tril(inverse[start:stop, start:stop])
        inverse[start:stop, start:stop] = square + np.tril(square, -1).T
    return np.asarray(inverse.T)  # symmetric, and by rows in memory


@dataclass(frozen=True, eq=False)
class Content:
    """Sum of cosines to a history's items, each weighted by ``decay ** steps back``.

    ``vectors`` float32[n_items, d]: unit length, zeros for an item without text. An item's likeness
    to itself is left out.
    """

    vectors: Annotated[FloatArray, Held(("items", "text"), low=-1.01, high=1.01)]
    decay: Annotated[float, SHARE]

    @classmethod
    def grid(
        cls, data: TrainingData, only: Setting | None = None
    ) -> Iterator[tuple[dict[str, float], Content]]:
        """Whitening and decay; none without item text."""
        if data.item_vectors is None or not data.item_vectors.any():
            return
        for whiten in (False, True):
            if not is_part(only, whiten=float(whiten)):
                continue
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

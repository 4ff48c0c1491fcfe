"""How far to trust each place of a map: neighbours that it keeps, and those a second seed keeps.

Trustworthiness and continuity are those of Venna & Kaski (2001) with 15 neighbours, point by point:
their mean over the points is what scikit-learn's ``trustworthiness`` gives (continuity is the same
with the two spaces swapped). The points are the map's anchors, a sample of the fitted states.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.arrays import DoubleArray, FloatArray, IntArray
from core.interest_map.projection import InterestMap, trust_neighbours, unit

CHUNK = 64
NEAREST = 5
"""Anchors that stand for a place of the map."""


@dataclass(frozen=True, eq=False)
class Kept:
    """Of each anchor, float32[m] each: 1 where all neighbours are kept, 0.5 by chance.

    ``trust``: neighbours on the map are neighbours in the model's space; ``continuity``: the other
    way round.
    """

    trust: FloatArray
    continuity: FloatArray


def kept_neighbours(vectors: FloatArray, positions: FloatArray, k: int) -> Kept:
    """Trustworthiness and continuity of each point.

    vectors float32[n, dim], compared by cosine; positions float32[n, 2], by Euclidean distance;
    ``k`` below n / 2 neighbours.
    """
    n, directions = len(vectors), unit(vectors)
    if k < 1 or n < 4:
        return Kept(np.ones(n, np.float32), np.ones(n, np.float32))
    penalties = np.zeros((2, n), np.float64)
    norms = (positions.astype(np.float64) ** 2).sum(axis=1)
    for begin in range(0, n, CHUNK):
        rows = np.arange(begin, min(begin + CHUNK, n))
        real = -(directions[rows] @ directions.T)
        flat = (norms[None, :] - 2 * positions[rows].astype(np.float64) @ positions.T).astype(
            np.float32
        )
        for part in (real, flat):
            part[np.arange(len(rows)), rows] = -np.inf
        for at, (near, ranked) in enumerate(((flat, real), (real, flat))):
            penalties[at, rows] = _penalty(near, ranked, k)
    most = k * (2 * n - 3 * k - 1) / 2
    trust, continuity = (1 - penalties / most).astype(np.float32)
    return Kept(trust, continuity)


def _penalty(near: FloatArray, ranked: FloatArray, k: int) -> FloatArray:
    """How far beyond k the k nearest of one space are in the other, float64[b], summed.

    Distances float32[b, n] of both, a point's own the smallest.
    """
    chosen = np.argpartition(near, k, axis=1)[:, : k + 1]
    distance = np.take_along_axis(ranked, chosen, axis=1)
    closer = np.sort(ranked, axis=1)
    ranks = np.stack([np.searchsorted(row, d) for row, d in zip(closer, distance, strict=True)])
    return np.asarray(np.maximum(ranks - k, 0).sum(axis=1), np.float64)


def kept_of(interest_map: InterestMap) -> Kept:
    """Of each anchor of a map."""
    k = trust_neighbours(len(interest_map.anchors))
    return kept_neighbours(interest_map.anchors, interest_map.anchor_positions, k)


def at_places(interest_map: InterestMap, values: FloatArray, positions: FloatArray) -> FloatArray:
    """The mean of an anchors' value float32[m] around each position float32[n, 2], float32[n]."""
    from scipy.spatial import KDTree

    anchors = interest_map.anchor_positions
    near = min(NEAREST, len(anchors))
    rows = KDTree(anchors).query(positions, near)[1].reshape(len(positions), near)
    return np.asarray(values[rows].mean(axis=1), np.float32)


@dataclass(frozen=True, eq=False)
class Overlay:
    """A second map of the same states beside the first: where each anchor stands there.

    ``here`` float32[m, 2] on the first map; ``positions`` float32[m, 2] on the second, turned,
    mirrored and scaled to lie on the first as well as possible; ``shared`` float32[m] the share of
    the 15 nearest anchors that both maps have in common; ``chance`` what unrelated maps share.
    """

    seed: int
    here: FloatArray
    positions: FloatArray
    shared: FloatArray
    chance: float


def overlay(first: InterestMap, second: FloatArray, seed: int) -> Overlay:
    """Lay another seed's positions float32[m, 2] of the anchors over a map."""
    from scipy.linalg import orthogonal_procrustes

    here, there = (part.astype(np.float64) for part in (first.anchor_positions, second))
    middle, other = here.mean(axis=0), there.mean(axis=0)
    turn, scale = orthogonal_procrustes(there - other, here - middle)
    size = scale / max(float(((there - other) ** 2).sum()), 1e-12)
    laid = (there - other) @ turn * size + middle
    m = len(here)
    k = trust_neighbours(m)
    pairs = zip(_nearest(here, k), _nearest(there, k), strict=True)
    shared = [len(np.intersect1d(a, b)) / max(k, 1) for a, b in pairs]
    return Overlay(
        seed,
        first.anchor_positions,
        laid.astype(np.float32),
        np.array(shared, np.float32),
        k / max(m - 1, 1),
    )


def _nearest(positions: DoubleArray, k: int) -> IntArray:
    from scipy.spatial import KDTree

    if k < 1:
        return np.zeros((len(positions), 0), np.int64)
    rows = KDTree(positions).query(positions, k + 1)[1]
    return np.asarray(rows[:, 1:], np.int64)

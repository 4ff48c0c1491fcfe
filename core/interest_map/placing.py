"""Where a map shows what comes later: amid its nearest anchors, while no anchor moves.

UMAP's own ``transform`` (McInnes, Healy & Melville 2018) starts a state at a weighted mean of its
neighbours, then lets them pull and random ones push for 100 epochs of smaller and smaller steps.
BALANCE puts it where these pulls and the *mean* push of all states are even: the same loss without
its random numbers, so that near states stay near; a fitted state is at its own place. MEDIAN and
MEAN are those of earlier maps, which go on placing as they did, since no position may move.
"""

from __future__ import annotations

import numpy as np
import torch

from core.arrays import FloatArray, IntArray

MEAN, MEDIAN, BALANCE = "mean", "median", "balance"
"""How a map places what comes later."""
NEIGHBOURS = {MEAN: 8, MEDIAN: 25, BALANCE: 25}
MIN_DIST = 0.15
"""UMAP's closeness of near points, in map units."""
A, B = 1.414, 0.9488
"""What UMAP makes of it: the likeness of two points d apart is 1 / (1 + A d^2B)."""
PUSH_GRID = 64
"""Lines of the grid of mean pushes, each way."""
FEWEST_ANCHORS = 10
"""Of a map that places by BALANCE."""
_WEISZFELD = 10
"""Steps to the median; 20 put no state nearer to ``UMAP.transform``."""
_NO_CLOSER = 0.05
"""Map units below which an anchor pulls no harder in the median."""
_PUSHES = 5
"""Random others that push for each neighbour that pulls, in UMAP."""
STRONGEST = 4.0
"""Push of one point, along an axis, at most."""
_MARGIN = 1.0
"""Map units of the grid around the anchors."""
_STEPS = 40
_FIRST_STEP = 1.0
"""To where pulls and pushes are even, smaller and smaller; 50 put no state nearer to
``UMAP.transform``."""
_SAME = 0.1
"""Part of the neighbours' mean distance within which a state is more and more an anchor itself."""
_NEWTON = 10
"""Steps to a state's scale of distances."""
_NARROWEST = 1e-3
"""That scale is no smaller part of the neighbours' mean distance."""
_SPARE = 7
"""Neighbours looked at beyond those taken: rounding may misplace a few in a block's product."""
_BLOCK = 128
_AT_ONCE = 1_024


def place(
    vectors: FloatArray,
    anchors: FloatArray,
    positions: FloatArray,
    placing: str,
    push: FloatArray | None = None,
) -> FloatArray:
    """Positions float32[n, 2] of unit vectors float32[n, dim] amid their nearest anchors.

    MEAN: of 8, weighted by inverse squared cosine distance. MEDIAN: the geometric median of 25
    (Weiszfeld 1937), weighted by inverse cosine distance. BALANCE: where UMAP's pulls of 25 and
    ``push``, the ``mean_push`` of the map, are even; the same bytes whatever else is placed along.
    """
    placed = np.empty((len(vectors), 2), np.float32)
    for begin in range(0, len(vectors), _AT_ONCE):
        some = slice(begin, begin + _AT_ONCE)
        if placing != BALANCE:
            placed[some] = _amid(vectors[some], anchors, positions, placing)
        elif push is not None:
            placed[some] = _balanced(vectors[some], anchors, positions, push)
        else:
            raise ValueError(f"placing by {BALANCE} needs the mean push")
    return placed


def mean_push(states: FloatArray, anchor_positions: FloatArray) -> FloatArray:
    """What all states of a map push a point by on average, float32[64, 64, 2], by x, then y.

    states float32[s, 2]; the grid spans the anchors' positions float32[m, 2] and a margin.
    """
    low, cell = _grid(anchor_positions)
    xs, ys = (low[axis] + cell[axis] * np.arange(PUSH_GRID, dtype=np.float32) for axis in (0, 1))
    push = np.empty((PUSH_GRID, PUSH_GRID, 2), np.float32)
    up = ys[:, None] - states[:, 1]
    for column, x in enumerate(xs):
        across = np.broadcast_to(x - states[:, 0], up.shape)
        apart = across * across + up * up
        strength = (2 * B) / ((apart + 0.001) * (A * np.power(apart, np.float32(B)) + 1))
        for axis, away in enumerate((across, up)):
            each = np.clip(strength * away, -STRONGEST, STRONGEST)
            push[column, :, axis] = each.mean(1, dtype=np.float64)
    return push


def _amid(
    vectors: FloatArray, anchors: FloatArray, positions: FloatArray, placing: str
) -> FloatArray:
    near = min(NEIGHBOURS[placing], len(anchors))
    similar = torch.from_numpy(vectors @ anchors.T)
    closest, rows = similar.topk(near, dim=1)  # several times as fast as numpy's partition
    nearest = rows.numpy()
    weight = 1.0 / (np.maximum(1.0 - closest.numpy(), 0.0) + 1e-5)
    if placing == MEAN:
        weight **= 2
    weight /= weight.sum(1, keepdims=True)
    amid = positions[nearest]
    here = (amid * weight[..., None]).sum(1)
    for _ in range(_WEISZFELD if placing == MEDIAN else 0):
        across, up = (amid[..., axis] - here[:, axis, None] for axis in (0, 1))
        pull = weight / (np.sqrt(across * across + up * up) + np.float32(_NO_CLOSER))
        total = pull.sum(1, keepdims=True)
        here = np.einsum("nk,nkd->nd", pull, amid) / total
    return np.asarray(here, np.float32)


def _balanced(
    vectors: FloatArray, anchors: FloatArray, positions: FloatArray, push: FloatArray
) -> FloatArray:
    """By steps of size 1 of a descent that is implicit in the pulls, so that none overshoots."""
    near = min(NEIGHBOURS[BALANCE], len(anchors))
    rows, distances = _nearest(vectors, anchors, near)
    member = _membership(distances)
    total = member.sum(1)
    xs, ys = (positions[:, axis][rows] for axis in (0, 1))
    x, y = ((member * each).sum(1) / total for each in (xs, ys))
    strength, pushes = member * np.float32(2 * A * B), total * np.float32(_PUSHES)
    low, cell = _grid(positions)
    for size in np.linspace(_FIRST_STEP, 0, _STEPS, endpoint=False, dtype=np.float32):
        across, up = xs - x[:, None], ys - y[:, None]
        apart = across * across + up * up + np.float32(1e-6)
        like = np.power(apart, np.float32(B))
        pull = strength * like / (apart * (like * np.float32(A) + 1))
        pushed = _between((x - low[0]) / cell[0], (y - low[1]) / cell[1], push)
        yields = 1 / size + pull.sum(1)
        x = x + (np.einsum("nk,nk->n", pull, across) + pushes * pushed[:, 0]) / yields
        y = y + (np.einsum("nk,nk->n", pull, up) + pushes * pushed[:, 1]) / yields
    scale = np.maximum(distances.mean(1, keepdims=True), np.float32(1e-12)) * np.float32(_SAME)
    same = np.exp(-np.square(distances / scale))
    among = same / np.maximum(same.sum(1, keepdims=True), np.float32(1e-30))
    x = x + same[:, 0] * (np.einsum("nk,nk->n", among, xs) - x)
    y = y + same[:, 0] * (np.einsum("nk,nk->n", among, ys) - y)
    return np.stack([x, y], axis=1)


def _nearest(vectors: FloatArray, anchors: FloatArray, near: int) -> tuple[IntArray, FloatArray]:
    """The ``near`` nearest anchors int64[n, near] and their distances float32[n, near].

    A product's last digit differs with its shape: all have one, and distances are made anew.
    """
    rows = np.empty((len(vectors), near), np.int64)
    distances = np.empty((len(vectors), near), np.float32)
    block = np.zeros((_BLOCK, vectors.shape[1]), np.float32)
    for begin in range(0, len(vectors), _BLOCK):
        some = vectors[begin : begin + _BLOCK]
        block[: len(some)] = some
        similar = torch.from_numpy((block @ anchors.T)[: len(some)])
        found = similar.topk(min(near + _SPARE, len(anchors)), dim=1, sorted=False)[1].numpy()
        found.sort(axis=1)
        off = anchors[found] - some[:, None]
        squares = np.einsum("nkd,nkd->nk", off, off)
        order = np.argsort(squares, axis=1, kind="stable")[:, :near]
        rows[begin : begin + _BLOCK] = np.take_along_axis(found, order, 1)
        distances[begin : begin + _BLOCK] = np.sqrt(np.take_along_axis(squares, order, 1))
    return rows, distances


def _membership(distances: FloatArray) -> FloatArray:
    """UMAP's strength of each neighbour's pull, exp(-d / scale), float32[n, k].

    All but the nearest sum to log2 k. Their sum is convex in 1 / scale: Newton's steps come from
    one side, from the scale that equal distances would have.
    """
    others, wanted = distances[:, 1:], np.float32(np.log2(distances.shape[1]))
    mean = np.maximum(distances.mean(1), np.float32(1e-12))
    narrowest = np.float32(1 / _NARROWEST) / mean
    finer = np.log(others.shape[1] / wanted) / np.maximum(others.mean(1), np.float32(1e-12))
    for _ in range(_NEWTON):
        each = np.exp(-others * finer[:, None])
        slope = np.maximum((each * others).sum(1), np.float32(1e-12))
        finer = np.minimum(finer + (each.sum(1) - wanted) / slope, narrowest)
    return np.asarray(np.exp(-distances * finer[:, None]), np.float32)


def _grid(positions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where the grid of pushes begins, and the size of its cells: float32[2] each."""
    low, high = positions.min(0) - np.float32(_MARGIN), positions.max(0) + np.float32(_MARGIN)
    return low, (high - low) / np.float32(PUSH_GRID - 1)


def _between(x: FloatArray, y: FloatArray, grid: FloatArray) -> FloatArray:
    """Bilinear values float32[n, 2] of a grid at x and y in cells; its edge's beyond it."""
    column, right = _cell(x)
    row, above = _cell(y)
    values, first = grid.reshape(-1, 2), column * PUSH_GRID + row
    lower, upper, next_lower, next_upper = (
        values.take(first + offset, axis=0) for offset in (0, 1, PUSH_GRID, PUSH_GRID + 1)
    )
    here = lower + above * (upper - lower)
    there = next_lower + above * (next_upper - next_lower)
    return np.asarray(here + right * (there - here), np.float32)


def _cell(at: FloatArray) -> tuple[IntArray, FloatArray]:
    within = np.minimum(np.maximum(at, np.float32(0)), np.float32(PUSH_GRID - 1))
    first = np.minimum(within.astype(np.int64), PUSH_GRID - 2)
    return first, (within - first.astype(np.float32))[:, None]

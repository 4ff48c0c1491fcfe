"""The map: a frozen 2-D projection of query vectors, fitted once, read ever after.

Fitted with UMAP (McInnes, Healy & Melville 2018) at training time. What comes later is placed amid
its nearest anchors (``placing``), so an open app never loads umap.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray, check_array
from core.compiled import keep_compiled
from core.files import load_arrays, save_arrays
from core.interest_map.placing import (
    BALANCE,
    FEWEST_ANCHORS,
    MEAN,
    MEDIAN,
    MIN_DIST,
    NEIGHBOURS,
    PUSH_GRID,
    STRONGEST,
    mean_push,
    place,
)
from core.language import mark
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report

MAX_FITTED = 20_000
MAX_ANCHORS = 4_000
_TRUST_SAMPLE = 3_000
_TRUST_NEIGHBOURS = 15
_QUANTILES = 101
_BAR = re.compile(r"(\d+)/(\d+)")
AT_ONCE = 1_024
"""Vectors that are compared with all others together."""
FITTING = mark("fit the map")
FURTHEST = 1e6
"""No position and no part of a direction is further from 0."""
DISAGREEMENT = 0.5
"""A step misleads where its place among all 2-D steps and among all real steps differ by this."""


@dataclass(frozen=True, eq=False)
class InterestMap:
    """Positions as plain arrays.

    anchors float32[m, dim] unit query vectors, anchor_positions float32[m, 2]; states
    float32[s, 2] the density of all fitted states, with their leading topics int16[s]; items
    float32[n_items, 2]; real_steps and flat_steps float32[101] the quantiles of cosine step sizes
    and of 2-D step lengths of the same steps; trustworthiness in [0, 1] (Venna & Kaski 2001) over
    15 neighbours. ``placing`` is how later states are placed: MEAN, MEDIAN or BALANCE, the last by
    the mean push of all states, float32[64, 64, 2].
    """

    anchors: FloatArray
    anchor_positions: FloatArray
    states: FloatArray
    state_topics: npt.NDArray[np.int16]
    items: FloatArray
    real_steps: FloatArray
    flat_steps: FloatArray
    trustworthiness: float
    placing: str = MEAN
    push: FloatArray | None = None

    def place(self, vectors: FloatArray) -> FloatArray:
        """Positions float32[n, 2] of query vectors float32[n, dim]."""
        return place(unit(vectors), self.anchors, self.anchor_positions, self.placing, self.push)

    def misleading(self, positions: FloatArray, step_sizes: FloatArray) -> BoolArray:
        """Which steps look much longer or shorter than they are, bool[n]; the first never does.

        positions float32[n, 2]; step_sizes float32[n] cosine distances, NaN first.
        """
        flat = np.linalg.norm(np.diff(positions, axis=0), axis=1)
        grid = np.linspace(0, 1, _QUANTILES)
        seen = np.interp(flat, self.flat_steps, grid)
        real = np.interp(step_sizes[1:], self.real_steps, grid)
        return np.concatenate([[False], np.abs(seen - real) > DISAGREEMENT])[: len(positions)]

    def check(self, n_items: int, dim: int, n_topics: int) -> None:
        """ValueError where the arrays are not those of a map of this catalogue and model."""
        m, s = len(self.anchors), len(self.states)
        shapes = {
            "anchors": (max(m, 1), dim),
            "anchor_positions": (m, 2),
            "states": (s, 2),
            "items": (n_items, 2),
        }
        for name, shape in shapes.items():
            values = getattr(self, name)
            check_array(name, values, np.float32, shape, low=-FURTHEST, high=FURTHEST)
        check_array("state_topics", self.state_topics, np.int16, (s,), low=0, high=n_topics - 1)
        for name in ("real_steps", "flat_steps"):
            steps = getattr(self, name)
            check_array(name, steps, np.float32, (_QUANTILES,), ascending=True)
        if not -1 <= self.trustworthiness <= 1:
            raise ValueError(f"trustworthiness can't be {self.trustworthiness}")
        if self.placing not in NEIGHBOURS:
            raise ValueError(f"a map can't place by {self.placing[:40]!r}")
        if (self.placing == BALANCE) != (self.push is not None):
            raise ValueError(f"a map has a push if it places by {BALANCE}, and only then")
        if self.push is not None:
            grid = (PUSH_GRID, PUSH_GRID, 2)
            check_array("push", self.push, np.float32, grid, low=-STRONGEST, high=STRONGEST)
            check_array("anchors", self.anchors, np.float32, (max(m, FEWEST_ANCHORS), dim))

    def save(self, path: Path) -> None:
        """Write all arrays as one safetensors file."""
        held = {field.name: getattr(self, field.name) for field in fields(self)}
        arrays = {name: each for name, each in held.items() if isinstance(each, np.ndarray)}
        arrays["anchors"] = self.anchors.astype(np.float16)
        facts = {"trustworthiness": repr(round(self.trustworthiness, 6))}
        if self.placing != MEAN:
            facts["placing"] = self.placing
        save_arrays(path, arrays, facts)

    @classmethod
    def load(cls, path: Path) -> InterestMap:
        """Read what ``save`` wrote; OSError, ValueError, KeyError or TypeError for another file."""
        arrays, header = load_arrays(path)
        arrays["anchors"] = arrays["anchors"].astype(np.float32)
        trust, placing = float(header["trustworthiness"]), header.get("placing", MEAN)
        return cls(**arrays, trustworthiness=trust, placing=placing)


def fit_map(
    queries: FloatArray,
    steps: IntArray,
    leading_topics: Callable[[FloatArray], npt.NDArray[np.int16]],
    item_vectors: FloatArray,
    seed: int,
) -> InterestMap:
    """``fit_map_of`` with all states at hand: queries float32[n, dim]."""
    return fit_map_of(queries.__getitem__, len(queries), steps, leading_topics, item_vectors, seed)


def fit_map_of(
    queries_of: Callable[[IntArray], FloatArray],
    count: int,
    steps: IntArray,
    leading_topics: Callable[[FloatArray], npt.NDArray[np.int16]],
    item_vectors: FloatArray,
    seed: int,
) -> InterestMap:
    """Fit UMAP on query vectors and place the items.

    ``queries_of`` gives the query vectors float32[m, dim] of m of ``count`` states, by ascending
    rows; it is asked once. steps int64[k] are rows whose previous row is the same user's step
    before; leading_topics the topics int16[m] of the largest share of m of the states;
    item_vectors float32[n_items, dim]. Directions are rounded to half precision, as the anchors are
    stored: what differs in the seventh digit would move positions by several units.
    """
    rng = np.random.default_rng(seed)
    chosen = _sample(rng, count, MAX_FITTED)
    anchors = _sample(rng, len(chosen), MAX_ANCHORS)
    tested = _sample(rng, len(chosen), _TRUST_SAMPLE)
    sampled = steps[_sample(rng, len(steps), MAX_FITTED)]
    needed = np.unique(np.concatenate([chosen, sampled, sampled - 1]))
    known = queries_of(needed)

    def queries(rows: IntArray) -> FloatArray:
        return known[np.searchsorted(needed, rows)]

    directions = unit(queries(chosen)).astype(np.float16).astype(np.float32)
    positions = _umap(directions, seed)
    anchor_vectors = directions[anchors]
    anchor_positions = positions[anchors]
    placing, push = MEDIAN, None
    if len(anchors) >= FEWEST_ANCHORS:
        placing, push = BALANCE, mean_push(positions, anchor_positions)

    def placed(vectors: FloatArray) -> FloatArray:
        return place(vectors, anchor_vectors, anchor_positions, placing, push)

    after, before = unit(queries(sampled)), unit(queries(sampled - 1))
    flat = np.linalg.norm(placed(after) - placed(before), axis=1)
    real = 1.0 - (after * before).sum(1)
    grid = np.linspace(0, 1, _QUANTILES)
    return InterestMap(
        anchors=anchor_vectors,
        anchor_positions=anchor_positions,
        states=positions,
        state_topics=leading_topics(queries(chosen)),
        items=placed(unit(item_vectors)),
        real_steps=_quantiles(real, grid),
        flat_steps=_quantiles(flat, grid),
        trustworthiness=_trustworthiness(directions[tested], positions[tested]),
        placing=placing,
        push=push,
    )


def unit(vectors: FloatArray) -> FloatArray:
    """Rows scaled to length 1, float32[n, dim]; rows of zeros stay zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def refit_rows(first: InterestMap, count: int, seed: int) -> IntArray:
    """Which of ``count`` states another seed's map is fitted on, ascending, int64[n]."""
    return _sample(np.random.default_rng(seed), count, max(len(first.states), MAX_ANCHORS))


def refit_positions(
    first: InterestMap,
    queries: FloatArray,
    seed: int,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> FloatArray:
    """Where another seed's map has the anchors of a map, float32[m, 2].

    It is fitted on them and on others of the states ``queries`` float32[n, dim], as many as the
    first one at most. ``Stopped`` between two epochs.
    """
    others = unit(queries[refit_rows(first, len(queries), seed)])
    others = others.astype(np.float16).astype(np.float32)
    known = {row.tobytes() for row in first.anchors}
    fresh = [row.tobytes() not in known for row in others]
    room = max(len(first.states) - len(first.anchors), 0)
    directions = np.concatenate([first.anchors, others[fresh][:room]])
    return _umap(directions, seed, _Epochs(progress, stop))[: len(first.anchors)]


class _Epochs:
    """Hears umap's progress bar as a file: tells how far it is, and stops it."""

    def __init__(self, progress: ProgressCallback | None, stop: StopCallback | None) -> None:
        self.progress, self.stop = progress, stop

    def write(self, text: str) -> None:
        """One state of the bar."""
        check_stop(self.stop)
        found = _BAR.search(text)
        if found:
            report(self.progress, Progress(FITTING, int(found[1]), int(found[2])))

    def flush(self) -> None:
        """Nothing waits."""


def _umap(directions: FloatArray, seed: int, epochs: _Epochs | None = None) -> FloatArray:
    if len(directions) < FEWEST_ANCHORS:
        flat = directions[:, :2] if directions.shape[1] >= 2 else np.zeros((len(directions), 2))
        return np.ascontiguousarray(flat, np.float32)
    import warnings

    near = min(25, len(directions) - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import umap

        keep_compiled(umap.umap_.smooth_knn_dist, umap.umap_.compute_membership_strengths)
        # Euclidean distance of unit vectors orders neighbours as cosine does. Exact neighbours cost
        # less than the compilation of umap's search, which takes a minute of each process.
        model = umap.UMAP(
            n_neighbors=near,
            min_dist=MIN_DIST,
            metric="euclidean",
            random_state=seed,
            n_jobs=1,
            init="pca" if len(directions) < 200 else "spectral",
            precomputed_knn=_neighbours(directions, near),
            tqdm_kwds=None
            if epochs is None
            else {"file": epochs, "disable": False, "mininterval": 0.2, "ascii": True},
        )
        return np.ascontiguousarray(model.fit_transform(directions), np.float32)


def _neighbours(directions: FloatArray, near: int) -> tuple[npt.NDArray[np.int32], FloatArray]:
    """The ``near`` nearest of unit vectors float32[n, dim] and their Euclidean distances.

    Indices int32[n, near], distances float32[n, near], nearest first; each is its own first.
    """
    table = torch.from_numpy(directions)
    rows = np.empty((len(table), near), np.int32)
    distances = np.empty((len(table), near), np.float32)
    for begin in range(0, len(table), AT_ONCE):
        part = slice(begin, begin + AT_ONCE)
        closest, found = _nearest(table, begin, near)
        rows[part] = found.numpy()
        distances[part] = torch.sqrt((2.0 - 2.0 * closest).clamp(min=0.0)).numpy()
    return rows, distances


def _nearest(table: torch.Tensor, begin: int, near: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Similarities and rows of the ``near`` nearest of the rows from ``begin`` on; own first."""
    similar = table[begin : begin + AT_ONCE] @ table.T
    own = torch.arange(len(similar))
    similar[own, begin + own] = 2.0  # before its equals
    closest, found = similar.topk(near, dim=1)
    return closest, found


def nearest_of(
    directions: FloatArray, begin: int, near: int
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """The ``near`` nearest of ``AT_ONCE`` unit vectors from ``begin`` on among all, and cosines.

    Rows int64[b, near], cosines float32[b, near], nearest first; each is its own first, with 2.
    """
    closest, found = _nearest(torch.from_numpy(directions), begin, near)
    return found.numpy(), closest.numpy()


def trust_neighbours(n: int) -> int:
    """How many neighbours of each of n points are looked for: 15, fewer of a very small map."""
    return min(_TRUST_NEIGHBOURS, (n - 1) // 2)


def _trustworthiness(vectors: FloatArray, positions: FloatArray) -> float:
    from sklearn.manifold import trustworthiness

    neighbours = trust_neighbours(len(vectors))
    if neighbours < 1:
        return 1.0
    return float(trustworthiness(vectors, positions, n_neighbors=neighbours, metric="cosine"))


def _quantiles(values: FloatArray, grid: DoubleArray) -> FloatArray:
    if len(values) == 0:
        return np.asarray(grid, np.float32)
    return np.maximum.accumulate(np.quantile(values, grid) + 1e-9 * grid).astype(np.float32)


def _sample(rng: np.random.Generator, count: int, most: int) -> IntArray:
    if count <= most:
        return np.arange(count)
    return np.sort(rng.choice(count, most, replace=False))

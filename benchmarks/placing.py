"""Ways of placing later states beside ``UMAP.transform``.

``python -m benchmarks.placing [CORPUS...]``: ``demo``, or ``music`` with its newest model of
``$TASTELINES_LIBRARY``. UMAP is fitted on 4,000 states; 1,000 others are placed by
``UMAP.transform`` with three seeds, by our ways, and by *umap's numbers*: the steps of
``transform`` in lines of our own, random numbers included, for a batch that holds a fitted state.
Distances are means, in shares of the map's width. *Trembles*: how
far a state moves when its vector differs in the seventh digit, and the share that moves by .5 %.
*Kept*: trustworthiness of the placed states among themselves. Milliseconds are of the processor,
for 1,000 and for 12 states, medians of 20.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np
from sklearn.manifold import trustworthiness

from benchmarks.engines import demo_engine, music_engine
from core.engine import Engine
from core.interest_map.placing import BALANCE, MEAN, MEDIAN, A, B, mean_push, place
from core.interest_map.projection import unit

NEW, FITTED, NEAR, EPOCHS, PUSHES = 1_000, 4_000, 25, 100, 5
SEEDS = (42, 43, 44)
Way = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Trial:
    """A fitted map: new states float32[n, dim] as they come, and where ``transform`` has them."""

    new: np.ndarray
    anchors: np.ndarray
    positions: np.ndarray
    transformed: tuple[np.ndarray, ...]

    @property
    def width(self) -> float:
        """Of the map."""
        return float(np.ptp(self.positions, axis=0).max())

    def apart(self, a: np.ndarray, b: np.ndarray) -> float:
        """Mean distance, a share of the width."""
        return float(np.linalg.norm(a - b, axis=1).mean()) / self.width

    @property
    def middle(self) -> np.ndarray:
        """The mean of all seeds."""
        return np.asarray(sum(self.transformed) / len(self.transformed))

    def ways(self) -> dict[str, Way]:
        """Of placing unit vectors."""
        push = mean_push(self.positions, self.positions)
        ours = {
            how: lambda some, how=how: place(some, self.anchors, self.positions, how, push)
            for how in (MEAN, MEDIAN, BALANCE)
        }
        return {**ours, "umap's numbers": lambda some: umaps_numbers(self, half(some), SEEDS[0])}


def half(vectors: np.ndarray) -> np.ndarray:
    """Rounded to half precision, as what is fitted."""
    return vectors.astype(np.float16).astype(np.float32)


def queries_of(engine: Engine) -> np.ndarray:
    """All query vectors of a corpus, float32[n_events, dim]."""
    corpus = engine.corpus
    states = (engine.interest.states(corpus.history(user))[1:] for user in corpus.user_ids)
    return np.concatenate(list(states))


def fit_trial(queries: np.ndarray, rng: np.random.Generator) -> Trial:
    """UMAP on 4,000 states, and 1,000 others in it."""
    import umap

    order = rng.permutation(len(queries))
    old, new = np.sort(order[:FITTED]), np.sort(order[FITTED : FITTED + NEW])
    anchors, states = half(unit(queries[old])), unit(queries[new])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = umap.UMAP(
            n_neighbors=NEAR, min_dist=0.15, metric="euclidean", random_state=1, n_jobs=1
        )
        positions = np.asarray(model.fit_transform(anchors), np.float32)
        moved = []
        for seed in SEEDS:
            model.transform_seed = seed
            moved.append(np.asarray(model.transform(half(states)), np.float32))
    return Trial(states, anchors, positions, tuple(moved))


def umaps_numbers(trial: Trial, states: np.ndarray, seed: int) -> np.ndarray:
    """``transform`` step by step; each state's numbers start from its own first coordinate."""
    squares = (states.astype(np.float64) ** 2).sum(1)[:, None] - 2 * (
        states.astype(np.float64) @ trial.anchors.T.astype(np.float64)
    )
    squares += (trial.anchors.astype(np.float64) ** 2).sum(1)
    apart = np.sqrt(np.maximum(squares.astype(np.float32), 0))
    rows = np.argsort(apart, axis=1, kind="stable")[:, :NEAR]
    distances = np.take_along_axis(apart, rows, 1)
    member = np.exp(-(distances / _scales(distances)[:, None]).astype(np.float64)).astype("f4")
    by_row = np.argsort(rows, axis=1, kind="stable")
    weight = np.take_along_axis(member, by_row, 1)
    share = weight / np.add.accumulate(weight, axis=1)[:, -1:]
    amid = trial.positions[np.take_along_axis(rows, by_row, 1)]
    start = np.add.accumulate(share[..., None] * amid, axis=1)[:, -1].copy()
    same, at = np.nonzero(member == 1)
    start[same] = trial.positions[rows[same, at]]
    drawn = np.random.RandomState(seed).randint(-(2**31) + 1, 2**31 - 2, 3)
    words = drawn.astype(np.int64) + start[:, :1].astype(np.float64).view(np.int64)
    _descend(start, trial.positions, rows, member, words)
    return start


def _scales(distances: np.ndarray) -> np.ndarray:
    """The halvings of ``smooth_knn_dist``, for all rows at once, float32[n]."""
    low, mid = np.zeros(len(distances), np.float32), np.ones(len(distances), np.float32)
    high, wanted = np.full(len(distances), np.inf, np.float32), np.log2(NEAR)
    live = np.ones(len(distances), bool)
    for _ in range(64):
        each = np.exp(-(distances[:, 1:] / mid[:, None]).astype(np.float64)).astype(np.float32)
        total = np.add.accumulate(each, axis=1)[:, -1].astype(np.float64)
        live &= np.abs(total - wanted) >= 1e-5
        wide = total > wanted
        high, low = np.where(live & wide, mid, high), np.where(live & ~wide, mid, low)
        halved = np.where(np.isinf(high), 2 * mid, (low + high) / 2)
        mid = np.where(live, halved, mid).astype(np.float32)
    return np.maximum(mid, np.float32(1e-3) * distances.mean())


@numba.njit(fastmath=True)
def _descend(
    start: np.ndarray, positions: np.ndarray, rows: np.ndarray, member: np.ndarray,
    words: np.ndarray,
) -> None:  # fmt: skip
    for state in range(len(start)):
        here, word = start[state], words[state]
        every = 1.0 / np.maximum(member[state].astype(np.float64), 1e-12)
        pull_at, push_at = every.copy(), every / PUSHES
        for epoch in range(EPOCHS):
            size = 0.25 * (1.0 - epoch / EPOCHS)
            for k in range(rows.shape[1]):
                if every[k] > EPOCHS or pull_at[k] > epoch:
                    continue
                _step(here, positions[rows[state, k]], size, True)
                pull_at[k] += every[k]
                pushes = int((epoch - push_at[k]) / (every[k] / PUSHES))
                for _ in range(pushes):
                    other = _draw(word) % len(positions)
                    _step(here, positions[other], size, False)
                push_at[k] += pushes * (every[k] / PUSHES)


@numba.njit(fastmath=True)
def _step(here: np.ndarray, other: np.ndarray, size: float, pull: bool) -> None:
    across, up = here[0] - other[0], here[1] - other[1]
    squares = across * across + up * up
    if squares > 0:
        if pull:
            strength = -2.0 * A * B * squares ** (B - 1.0) / (A * squares**B + 1.0)
        else:
            strength = 2.0 * B / ((0.001 + squares) * (A * squares**B + 1.0))
        here[0] += max(-4.0, min(4.0, strength * across)) * size
        here[1] += max(-4.0, min(4.0, strength * up)) * size


@numba.njit
def _draw(word: np.ndarray) -> int:
    """The next of three combined Tausworthe generators (L'Ecuyer 1996), as a signed int32."""
    low = 0xFFFFFFFF
    for k, (kept, shift, first, last) in enumerate(
        ((low - 1, 12, 13, 19), (low - 7, 4, 2, 25), (low - 15, 17, 3, 11))
    ):
        mixed = (((word[k] << first) & low) ^ word[k]) >> last
        word[k] = (((word[k] & kept) << shift) & low) ^ mixed
    return np.int64(np.int32(word[0] ^ word[1] ^ word[2]))


def milliseconds(way: Way, states: np.ndarray, times: int = 20) -> float:
    """Of the processor, the median."""
    found = []
    for _ in range(times):
        began = time.process_time()
        way(states)
        found.append(time.process_time() - began)
    return float(np.median(found)) * 1_000


def compare(name: str, engine: Engine) -> None:
    """A row per way."""
    rng = np.random.default_rng(3)
    trial = fit_trial(queries_of(engine), rng)
    one, two, _ = trial.transformed
    noise = rng.normal(scale=3e-7, size=trial.new.shape).astype(np.float32)
    nearly = unit(trial.new * (1 + noise))
    kept = {"n_neighbors": 15, "metric": "cosine"}
    print(f"{name}: two seeds of UMAP.transform {trial.apart(one, two):.2%} apart, one from the "
          f"mean of three {trial.apart(one, trial.middle):.2%}; "
          f"kept {trustworthiness(trial.new, one, **kept):.4f}")  # fmt: skip
    for how, way in trial.ways().items():
        began = time.process_time()
        way(trial.new[:12])
        first = (time.process_time() - began) * 1_000
        placed = way(trial.new)
        moved = np.linalg.norm(way(nearly) - placed, axis=1) / trial.width
        print(f"  {how:14s} to transform {trial.apart(placed, one):.2%}, to the mean of three "
              f"{trial.apart(placed, trial.middle):.2%}; trembles {moved.mean():.4%}, "
              f"{(moved > 0.005).mean():.1%}; "
              f"kept {trustworthiness(trial.new, placed, **kept):.4f}; "
              f"{milliseconds(way, trial.new):.0f} and {milliseconds(way, trial.new[:12]):.1f} ms, "
              f"the first 12 {first:.0f} ms")  # fmt: skip


ENGINES = {"demo": demo_engine, "music": music_engine}


if __name__ == "__main__":
    for asked in sys.argv[1:] or ["demo"]:
        compare(asked, ENGINES[asked]())

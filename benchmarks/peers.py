"""Peers on one exported split, in an environment of their own (``make bench-quality``).

``python benchmarks/peers.py SPLIT.npz FOLDER SECONDS SEEDS``. Each peer is tuned over a small grid
on the validation cases. Those that learn by epochs get twice as many, setting by setting, until
validation no longer rises. Only above SECONDS of processor time tuning ends earlier, which is said.
The best setting is fitted with every seed and judged on the test cases. Deterministic peers have
one seed.

Every peer is told the same history as the product (the events before the target) where it can take
one: a peer that knows users only from training keeps its factors for them.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

warnings.filterwarnings("ignore")
K, ROWS_AT_ONCE = 10, 1024
EPOCHS = (10, 20, 40, 80, 160, 320)
"""What a peer that learns by epochs is given in turn, while validation rises."""
BY_EPOCHS = ("implicit BPR", "cornac SASRec", "cornac GRU4Rec")


class Split:
    """Training rows and cases as arrays; see ``benchmarks.quality.export``."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as kept:
            self.arrays = dict(kept)
        self.n_items = int(self.arrays["n_items"])
        self.n_users = int(self.arrays["n_users"])
        ones = np.ones(len(self.arrays["user"]), np.float32)
        self.matrix = sp.csr_matrix(
            (ones, (self.arrays["user"], self.arrays["item"])), (self.n_users, self.n_items)
        )
        self.matrix.data[:] = 1.0

    def histories(self, part: str) -> list[np.ndarray]:
        """Catalogue indices of each case's events, oldest first."""
        ends = np.cumsum(self.arrays[f"{part}_length"])
        return np.split(self.arrays[f"{part}_items"], ends[:-1])

    def rows(self, part: str) -> sp.csr_matrix:
        """The histories as a matrix of zeros and ones, float32[n_cases, n_items]."""
        lengths = self.arrays[f"{part}_length"]
        row = np.repeat(np.arange(len(lengths)), lengths)
        items = self.arrays[f"{part}_items"]
        matrix = sp.csr_matrix(
            (np.ones(len(items), np.float32), (row, items)), (len(lengths), self.n_items)
        )
        matrix.data[:] = 1.0
        return matrix

    def users(self, part: str) -> np.ndarray:
        """User of each case, int64[n_cases]."""
        return self.arrays[f"{part}_user"]

    def ranks(self, part: str, scores: np.ndarray) -> np.ndarray:
        """Rank of each target among what its list may contain, ties counted half."""
        target = self.arrays[f"{part}_target"]
        row, item = self.arrays[f"{part}_excluded_row"], self.arrays[f"{part}_excluded_item"]
        ranks = np.empty(len(target))
        for start in range(0, len(target), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            some = np.array(scores[rows], np.float64)
            every = np.arange(len(some))
            own = some[every, target[rows]].copy()
            here = (row >= start) & (row < start + len(some))
            some[row[here] - start, item[here]] = -np.inf
            lost = np.isneginf(some[every, target[rows]])
            above = (some > own[:, None]).sum(1)
            ties = (some == own[:, None]).sum(1) - 1
            ranks[rows] = np.where(lost, np.inf, 1.0 + above + ties / 2)
        return ranks


def ndcg(ranks: np.ndarray) -> float:
    """Mean NDCG at 10 with one relevant item."""
    return float(np.where(ranks <= K, 1.0 / np.log2(1.0 + ranks), 0.0).mean())


Score = Callable[[str], np.ndarray]


def ease(split: Split, lamb: float, seed: int) -> Score:
    """cornac's EASE, applied to the history."""
    from cornac.models import EASE

    model = EASE(lamb=lamb, posB=False, verbose=False).fit(_cornac(split, ratings=True))
    return lambda part: split.rows(part) @ model.B


def _cornac(split: Split, ratings: bool = False) -> Any:
    from cornac.data import Dataset, SequentialDataset

    items = OrderedDict((index, index) for index in range(split.n_items))
    user, item, when = (split.arrays[name] for name in ("user", "item", "time"))
    if ratings:
        pairs = sorted(set(zip(user.tolist(), item.tolist(), strict=True)))
        data = [(u, i, 1.0) for u, i in pairs]
        return Dataset.build(data, global_iid_map=items)
    rows = [
        (u, u, i, t) for u, i, t in zip(user.tolist(), item.tolist(), when.tolist(), strict=True)
    ]
    return SequentialDataset.build(rows, fmt="USIT", global_iid_map=items)


def _sequences(split: Split, model: Any) -> Score:
    def score(part: str) -> np.ndarray:
        return np.stack(
            [np.asarray(model.score(0, h.tolist()), np.float32)[: split.n_items]
             for h in split.histories(part)]
        )  # fmt: skip

    return score


def gru4rec(split: Split, lr: float, size: int, epochs: int, seed: int) -> Score:
    """cornac's GRU4Rec with cross-entropy over sampled items."""
    from cornac.models import GRU4Rec

    model = GRU4Rec(layers=[size], loss="cross-entropy", batch_size=128, learning_rate=lr,
                    dropout_p_embed=0.2, n_sample=min(2048, split.n_items), n_epochs=epochs,
                    seed=seed)  # fmt: skip
    return _sequences(split, model.fit(_cornac(split)))


def sasrec(split: Split, lr: float, size: int, epochs: int, seed: int) -> Score:
    """cornac's SASRec with cross-entropy over sampled items."""
    import torch
    from cornac.models import SASRec

    torch.manual_seed(seed)
    model = SASRec(embedding_dim=size, loss="ce", batch_size=256, learning_rate=lr, max_len=50,
                   n_sample=min(2048, split.n_items), n_epochs=epochs, dropout=0.3,
                   seed=seed)  # fmt: skip
    return _sequences(split, model.fit(_cornac(split)))


def als(split: Split, factors: int, regularization: float, alpha: float, seed: int) -> Score:
    """implicit's ALS; a case's user is solved for from its history."""
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(factors=factors, regularization=regularization, alpha=alpha,
                                    iterations=20, random_state=seed, num_threads=1)  # fmt: skip
    model.fit(split.matrix, show_progress=False)

    def score(part: str) -> np.ndarray:
        rows = split.rows(part)
        return model.recalculate_user(np.arange(rows.shape[0]), rows) @ model.item_factors.T

    return score


def bpr(split: Split, factors: int, lr: float, epochs: int, seed: int) -> Score:
    """implicit's BPR; users keep the factors of their training events."""
    from implicit.cpu.bpr import BayesianPersonalizedRanking

    model = BayesianPersonalizedRanking(
        factors=factors,
        learning_rate=lr,
        regularization=0.01,
        iterations=epochs,
        random_state=seed,
        num_threads=1,
    )
    model.fit(split.matrix, show_progress=False)
    return lambda part: model.user_factors[split.users(part)] @ model.item_factors.T


def cosine(split: Split, k: int, seed: int) -> Score:
    """implicit's cosine item-kNN, applied to the history."""
    from implicit.nearest_neighbours import CosineRecommender

    model = CosineRecommender(K=min(k, split.n_items), num_threads=1)
    model.fit(split.matrix, show_progress=False)
    return lambda part: (split.rows(part) @ model.similarity).toarray()


def _grid(**values: list[Any]) -> Iterator[dict[str, Any]]:
    for chosen in product(*values.values()):
        yield dict(zip(values, chosen, strict=True))


PEERS: dict[str, tuple[Callable[..., Score], list[dict[str, Any]], bool]] = {
    "cornac EASE": (ease, list(_grid(lamb=[50.0, 100.0, 200.0, 500.0, 1000.0])), False),
    "implicit cosine": (cosine, list(_grid(k=[20, 100, 500, 10_000])), False),
    "implicit ALS": (
        als,
        list(_grid(factors=[64, 128, 32], regularization=[0.1, 1.0, 10.0], alpha=[5.0, 1.0, 20.0])),
        True,
    ),
    "implicit BPR": (
        bpr,
        list(_grid(factors=[64, 128], lr=[0.05, 0.01])),
        True,
    ),
    "cornac SASRec": (
        sasrec,
        list(_grid(lr=[0.002, 0.005, 0.001], size=[64, 128])),
        True,
    ),
    "cornac GRU4Rec": (
        gru4rec,
        list(_grid(lr=[0.05, 0.1], size=[100, 200])),
        True,
    ),
}
"""What fits it, the grid in the order of trial, and whether a seed matters."""


def tries(
    grid: list[dict[str, Any]], by_epochs: bool, worth: Callable[[dict[str, Any]], float]
) -> Iterator[tuple[float, dict[str, Any]]]:
    """Every setting with its validation figure; with more epochs as long as that raises it."""
    for setting in grid:
        best = -1.0
        for epochs in EPOCHS if by_epochs else (0,):
            tried = {**setting, "epochs": epochs} if by_epochs else setting
            value = worth(tried)
            yield value, tried
            if value <= best:
                break
            best = value


def judge(name: str, split: Split, seconds: float, seeds: int) -> dict[str, Any]:
    """Tune one peer, then fit it with every seed; ``capped`` where time ended the tuning."""
    fit, grid, seeded = PEERS[name]
    started = time.process_time()

    def worth(setting: dict[str, Any]) -> float:
        score = fit(split, **setting, seed=0)
        return ndcg(split.ranks("validation", score("validation")))

    best, tried, capped = (-1.0, grid[0]), 0, False
    for value, setting in tries(grid, name in BY_EPOCHS, worth):
        tried += 1
        best = max(best, (value, setting), key=lambda trial: trial[0])
        capped = time.process_time() - started > seconds
        if capped:
            break
    found: dict[str, Any] = {
        f"rank{seed}": split.ranks("test", fit(split, **best[1], seed=seed)("test"))
        for seed in range(seeds if seeded else 1)
    }
    spent = time.process_time() - started
    how = "stopped by time" if capped else "converged"
    print(
        f"        {name}: {spent:.0f} s, {tried} settings, {how}, {best[1]}, "
        f"validation {best[0]:.4f}, test {ndcg(found['rank0']):.4f}",
        flush=True,
    )
    facts = {"seconds": spent, "validation": best[0], "tried": tried, "capped": capped}
    return {**found, "seeds": len(found), **facts}


def main(path: str, folder: str, seconds: str, seeds: str) -> None:
    """Judge every peer that isn't judged yet."""
    split = Split(Path(path))
    name = Path(path).stem.removesuffix("-split")
    for peer in PEERS:
        place = Path(folder) / f"{name}-peer-{peer}.npz"
        if not place.is_file():
            found = judge(peer, split, float(seconds), int(seeds))
            partial = place.with_suffix(".partial.npz")
            np.savez(partial, **found)
            partial.replace(place)


if __name__ == "__main__":
    main(*sys.argv[1:])

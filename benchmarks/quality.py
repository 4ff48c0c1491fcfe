"""Quality against baselines and peers: ``python -m benchmarks.quality [SECTION...]``.

Sections are CORPUS/PROTOCOL, for example ``music/leave-last-out``, and ``cost``. Each fits the
product's recommenders with three seeds, refits them with the validation events, has the peers of
``benchmarks/peers.py`` tuned until validation stops rising in their own environment on the same
split (``make bench-quality`` makes it), and pairs all by user. Without that environment the peers'
lines are left out and the output says so. ``CORPUS/without-text`` does the same without a word of
any review, and pairs it with ``CORPUS/leave-last-out``.

``--device cuda`` trains the interest models on a GPU, ``--seeds 1`` takes fewer, ``--jobs 8`` does
so many pieces at once; TASTELINES_SETTINGS='{"review_to_query": 0}' sets the interest model's
choices. Results stay in ``benchmarks/work``, so that a run that was stopped goes on
where it was.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import CORPORA, PROJECT, Line, best_of, record, show
from benchmarks.pieces import (
    AFTER,
    CUTS,
    LAST_OUT,
    SILENT,
    TAG,
    TEMPORAL,
    WORK,
    Split,
    all_pieces,
    do,
    splits,
    together,
    write,
)
from core.arrays import BoolArray, DoubleArray
from core.corpus.importing import import_files
from core.corpus.split import leave_last_out
from core.corpus.store import Library
from core.domain import Part
from core.encode.cache import open_cache, open_encoder
from core.encode.sentiment import SentimentModel
from core.measure.cases import cases, targets_of
from core.measure.metrics import PairedTest, bootstrap, compare_paired, ndcg, recall
from core.model.config import InterestConfig
from core.model.interest import InterestModel
from core.model.network import InterestNetwork
from core.model.sequences import EventEncoder
from core.ranking import ExcludedItems, top_items
from core.recommend.baseline import fit_baselines
from core.recommend.joint import fit_joint
from core.recommend.registry import INTEREST, SCORERS
from core.recommend.training_data import TrainingData
from core.training.training import fit_recommenders

SEEDS, K = 3, 10
PEERS_PYTHON = PROJECT / ".venv-peers" / "bin" / "python"
ORDER_ONLY = ("beauty", "toys")
"""Corpora whose days stand for order: there is nothing to cut in time."""
WITH_TEXT = ("music", "mixed")
BARS = {
    ("music", "joint"): 0.086,
    ("music", "joint" + AFTER): 0.095,
    ("mixed", "joint"): 0.19,
    ("movielens", "joint"): 0.095,
    ("beauty", "joint"): 0.0588,
    ("beauty", "joint" + AFTER): 0.066,
    ("beauty", "interest"): 0.045,
    ("toys", "joint"): 0.068,
    ("toys", "joint" + AFTER): 0.077,
}
OF_BEST_COMPONENT = 1.05
OF_BEST_PEER = {"music": 1.10, "movielens": 1.10}
PEER_HOURS = 6.0
"""Processor hours after which a peer's tuning ends whether or not validation still rises."""


@dataclass(frozen=True)
class Asked:
    """How a run is to be done: seeds, where interest models are trained, pieces at once."""

    seeds: int = SEEDS
    device: str = "cpu"
    jobs: int = 1


@dataclass(frozen=True, eq=False)
class Found:
    """One recommender on all cases of a protocol, folds pooled: means over seeds per case.

    ``ndcg`` and ``recall`` float64[n_cases]; ``by_seed`` the mean NDCG of each seed.
    """

    ndcg: DoubleArray
    recall: DoubleArray
    by_seed: tuple[float, ...]
    seconds: float
    """Processor time of tuning and fitting, all seeds; of the joint, of weighing alone."""


@dataclass(frozen=True, eq=False)
class Gathered:
    """Everybody on one corpus and protocol. ``users`` and ``is_met`` bool[n_cases] per case."""

    users: list[str]
    is_met: BoolArray
    """Whether the target has a training event: where few items of a catalogue have none, a
    recommender that knows the catalogue guesses them too well."""
    found: dict[str, Found]
    trained_on: str


def export(split: Split) -> Path:
    """The split as plain arrays for the peers: training rows, validation and test cases."""
    path = WORK / f"{split.name}-split.npz"
    if not path.is_file():
        data = TrainingData.of(split.corpus, split.parts)
        rows = np.flatnonzero(split.parts == Part.TRAIN)
        owner = np.searchsorted(split.corpus.user_starts, rows, side="right") - 1
        numbers = {user: number for number, user in enumerate(split.corpus.user_ids)}
        arrays: dict[str, Any] = {
            "n_items": np.int64(data.n_items),
            "n_users": np.int64(len(split.corpus.user_ids)),
            "user": owner,
            "item": data.item,
            "time": data.time,
        }
        for name, part in (("validation", Part.VALIDATION), ("test", Part.TEST)):
            judged = cases(split.corpus, split.parts, part)
            histories = [[e.item_id for e in case.history.events] for case in judged]
            excluded = ExcludedItems.of([case.history for case in judged], data.item_index)
            arrays |= {
                f"{name}_user": np.array([numbers[case.history.user_id] for case in judged]),
                f"{name}_target": targets_of(judged, data.item_index),
                f"{name}_length": np.array([len(items) for items in histories]),
                f"{name}_items": np.array(
                    [data.item_index[item] for items in histories for item in items], np.int64
                ),
                f"{name}_excluded_row": excluded.rows,
                f"{name}_excluded_item": excluded.items,
            }
        write(path, **arrays)
    return path


def fit_peers(split: Split) -> dict[str, dict[str, Any]]:
    """Ranks of every peer, each tuned on validation until it stops rising."""
    if not PEERS_PYTHON.is_file():
        return {}
    subprocess.run(
        [str(PEERS_PYTHON), str(PROJECT / "benchmarks" / "peers.py"), str(export(split)),
         str(WORK), f"{3600 * PEER_HOURS:.0f}", str(SEEDS)],
        check=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    found = {}
    for path in sorted(WORK.glob(f"{split.name}-peer-*.npz")):
        with np.load(path) as kept:
            found[path.stem.removeprefix(f"{split.name}-peer-")] = dict(kept)
    return found


def gather(name: str, protocol: str, asked: Asked) -> Gathered:
    """All recommenders and peers on one corpus, fitting what is missing."""
    WORK.mkdir(parents=True, exist_ok=True)
    folds = splits(name, protocol)
    if asked.jobs == 1:
        for fold, piece in all_pieces(len(folds), asked.seeds):
            do(folds[fold], piece, asked.device)
    peers = [fit_peers(fold) if protocol != SILENT else {} for fold in folds]
    found = {}
    for one in SCORERS:
        runs = [_kept(fold, f"{one}.npz") for fold in folds]
        if all("rank" in run for run in runs):
            seconds = sum(float(run["seconds"]) for run in runs)
            for after, key in (("", "rank"), (AFTER, "after")):
                found[one + after] = _found([np.concatenate([run[key] for run in runs])], seconds)
    ours = [[_kept(fold, f"{TAG}ours-{seed}.npz") for fold in folds] for seed in range(asked.seeds)]
    for one in ("joint", INTEREST):
        seconds = sum(float(run[f"{one}_seconds"]) for runs in ours for run in runs)
        for after in ("", AFTER):
            ranks = [np.concatenate([run[one + after] for run in runs]) for runs in ours]
            found[one + after] = _found(ranks, seconds)
    for peer in peers[0]:
        ranks = [
            np.concatenate(
                [fold[peer][f"rank{min(seed, fold[peer]['seeds'] - 1)}"] for fold in peers]
            )
            for seed in range(int(peers[0][peer]["seeds"]))
        ]
        found[f"peer {peer}"] = _found(ranks, sum(float(fold[peer]["seconds"]) for fold in peers))
    return Gathered(
        [case.history.user_id for fold in folds for case in fold.test],
        np.concatenate([_is_met(fold) for fold in folds]),
        found,
        ", ".join(sorted({str(run["device"]) for runs in ours for run in runs})),
    )


def _kept(fold: Split, what: str) -> dict[str, Any]:
    with np.load(fold.path(what)) as kept:
        return dict(kept)


def _is_met(split: Split) -> BoolArray:
    data = TrainingData.of(split.corpus, split.parts)
    return data.item_counts[targets_of(split.test, data.item_index)] > 0


def judge(name: str, protocol: str, asked: Asked) -> list[Line]:
    """The issue's lines for one corpus and protocol, and a table of everything."""
    gathered = gather(name, protocol, asked)
    users, is_met, found = gathered.users, gathered.is_met, gathered.found
    print(
        f"        {name}, {protocol}: {len(users)} targets of {len(set(users))} users, "
        f"{is_met.sum()} of them items met in training; interest models of {asked.seeds} seeds "
        f"trained on {gathered.trained_on}"
    )
    table = sorted(found.items(), key=lambda row: -row[1].ndcg.mean())
    for who, one in table:
        low, high = _ends(bootstrap(one.ndcg, users))
        print(
            f"        {who:<32} NDCG@10 {one.ndcg.mean():.4f} [{low:.4f}, {high:.4f}]  "
            f"recall@10 {one.recall.mean():.4f}  among items met {one.ndcg[is_met].mean():.4f}  "
            f"{one.seconds:6.0f} s  "
            f"seeds {' '.join(f'{value:.4f}' for value in one.by_seed)}"
        )
    lines = []
    if protocol == SILENT:
        return [show(line) for line in _text_against(gathered, gather(name, LAST_OUT, asked), name)]
    if protocol == LAST_OUT:
        for who in ("joint", "joint" + AFTER, "interest"):
            bar = BARS.get((name, who))
            if bar is not None:
                mean = float(found[who].ndcg.mean())
                low, high = _ends(bootstrap(found[who].ndcg, users))
                seeds = " ".join(f"{value:.4f}" for value in found[who].by_seed)
                lines.append(Line(f"{name}: {who}, test NDCG@10", f"{bar:.3f}",
                                  f"{mean:.4f} [{low:.4f}, {high:.4f}] (seeds {seeds}; "
                                  f"trained on {gathered.trained_on})",
                                  mean >= bar))  # fmt: skip
    own = [
        who
        for who in found
        if not who.startswith("peer ") and not who.endswith(AFTER) and who != "joint"
    ]
    lines.append(_against(name, protocol, "component", own, found, users))
    peers = [who for who in found if who.startswith("peer ")]
    if peers:
        lines.append(_against(name, protocol, "peer", peers, found, users))
        best = max([*own, *peers], key=lambda who: found[who].ndcg[is_met].mean())
        ours, theirs = (found[who].ndcg[is_met].mean() for who in ("joint", best))
        lines.append(Line(f"{name}, {protocol}: the same among targets met in training", "none set",
                          f"joint {ours:.4f}, best of the others {theirs:.4f} ({best}), "
                          f"{is_met.sum()} targets", True))  # fmt: skip
    else:
        print("        no environment for the peers: make bench-quality")
    return [show(line) for line in lines]


def _text_against(silent: Gathered, told: Gathered, name: str) -> list[Line]:
    """What reviews give, paired by user, without and with the validation events."""
    lines = []
    for who in (w + after for w in ("joint", INTEREST) for after in ("", AFTER)):
        ours, theirs = told.found[who].ndcg, silent.found[who].ndcg
        gain = compare_paired(ours, theirs, told.users).difference
        lines.append(Line(f"{name}: {who}, with reviews minus without a word of them",
                          "not below 0 beyond the interval",
                          f"{gain.mean:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}] "
                          f"({ours.mean():.4f} / {theirs.mean():.4f})",
                          gain.high >= 0))  # fmt: skip
    return lines


def _against(
    name: str,
    protocol: str,
    kind: str,
    rivals: list[str],
    found: dict[str, Found],
    users: list[str],
) -> Line:
    best = max(rivals, key=lambda who: found[who].ndcg.mean())
    test: PairedTest = compare_paired(found["joint"].ndcg, found[best].ndcg, users)
    low, high = _ends(test.ratio)
    measured = (
        f"{test.ratio.mean:.2f} times {best.removeprefix('peer ')} "
        f"({found['joint'].ndcg.mean():.4f} / {found[best].ndcg.mean():.4f}; ratio [{low:.2f}, "
        f"{high:.2f}], difference [{test.difference.low:+.4f}, {test.difference.high:+.4f}], "
        f"{len(users)} targets)"
    )
    bar = OF_BEST_COMPONENT if kind == "component" else OF_BEST_PEER.get(name)
    bar = bar if protocol == LAST_OUT else None
    if bar is None:
        met = test.difference.high >= 0
        return Line(f"{name}, {protocol}: joint against the best {kind}",
                    "not below it beyond the interval", measured, met)  # fmt: skip
    return Line(f"{name}, {protocol}: joint against the best {kind}", f"{bar:.2f} times", measured,
                test.ratio.mean >= bar)  # fmt: skip


def cost() -> list[Line]:
    """What the joint costs on music, and what a list costs."""
    with tempfile.TemporaryDirectory() as folder:
        paths, items = CORPORA["music"]
        library = Library.open(Path(folder))
        import_files(library, "music", paths, items=items)
        corpus = library.corpus("music")
        parts = leave_last_out(corpus.events)
        shared = Library.open()
        trained = fit_recommenders(
            corpus, parts, library, InterestConfig(epochs=2), open_encoder(shared),
            cache=open_cache(shared),
        )  # fmt: skip
        data, interest = trained.data, trained.interest

        def fit() -> None:
            fit_joint([interest, *fit_baselines(data).values()], data)

        seconds = best_of(2, fit)
        history = max((corpus.history(user) for user in corpus.user_ids), key=len)
        one = best_of(50, lambda: trained.joint.log_probabilities([history]))
    large = large_model(1_000_000)
    query = np.random.default_rng(1).standard_normal((1, large.config.dim), np.float32)
    nothing = ExcludedItems.of([], {})

    def top() -> None:
        top_items(large.log_probabilities_of(query), nothing, K)

    million = best_of(20, top)
    return [
        show(Line("music: all baselines and the joint, after the interest model", "60 s",
                  f"{seconds:.1f} s", seconds <= 60)),
        show(Line(f"joint list after {len(history)} events, {len(corpus.item_ids)} items", "5 ms",
                  f"{one * 1e3:.1f} ms", one <= 0.005)),
        show(Line(f"interest model: 1 million items of {large.config.dim} dimensions scored, "
                  "first ten found", "60 ms",
                  f"{million * 1e3:.0f} ms", million <= 0.060)),
    ]  # fmt: skip


def large_model(n_items: int) -> InterestModel:
    """An untrained interest model over a catalogue of so many random items."""
    config = InterestConfig()
    text_dim = 1  # no text is read
    silent = SentimentModel(np.zeros(text_dim, np.float32), 0.0, "none", "none")
    no_text = EventEncoder({}, None, silent, lambda texts: np.zeros((0, text_dim)), text_dim)
    vectors = np.random.default_rng(0).standard_normal((n_items, config.dim), np.float32)
    ids = [str(index) for index in range(n_items)]
    network = InterestNetwork(config, text_dim)
    return InterestModel(config, network, ids, vectors, np.zeros(n_items, np.float32), no_text)


def _found(ranks: list[DoubleArray], seconds: float) -> Found:
    values = np.stack([ndcg(rank, K) for rank in ranks])
    hits = np.stack([recall(rank, K) for rank in ranks])
    return Found(values.mean(0), hits.mean(0), tuple(values.mean(1).tolist()), seconds)


def _ends(interval: Any) -> tuple[float, float]:
    return interval.low, interval.high


SECTIONS = {
    f"{name}/{protocol}": (name, protocol)
    for protocol in (LAST_OUT, SILENT, TEMPORAL)
    for name in CORPORA
    if (protocol != TEMPORAL or name not in ORDER_ONLY)
    and (protocol != SILENT or name in WITH_TEXT)
}


def main() -> None:
    """Run the sections named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("sections", nargs="*", help=f"{', '.join(SECTIONS)}, cost")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda", "mps", "auto"))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--jobs", type=int, default=1)
    told = parser.parse_args()
    unknown = sorted(set(told.sections) - {*SECTIONS, "cost"})
    if unknown:
        raise SystemExit(f"no section {unknown[0]!r}; there are {', '.join(SECTIONS)}, cost")
    names, asked = told.sections or [*SECTIONS, "cost"], Asked(told.seeds, told.device, told.jobs)
    if asked.jobs > 1:
        WORK.mkdir(parents=True, exist_ok=True)
        wanted = [
            (name, fold, piece)
            for name in names
            if name != "cost"
            for fold, piece in all_pieces(CUTS if SECTIONS[name][1] == TEMPORAL else 1, asked.seeds)
        ]
        together(wanted, asked.device, asked.jobs)
    for name in names:
        lines = cost() if name == "cost" else judge(*SECTIONS[name], asked)
        record("quality", {f"{name} {TAG.rstrip('-')}".rstrip(): lines})


if __name__ == "__main__":
    main()

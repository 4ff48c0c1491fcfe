"""The interest model on long histories: ``python -m benchmarks.long_histories [USERS [SEEDS]]``.

The demo's generator with six times as many events per user in the same three years, about 90 each;
ids, kinds, ratings and times only, so that order alone tells. Leave-last-out, full ranking, test
NDCG@10 against the best of the baselines, paired by user.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.measuring import Line, record, show
from core.corpus.corpus import Corpus
from core.corpus.importing import import_files
from core.corpus.split import leave_last_out
from core.corpus.store import Library
from core.demo.simulation import simulate
from core.domain import Columns, Part
from core.encode.cache import VectorCache, open_encoder
from core.evaluate.report import evaluate
from core.measure.cases import cases
from core.measure.metrics import compare_paired, ndcg
from core.model.config import InterestConfig
from core.recommend.baseline import fit_baselines
from core.recommend.joint import fit_joint
from core.recommend.training_data import TrainingData
from core.threads import use_one_blas_thread
from core.training.preparing import prepare
from core.training.training import fit_interest

SEED, LONGER, K = 7, 6, 10
TOLD = (Columns.User, Columns.Item, Columns.Time, Columns.Kind, Columns.Rating)


def long_corpus(folder: Path, n_users: int) -> Corpus:
    """Long histories of the simulated shop, without a word."""
    table = folder / "long.csv"
    simulate(SEED, n_users, LONGER).events[list(TOLD)].to_csv(table, index=False)
    library = Library.open(folder)
    import_files(library, "long", [table])
    return library.corpus("long")


def measure(n_users: int, seeds: int) -> list[Line]:
    """Interest model and joint against the best baseline, over the seeds' mean gains."""
    use_one_blas_thread()
    with tempfile.TemporaryDirectory() as folder:
        corpus = long_corpus(Path(folder), n_users)
        parts = leave_last_out(corpus.events)
        prepared = prepare(corpus, parts, open_encoder(Library.open()), VectorCache(None), None)
        data = TrainingData.of(corpus, parts, None)
        baselines = [*fit_baselines(data).values()]
        test, gains, seconds = cases(corpus, parts, Part.TEST), [], 0.0
        for seed in range(seeds):
            started = time.process_time()
            fit, interest = fit_interest(prepared, InterestConfig(seed=seed))
            seconds += time.process_time() - started
            joint = fit_joint([interest, *baselines], data)
            told = evaluate([joint, interest, *baselines], test, data, K)
            gains.append({each.recommender: ndcg(each.rank, K) for each in told.results})
            means = {who: round(float(gain.mean()), 4) for who, gain in gains[-1].items()}
            print(f"        seed {seed}, epoch {fit.best_epoch} of {len(fit.curve) - 1}: {means}")
    users = [case.history.user_id for case in test]
    mean = {who: np.mean([gain[who] for gain in gains], axis=0) for who in gains[0]}
    best = max((base.id for base in baselines), key=lambda who: float(mean[who].mean()))
    lines = [
        show(Line("long: events, users, processor seconds of a training", "none",
                  f"{len(corpus.events):,}, {n_users:,}, {seconds / seeds:.0f} s", True))
    ]  # fmt: skip
    for who, rival in (
        ("interest", best),
        ("joint", max("interest", best, key=lambda w: mean[w].mean())),
    ):
        ratio = compare_paired(mean[who], mean[rival], users).ratio
        lines.append(show(Line(
            f"long: {who} against {rival}, mean of {seeds} seeds", "1.05 times",
            f"{ratio.mean:.3f} times ({mean[who].mean():.4f} / {mean[rival].mean():.4f}; ratio "
            f"[{ratio.low:.3f}, {ratio.high:.3f}])", bool(ratio.mean >= 1.05),
        )))  # fmt: skip
    return lines


if __name__ == "__main__":
    torch.set_num_threads(1)
    told = [int(value) for value in sys.argv[1:]]
    n_users, seeds = (*told, *(1000, 3)[len(told) :])
    record("long_histories", {f"{n_users} users": measure(n_users, seeds)})

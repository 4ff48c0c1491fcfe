"""What large catalogues get instead, where both can be had: ``python -m benchmarks.scale_choices``.

``softmax [EVENTS]``: the interest model of a simulated shop with the whole softmax and with
samples, fp32 and bf16, by validation NDCG@10 and processor seconds. ``ease [CORPUS...]``: EASE and
sparse EASE on validation and test events.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.measuring import CORPORA
from benchmarks.scale_training import WORK, shop
from core.corpus.importing import import_files
from core.corpus.split import leave_last_out
from core.corpus.store import Corpus, Library
from core.domain import Part
from core.encode.cache import open_cache, open_encoder, shipped_sentiment
from core.evaluate.report import evaluate
from core.measure.cases import cases
from core.model import candidates
from core.model.config import InterestConfig
from core.recommend import scorers
from core.recommend.baseline import Baseline, fit_baselines
from core.recommend.training_data import TrainingData
from core.threads import use_one_blas_thread
from core.training.preparing import prepare
from core.training.training import fit_interest

VARIANTS: dict[str, tuple[dict[str, Any], bool]] = {
    "whole, fp32": ({"FULL_SOFTMAX_ITEMS": 10**9}, False),
    "whole, bf16": ({"FULL_SOFTMAX_ITEMS": 10**9}, True),
    "a sixth drawn, bf16": ({"FULL_SOFTMAX_ITEMS": 0, "SHARE_DRAWN": 6}, True),
    "a twelfth drawn, bf16": ({"FULL_SOFTMAX_ITEMS": 0, "SHARE_DRAWN": 12}, True),
    "a sixth drawn, all alike, bf16": ({"FULL_SOFTMAX_ITEMS": 0, "SHARE_DRAWN": 6}, True),
}
"""What ``candidates`` is told, and whether products read bf16; *all alike* are not weighted."""


@contextmanager
def told(module: Any, values: dict[str, Any]) -> Iterator[None]:
    """While it lasts, a module's constants have these values."""
    before = {name: getattr(module, name) for name in values}
    try:
        for name, value in values.items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def compare_softmax(events: int) -> None:
    """Print the best validation NDCG@10, its epoch and processor seconds of an epoch.

    ``EPOCHS`` (40) and ``SEEDS`` (2) in the environment say how long it may take.
    """
    library = Library.open(WORK)
    corpus = shop(library, events)
    options = InterestConfig(epochs=int(os.environ.get("EPOCHS", "40")))
    encoder = open_encoder(library, device="cpu")
    parts = leave_last_out(corpus.events)
    prepared = prepare(corpus, parts, encoder, open_cache(library), shipped_sentiment(library))
    weighted = candidates.Met.candidates

    def alike(met: candidates.Met, *asked: Any) -> candidates.Candidates:
        return replace(weighted(met, *asked), log_chance=None)

    for name, (values, half) in VARIANTS.items():
        for seed in range(int(os.environ.get("SEEDS", "2"))):
            given = replace(prepared, half=half)
            began = time.process_time()
            with (
                told(candidates, values),
                told(candidates.Met, {"candidates": alike if "alike" in name else weighted}),
            ):
                fit, _ = fit_interest(given, replace(options, seed=seed))
            spent, epochs = time.process_time() - began, len(fit.curve) - 1
            best = fit.curve[fit.best_epoch].validation_ndcg
            print(f"{name}, seed {seed}: validation NDCG@10 {best:.4f} at epoch {fit.best_epoch}"
                  f" of {epochs}, {spent / epochs:.1f} s of the processor an epoch",
                  flush=True)  # fmt: skip


def compare_ease(name: str) -> None:
    """Print both forms' validation and test NDCG@10 and processor seconds."""
    corpus = opened(name)
    parts = leave_last_out(corpus.events)
    data, test = TrainingData.of(corpus, parts), cases(corpus, parts, Part.TEST)
    print(f"{name}: {len(corpus.events):,} events, {data.n_items:,} items")
    made: dict[str, Baseline] = {}
    for form, most in (("popularity", 0), ("sequential-knn", 0), ("sparse-ease", 0),
                       ("ease", 10**9)):  # fmt: skip
        began = time.process_time()
        with told(scorers, {"MOST_ITEMS": most}):
            made |= fit_baselines(data, only=[form])
        best = max(trial.ndcg for trial in made[form].trials)
        print(f"  {form}: validation NDCG@10 {best:.4f} by {made[form].setting}, "
              f"{time.process_time() - began:.0f} s of the processor", flush=True)  # fmt: skip
    found = evaluate(list(made.values()), test, data)
    for score in found.scores:
        print(f"  {score.recommender}: test NDCG@10 {score}")
    apart = found.compare("sparse-ease", "ease")
    print(f"  sparse-ease / ease: {apart.ratio.mean:.3f} [{apart.ratio.low:.3f},"
          f" {apart.ratio.high:.3f}]")  # fmt: skip


def opened(name: str) -> Corpus:
    """A corpus of ``measuring.CORPORA``, or a simulated shop by its number of events."""
    library = Library.open(WORK)
    if name.isdigit():
        return shop(library, int(name))
    if name not in [corpus.name for corpus in library.corpora()]:
        paths, items = CORPORA[name]
        import_files(library, name, paths, items=items)
    return library.corpus(name)


def main(asked: list[str]) -> None:
    """What is asked for, or both."""
    use_one_blas_thread()
    np.seterr(all="ignore")
    what, *names = asked or ["softmax"]
    if what == "softmax":
        compare_softmax(int(names[0]) if names else 100_000)
    for name in names or ["beauty"] if what == "ease" else []:
        compare_ease(name)


if __name__ == "__main__":
    main(sys.argv[1:])

"""What each named setting against overfitting is worth on validation, and augmented histories.

    python -m benchmarks.regularisation [demo] [music] [--seeds 1] [--settings-only]

The interest model alone, every setting beside the defaults, judged on the validation events of all
users (leave-last-out; no test event is read); differences are paired by user over the seeds' mean.
Augmented histories are no setting: they are tried here, on half of the histories of every epoch.
``docs/trials.md`` has the table. Kept in ``benchmarks/results/regularisation.json``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.living import corpus_of
from benchmarks.measuring import Line, record
from core.arrays import DoubleArray, IntArray
from core.corpus.split import leave_last_out
from core.corpus.store import Library
from core.domain import Part
from core.encode.cache import open_cache, open_encoder, shipped_sentiment
from core.evaluate.report import evaluate
from core.measure.cases import cases
from core.measure.metrics import compare_paired
from core.model import fitting
from core.model.batches import FittingData, batched, pieces
from core.model.config import InterestConfig
from core.recommend.training_data import TrainingData
from core.threads import use_one_blas_thread
from core.training.preparing import prepare
from core.training.training import fit_interest

SETTINGS: tuple[dict[str, float], ...] = (
    {"patience": 20},
    {"weight_decay": 0.0},
    {"weight_decay": 0.1},
    {"dropout": 0.0},
    {"dropout": 0.5},
    {"part_dropout": 0.0},
    {"part_dropout": 0.3},
    {"averaging": 0.0},
)
SHARE, KEPT, DROPPED = 0.5, 0.6, 0.2
"""Histories that are augmented, events that a crop keeps, and events that are left out."""
VISIT = 86_400.0
"""Seconds within which events count as one visit, whose order is changed."""
Augment = Callable[[IntArray, DoubleArray, np.random.Generator], IntArray]


def crop(rows: IntArray, seconds: DoubleArray, random: np.random.Generator) -> IntArray:
    """A stretch of a history."""
    length = max(int(np.ceil(KEPT * len(rows))), 2)
    begin = int(random.integers(0, max(len(rows) - length, 0) + 1))
    return rows[begin : begin + length]


def drop(rows: IntArray, seconds: DoubleArray, random: np.random.Generator) -> IntArray:
    """A history without some of its events."""
    kept = rows[random.random(len(rows)) >= DROPPED]
    return kept if len(kept) > 1 else rows


def reorder(rows: IntArray, seconds: DoubleArray, random: np.random.Generator) -> IntArray:
    """A history with the events of each visit in another order."""
    visit = np.cumsum(np.diff(seconds[rows], prepend=seconds[rows[0]]) > VISIT)
    return rows[np.lexsort((random.random(len(rows)), visit))]


AUGMENTED: dict[str, Augment] = {"crop": crop, "drop": drop, "reorder in a visit": reorder}


@contextmanager
def augmented(augment: Augment) -> Iterator[None]:
    """Fits see some histories changed, each epoch others."""
    usual = fitting.epoch_batches

    def changed(
        data: FittingData, config: InterestConfig, order: np.random.Generator
    ) -> list[list[IntArray]]:
        seconds = data.events.seconds
        found = [
            augment(rows, seconds, order) if len(rows) > 2 and order.random() < SHARE else rows
            for rows in pieces(data, config, order)
        ]
        return batched(found, config, order)

    fitting.epoch_batches = changed
    try:
        yield
    finally:
        fitting.epoch_batches = usual


def measure(name: str, library: Library, seeds: int, with_augmented: bool) -> None:
    """Record each setting's validation NDCG@10, and its difference to the defaults."""
    corpus = corpus_of(name, library)
    parts = leave_last_out(corpus.events)
    encoder = open_encoder(library)
    prepared = prepare(corpus, parts, encoder, open_cache(library), shipped_sentiment(library))
    data = TrainingData.of(corpus, parts, prepared.item_text)
    asked = cases(corpus, parts, Part.VALIDATION)
    users = [case.history.user_id for case in asked]

    def gains(config: InterestConfig) -> tuple[DoubleArray, str]:
        own, epochs, spent = [], [], time.process_time()
        for seed in range(seeds):
            fit, model = fit_interest(prepared, replace(config, seed=seed))
            own.append(evaluate([model], asked, data).ndcg(model.id))
            epochs.append(f"{fit.best_epoch} of {fit.curve[-1].epoch}")
        return np.mean(own, axis=0), f"{', '.join(epochs)}; {time.process_time() - spent:.0f} s"

    usual, told = gains(InterestConfig())
    print(f"{name}, {len(asked)} users, seeds {seeds}", flush=True)
    print(f"{name}: defaults: {usual.mean():.4f} ({told})", flush=True)
    line = Line(f"{name}: defaults", "none", f"{usual.mean():.4f} (epochs {told})", True)
    record("regularisation", {line.what: [line]})

    def tell(what: str, own: DoubleArray, told: str) -> None:
        change = compare_paired(own, usual, users).difference
        interval = f"{change.mean:+.4f} [{change.low:+.4f}, {change.high:+.4f}]"
        line = Line(
            f"{name}: {what}", "none", f"{own.mean():.4f}, {interval} (epochs {told})", True
        )
        print(f"{line.what}: {line.measured}", flush=True)
        record("regularisation", {line.what: [line]})

    for what, augment in AUGMENTED.items() if with_augmented else ():
        with augmented(augment):
            tell(f"augmented, {what}", *gains(InterestConfig()))
    for setting in SETTINGS:
        values: dict[str, Any] = dict(setting)
        what = ", ".join(f"{key} {value:g}" for key, value in setting.items())
        tell(what, *gains(replace(InterestConfig(), **values)))


def main() -> None:
    """Measure the corpora that were named, else the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", nargs="*", default=["demo"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--settings-only", action="store_true", help="no augmented histories")
    options = parser.parse_args()
    use_one_blas_thread()
    library = Library.open(None)
    for name in options.corpora:
        measure(name, library, options.seeds, not options.settings_only)


if __name__ == "__main__":
    main()

"""A training as its corpus grows: ``python -m benchmarks.scale_training [EVENTS...]``.

Simulated shops without text (``scale_data``), a tenth as many users as events and a twentieth as
many items: by default of 100,000, 300,000 and 1,000,000 events. Each is imported and trained in a
process of its own, as by ``train``: seconds on the clock, of the processor and peak memory of each
stage, and by which power of the number of events each stage grows. With fewer epochs:
``EPOCHS=3 python -m benchmarks.scale_training 1000000``. ``everyone [EVENTS]`` times what is done
for every user on a sample of them, by a model of one epoch, where a machine is too busy for the
whole.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from itertools import pairwise
from types import SimpleNamespace
from typing import cast

import numpy as np
import torch

from benchmarks.measuring import PROJECT, Line, record, show
from benchmarks.scale_data import simulate
from benchmarks.stages import Stage, Watch, memory
from core.cohorts.everyone import measure_everyone
from core.corpus.importing import import_files
from core.corpus.split import leave_last_out
from core.corpus.store import Corpus, Library
from core.encode.cache import open_cache, open_encoder, shipped_sentiment
from core.engine import Engine
from core.interest_map.placing import BALANCE, mean_push, place
from core.interest_map.projection import MAX_ANCHORS, unit
from core.model.config import InterestConfig
from core.model.metrics import read_metrics
from core.model.profile import assign_topics, profile_of
from core.threads import one_openmp_thread, use_one_blas_thread
from core.training.preparing import prepare
from core.training.training import fit_interest, train
from core.turns.stored import measure_turns

WORK = PROJECT / "benchmarks" / "work" / "scale"
SIZES = (100_000, 300_000, 1_000_000)
EVENTS_OF_A_USER, EVENTS_OF_AN_ITEM = 10, 20
MINUTES, GIGABYTES = 40.0, 6.0
"""What a training of a million events and 50,000 items may take."""
SOME = 2_000
"""Users by whom ``everyone`` measures."""
LEAST_SECONDS = 2.0
"""Stages below are not compared."""


def train_alone(name: str) -> None:
    """Train and measure all users as the verb ``train`` does; the work of a process of its own."""
    library, watch = Library.open(WORK), Watch()
    corpus = library.corpus(name)
    options = InterestConfig.usual(corpus.n_events)
    if "EPOCHS" in os.environ:
        options = replace(options, epochs=int(os.environ["EPOCHS"]))
    encoder = open_encoder(library, device="cpu")
    folder = train(corpus, library, options, watch, encoder=encoder)
    measure_everyone(library, corpus, folder, watch)
    watch.end()
    metrics = read_metrics(folder)
    assert metrics is not None
    facts = {
        "stages": [asdict(stage) for stage in watch.stages],
        "epochs": [epoch.model_dump() for epoch in metrics.training],
        "best_epoch": metrics.best_epoch,
        "ndcg": {score.recommender: str(score) for score in metrics.best_first},
    }
    (WORK / f"{name}.json").write_text(json.dumps(facts))


def shop(library: Library, events: int) -> Corpus:
    """The simulated shop of so many events, imported where it isn't yet."""
    name = f"shop-{events}"
    if name not in [corpus.name for corpus in library.corpora()]:
        path = library.root / f"{name}.csv"
        simulate(events, events // EVENTS_OF_A_USER, events // EVENTS_OF_AN_ITEM).write_csv(path)
        import_files(library, name, [path])
        path.unlink()
    return library.corpus(name)


def time_everyone(events: int) -> None:
    """Print processor seconds of an epoch, and of what is done for all, by ``SOME`` users."""
    library = Library.open(WORK)
    corpus = shop(library, events)
    parts = leave_last_out(corpus.events)
    encoder = open_encoder(library, device="cpu")
    use_one_blas_thread()
    prepared = prepare(corpus, parts, encoder, open_cache(library), shipped_sentiment(library))
    began = time.process_time()

    def tell(what: str, share: float = 1.0) -> None:
        nonlocal began
        spent = time.process_time() - began
        print(f"      {spent / share:7.0f} s of the processor for all, {spent:.1f} s for "
              f"{share:.0%}, resident {memory('VmRSS'):.2f} GB: {what}", flush=True)  # fmt: skip
        began = time.process_time()

    fit_interest(prepared, InterestConfig(), epochs=0)
    tell("start vectors of items")
    _, interest = fit_interest(prepared, InterestConfig(), epochs=1)
    tell("start vectors, and an epoch")
    words = prepared.item_words
    told = ([None] * len(words), prepared.counts, interest.item_vectors, words, 0)
    with one_openmp_thread():
        topics = assign_topics(*told)
    tell("Naming topics")
    n, users = len(corpus.user_ids), corpus.user_ids[:: len(corpus.user_ids) // SOME]
    some = [corpus.history(user) for user in users]
    began = time.process_time()
    size = len(corpus.events)
    queries = np.concatenate([each.queries for each in interest.states_of(some, size)])
    tell("states of all users", len(some) / n)
    profile_of(interest, topics, queries)
    tell("profiles after every event", len(some) / n)
    steps = [np.arange(max(len(history) - 3, 0), len(history) - 1) for history in some]
    cuts = np.cumsum([len(history) for history in some])[:-1]
    interest.next_ranks_of(some, np.split(queries, cuts), steps)
    tell("ranks of held-out items", len(some) / n)
    anchors = np.ascontiguousarray(unit(queries[:MAX_ANCHORS]))
    flat = np.ascontiguousarray(anchors[:, :2])
    place(unit(queries), anchors, flat, BALANCE, mean_push(flat, flat))
    tell("places on the map", len(some) / n)
    engine = SimpleNamespace(corpus=corpus, interest=interest, topics=topics, model_id="")
    measure_turns(cast(Engine, engine), some)
    tell("turning points", len(some) / n)


def measure(events: int) -> list[Stage]:
    """The stages of one size, and what came of the training, printed."""
    name = shop(Library.open(WORK), events).name
    subprocess.run([sys.executable, "-m", "benchmarks.scale_training", "alone", name], check=True,
                   cwd=PROJECT)  # fmt: skip
    facts = json.loads((WORK / f"{name}.json").read_text())
    curve = facts["epochs"]
    print(
        f"      best epoch {facts['best_epoch']} of {len(curve) - 1}, {curve[-1]['seconds']:.0f} s"
        f" for all: validation NDCG@10 {[round(epoch['validation_ndcg'], 4) for epoch in curve]}"
    )
    tell_patience([epoch["validation_ndcg"] for epoch in curve])
    for recommender, ndcg in facts["ndcg"].items():
        print(f"      {recommender}: test NDCG@10 {ndcg}")
    return [Stage(**stage) for stage in facts["stages"]]


def tell_patience(curve: list[float]) -> None:
    """What less patience would have lost and saved, by a curve of validation NDCG."""
    for patience in range(1, InterestConfig().patience):
        best = epoch = 0
        while epoch + 1 < len(curve) and epoch - best < patience:
            epoch += 1
            best = epoch if curve[epoch] > curve[best] else best
        print(f"      patience {patience}: best epoch {best} of {epoch}, validation NDCG@10 "
              f"{curve[best] - max(curve):+.4f}")  # fmt: skip


def main(sizes: list[int]) -> None:
    """Measure shops of these sizes and tell how each stage grows."""
    WORK.mkdir(parents=True, exist_ok=True)
    measured = {}
    for events in sizes:
        print(f"{events:,} events, {events // EVENTS_OF_A_USER:,} users, "
              f"{events // EVENTS_OF_AN_ITEM:,} items")  # fmt: skip
        stages = measured[events] = measure(events)
        wall, peak = sum(stage.wall for stage in stages), max(stage.peak for stage in stages)
        spent = sum(stage.processor for stage in stages)
        bars = (MINUTES, GIGABYTES) if events == max(SIZES) else (None, None)
        how = f"{torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}"
        lines = [
            Line(f"{events:,} events: train, to the end", f"{bars[0]} min" if bars[0] else "none",
                 f"{wall / 60:.1f} min, {spent / 60:.1f} of the processor ({how})",
                 bars[0] is None or wall / 60 <= bars[0]),
            Line(f"{events:,} events: peak", f"{bars[1]} GB" if bars[1] else "none",
                 f"{peak:.2f} GB", bars[1] is None or peak <= bars[1]),
        ]  # fmt: skip
        record("scale_training", {f"{events:,} events": [show(line) for line in lines]})
    for before, after in pairwise(sizes):
        tell_growth(before, after, measured[before], measured[after])


def tell_growth(fewer: int, more: int, before: list[Stage], after: list[Stage]) -> None:
    """By which power of the number of events each stage grew, in processor seconds."""
    print(f"growth from {fewer:,} to {more:,} events, as a power of the events (1 is linear)")
    spent = {stage.name: stage.processor for stage in before}
    for stage in after:
        was = spent.get(stage.name, 0.0)
        if was > 0.2 and stage.processor > LEAST_SECONDS:
            power = math.log(stage.processor / was) / math.log(more / fewer)
            print(f"      {power:5.2f}: {stage.name}, {was:.1f} to {stage.processor:.1f} s")


if __name__ == "__main__":
    if sys.argv[1:2] == ["alone"]:
        train_alone(sys.argv[2])
    elif sys.argv[1:2] == ["everyone"]:
        time_everyone(int(sys.argv[2]) if sys.argv[2:] else max(SIZES))
    else:
        main([int(size) for size in sys.argv[1:]] or list(SIZES))

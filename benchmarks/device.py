"""What an accelerator gives: ``python -m benchmarks.device [SECTION...]``, eight minutes at most.

Sections: ``encode`` (20,000 texts of 80 tokens), ``music`` and ``beauty`` (the interest model on
CPU and accelerator, one seed), ``memory`` (a GPU with too little of it). Without an accelerator it
says so and ends. ``TASTELINES_DATA`` names the folder of the shared data, ``TASTELINES_ENCODER`` a
local encoder where the shipped one is not installed.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.measuring import SHARED, Line, record, show
from core.arrays import FloatArray
from core.corpus.corpus import Corpus
from core.corpus.importing import import_files
from core.corpus.split import leave_last_out
from core.corpus.store import Library
from core.device import choose_device, device_words
from core.domain import Part
from core.encode.cache import VectorCache
from core.encode.encoder import TextEncoder
from core.measure.cases import cases, targets_of
from core.measure.metrics import ndcg
from core.model.config import InterestConfig
from core.model.fitting import Fit
from core.model.interest import InterestModel
from core.ranking import ExcludedItems, target_ranks
from core.training.preparing import Prepared, prepare
from core.training.training import fit_interest

DATA = Path(os.environ.get("TASTELINES_DATA", SHARED))
ENCODER = os.environ.get("TASTELINES_ENCODER")
WORDS = ("music", "good", "warm", "and", "bright", "but", "one", "great", "sound", "after")


def encoder_on(device: str) -> TextEncoder:
    """The encoder, in fp32 on a processor so that no choice is timed."""
    precision = "fp32" if device == "cpu" else "auto"
    return TextEncoder(ENCODER, precision=precision, device=device)


def texts_of(tokens: int, count: int) -> list[str]:
    """Different texts of about so many tokens, all of short common words."""
    draw = np.random.default_rng(0)
    return [" ".join(draw.choice(WORDS, tokens - 2)) for _ in range(count)]


def measure_encoding() -> list[Line]:
    """Texts a second, tokenising and copying included, and agreement with the CPU."""
    texts, gpu = texts_of(80, 20_000), encoder_on("auto")
    gpu.encode(texts[:4096])
    started = time.perf_counter()
    vectors = gpu.encode(texts)
    rate = len(texts) / (time.perf_counter() - started)
    tokens = np.mean([len(ids) for ids in gpu.token_ids(texts[:200])])
    cosine = (encoder_on("cpu").encode(texts[:64]) * vectors[:64]).sum(1).min()
    speed = f"{rate:,.0f} texts of {tokens:.0f} tokens a second"
    return [
        show(Line("encoding", "8,000 a second", speed, rate >= 8000)),
        show(Line("cosine with fp32 on the CPU", ".999", f"{cosine:.5f}", cosine >= 0.999)),
    ]


def imported(name: str) -> Corpus:
    """A corpus of the shared data in a library of its own, removed with the process."""
    where = {
        "music": DATA / "amazon2014_musical_instruments",
        "beauty": DATA / "benchmarks" / "beauty.csv.gz",
    }
    library = Library.open(Path(tempfile.mkdtemp()))
    import_files(library, name, [where[name]])
    return library.corpus(name)


def fitted(prepared: Prepared, config: InterestConfig) -> tuple[Fit, InterestModel, float]:
    """The interest model fitted on its data's device, and the seconds that took."""
    started = time.perf_counter()
    fit, interest = fit_interest(prepared, config)
    return fit, interest, time.perf_counter() - started


def test_ndcg(interest: InterestModel, corpus: Corpus) -> float:
    """Mean test NDCG@10, full ranking, ties half."""
    parts = leave_last_out(corpus.events)
    judged = cases(corpus, parts, Part.TEST)
    index = {item: k for k, item in enumerate(corpus.item_ids)}
    gains: list[FloatArray] = []
    for begin in range(0, len(judged), 512):
        some = judged[begin : begin + 512]
        histories = [case.history for case in some]
        scores = interest.log_probabilities(histories)
        ranks = target_ranks(scores, targets_of(some, index), ExcludedItems.of(histories, index))
        gains.append(ndcg(ranks, 10))
    return float(np.concatenate(gains).mean())


def measure_corpus(
    name: str, epochs: int, cpu_epochs: int, seeds: int, bar: float | None
) -> list[Line]:
    """Seconds of the interest model's training on the accelerator, and both devices' quality.

    Quality is compared after at most ``cpu_epochs`` epochs of both.
    """
    corpus, lines = imported(name), []
    parts = leave_last_out(corpus.events)
    started = time.perf_counter()
    gpu = prepare(corpus, parts, encoder_on("auto"), VectorCache(None), None)
    encoding = time.perf_counter() - started
    fit, interest, seconds = fitted(gpu, InterestConfig(epochs=epochs))
    what = f"{name}, {len(corpus.events):,} events: interest model on {fit.device}"
    took = f"{seconds:.0f} s for {len(fit.curve) - 1} epochs; preparing {encoding:.0f} s"
    lines.append(show(Line(what, f"{bar} s" if bar else "none", took, not bar or seconds <= bar)))
    quality = test_ndcg(interest, corpus)
    print(f"        test NDCG@10 {quality:.4f}, best epoch {fit.best_epoch}", flush=True)
    on_cpu, spent, pairs = replace(gpu, device=torch.device("cpu")), np.zeros(2), []
    for seed in range(seeds):
        config = InterestConfig(epochs=cpu_epochs, seed=seed)
        pair = []
        for number, prepared in enumerate((gpu, on_cpu)):
            _, interest, seconds = fitted(prepared, config)
            spent[number] += seconds
            pair.append(test_ndcg(interest, corpus))
        pairs.append(pair)
        print(f"        seed {seed}: {pair[0]:.4f} and {pair[1]:.4f}", flush=True)
    apart = np.abs(np.diff(np.mean(pairs, axis=0)))[0]
    single = np.abs(np.diff(pairs)).max()
    found = f"means of {seeds} seeds {apart:.4f} apart, one seed at most {single:.4f}"
    lines.append(show(Line(f"{name}: NDCG@10 on both devices", ".002", found, single <= 0.002)))
    ratio = f"{spent[0]:.1f} s and {spent[1]:.1f} s on {os.cpu_count()} cores"
    lines.append(show(Line(f"{name}: the same training on both", "none", ratio, True)))
    return lines


def measure_memory() -> list[Line]:
    """With a sliver of the GPU's memory both encoding and training end, with a sentence."""
    told: list[str] = []
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(0.003)
    try:
        texts, corpus = texts_of(80, 2000), imported("music")
        vectors = encoder_on("auto").encode(texts, lambda now: told.append(now.stage))
        whole = bool(np.isfinite(vectors).all() and (np.abs(vectors).sum(1) > 0).all())
        gpu = prepare(
            corpus, leave_last_out(corpus.events), encoder_on("auto"), VectorCache(None), None
        )
        config = InterestConfig(epochs=1, batch_users=4096, batch_events=200_000)
        fit, _ = fit_interest(gpu, config, lambda now: told.append(now.stage))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    said = next((stage for stage in told if "does not suffice" in stage), "nothing")
    measured = f"vectors whole: {whole}; trained on {fit.device}; told: {said}"
    met = whole and fit.device == "cpu" and said != "nothing"
    return [show(Line("a GPU with too little memory", "a sentence, and the end", measured, met))]


SECTIONS: dict[str, Callable[[], list[Line]]] = {
    "encode": measure_encoding,
    "music": lambda: measure_corpus("music", 40, 40, 3, None),
    "beauty": lambda: measure_corpus("beauty", 40, 1, 1, 90),
    "memory": measure_memory,
}


def main(wanted: list[str]) -> None:
    device = choose_device("auto")
    if device.type == "cpu":
        print(f"skipped: torch {torch.__version__} finds no accelerator on this machine")
        return
    print(device_words(device), flush=True)
    for name in wanted or SECTIONS:
        started = time.perf_counter()
        record("device", {name: SECTIONS[name]()})
        print(f"        {name}: {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

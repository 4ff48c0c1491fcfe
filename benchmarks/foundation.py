"""The figures of the foundation: ``python -m benchmarks.foundation [SECTION...]``.

Sections: start, latency, topics, sentiment, encoding, pipeline, music, mixed, movielens. Times are
the machine's own; where a bar is a ratio, both sides are measured in this run.
"""

from __future__ import annotations

import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.measuring import CORPORA, PROJECT, Line, best_of, median_of, record, show
from core.corpus.importing import import_files
from core.corpus.split import leave_last_out
from core.corpus.store import Corpus, Library
from core.demo.truth import load_truth
from core.domain import Event, EventKind, Part
from core.encode.cache import open_cache, open_encoder, shipped_sentiment
from core.encode.encoder import TextEncoder, processor_name
from core.engine import Engine
from core.evaluate.report import evaluate
from core.measure.cases import cases
from core.model.config import InterestConfig
from core.recommend.training_data import TrainingData
from core.training.preparing import Prepared, prepare
from core.training.training import fit_interest

SEEDS = 3
BARS = {"music": (0.053, 40), "mixed": (0.09, 40), "movielens": (0.055, 8)}
"""Bar and most epochs; a run of 40 epochs on movielens takes a quarter of an hour a seed."""


def start() -> list[Line]:
    """`streamlit run` to the Timeline drawn in Chromium, then to the next page."""
    from playwright.sync_api import sync_playwright

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    began = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true",
         f"--server.port={port}"],
        cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            user = Library.open().corpus("demo").user_ids[0]
            url = f"http://127.0.0.1:{port}/timeline?corpus=demo&user={user}"
            while True:
                try:
                    page.goto(url)
                    break
                except Exception:
                    time.sleep(0.1)
            page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=60_000)
            page.locator("[data-test-script-state=notRunning]").wait_for(timeout=60_000)
            first = time.perf_counter() - began
            began = time.perf_counter()
            page.get_by_role("link", name="Data and models").click()
            page.get_by_role("heading", name="Which data, which model?").wait_for(timeout=60_000)
            page.locator("[data-test-script-state=notRunning]").wait_for(timeout=60_000)
            following = time.perf_counter() - began
            browser.close()
    finally:
        server.terminate()
        server.wait()
    return [
        show(Line("start of the app to the Timeline drawn", "10 s", f"{first:.1f} s", first <= 10)),
        show(Line("next page", "2 s", f"{following:.1f} s", following <= 2)),
    ]


def latency() -> list[Line]:
    """A trajectory of 100 events, with cached vectors and with one new text."""
    _, corpus, engine = _demo()
    events = [event for user in corpus.user_ids for event in corpus.history(user).events][:100]
    history = corpus.history(corpus.user_ids[0]).with_events(events)
    forget = engine.interest.forget
    engine.trajectory(history)
    cached = best_of(20, lambda: engine.trajectory(history), before=forget)
    words = [word for event in events if event.text for word in event.text.split()]
    rng = random.Random(time.time_ns())  # a text that no earlier run left in the vector cache

    def with_new_review() -> None:
        text = " ".join(rng.choice(words) for _ in range(80))
        last = events[-1]
        new = Event(last.item_id, last.timestamp, EventKind.REVIEW, 4.0, None, text)
        engine.trajectory(history.with_events([*events[:-1], new]))

    with_new_review()
    fresh = median_of(15, with_new_review, before=forget)
    return [
        show(Line("trajectory, 100 events, cached vectors", "10 ms", f"{cached * 1e3:.1f} ms",
                  cached <= 0.010)),
        show(Line("the same with one new 80-word review", "60 ms", f"{fresh * 1e3:.1f} ms",
                  fresh <= 0.060)),
    ]  # fmt: skip


def topics() -> list[Line]:
    """Does the profile recover the topic mix that was planted in the demo?"""
    _, corpus, engine = _demo()
    truth = load_truth(PROJECT / "data" / "demo" / "truth")
    order = [engine.topics.names.index(name) for name in truth.categories]
    profile = np.concatenate(
        [engine.trajectory(corpus.history(user)).profile for user in corpus.user_ids]
    )[:, order]
    profile /= profile.sum(1, keepdims=True)
    average = np.broadcast_to(profile.mean(0), profile.shape)
    mine = float(_divergence(profile, truth.mix).mean())
    flat = float(_divergence(average, truth.mix).mean())
    share = mine / flat
    return [
        show(Line("demo: Jensen-Shannon divergence to the planted mix, of the average profile's",
                  "0.5 times", f"{share:.2f} times ({mine:.3f} / {flat:.3f} nats)", share <= 0.5))
    ]  # fmt: skip


def sentiment() -> list[Line]:
    """Polarity on held-out music reviews."""
    with tempfile.TemporaryDirectory() as folder:
        quality = _prepared("music", Path(folder)).sentiment_quality
    auc = quality.auc or 0.0
    return [
        show(Line("sentiment, held-out music reviews, AUC", ".91",
                  f"{auc:.4f} ({quality.negative_reviews} negative of {quality.reviews})",
                  auc >= 0.91))
    ]  # fmt: skip


def encoding() -> list[Line]:
    """The encoder against a plain fp32, unsorted, batch-32 loop on the same texts."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    with tempfile.TemporaryDirectory() as folder:
        _, corpus = _imported("music", Path(folder))
        texts = [e.words for user in corpus.user_ids for e in corpus.history(user).events]
    texts = random.Random(0).sample(texts, 384)
    encoder = TextEncoder()
    encoder.encode(texts[:16])
    rows: list[npt.NDArray[np.float32]] = []
    tokenizer = AutoTokenizer.from_pretrained(str(encoder.folder))
    plain_network = AutoModel.from_pretrained(str(encoder.folder), dtype=torch.float32).eval()

    def plain() -> npt.NDArray[np.float32]:
        pooled = []
        with torch.inference_mode():
            for begin in range(0, len(texts), 32):
                batch = tokenizer(texts[begin : begin + 32], padding=True, truncation=True,
                                  max_length=encoder.max_tokens, return_tensors="pt")  # fmt: skip
                hidden = plain_network(**batch).last_hidden_state
                mask = batch["attention_mask"].unsqueeze(-1)
                mean = (hidden * mask).sum(1) / mask.sum(1)
                pooled.append(torch.nn.functional.normalize(mean, dim=1).numpy())
        return np.concatenate(pooled)

    slow, fast = float("inf"), float("inf")
    for _ in range(2):  # in turns, so that other work on the machine slows both alike
        slow = min(slow, best_of(1, lambda: rows.append(plain())))
        fast = min(fast, best_of(1, lambda: rows.append(encoder.encode(texts))))
    cosine = float((rows[0] * rows[1]).sum(1).min())
    ratio = slow / fast
    has_bf16 = "bf16" in processor_name()
    bar = 8 if has_bf16 else 2
    return [
        show(Line(f"encoding, times the plain loop ({encoder.precision}, {processor_name()})",
                  f"{bar} times", f"{ratio:.1f} times ({len(texts) / fast:.0f} reviews a second)",
                  ratio >= bar)),
        show(Line("smallest cosine to the plain loop", ".999", f"{cosine:.5f}", cosine >= 0.999)),
    ]  # fmt: skip


def pipeline() -> list[Line]:
    """Import, encode and train the music corpus from nothing, in a process of its own."""
    paths, _ = CORPORA["music"]
    with tempfile.TemporaryDirectory() as folder:
        core = [sys.executable, "-m", "core"]
        environment = {**os.environ, "TASTELINES_LIBRARY": folder}
        began = time.perf_counter()
        peak = 0.0
        for arguments in (["import", *map(str, paths), "--name", "music"], ["train", "music"]):
            process = subprocess.Popen([*core, *arguments], cwd=PROJECT, env=environment,
                                       stderr=subprocess.DEVNULL)  # fmt: skip
            _, status, usage = os.wait4(process.pid, 0)
            if status:
                raise SystemExit(f"{arguments} failed")
            peak = max(peak, usage.ru_maxrss / 1024**2)
        seconds = time.perf_counter() - began
    return [
        show(Line("music: import, encode, train", "8 min", f"{seconds / 60:.1f} min",
                  seconds <= 480)),
        show(Line("its peak memory", "3 GB", f"{peak:.2f} GB", peak <= 3)),
    ]  # fmt: skip


def quality(name: str) -> list[Line]:
    """Test NDCG@10 of the interest model on one corpus, mean of three seeds."""
    bar, epochs = BARS[name]
    with tempfile.TemporaryDirectory() as folder:
        prepared = _prepared(name, Path(folder))
    corpus = prepared.corpus
    judged = cases(corpus, prepared.parts, Part.TEST)
    data = TrainingData.of(corpus, prepared.parts)
    found = []
    for seed in range(SEEDS):
        _, interest = fit_interest(prepared, InterestConfig(seed=seed, epochs=epochs))
        found.append(evaluate([interest], judged, data).figures("interest")["ndcg"])
        print(f"        {name} seed {seed}: {found[-1]:.4f}", flush=True)
    mean = statistics.mean(found)
    seeds = " ".join(f"{value:.4f}" for value in found)
    return [
        show(Line(f"{name}: interest model, test NDCG@10, {epochs} epochs at most", f"{bar:.3f}",
                  f"{mean:.4f} (seeds {seeds})", mean >= bar))
    ]  # fmt: skip


def _demo() -> tuple[Library, Corpus, Engine]:
    library = Library.open()
    corpus = library.corpus("demo")
    return library, corpus, Engine.open(corpus, library.model_folder("demo"), library)


def _imported(name: str, root: Path) -> tuple[Library, Corpus]:
    paths, items = CORPORA[name]
    library = Library.open(root)
    import_files(library, name, paths, items=items)
    return library, library.corpus(name)


def _prepared(name: str, root: Path) -> Prepared:
    """A corpus of real data, encoded. Vectors are kept between runs in the default library."""
    library, corpus = _imported(name, root)
    cache = open_cache(Library.open())
    return prepare(
        corpus, leave_last_out(corpus.events), open_encoder(library), cache,
        shipped_sentiment(library),
    )  # fmt: skip


def _divergence(
    one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Jensen-Shannon divergence of rows, in nats (Lin 1991)."""
    middle = (one + other) / 2

    def relative(p: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.where(p > 0, p * np.log(np.maximum(p, 1e-12) / middle), 0.0).sum(1)

    return (relative(one) + relative(other)) / 2


SECTIONS: dict[str, Callable[[], list[Line]]] = {
    "start": start,
    "latency": latency,
    "topics": topics,
    "sentiment": sentiment,
    "encoding": encoding,
    "pipeline": pipeline,
    "music": lambda: quality("music"),
    "mixed": lambda: quality("mixed"),
    "movielens": lambda: quality("movielens"),
}


def main(names: list[str]) -> None:
    """Run the sections named, or all."""
    unknown = sorted(set(names) - set(SECTIONS))
    if unknown:
        raise SystemExit(f"no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    for name in names or SECTIONS:
        record("foundation", {name: SECTIONS[name]()})


if __name__ == "__main__":
    main(sys.argv[1:])

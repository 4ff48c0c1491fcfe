"""The nearest of many items, exactly: ``python -m benchmarks.exact_search [ITEMS...]``.

10^5 and 10^6 vectors of 64 numbers in single precision, one thread: the ten largest inner products
of one query, and of a query in a batch of 64. Beside it the time that reading the vectors once
takes, below which no exact search can be. Where FAISS is installed (``pip install faiss-cpu``; the
product doesn't use it) also the time and the recall of its inverted lists.
"""

from __future__ import annotations

import os
import sys
import time

import numpy as np

from benchmarks.measuring import Line, best_of, record, show
from core.arrays import FloatArray
from core.encode.encoder import processor_name
from core.threads import use_one_blas_thread

DIM, K, BATCH, RUNS = 64, 10, 64, 7
CENTRES, LISTS = 2_000, 1_024
PROBES = (4, 16, 64)


def vectors_of(count: int, seed: int) -> FloatArray:
    """Unit vectors in clusters, as items are, float32[count, 64]."""
    draw = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((CENTRES, DIM), np.float32)
    vectors = centres[draw.integers(CENTRES, size=count)]
    vectors += 0.7 * draw.standard_normal((count, DIM), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def exact(items: FloatArray, queries: FloatArray) -> np.ndarray:
    """The ten items of the largest inner product, int64[n, 10]."""
    scores = queries @ items.T
    return np.argpartition(-scores, K, axis=1)[:, :K]


def faiss_lines(items: FloatArray, queries: FloatArray, one: float) -> list[Line]:
    """Inverted lists, by how many of them are read."""
    try:
        import faiss
    except ImportError:
        print("        FAISS is not installed: pip install faiss-cpu")
        return []
    faiss.omp_set_num_threads(1)
    started = time.perf_counter()
    index = faiss.index_factory(DIM, f"IVF{LISTS},Flat", faiss.METRIC_INNER_PRODUCT)
    index.train(items[: 64 * LISTS])
    index.add(items)
    said = f"{time.perf_counter() - started:.1f} s"
    title = f"{len(items):,} items, FAISS, making the index"
    made = show(Line(title, "none", said, True))
    best, lines = np.sort(exact(items, queries), axis=1), [made]
    for probes in PROBES:
        index.nprobe = probes
        seconds = best_of(RUNS, lambda: index.search(queries[:1], K))
        found = index.search(queries, K)[1]
        pairs = zip(best, found, strict=True)
        recall = np.mean([len(np.intersect1d(a, b)) / K for a, b in pairs])
        said = f"{1000 * seconds:.2f} ms, {one / seconds:.0f} times, recall {recall:.3f}"
        what = f"{len(items):,} items, FAISS, {probes} of {LISTS} lists: one query"
        lines.append(show(Line(what, "none", said, True)))
    return lines


def measure(count: int) -> list[Line]:
    """One catalogue size."""
    items, queries = vectors_of(count, 1), vectors_of(BATCH, 2)
    one = best_of(RUNS, lambda: exact(items, queries[:1]))
    batch = best_of(RUNS, lambda: exact(items, queries)) / BATCH
    floor = best_of(RUNS, lambda: items.sum())
    bandwidth = items.nbytes / floor / 1e9
    said = (
        f"{1000 * one:.2f} ms; {1000 * batch:.2f} ms; {1000 * floor:.2f} ms ({bandwidth:.1f} GB/s)"
    )
    what = f"{count:,} items of {DIM}: one query; in a batch of {BATCH}; reading them once"
    return [show(Line(what, "none", said, True)), *faiss_lines(items, queries, one)]


def main() -> None:
    use_one_blas_thread()
    print(f"{processor_name()}, one thread, load {os.getloadavg()[0]:.1f}")
    counts = [int(word) for word in sys.argv[1:]] or [100_000, 1_000_000]
    record("exact_search", {f"{count:,} items": measure(count) for count in counts})


if __name__ == "__main__":
    main()

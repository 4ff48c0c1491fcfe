"""What benchmarks share: the machine, one line per figure, and the record of a run."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from core.encode.encoder import processor_name

PROJECT = Path(__file__).resolve().parents[1]
SHARED = PROJECT.parent / "shared" / "data"
RESULTS = PROJECT / "benchmarks" / "results"

CORPORA = {
    "music": ([SHARED / "amazon2014_musical_instruments"], None),
    "mixed": (
        [SHARED / "amazon2023_mixed" / "reviews.jsonl.gz"],
        SHARED / "amazon2023_mixed" / "meta.jsonl.gz",
    ),
    "movielens": ([SHARED / "movielens_small"], None),
    "beauty": ([SHARED / "benchmarks" / "beauty.csv.gz"], None),
    "toys": ([SHARED / "benchmarks" / "toys.csv.gz"], None),
}
"""The last two are public sequence benchmarks: ids only, and days stand for order."""
SAMPLE = float(os.environ.get("TASTELINES_SAMPLE", "1"))
"""Below 1: so large a share of the cases, where a benchmark says that it takes one."""


@dataclass(frozen=True)
class Line:
    """One figure of an issue: the bar, what was measured, and whether it is met."""

    what: str
    bar: str
    measured: str
    met: bool


def show(line: Line) -> Line:
    """Print a figure as soon as it is known."""
    print(f"{'met   ' if line.met else 'MISSED'}  {line.what}: {line.measured} (bar {line.bar})")
    return line


def cases(n: int) -> int:
    """So many cases, or the sampled share of them."""
    return max(round(n * SAMPLE), 2)


def best_of(times: int, work: Callable[[], object], before: Callable[[], object] = int) -> float:
    """Seconds of the fastest run: other work on the machine can only slow a run."""
    best = float("inf")
    for _ in range(times):
        before()
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


def median_of(times: int, work: Callable[[], object], before: Callable[[], object] = int) -> float:
    """Seconds of the median run."""
    return statistics.median(best_of(1, work, before) for _ in range(times))


def record(name: str, sections: dict[str, list[Line]]) -> None:
    """Merge the figures of this run into ``benchmarks/results/NAME.json``, with the machine."""
    path = RESULTS / f"{name}.json"
    known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    machine = {
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    for section, lines in sections.items():
        known[section] = {"machine": machine, "lines": [asdict(line) for line in lines]}
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {"indent": 1, "sort_keys": True, "ensure_ascii": False, "default": _plain}
    path.write_text(json.dumps(known, **plain) + "\n")


def _plain(value: np.generic) -> object:
    """A numpy number as Python's own."""
    return value.item()

"""From a file of 60 events of one's own to a list: ``python -m benchmarks.own``.

On the command line the whole process counts, on the page the time from the file to the list of
What-if in Chromium, on a server that has shown the page once. Texts are new in every run, so that
all have to be encoded, as a stranger's would. An argument is the number of runs (5).
"""

from __future__ import annotations

import csv
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.measuring import PROJECT, Line, record, show
from benchmarks.serving import IDLE, looking, served
from core.corpus.store import Library

RUNS, EVENTS = 5, 60
VERB_BAR, PAGE_BAR = 5.0, 2.0
WORDS = [
    "the",
    "sound",
    "is",
    "dull",
    "and",
    "it",
    "broke",
    "after",
    "a",
    "week",
    "but",
    "cheap",
    "good",
    "lid",
    "fits",
    "my",
    "child",
]
LIST = "[data-testid=stDataFrameResizable][aria-label^='Both lists by']"


def write(path: Path) -> None:
    """60 events with items of the demo; two of three have a new review of some 20 words."""
    items = Library.open().corpus("demo").item_ids
    rng = random.Random(time.time_ns())
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("user_id", "item_id", "timestamp", "rating", "text"))
        for at in range(EVENTS):
            when = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=at)
            text = " ".join(rng.choice(WORDS) for _ in range(20)) if at % 3 else ""
            table.writerow(("me", rng.choice(items), when.isoformat(), 1 + at % 5, text))


def time_verb(path: Path, library: str) -> tuple[float, float]:
    """Seconds of ``recommend --history`` from start to end, and of the processor."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    verb = [sys.executable, "-m", "core", "recommend", "demo", "--history", str(path), "--json"]
    done = subprocess.run(
        verb, cwd=PROJECT, env=os.environ | {"TASTELINES_LIBRARY": library},
        capture_output=True, check=True,
    )  # fmt: skip
    took, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert len(json.loads(done.stdout)["items"]) == 10
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def time_page(page: Page, address: str, path: Path) -> float:
    """Seconds from the file to the list of What-if."""
    page.goto(f"{address}/what_if?corpus=demo")
    page.wait_for_selector(IDLE, timeout=60_000)
    page.get_by_role("button", name="Own history").click()
    uploader = page.locator("input[type=file]")
    uploader.wait_for(state="attached")
    page.wait_for_timeout(1000)
    started = time.perf_counter()
    uploader.set_input_files(path)
    page.locator(LIST).first.wait_for(timeout=60_000)
    return time.perf_counter() - started


def run(runs: int = RUNS) -> list[Line]:
    """Measure both, and show what was found."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.csv"
        verbs = []
        for _ in range(runs + 1):
            write(path)
            verbs.append(time_verb(path, folder))
        verbs = verbs[1:]  # the first measures the encoder's precision, once per library
        pages = []
        with served() as server, looking() as page:
            for _ in range(runs + 1):
                write(path)
                pages.append(time_page(page, server.address, path))
        pages = pages[1:]
    verb, processor = (statistics.median(values) for values in zip(*verbs, strict=True))
    median = statistics.median(pages)
    load = f"load {os.getloadavg()[0]:.0f}"
    return [
        show(Line(
            f"recommend --history, {EVENTS} events with new texts, whole process, median of {runs}",
            f"{VERB_BAR:g} s",
            f"{verb:.1f} s (processor {processor:.1f} s, fastest {min(verbs)[0]:.1f} s, {load})",
            verb <= VERB_BAR,
        )),
        show(Line(
            f"{EVENTS} events from CSV to list on the page, median of {runs}", f"{PAGE_BAR:g} s",
            f"{median:.1f} s (fastest {min(pages):.1f} s, {load})", median <= PAGE_BAR,
        )),
    ]  # fmt: skip


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    lines = run(asked)
    if asked == RUNS:
        record("own", {"own history": lines})
    sys.exit(not all(line.met for line in lines))

"""The figures of Compare: ``python -m benchmarks.compare [SECTION...]``.

Sections: latency, causes, overlap, turnover, report, browser. Real data: ``music`` with its newest
model from the library ($TASTELINES_LIBRARY), else imported and trained here for a few epochs.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.engines import demo_engine, music_engine
from benchmarks.measuring import PROJECT, Line, median_of, record, show
from core.compare.columns import Column, ColumnSpec
from core.compare.comparison import Comparison
from core.compare.turnover import measure_turnover
from core.domain import Event, History, Stopped
from core.engine import Engine

EVENTS = 100
GAPS = (1, 5, 10, 50, 99)
"""Events between the two columns of the long history."""


def latency() -> list[Line]:
    """Two columns of a history of 100 events, with and without causes, whatever lies between."""
    return [*_latency("demo", demo_engine()), *_latency("music", music_engine())]


def _latency(name: str, engine: Engine) -> list[Line]:
    history = _long(engine)
    plain = max(median_of(7, partial(_lists, engine, history, gap)) for gap in GAPS)
    causes = max(median_of(3, partial(_with_causes, engine, history, gap)) for gap in GAPS)
    return [
        show(Line(f"{name}: two columns, 100 events, top 10, joint", "60 ms",
                  f"{plain * 1e3:.0f} ms", plain <= 0.060)),
        show(Line(f"{name}: the same with causes, {GAPS[0]} to {GAPS[-1]} events between",
                  "1 s", f"{causes:.2f} s", causes <= 1.0)),
    ]  # fmt: skip


def causes() -> list[Line]:
    """Do the causes add up, exact and sampled?"""
    engine = demo_engine()
    history = _long(engine)
    exact = sampled = error = 0.0
    for gap in GAPS:
        comparison = _with_causes(engine, history, gap)
        changes = comparison.changes(0)
        assert changes is not None
        residual = float(np.abs(changes.residual).max())
        if changes.exact:
            exact = max(exact, residual)
        else:
            sampled, error = max(sampled, residual), max(error, comparison.error)
    return [
        show(Line("exact values add up to the score's difference", "1e-4 nats",
                  f"{exact:.1e} nats", exact <= 1e-4)),
        show(Line("sampled values: residual, stated", "stated",
                  f"{sampled:.1e} nats, standard error of a cause up to {error:.2f} nats", True)),
    ]  # fmt: skip


def overlap() -> list[Line]:
    """RBO, Jaccard, Kendall against brute-force definitions, by hypothesis."""
    return [_tests("RBO, Jaccard, Kendall against their definitions (hypothesis)",
                   "tests/core/compare/test_overlap.py")]  # fmt: skip


def turnover() -> list[Line]:
    """All users of music, and how soon a stop is heard."""
    engine = music_engine()
    users = len(engine.corpus.user_ids)
    started = time.perf_counter()
    measure_turnover(engine)
    seconds = time.perf_counter() - started
    asked, heard = threading.Event(), []

    def work() -> None:
        try:
            measure_turnover(engine, stop=asked.is_set)
        except Stopped:
            heard.append(time.perf_counter())

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(min(1.0, seconds / 3))
    stopped = time.perf_counter()
    asked.set()
    thread.join()
    wait = heard[0] - stopped if heard else float("inf")
    return [
        show(Line(f"turnover of {users} music users", "60 s", f"{seconds:.1f} s", seconds <= 60)),
        show(Line("a stop is heard within", "1 s", f"{wait:.2f} s", wait <= 1.0)),
    ]


def report() -> list[Line]:
    """The report opens from disk alone, whatever a review holds."""
    return [_tests("report: no request, no script error, text stays text",
                   "tests/browser/test_compare.py", "-k", "report_opens")]  # fmt: skip


def browser() -> list[Line]:
    """Three columns, month by month, an item, its cause, Explain, permalink, report."""
    return [_tests("browser tests of Compare", "tests/browser/test_compare.py")]


def _tests(what: str, *arguments: str) -> Line:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=PROJECT, capture_output=True, text=True,
    )  # fmt: skip
    tail = ran.stdout.strip().splitlines()
    said = "passed" if ran.returncode == 0 else tail[-1] if tail else "no output"
    return show(Line(what, "pass", said, ran.returncode == 0))


def _lists(engine: Engine, history: History, gap: int) -> Comparison:
    """The comparison of the last moment with one ``gap`` events before, without causes."""
    engine.interest.forget()
    user, chosen = history.user_id, engine.recommender()
    columns = [
        Column(ColumnSpec(user), step, history.up_to(step), chosen.id, chosen)
        for step in (len(history) - gap, len(history))
    ]
    comparison = Comparison(engine, columns)
    _ = comparison.overlaps
    comparison.moves(causes=False)
    return comparison


def _with_causes(engine: Engine, history: History, gap: int) -> Comparison:
    comparison = _lists(engine, history, gap)
    comparison.moves()
    return comparison


def _long(engine: Engine) -> History:
    """100 events with different items, of several users, in order of time."""
    corpus = engine.corpus
    found: dict[str, Event] = {}
    for user in corpus.user_ids:
        for event in corpus.history(user).events:
            found.setdefault(event.item_id, event)
        if len(found) >= EVENTS:
            break
    return corpus.history(corpus.user_ids[0]).with_events(list(found.values())[:EVENTS])


SECTIONS: dict[str, Callable[[], list[Line]]] = {
    "latency": latency,
    "causes": causes,
    "overlap": overlap,
    "turnover": turnover,
    "report": report,
    "browser": browser,
}


def main() -> None:
    """Measure the sections named on the command line, or all."""
    for name in sys.argv[1:] or SECTIONS:
        record("compare", {name: SECTIONS[name]()})


if __name__ == "__main__":
    main()

"""How each stage grows with a shop: ``python -m benchmarks.scale [5 6 7]``.

Simulated logs of 10^5, 10^6 and 10^7 events (the arguments choose): a tenth as many users, a
hundredth as many items, sessions over three years, long-tailed items of twenty tastes, no text. The
files lie in ``benchmarks/work/scale``. Each stage runs in a process of its own; a line per decade
prints its seconds and peak memory, then how often each stage took longer than ten times the decade
before. ``timeline`` and ``app`` need a model: where ``--train`` says so, one of one epoch is
trained on 20,000 users, drawn at random (all at 10^5), in a process of its own, and reused. The
users that are opened are the corpus's, at 10^7 hardly ever among those.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from core.corpus.attributes import TEXT, Attributes
from core.corpus.finding import UserFinder
from core.corpus.store import Corpus, Library

PROJECT = Path(__file__).resolve().parents[1]
WORK = PROJECT / "benchmarks" / "work" / "scale"
DECADES = (5, 6, 7)
TASTES, FAITHFUL = 20, 0.6
DAYS = 3 * 365
FIRST_SECOND = 1_577_836_800
KINDS, SHARES = ("view", "cart", "purchase"), (0.7, 0.1, 0.2)
ROWS_AT_ONCE = 500_000
TRAINED_USERS = 20_000
QUERIES = ("u", "u00", "99999", "7", "zzzz", "ber", "anna", "3f2", "nna 3f", "U0099999")
FIRST_NAMES = ("Anna", "Ben", "Carla", "Dilek", "Emil", "Fatma", "Jürgen", "Olu", "Zoë", "李")
CITIES = ("Berlin", "Hamburg", "London", "Paris", "成都")
BARS = {
    "import": (240.0, 1024.0),
    "history": (2.0, 2048.0),
    "search": (0.1, 2048.0),
    "timeline": (2.0, 2048.0),
    "app": (2.0, 2048.0),
}
"""Seconds and MB at 10^7 events."""


def path_of(events: int) -> Path:
    """The simulated log."""
    return WORK / f"log-{events}.csv"


def name_of(events: int) -> str:
    """The corpus of a decade."""
    return f"shop{events}"


def make(events: int) -> None:
    """Write the log in the order of time, in pieces; the same every time."""
    rng = np.random.default_rng(events)
    n_users, n_items = events // 10, events // 100
    sizes = 1 + rng.poisson(2.0, events // 3 + 1_000)
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), events)) + 1]
    sizes[-1] -= int(sizes.sum()) - events
    n = len(sizes)
    users = np.concatenate([rng.permutation(n_users), rng.integers(0, n_users, n - n_users)])
    rng.shuffle(users)
    begins = np.sort(rng.integers(0, DAYS * 86_400, n)) + FIRST_SECOND
    path_of(events).parent.mkdir(parents=True, exist_ok=True)
    unfinished = path_of(events).with_suffix(".tmp")
    ends = np.cumsum(sizes)
    with unfinished.open("wb") as file:
        file.write(b"user_id,item_id,timestamp,event\n")
        first = 0
        while first < n:
            begin = int(ends[first] - sizes[first])
            last = int(np.searchsorted(ends, begin + ROWS_AT_ONCE, side="right"))
            last = max(last, first + 1)
            own = np.repeat(np.arange(first, last), sizes[first:last])
            seconds = begins[own] + 40 * (np.arange(len(own)) + begin - (ends - sizes)[own])
            item = np.exp(rng.random(len(own)) * np.log(n_items)).astype(np.int64)
            faithful = rng.random(len(own)) < FAITHFUL
            tasted = item - item % TASTES + users[own] % TASTES
            item = np.where(faithful & (tasted < n_items), tasted, item)
            kind = rng.choice(len(KINDS), len(own), p=SHARES)
            rows = pa.table(
                {
                    "user_id": [f"u{user:07d}" for user in users[own]],
                    "item_id": [f"item-{place:06d}" for place in item],
                    "timestamp": seconds,
                    "event": np.array(KINDS, object)[kind],
                }
            )
            options = pa_csv.WriteOptions(include_header=False, quoting_style="none")
            pa_csv.write_csv(rows, file, options)
            first = last
    unfinished.replace(path_of(events))


def opened(events: int) -> Corpus:
    """The corpus of a decade, from the library of this benchmark."""
    return Library.open(WORK / "library").corpus(name_of(events))


Spent = tuple[float, float]
"""Seconds on the clock, and of the processor."""


def spent(work: Callable[[], object]) -> Spent:
    """What work takes."""
    began, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - busy


def start(events: int) -> Spent:
    """Nothing: what Python and the libraries take."""
    return 0.0, 0.0


def open_corpus(events: int) -> Spent:
    """Open it."""
    return spent(lambda: opened(events))


def history(events: int) -> Spent:
    """Open it and read the history of one user in the middle."""

    def read() -> None:
        corpus = opened(events)
        assert len(corpus.history(corpus.user_ids[len(corpus.user_ids) // 2]))

    return spent(read)


def search(events: int) -> Spent:
    """The slowest of some searches among the users, with a name and a city of each."""
    corpus = opened(events)
    n, rng = len(corpus.user_ids), np.random.default_rng(1)
    names = [
        f"{FIRST_NAMES[at % len(FIRST_NAMES)]} {code:x}"
        for at, code in enumerate(rng.integers(0, 2**28, n).tolist())
    ]
    columns = {"0": names, "1": np.array(CITIES, object)[rng.integers(0, len(CITIES), n)]}
    table = pa.table({"user_id": corpus.user_ids, **columns})
    named = [SimpleNamespace(name=name, kind=TEXT) for name in ("name", "city")]
    about = Attributes(SimpleNamespace(columns=tuple(named)), table, corpus.user_ids)  # type: ignore[arg-type]
    finder = UserFinder(corpus.user_ids, about)
    return max(spent(partial(finder.find, query)) for query in QUERIES)


def has_model(events: int) -> bool:
    """Whether the decade has a model."""
    return bool(Library.open(WORK / "library").model_folders(name_of(events)))


def timeline(events: int) -> Spent:
    """The data of a user's Timeline, beside an open model; what a click on a user costs."""
    from core.engine import Engine
    from core.views.interest_map import build_map
    from core.views.timeline.build import build_moment, build_timeline

    library = Library.open(WORK / "library")
    corpus = library.corpus(name_of(events))
    engine = Engine.open(corpus, library.model_folder(corpus.name), library)
    first, second = (corpus.user_ids[len(corpus.user_ids) // part] for part in (3, 2))
    build_map(engine)

    def look(user: str) -> None:
        view = build_timeline(engine, user)
        build_moment(engine, view, len(view.steps))

    look(first)  # also reads what all users share
    return spent(lambda: look(second))


STAGES: dict[str, Callable[[int], Spent]] = {
    "start": start,
    "open": open_corpus,
    "history": history,
    "search": search,
    "timeline": timeline,
}


def megabytes(what: str, pid: int | str = "self") -> float:
    """Memory of a process: ``VmRSS`` that it has, ``VmHWM`` the most that it has held."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) / 1024


class Figure(NamedTuple):
    """Seconds on the clock, peak memory in MB, and seconds of the processor where they say more."""

    seconds: float
    megabytes: float
    processor: float = 0.0

    @property
    def busy(self) -> float:
        """What other work on the machine does not add to, where that was measured."""
        return self.processor or self.seconds

    def __str__(self) -> str:
        of_it = f" ({self.processor:.3g} s of the processor)" if self.processor else ""
        return f"{self.seconds:.3g} s{of_it} {self.megabytes:.0f} MB"


def app(events: int) -> Figure:
    """Seconds until a browser shows another user's Timeline, and the server's memory then, in MB.

    Without a model the page says so, below the sidebar with the user's history.
    """
    from benchmarks.serving import IDLE, looking, served

    ids = opened(events).user_ids
    sight = ".st-key-pick_map .main-svg"
    if not has_model(events):
        sight = "text=No model has been trained"
    with served(library=WORK / "library") as server, looking() as page:
        for user in (ids[len(ids) // 3], ids[len(ids) // 2]):
            began = time.perf_counter()
            page.goto(f"{server.address}/timeline?corpus={name_of(events)}&user={user}")
            page.wait_for_selector(sight, timeout=300_000)
            page.wait_for_selector(IDLE, timeout=300_000)
            seconds = time.perf_counter() - began
        resident = megabytes("VmRSS", server.pid)
    return Figure(seconds, resident)


def command(*words: str) -> Figure:
    """What a command takes in a process of its own."""
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"TASTELINES_LIBRARY": str(WORK / "library")},
    )
    peak = 0.0
    while True:  # what wait4 says of memory begins with that of this process
        with suppress(OSError, StopIteration):
            peak = max(peak, megabytes("VmHWM", child.pid))
        pid, status, used = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        time.sleep(0.05)
    if status:
        raise SystemExit(f"{' '.join(words)} ended with {status}")
    return Figure(time.perf_counter() - began, peak, used.ru_utime + used.ru_stime)


def stage(name: str, events: int) -> Figure:
    """What one stage takes in a process of its own."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", "--stage", name, str(events)],
        check=True, cwd=PROJECT, capture_output=True, text=True,
    ).stdout  # fmt: skip
    seconds, processor, peak = json.loads(answer.splitlines()[-1])
    return Figure(seconds, peak, processor)


def measure(events: int, *, train: bool) -> dict[str, Figure]:
    """All stages of a decade."""
    if not path_of(events).exists():
        make(events)
    figures = {"import": command("core", "import", str(path_of(events)), "--name", name_of(events))}
    if train and not has_model(events):
        some = "--epochs", "1", "--users", str(TRAINED_USERS)
        figures["train"] = command("core", "train", name_of(events), *some)
    for name in STAGES:
        if name != "timeline" or has_model(events):
            figures[name] = stage(name, events)
    figures["app"] = app(events)
    said = " | ".join(f"{name} {figure}" for name, figure in figures.items())
    print(f"        {events:>10,} events: {said} (load {os.getloadavg()[0]:.1f})", flush=True)
    return figures


def main() -> int:
    """Measure the decades that were asked for; 1 where a bar is missed."""
    from benchmarks.measuring import Line, record, show  # torch, which no stage should count

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("decades", nargs="*", type=int, choices=DECADES, default=DECADES)
    parser.add_argument("--train", action="store_true", help="train a model where there is none")
    asked = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    found = {10**power: measure(10**power, train=asked.train) for power in asked.decades}
    lines = []
    largest = found.get(10**7, {})
    for name, (seconds, most) in BARS.items():
        if name in largest:
            took, peak, busy = largest[name]
            said = f"{took:.2f} s" + f", {busy:.2f} s of the processor" * bool(busy)
            lines += [
                Line(f"{name} at 10^7 events", f"{seconds:g} s", said, took <= seconds),
                Line(f"{name} at 10^7 events, peak", f"{most:.0f} MB", f"{peak:.0f} MB",
                     peak <= most),
            ]  # fmt: skip
    sizes = sorted(found)
    for few, many in pairwise(sizes):
        for name in [name for name in found[many] if name in found[few]]:
            growth = found[many][name].busy / max(found[few][name].busy, 1e-3)
            lines.append(
                Line(f"{name}: processor seconds, {many:,} events beside {few:,}",
                     f"at most {many / few:g} times", f"{growth:.1f} times", growth <= many / few)
            )  # fmt: skip
    record("scale", {"scale": [show(line) for line in lines]})
    return int(not all(line.met for line in lines))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stage"]:
        print(json.dumps((*STAGES[sys.argv[2]](int(sys.argv[3])), megabytes("VmHWM"))))
    else:
        sys.exit(main())

"""The Cohorts page at the size of its bars.

``python -m benchmarks.cohorts [map] [page] [browser] [large] [what_if]``.

*map*: 1,000 new states are placed in a process that never imports umap; their mean distance to
``UMAP.transform`` is taken on a map that is fitted here for it, on 4,000 other states of the demo
(the shipped map keeps no fitted model), beside the distance of ``UMAP.transform`` to itself with
another seed. *page*: 25 copies of the demo's users, 20,000 states on the map: what the server
computes for the first drawing, and from a region to its description.
*browser*: the same in Chromium, from a second visitor's request to the drawn page, and from the end
of a lasso to the described cohort. *large*: the message of the map with 200,000 users. *what_if*:
patterns for 1,000 users of music, where the library has a model of it, and for the demo's 800 and
200 of them again; how soon a stopped one ends; 50 users drawn at random against What-if. Seconds of
the server are processor time, beside them what the clock of a busy machine said.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
from playwright.sync_api import Page

from benchmarks.measuring import PROJECT, Line, record, show
from benchmarks.placing import NEW, fit_trial, queries_of
from benchmarks.serving import IDLE, looking, served
from core.cohorts.area import Area
from core.cohorts.pattern import Editor, Pattern
from core.cohorts.states import measure_states
from core.cohorts.what_if import measure_what_if
from core.compare.fork import run
from core.corpus.store import Library
from core.domain import Columns
from core.engine import Engine
from core.evaluate.protocols import find_report
from core.evaluate.report import EvaluationReport
from core.figures.cohorts import flow_figure, users_map
from core.figures.palette import PALETTES
from core.interest_map.placing import BALANCE, MEAN, MEDIAN, NEIGHBOURS, mean_push
from core.jobs import Job
from core.progress import Progress, ProgressCallback, StopCallback
from core.ranking import NO_ITEM
from core.views.cohorts.build import Everyone, build_cohort, build_flow, build_users_map
from core.views.cohorts.rows import UsersMap
from core.views.interest_map import build_map

ASKED, CHECKED, STOPS = 1_000, 50, 3
"""Users of a pattern; users who are asked for alone; times that one is stopped."""
ASKED_BAR, STOP_BAR = 60.0, 1.0
PATTERNS = {
    "demo": ("do=negative&last=1", "do=delete&kind=click", "do=text&last=1&text=It+broke+at+once"),
    "music": ("do=negative&last=1", "do=shift&by=-1", "do=delete&last=2"),
}
PLACED_BAR, APART_BAR = 0.05, 0.01
COPIES, DRAWN_BAR, DESCRIBED_BAR = 25, 3.0, 1.5
LARGE, MESSAGE_BAR = 200_000, 20.0
"""Users, and megabytes of all messages of their page."""


def opened() -> Engine:
    """The demo's engine beside an empty library."""
    library = Library.open(Path(tempfile.mkdtemp()))
    return Engine.open(library.corpus("demo"), library.model_folder("demo"), library)


def measure_map() -> list[Line]:
    """Speed and distance of placing."""
    engine = opened()
    queries = queries_of(engine)
    rng = np.random.default_rng(3)
    new = queries[rng.choice(len(queries), NEW, replace=False)]
    push = mean_push(engine.map.states, engine.map.anchor_positions)
    fresh = replace(engine.map, placing=BALANCE, push=push)  # as maps are made now
    seconds, wall = costs(lambda: fresh.place(new), 20)
    was_imported = "umap" in sys.modules
    lines = [
        show(
            Line(
                f"placing {NEW:,} states, {len(engine.map.anchors):,} anchors, no umap imported",
                f"{PLACED_BAR * 1000:.0f} ms",
                f"{seconds * 1000:.0f} ms (clock {wall * 1000:.0f}; median of 20)",
                seconds <= PLACED_BAR and not was_imported,
            )
        ),
    ]
    trial = fit_trial(queries, rng)
    one, two, three = trial.transformed
    placed = {how: way(trial.new) for how, way in trial.ways().items() if how in NEIGHBOURS}
    apart = {how: trial.apart(where, one) for how, where in placed.items()}
    noise, to_others = trial.apart(one, two), trial.apart(one, (two + three) / 2)
    to_mean = trial.apart(placed[BALANCE], trial.middle)
    lines.append(show(Line(
        f"mean distance of {NEW:,} placed states to UMAP.transform",
        f"{APART_BAR:.0%} of the map's width",
        f"{apart[BALANCE]:.2%} (maps of earlier versions: {apart[MEDIAN]:.2%} and "
        f"{apart[MEAN]:.2%})",
        bool(apart[BALANCE] <= APART_BAR),
    )))  # fmt: skip
    lines.append(show(Line(
        "the same between UMAP.transform and itself with another seed: without its numbers no "
        "placing can be much nearer than 1 / sqrt 2 of it",
        f"{APART_BAR * 2**0.5:.1%}, else that bar lies below its own noise", f"{noise:.2%}",
        noise <= APART_BAR * 2**0.5,
    )))  # fmt: skip
    lines.append(show(Line(
        "the same to the mean of three seeds of UMAP.transform",
        f"the distance of one seed to the mean of the others, {to_others:.2%}", f"{to_mean:.2%}",
        bool(to_mean <= to_others),
    )))  # fmt: skip
    return lines


def copies(n: int) -> Everyone:
    """The demo with every user n times, as the page holds it; nothing of it is on disk."""
    engine = opened()
    corpus, states = engine.corpus, measure_states(engine)
    frames = [
        corpus.events.assign(**{Columns.User: corpus.events[Columns.User] + f"-{copy:02}"})
        for copy in range(n)
    ]
    users = [
        engine.users.assign(**{Columns.User: engine.users[Columns.User] + f"-{copy:02}"})
        for copy in range(n)
    ]
    events = pd.concat(frames, ignore_index=True)
    engine.corpus = replace(corpus, events=events, folder=corpus.folder)
    engine.__dict__["users"] = pd.concat(users, ignore_index=True)
    rng = np.random.default_rng(2)
    positions = np.tile(states.positions, (n, 1))
    positions += rng.normal(0, 0.05, positions.shape).astype(np.float32)
    many = replace(
        states,
        positions=positions,
        topics=np.tile(states.topics, n),
        sentiments=np.tile(states.sentiments, n),
        said=sp.csr_matrix(sp.vstack([states.said] * n)),
    )
    return Everyone(engine, many, None)


def measure_page() -> list[Line]:
    """What the server does for 20,000 states."""
    everyone = copies(COPIES)
    engine, ink = everyone.engine, PALETTES["light"]
    users = len(engine.corpus.user_ids)
    report = evaluation(engine)
    map_view = build_map(engine)
    everybody = np.ones(users, np.bool_)

    def draw() -> None:
        fresh = Everyone(engine, everyone.states, None)
        view = build_users_map(fresh, None, "topic")
        users_map(view, map_view, ink).to_json()
        flow_figure(build_flow(fresh, everybody, None), ink).to_json()

    first, first_wall = costs(draw, 3)
    view = build_users_map(everyone, None, "topic")
    middle = np.median(view.positions, axis=0)
    corners = ((-2, -2), (2, -2), (2, 2), (-2, 2))
    area = Area(tuple((float(middle[0] + x), float(middle[1] + y)) for x, y in corners))

    def describe() -> None:
        chosen = np.zeros(users, np.bool_)
        chosen[view.places[area.holds(view.positions)]] = True
        build_cohort(everyone, "region", chosen, None, report, None)
        users_map(view, map_view, ink, chosen, area).to_json()

    described, described_wall = costs(describe, 3)
    what = f"{users:,} states, server's part of"
    return [
        show(
            Line(
                f"{what} the first drawing",
                f"{DRAWN_BAR:g} s",
                f"{first:.2f} s (clock {first_wall:.2f})",
                first <= DRAWN_BAR,
            )
        ),
        show(
            Line(
                f"{what} region to description",
                f"{DESCRIBED_BAR:g} s",
                f"{described:.2f} s (clock {described_wall:.2f})",
                described <= DESCRIBED_BAR,
            )
        ),
    ]


def costs(work: Callable[[], object], times: int) -> tuple[float, float]:
    """Median processor seconds and median seconds of some runs, after one that is not counted."""
    work()
    rows = []
    for _ in range(times):
        began, processor = time.perf_counter(), time.process_time()
        work()
        rows.append((time.process_time() - processor, time.perf_counter() - began))
    seconds, wall = np.median(rows, axis=0)
    return float(seconds), float(wall)


PRELUDE = """
import sys
sys.path.insert(0, {project!r})
from benchmarks.cohorts import COPIES, copies, evaluation
from pages._shared import cohorts, judging, loaders
if not hasattr(loaders, "copied"):
    loaders.copied = copies(COPIES)
    loaders.corpus = lambda name: loaders.copied.engine.corpus
    loaders.engine = lambda name, model: loaders.copied.engine
    cohorts.stored = lambda engine: loaders.copied
    judged = evaluation(loaders.copied.engine)
    judging.report = lambda engine, protocol: judged
"""
"""Goes before the app's own script, so that it opens the copies."""


def measure_browser() -> list[Line]:
    """The page with 20,000 states in Chromium."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for name in ("pages", "core", "benchmarks", ".streamlit", "data"):
            (home / name).symlink_to(PROJECT / name)
        first, later = (PROJECT / "app.py").read_text("utf-8").split("import sys", 1)
        script = home / "app.py"
        script.write_text(f"{first}{PRELUDE.format(project=str(PROJECT))}import sys{later}")
        with served(script) as server, looking(1280, 1000) as page:
            address = f"{server.address}/cohorts?corpus=demo"
            visit(page, address)  # opens the copies
            drawn = min(visit(page, address) for _ in range(3))
            described = min(lasso(page, shift) for shift in (0, 12, 24))
    return [
        show(
            Line(
                "20,000 states in Chromium: first drawing",
                f"{DRAWN_BAR:g} s",
                f"{drawn:.2f} s (best of 3 visits)",
                drawn <= DRAWN_BAR,
            )
        ),
        show(
            Line(
                "20,000 states in Chromium: lasso to description",
                f"{DESCRIBED_BAR:g} s",
                f"{described:.2f} s (best of 3)",
                described <= DESCRIBED_BAR,
            )
        ),
    ]


def visit(page: Page, address: str) -> float:
    """Seconds from the request to the drawn map and flow."""
    page.goto("about:blank")
    began = time.perf_counter()
    page.goto(address)
    for chart in ("users_map", "flow"):
        page.wait_for_selector(f".st-key-{chart} .main-svg", timeout=300_000)
    page.wait_for_function(
        "document.querySelector('.st-key-users_map image')?.href?.baseVal?.length > 100"
    )
    seconds = time.perf_counter() - began
    page.wait_for_selector(IDLE, timeout=60_000)
    page.wait_for_timeout(500)
    return seconds


def lasso(page: Page, shift: int) -> float:
    """Seconds from the end of a lasso to the description of whom it surrounds."""
    box = page.locator(".st-key-users_map .js-plotly-plot").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.4 + shift, box["y"] + box["height"] * 0.5
    said = page.get_by_text("Beyond the average they share")
    before = said.first.inner_text() if said.count() else ""
    page.mouse.move(x - 90, y - 80)
    page.mouse.down()
    for right, down in ((90, -80), (90, 80), (-90, 80), (-90, -60)):
        page.mouse.move(x + right, y + down, steps=5)
    began = time.perf_counter()
    page.mouse.up()
    page.wait_for_function(
        """before => [...document.querySelectorAll('[data-testid=stText]')].some(
            each => each.innerText.includes('Beyond the average they share')
                && each.innerText !== before)""",
        arg=before,
        timeout=60_000,
    )
    seconds = time.perf_counter() - began
    page.wait_for_selector(IDLE, timeout=60_000)
    page.wait_for_timeout(500)
    return seconds


def evaluation(engine: Engine) -> EvaluationReport | None:
    """The demo's evaluation for the first copy of its users."""
    report = find_report(opened().corpus, Library.open(), engine.folder)
    users = () if report is None else tuple(f"{user}-00" for user in report.users)
    return None if report is None else replace(report, users=users)


def measure_large() -> list[Line]:
    """The map of 200,000 users as JSON, with and without a cohort."""
    engine = opened()
    rng = np.random.default_rng(1)
    base, topics = engine.map.states, engine.map.state_topics
    rows = rng.integers(0, len(base), LARGE)
    positions = base[rows] + rng.normal(0, 0.1, (LARGE, 2)).astype(np.float32)
    ids = tuple(f"user-{at:07}" for at in range(LARGE))
    leading = topics[rows].astype(np.int64)
    view = UsersMap(
        None, np.arange(LARGE), ids, positions, leading, leading.astype(float),
        engine.topics.names, "Leading topic", "topic", "",
    )  # fmt: skip
    middle = np.median(base, axis=0)
    area = Area(tuple((float(middle[0] + x), float(middle[1] + y))
                      for x, y in ((-2, -2), (2, -2), (2, 2), (-2, 2))))  # fmt: skip
    began = time.perf_counter()
    chosen = area.holds(positions)
    figure = users_map(view, build_map(engine), PALETTES["light"], chosen, area)
    size = len(figure.to_json()) / 1e6
    seconds = time.perf_counter() - began
    return [
        show(
            Line(
                f"message of the map with {LARGE:,} users and a region of {chosen.sum():,}",
                f"{MESSAGE_BAR:g} MB",
                f"{size:.2f} MB, made in {seconds:.2f} s",
                size <= MESSAGE_BAR,
            )
        ),
    ]


def measure_what_ifs() -> list[Line]:
    """A pattern for 1,000 users: its seconds, Stop, and the same lists as single what-ifs."""
    library, lines = Library.open(), []
    known = {manifest.name for manifest in library.corpora()}
    for name in [each for each in ("demo", "music") if each in known]:
        engine = Engine.open(library.corpus(name), library.model_folder(name), library)
        for pattern in PATTERNS[name]:
            lines += what_if_lines(engine, Pattern.from_text(pattern))
    return lines


def what_if_lines(engine: Engine, pattern: Pattern) -> list[Line]:
    """The three lines of one pattern."""
    everybody, name = engine.corpus.user_ids, f"{engine.corpus.name}, {pattern.to_text()}"
    began, processor = time.perf_counter(), time.process_time()
    found = measure_what_if(engine, everybody[:ASKED], pattern)
    if (rest := ASKED - len(everybody)) > 0:
        engine.interest._states.clear()
        measure_what_if(engine, everybody[:rest], pattern)
    seconds, clock = time.process_time() - processor, time.perf_counter() - began
    engine.interest._states.clear()
    started = threading.Event()

    def work(progress: ProgressCallback, stop: StopCallback) -> object:
        def tell(now: Progress) -> None:
            progress(now)
            if now.done >= ASKED // 8:
                started.set()

        return measure_what_if(engine, everybody, pattern, progress=tell, stop=stop)

    slowest = 0.0
    for _ in range(STOPS):
        started.clear()
        job = Job("what_if", "stopped", work)
        started.wait(120)
        told = time.perf_counter()
        job.stop()
        job.future.exception(120)
        slowest = max(slowest, time.perf_counter() - told)
    rng, same = np.random.default_rng(5), 0
    places = rng.choice(np.flatnonzero(found.affected), CHECKED, replace=False)
    editor = Editor(engine, pattern)
    for at in places.tolist():
        base = engine.corpus.history(found.user_ids[at])
        fork = run(engine, base, editor.edits(base))
        same += all(
            [engine.corpus.item_index[item.item_id] for item in shown.items]
            == lists[at][lists[at] != NO_ITEM].tolist()
            for shown, lists in ((fork.before, found.before), (fork.after, found.after))
        )
    changed = f"{found.changed.sum()} of {found.affected.sum()} lists change"
    return [
        show(
            Line(
                f"{name}: {ASKED:,} users",
                f"{ASKED_BAR:g} s",
                f"{seconds:.1f} s (clock {clock:.1f}), {changed}",
                seconds <= ASKED_BAR,
            )
        ),
        show(
            Line(
                f"{name}: stopped, the slowest of {STOPS}",
                f"{STOP_BAR:g} s",
                f"{slowest:.2f} s",
                slowest <= STOP_BAR,
            )
        ),
        show(
            Line(
                f"{name}: the lists of single what-ifs",
                f"{CHECKED} of {CHECKED}",
                f"{same} of {CHECKED}",
                same == CHECKED,
            )
        ),
    ]


PARTS = {
    "map": measure_map,
    "page": measure_page,
    "browser": measure_browser,
    "large": measure_large,
    "what_if": measure_what_ifs,
}


if __name__ == "__main__":
    asked = [name for name in sys.argv[1:] if name in PARTS] or list(PARTS)
    found = {name: PARTS[name]() for name in asked}
    record("cohorts", found)
    sys.exit(not all(line.met for lines in found.values() for line in lines))

"""What a click costs: ``python -m benchmarks.reruns``.

The app runs with an empty library on the demo, at the user with most events, and Chromium presses
keys and buttons. Processor time is that of the server's process, all its threads, over a number of
reruns of things that were shown before, so no model is asked; beside it stands the same for a
script with one slider, which is what Streamlit itself costs. The time to the next step runs in the
browser, from the key press to the second frame after every chart of the Timeline stands at the new
step. An argument is the number of reruns (20).
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

from benchmarks.measuring import Line, record, show
from benchmarks.serving import IDLE, Server, busiest_user, looking, seconds_below, served

RERUNS = 20
BARS = {"timeline": 0.07, "explain": 0.10, "what_if": 0.10, "compare": 0.10}
"""Seconds of processor time on the server."""
REST = 500
"""Milliseconds in which the browser ends what a step began."""
DRAWN_BAR = 0.4
"""Seconds from a key press to the next step drawn, p95."""
DRAWN = {
    "timeline": ".st-key-pick_step_sizes .main-svg",
    "explain": ".st-key-waterfall .main-svg",
    "what_if": ".st-key-pick_map .main-svg",
    "compare": ".st-key-pick_flow .main-svg",
}
TRIVIAL = 'import streamlit as st\nst.write(st.slider("Time", 1, 100, 50))\n'
WATCH = """() => {
    window.took = null;
    const plots = () => [...document.querySelectorAll(".js-plotly-plot")]
        .filter(plot => (plot.layout?.shapes ?? []).some(shape => shape.yref === "paper"));
    const place = plot => plot.layout.shapes.find(shape => shape.yref === "paper").x0;
    const before = plots().map(place);
    addEventListener("keydown", () => {
        const began = performance.now();
        const look = () => {
            const now = plots().map(place);
            const moved = now.length === before.length && now.every((x, at) => x !== before[at]);
            if (!moved) return requestAnimationFrame(look);
            requestAnimationFrame(() => requestAnimationFrame(
                () => { window.took = performance.now() - began; }));
        };
        look();
    }, {capture: true, once: true});
}"""


def settle(page: Page) -> None:
    """Wait until the script has started and ended."""
    page.wait_for_timeout(150)
    page.wait_for_selector(IDLE, timeout=120_000)
    page.wait_for_timeout(50)


def press(page: Page, key: str) -> None:
    """One step on the slider of time."""
    page.get_by_role("slider").first.focus()
    page.keyboard.press(key)
    settle(page)


def seconds_each(server: Server, work: Callable[[int], object], times: int) -> float:
    """Processor seconds of the server for each of ``times`` reruns."""
    began = server.seconds()
    for number in range(times):
        work(number)
    return (server.seconds() - began) / times


def there_and_back(page: Page) -> Callable[[int], None]:
    """Steps between two times that were both shown before."""
    return lambda number: press(page, "ArrowLeft" if number % 2 else "ArrowRight")


def measure_page(server: Server, page: Page, name: str, reruns: int) -> float:
    """Processor seconds of a step on a page that has shown both times."""
    user, events = busiest_user()
    page.goto(f"{server.address}/{name}?corpus=demo&user={user}&time={events - 6}")
    page.locator(DRAWN[name]).first.wait_for(timeout=120_000)
    settle(page)
    step = there_and_back(page)
    for number in range(4):
        step(number)
        # Pieces of an explanation are computed beside the page.
        pieces = re.compile("Computing|Searching for|Testing the|Reading it word")
        page.get_by_text(pieces).first.wait_for(state="detached", timeout=120_000)
        settle(page)
    return seconds_each(server, step, reruns)


def measure_trivial(reruns: int) -> float:
    """The same for a script with one slider."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "trivial.py"
        script.write_text(TRIVIAL)
        with served(script) as server, looking() as page:
            page.goto(server.address)
            page.get_by_role("slider").wait_for(timeout=120_000)
            settle(page)
            step = there_and_back(page)
            step(1)
            step(0)
            return seconds_each(server, step, reruns)


def time_to_drawn(server: Server, page: Page, steps: int) -> tuple[list[float], float]:
    """Seconds from the key to the next step drawn, each step shown for the first time.

    Also the browser's processor seconds a step, which say more where the machine is busy.
    """
    user, events = busiest_user()
    page.goto(f"{server.address}/timeline?corpus=demo&user={user}&time={events - steps - 1}")
    page.locator(DRAWN["timeline"]).first.wait_for(timeout=120_000)
    settle(page)
    press(page, "ArrowRight")
    took = []
    began = seconds_below(os.getpid()) - server.seconds()
    for _ in range(steps):
        page.get_by_role("slider").first.focus()
        page.evaluate(WATCH)
        page.keyboard.press("ArrowRight")
        page.wait_for_function("() => window.took !== null", timeout=120_000)
        took.append(page.evaluate("window.took") / 1000)
        settle(page)
        page.wait_for_timeout(REST)
    return took, (seconds_below(os.getpid()) - server.seconds() - began) / steps


def run(reruns: int) -> list[Line]:
    """Everything, as lines."""
    trivial = measure_trivial(reruns)
    lines = [
        Line("processor time of a rerun, script with one slider", "–", f"{trivial:.3f} s", True)
    ]
    show(lines[0])
    with served() as server, looking() as page:
        for name, bar in BARS.items():
            each = measure_page(server, page, name, reruns)
            times = f", {each / trivial:.0f} times the slider's" if trivial else ""
            what = f"processor time of a step on {name}, server, demo"
            lines.append(show(Line(what, f"{bar:g} s", f"{each:.3f} s{times}", each <= bar)))
        took, browser = time_to_drawn(server, page, reruns)
    p95, middle = np.percentile(took, 95), np.median(took)
    what = f"key press to the next step drawn, Chromium, p95 of {len(took)}"
    load = os.getloadavg()[0]
    beside = f"Chromium and its driver {browser:.2f} s of processor a step; load {load:.0f}"
    measured = f"{p95:.2f} s (median {middle:.2f}; {beside})"
    lines.append(show(Line(what, f"{DRAWN_BAR:g} s", measured, bool(p95 <= DRAWN_BAR))))
    return lines


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else RERUNS
    measured = run(asked)
    if asked == RERUNS:
        record("reruns", {"reruns": measured})
    sys.exit(not all(line.met for line in measured))

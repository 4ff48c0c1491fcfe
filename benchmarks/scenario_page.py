"""From Enter in the table of What-if to the changed list: ``python -m benchmarks.scenario_page``.

The app runs with an empty library on the demo, in Chromium, at the user with most events. Time runs
in the browser, from the key press to the second frame after the list with the new number of edits
is there. Edits add up, as they do in a session. An argument is the number of edits (30).
"""

from __future__ import annotations

import random
import sys
import time

import numpy as np
from playwright.sync_api import Page, TimeoutError

from benchmarks.measuring import Line, record, show
from benchmarks.serving import IDLE, busiest_user, looking, served
from core.corpus.store import Library

EDITS, BAR = 30, 1.0
TEXT_EVERY = 5
"""Every so many edits one is a new text, which has to be encoded."""
HEADER, ROW = 35, 33
RATING, TEXT = 331, 480
"""Pixels from the table's left edge at 1920 px."""
WORDS = ("the", "sound", "is", "dull", "and", "it", "broke", "after", "a", "week", "but", "cheap")
WATCH = """n => {
    window.took = null;
    const label = new RegExp(`^Both lists by .*\\\\. With ${n} edit`);
    addEventListener("keydown", event => {
        if (event.key !== "Enter") return;
        const began = performance.now();
        const look = () => {
            const there = [...document.querySelectorAll("[data-testid=stDataFrameResizable]")]
                .some(one => label.test(one.getAttribute("aria-label") ?? ""));
            if (!there) return requestAnimationFrame(look);
            requestAnimationFrame(() => { window.took = performance.now() - began; });
        };
        look();
    }, {capture: true, once: true});
}"""


def measure(page: Page, edits: int) -> tuple[list[float], list[float]]:
    """Seconds of each edit: those that change a rating, and those that write a new text."""
    rng = random.Random(time.time_ns())  # texts that no earlier run left in the vector cache
    rated = rated_rows(page)
    ratings: list[float] = []
    texts: list[float] = []
    for number in range(1, edits + 1):
        is_text = number % TEXT_EVERY == 0
        row = rated[number % len(rated)]
        value = " ".join(rng.choice(WORDS) for _ in range(80)) if is_text else 1 + 0.1 * number
        open_cell(page, row, TEXT if is_text else RATING)
        page.evaluate(WATCH, number)
        page.locator("#portal :is(input, textarea)").first.fill(str(value))
        page.keyboard.press("Enter")
        page.wait_for_function("() => window.took !== null", timeout=60_000)
        (texts if is_text else ratings).append(page.evaluate("window.took") / 1000)
        page.wait_for_timeout(300)
        page.wait_for_selector(IDLE, timeout=60_000)
    return ratings, texts


def rated_rows(page: Page) -> list[int]:
    """Rows on the screen whose event has a rating and a text."""
    corpus = Library.open().corpus("demo")
    user = page.url.split("user=")[1].split("&")[0]
    events = corpus.history(user).events[::-1][:9]
    return [row for row, event in enumerate(events, start=1) if event.rating and event.text]


def open_cell(page: Page, row: int, x: int) -> None:
    """Open the editor of a cell; a first click may only give focus."""
    table = page.locator("[class*='st-key-history_'] [data-testid=stDataFrame]")
    for _ in range(5):
        box = table.bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + x, box["y"] + HEADER + ROW * (row + 0.5))
        page.wait_for_timeout(150)
        page.keyboard.press("Enter")
        try:
            page.locator("#portal :is(input, textarea)").first.wait_for(timeout=2_000)
            return
        except TimeoutError:
            continue
    raise AssertionError("the cell's editor did not open")


def run(edits: int = EDITS) -> list[Line]:
    """Start the app and measure."""
    user, _ = busiest_user()
    with served() as server, looking() as page:
        page.goto(f"{server.address}/what_if?corpus=demo&user={user}")
        page.locator(".st-key-pick_map .main-svg").first.wait_for(timeout=60_000)
        page.wait_for_selector(IDLE, timeout=60_000)
        ratings, texts = measure(page, edits)
    both = ratings + texts
    p95, middle = np.percentile(both, 95), np.median(both)
    return [
        show(Line(
            f"Enter to the changed list in Chromium, p95 of {len(both)} edits", f"{BAR:g} s",
            f"{p95:.2f} s (median {middle:.2f}, with a new text {np.median(texts):.2f})",
            bool(p95 <= BAR),
        )),
    ]  # fmt: skip


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else EDITS
    lines = run(asked)
    if asked == EDITS:
        record("scenario_page", {"page": lines})
    sys.exit(not all(line.met for line in lines))

"""The app in Debian's Chromium: started once, with a temporary library, and watched."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Download,
    Error,
    FloatRect,
    Locator,
    Page,
    TimeoutError,
    ViewportSize,
    expect,
    sync_playwright,
)

from core.corpus.store import Library

PROJECT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
IDLE = '[data-testid=stApp][data-test-script-state="notRunning"]'
WAIT = 120_000
"""Milliseconds after which a busy machine is no excuse."""
SOON = 3_000
"""Milliseconds for what is there already, unless a rerun replaces it."""
HOVERED = """chart => {
    const place = document.querySelector(chart);
    const plot = place?.closest('.js-plotly-plot') || place?.querySelector('.js-plotly-plot');
    return plot?._hoverdata?.length;
}"""
TABLE_HEAD, TABLE_ROW = 35, 35
"""Heights in a table, pixels."""
VIEWPORT: ViewportSize = {"width": 1280, "height": 900}
MOST_SHOWN = 4_000
"""Characters of a page that are shown with a failure."""
HEARD = 100
"""Milliseconds in which the page asks the server what a click or a key asks for."""
LISTEN = """(() => {
    const send = WebSocket.prototype.send;
    window.asked = window.answered = 0;
    WebSocket.prototype.send = function (...message) {
        if (!this.isWatched) this.addEventListener('message', () => window.answered = window.asked);
        this.isWatched = true;
        window.asked += 1;
        return send.apply(this, message);
    };
})()"""
"""Counts what the page asks a server, which says that the script runs only once it answers."""
ANSWERED = "() => window.asked === window.answered"
PATIENT = 10_000
"""Milliseconds for a busy server to begin its answer, where one is due."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives Chromium."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With a failure say where the tab was and what stood there."""
    report = yield
    tab = getattr(item, "funcargs", {}).get("tab")
    if report.when == "call" and report.failed and isinstance(tab, Tab):
        with contextlib.suppress(Error):
            report.sections.append((tab.page.url, tab.page.inner_text("body")[:MOST_SHOWN]))
    return report


@pytest.fixture(scope="session")
def app_library(tmp_path_factory: pytest.TempPathFactory, measured: Path) -> Path:
    """The running app's library."""
    folder = tmp_path_factory.mktemp("app") / "library"
    folder.mkdir()
    shutil.copy(measured, folder)
    return folder


@pytest.fixture(scope="session")
def app(app_library: Path) -> Iterator[str]:
    """The running app's address."""
    port = free_port()
    log = (app_library.parent / "log.txt").open("w+")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "core",
            "app",
            f"--port={port}",
            "--no-browser",
        ],
        cwd=PROJECT,
        env=os.environ | {"TASTELINES_LIBRARY": str(app_library)},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(address, process, log.name)
        yield address
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def free_port() -> int:
    """A port of this machine that nothing listens to."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def wait_until_healthy(address: str, process: subprocess.Popen[bytes], log: str) -> None:
    """Return when the server answers; fail with its log when it ends or takes minutes."""
    end = time.monotonic() + WAIT / 1000
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the app did not start: {Path(log).read_text()[-2000:]}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        expect.set_options(timeout=WAIT)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def busy_user() -> str:
    """A user of the demo corpus with a long history."""
    corpus = Library.open().corpus("demo")
    counts = corpus.user_starts[1:] - corpus.user_starts[:-1]
    return corpus.user_ids[int(counts.argmax())]


@dataclass
class Tab:
    """One tab, and all that it complained about."""

    page: Page
    address: str
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Tab:
        """Go somewhere and wait until the script has run once."""
        self.page.goto(self.address + path)
        return self.idle()

    def settle(self) -> Tab:
        """Wait until the script has run to its end after a click or a key."""
        self.page.wait_for_timeout(HEARD)
        with contextlib.suppress(TimeoutError):
            self.page.wait_for_function(ANSWERED, timeout=PATIENT)
        return self.idle()

    def idle(self) -> Tab:
        """Wait until the script doesn't run."""
        self.page.wait_for_selector(IDLE, timeout=WAIT)
        return self

    def drawn(self, chart: str) -> Tab:
        """Wait until a chart of the Timeline is there."""
        self.page.wait_for_selector(f".st-key-pick_{chart} .js-plotly-plot .main-svg", timeout=WAIT)
        return self.idle()

    def wait_for_url(self, part: str) -> Tab:
        """Wait until the address holds ``part``."""
        self.page.wait_for_url(lambda url: part in url, timeout=WAIT)
        return self.idle()

    @property
    def step(self) -> int:
        """The selected time, as the address says."""
        return int(self.page.url.split("time=")[1].split("&")[0])

    def click_point(self, chart: str, trace: str, point: int) -> None:
        """Click one mark of a chart, found through plotly's own scales."""
        self.drawn(chart)
        self.click_found(
            f".st-key-pick_{chart}",
            """([chart, name, point]) => {
                const plot = document.querySelector(`.st-key-pick_${chart} .js-plotly-plot`);
                const drawn = plot.calcdata.find(data => data[0].trace.name === name);
                const {xaxis, yaxis} = plot._fullLayout;
                const mark = drawn[point], bar = drawn[0].trace.type === 'bar';
                const box = plot.getBoundingClientRect();
                return [
                    box.left + xaxis._offset + xaxis.c2p(bar ? mark.p : mark.x),
                    box.top + yaxis._offset + yaxis.c2p(bar ? 0.5 : mark.y),
                ];
            }""",
            [chart, trace, point],
        )

    def click_found(self, chart: str, script: str, arg: object = None) -> list[Any]:
        """Click where a script finds a mark in the chart of a selector; what the script returned.

        The script returns x, y and whatever else the caller wants.
        """
        place = self.page.locator(chart).first
        found: list[Any] = self._resting(place, lambda: self.page.evaluate(script, arg))
        x, y = found[:2]
        for _ in range(3):
            self.page.mouse.move(x - 4, y - 4)
            self.page.mouse.move(x, y, steps=3)
            with contextlib.suppress(TimeoutError):  # plotly takes no click until it sees the mouse
                self.page.wait_for_function(HOVERED, arg=chart, timeout=SOON)
                break
        self.page.wait_for_timeout(120)
        self.page.mouse.click(x, y)
        return found

    def box(self, place: Locator) -> FloatRect:
        """Where a thing stands, in view, once it has come to rest."""
        found: FloatRect = self._resting(place, lambda: place.bounding_box(timeout=SOON))
        return found

    def click_at(self, place: Locator, x: float, y: float) -> None:
        """Click so many pixels from the left (negative: from the right) and top of a thing."""
        box = self.box(place)
        self.page.mouse.click(box["x"] + (x if x >= 0 else box["width"] + x), box["y"] + y)

    def unfold(self, name: str, sight: Locator) -> None:
        """Open the popover of a button; one that a rerun closed or never opened is asked again."""
        button = self.page.get_by_role("button", name=name, exact=True).first
        for _ in range(5):
            self.box(button)
            if not sight.is_visible():
                button.click()
            with contextlib.suppress(TimeoutError):
                sight.wait_for(timeout=10_000)
                return
        raise AssertionError(f"{name} did not open")

    def click_row(self, table: Locator, x: float, row: int = 0) -> None:
        """Click a table's row, so many pixels from the left, or right, of the table."""
        table.locator("canvas").first.wait_for()
        self.click_at(table, x, TABLE_HEAD + TABLE_ROW * (row + 0.5))

    def _resting(self, place: Locator, look: Callable[[], Any]) -> Any:
        """What a look at something gives twice running: a rerun puts new elements in its place."""
        before = None
        end = time.monotonic() + WAIT / 1000
        while time.monotonic() < end:
            self.settle()
            with contextlib.suppress(Error):
                place.scroll_into_view_if_needed(timeout=SOON)
                now = look()
                if now is not None and now == before:
                    return now
                before = now
        raise AssertionError(f"{place} did not come to rest")

    def trace(self, chart: str, name: str) -> dict:
        """One trace of a drawn chart, as plotly holds it."""
        self.drawn(chart)
        found: dict = self.page.evaluate(
            """([chart, name]) => {
                const plot = document.querySelector(`.st-key-pick_${chart} .js-plotly-plot`);
                const trace = plot._fullData.find(trace => trace.name === name);
                return {x: Array.from(trace.x), y: Array.from(trace.y),
                        steps: trace.customdata ? Array.from(trace.customdata) : []};
            }""",
            [chart, name],
        )
        return found

    def rule(self, charts: Sequence[str], other_than: str = "") -> str:
        """Where the rule at the selected time stands, once all charts agree on a new place."""
        for chart in charts:
            self.drawn(chart)
        found = self.page.wait_for_function(
            """([charts, old]) => {
                const places = charts.map(chart => String(
                    document.querySelector(`.st-key-pick_${chart} .js-plotly-plot`)
                        ._fullLayout.shapes[0].x0));
                return new Set(places).size === 1 && places[0] !== old && places[0];
            }""",
            arg=[list(charts), other_than],
            timeout=WAIT,
        )
        place: str = found.json_value()
        return place

    def choose(self, picker: str, option: str) -> None:
        """Pick an option of a list; one that a rerun closed is opened again."""
        row = self.page.get_by_role("option", name=option, exact=True)
        for _ in range(5):
            self.settle()
            self.page.get_by_role("combobox", name=picker, exact=True).click()
            with contextlib.suppress(TimeoutError):
                row.click(timeout=10_000)
                break
        else:
            raise AssertionError(f"{picker} does not offer {option}")
        self.settle()

    def share(self) -> str:
        """The address that Share offers."""
        self.page.get_by_role("button", name="Share", exact=True).click()
        link: str = self.page.get_by_test_id("stPopoverBody").locator("code").inner_text()
        return link.strip()

    def follow(self, link: str) -> Tab:
        """Open an address that another tab has shared."""
        return self.open(link.removeprefix(self.address))

    def take(self, label: str, folder: Path) -> str:
        """What a button of the open Export popover saves.

        A kind of file in its label tells it from what a click before, taken twice, saves late.
        """
        kind = re.search(r"\((HTML|JSON|CSV)\)", label)
        ending = f".{kind[1].lower()}" if kind else ""

        def is_asked(saved: Download) -> bool:
            return saved.suggested_filename.endswith(ending)

        button = self.page.get_by_role("button", name=label)
        for last in (False, False, True):
            wait = WAIT if last else 10_000
            try:
                with self.page.expect_download(is_asked, timeout=wait) as download:
                    button.click(timeout=wait)
                break
            except TimeoutError:  # a run of the script had closed it or taken the click
                if last:
                    raise
                if not button.is_visible():
                    self.page.get_by_role("button", name="Export", exact=True).first.click()
        target = folder / download.value.suggested_filename
        download.value.save_as(target)
        return target.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """A function that returns the one context of some options: its cache of the app is warm."""
    contexts: dict[tuple[tuple[str, object], ...], BrowserContext] = {}

    def context_of(**options: Any) -> BrowserContext:
        key = tuple(sorted(options.items()))
        if key not in contexts:
            contexts[key] = browser.new_context(
                viewport=VIEWPORT,
                reduced_motion="reduce",  # drawing what moves was a seventh of Chromium's work
                **options,
            )
            contexts[key].set_default_timeout(WAIT)
            contexts[key].add_init_script("delete window.showSaveFilePicker")
            contexts[key].add_init_script(LISTEN)
        return contexts[key]

    yield context_of
    for opened in contexts.values():
        opened.close()


@pytest.fixture
def open_tab(app: str, context: Callable[..., BrowserContext]) -> Iterator[Callable[..., Tab]]:
    """A function that opens a tab of its own; afterwards no tab may have complained.

    Tabs with other options are in another browser as far as storage and cookies go.
    """
    tabs: list[Tab] = []

    def open_one(**options: Any) -> Tab:
        tab = Tab(context(**options).new_page(), app)
        tab.page.on("pageerror", lambda error: tab.errors.append(str(error)))
        tab.page.on("console", lambda message: note_console(tab, message))
        tab.page.on("request", lambda request: note_request(tab, request.url))
        tabs.append(tab)
        return tab

    yield open_one
    for tab in tabs:
        if tab.page.url.startswith(app):
            tab.page.evaluate("localStorage.clear()")
        tab.page.close()
        tab.page.context.clear_cookies()
    for tab in tabs:
        assert not tab.errors
        assert not tab.outside


def note_console(tab: Tab, message) -> None:
    """Keep errors, but for Streamlit's own probing of a deep link's folder, which answers 404."""
    if message.type == "error" and "/_stcore/" not in (message.location or {}).get("url", ""):
        tab.errors.append(f"{message.text} {message.location}")


def note_request(tab: Tab, url: str) -> None:
    """Keep requests that leave this machine."""
    if not url.startswith((tab.address, tab.address.replace("http", "ws"), "data:", "blob:")):
        tab.outside.append(url)


@pytest.fixture
def tab(open_tab) -> Tab:
    """One tab."""
    opened: Tab = open_tab()
    return opened

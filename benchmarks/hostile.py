"""Words of strangers: ``python -m benchmarks.hostile``.

Of 300 payloads, each of the test's 25 in 12 surroundings, most stand in ids, titles, categories and
texts of a corpus, in what people keep of it, and in addresses. Chromium opens every page about its
users, once as it is and once with a payload for every choice in the address, and every HTML export.
Counted are scripts that ran, elements made of a payload, and requests to another host. An argument
is the number of users (26, all).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.measuring import Line, record, show
from benchmarks.serving import IDLE, looking, served
from core.corpus.store import Library
from tests.browser.hostile import (
    PAGES,
    PAYLOADS,
    USERS,
    address,
    fill,
    hostile_address,
    nothing_ran,
)

SURROUNDINGS = (
    *("{}", "'{}", '"{}', "`{}`", "-->{}<!--", "]]>{}", "</style>{}"),
    *("</textarea>{}", "</title>{}", "$${}$$", "<b>{}</b>", "[x]({})"),
)
ALL = [surrounding.format(payload) for surrounding in SURROUNDINGS for payload in PAYLOADS]
PATIENCE = 120_000
REST = 1_500
"""Milliseconds after a page has stood still in which a payload may yet run."""


def exports(page: Page, folder: Path) -> list[Path]:
    """The HTML files that a page offers."""
    saved: list[Path] = []
    button = page.get_by_role("button", name="Export", exact=True)
    if not button.count():
        return saved
    button.first.click()
    offered = page.get_by_test_id("stPopoverBody").get_by_role("button")
    for label in [label for label in offered.all_inner_texts() if "HTML" in label]:
        with page.expect_download(timeout=PATIENCE) as download:
            page.get_by_role("button", name=label).click()
        saved.append(folder / f"{len(list(folder.iterdir()))}.html")
        download.value.save_as(saved[-1])
    return saved


def run(users: int) -> list[Line]:
    """All pages and exports, counted."""
    opened, made, ran, outside = 0, 0, [], []
    with tempfile.TemporaryDirectory() as name, served(library=Path(name) / "library") as server:
        folder = Path(name) / "exports"
        folder.mkdir()
        (Path(name) / "library").mkdir(exist_ok=True)
        ids = fill(Library.open(Path(name) / "library"), Path(name), ALL)[:users]
        own = (server.address, server.address.replace("http", "ws"), "data:", "blob:", "file:")
        with looking() as page:
            page.add_init_script("delete window.showSaveFilePicker")
            page.on("request", lambda request: request.url.startswith(own) or outside.append(
                request.url))  # fmt: skip
            page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
            for at, user in enumerate(ids):
                for name in PAGES:
                    shifted = ALL[at * len(PAGES) :] + ALL[: at * len(PAGES)]
                    for path in (address(name, user), hostile_address(name, shifted)):
                        page.goto(server.address + path)
                        page.wait_for_selector(IDLE, timeout=PATIENCE)
                        page.wait_for_timeout(REST)
                        page.wait_for_selector(IDLE, timeout=PATIENCE)
                        opened += 1
                        if not nothing_ran(page):
                            ran.append(path)
                    page.goto(server.address + address(name, user))
                    page.wait_for_selector(IDLE, timeout=PATIENCE)
                    page.wait_for_timeout(REST)
                    page.wait_for_selector(IDLE, timeout=PATIENCE)
                    for file in exports(page, folder):
                        page.goto(file.as_uri())
                        page.wait_for_timeout(REST)
                        made += 1
                        if not nothing_ran(page):
                            ran.append(str(file))
                print(f"{at + 1} of {len(ids)} users: {opened} pages, {made} exports", flush=True)
    for what in (*ran[:5], *outside[:5]):
        print("  ", what[:200])
    return [
        Line(f"scripts that {len(ALL)} payloads ran on {opened} pages and {made} exports", "0",
             str(len(ran)), not ran),
        Line("requests to another host from them", "0", str(len(outside)), not outside),
    ]  # fmt: skip


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else USERS
    lines = [show(line) for line in run(asked)]
    if asked == USERS:
        record("hostile", {"hostile": lines})
    sys.exit(not all(line.met for line in lines))

"""Words of strangers in every field of a corpus: no page and no export runs or loads anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.cohorts.store import CohortStore
from core.corpus.store import Library
from core.notebook import Notebook
from core.scenario.store import ScenarioStore
from tests.browser.hostile import NAME, PAGES, address, fill, hostile_address, nothing_ran

STORES = (Notebook, ScenarioStore, CohortStore)


SAMPLE = ("cohorts", "explain", "compare", "notebook")
"""Pages of a usual run; ``benchmarks.hostile`` opens all."""


@pytest.fixture(scope="module")
def user(app: str, app_library: Path) -> Iterator[str]:
    """A user of a corpus whose every field is a payload, in the running app's library."""
    library = Library.open(app_library)
    users = fill(library, app_library.parent)
    yield users[0]
    for store in (kind.open(library) for kind in STORES):
        for entry in store.entries(NAME):
            store.delete(entry)
    for kind in ("corpora", "models"):
        shutil.rmtree(app_library / kind / NAME)


@pytest.mark.parametrize("name", PAGES if "TASTELINES_THOROUGH" in os.environ else SAMPLE)
def test_hostile_words_run_nothing_and_load_nothing(
    name: str, open_tab, user: str, tmp_path: Path
) -> None:
    tab = open_tab()
    dialogs: list[str] = []
    tab.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    tab.open(address(name, user))
    tab.page.wait_for_timeout(1_000)
    tab.idle()
    assert nothing_ran(tab.page), name
    if name == "monitor":  # its words are in tables, which Streamlit paints
        tab.page.get_by_text("carry half of it").first.wait_for()
    elif name not in (
        "",
        "users",
        "cohorts",
        "corpora",
        "quality",
    ):  # the words are there, as words
        tab.page.wait_for_function("() => document.body.innerText.includes('window.hit')")
    export = tab.page.get_by_role("button", name="Export", exact=True)
    if export.count():
        export.first.click()
        labels = tab.page.get_by_test_id("stPopoverBody").get_by_role("button").all_inner_texts()
        for label in [label for label in labels if "HTML" in label]:
            tab.take(label, tmp_path)
        for report in tmp_path.glob("*.html"):
            tab.page.goto(report.as_uri())
            tab.page.wait_for_timeout(1_000)
            assert nothing_ran(tab.page), report.name
        tab.outside[:] = [url for url in tab.outside if not url.startswith("file:")]
    tab.open(hostile_address(name)).settle()
    assert nothing_ran(tab.page), name
    assert not dialogs

"""The app in a temporary library, driven without a browser."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from core import jobs
from core.corpus import store
from core.corpus.importing import import_files
from core.corpus.store import Corpus, Library
from core.processes import Task
from core.views.explain.explaining import Explaining
from pages._shared import working

PROJECT = Path(__file__).resolve().parents[2]

Open = Callable[..., AppTest]
SECONDS = 180
"""How long the pieces of an explanation may take on a busy machine."""


@pytest.fixture(scope="session", autouse=True)
def packages_are_scanned_once() -> None:
    """Each run of AppTest reads the metadata of all installed packages: half of its time."""
    found = manifest_scanner.scan_component_manifests()
    manifest_scanner.scan_component_manifests = lambda *_: found  # type: ignore[assignment]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """An empty library in which the demo corpus is not there either."""
    monkeypatch.setattr(store, "DATA", tmp_path / "no-data")
    monkeypatch.setenv("TASTELINES_LIBRARY", str(tmp_path / "library"))
    return Library.open()


@pytest.fixture
def shop(library: Library, tmp_path: Path) -> Library:
    """A library with the small corpus "shop" and no model."""
    lines = ["user_id,item_id,timestamp,rating,text"]
    lines += [
        f"u{at % 7},i{at % 11},2024-{1 + at % 9:02}-{1 + at % 9:02},{1 + at % 5},fine thing {at}"
        for at in range(120)
    ]
    path = tmp_path / "shop.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    import_files(library, "shop", [path])
    return library


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: Path) -> Corpus:
    """An empty library beside the shipped demo corpus and its model."""
    (tmp_path / "library").mkdir()
    shutil.copy(measured, tmp_path / "library")
    monkeypatch.setenv("TASTELINES_LIBRARY", str(tmp_path / "library"))
    return Library.open().corpus("demo")


@pytest.fixture
def demo_only(demo_library: Library, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """The demo in the library of all tests that store nothing: it is opened and read once."""
    monkeypatch.setenv("TASTELINES_LIBRARY", str(demo_library.root))
    return demo_library.corpus("demo")


@pytest.fixture
def busy_user(demo: Corpus) -> str:
    """The user of the demo with most events."""
    counts = demo.user_starts[1:] - demo.user_starts[:-1]
    return demo.user_ids[int(counts.argmax())]


@pytest.fixture(autouse=True)
def quick_jobs_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """No fragment polls in AppTest: pages wait for jobs that may be quick."""
    monkeypatch.setattr(working, "PATIENCE", 60.0)


@pytest.fixture(autouse=True)
def tasks_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of its own would import torch anew for each of them; facts are JSON here too."""
    call = Task.__call__

    def told(task: Task, *options: Any) -> Path | None:
        return call(replace(task, facts=json.loads(json.dumps(dict(task.facts)))), *options)

    monkeypatch.setattr(jobs, "OWN_PROCESS", False)
    monkeypatch.setattr(Task, "__call__", told)


@pytest.fixture
def open_app(monkeypatch: pytest.MonkeyPatch) -> Open:
    """A function that opens a page of the app with query parameters.

    AppTest forgets before every run that the app has a menu of its own, and would run a page
    without app.py because of the folder's name; a server forgets it only once (controls.run).
    """
    started = PagesManager.__init__

    def start(self: PagesManager, *args: Any, **options: Any) -> None:
        started(self, *args, **options)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", start)

    def open_page(page: str = "pages/overview.py", **query: str) -> AppTest:
        app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
        if page != "pages/overview.py":
            app.switch_page(page).run()
        return app

    return open_page


@pytest.fixture(scope="session")
def questions() -> Iterator[list[Explaining]]:
    """All questions that pages have asked so far."""
    made: list[Explaining] = []
    real = Explaining.__init__

    def remembered(self: Explaining, *args: Any, **options: Any) -> None:
        made.append(self)
        real(self, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Explaining, "__init__", remembered)
        yield made


@pytest.fixture(autouse=True)
def nothing_goes_on(questions: list[Explaining]) -> Iterator[None]:
    """Stop what works beside a page, lest the next test share its time with it."""
    for job in jobs.jobs():
        job.put_away()
    yield
    for question in questions:
        question.stop()


@pytest.fixture
def settle(questions: list[Explaining]) -> Callable[[AppTest], AppTest]:
    """A function that reruns the app until all pieces of its explanation are there and shown."""

    def rerun(app: AppTest) -> AppTest:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if any(question.busy for question in questions):
                time.sleep(0.02)  # a rerun would take its time from the pieces
                continue
            arrived = sum(question.arrived for question in questions)
            app.run()
            assert not app.exception
            is_working = any(question.busy for question in questions)
            if not is_working and arrived == sum(question.arrived for question in questions):
                return app
        raise AssertionError("pieces are still missing")

    return rerun


def words(app: AppTest) -> str:
    """All words on the screen."""
    found = [*app.main, *app.sidebar]
    return " ".join(str(getattr(element, "value", "")) for element in found)


@pytest.fixture
def read() -> Callable[[AppTest], str]:
    """A function that returns all words on the screen."""
    return words

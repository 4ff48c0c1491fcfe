"""The app without a browser, as in tests/pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.corpus.store import Corpus, Library
from tests.pages.conftest import (  # noqa: F401
    busy_user,
    nothing_goes_on,
    open_app,
    questions,
)


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """An empty library beside the shipped demo."""
    monkeypatch.setenv("TASTELINES_LIBRARY", str(tmp_path / "library"))
    return Library.open().corpus("demo")


@pytest.fixture(scope="session", autouse=True)
def nothing_is_cut_off() -> Iterator[None]:
    """Let the text encoder finish loading: the end of the process, amid torch, would abort it."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("encoder "):
            thread.join(timeout=60)

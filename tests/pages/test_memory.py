"""The server's memory is looked after, whatever happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core.corpus.store import Library
from core.engine import Engine
from core.machine import running_servers
from pages._shared import memory

SOON, ENOUGH = 0.01, 6_000


@pytest.fixture
def shelf(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """A library whose servers are known to this test alone, and looks that follow soon."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(memory, "LOOKS_EVERY", SOON)
    return library


async def looked(until: Callable[[], bool]) -> None:
    """Look after the memory until something holds."""
    looks = asyncio.create_task(memory.look_after())
    for _ in range(ENOUGH):
        if until() or looks.done():
            break
        await asyncio.sleep(SOON)
    assert not looks.done()
    assert until()
    looks.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looks


def run(looks: Coroutine[Any, Any, None]) -> None:
    """Run it in a thread of its own: in this one a browser's loop may run."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, looks).result()


def test_one_that_cannot_be_forgotten_keeps_nothing_else(
    shelf: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    forgotten, counts = list[str](), iter([2, 0, 1, 0])
    monkeypatch.setattr(memory, "_forgets", {})
    monkeypatch.setattr(memory, "sessions", lambda: next(counts, 0))

    def defect() -> None:
        raise RuntimeError("a defect")

    memory.when_empty("defect", defect)
    memory.when_empty("answers", lambda: forgotten.append("answers"))
    with caplog.at_level(logging.ERROR):
        run(looked(lambda: len(forgotten) == 2))
    assert "defect was not forgotten" in caplog.text


def test_an_open_model_forgets_its_quick_answers_when_nobody_is_there(
    demo_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = list[str]()
    monkeypatch.setattr(memory, "_forgets", {})
    memory.is_open(demo_engine)
    monkeypatch.setattr(Engine, "forget", lambda engine: calls.append(engine.model_id))
    memory.give_back(nobody=False)
    assert not calls
    memory.give_back(nobody=True)
    assert demo_engine.model_id in calls


def test_looks_go_on_after_one_that_failed(
    shelf: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def count() -> int:
        monkeypatch.setattr(memory, "sessions", lambda: 3)
        raise AttributeError("Streamlit has changed")

    monkeypatch.setattr(memory, "sessions", count)
    with caplog.at_level(logging.ERROR):
        run(looked(lambda: bool(running_servers(shelf))))
    assert "Streamlit has changed" in caplog.text


def test_without_a_server_there_are_no_sessions() -> None:
    assert memory.sessions() == 0
    memory.share_processors()

"""Callbacks, fragments and downloads have threads of their own, and speak as the page does."""

from __future__ import annotations

import threading

from core import language
from pages._shared import controls, sharing, tray


def test_callbacks_speak_the_language_of_the_session(shop, open_app, monkeypatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(controls, "move_user", lambda *_: said.append(language.current()))
    with language.speaking("zh"):  # the browser's part, which AppTest plays in this thread
        app = open_app(corpus="shop", user="u3", lang="zh")
        app.button(key="user+1").click().run()
    assert said == ["zh"] and not app.exception


def test_a_thread_without_a_session_speaks_the_language_of_the_environment() -> None:
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(language.current()))
    thread.start()
    thread.join()
    assert said == ["en"]


def test_a_file_is_in_the_language_of_the_page_that_offers_it() -> None:
    assert sharing.content(language.current, "zh") == "zh"
    assert sharing.content(language.current, "en") == language.current() == "en"


def test_jobs_are_called_in_the_language(monkeypatch) -> None:
    monkeypatch.setattr(tray, "tr", str.upper)
    job = type("Job", (), {"kind": "train", "target": "shop m1"})
    assert tray.title(job) == "TRAINING ON shop"

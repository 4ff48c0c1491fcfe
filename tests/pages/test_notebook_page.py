"""Keep finding and the page Notebook: kept, found again, edited, deleted, brought back."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from core.corpus.store import Library
from core.notebook import Finding, Notebook, Seen

EVIL = "<b>x</b> ![y](http://evil/y.png)"


@pytest.fixture
def notebook(demo) -> Notebook:
    return Notebook.open(Library.open())


def seen(**more) -> Seen:
    facts = {"page": "timeline", "title": "Timeline", "query": "corpus=demo", "corpus": "demo"}
    return Seen(corpus_id="c" * 16, **facts | more)


def press(app: AppTest, label: str) -> AppTest:
    buttons = [button for button in app.button if button.label == label]
    buttons[0].click().run()
    assert not app.exception
    return app


def test_a_finding_is_kept_where_it_is_seen_and_listed(open_app, notebook, busy_user, read) -> None:
    app = open_app("pages/timeline.py", user=busy_user, time="5")
    note = next(area for area in app.text_area if area.label == "Notes")
    note.set_value(EVIL)
    press(app, "Keep")
    (kept,) = notebook.entries()
    address = dict(parse_qsl(kept.seen.query))
    assert (kept.notes, kept.seen.page, kept.seen.title) == (EVIL, "timeline", "Timeline")
    assert (kept.seen.user_id, kept.seen.step, kept.seen.recommender) == (busy_user, 5, "joint")
    assert address["user"] == busy_user and address["time"] == "5"
    assert address["model"] == kept.seen.model_id != ""
    assert notebook.figure(kept)
    app.switch_page("pages/notebook.py").run()
    assert not app.exception
    assert EVIL in [text.value for text in app.text]
    assert not any(EVIL in markdown.value for markdown in app.markdown)
    assert len(app.get("plotly_chart")) == 1
    assert "step 5" in read(app)


def test_a_finding_without_a_name_is_not_kept_and_said(open_app, notebook, busy_user, read) -> None:
    app = open_app("pages/timeline.py", user=busy_user)
    next(field for field in app.text_input if field.label == "Finding").set_value("  ")
    press(app, "Keep")
    assert "The finding has no name" in read(app)
    assert notebook.entries() == []


def test_a_finding_is_searched_edited_deleted_and_brought_back(open_app, notebook, read) -> None:
    notebook.save(Finding("Audio since March", seen()))
    kept = notebook.save(Finding("Lamps", seen(user_id="U0001", model_id="0ld")))
    app = open_app("pages/notebook.py")
    app.text_input(key="notebook_query").set_value("u0001 lamps").run()
    assert "its model is not here any more" in read(app)
    links = [link.proto.label for link in app.get("page_link")]
    assert "Open Timeline with the newest model" in links
    assert "1 finding of 2" in read(app)
    assert [each.value for each in app.subheader] == ["Lamps"]
    app.button(key=f"edit_{kept.finding_id}").click().run()
    app.text_input(key=f"name_{kept.finding_id}").set_value("U0001 buys lamps")
    press(app, "Save")
    assert [each.value for each in app.subheader] == ["U0001 buys lamps"]
    app.button(key=f"delete_{kept.finding_id}").click().run()
    assert [entry.name for entry in notebook.entries()] == ["Audio since March"]
    press(app, "Undo")
    assert notebook.load(kept.finding_id).name == "U0001 buys lamps"


def test_two_sessions_lose_neither_version(open_app, notebook, read) -> None:
    kept = notebook.save(Finding("first", seen()))
    app = open_app("pages/notebook.py")
    app.button(key=f"edit_{kept.finding_id}").click().run()
    notebook.save(replace(kept, name="theirs"))
    app.text_input(key=f"name_{kept.finding_id}").set_value("mine")
    press(app, "Save")
    assert "was changed in another session" in read(app)
    press(app, "Keep mine as a copy")
    assert {entry.name for entry in notebook.entries()} == {"theirs", "mine"}


def test_what_cannot_be_read_is_counted_and_the_rest_is_shown(open_app, notebook, read) -> None:
    broken, _ = notebook.save(Finding("broken", seen())), notebook.save(Finding("whole", seen()))
    with_chart = notebook.keep(Finding("charted", seen()), '{"data": []}')
    with sqlite3.connect(notebook.path) as connection:
        connection.execute(
            "UPDATE revisions SET seen = '{' WHERE finding_id = ?", (broken.finding_id,)
        )
        connection.execute("UPDATE charts SET figure = x'00'")
    app = open_app("pages/notebook.py")
    assert not app.exception
    assert "1 saved finding is left out" in read(app).replace("\\", "")
    assert "chart of a finding can't be read" in read(app).replace("\\", "")
    assert [each.value for each in app.subheader] == [with_chart.name, "whole"]


def test_an_empty_notebook_says_how_to_fill_it(open_app, notebook, read) -> None:
    app = open_app("pages/notebook.py")
    assert not app.exception
    assert "The notebook is empty" in read(app)

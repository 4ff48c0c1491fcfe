"""The notebook: what was kept comes back, charts draw again, reports escape what persons wrote."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.corpus.store import Library
from core.domain import DomainError
from core.figures.notebook_report import draw_again, notebook_report, picture
from core.figures.palette import DARK, LIGHT
from core.notebook import Finding, Notebook, Seen, search
from core.revisions import Conflict
from core.scenario.store import ScenarioStore
from core.views.notebook import address, facts, markdown, query_of

BASE = "http://127.0.0.1:8501"
CHART = picture(go.Figure(go.Bar(x=[1.0, 2.5], y=["a", "b"], name="bars")), DARK)


def finding(name: str = "Audio begins in March", notes: str = "", **more) -> Finding:
    seen = {
        "page": "timeline",
        "title": "Timeline",
        "query": "corpus=shop&user=U+1&time=3&columns=a%26b",
        "corpus": "shop",
        "corpus_id": "c" * 16,
        "user_id": "U 1",
        "step": 3,
        "sentence": "Interest moved to Audio.",
    }
    return Finding(name, Seen(**seen | more), notes)


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    return Notebook.open(Library.open(tmp_path / "library"))


def test_a_finding_comes_back_with_its_chart_and_address(notebook: Notebook) -> None:
    made = notebook.keep(finding(notes="Look\nagain"), CHART)
    again = Notebook(notebook.path).load(made.finding_id)
    assert again == made
    drawn = draw_again(notebook.figure(again) or "").to_json()
    assert json.loads(drawn) == json.loads(CHART)
    assert query_of(again) == {"corpus": "shop", "user": "U 1", "time": "3", "columns": "a&b"}
    assert address(again, BASE) == f"{BASE}/timeline?{made.seen.query}"
    assert facts(again) == "Timeline · shop · U 1 · step 3"


def test_the_id_of_an_item_is_said_once() -> None:
    """A name made of reviews ends with the id; a title does not."""
    derived = facts(finding(item="≈ tuner · accurate (B1)", item_id="B1"))
    assert derived.endswith("≈ tuner · accurate (B1)")
    assert facts(finding(item="Lamp", item_id="B1")).endswith("Lamp (B1)")
    assert facts(finding(item="", item_id="B1")).endswith(" · B1")


def test_an_edit_keeps_the_chart_once_and_every_revision(notebook: Notebook) -> None:
    made = notebook.keep(finding(), CHART)
    notebook.keep(finding("the same chart"), CHART)
    edited = notebook.save(replace(made, name="Audio", notes="since March"))
    assert notebook.figure(edited) == CHART
    assert [version.name for version in notebook.revisions(made.finding_id)] == [
        "Audio begins in March",
        "Audio",
    ]
    with sqlite3.connect(notebook.path) as connection:
        assert connection.execute("SELECT COUNT(*) FROM charts").fetchone() == (1,)
    with pytest.raises(Conflict, match="the finding 'Audio' was changed in another session"):
        notebook.save(replace(made, name="mine"))


def test_a_deleted_finding_is_off_the_list_and_can_be_brought_back(notebook: Notebook) -> None:
    made = notebook.keep(finding())
    gone = notebook.delete(made)
    assert notebook.entries() == []
    notebook.save(replace(gone, deleted=False))
    assert [entry.name for entry in notebook.entries("shop")] == [made.name]
    assert notebook.entries("elsewhere") == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("audio", ["one"]),
        ("  MARCH lamp ", ["two"]),
        ("audio lamp", []),
        ("", ["one", "two"]),
        ("u 1", ["one", "two"]),
    ],
)
def test_search_needs_every_word_somewhere(query: str, names: list[str]) -> None:
    kept = [
        finding("one", "Audio, in march"),
        finding("two", "since March", item="Lamp", sentence=""),
    ]
    kept[0] = replace(kept[0], seen=kept[0].seen.model_copy(update={"sentence": ""}))
    assert [each.name for each in search(kept, query)] == names


def test_a_damaged_chart_is_said_and_the_finding_stays(notebook: Notebook) -> None:
    made = notebook.keep(finding(), CHART)
    with sqlite3.connect(notebook.path) as connection:
        connection.execute("UPDATE charts SET figure = x'789c00'")
    with pytest.raises(DomainError, match="chart of a finding can't be read"):
        notebook.figure(made)
    assert notebook.load(made.finding_id) == made
    with pytest.raises(DomainError, match="can't be drawn again"):
        draw_again('{"data": 3}')


def test_a_chart_is_kept_with_its_finding_or_not_at_all(notebook: Notebook) -> None:
    with pytest.raises(DomainError, match="the finding has no name"):
        notebook.keep(finding(" \n "), CHART)
    assert not notebook.path.exists()
    with pytest.raises(DomainError, match="notes have 20,001 characters"):
        notebook.keep(finding(notes="x" * 20_001), CHART)


def test_the_stores_do_not_take_each_other_s_files(notebook: Notebook, tmp_path: Path) -> None:
    notebook.keep(finding())
    with pytest.raises(DomainError, match="not a store of scenarios"):
        ScenarioStore(notebook.path).scenarios()


EVIL = "<script>alert(1)</script> ![x](http://evil/x.png) [a](javascript:b) # *x*"


def test_reports_hold_notes_as_literal_text(notebook: Notebook) -> None:
    made = notebook.keep(finding(EVIL, f"{EVIL}\n\n    {EVIL}", user_id=EVIL), CHART)
    figures = {made.finding_id: draw_again(CHART)}
    html = notebook_report([made], figures, BASE, LIGHT)
    assert "alert(1)" in html and "<script>alert" not in html and "<img" not in html
    assert f'href="{BASE}/timeline?corpus=shop&amp;user=U+1' in html
    assert '"name":"bars"' in html
    text = markdown([made], BASE)
    assert f"[Open the page](<{BASE}/timeline?corpus=shop&user=U+1&time=3&columns=a%26b>)" in text
    for line in text.splitlines():
        if "evil" in line:
            assert not re.search(r"(?<!\\)[<\[!(*]", line.removeprefix("## "))
            assert not line.startswith(" ")


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_can_be_kept_and_exported(tmp_path_factory, name: str, notes: str) -> None:
    notebook = Notebook(tmp_path_factory.getbasetemp() / "any" / Notebook.file_name)
    try:
        made = notebook.keep(finding(name, notes))
    except DomainError as error:
        assert "no name" in str(error)
        return
    assert notebook.load(made.finding_id) == made
    assert markdown([made], BASE).encode()
    assert notebook_report([made], {}, BASE, LIGHT).encode()

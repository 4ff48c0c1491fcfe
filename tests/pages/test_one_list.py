"""One recommender is chosen in the sidebar, and every page about a user shows its list."""

from __future__ import annotations

import json
import time

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.corpus.store import Corpus
from core.engine import Engine

STEP = 12
PAGES = ("timeline", "explain", "what_if", "compare")


@pytest.fixture
def demo(demo_only: Corpus) -> Corpus:
    return demo_only


def listed(app: AppTest, page: str, corpus) -> list[str]:
    """The first five items that a page shows for the chosen step."""
    if page == "timeline":
        return list(app.dataframe[0].value["item_id"])[:5]
    if page == "what_if":
        table = next(table.value for table in app.dataframe if "before_id" in table.value)
        return list(table["before_id"])[:5]
    if page == "explain":
        labels = app.selectbox(key="item").options[:5]
        by_title = {corpus.title(item): item for item in corpus.item_ids}
        return [by_title[label.partition(" · ")[2]] for label in labels]
    drawn = (json.loads(chart.proto.spec) for chart in app.get("plotly_chart"))
    traces = (trace for figure in drawn for trace in figure["data"])
    ranks = next(trace for trace in traces if trace.get("name") == "ranks")
    after = [
        (int(rank), item)
        for rank, (item, column) in zip(ranks["text"], ranks["customdata"], strict=True)
        if column == 1
    ]
    return [item for _, item in sorted(after)][:5]


@pytest.mark.parametrize("recommender", ["joint", "interest", "ease"])
def test_all_pages_show_the_list_of_the_chosen_recommender(
    open_app, demo, busy_user, recommender: str, demo_engine: Engine
) -> None:
    history = demo.history(busy_user).up_to(STEP)
    expected = [item.item_id for item in demo_engine.recommend(history, 5, recommender).items]
    for page in PAGES:
        app = open_app(f"pages/{page}.py", user=busy_user, time=str(STEP), recommender=recommender)
        assert not app.exception
        assert app.selectbox(key="recommender").value == recommender
        assert app.query_params["recommender"] == recommender
        assert listed(app, page, demo) == expected, page


def test_a_choice_in_the_sidebar_changes_list_and_ranks_and_goes_along(
    open_app, demo, busy_user
) -> None:
    app = open_app("pages/timeline.py", user=busy_user, time=str(STEP))
    assert app.selectbox(key="recommender").value == "joint"

    def ranks() -> list[float]:
        drawn = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
        traces = [trace for figure in drawn for trace in figure["data"]]
        return next(trace["y"] for trace in traces if trace.get("name") == "ranks")

    before = listed(app, "timeline", demo), ranks()
    app.selectbox(key="recommender").set_value("popularity").run()
    after = listed(app, "timeline", demo), ranks()
    assert before[0] != after[0] and before[1] != after[1]
    links = [link.proto for link in app.get("page_link")]
    about_user = [link for link in links if link.page in PAGES]
    assert about_user
    assert all("recommender=popularity" in link.query_string for link in about_user)
    app.switch_page("pages/explain.py").run()
    assert app.selectbox(key="recommender").value == "popularity"
    assert listed(app, "explain", demo) == after[0]


def test_other_pages_keep_the_choice(open_app, demo, busy_user) -> None:
    app = open_app("pages/timeline.py", user=busy_user, recommender="content")
    app.switch_page("pages/quality.py").run()
    assert not any(box.key == "recommender" for box in app.selectbox)
    app.switch_page("pages/timeline.py").run()
    assert app.selectbox(key="recommender").value == "content"


def test_a_recommender_that_is_not_there_is_said(open_app, demo, busy_user) -> None:
    app = open_app("pages/timeline.py", user=busy_user, recommender="oracle")
    assert not app.exception
    assert "There is no recommender 'oracle'" in app.info[0].value.replace("\\", "")
    assert app.selectbox(key="recommender").value == "joint"
    app.selectbox(key="recommender").set_value("ease").run()
    assert not app.info


def test_a_column_of_compare_may_name_its_own(open_app, demo, busy_user) -> None:
    columns = f"user={busy_user},at=9;user={busy_user},at=9,recommender=popularity"
    for recommender in ("ease", "popularity"):
        app = open_app(
            "pages/compare.py", user=busy_user, time="9", columns=columns, recommender=recommender
        )
        assert app.selectbox(key="column_by_0").value == recommender
        assert app.selectbox(key="column_by_1").value == "popularity"


LAST_ITEMS = """
import numpy as np

class LastItems:
    id = "last-items"
    def __init__(self, n_items):
        weights = np.arange(1, n_items + 1, dtype=np.float64) ** 2
        self.answer = np.log(weights / weights.sum()).astype(np.float32)
    def log_probabilities(self, histories):
        return np.tile(self.answer, (len(histories), 1))

def build(corpus, data):
    return LastItems(len(corpus.item_ids))
"""
"""A recommender of one's own: the last items of the catalogue first."""


def evaluate(quality: AppTest) -> None:
    """Press Evaluate now, and wait for the end."""
    quality.button(key="start_evaluate").click().run()
    end = time.monotonic() + 120
    while any(job.state == "running" for job in jobs.jobs()) and time.monotonic() < end:
        time.sleep(0.2)


def test_an_installed_recommender_is_chosen_like_any_other(
    install, demo, open_app, busy_user, tmp_path, monkeypatch, read
) -> None:
    install("last-items", LAST_ITEMS)
    monkeypatch.setenv("TASTELINES_LIBRARY", str(tmp_path / "library"))
    had = {event.item_id for event in demo.history(busy_user).events[:STEP]}
    expected = [item for item in reversed(demo.item_ids) if item not in had][:5]
    for page in PAGES:
        app = open_app(f"pages/{page}.py", user=busy_user, time=str(STEP), recommender="last-items")
        assert not app.exception and not app.error and not app.info
        picker = app.selectbox(key="recommender")
        assert picker.value == "last-items" and "Last-items" in picker.options
        assert listed(app, page, demo) == expected, page
    assert not open_app().exception
    assert not list((tmp_path / "library").glob("evaluations/*"))  # pages only read
    quality = open_app("pages/quality.py")
    assert not quality.exception and "not evaluated yet" in read(quality)
    evaluate(quality)
    quality = open_app("pages/quality.py", about="last-items")
    assert not quality.exception and not quality.info
    assert "not evaluated yet" not in read(quality)
    assert not any(button.key == "start_evaluate" for button in quality.button)
    assert quality.selectbox(key="about").value == "last-items"
    tables = (frame.value for frame in quality.dataframe)
    assert any("last-items" in set(table.get("Recommender", ())) for table in tables)


def test_a_link_to_a_broken_recommender_says_the_cause(
    install, demo, open_app, busy_user, tmp_path, monkeypatch
) -> None:
    install("broken", "def build(corpus, data):\n    raise OSError('no {weights}')")
    monkeypatch.setenv("TASTELINES_LIBRARY", str(tmp_path / "library"))
    app = open_app("pages/timeline.py", user=busy_user, recommender="broken")
    assert not app.exception
    said = app.info[0].value.replace("\\", "")
    assert "There is no recommender 'broken'" in said and "no {weights}" in said


def test_a_failed_evaluation_of_an_own_recommender_is_said(
    install, demo, open_app, tmp_path, monkeypatch, read
) -> None:
    line = "    def log_probabilities(self, histories):\n"
    install("last-items", LAST_ITEMS.replace(line, line + "        assert len(histories) < 9\n"))
    monkeypatch.setenv("TASTELINES_LIBRARY", str(tmp_path / "library"))
    evaluate(open_app("pages/quality.py"))
    quality = open_app("pages/quality.py")
    assert not quality.exception and "AssertionError" in read(quality)
    assert "not evaluated yet" in read(quality) and quality.button(key="start_evaluate")

"""Quality on the demo: a verdict with its numbers, both protocols, every tab, what is missing."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from core import jobs
from core.corpus.store import Corpus, Library
from core.domain import Part
from core.evaluate.importing_lists import import_lists
from core.evaluate.served import lists_path
from core.measure.cases import leave_last_out_cases
from core.training.training import evaluate_model

PAGE = "pages/quality.py"
TABS = ("By month", "By cohort", "Calibration", "Training", "Ablation", "Never recommended")


@pytest.fixture
def judged(demo: Corpus) -> Corpus:
    """The demo with its leave-last-out report at hand."""
    library = Library.open()
    evaluate_model(demo, library, library.model_folder("demo"))
    return demo


def charts(app) -> list[str]:
    return [chart.proto.alt for chart in app.get("plotly_chart")]


def test_it_says_who_wins_by_how_much(open_app, judged, read) -> None:
    app = open_app(PAGE)
    assert not app.exception
    said = read(app)
    assert "best baseline" in said
    assert "NDCG@10" in said
    table = next(frame.value for frame in app.dataframe if "Recommender" in frame.value)
    assert {"joint", "interest", "ease", "popularity"} <= set(table["Recommender"])
    assert table["NDCG@10"].str.contains("[", regex=False).all()
    assert charts(app)[0].startswith("Recommenders.")


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_reads_its_chart_and_has_words_for_it(open_app, judged, tab: str) -> None:
    app = open_app(PAGE)
    app.session_state["quality_tab"] = tab
    app.run()
    assert not app.exception
    if tab == "Ablation":
        assert any(button.label == "Measure it" for button in app.button)
    else:
        alts = charts(app)
        assert len(alts) == 2
        assert all(alts)


def test_an_ablation_is_measured_on_the_spot_and_remembered(
    open_app, judged, busy_user, read
) -> None:
    app = open_app(PAGE, user=busy_user)
    app.session_state["quality_tab"] = "Ablation"
    app.run()
    assert f"of {busy_user}" in read(app)
    next(button for button in app.button if button.label == "Measure it").click().run()
    end = time.monotonic() + 120
    while any(job.state == "running" for job in jobs.jobs()) and time.monotonic() < end:
        time.sleep(0.2)
    app.run()
    assert not app.exception
    assert "significant difference" in read(app) or "NDCG@10 drops" in read(app)
    assert not any(button.label == "Measure it" for button in app.button)


def test_what_was_not_evaluated_offers_to_be(open_app, judged, read) -> None:
    app = open_app(PAGE, protocol="temporal")
    assert not app.exception
    assert "three cuts in time" in read(app)
    assert any(button.label == "Evaluate now" for button in app.button)
    assert not app.dataframe


def test_an_unknown_protocol_is_said_and_replaced(open_app, judged, read) -> None:
    app = open_app(PAGE, protocol="wishful")
    assert not app.exception
    assert "wishful" in " ".join(notice.value for notice in app.info)
    assert "best baseline" in read(app)


def test_another_recommender_can_be_the_subject(open_app, judged, read) -> None:
    app = open_app(PAGE)
    app.selectbox(key="about").set_value("popularity").run()
    assert not app.exception
    assert "loses to the best other baseline" in read(app)
    assert app.query_params["about"] == "popularity"


def test_a_link_names_the_subject_and_a_wrong_one_is_said(open_app, judged, read) -> None:
    app = open_app(PAGE, about="popularity")
    assert "loses to the best other baseline" in read(app)
    app = open_app(PAGE, about="oracle")
    assert not app.exception
    assert "no recommender 'oracle'" in " ".join(notice.value for notice in app.info)


def test_imported_lists_stand_beside_the_recommenders(
    open_app, judged: Corpus, read, tmp_path: Path
) -> None:
    rows = [
        json.dumps(
            {
                "user_id": case.history.user_id,
                "timestamp": case.history.events[-1].timestamp.isoformat(),
                "rank": 1,
                "item_id": case.target,
            }
        )
        for case in leave_last_out_cases(judged, Part.TEST)[::2]
    ]
    path = tmp_path / "lists.jsonl"
    path.write_text("\n".join(rows))
    import_lists(judged, Library.open(), path, "production")
    app = open_app(PAGE)
    assert not app.exception
    said = read(app)
    assert "your lists" in said and "production" in said
    assert "had no earlier list" in said
    lists_path(Library.open(), "demo", "broken").write_bytes(b"PAR1 nonsense")
    app.run()
    assert not app.exception
    assert "your lists “broken” are left out" in read(app).replace("\\", "").lower()
    app.selectbox(key="about").set_value("production")
    app.session_state["quality_tab"] = "Calibration"
    app.run()
    assert not app.exception
    assert "ranks only" in read(app)

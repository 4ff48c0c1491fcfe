"""Quality on the demo: a verdict with its numbers, both protocols, every tab, what is missing."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from core import jobs, language
from core.corpus.store import Corpus, Library
from core.domain import Part
from core.evaluate.importing_lists import import_lists
from core.evaluate.served import lists_path
from core.measure.cases import leave_last_out_cases
from core.strategy.adjusted import Settings
from core.strategy.log import read_log
from core.strategy.store import save_strategy
from core.training.training import evaluate_model
from pages._shared import judging

PAGE = "pages/quality.py"
TABS = (
    "By month",
    "By cohort",
    "Calibration",
    "Training",
    "Is it getting old?",
    "Ablation",
    "Never recommended",
)


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
def test_every_tab_reads_its_chart_and_has_words_for_it(open_app, judged, read, tab: str) -> None:
    app = open_app(PAGE)
    app.session_state["quality_tab"] = tab
    app.run()
    assert not app.exception
    if tab in ("Ablation", "Is it getting old?"):
        assert any(button.label == "Measure it" for button in app.button)
    else:
        alts = charts(app)
        assert len(alts) == 2
        assert all(alts)
    if tab == "Training":
        assert "settings against overfitting" in read(app).lower()
        held = next(frame.value for frame in app.dataframe if "usual" in frame.value)
        assert {"weight_decay", "dropout", "part_dropout", "averaging", "patience"} <= set(
            held["field"]
        )


def test_in_chinese_the_address_names_tabs_and_groups_as_ever(open_app, judged) -> None:
    with language.speaking("zh"):  # AppTest calls some of a page's functions in this thread
        app = open_app(PAGE, lang="zh", quality_tab="By cohort", quality_cohort="heavy user")
        assert not app.exception
        assert app.query_params["quality_tab"] == "By cohort"
        assert app.selectbox(key="quality_cohort").value == "heavy user"
        assert len(charts(app)) == 2


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
                "propensity": 0.5,
                "reward": 1,
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
    import_lists(judged, Library.open(), path, "rival")
    app.session_state["quality_tab"] = "Served lists"
    app.run()
    assert not app.exception
    offers = [button.label for button in app.button if button.label.startswith("Estimate from")]
    assert offers == ["Estimate from production", "Estimate from rival"]


def test_a_strategy_that_is_saved_is_a_recommender_and_in_the_log(
    open_app, judged, read, demo_engine
) -> None:
    weights = demo_engine.recommender().pool.vector.tolist()
    facts = "demo", "diverse", demo_engine.model_id, Settings(0, 0.2), weights
    save_strategy(Library.open(), *facts, "by the verb")
    app = open_app(PAGE, user=judged.user_ids[0])
    app.session_state["quality_tab"] = "Strategy"
    app.run()
    app.text_input(key="strategy_name").set_value("joint")
    app.slider(key="strategy_diversity").set_value(0.5)
    app.text_input(key="strategy_why").set_value("too much alike")
    save = next(button for button in app.button if button.label == "Save")
    save.click().run()
    assert "one of the product's own recommenders" in read(app).replace("\\", "")
    app.text_input(key="strategy_name").set_value("diverse")
    next(button for button in app.button if button.label == "Save").click().run()
    assert not app.exception
    assert "diverse is not evaluated yet" in read(app).replace("\\", "").replace("”", "").replace(
        "“", ""
    )
    user = judged.user_ids[0]
    columns = f"user={user};user={user},recommender=diverse"
    compare = open_app("pages/compare.py", user=user, columns=columns)
    assert not compare.exception
    assert "diverse" in compare.selectbox(key="recommender").options[-1].lower()
    log, _ = read_log(Library.open(), "demo")
    assert (log[0].id, log[0].why) == ("diverse", "too much alike")
    assert "refitted weights" in log[0].what  # the form had no box for them


def test_where_no_period_has_enough_targets_the_usual_tab_has_no_empty_chart(
    open_app, judged, monkeypatch
) -> None:
    real = judging.quality

    def few(*asked):
        view = real(*asked)
        return replace(view, periods=tuple(replace(row, cases=1) for row in view.periods))

    monkeypatch.setattr(judging, "quality", few)
    app = open_app(PAGE)
    assert not app.exception and len(charts(app)) == 1
    assert any("targets" in frame.value for frame in app.dataframe)


def test_a_tab_that_nobody_asked_for_is_not_missed(open_app, judged, monkeypatch) -> None:
    real = judging.quality
    monkeypatch.setattr(judging, "quality", lambda *asked: replace(real(*asked), periods=()))
    app = open_app(PAGE)
    assert not app.exception and not app.info
    assert app.session_state["quality_tab"] == "By cohort"


@pytest.mark.parametrize("asked", [{"protocol": "temporal"}, {"quality_tab": "Is it getting old?"}])
def test_without_times_nothing_that_needs_them_is_offered(
    open_app, judged, monkeypatch, asked
) -> None:
    untimed = property(lambda manifest: True)
    monkeypatch.setattr(type(judged.manifest), "order_as_time", untimed, raising=False)
    monkeypatch.setattr(judging, "report", report_of(asked))
    app = open_app(PAGE, **asked)
    assert not app.exception
    assert not any(button.label in ("Measure it", "Evaluate now") for button in app.button)


def report_of(asked):
    """No report of the other protocol, as where none can be."""
    real = judging.report
    return lambda engine, protocol: None if protocol in asked.values() else real(engine, protocol)

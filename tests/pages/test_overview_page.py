"""The Overview of the demo: facts, verdict, and users to start with."""

from __future__ import annotations

from dataclasses import replace

import pytest
import streamlit as st

from core.compare.turnover import make_turnover
from core.corpus.store import Library
from core.engine import Engine
from core.model.metrics import read_metrics
from core.views.overview import ListView, UserRow, lists_table
from core.views.quality.sentences import name_of
from core.views.tables import as_csv
from pages import overview as page


@pytest.fixture
def overview(open_app, demo):
    return open_app()


def test_the_facts_say_simulated(overview) -> None:
    assert not overview.exception
    assert overview.text[0].value.startswith("Simulated data, made for this demo")


def test_trust_is_one_line_with_its_link(overview) -> None:
    metrics = read_metrics(Library.open().model_folder("demo"))
    assert metrics is not None
    first, *others = metrics.best_first
    baselines = [score for score in others if score.recommender != "interest"]
    said = next(element.value for element in overview.text if "NDCG@10" in element.value)
    assert name_of(baselines[0].recommender) in said or baselines[0].recommender in said
    assert f"{first.ndcg:.3f}" in said
    assert overview.get("page_link")[0].proto.page == "quality"


def test_cards_say_who_why_and_on_what_scale_and_open_there(overview, demo) -> None:
    titles = [element.value.replace("\\", "") for element in overview.markdown]
    assert any(" from " in title and " to " in title for title in titles)
    said = " ".join(element.value for element in overview.text)
    assert f"of {len(demo.item_ids)} in the interest model's list" in said
    moved = next(table.value for table in overview.dataframe if "drift" in table.value)
    assert all(any(user in title for title in titles) for user in moved["user_id"][:2])


def test_three_lists_name_users_to_start_with(overview, demo) -> None:
    titles = [element.value for element in overview.subheader]
    assert titles == [
        "Turning points",
        "Topics that rise and fall",
        "Groups served worst",
        "Interest moved furthest",
        "Longest histories",
        "Worst served by the interest model",
        "Lists that changed most",
    ]
    lists = [table.value for table in overview.dataframe if "user_id" in table.value]
    assert [len(table) for table in lists] == [8, 8, 8]
    assert all(set(table["user_id"]) <= set(demo.user_ids) for table in lists)
    assert lists[0]["drift"].is_monotonic_decreasing
    assert lists[1]["events"].is_monotonic_decreasing
    assert lists[2]["held_out_rank"].is_monotonic_decreasing


def test_turning_points_are_offered_until_they_are_measured(overview) -> None:
    assert overview.button(key="start_turns").label == "Test all users"


def test_tables_leave_by_our_export_alone(overview, demo) -> None:
    assert st.get_option("client.disableDataExport")  # Streamlit's CSV doesn't escape formulas
    labels = [button.proto.label for button in overview.get("download_button")]
    assert labels == ["Lists (CSV)", "Topics (CSV)", "Groups (CSV)"]
    row = UserRow("=cmd", 5, 0.2, "Books", None)
    exported = as_csv(lists_table({"drift": ListView("Far", "", (row,), 1, None)}))
    assert exported.splitlines()[1].startswith("Far,'=cmd,5,0.2,Books")


def test_lists_that_changed_most_are_measured_once_and_open_in_compare(open_app, demo) -> None:
    assert open_app().button(key="start_turnover")
    library = Library.open()
    engine = Engine.open(demo, library.model_folder("demo"), library)
    found = make_turnover(library, engine)
    shown = [t.value for t in open_app().dataframe if "change" in t.value]
    table = next(t for t in shown if t["change"].notna().any())
    assert table["change"].is_monotonic_decreasing and len(table) == 8
    assert table["change"][0] == pytest.approx(max(c for _, c in found.most_changed(1)), abs=1e-6)


def test_a_group_opens_cohorts_without_the_cohort_that_was_open(monkeypatch) -> None:
    opened: dict[str, str | None] = {}
    monkeypatch.setattr(page.drawing, "buttons", lambda label, key, act, **look: act)
    monkeypatch.setattr(page.controls, "open_page", lambda where, **values: opened.update(values))
    page.rule_buttons("Users", "open_group", ["topic=Audio"])(0)
    whose = ("pattern", "cohort", "cohorts_area", "cohorts_users", "cohort_against")
    assert opened == dict.fromkeys(whose) | {"cohorts_rule": "topic=Audio"}


def test_a_user_without_two_months_opens_lists_that_there_are(demo) -> None:
    library = Library.open()
    engine = Engine.open(demo, library.model_folder("demo"), library)
    counts = demo.user_starts[1:] - demo.user_starts[:-1]
    user = demo.user_ids[int(counts.argmax())]
    assert page.lists_of(engine, user)[0] == "months"
    manifest = demo.manifest.model_copy(update={"order_as_time": True})
    untimed = Engine.open(replace(demo, manifest=manifest), library.model_folder("demo"), library)
    preset, label = page.lists_of(untimed, user)
    assert preset == "event" and label != page.lists_of(engine, user)[1]

"""Compare without a browser: presets, columns in the address, the picked item, empty states."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest

from core.compare.columns import ColumnSpec
from core.compare.fork import run
from core.compare.replay import make_capsule
from core.corpus.store import Corpus, Library
from core.domain import DomainError
from core.engine import Engine
from core.evaluate.importing_lists import import_lists
from core.evaluate.served import HEADER, lists_path
from core.scenario.edits import Edit, Op
from core.scenario.store import Scenario, ScenarioStore
from pages._compare.choosing import address, read_address

PAGE = "pages/compare.py"


def figure(app: AppTest, name: str) -> dict:
    """A drawn chart's JSON by a trace's name."""
    for chart in app.get("plotly_chart"):
        drawn = json.loads(chart.proto.spec)
        if any(trace.get("name") == name for trace in drawn["data"]):
            return drawn
    raise AssertionError(f"no chart with a trace {name!r}")


def heads(app: AppTest) -> list[str]:
    """The names above the columns of the rank flow."""
    notes = figure(app, "ranks")["layout"]["annotations"]
    return [n["text"].replace("<br>", " ") for n in notes if n.get("yref") == "paper"]


def test_the_page_opens_before_and_after_the_selected_event(open_app, read, busy_user) -> None:
    app = open_app(PAGE, user=busy_user, time="12")
    assert not app.exception
    assert [head.split(" (")[0] for head in heads(app)] == ["step 11", "step 12"]
    said = read(app).replace("\\", "")
    assert "of 10 stay" in said and "Exact: every combination" in said
    (table, *_) = app.dataframe
    moves = table.value
    assert set(moves["kind"]) <= {"entered", "left", "up", "down"}
    assert set(moves["cause_step"].dropna()) <= {12}


def test_without_a_user_the_page_offers_some(open_app, demo) -> None:
    app = open_app(PAGE)
    assert not app.exception
    assert any("Choose a user" in str(title.value) for title in app.subheader)


def test_a_preset_is_part_of_the_address(open_app, busy_user) -> None:
    app = open_app(PAGE, user=busy_user, time="30")
    app.pills(key="compare_preset").set_value("months").run()
    assert not app.exception
    assert app.query_params["columns"] == "months"
    assert len(heads(app)) > 2
    again = open_app(PAGE, user=busy_user, time="30", columns="months")
    assert heads(again) == heads(app)


@pytest.mark.parametrize("preset", ["parts", "users", "20;months"])
def test_every_preset_draws(open_app, busy_user, preset: str) -> None:
    app = open_app(PAGE, user=busy_user, time="20", columns=preset)
    assert not app.exception
    assert len(heads(app)) >= 2


@pytest.mark.parametrize(("preset", "said"), [("scenario", "No scenario"), ("served", "No served")])
def test_what_a_preset_lacks_is_said(open_app, busy_user, preset: str, said: str) -> None:
    app = open_app(PAGE, user=busy_user, time="20", columns=preset)
    assert not app.exception
    assert any(str(title.value).startswith(said) for title in app.subheader)


def test_one_month_is_too_little_for_months(open_app, read, busy_user) -> None:
    app = open_app(PAGE, user=busy_user, time="1", columns="months")
    assert not app.exception
    assert any("One month only" in str(title.value) for title in app.subheader)


def test_own_columns_open_exactly(open_app, demo, busy_user) -> None:
    specs = [ColumnSpec(busy_user, "3"), ColumnSpec(busy_user, "9", "ease"),
             ColumnSpec(demo.user_ids[0], "0")]  # fmt: skip
    app = open_app(PAGE, user=busy_user, columns=address(specs, 20))
    assert not app.exception
    shown = heads(app)
    assert busy_user in shown[0] and "ease" in shown[1]
    assert demo.user_ids[0] in shown[2] and "before the first event" in shown[2]
    ranks = figure(app, "ranks")["data"]
    marks = next(trace for trace in ranks if trace.get("name") == "ranks")
    assert max(int(text) for text in marks["text"]) == 20


def test_a_bad_address_is_a_notice(open_app, read, busy_user) -> None:
    app = open_app(PAGE, user=busy_user, time="9", columns="user=x,when=3;user=y")
    assert not app.exception
    assert any("'when' is no key" in str(info.value).replace("\\", "") for info in app.info)
    assert len(heads(app)) == 2
    app = open_app(PAGE, user=busy_user, time="9", columns=f"user={busy_user};user=nobody")
    assert not app.exception
    assert "nobody" in read(app)


def test_a_picked_item_shows_what_each_event_gave_it(open_app, read, busy_user) -> None:
    first = open_app(PAGE, user=busy_user, time="14", columns=f"user={busy_user},at=9;"
                     f"user={busy_user},at=14")  # fmt: skip
    marks = next(t for t in figure(first, "ranks")["data"] if t.get("name") == "ranks")
    item = marks["customdata"][0][0]
    app = open_app(
        PAGE,
        user=busy_user,
        time="14",
        item=item,
        columns=f"user={busy_user},at=9;user={busy_user},at=14",
    )
    assert not app.exception
    bars = next(t for t in figure(app, "changes")["data"] if t.get("name") == "changes")
    assert len(bars["x"]["bdata"] if isinstance(bars["x"], dict) else bars["x"]) > 0
    assert "its score changed by" in read(app)


def test_served_lists_stand_beside_the_model(
    open_app, demo: Corpus, busy_user: str, tmp_path: Path
) -> None:
    event = demo.history(busy_user).events[4]
    rows = ["user_id,timestamp,rank,item_id"]
    when = (event.timestamp - timedelta(days=400)).isoformat()
    rows += [f"{busy_user},{when},{rank},{demo.item_ids[rank]}" for rank in range(1, 6)]
    path = tmp_path / "lists.csv"
    path.write_text("\n".join(rows))
    import_lists(demo, Library.open(), path, "production")
    app = open_app(PAGE, user=busy_user, time="12", columns="served")
    assert not app.exception
    assert heads(app)[0].endswith("production")
    assert not any("corpus has changed" in caption.value for caption in app.caption)
    kept = lists_path(Library.open(), "demo", "production")
    table = pq.read_table(kept)
    facts = json.loads(table.schema.metadata[HEADER]) | {"corpus_id": "former"}
    pq.write_table(table.replace_schema_metadata({HEADER: json.dumps(facts)}), kept)
    app.run()
    assert any("corpus has changed" in caption.value for caption in app.caption)
    app = open_app(PAGE, user=busy_user, time="12", columns="event")
    assert not any("corpus has changed" in caption.value for caption in app.caption)


def test_a_damaged_store_of_scenarios_leaves_compare_as_it_is(open_app, busy_user) -> None:
    path = ScenarioStore.open(Library.open()).path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"no database at all " * 99)
    app = open_app(PAGE, user=busy_user, time="12")
    assert not app.exception
    assert [head.split(" (")[0] for head in heads(app)] == ["step 11", "step 12"]


def test_turnover_is_offered_and_then_shown(open_app, demo, busy_user) -> None:
    app = open_app(PAGE, user=busy_user, time="12")
    assert any(button.key == "start_turnover" for button in app.button)


def test_addresses_read_back() -> None:
    specs = (ColumnSpec("a;b,c%", "2024-03-01", "ease"), ColumnSpec("ü ö", None, None, "x;y"))
    assert read_address(address(specs, 10)) == (specs, 10)
    assert read_address(address(specs, 20)) == (specs, 20)
    assert read_address("20;months") == ("months", 20)
    for wrong in ("7;months", "user=a", "months;users", "²;months", "9" * 5_000 + ";months"):
        with pytest.raises(DomainError):
            read_address(wrong)


def test_a_changed_column_becomes_an_own_one_and_other_pickers_leave_it(
    open_app, busy_user
) -> None:
    app = open_app(PAGE, user=busy_user, time="12")
    app.selectbox(key="column_by_1").set_value("ease").run()
    specs = [ColumnSpec(busy_user, "11"), ColumnSpec(busy_user, "12", "ease")]
    assert app.query_params["columns"] == address(specs, 10)
    app.number_input(key="column_step_0").set_value(3).run()
    assert heads(app)[0].startswith("step 3")
    app.button_group(key="compare_length").set_value(20).run()
    assert app.query_params["columns"].startswith(f"20;user={busy_user},at=3;")
    app.button(key="add_column").click().run()
    assert not app.exception and len(heads(app)) == 3
    app.button(key="column_remove_0").click().run()
    assert not app.exception and len(heads(app)) == 2


def test_a_saved_scenario_stands_beside_its_original(
    open_app, read, demo: Corpus, busy_user: str
) -> None:
    library = Library.open()
    engine = Engine.open(demo, library.model_folder("demo"), library)
    fork = run(engine, demo.history(busy_user).up_to(20), (Edit(Op.DELETE, step=20),))
    ScenarioStore.open(library).save(Scenario(make_capsule(fork, "without the last")))
    app = open_app(PAGE, user=busy_user, time="20", columns="scenario")
    assert not app.exception
    assert heads(app) == ["original", "“without the last”"]
    assert "scenario's edits" in read(app).replace("\\", "")
    (table, *_) = app.dataframe
    assert table.value["cause"].str.contains("edit 1: deleted step 20|excluded items").all()


def test_own_columns_show_what_they_name_and_leave_with_their_user(
    open_app, demo: Corpus, busy_user: str
) -> None:
    others = [user for user in demo.user_ids if user != busy_user][:3]
    columns = address([ColumnSpec(others[0], "4"), ColumnSpec(others[1], "5")], 10)
    app = open_app(PAGE, user=busy_user, time="12", columns=columns)
    assert not app.exception
    assert [others[0] in heads(app)[0], others[1] in heads(app)[1]] == [True, True]
    assert not app.slider
    app.selectbox(key="user").select(others[2]).run()
    assert not app.exception
    assert "columns" not in app.query_params and app.slider
    assert [head.split(" (")[0][:4] for head in heads(app)] == ["step", "step"]


def test_columns_that_cannot_be_read_are_said_once(open_app, demo_only) -> None:
    app = open_app(
        "pages/compare.py", corpus="demo", user=demo_only.user_ids[3], time="5", columns="99;x"
    )
    for _ in range(2):
        assert len(app.info) == 1
        app.run()

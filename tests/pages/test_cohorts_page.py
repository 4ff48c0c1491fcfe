"""Cohorts without a browser: the calendar, a rule, saving, comparing, and hostile addresses."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

from core import jobs
from core.cohorts.listed import Listed
from core.cohorts.pattern import Pattern
from core.cohorts.patterns import Outcome, PatternStore, SavedPattern
from core.cohorts.rule import Rule
from core.cohorts.states import FOLDER, make_states
from core.cohorts.store import Cohort, CohortStore
from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.engine import Engine
from pages._cohorts import asking

PAGE = "pages/cohorts.py"
BUSY = "least_events=25"


@pytest.fixture
def followed(demo: Corpus, demo_library: Library) -> Corpus:
    """The demo in a library of its own, where all users' states were measured before."""
    make_states(demo_library, Engine.open(demo, demo_library.model_folder("demo"), demo_library))
    shutil.copytree(demo_library.root / FOLDER, Library.open().root / FOLDER)
    return demo


def test_everyone_is_on_the_map_at_a_calendar_time(open_app, demo_only, read) -> None:
    app = open_app(PAGE, corpus="demo")
    assert not app.exception
    assert "After their last events: 800 users" in read(app)
    app.select_slider(key="cohorts_at").set_value("2022-02-28").run()
    said = read(app)
    assert "On 28 Feb 2022:" in said and "of 800 users seen so far" in said
    assert app.query_params["cohorts_at"] == "2022-02-28"
    app.selectbox(key="cohorts_by").set_value("activity").run()
    assert not app.exception


def test_a_rule_is_found_saved_reopened_and_held_against_another(open_app, demo, read) -> None:
    app = open_app(PAGE, corpus="demo")
    app.number_input(key="rule_least_events").set_value(25)
    app.date_input(key="rule_active_since").set_value(date(2024, 6, 1))
    click(app, "Find them").run()
    rule = f"{BUSY}&active_since=2024-06-01"
    assert app.query_params["cohorts_rule"] == rule
    said = read(app)
    assert "25 or more events, last seen on 1 Jun 2024 or later" in said.replace("\\", "")
    assert "WHERE users.events >= ?" in said and "-- 2: 2024-06-01 00:00:00" in said
    click(app, "Save", 1).run()
    assert "the cohort has no name" in read(app).replace("\\", "").lower()
    app.text_input(key="cohort_name").input("busy in 2024")
    click(app, "Save", 1).run()
    saved = app.query_params["cohort"]
    assert "cohorts_rule" not in app.query_params
    again = open_app(PAGE, corpus="demo", cohort=saved)
    assert next(heading.value for heading in again.subheader) == "busy in 2024"
    other = open_app(PAGE, corpus="demo", cohorts_rule="most_events=12")
    other.selectbox(key="cohort_other").select(saved).run()
    assert not other.exception
    assert "Held against busy in 2024" in read(other).replace("\\", "")
    assert other.query_params["cohort_against"] == saved
    again.button(key="cohort_delete").click().run()
    assert "cohort" not in again.query_params


def click(app, label: str, nth: int = 0):
    """The n-th button of a form with this label."""
    return [button for button in app.button if button.label == label][
        nth if nth < 1 else -1
    ].click()


def test_an_alarms_users_are_a_cohort_that_can_be_saved(open_app, demo, read) -> None:
    code = Listed("Behind: Kind: click fell", (3, 30, 33)).to_code(demo)
    app = open_app(PAGE, corpus="demo", cohorts_users=code)
    assert not app.exception
    heading = next(heading.value for heading in app.subheader)
    assert heading.replace("\\", "") == "Behind: Kind: click fell"
    assert "These users, by the link; not saved." in read(app).replace("\\", "")
    app.text_input(key="cohort_name").input("fewer clicks")
    click(app, "Save").run()
    assert "cohorts_users" not in app.query_params
    saved = CohortStore.open(Library.open()).load(app.query_params["cohort"])
    assert saved.user_ids == tuple(demo.user_ids[at] for at in (3, 30, 33))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"cohorts_rule": "topic=<b>x</b>"}, "there is no topic '<b>x</b>'"),
        ({"cohorts_rule": "jump=1"}, "a rule has no condition 'jump'"),
        ({"cohorts_rule": "kind=turn"}, "were not measured"),
        ({"cohorts_area": "1,1 2,x"}, "is no point of the map"),
        ({"cohort": "nope"}, "there is no cohort 'nope'"),
        ({"pattern": "nope"}, "there is no pattern 'nope'"),
        (
            {"cohorts_rule": "least_events=60", "cohorts_pattern": "do=delete&topic=Vinyl"},
            "there is no topic 'Vinyl'",
        ),
        ({"cohorts_users": "00000000.eJw"}, "these users are of other content"),
        ({"cohorts_at": "soon"}, "There is no time 'soon' here"),
    ],
)
def test_what_an_address_can_not_ask_is_said(open_app, demo_only, query, said) -> None:
    app = open_app(PAGE, corpus="demo", **query)
    assert not app.exception
    assert said in " ".join(info.value for info in app.info).replace("\\", "")


def test_a_cohort_s_what_if_is_asked_saved_and_reopened_by_its_link(
    open_app, followed, read
) -> None:
    waiting = open_app(PAGE, corpus="demo", cohorts_pattern="do=delete&kind=click")
    assert "Without their clicks: choose the cohort whose lists this would change." in read(waiting)
    app = open_app(PAGE, corpus="demo", cohorts_rule="least_events=50")
    app.selectbox(key="pattern_kind").select("click").run()
    app.number_input(key="pattern_last").set_value(2)
    app.button(key="ask_pattern").click().run()
    assert app.query_params["cohorts_pattern"] == "do=delete&kind=click&last=2"
    (job,) = jobs.jobs("what_if")
    job.future.exception(60)
    said = read(app.run())
    assert not app.exception and "Without their last 2 clicks: the histories of" in said
    click(app, "Save it").run()
    assert "the pattern has no name" in read(app).replace("\\", "").lower()
    app.text_input(key="pattern_name").input("fewer clicks")
    click(app, "Save it").run()
    saved = app.query_params["pattern"]
    assert {"cohorts_rule", "cohorts_pattern"}.isdisjoint(app.query_params)
    again = open_app(PAGE, corpus="demo", pattern=saved)
    said = read(again)
    assert "the same lists as when it was saved" in said
    assert again.selectbox(key="pattern_kind").value == "click"
    assert next(heading.value for heading in again.subheader) == "50 or more events"
    again.button(key="pattern_delete").click().run()
    assert not again.exception and "pattern" not in again.query_params
    assert PatternStore.open(Library.open()).entries("demo") == []


def test_another_question_and_a_delete_keep_the_users_of_a_saved_what_if(
    open_app, followed, read
) -> None:
    library = Library.open()
    model = library.model_folder("demo").name
    atlas = library.root / "atlas" / followed.corpus_id / f"{model}.parquet"
    atlas.parent.mkdir(parents=True)
    atlas.write_bytes(b"PAR1 torn")
    ids = followed.user_ids[:3]
    cohort = Cohort("in a region", "demo", followed.corpus_id, model, 3, None, ids)
    pattern = Pattern.from_text("do=delete&last=1")
    outcome = Outcome(3, 3, 3, "")
    store = PatternStore.open(library)
    saved = store.save(SavedPattern("one less", cohort, pattern, "joint", 10, outcome))
    app = open_app(PAGE, corpus="demo", pattern=saved.pattern_id)
    said = read(app)
    assert not app.exception and "The file of all states is damaged." in said.replace("\\", "")
    assert app.button(key="start_atlas")
    app.number_input(key="pattern_last").set_value(2)
    app.button(key="ask_pattern").click().run()
    code = Listed("in a region", (0, 1, 2)).to_code(followed)
    asked = {key: app.query_params[key] for key in app.query_params}
    assert (asked["cohorts_users"], asked["cohorts_pattern"]) == (code, "do=delete&last=2")
    assert "pattern" not in asked
    job = jobs.jobs("what_if")[0]
    assert job.link["cohorts_users"] == code and job.link["pattern"] is None
    job.future.exception(60)
    assert "Without their last 2 events" in read(app.run())
    app.selectbox(key="pattern_pick").select(saved.pattern_id).run()
    app.button(key="start_what_if").click().run()
    jobs.jobs("what_if")[0].future.exception(60)
    app.run().button(key="pattern_delete").click().run()
    assert not app.exception and store.entries("demo") == []
    asked = {key: app.query_params[key] for key in app.query_params}
    assert (asked["cohorts_users"], asked["cohorts_pattern"]) == (code, "do=delete&last=1")
    assert "in a region" in [heading.value for heading in app.subheader]


def test_a_list_too_long_for_an_address_stays_that_of_the_what_if_even_deleted(
    open_app, followed, read, monkeypatch
) -> None:
    monkeypatch.setattr(asking, "MOST", 2)
    about = "some", "demo", followed.corpus_id, "m", 3, None, followed.user_ids[:3]
    saved = PatternStore.open(Library.open()).save(
        SavedPattern("x", Cohort(*about), Pattern.from_text("do=delete"), "joint", 10,
                     Outcome(3, 3, 3, ""))
    )  # fmt: skip
    app = open_app(PAGE, corpus="demo", pattern=saved.pattern_id)
    app.number_input(key="pattern_last").set_value(2)
    app.button(key="ask_pattern").click().run()
    jobs.jobs("what_if")[0].future.exception(60)
    assert "Without their last 2 events" in read(app.run())
    assert app.query_params["pattern"] == saved.pattern_id
    assert app.query_params["cohorts_pattern"] == "do=delete&last=2"
    assert app.number_input(key="pattern_last").value == 2
    app.selectbox(key="pattern_pick").select(saved.pattern_id).run()
    assert "cohorts_pattern" not in app.query_params
    assert app.number_input(key="pattern_last").value is None
    app.button(key="start_what_if").click().run()
    jobs.jobs("what_if")[0].future.exception(60)
    app.run().button(key="pattern_delete").click().run()
    assert not app.exception and PatternStore.open(Library.open()).entries("demo") == []
    assert app.query_params["cohorts_pattern"] == "do=delete"
    said = read(app).replace("\\", "")
    assert "The users of the deleted what-if 'x'; no saved cohort has them." in said
    assert "3 of 800 users" in said
    assert "some" in [heading.value for heading in app.subheader]
    alone = open_app(PAGE, corpus="demo", pattern=saved.pattern_id)
    assert "The users of the deleted what-if" in read(alone).replace("\\", "")
    assert "some" in [heading.value for heading in alone.subheader] and not alone.info


def test_a_cohort_whose_topic_is_gone_can_be_deleted(open_app, followed, read) -> None:
    store = CohortStore.open(Library.open())
    about = "demo", followed.corpus_id, "an earlier one", 12
    gone = store.save(Cohort("old", *about, Rule(topic="Vinyl")))
    app = open_app(PAGE, corpus="demo", cohort=gone.cohort_id)
    assert not app.exception and "there is no topic 'Vinyl'" in read(app).replace("\\", "")
    app.button(key="cohort_delete").click().run()
    assert not app.exception and store.cohorts("demo") == []
    assert "cohort" not in app.query_params


def test_quality_and_monitor_show_a_saved_cohort_by_its_link(open_app, followed, read) -> None:
    store = CohortStore.open(Library.open())
    about = "demo", followed.corpus_id, "m", 100
    saved = store.save(Cohort("first ones", *about, None, followed.user_ids[:100]))
    app = open_app(
        "pages/quality.py", corpus="demo", cohort=saved.cohort_id, quality_tab="By cohort"
    )
    assert not app.exception
    assert "first ones: NDCG@10 of joint" in read(app)
    assert "user of first ones" in app.selectbox(key="quality_cohort").options[-2]
    assert app.query_params["cohort"] == saved.cohort_id
    app = open_app("pages/monitor.py", corpus="demo", cohort=saved.cohort_id)
    assert not app.exception and app.query_params["cohort"] == saved.cohort_id
    said = read(app)
    assert "first ones (100 users): " in said and "that alone can raise alarms" in said
    app.selectbox(key="cohort_of_monitor").select(None).run()
    assert not app.exception and "cohort" not in app.query_params
    assert "first ones (100 users): " not in read(app)


def test_a_region_without_users_is_an_empty_state(open_app, demo_only, read) -> None:
    app = open_app(PAGE, corpus="demo", cohorts_area="900,900 901,900 900,901")
    assert not app.exception
    assert "Nobody is like that" in read(app)

"""The What-if page on the demo: edits by forms, undo, save, links, capsules, old scenarios."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from core.compare.fork import run
from core.compare.replay import make_capsule
from core.corpus.store import Library
from core.engine import Engine
from core.scenario.capsule import Capsule
from core.scenario.edits import Edit, Op
from core.scenario.store import Scenario, ScenarioStore, renamed
from core.scenario.unsaved import Unsaved

WHAT_IF = "pages/what_if.py"


@pytest.fixture
def engine(demo_engine: Engine) -> Engine:
    return demo_engine


@pytest.fixture
def what_if(open_app, demo, busy_user):
    """A function that opens the busy user's What-if page."""
    return lambda **more: open_app(WHAT_IF, **({"corpus": "demo", "user": busy_user} | more))


@pytest.fixture
def saved(engine: Engine, busy_user: str, demo) -> Scenario:
    """A scenario of the busy user that is in the store."""
    base = engine.corpus.history(busy_user)
    edits = [Edit(Op.DELETE, step=len(base) - 1), Edit(Op.RATE, step=8, rating=1.0)]
    capsule = make_capsule(run(engine, base, edits), "no last but one")
    return ScenarioStore.open(Library.open()).save(Scenario(capsule, "why not"))


def add(app, item: str, rating: float | None = None, text: str = "", when: str | None = None):
    app.segmented_control(key="whatif_form").set_value("add").run()
    if when is not None:
        app.text_input(key="whatif_add_when").set_value(when)
    app.selectbox(key="whatif_add_item").set_value(item)
    if rating is not None:
        app.number_input(key="whatif_add_rating").set_value(rating)
    app.text_area(key="whatif_add_text").set_value(text)
    next(one for one in app.button if one.label == "Add the event").click().run()


def status(app) -> str:
    return next(element.value for element in app.text if " up to step " in element.value)


def captions(app) -> str:
    return " ".join(element.value for element in app.caption).replace("\\", "")


def lists(app):
    return next(table.value for table in app.dataframe if "after_id" in table.value)


def said_below(app) -> str:
    """All captions, without the signs that keep them from being Markdown."""
    return " ".join(element.value for element in app.caption).replace("\\", "")


def after(app) -> list[str]:
    return list(lists(app)["after_id"])


def test_without_edits_both_lists_are_the_users(what_if, engine, busy_user) -> None:
    app = what_if()
    assert not app.exception
    own = engine.recommend(engine.corpus.history(busy_user))
    assert after(app) == [item.item_id for item in own.items]
    assert list(lists(app)["before_id"]) == after(app)
    assert "0 edits · nothing to save" in status(app)
    for node in app.get("plotly_chart"):
        assert len(node.proto.alt) > 10


def test_an_added_event_changes_the_list_and_undo_restores_it(what_if, demo, engine) -> None:
    app = what_if()
    before = after(app)
    item = next(one for one in reversed(demo.item_ids) if one not in before)
    add(app, item, 5.0, "Wonderful, every day.")
    assert not app.exception
    assert "1 edit · not saved" in status(app)
    assert after(app) != before
    assert "With 1 edit: " in " ".join(element.value for element in app.text)
    changed = after(app)
    assert "A pattern adds no event, so it can't be asked." in said_below(app)
    app.button(key="undo").click().run()
    assert after(app) == before
    assert app.button(key="undo").disabled
    assert "Ask it of a whole cohort" not in [heading.value for heading in app.subheader]
    app.button(key="redo").click().run()
    assert after(app) == changed


def test_a_pattern_is_asked_of_the_cohort_that_was_open(what_if, engine, busy_user) -> None:
    last = len(engine.corpus.history(busy_user))
    edits = Unsaved((Edit(Op.DELETE, step=last),)).to_code()
    app = what_if(edits=edits, pattern="0123456789ab")
    links = [each.proto.query_string for each in app.get("page_link")]
    asked = [dict(parse_qsl(query)) for query in links if "cohorts_pattern" in query]
    assert "do=delete&last=1" in [query["cohorts_pattern"] for query in asked]
    assert {query.get("pattern") for query in asked} == {"0123456789ab"}


@pytest.mark.parametrize(
    ("item", "rating", "said"), [(None, None, "no item"), (True, 99.0, "outside the scale")]
)
def test_a_wrong_event_is_refused_with_a_message(what_if, demo, item, rating, said) -> None:
    app = what_if()
    add(app, demo.item_ids[0] if item else None, rating)
    assert said in " ".join(element.value for element in app.markdown)
    assert "0 edits" in status(app)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("1800-03-01", "out of range. Choose a date from 1970 to 2099"),
        ("last spring", "not a valid date"),
        ("", "not a valid date"),
    ],
)
def test_a_time_is_never_replaced_by_another(what_if, demo, when, said) -> None:
    app = what_if()
    add(app, demo.item_ids[0], 5.0, when=when)
    assert said in " ".join(element.value for element in app.markdown).replace("\\", "")
    assert "0 edits" in status(app)
    assert app.text_input(key="whatif_add_when").value == when
    assert app.number_input(key="whatif_add_rating").value == 5.0


def test_a_text_is_rewritten_and_an_empty_one_refused(what_if) -> None:
    app = what_if()
    app.text_area(key="whatif_words").set_value("It broke at once. I hate it.")
    app.button(key="use_text").click().run()
    assert "1 edit" in status(app)
    app.text_area(key="whatif_words").set_value("  ")
    app.button(key="use_text").click().run()
    assert "The text is empty" in " ".join(element.value for element in app.markdown).replace(
        "\\", ""
    )
    assert "1 edit" in status(app)


def test_the_opposite_review_is_real_and_its_source_named(what_if, demo) -> None:
    app = what_if()
    app.button(key="opposite").click().run()
    assert not app.exception
    offered = app.text_area(key="whatif_words").value
    captions = " ".join(element.value for element in app.caption)
    assert "A review by" in captions.replace("\\", "")
    words = {event.words for user in demo.user_ids for event in demo.history(user).events}
    assert offered in words
    assert "0 edits" in status(app)


def test_a_new_event_is_the_newest(what_if, demo, busy_user) -> None:
    app = what_if()
    add(app, demo.item_ids[0], 5.0)
    other = next(user for user in demo.user_ids if user != busy_user)
    app.segmented_control(key="whatif_form").set_value("text").run()
    assert app.selectbox(key="whatif_event").options[0].startswith("a1 · ")
    app.segmented_control(key="whatif_form").set_value("add").run()
    app.selectbox(key="user").set_value(other).run()
    day = demo.history(other).at.date()
    assert app.text_input(key="whatif_add_when").value.startswith(str(day))


def test_events_of_one_instant_change_places(open_app, engine, busy_user, demo) -> None:
    base = engine.corpus.history(busy_user)
    edits = [Edit(Op.ADD, item_id=demo.item_ids[0], timestamp=base.events[-1].timestamp)]
    saved = Scenario(make_capsule(run(engine, base, edits), "at once"))
    saved = ScenarioStore.open(Library.open()).save(saved)
    app = open_app(WHAT_IF, scenario=saved.scenario_id)
    app.selectbox(key="whatif_event").set_value("a1").run()
    for edits_now in (2, 3):
        [button] = [button for button in app.button if button.label in ("Earlier", "Later")]
        button.click().run()
        assert f"{edits_now} edits" in status(app)
    moved = Edit(Op.MOVE, step="a1", to=len(base))
    assert app.session_state["whatif_draft"].edits[1:] == (moved, moved)


def test_a_saved_scenario_is_in_the_address_and_opens_anew(what_if, open_app, demo) -> None:
    app = what_if()
    add(app, demo.item_ids[0], 5.0)
    app.text_input(key="whatif_name").set_value("One more").run()
    app.button(key="save").click().run()
    assert not app.exception
    [scenario] = ScenarioStore.open(Library.open()).scenarios("demo")
    assert scenario.name == "One more"
    assert "saved, revision 1" in status(app)
    assert app.query_params["scenario"] == scenario.scenario_id
    link = next(code.value for code in app.code)
    assert f"scenario={scenario.scenario_id}" in link
    other = open_app(WHAT_IF, scenario=scenario.scenario_id)
    assert not other.exception
    assert after(other) == after(app)
    assert "saved, revision 1" in status(other)


def test_a_link_with_only_the_scenario_finds_user_time_and_recommender(
    open_app, saved, busy_user
) -> None:
    app = open_app(WHAT_IF, scenario=saved.scenario_id)
    assert status(app).startswith(f"{busy_user} up to step {saved.capsule.steps} · 2 edits")
    assert after(app) == [row.item_id for row in saved.capsule.expected]


def test_a_link_to_no_scenario_says_so_and_shows_the_page(what_if) -> None:
    app = what_if(scenario="nowhere")
    said = " ".join(element.value for element in app.markdown).replace("\\", "")
    assert "no scenario 'nowhere'" in said
    assert "0 edits" in status(app)


def test_two_sessions_meet_in_a_conflict_and_nothing_is_lost(open_app, saved, demo) -> None:
    mine = open_app(WHAT_IF, scenario=saved.scenario_id)
    theirs = open_app(WHAT_IF, scenario=saved.scenario_id)
    add(theirs, demo.item_ids[1], 1.0)
    theirs.button(key="save").click().run()
    add(mine, demo.item_ids[0], 5.0)
    mine.button(key="save").click().run()
    said = " ".join(element.value for element in mine.markdown).replace("\\", "")
    assert "was saved in another session" in said
    mine.button(key="keep_mine").click().run()
    store = ScenarioStore.open(Library.open())
    found = {one.name: one for one in store.scenarios("demo")}
    assert set(found) == {"no last but one", "no last but one (2)"}
    assert found["no last but one"].capsule.changes[-1].item_id == demo.item_ids[1]
    assert found["no last but one (2)"].capsule.changes[-1].item_id == demo.item_ids[0]
    assert found["no last but one"].revision == 2


def test_taking_theirs_keeps_mine_aside(open_app, saved, demo) -> None:
    mine = open_app(WHAT_IF, scenario=saved.scenario_id)
    store = ScenarioStore.open(Library.open())
    store.save(renamed(saved, "theirs"))
    add(mine, demo.item_ids[0], 5.0)
    mine.button(key="save").click().run()
    mine.button(key="take_theirs").click().run()
    assert not mine.exception
    assert "2 edits · saved, revision 2" in status(mine)
    mine.button(key="bring_back_0").click().run()
    assert "3 edits · not saved" in status(mine)


def test_an_old_scenario_says_so_and_is_replayed(open_app, saved, read) -> None:
    store = ScenarioStore.open(Library.open())
    old = saved.capsule.model_copy(
        update={"model_id": "gone", "expected": saved.capsule.expected[1:]}
    )
    scenario = store.save(replace(saved, capsule=old))
    app = open_app(WHAT_IF, scenario=scenario.scenario_id)
    said = " ".join(element.value for element in app.markdown).replace("\\", "")
    today = scenario.saved and f"{scenario.saved.day} {scenario.saved:%b %Y}"
    assert f"This scenario was made with model gone on {today}" in said
    assert "with this model 1 of 10 items differ" in said
    assert "Model gone is not in this library any more" in read(app)


def test_a_scenario_of_a_recommender_that_the_model_lacks_leaves_the_page_usable(
    open_app, saved
) -> None:
    other = saved.capsule.model_copy(update={"recommender": "theirs", "model_id": "gone"})
    scenario = ScenarioStore.open(Library.open()).save(replace(saved, capsule=other))
    app = open_app(WHAT_IF, scenario=scenario.scenario_id)
    assert not app.exception
    said = " ".join(element.value for element in app.markdown).replace("\\", "")
    assert "no recommender 'theirs'" in said.lower()
    assert len(after(app)) == 10


def test_edits_that_no_longer_fit_are_named_and_can_be_left_out(open_app, saved) -> None:
    store = ScenarioStore.open(Library.open())
    edits = [*saved.capsule.edits, {"op": "delete", "step": 9999}]
    scenario = store.save(replace(saved, capsule=saved.capsule.model_copy(update={"edits": edits})))
    app = open_app(WHAT_IF, scenario=scenario.scenario_id)
    assert not app.exception
    said = " ".join(element.value for element in app.text)
    assert "3. deleted step 9999: step 9999 does not exist" in said
    app.button(key="leave_out").click().run()
    assert "2 edits · changed since revision 2" in status(app)
    assert "Kept aside: 3 edits" in captions(app)
    app.button(key="bring_back_0").click().run()
    assert "3 edits" in status(app)


def test_the_picker_opens_and_a_new_one_puts_unsaved_edits_aside(what_if, saved, demo) -> None:
    app = what_if()
    add(app, demo.item_ids[0], 5.0)
    app.selectbox(key="whatif_pick").set_value(saved.scenario_id).run()
    assert "2 edits · saved" in status(app)
    assert "Kept aside: 1 edit" in captions(app)
    app.button(key="bring_back_0").click().run()
    assert "1 edit · not saved" in status(app)


def test_a_copy_and_a_deletion(open_app, saved) -> None:
    app = open_app(WHAT_IF, scenario=saved.scenario_id)
    app.button(key="duplicate").click().run()
    store = ScenarioStore.open(Library.open())
    assert sorted(one.name for one in store.scenarios("demo")) == [
        "no last but one",
        "no last but one (2)",
    ]
    app.button(key="delete_scenario").click().run()
    assert [one.name for one in store.scenarios("demo")] == ["no last but one"]
    assert "2 edits · not saved" in status(app)


def test_another_scenario_stands_beside(what_if, saved) -> None:
    app = what_if()
    app.selectbox(key="whatif_other").set_value(saved.scenario_id).run()
    assert not app.exception
    assert "The two lists share" in " ".join(element.value for element in app.text)


def test_a_damaged_store_is_a_notice_on_the_page(what_if, demo) -> None:
    path = ScenarioStore.open(Library.open()).path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"no database at all " * 99)
    app = what_if()
    assert not app.exception
    said = " ".join(element.value for element in app.markdown).replace("\\", "")
    assert "file of scenarios is damaged" in said


def test_another_time_is_another_base_but_edits_stay(what_if, demo) -> None:
    app = what_if()
    add(app, demo.item_ids[0], 5.0)
    app.slider(key="time").set_value(20).run()
    assert "up to step 20 · 1 edit" in status(app)


def test_edits_of_later_events_are_kept_aside_when_time_moves_before_them(what_if, demo) -> None:
    app = what_if()
    app.text_area(key="whatif_words").set_value("It broke at once. I hate it.")
    app.button(key="use_text").click().run()
    edits = app.session_state["whatif_draft"].edits
    app.slider(key="time").set_value(2).run()
    assert "up to step 2 · 0 edits" in status(app)
    assert "Kept aside: 1 edit" in captions(app)
    add(app, demo.item_ids[0], 5.0)
    app.button(key="bring_back_0").click().run()
    assert app.session_state["whatif_draft"].edits == edits
    assert "Kept aside: 1 edit" in captions(app)
    app.button(key="bring_back_0").click().run()
    assert "up to step 2 · 1 edit" in status(app)
    app.button(key="drop_kept_0").click().run()
    assert "Kept aside" not in captions(app)


def test_every_unsaved_draft_is_kept_aside(what_if, saved, demo) -> None:
    app = what_if()
    add(app, demo.item_ids[0], 5.0)
    app.selectbox(key="whatif_pick").set_value(saved.scenario_id).run()
    add(app, demo.item_ids[1], 1.0)
    app.selectbox(key="whatif_pick").set_value("").run()
    assert "0 edits" in status(app)
    assert "Kept aside: 3 edits" in captions(app) and "Kept aside: 1 edit" in captions(app)


def test_a_name_or_another_recommender_alone_can_be_saved(what_if, open_app, saved) -> None:
    app = what_if()
    assert app.button(key="save").disabled
    app.text_input(key="whatif_name").set_value("Empty so far").run()
    assert not app.button(key="save").disabled
    app = open_app(WHAT_IF, scenario=saved.scenario_id)
    assert app.button(key="save").disabled
    app.selectbox(key="recommender").set_value("popularity").run()
    app.button(key="save").click().run()
    assert "saved, revision 2" in status(app)
    assert (
        ScenarioStore.open(Library.open()).load(saved.scenario_id).capsule.recommender
        == "popularity"
    )


def test_another_browser_opens_unsaved_edits_by_the_address(
    what_if, open_app, saved, demo, busy_user
) -> None:
    app = what_if()
    add(app, demo.item_ids[0], 5.0, "Wonderful, every day.")
    add(app, demo.item_ids[1])
    app.text_input(key="whatif_name").set_value("Two more").run()
    app.button(key="undo").click().run()
    other = open_app(WHAT_IF, **app.query_params)
    assert after(other) == after(app)
    assert "1 edit · not saved" in status(other)
    assert other.text_input(key="whatif_name").value == "Two more"
    other.button(key="redo").click().run()
    assert "2 edits" in status(other)
    app = what_if(scenario=saved.scenario_id)
    add(app, demo.item_ids[0], 5.0)
    other = open_app(WHAT_IF, **app.query_params)
    assert "3 edits · changed since revision 1" in status(other)
    other.button(key="save").click().run()
    assert "3 edits · saved, revision 2" in status(other)
    assert "edits" not in other.query_params


def test_a_damaged_code_of_edits_is_a_notice_and_the_page_is_usable(what_if, demo) -> None:
    app = what_if(edits="1AAAA")
    assert not app.exception
    said = " ".join(element.value for element in app.markdown).replace("\\", "")
    assert "The edits in the address can't be read" in said
    add(app, demo.item_ids[0], 5.0)
    assert "1 edit · not saved" in status(app)


def test_discard_and_new_take_unsaved_edits_aside(what_if, saved, demo) -> None:
    app = what_if()
    assert app.button(key="discard").disabled and app.button(key="new").disabled
    add(app, demo.item_ids[0], 5.0)
    app.button(key="discard").click().run()
    assert "0 edits · nothing to save" in status(app)
    assert "Kept aside: 1 edit" in captions(app)
    app.button(key="bring_back_0").click().run()
    app.button(key="new").click().run()
    assert "0 edits" in status(app) and "Kept aside: 1 edit" in captions(app)
    app.selectbox(key="whatif_pick").set_value(saved.scenario_id).run()
    add(app, demo.item_ids[0], 5.0)
    assert "3 edits · changed" in status(app)
    app.button(key="discard").click().run()
    assert "2 edits · saved, revision 1" in status(app)


def test_another_user_has_no_part_in_the_edits(what_if, demo, busy_user) -> None:
    app = what_if()
    add(app, demo.item_ids[0], 5.0)
    other = next(user for user in demo.user_ids if user != busy_user)
    app.selectbox(key="user").set_value(other).run()
    assert status(app).startswith(f"{other} ") and "0 edits" in status(app)
    assert "edits" not in app.query_params
    assert "Kept aside: 1 edit" in captions(app)


def test_the_address_drops_a_scenario_that_is_not_shown(open_app, saved, demo) -> None:
    app = open_app(WHAT_IF, scenario=saved.scenario_id)
    assert app.query_params["scenario"] == saved.scenario_id
    app.slider(key="time").set_value(5).run()
    assert "up to step 5 · 0 edits" in status(app)
    assert "scenario" not in app.query_params
    other = next(user for user in demo.user_ids if user != saved.capsule.user)
    app = open_app(WHAT_IF, scenario=saved.scenario_id)
    app.selectbox(key="user").set_value(other).run()
    assert status(app).startswith(other)
    assert "scenario" not in app.query_params


def test_without_a_user_the_page_offers_some(open_app, demo) -> None:
    app = open_app(WHAT_IF, corpus="demo")
    assert not app.exception
    assert app.subheader[0].value == "Choose a user"


def test_the_smallest_change_is_found_and_applied(what_if, engine, busy_user) -> None:
    app = what_if(time="4", recommender="interest")
    first = engine.recommend(engine.corpus.history(busy_user).up_to(4), 1, "interest").items[0]
    app.selectbox(key="whatif_wanted").set_value(first.item_id).run()
    app.segmented_control(key="whatif_goal").set_value("Out of the top 10").run()
    app.button(key="search").click().run()
    job = app.session_state["whatif_search"]
    job.future.exception(timeout=120)
    app.run()
    assert job.result.edits
    app.button(key="use_found").click().run()
    assert first.item_id not in after(app)
    assert app.session_state["whatif_draft"].edits == job.result.edits


def test_a_search_of_another_recommender_is_dropped(what_if, demo) -> None:
    app = what_if()
    app.selectbox(key="whatif_wanted").set_value(demo.item_ids[-1]).run()
    app.button(key="search").click().run()
    job = app.session_state["whatif_search"]
    app.selectbox(key="recommender").set_value("popularity").run()
    job.future.exception(timeout=120)
    app.run()
    assert job.state in ("stopped", "done")
    assert not any(button.key == "use_found" for button in app.button)


def test_the_capsule_of_the_page_is_the_commands(what_if, engine, saved) -> None:
    text = make_capsule(
        run(engine, engine.corpus.history(saved.capsule.user), saved.capsule.changes),
        saved.name,
    ).to_text()
    assert Capsule.model_validate_json(text) == saved.capsule
    assert json.loads(text)["format"] == "tastelines-capsule"

"""Corpus, user and time live in the URL, and the URL decides when it is opened."""

from __future__ import annotations

from types import SimpleNamespace

import streamlit as st
from streamlit.proto.WidgetStates_pb2 import WidgetStates

from pages._shared import controls, drawing, state


def test_the_selection_is_written_to_the_url(shop, open_app) -> None:
    app = open_app(corpus="shop", user="u1")
    assert app.query_params == {"corpus": "shop", "user": "u1", "time": "17"}


def test_a_link_opens_the_same_user_and_time(shop, open_app) -> None:
    app = open_app(corpus="shop", user="u3", time="4")
    assert app.selectbox(key="user").value == "u3"
    assert app.slider(key="time").value == 4


def test_a_time_in_a_link_may_be_a_date(shop, open_app) -> None:
    app = open_app(corpus="shop", user="u3", time="2024-05-31")
    before = [at for at in range(120) if at % 7 == 3 and 1 + at % 9 <= 5]
    assert app.slider(key="time").value == len(before)


def test_another_user_starts_at_the_last_event(shop, open_app) -> None:
    app = open_app(corpus="shop", user="u3", time="4")
    app.selectbox(key="user").select("u2").run()
    assert app.slider(key="time").value == app.slider(key="time").max
    assert app.query_params["user"] == "u2"


def test_the_next_user_and_the_next_event_have_buttons(shop, open_app) -> None:
    app = open_app(corpus="shop", user="u3", time="4")
    app.button(key="step+1").click().run()
    assert app.query_params["time"] == "5"
    app.button(key="step-1").click().run().button(key="step-1").click().run()
    assert app.query_params["time"] == "3"
    app.button(key="user+1").click().run()
    assert app.query_params["user"] == "u4"
    app.button(key="user-1").click().run().button(key="user-1").click().run()
    assert app.query_params["user"] == "u2"


def test_the_ends_of_a_history_disable_their_button(shop, open_app) -> None:
    assert open_app(corpus="shop", user="u3", time="1").button(key="step-1").disabled
    assert open_app(corpus="shop", user="u3").button(key="step+1").disabled


def test_the_users_wrap_around(shop, open_app) -> None:
    app = open_app(corpus="shop", user="u6")
    app.button(key="user+1").click().run()
    assert app.query_params["user"] == "u0"


def test_a_browser_that_skipped_a_run_is_told_the_choice_again(shop, open_app) -> None:
    """Told once only, a slow browser starts the field empty and reports that as a choice."""
    app = open_app(corpus="shop", user="u3", time="4")
    app.run().run()
    for key in ("corpus", "user"):
        field = app.selectbox(key=key)
        assert field.proto.set_value
        assert field.proto.raw_value.startswith(field.value)
    assert app.slider(key="time").proto.set_value


def test_what_a_picker_held_before_a_click_is_no_choice(shop, open_app, monkeypatch) -> None:
    """A second click finds a browser that has not yet taken what the first one changed."""
    monkeypatch.setattr(state, "BEHIND_SECONDS", 600)
    app = open_app(corpus="shop", user="u3", time="4")
    app.button(key="user+1").click().run()
    app.selectbox(key="user").select("u3")
    app.button(key="step-1").click().run()
    assert (app.query_params["user"], app.query_params["time"]) == ("u4", "16")
    app.selectbox(key="user").select("u2")
    app.run()
    assert app.query_params["user"] == "u2"
    app.button(key="user+1").click().run()
    monkeypatch.setattr(state, "BEHIND_SECONDS", 0)
    app.selectbox(key="user").select("u2").run()
    assert app.query_params["user"] == "u2"


def test_only_the_latest_values_may_still_be_reported(shop, open_app, monkeypatch) -> None:
    """Or a step that Play has passed could not be gone back to."""
    monkeypatch.setattr(state, "BEHIND_SECONDS", 600)
    app = open_app(corpus="shop", user="u3", time="2")
    for _ in range(state.LATEST + 1):
        app.button(key="step+1").click().run()
    app.slider(key="time").set_value(2).run()
    assert app.query_params["time"] == "2"


def test_another_page_keeps_the_choice_though_the_browser_names_no_pickers(shop, open_app) -> None:
    """So it does where the next page is clicked before the sidebar has been drawn anew."""
    first = shop.corpus("shop")
    shop.write("a-first", first.events, first.items, rating_scale=None)
    app = open_app()
    app.selectbox(key="corpus").select("shop").run()
    app.selectbox(key="user").select("u3").run()
    app.slider(key="time").set_value(4).run()
    app.switch_page("pages/timeline.py")
    app.query_params.clear()
    app._run(WidgetStates())
    assert app.query_params == {"corpus": "shop", "user": "u3", "time": "4"}


def test_what_a_link_chose_on_explain_is_told_again(demo, busy_user, open_app) -> None:
    app = open_app(
        "pages/explain.py", corpus="demo", user=busy_user, time="3", recommender="popularity"
    )
    app.run()
    assert all(app.selectbox(key=key).proto.set_value for key in ("item", "recommender"))


def test_a_typed_user_is_left_alone_once_the_browser_has_it(shop, open_app, monkeypatch) -> None:
    """Telling a text field its value in every run would wipe out what is being typed."""
    monkeypatch.setattr(controls, "LISTED_USERS", 3)
    app = open_app(corpus="shop", user="u3")
    app.run()
    assert app.text_input(key="find_user_query").proto.set_value
    app.run()
    assert not app.text_input(key="find_user_query").proto.set_value


def test_a_click_counts_while_the_browser_still_has_an_older_address(shop, open_app) -> None:
    app = open_app(corpus="shop", user="u3", time="4")
    app.button(key="step+1").click().run()
    app.query_params["time"] = "4"  # the second click came before the address of the first
    app.button(key="step+1").click().run()
    assert app.slider(key="time").value == 6
    assert app.query_params["time"] == "6"
    app.query_params["time"] = "4"  # but without a click it is a wish: Back
    assert app.run().slider(key="time").value == 4


def test_an_address_on_its_way_to_the_browser_is_corrected(shop, open_app, monkeypatch) -> None:
    """On and back again: the browser asked for both while it had the first address."""
    app = open_app(corpus="shop", user="u3", time="4")
    app.button(key="step+1").click().run()
    app.query_params["time"] = "4"
    written: list[dict[str, str]] = []
    real = type(st.query_params).from_dict
    monkeypatch.setattr(
        type(st.query_params),
        "from_dict",
        lambda self, to: (written.append(dict(to)), real(self, to))[1],
    )
    app.button(key="step-1").click().run()
    assert [to["time"] for to in written] == ["4"]
    app.run()
    assert len(written) == 1


def test_a_name_in_another_language_is_no_choice(monkeypatch) -> None:
    """The language has changed, and the browser still calls the value as it did before."""
    session: dict = {"model": "3 Mar 2024"}
    run = SimpleNamespace(fragment_ids_this_run=[])
    monkeypatch.setattr(state, "st", SimpleNamespace(session_state=session))
    monkeypatch.setattr(state, "get_script_run_ctx", lambda: run)
    state.held()["model"] = state.Held("m1")
    state.renamed()
    assert state.is_old_name("model", "3 Mar 2024") and not state.is_old_name("time", "4")
    assert not state.is_choice("model") and session["model"] == "m1"
    session["model"] = "3 Mar 2024"
    assert drawing.settle("model", ["m0", "m1"], "m0", "") and session["model"] == "m1"
    monkeypatch.setattr(state, "BEHIND_SECONDS", 0)
    state.told(state.held())
    session["model"] = "m0"
    assert state.is_choice("model") and session["model"] == "m0"


def test_what_comes_with_a_tick_is_never_a_choice(monkeypatch) -> None:
    """A fragment's run brings all that the browser holds; a choice asks for the whole page."""
    session: dict = {"time": 4}
    run = SimpleNamespace(fragment_ids_this_run=["tick"])
    monkeypatch.setattr(state, "st", SimpleNamespace(session_state=session))
    monkeypatch.setattr(state, "get_script_run_ctx", lambda: run)
    state.held()["time"] = state.Held(5)
    assert not state.is_choice("time") and session["time"] == 5
    session["time"], run.fragment_ids_this_run = 4, []
    assert state.is_choice("time") and session["time"] == 4

"""Corpus, user and time live in the URL, and the URL decides when it is opened."""

from __future__ import annotations


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

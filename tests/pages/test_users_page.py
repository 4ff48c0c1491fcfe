"""Users without a browser: what is listed, in the address, and the walk through a list."""

from __future__ import annotations

from pages._shared import state

PAGE = "pages/users.py"


def shown(app):
    (table, *_) = app.dataframe
    return table.value


def test_all_users_are_listed_and_the_chosen_one_is_marked(open_app, demo_only) -> None:
    user = demo_only.user_ids[7]
    app = open_app(PAGE, corpus="demo", user=user)
    assert not app.exception
    rows = shown(app)
    assert len(rows) == len(demo_only.user_ids)
    assert rows["user_id"][rows["chosen"] == "●"].tolist() == [user]


def test_a_search_and_an_order_are_in_the_address(open_app, demo_only) -> None:
    app = open_app(PAGE, corpus="demo")
    app.segmented_control(key="users_search_in").set_value("word").run()
    app.text_input(key="users_search").set_value("battery").run()
    app.segmented_control(key="users_sort").set_value("events").run()
    assert app.query_params["users_search"] == "battery"
    rows = shown(app)
    assert 0 < len(rows) < len(demo_only.user_ids)
    assert rows["events"].is_monotonic_decreasing and (rows["hits"] > 0).all()
    again = open_app(PAGE, **app.query_params)
    assert shown(again).equals(rows)


def test_what_is_not_there_is_said(open_app, demo_only, read) -> None:
    asked = {"users_topic": "nothing", "users_sort": "x", "users_attribute": "plan"}
    app = open_app(PAGE, corpus="demo", users_least="many", **asked)
    assert not app.exception
    said = " ".join(info.value.replace("\\", "") for info in app.info)
    assert "no topic 'nothing'" in said and "'x'" in said
    assert "no user attributes, so none is called 'plan'" in said
    assert app.number_input(key="users_least").value == 1
    app.text_input(key="users_search").set_value("nobody at all").run()
    assert "No user is like that" in read(app)


def test_next_user_walks_the_list(open_app, demo_only) -> None:
    listed = (demo_only.user_ids[30], demo_only.user_ids[4], demo_only.user_ids[11])
    app = open_app("pages/timeline.py", corpus="demo", user=listed[0])
    app.session_state[state.WALK] = ("demo", listed)
    app.run()
    assert any("1 of 3" in caption.value for caption in app.sidebar.caption)
    for user in (*listed[1:], listed[0]):
        app.button(key="user+1").click().run()
        assert app.query_params["user"] == user
    app.selectbox(key="user").select(demo_only.user_ids[0]).run()
    app.button(key="user+1").click().run()
    assert app.query_params["user"] == demo_only.user_ids[1]

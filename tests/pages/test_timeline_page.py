"""The Timeline page on the demo: every chart, the event, the list, the table, in any theme."""

from __future__ import annotations

import json
import re

import pytest

from core.corpus.store import Corpus

TIMELINE = "pages/timeline.py"
CHARTS = ("profile", "events", "ranks", "map", "step_sizes")


def charts(app) -> dict[str, dict]:
    """The figures on the page by key, with what moves put in as the browser does."""
    nodes = app.get("plotly_chart")
    figures = {node.proto.id.split("-")[-1]: json.loads(node.proto.spec) for node in nodes}
    for key, moving in moving_parts(app).items():
        figures[key]["data"] += moving["data"]
        figures[key]["layout"] |= moving["layout"]
        figures[key]["layout"]["shapes"] = moving["shapes"] + figures[key]["layout"]["shapes"]
    return figures


def moving_parts(app) -> dict[str, dict]:
    """What the page sends of each chart at every step."""
    sent = [json.loads(node.proto.json or "{}") for node in app.get("bidi_component")]
    return next(data["charts"] for data in sent if "charts" in data)


def chart(app, name: str) -> dict:
    return next(figure for key, figure in charts(app).items() if key == f"pick_{name}")


@pytest.fixture
def demo(demo_only: Corpus) -> Corpus:
    return demo_only


@pytest.fixture
def timeline(open_app, demo, busy_user):
    """A function that opens the busy user's Timeline at a step."""
    return lambda time="6", **more: open_app(
        TIMELINE, corpus="demo", user=busy_user, time=time, **more
    )


def test_every_chart_is_there_and_said_aloud(timeline) -> None:
    app = timeline()
    assert not app.exception
    assert set(charts(app)) >= {f"pick_{name}" for name in CHARTS}
    for node in app.get("plotly_chart"):
        assert len(node.proto.alt) > 20


def test_the_selected_event_is_shown_with_its_words_as_plain_text(
    timeline, demo, busy_user
) -> None:
    history = demo.history(busy_user)
    step = next(at for at, event in enumerate(history.events, start=1) if event.text)
    app = timeline(str(step))
    shown = [element.value for element in app.text]
    assert any(text.startswith(f"Step {step} of {len(history)} · ") for text in shown)
    assert history.events[step - 1].text in shown


def test_the_slider_moves_the_rule_of_every_chart(timeline) -> None:
    app = timeline("6")
    before = chart(app, "events")["layout"]["shapes"][0]["x0"]
    app.slider(key="time").set_value(9).run()
    rules = {
        chart(app, name)["layout"]["shapes"][0]["x0"]
        for name in ("profile", "events", "ranks", "step_sizes")
    }
    assert len(rules) == 1
    assert rules != {before}
    assert app.query_params["time"] == "9"


def test_a_step_changes_no_chart_only_what_moves_in_it(timeline) -> None:
    app = timeline("6")
    before = {node.proto.id for node in app.get("plotly_chart")}
    moved = moving_parts(app)
    assert set(moved) == {*(f"pick_{name}" for name in CHARTS), "shares"}
    app.slider(key="time").set_value(9).run()
    assert {node.proto.id for node in app.get("plotly_chart")} == before
    assert all(part != moved[key] for key, part in moving_parts(app).items())


def test_time_can_be_evenly_spaced_or_only_around_now(timeline) -> None:
    app = timeline("14")
    app.session_state["spacing"] = "Evenly spaced"
    app.session_state["extent"] = "Around now"
    app.run()
    axis = chart(app, "events")["layout"]["xaxis"]
    assert axis["type"] == "linear"
    assert axis["range"][0] == pytest.approx(5.4)
    before = {node.proto.id for node in app.get("plotly_chart")}
    app.slider(key="time").set_value(16).run()  # no chart is built anew
    assert {node.proto.id for node in app.get("plotly_chart")} == before


def test_the_list_its_sentence_and_compare_count_the_same_moves(
    timeline, open_app, demo, busy_user, read
) -> None:
    for step in ("1", "12", "30"):
        app = timeline(step, recommender="ease")
        moves = list(app.dataframe[0].value["move"])
        assert len(moves) == 10
        stay = sum(move != "entered" for move in moves)
        said = f"{stay} of 10 stay"
        shown = read(app).replace("\\", "")
        assert f"{said} (" in shown or f"{said}, " in shown
        assert "Top 10 by EASE" in shown
        compare = open_app(
            "pages/compare.py", user=busy_user, time=step, recommender="ease", columns="event"
        )
        assert f"top 10 by EASE, {said}" in read(compare).replace("\\", "")


def test_the_table_twin_has_every_step(timeline, demo, busy_user) -> None:
    app = timeline()
    app.session_state["table"] = True
    app.run()
    assert len(app.dataframe[1].value) == len(demo.history(busy_user))


def test_a_dark_browser_gets_dark_colours(timeline) -> None:
    app = timeline()
    light = chart(app, "profile")["data"][0]["fillcolor"]
    app.context = {"theme": "dark"}
    app.run()
    assert chart(app, "profile")["data"][0]["fillcolor"] != light


def test_play_starts_again_from_the_first_event_when_at_the_end(timeline, demo, busy_user) -> None:
    app = timeline(str(len(demo.history(busy_user))))
    app.button(key="play").click().run()
    assert app.slider(key="time").value == 1
    assert app.button(key="play").label == "Pause"
    app.button(key="play").click().run()
    assert app.button(key="play").label == "Play"


def test_without_a_user_the_page_offers_some(open_app, demo) -> None:
    app = open_app(TIMELINE, corpus="demo")
    assert not app.exception
    assert app.subheader[0].value == "Choose a user"
    assert len(app.get("page_link")) > 3


def test_a_permalink_names_corpus_model_user_and_time(timeline, busy_user) -> None:
    link = timeline("6").code[0].value
    assert re.search(rf"corpus=demo&model=\w+&user={busy_user}&time=6&recommender=joint$", link)


def test_the_shortest_history_draws(open_app, demo) -> None:
    counts = demo.user_starts[1:] - demo.user_starts[:-1]
    user = demo.user_ids[int(counts.argmin())]
    app = open_app(TIMELINE, corpus="demo", user=user)
    assert not app.exception
    assert set(charts(app)) >= {f"pick_{name}" for name in CHARTS}


def test_episodes_lead_to_their_first_step_and_turning_points_show_their_evidence(
    open_app, demo
) -> None:
    user = "U0003"  # simulated with one abrupt turn
    app = open_app(TIMELINE, corpus="demo", user=user, time="2")
    assert not app.exception
    assert any(text.value.startswith("2 episodes: ") for text in app.text)
    strip = [button for button in app.button if (button.key or "").startswith("episode")]
    assert len(strip) == 2 and "sentiment" in strip[0].label
    first = int(strip[1].key.removeprefix("episode"))
    strip[1].click().run()
    assert app.session_state["time"] == first
    shapes = chart(app, "events")["layout"]["shapes"]
    assert len(shapes) == 3  # the rule at the selected step, and the mark with its halo
    named = {trace.get("name") for trace in chart(app, "map")["data"]}
    assert "turning points" in named
    app.session_state["turns_open"] = True
    app.run()
    assert not app.exception
    assert any(f"at step {first}" in element.value for element in app.markdown)
    carriers = [b for b in app.button if (b.key or "").startswith(f"carrier{first}_")]
    assert carriers and all(b.label.startswith("Step ") for b in carriers)
    assert any("no q yet" in element.value for element in app.caption)

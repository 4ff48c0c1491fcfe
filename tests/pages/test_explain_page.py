"""The Explain page on the demo: the answer, its pieces, its links, and every wrong address."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from types import SimpleNamespace
from urllib.parse import parse_qsl

import pytest
from streamlit import runtime
from streamlit.testing.v1 import AppTest

from core.corpus.store import Corpus, Library
from core.domain import DomainError, History
from core.engine import Engine
from core.figures.explain_report import explain_report
from core.figures.palette import PALETTES
from core.progress import check_stop
from core.views.explain import explaining as pieces
from core.views.explain.explaining import Explaining
from core.views.explain.rows import MarkedWord, WordsView
from pages import explain as page
from pages._explain import sections

EXPLAIN = "pages/explain.py"
SECONDS = 180


@pytest.fixture
def demo(demo_only: Corpus) -> Corpus:
    return demo_only


@pytest.fixture
def short_user(demo) -> str:
    """A user with seven to ten events and short reviews, two or more."""

    def longest(user: str) -> int:
        return max(len(event.words) for event in demo.history(user).events)

    return min(
        (
            user
            for user in demo.user_ids
            for events in [demo.history(user).events]
            if 7 <= len(events) <= 10 and sum(bool(event.words) for event in events) >= 2
        ),
        key=longest,
    )


@pytest.fixture
def engine(demo_engine: Engine) -> Engine:
    return demo_engine


@pytest.fixture
def explained(open_app, demo, short_user, settle):
    """A function that opens the page for the short user and waits for all pieces."""
    return lambda **more: settle(
        open_app(EXPLAIN, **({"corpus": "demo", "user": short_user} | more))
    )


def figures(app: AppTest) -> dict[str, dict]:
    return {
        node.proto.id.split("-")[-1]: json.loads(node.proto.spec)
        for node in app.get("plotly_chart")
    }


def said(app: AppTest) -> str:
    """All texts, captions and Markdown of the page."""
    return " ".join(
        element.value.replace("\\", "")
        for kind in (app.text, app.caption, app.markdown, app.info)
        for element in kind
    )


def test_every_piece_arrives_and_is_said_aloud(explained) -> None:
    app = explained()
    assert set(figures(app)) == {"waterfall", "words", "curves"}
    for node in app.get("plotly_chart"):
        assert len(node.proto.alt) > 20
    text = said(app)
    assert "has rank 1 in the list (probability " in text and "Exact: every combination" in text
    assert "not the person" in text
    assert "Verified with the recommender" in text
    assert "SHAP values from " in text and "First SHAP" not in text
    assert "deletion area" in text
    assert [head.value for head in app.subheader] == [
        "Which words?",
        "Smallest change",
        "How reliable is this explanation?",
        "Who gets this item now?",
    ]


def test_another_item_another_recommender_and_the_lead(
    explained, engine, short_user, settle
) -> None:
    app = explained()
    history = engine.corpus.history(short_user)
    third = engine.recommend(history, 3).items[2].item_id
    app.selectbox(key="item").select(third)
    settle(app)
    assert "has rank 3 in the list" in said(app)
    app.selectbox(key="recommender").select("ease")
    settle(app)
    rank = page_rank(engine, history, third, "ease")
    assert f"has rank {rank} in" in said(app) or f"its rank is {rank}" in said(app)
    assert app.query_params["recommender"] == "ease" and app.query_params["item"] == third
    app.segmented_control(key="explain_measure").set_value(page.MARGIN)
    settle(app)
    assert "the margin over" in said(app)


def page_rank(engine: Engine, history: History, item: str, recommender: str) -> int:
    listed = engine.recommend(history, len(engine.corpus.item_ids), recommender).items
    return next(one.rank for one in listed if one.item_id == item)


def test_words_can_be_read_for_the_score_and_for_another_review(explained, settle) -> None:
    app = explained()
    feeling = figures(app)["words"]["data"][0]["x"]
    app.segmented_control(key="words_target").set_value("sentiment")
    settle(app)
    assert figures(app)["words"]["data"][0]["x"] != feeling
    steps = app.selectbox(key="words_of").options
    assert len(steps) >= 2
    now = app.selectbox(key="words_of").value
    other = next(index for index, label in enumerate(steps) if not label.startswith(f"step {now} "))
    app.selectbox(key="words_of").select_index(other)
    settle(app)
    assert figures(app)["words"]["data"][0]["x"] != feeling


def test_every_piece_leads_to_the_timeline(explained, short_user) -> None:
    links = [link.proto for link in explained().get("page_link")]
    to_timeline = [link for link in links if "Timeline" in link.label]
    assert len(to_timeline) >= 2
    assert all("time=" in link.query_string for link in to_timeline)


def test_the_table_twin_has_every_event(explained, demo, short_user) -> None:
    table = explained().dataframe[0].value
    assert len(table) == len(demo.history(short_user))
    assert {"step", "item", "value", "text_part"} <= set(table)


def test_a_permalink_names_user_time_item_and_recommender(explained, short_user, engine) -> None:
    app = explained(time="5", recommender="interest")
    first = engine.recommend(engine.corpus.history(short_user).up_to(5), 1, "interest").items[0]
    link = app.code[0].value
    for part in (f"user={short_user}", "time=5", f"item={first.item_id}", "recommender=interest"):
        assert part in link


def test_an_address_that_asks_for_what_is_not_there_is_answered(explained) -> None:
    text = said(explained(item="NOTHING", recommender="oracle"))
    assert "There is no item 'NOTHING'" in text and "There is no recommender 'oracle'" in text
    assert "has rank 1 in the list" in text


def test_beside_another_user_both_waterfalls_have_one_scale(
    explained, open_app, demo, short_user, engine
) -> None:
    other = next(user for user in demo.user_ids if user != short_user)
    app = explained(beside=f"user:{other}@3")
    text, drawn = said(app), figures(app)
    assert not app.exception and "Main difference" in text and f"{other}, step 3 (" in text
    ranges = [
        figure["layout"]["xaxis"]["range"]
        for name, figure in drawn.items()
        if name.startswith("beside_waterfall")
    ]
    assert len(ranges) == 2 and ranges[0] == ranges[1] and "waterfall" not in drawn
    rows = next(table.value for table in app.dataframe if "apart" in table.value)
    first = engine.recommend(engine.corpus.history(short_user), 1).items[0].item_id
    scores = [
        float(engine.recommender().log_probabilities([history])[0][item])
        for item in [demo.item_index[first]]
        for history in (demo.history(short_user), demo.history(other).up_to(3))
    ]
    assert rows["apart"].sum() == pytest.approx(scores[0] - scores[1], abs=1e-3)
    assert f"beside=user%3A{other}%403" in app.code[0].value
    links = [dict(parse_qsl(each.proto.query_string)) for each in app.get("page_link")]
    back = f"user:{short_user}@{len(demo.history(short_user))}"
    (way,) = [link for link in links if link.get("beside") == back]
    assert (way["user"], way["time"]) == (other, "3")
    wrong = {"user:no<b>body": "no<b>body", "model:<b>x</b>": "<b>x</b>"}
    for asked, why in wrong.items():
        app = open_app(EXPLAIN, corpus="demo", user=short_user, beside=asked)
        text = said(app)
        assert not app.exception and "Beside: " in text and why in text
    itself = open_app(EXPLAIN, corpus="demo", user=short_user, beside=short_user)
    assert "This list can't be beside itself" in said(itself) and not itself.exception
    assert itself.selectbox(key="beside").value is None and "beside" not in itself.query_params


def test_an_item_the_user_already_has(explained, demo, short_user) -> None:
    had = min(demo.history(short_user).excluded_items())
    text = said(explained(item=had))
    assert "is excluded because already bought, rated or reviewed" in text
    assert "excluded before" in text


def test_one_event_is_enough_for_an_answer(explained) -> None:
    text = said(explained(time="1"))
    assert "fewer than two events" in text and "Nothing to rank" in text


def test_without_a_user_the_page_offers_some(open_app, demo) -> None:
    app = open_app(EXPLAIN, corpus="demo")
    assert not app.exception
    assert app.subheader[0].value == "Choose a user"


def test_who_gets_the_item_is_a_table_by_probability(explained) -> None:
    app = explained()
    app.button(key="find_receivers").click().run(timeout=SECONDS)
    assert not app.exception
    assert "in the top 10 of" in said(app)
    people = next(table.value for table in app.dataframe if "cause" in table.value)
    assert list(people["rank"]) == sorted(people["rank"])
    assert people["probability"].between(0, 100).all() and people["user"].is_unique


def test_popularity_says_that_it_ignores_the_user(explained) -> None:
    text = said(explained(recommender="popularity"))
    assert "Popularity ignores the user" in text
    assert "Popularity ignores the user" not in said(explained(time="2"))


def test_a_bar_without_a_review_is_not_another_ones(explained, demo, short_user, settle) -> None:
    app = explained()
    events = demo.history(short_user).events
    silent = next(step for step, event in enumerate(events, 1) if not event.words)
    app.session_state["explain_picked"] = silent
    settle(app)
    assert f"Step {silent} · " in said(app) and " has no review." in said(app)
    assert "words" not in figures(app)
    again = explained(words_of=str(silent))
    assert f"Step {silent} · " in said(again) and "words" not in figures(again)
    app.button(key="read_another").click()
    settle(app)
    assert "words" in figures(app)


def test_a_click_counts_though_the_browser_shows_an_older_address(
    explained, demo, short_user, settle
) -> None:
    """It does where an address that a run has written is still on its way there."""
    events = demo.history(short_user).events
    silent = str(next(step for step, event in enumerate(events, 1) if not event.words))
    app = explained(words_of=silent, event=silent)
    assert app.query_params["event"] == silent
    app.query_params.pop("model")
    app.button(key="read_another").click()
    settle(app)
    assert "words" in figures(app)
    assert "event" not in app.query_params and app.query_params.get("words_of") != silent


def test_words_of_the_sentiment_sum_to_the_sentiment(explained, settle) -> None:
    app = explained()
    assert "text part of step" in said(app) and "The sentiment" not in said(app)
    app.segmented_control(key="words_target").set_value("sentiment")
    settle(app)
    assert "so the sentiment of the review is" in said(app)
    assert "text part of step" not in said(app)


def test_the_report_holds_every_section(demo, engine, short_user) -> None:
    history = engine.corpus.history(short_user)
    first = engine.recommend(history, 1).items[0].item_id
    report = Explaining(engine, history, first, "joint", False).report()
    html = explain_report(report, ("u",), PALETTES["light"])
    for heading in ("Which events?", "Which words?", "Smallest change", "All events"):
        assert heading in html
    assert report.answer.standing in html and report.change.sentence in html


def test_a_stop_holds_until_go_on(open_app, demo, short_user, monkeypatch, settle) -> None:
    real = pieces.build_change

    def slower(explanation, change):
        for _ in range(100):
            check_stop(explanation.stop)
            time.sleep(0.02)
        return real(explanation, change)

    monkeypatch.setattr(pieces, "build_change", slower)
    app = open_app(EXPLAIN, corpus="demo", user=short_user, recommender="transitions")
    end = time.monotonic() + SECONDS
    while not any(button.key == "stop_explaining" for button in app.button):
        assert time.monotonic() < end
        app.run()
    app.button(key="stop_explaining").click().run()
    for _ in range(3):
        app.run()
        assert any(button.key == "go_on" for button in app.button)
    monkeypatch.setattr(pieces, "build_change", real)
    app.button(key="go_on").click()
    settle(app)
    assert "Verified with the recommender" in said(app)


def test_a_question_is_read_until_the_next_one_or_the_end_of_its_session(
    open_app, demo, short_user, questions, monkeypatch
) -> None:
    app = open_app(EXPLAIN, corpus="demo", user=short_user, time="5")  # nobody else asks this
    first = questions[-1]
    assert first.is_wanted()
    app.segmented_control(key="explain_measure").set_value(page.MARGIN).run()
    second = questions[-1]
    assert second is not first
    assert second.is_wanted() and not first.is_wanted()
    connected = {"value": True}
    server = SimpleNamespace(is_active_session=lambda session: connected["value"])
    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", lambda: server)
    assert second.is_wanted()
    connected["value"] = False
    assert not second.is_wanted()


def test_a_piece_that_fails_is_an_error_and_no_stop(
    open_app, short_user, monkeypatch, settle
) -> None:
    def fail(explanation, change):
        raise DomainError("this search has failed", remedy="Try another item")

    monkeypatch.setattr(pieces, "build_change", fail)
    app = settle(open_app(EXPLAIN, corpus="demo", user=short_user, recommender="item-knn"))
    text = said(app)
    assert "This search has failed" in text and "Not searched: see the error above." in text
    assert "stopped" not in text


def test_the_review_of_one_question_is_not_taken_for_the_next(explained, settle) -> None:
    app = explained()
    options = app.selectbox(key="words_of").options
    automatic = app.selectbox(key="words_of").value
    other = next(i for i, label in enumerate(options) if f"step {automatic} " not in label)
    app.selectbox(key="words_of").select_index(other)
    settle(app)
    assert app.selectbox(key="words_of").value != automatic
    before = app.selectbox(key="item").value
    app.selectbox(key="item").select(next(o for o in item_ids(app) if o != before))
    settle(app)
    app.selectbox(key="item").select(before)
    settle(app)
    assert app.selectbox(key="words_of").value == automatic


def item_ids(app: AppTest) -> list[str]:
    """Ids of the items in the list."""
    return [app.session_state["item"], *Library.open().corpus("demo").item_ids[:2]]


@pytest.mark.parametrize("text", ["👍", "x", "<img src=http://a.b/c> **bold** `code` $x$ :red[a]"])
def test_words_of_a_review_are_marked_without_becoming_markup(engine, short_user, text) -> None:
    from core.explain.explanation import Explanation
    from core.views.explain.build import build_words

    history = engine.corpus.history(short_user)
    last = replace(history.events[-1], text=text, title=None)
    changed = History(short_user, (*history.events[:-1], last))
    explanation = Explanation(engine, changed, engine.corpus.item_ids[0])
    view = build_words(explanation, explanation.words(len(changed), "leave-one-out"))
    marked = sections.marked(view, of_score=False)
    assert "<img" not in marked.replace("\\<", "") and "**bold" not in marked.replace("\\*", "")
    if len(view.words) == 1:
        assert marked.startswith((":blue-background[", ":orange-background["))
        assert "▲" in marked or "▼" in marked


def test_a_word_within_the_error_is_not_marked() -> None:
    words = tuple(
        MarkedWord(f"{w} ", w, v, v) for w, v in (("bad", -0.4), ("so", 0.09), ("ok", 0.2))
    )
    view = WordsView(3, "", words, "", "", "", sentiment_doubt=0.1)
    assert sections.marked(view, of_score=False).count("-background[") == 2
    assert "so " in sections.marked(view, of_score=False)
    assert sections.marked(view, of_score=True).count("-background[") == 3

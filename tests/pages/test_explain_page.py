"""The Explain page on the demo: the answer, its pieces, its links, and every wrong address."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.corpus.store import Library
from core.domain import DomainError, History, Stopped
from core.engine import Engine
from core.progress import check_stop
from core.views.explain.rows import MarkedWord, WordsView
from pages import explain as page
from pages._shared import explain_sections as sections
from pages._shared import explaining as pieces

EXPLAIN = "pages/explain.py"
SECONDS = 180


@pytest.fixture
def short_user(demo) -> str:
    """A user with seven to ten events, the last reviews among them."""
    for user in demo.user_ids:
        events = demo.history(user).events
        if 7 <= len(events) <= 10 and sum(bool(event.words) for event in events) >= 2:
            return user
    raise AssertionError


@pytest.fixture
def engine(demo) -> Engine:
    library = Library.open()
    return Engine.open(demo, library.model_folder("demo"), library)


def settle(app: AppTest) -> AppTest:
    """Rerun until every piece has come."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        app.run()
        assert not app.exception
        if not any(button.key == "stop_explaining" for button in app.button):
            return app.run()
        time.sleep(1.0)  # a rerun draws the page, and takes its time from the pieces
    raise AssertionError("pieces are still missing")


@pytest.fixture
def explained(open_app, demo, short_user):
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
    assert "has rank 1 in the list" in text and "Exact: every combination" in text
    assert "not the person" in text
    assert "Asked of the recommender itself" in text
    assert "SHAP values from " in text and "First SHAP" not in text
    assert "deletion area" in text
    assert [head.value for head in app.subheader] == [
        "Which words?",
        "What would have to be different?",
        "Is this explanation any good?",
        "Who gets this item now?",
    ]


def test_another_item_another_recommender_and_the_lead(explained, engine, short_user) -> None:
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
    app.segmented_control(key="explain_measure").set_value(page.LEAD)
    settle(app)
    assert "the margin over" in said(app)


def page_rank(engine: Engine, history: History, item: str, recommender: str) -> int:
    listed = engine.recommend(history, len(engine.corpus.item_ids), recommender).items
    return next(one.rank for one in listed if one.item_id == item)


def test_words_can_be_read_for_the_score_and_for_another_review(explained) -> None:
    app = explained()
    feeling = figures(app)["words"]["data"][0]["x"]
    app.segmented_control(key="words_target").set_value(sections.WORTH)
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


def test_an_item_the_user_already_has(explained, demo, short_user) -> None:
    had = min(demo.history(short_user).excluded_items())
    text = said(explained(item=had))
    assert "is excluded because already bought, rated or reviewed" in text
    assert "no change is needed to keep it out" in text


def test_one_event_is_enough_for_an_answer(explained) -> None:
    text = said(explained(time="1"))
    assert "fewer than two events" in text and "Nothing to rank" in text


def test_without_a_user_the_page_offers_some(open_app, demo) -> None:
    app = open_app(EXPLAIN, corpus="demo")
    assert not app.exception
    assert app.subheader[0].value == "Choose a user"


def test_without_a_model_the_page_says_what_is_missing(open_app, shop) -> None:
    app = open_app(EXPLAIN, corpus="shop", user="u1")
    assert not app.exception
    assert "No model has been trained" in app.subheader[0].value


def test_who_gets_the_item_leads_to_their_explanations(explained) -> None:
    app = explained()
    app.button(key="find_receivers").click().run(timeout=SECONDS)
    assert not app.exception
    assert "in the top 10 of" in said(app)
    people = [link.proto for link in app.get("page_link") if "number" in link.proto.label]
    assert people and all("item=" in link.query_string for link in people)


def test_a_stop_holds_until_go_on(open_app, demo, short_user, monkeypatch) -> None:
    slow = pieces.Explaining._make

    def slower(self, name: str) -> object:
        if name != pieces.PARTS:
            for _ in range(100):
                check_stop(self._is_dropped)
                time.sleep(0.02)
        return slow(self, name)

    monkeypatch.setattr(pieces.Explaining, "_make", slower)
    app = open_app(EXPLAIN, corpus="demo", user=short_user, recommender="transitions")
    end = time.monotonic() + SECONDS
    while not any(button.key == "stop_explaining" for button in app.button):
        assert time.monotonic() < end
        app.run()
    app.button(key="stop_explaining").click().run()
    for _ in range(3):
        app.run()
        assert "Stopped. What was ready is shown." in said(app)
    monkeypatch.setattr(pieces.Explaining, "_make", slow)
    app.button(key="go_on").click()
    settle(app)
    assert "Asked of the recommender itself" in said(app)


def test_everything_can_be_taken_away_as_json(demo, short_user, engine) -> None:
    history = engine.corpus.history(short_user)
    item = engine.recommend(history, 1).items[0].item_id
    asked = pieces.Explaining(engine, history, item, engine.recommender().id, False)
    facts = json.loads(page.as_json(asked))
    assert facts["item_id"] == item and len(facts["events"]) == len(history)
    assert facts["words"] and facts["scorecard"] and facts["counterfactual"]


@pytest.fixture
def asked(engine, short_user) -> pieces.Explaining:
    """A question whose pieces nobody has asked for."""
    history = engine.corpus.history(short_user)
    item = engine.recommend(history, 1, "transitions").items[0].item_id
    return pieces.Explaining(engine, history, item, "transitions", False)


def wait(asked: pieces.Explaining) -> None:
    """Until nothing is made any more."""
    end = time.monotonic() + SECONDS
    while asked.busy:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_piece_asked_for_again_just_after_a_stop_is_made(asked, monkeypatch) -> None:
    real, begun, go = pieces.Explaining._make, threading.Event(), threading.Event()

    def make(self, name: str) -> object:
        if not begun.is_set():
            begun.set()
            go.wait()
            raise Stopped
        return real(self, name)

    monkeypatch.setattr(pieces.Explaining, "_make", make)
    asked.ask(pieces.PARTS)
    begun.wait()
    asked.stop()
    asked.ask(pieces.PARTS)
    go.set()
    wait(asked)
    assert asked.parts is not None and asked.error() is None


@pytest.mark.parametrize(("words", "first"), [(80, "leave-one-out"), (81, "quick")])
def test_a_long_review_is_not_read_once_for_each_of_its_words(
    engine, short_user, words: int, first: str
) -> None:
    """Leaving out each of 250 words reads 60,000; the first SHAP values read a third of that."""
    history = engine.corpus.history(short_user)
    last = replace(history.events[-1], text="good " * words, title=None)
    longer = History(short_user, (*history.events[:-1], last))
    asked = pieces.Explaining(engine, longer, engine.corpus.item_ids[0], "transitions", False)
    made = []
    asked._make = made.append
    asked.ask_all(len(longer))
    wait(asked)
    assert made[0].startswith(first)
    assert made[-1].startswith("shap")
    assert [name for name in made if name.startswith("leave")] == made[: first == "leave-one-out"]


def test_a_stop_drops_what_is_made_beside_the_page_but_no_export(asked) -> None:
    asked._stop.set()
    facts = json.loads(page.as_json(asked))
    assert facts["scorecard"] and facts["counterfactual"]


def test_an_export_before_the_parts_agrees_with_them(engine, demo, monkeypatch) -> None:
    monkeypatch.setattr(pieces, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(pieces, "REFINED_SECONDS", 0.3)
    monkeypatch.setattr(pieces, "ENOUGH", 1e-9)
    history = next(h for h in map(demo.history, demo.user_ids) if len(h) >= 14).up_to(14)
    item = engine.recommend(history, 1, "transitions").items[0].item_id
    asked = pieces.Explaining(engine, history, item, "transitions", False)
    told = json.loads(page.as_json(asked))["events"]
    asked.ask(pieces.PARTS)
    wait(asked)
    for bar, parts, event in zip(asked.answer.bars, asked.parts.values, told, strict=True):
        assert parts.sum() == pytest.approx(bar.value) == event["value"]
        assert sum(event["parts"].values()) == pytest.approx(bar.value)


def test_a_piece_that_fails_is_an_error_and_no_stop(open_app, short_user, monkeypatch) -> None:
    real = pieces.Explaining._make

    def make(self, name: str) -> object:
        if name == pieces.CHANGE:
            raise DomainError("this search has failed", remedy="Try another item")
        return real(self, name)

    monkeypatch.setattr(pieces.Explaining, "_make", make)
    app = settle(open_app(EXPLAIN, corpus="demo", user=short_user, recommender="item-knn"))
    text = said(app)
    assert "This search has failed" in text and "Not searched: see the error above." in text
    assert "stopped" not in text


def test_the_review_of_one_question_is_not_taken_for_the_next(explained) -> None:
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
    view = WordsView(3, "", words, "", "", "", "shap", sentiment_doubt=0.1)
    assert sections.marked(view, of_score=False).count("-background[") == 2
    assert "so " in sections.marked(view, of_score=False)
    assert sections.marked(view, of_score=True).count("-background[") == 3

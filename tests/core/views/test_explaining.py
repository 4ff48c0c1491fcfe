"""Pieces of an explanation, made one after the other beside the page."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from core import access
from core.access import Actor, Role
from core.corpus.corpus import Corpus
from core.domain import History, Stopped
from core.engine import Engine
from core.explain.explanation import Explanation
from core.progress import check_stop
from core.views.explain import explaining
from core.views.explain.explaining import CHANGE, PARTS, SCORECARD, Explaining

BY = "transitions"
Ask = Callable[[History], Explaining]


@pytest.fixture(scope="module")
def demo(demo_engine: Engine) -> Corpus:
    return demo_engine.corpus


@pytest.fixture(scope="module")
def short(demo: Corpus) -> History:
    """A history with seven to ten events, two or more with reviews."""
    histories = map(demo.history, demo.user_ids)
    return next(
        h for h in histories if 7 <= len(h) <= 10 and sum(bool(e.words) for e in h.events) >= 2
    )


@pytest.fixture
def ask(demo_engine: Engine) -> Ask:
    """A function that asks why a history's first item is first; no piece is made yet."""

    def explaining_of(history: History) -> Explaining:
        item = demo_engine.recommend(history, 1, BY).items[0].item_id
        return Explaining(demo_engine, history, item, BY, False)

    return explaining_of


def wait(question: Explaining) -> Explaining:
    """Return when nothing is made any more."""
    pause = threading.Event()
    for _ in range(20_000):
        if not question.busy:
            return question
        pause.wait(0.01)
    raise AssertionError("pieces are still being made")


def test_everything_is_in_the_facts(ask: Ask, short: History) -> None:
    facts = ask(short).facts()
    assert len(facts["events"]) == len(short)
    assert facts["words"] and facts["scorecard"] and facts["counterfactual"]


def test_a_piece_asked_for_again_just_after_a_stop_is_made(
    ask: Ask, short: History, monkeypatch
) -> None:
    real, begun, go = explaining.build_parts, threading.Event(), threading.Event()

    def build(answer, parts):
        if not begun.is_set():
            begun.set()
            go.wait()
            raise Stopped
        return real(answer, parts)

    monkeypatch.setattr(explaining, "build_parts", build)
    question = ask(short)
    question.ask(PARTS)
    begun.wait()
    question.stop()
    question.ask(PARTS)
    go.set()
    wait(question)
    assert question.parts is not None and question.error() is None


def test_every_piece_is_made_as_who_asked(ask: Ask, short: History, monkeypatch) -> None:
    class Session:
        session_id = "one"

        def reads(self, question: Explaining) -> bool:
            return True

    made: list[Actor] = []
    for name in ("build_parts", "build_change"):
        monkeypatch.setattr(explaining, name, lambda *_: made.append(access.current()))
    vic = Actor(Role.VIEWER, "vic@x.org")
    with access.acting(vic):
        question = ask(short)
        question.ask(PARTS, CHANGE, reader=Session())
    wait(question)
    assert made == [vic, vic]


def test_a_question_without_a_reader_stops_and_goes_on_for_the_next_one(
    ask: Ask, short: History, monkeypatch
) -> None:
    class Session:
        session_id = "one"

        is_there = True

        def reads(self, question: Explaining) -> bool:
            return self.is_there

    real, begun, gone = explaining.build_parts, threading.Event(), threading.Event()

    def build(answer, parts):
        begun.set()
        gone.wait(10)
        check_stop(question.explanation.stop)
        return real(answer, parts)

    monkeypatch.setattr(explaining, "build_parts", build)
    question, first, second = ask(short), Session(), Session()
    question.ask(PARTS, CHANGE, reader=first)
    begun.wait(10)
    question.ask(SCORECARD, reader=second)
    first.is_there = second.is_there = False
    gone.set()
    wait(question)
    assert question.arrived == 0
    question.ask(PARTS, reader=Session())
    wait(question)
    assert question.parts is not None and question.change is None


def test_many_questions_share_a_few_threads(ask: Ask, short: History, monkeypatch) -> None:
    go, threads = threading.Event(), set()

    def build(explanation, change):
        threads.add(threading.get_ident())
        go.wait(10)

    monkeypatch.setattr(explaining, "build_change", build)
    questions = [ask(short) for _ in range(12)]
    before = threading.active_count()
    for question in questions:
        question.ask(CHANGE)
    assert threading.active_count() <= before + 2
    go.set()
    for question in questions:
        wait(question)
    assert len(threads) <= 2


def test_a_defect_in_one_piece_is_said_and_leaves_the_others(
    ask: Ask, short: History, monkeypatch
) -> None:
    monkeypatch.setattr(explaining, "build_change", lambda *_: 1 / 0)
    question = ask(short)
    question.ask(CHANGE, PARTS)
    wait(question)
    assert question.parts is not None and question.change is None
    assert question.error() is not None


@pytest.mark.parametrize(("words", "first"), [(80, "leave-one-out"), (81, "quick")])
def test_a_long_review_is_not_read_once_for_each_of_its_words(
    ask: Ask, short: History, monkeypatch, words: int, first: str
) -> None:
    """Leaving out each of 250 words reads 60,000; the first SHAP values read a third of that."""
    methods: list[str] = []
    monkeypatch.setattr(Explanation, "words", lambda self, step, method: methods.append(method))
    for build in ("build_words", "build_change", "build_scorecard"):
        monkeypatch.setattr(explaining, build, lambda *_: None)
    last = replace(short.events[-1], text="good " * words, title=None)
    question = ask(History(short.user_id, (*short.events[:-1], last)))
    question.ask_all(len(short))
    wait(question)
    assert methods[0] == first
    assert methods[-1] == "shap"
    assert methods.count("leave-one-out") == (first == "leave-one-out")


def test_a_stop_drops_what_is_made_beside_the_page_but_no_export(ask: Ask, short: History) -> None:
    question = ask(short)
    question.ask_all(None)
    question.stop()
    facts = question.facts()
    assert facts["scorecard"] and facts["counterfactual"]


def test_an_export_before_the_parts_agrees_with_them(ask: Ask, demo: Corpus, monkeypatch) -> None:
    monkeypatch.setattr(explaining, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(explaining, "REFINED_SECONDS", 0.3)
    monkeypatch.setattr(explaining, "ENOUGH", 1e-9)
    long = next(h for h in map(demo.history, demo.user_ids) if len(h) >= 14).up_to(14)
    question = ask(long)
    events = question.facts()["events"]
    question.ask(PARTS)
    wait(question)
    assert question.parts is not None
    for bar, parts, event in zip(question.answer.bars, question.parts.values, events, strict=True):
        assert parts.sum() == pytest.approx(bar.value) == event["value"]
        assert sum(event["parts"].values()) == pytest.approx(bar.value)

"""Changes of one user: found where planted, silent where the order says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.domain import Event, EventKind, History
from core.engine import Engine
from core.measure.chances import q_values
from core.turns import detection
from core.turns.detection import UNTESTED, Detector
from core.turns.evidence import evidence_of
from core.turns.orders import shuffled, visits_of
from core.turns.seasons import MONTHS, season_fit
from core.turns.segments import SHORTEST
from core.turns.signal import by_visit, scores_of
from core.turns.stored import detector_of, turns_of_user
from core.turns.turning import ALONE, Kind


def bought(engine: Engine, topics: list[int], days: float = 9.0, user: str = "planted") -> History:
    """One purchase after another, each of the next item of its topic."""
    first = engine.corpus.history(engine.corpus.user_ids[0]).events[0].timestamp
    shelves = {t: iter(np.flatnonzero(engine.topics.item_topic == t).tolist()) for t in topics}
    return History(
        user,
        tuple(
            Event(
                engine.corpus.item_ids[next(shelves[topic])],
                first + timedelta(days=days * at),
                EventKind.PURCHASE,
            )
            for at, topic in enumerate(topics)
        ),
    )


def test_a_planted_turn_is_found_with_what_carries_it(engine: Engine) -> None:
    history = bought(engine, [1] * 9 + [2] * 9)
    turns = turns_of_user(engine, history)
    (point,) = (point for point in turns.points if point.kind <= Kind.RETURN)
    assert point.kind == Kind.TURN and abs(point.step - 10) <= 1
    assert (point.grew, point.shrank) == (2, 1)
    assert point.p <= ALONE and point.q is None and point.size > 0.5
    assert turns.stretches == ((1, point.step - 1), (point.step, 18))
    shown = evidence_of(engine, history, point)
    assert all(step >= point.step for step, _ in shown.carriers) and shown.carriers
    values = shown.values
    assert float(values.base + values.values.sum()) == pytest.approx(float(values.whole), abs=0.3)
    assert float(values.whole) > float(values.base)


def test_an_interest_that_comes_back_is_a_return(engine: Engine) -> None:
    turns = turns_of_user(engine, bought(engine, [1] * 8 + [2] * 8 + [1] * 8))
    kinds = [point.kind for point in turns.points if point.kind <= Kind.RETURN]
    assert kinds == [Kind.TURN, Kind.RETURN]


def test_an_item_that_the_corpus_does_not_have_is_of_no_topic(engine: Engine) -> None:
    """An own history may have some; they keep their place in time."""
    history = bought(engine, [1] * 9 + [2] * 9, days=40.0)
    strange = replace(history.events[4], item_id="")
    history = History("own", (*history.events[:4], strange, *history.events[5:]))
    topics = detector_of(engine).topics_of(history.events)
    assert topics.tolist() == [1] * 4 + [-1] + [1] * 4 + [2] * 9
    calendar = np.eye(len(engine.topics.names), MONTHS)
    months = np.arange(len(topics)) % MONTHS
    fit = season_fit(topics[None], months[None], calendar)
    assert fit.shape == (1, len(calendar)) and fit[0, 1] > 0 and fit[0, 3:].tolist().count(0) > 0
    assert turns_of_user(engine, history).p is not None


def test_one_interest_has_no_turning_point(engine: Engine) -> None:
    turns = turns_of_user(engine, bought(engine, [1] * 18))
    assert not [point for point in turns.points if point.kind <= Kind.RETURN]
    assert turns.stretches == ((1, 18),)


def test_alternating_interests_are_one_episode(engine: Engine) -> None:
    turns = turns_of_user(engine, bought(engine, [1, 2] * 10))
    assert not [point for point in turns.points if point.kind <= Kind.RETURN]


def test_too_few_visits_can_not_be_tested(engine: Engine) -> None:
    short = bought(engine, [1] * (2 * SHORTEST - 1))
    assert detector_of(engine).test(short) == UNTESTED
    assert turns_of_user(engine, short).order_matters is None
    assert detector_of(engine).test(History("nobody", ())) == UNTESTED
    looks = replace(short, events=tuple(replace(e, kind=EventKind.VIEW) for e in short.events))
    fast = [replace(e, timestamp=short.events[0].timestamp) for e in looks.events * 3]
    assert detector_of(engine).test(History("one visit", tuple(fast))) == UNTESTED


def test_the_same_history_gives_the_same_answer(engine: Engine, busy_user: str) -> None:
    history = engine.corpus.history(busy_user)
    first = detector_of(engine).test(history)
    engine.interest.forget()
    again = detector_of(engine).test(history)
    assert again.width_trend == pytest.approx(first.width_trend, abs=1e-5)
    assert replace(again, width_trend=first.width_trend) == first


def test_a_long_history_is_watched_at_its_end(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "LONGEST", 60)
    pool = [
        event for user in engine.corpus.user_ids for event in engine.corpus.history(user).events
    ]
    began = pool[0].timestamp
    times = [began + timedelta(hours=30 * at) for at in range(150)]
    events = tuple(replace(event, timestamp=when) for event, when in zip(pool, times, strict=False))
    tested = detector_of(engine).test(History("long", events))
    assert tested.p is not None
    assert all(change.at >= 90 for change in tested.changes)


def test_states_in_other_orders_are_those_of_the_other_histories(
    engine: Engine, busy_user: str
) -> None:
    events = engine.corpus.history(busy_user).events
    orders = shuffled(events, visits_of(events), 3, np.random.default_rng(0))
    encoded = engine.interest.events.encode(events)
    every = np.eye(engine.interest.config.dim, dtype=np.float32)
    together = engine.interest.toward(every).scores(encoded, orders.at, orders.seconds)
    directions = detector_of(engine).directions
    few = engine.interest.toward(directions).scores(encoded, orders.at, orders.seconds)
    np.testing.assert_allclose(few, scores_of(together, directions), atol=2e-5)
    for at, seconds, queries in zip(orders.at, orders.seconds, together, strict=True):
        moved = tuple(
            replace(
                events[which],
                timestamp=events[0].timestamp
                + timedelta(seconds=when - events[0].timestamp.timestamp()),
            )
            for which, when in zip(at.tolist(), seconds.tolist(), strict=True)
        )
        alone = engine.interest.states(History("other", moved))[1:]
        np.testing.assert_allclose(queries, alone, atol=2e-5)
    assert few.shape == (3, len(events), len(engine.topics.names))


def test_a_visit_has_the_mean_of_its_events() -> None:
    news = np.arange(12.0).reshape(1, 6, 2)
    visits = np.array([[2, 2, 0, 1, 1, 1]])
    np.testing.assert_allclose(by_visit(news, visits), [[[1, 2], [4, 5], [8, 9]]])


def test_q_values_are_those_of_benjamini_and_hochberg() -> None:
    q = q_values([0.01, 0.04, 0.03, 0.5])
    assert q(0.01) == pytest.approx(0.04)
    assert q(0.03) == q(0.04) == pytest.approx(0.04 * 4 / 3)
    assert q(0.5) == pytest.approx(0.5) and q(0.9) == 1.0


class Still:
    """States that never move: the test of seasons reads the events' topics and months alone."""

    temperature = 1.0
    item_vectors = np.eye(4, dtype=np.float32)

    def states(self, history: History) -> Any:
        return np.zeros((len(history) + 1, 4), np.float32)

    events = SimpleNamespace(encode=list)

    def toward(self, directions: Any) -> Still:
        return self

    def scores(self, events: Sequence[Event], at: Any, seconds: Any) -> Any:
        return np.zeros((*at.shape, 4), np.float32)


def test_visits_of_several_events_make_no_yearly_interest() -> None:
    """24 visits in three years, each about one topic, at any time: p are those of chance."""
    peaks = np.arange(12)[None] - np.array([0, 3, 6, 9])[:, None]
    topics: Any = SimpleNamespace(item_topic=np.arange(4, dtype=np.int16))
    interest: Any = Still()
    index = {str(item): item for item in range(4)}
    detector = Detector(interest, topics, index, np.cos(2 * np.pi * peaks / 12))
    random, users = np.random.default_rng(0), 400
    began = datetime(2021, 1, 1, tzinfo=UTC)
    sure = 0
    for user in range(users):
        days = np.sort(random.uniform(0, 3 * 365, 24)) + 2 * np.arange(24)
        events = [
            Event(str(topic), began + timedelta(days=day, minutes=minute), EventKind.VIEW)
            for day, topic, size in zip(
                days.tolist(),
                random.integers(0, 4, 24).tolist(),
                random.geometric(0.15, 24).tolist(),
                strict=True,
            )
            for minute in range(size)
        ]
        p = detector.test(History(f"U{user}", tuple(events))).season_p
        sure += p is not None and p <= 0.05
    assert sure / users < 0.08

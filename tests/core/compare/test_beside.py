"""One item for two users: differences add up, sentences hold in odd cases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.compare.beside import beside_facts, differences
from core.domain import History
from core.engine import Engine
from core.explain.explanation import Explanation
from core.figures.explain import waterfalls
from core.figures.palette import LIGHT
from core.views.explain.beside import build_beside, name_of_user, tell_beside
from core.views.explain.build import build_answer, build_parts


@pytest.fixture(scope="module")
def few(demo_engine: Engine) -> list[History]:
    """Three users with six to eight events."""
    histories = map(demo_engine.corpus.history, demo_engine.corpus.user_ids)
    return [history for history in histories if 6 <= len(history) <= 8][:3]


def ask(engine: Engine, history: History, item: str, **more: bool) -> Explanation:
    return Explanation(engine, history, item, **more)


def test_two_users_differ_by_topics_that_add_up(demo_engine: Engine, few: list[History]) -> None:
    item = demo_engine.recommend(few[0], 1).items[0].item_id
    one, other = (ask(demo_engine, history, item) for history in few[:2])
    rows = differences(one, other)
    assert sum(row.apart for row in rows) == pytest.approx(
        float(one.events.whole) - float(other.events.whole), abs=1e-6
    )
    assert not any(row.is_residual for row in rows)  # exact values leave rounding alone
    assert [abs(row.apart) for row in rows] == sorted((abs(r.apart) for r in rows), reverse=True)
    own = name_of_user(replace(few[0], user_id="own~3f2a91c04b7d"))
    assert own.startswith(f"own history, step {len(few[0])}") and "~" not in own
    names = name_of_user(few[0]), name_of_user(few[1])
    view = build_beside(one, other, "user", names)
    assert f"has rank 1 for {few[0].user_id}" in view.sentence and few[1].user_id in view.sentence
    assert "Main difference" in view.sentence and "events in " in view.sentence
    assert "instead of" in view.sentence
    facts = beside_facts(one, other, "user", demo_engine.model_id, rows)
    assert facts["user_id"] == few[1].user_id and len(facts["events"]) == len(few[1])
    assert facts["apart"] == pytest.approx(sum(row["apart"] for row in facts["differences"]))
    assert any(view.rows[0].name in line for line in tell_beside(view))
    answers = [build_answer(each) for each in (one, other)]
    pairs = [(a, build_parts(a, e.parts)) for a, e in zip(answers, (one, other), strict=True)]
    left, right = (figure.to_dict()["layout"]["xaxis"]["range"] for figure in waterfalls(
        pairs, LIGHT
    ))  # fmt: skip
    assert left == right and left[0] < min(answers[0].score, answers[1].score) <= left[1]


def test_one_event_a_seen_item_and_the_margin(demo_engine: Engine, few: list[History]) -> None:
    had = min(few[1].excluded_items())
    own = ask(demo_engine, replace(few[0].up_to(1), user_id="own~3f2a91c04b7d"), had)
    said = build_beside(own, ask(demo_engine, few[1].up_to(1), had), "user", ("A", "B")).sentence
    assert "for own history" in said and "~" not in said
    one, other = ask(demo_engine, few[0].up_to(1), had), ask(demo_engine, few[1], had)
    view = build_beside(one, other, "user", ("A", "B"))
    assert "is excluded (already bought, rated or reviewed) for " in view.sentence
    assert len(one.events.values) == 1
    pair = [ask(demo_engine, h, had, margin=True) for h in few[:2]]
    assert "its margin over rank 10" in build_beside(*pair, "user", ("A", "B")).sentence


def test_a_history_beside_itself_is_the_same(demo_engine: Engine, few: list[History]) -> None:
    item = demo_engine.corpus.item_ids[0]
    one, other = (ask(demo_engine, few[2], item) for _ in range(2))
    view = build_beside(one, other, "model", ("model a", "model b"))
    assert "its score is about the same" in view.sentence
    assert "No event contributes differently." in view.sentence
    assert {row.name.partition(" ")[0] for row in view.rows} <= {"step", "the"}

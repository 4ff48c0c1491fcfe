"""The Explain view of real explanations: its parts fit together, and tables carry them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from core.compare.fork import run
from core.domain import History
from core.explain.explanation import Explanation
from core.explain.export import counterfactual_facts
from core.views.explain.build import (
    build_answer,
    build_change,
    build_parts,
    build_receivers,
    build_scorecard,
    build_words,
    events_table,
    tell,
)


@pytest.fixture(scope="module")
def explanation(engine) -> Explanation:
    """Number 1 for a user with eight events."""
    history = next(
        history.up_to(8)
        for history in map(engine.corpus.history, engine.corpus.user_ids)
        if len(history) >= 8 and any(event.words for event in history.events[:8])
    )
    return Explanation(engine, history, engine.recommend(history, 1).items[0].item_id)


def test_the_answer_is_one_sum_in_order_of_time(explanation) -> None:
    answer = build_answer(explanation)
    assert [bar.step for bar in answer.bars] == list(range(1, 9))
    total = answer.base + sum(bar.value for bar in answer.bars) + answer.residual
    assert total == pytest.approx(answer.score)
    assert "rank 1" in answer.standing
    assert answer.trust.startswith("Exact")
    strongest = answer.strongest(3)
    assert len(strongest) == 3
    assert max(abs(bar.value) for bar in answer.bars) == max(abs(bar.value) for bar in strongest)


def test_the_table_has_one_row_per_event_with_its_parts(explanation) -> None:
    answer = build_answer(explanation)
    alone = events_table(answer, None)
    assert len(alone) == 8 and "text" not in alone
    table = events_table(answer, build_parts(answer, explanation.parts))
    assert not table.columns.duplicated().any()
    parts = table[["item_part", "rating_part", "text_part", "time_part"]].sum(axis=1)
    np.testing.assert_allclose(parts, table["value"], atol=1e-6)
    assert table["item_id"].tolist() == [event.item_id for event in explanation.history.events]


def test_words_stand_as_in_the_review(explanation) -> None:
    step = explanation.step_of_words()
    view = build_words(explanation, explanation.words(step))
    text = view.head + "".join(word.text for word in view.words)
    assert text == explanation.event(step).words
    assert "SHAP values from" in view.score_sentence and f"step {step}" in view.sum_sentence
    for method, how in (("leave-one-out", "First look"), ("quick", "First SHAP values")):
        early = build_words(explanation, explanation.words(step, method))
        assert how in early.score_sentence
        assert ("residual" in early.sum_sentence) == (method == "quick")


def test_the_change_names_its_steps_and_was_asked(explanation) -> None:
    view = build_change(explanation, explanation.counterfactual)
    assert view.tried > 0
    if view.steps:
        assert all(f"step {step}" in view.sentence for step in view.steps)


def test_the_verdict_agrees_with_its_curves(explanation) -> None:
    view = build_scorecard(explanation, explanation.scorecard)
    area = {order: np.mean((c[:-1] + c[1:]) / 2) for order, c in view.card.deletion.items()}
    is_better = round(area["explanation"], 2) < round(area["recent-first"], 2)
    assert view.card.beats("recent-first") == is_better
    assert is_better != view.sentence.startswith("No better")


def test_why_not_is_answered_by_a_search_into_the_list(engine) -> None:
    history = next(
        history
        for history in map(engine.corpus.history, engine.corpus.user_ids)
        if 3 <= len(history) <= 6 and history.excluded_items()
    )
    listed = {item.item_id for item in engine.recommend(history).items}
    outside = next(
        item for item in engine.corpus.item_ids if item not in listed | history.excluded_items()
    )
    had = min(history.excluded_items())
    for item in (outside, had):
        explanation = Explanation(engine, history, item)
        view = build_change(explanation, explanation.counterfactual)
        assert view.goal == "in" and len(view.made) == len(view.edits)
        assert ("verified by the recommender" in view.sentence) or "No edits found" in view.sentence
        assert explanation.counterfactual.to_json()["edits"] or "No edits" in view.sentence
        if explanation.counterfactual.found:
            after = run(engine, history, view.edits).after
            assert item in {row.item_id for row in after.items}
            assert ("excluded before" in view.sentence) == (item == had)
        facts = counterfactual_facts(explanation, explanation.counterfactual)
        assert facts["goal"] == "in" and len(facts["edits"]) == len(
            explanation.counterfactual.edits
        )


def test_a_user_without_events_has_a_view(engine) -> None:
    nobody = Explanation(engine, History("new", ()), engine.corpus.item_ids[0])
    answer = build_answer(nobody)
    assert answer.bars == () and "no events yet" in answer.summary
    assert build_parts(answer, nobody.parts).values.shape == (0, 4)
    assert "fewer than two events" in build_scorecard(nobody, nobody.scorecard).sentence
    assert len(events_table(answer, None)) == 0
    assert any("no events yet" in line for line in tell(nobody, []))


def test_older_events_of_a_long_history_are_groups(engine, busy_user) -> None:
    history = engine.corpus.history(busy_user)
    events = [
        replace(event, timestamp=event.timestamp - timedelta(days=900 * back))
        for back in (2, 1, 0)
        for event in history.events
    ]
    long = history.with_events(events)
    explanation = Explanation(engine, long, engine.corpus.item_ids[3], seconds=0.1)
    answer = build_answer(explanation)
    assert len(answer.bars) == 60 < len(long)
    assert answer.bars[0].kind is None and answer.bars[0].item.endswith("events")
    assert "grouped" in answer.trust


def test_receivers_are_told_with_what_brought_it(engine) -> None:
    from core.explain.over_corpus import Receiver

    user = engine.corpus.user_ids[0]
    rows = (
        Receiver(user, 1, -2.0, 1, 1, 0.5, 0.7),
        Receiver(user, 2, -2.5, None, None, 0.0, 0.0),
        Receiver(user, 3, -2.6, 3, 1, 0.5, 0.7),
    )
    view = build_receivers(engine, engine.corpus.item_ids[0], 12, rows, 10)
    assert "12 of" in view.sentence
    assert view.brought_by[0].startswith("step 1 · ") and view.brought_by[1] == ""
    assert view.brought_by[2] == "steps 1–3 · 3 events"
    assert build_receivers(engine, engine.corpus.item_ids[0], 0, (), 10).rows == ()

"""One question from end to end on the demo, and every way to ask it wrongly."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.domain import DomainError, History, Stopped
from core.explain.explanation import Explanation
from core.explain.export import as_facts
from core.explain.over_corpus import CorpusScorecard, find_receivers, judge_corpus
from core.explain.scorecard import Scorecard
from core.views.explain.build import build_answer
from core.views.explain.sentences import corpus_scorecard


def test_everything_about_one_question_is_json_of_the_agreed_shape(engine, reader) -> None:
    item = engine.recommend(reader, 3).items[2].item_id
    explanation = Explanation(engine, reader, item)
    step = explanation.step_of_words()
    assert step is not None
    facts = json.loads(json.dumps(as_facts(explanation, [explanation.words(step)])))
    assert facts["rank"] == 3 and facts["recommender"] == engine.recommender().id
    total = facts["base"] + sum(event["value"] for event in facts["events"]) + facts["residual"]
    assert total == pytest.approx(facts["score"])
    assert facts["score"] == pytest.approx(engine.recommend(reader, 3).items[2].score, abs=1e-5)
    for event, told in zip(reader.events, facts["events"], strict=True):
        assert told["item_id"] == event.item_id
        assert set(told["parts"]) == {"item", "rating", "text", "time"}
        assert sum(told["parts"].values()) == pytest.approx(told["value"])
    assert set(facts["words"][str(step)]) >= {"sentiment", "score"}
    assert {"found", "edits", "verified_rank"} <= set(facts["counterfactual"])
    assert {"deletion", "insertion", "stability"} <= set(facts["scorecard"])


def test_the_parts_of_the_joint_speak_for_and_against_an_item(engine, reader) -> None:
    first, *_, tenth = engine.recommend(reader, 10).items
    shares = engine.recommender().shares(reader, first.item_id)
    explanation = Explanation(engine, reader, first.item_id)
    assert sum(explanation.components.values()) == pytest.approx(
        first.score - shares["base"], abs=1e-4
    )
    loudest = max(explanation.components, key=explanation.components.get)
    assert f"{loudest} +" in build_answer(explanation).components
    lead = Explanation(engine, reader, first.item_id, margin=True)
    assert sum(lead.components.values()) == pytest.approx(first.score - tenth.score, abs=1e-4)
    alone = Explanation(engine, reader, first.item_id, "interest")
    assert alone.components is None and build_answer(alone).components == ""


@pytest.mark.parametrize(("rank", "rival"), [(1, 10), (9, 10), (10, 11), (15, 10)])
def test_the_margin_is_over_the_tenth_of_the_list(engine, reader, rank: int, rival: int) -> None:
    listed = engine.recommend(reader, 15).items
    explanation = Explanation(engine, reader, listed[rank - 1].item_id, margin=True)
    assert explanation.rival.item_id == listed[rival - 1].item_id
    expected = listed[rank - 1].score - listed[rival - 1].score
    assert explanation.events.whole == pytest.approx(expected, abs=1e-4)
    assert f"(rank {rival})" in build_answer(explanation).summary


def test_refined_events_bring_parts_that_add_up(engine) -> None:
    long = next(user for user in engine.corpus.user_ids if len(engine.corpus.history(user)) >= 14)
    history = engine.corpus.history(long).up_to(14)
    item = engine.recommend(history, 1).items[0].item_id
    explanation = Explanation(engine, history, item, seconds=0.01)
    _ = explanation.parts
    explanation.refine(0.3)
    np.testing.assert_allclose(explanation.parts.values.sum(1), explanation.events.values)


def test_an_unknown_item_is_a_clear_no_with_a_hint(engine, reader) -> None:
    known = engine.corpus.item_ids[0]
    with pytest.raises(DomainError, match=f"Did you mean.*{known}"):
        Explanation(engine, reader, known + "X")
    with pytest.raises(DomainError, match="Choose an item of the corpus"):
        Explanation(engine, reader, "?????")


def test_an_unknown_recommender_is_a_clear_no(engine, reader) -> None:
    with pytest.raises(DomainError, match="oracle"):
        Explanation(engine, reader, engine.corpus.item_ids[0], "oracle")


def test_an_empty_history_has_the_start_value_and_no_events(engine) -> None:
    nobody = History("new", ())
    explanation = Explanation(engine, nobody, engine.corpus.item_ids[0])
    facts = as_facts(explanation)
    assert facts["events"] == [] and facts["base"] == facts["score"]
    assert facts["residual"] == 0 and facts["error"] == 0
    assert explanation.step_of_words() is None
    assert facts["counterfactual"]["goal"] == "in"


def test_an_item_already_consumed_is_explained_as_if_it_were_open(engine) -> None:
    for user in engine.corpus.user_ids:
        history = engine.corpus.history(user)
        if 3 <= len(history) <= 9 and history.excluded_items():
            break
    item = sorted(history.excluded_items())[0]
    explanation = Explanation(engine, history, item)
    assert explanation.is_excluded
    assert as_facts(explanation)["excluded"]
    assert explanation.rank >= 1


def test_a_stop_can_be_taken_back(engine, reader) -> None:
    stopped = [True]
    explanation = Explanation(
        engine, reader, engine.recommend(reader, 1).items[0].item_id, stop=lambda: stopped[0]
    )
    with pytest.raises(Stopped):
        _ = explanation.events
    stopped[0] = False
    assert explanation.events.exact


def test_who_gets_an_item_really_has_it_in_the_list(engine, reader) -> None:
    item = engine.recommend(engine.corpus.history(reader.user_id), 1).items[0].item_id
    lists, receivers = find_receivers(engine, item, explained=2)
    assert lists >= len(receivers) > 0
    for receiver in receivers:
        history = engine.corpus.history(receiver.user_id)
        assert engine.recommend(history, 10).items[receiver.rank - 1].item_id == item
        assert receiver.step is None or 1 <= receiver.step <= len(history)
        assert 0 <= receiver.share <= 1


def test_an_unknown_item_has_no_receivers(engine) -> None:
    with pytest.raises(DomainError, match="no item"):
        find_receivers(engine, "nothing")


def test_a_corpus_is_judged_by_a_sample_of_its_users(engine) -> None:
    facts = judge_corpus(engine, 3, with_stability=False).facts()
    assert facts["users"] == 3
    assert 0 <= facts["better_than_recent_first"] <= 1
    assert facts["gain_over_recent_first"]["ci"][0] <= facts["gain_over_recent_first"]["mean"]


def card(own: float, recent: float, players: int, stability: float | None) -> Scorecard:
    orders = {"explanation": own, "recent-first": recent, "random": recent}
    curves = {order: np.full(players + 1, value) for order, value in orders.items()}
    return Scorecard(curves, curves, stability)


def test_a_tie_beats_nobody_and_exact_values_are_no_agreement_of_seeds() -> None:
    cards = (card(-2, -1, 4, 1.0), card(-1, -1, 4, 1.0), card(0, -1, 20, 0.5), card(0, 0, 20, None))
    facts = CorpusScorecard(("a", "b", "c", "d"), cards).facts()
    assert (facts["better_than_recent_first"], facts["equal_to_recent_first"]) == (0.25, 0.5)
    assert facts["stability"] == 0.5
    said = " ".join(corpus_scorecard({"recommender": "toy", **facts}))
    assert "25\u202f%" in said and "ties: 50\u202f%" in said and "correlation of 0.50" in said

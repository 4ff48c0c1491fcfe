"""Which words made a review's sentiment and an item's score, on the demo's own model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import DomainError, EventKind, History
from core.explain.explanation import Explanation, WordsOfReview
from core.explain.word_values import (
    WordValues,
    leave_one_out,
    open_review,
    representatives,
    score_game,
    sentiment_game,
    shap_words,
)
from core.views.wording import nats, number


def explained(engine, reader: History, text: str | None, title: str | None = None) -> Explanation:
    """The reader's history, its last event with another review."""
    last = replace(reader.events[-1], kind=EventKind.REVIEW, title=title, text=text)
    history = History(reader.user_id, (*reader.events[:-1], last))
    item = engine.recommend(history, 1).items[0].item_id
    return Explanation(engine, history, item, seconds=0.3)


def test_plain_words_of_praise_and_blame_are_told_apart(engine) -> None:
    review = open_review("The sound is wonderful. The cable is terrible.", engine.encoder)
    values = shap_words(sentiment_game(review, engine.sentiment), review).values
    by_word = dict(zip(review.labels, values, strict=True))
    assert by_word["wonderful"] > 0.05 and by_word["terrible"] < -0.05
    strongest = sorted(by_word, key=lambda word: -abs(by_word[word]))[:2]
    assert set(strongest) == {"wonderful", "terrible"}


@pytest.mark.parametrize("text", ["👍", "ok", "音质很好。", "Great, really great sound!", "?!"])
def test_words_base_and_residual_are_one_sum(engine, reader, text: str) -> None:
    words = explained(engine, reader, text).words(7)
    for values in (words.sentiment, words.score):
        assert len(values.values) == len(words.review.words) > 0
        total = values.base + float(values.values.sum()) + values.residual
        assert total == pytest.approx(values.whole)
        assert abs(values.residual) < 0.02
    assert words.sentiment.base == 0.0


@pytest.mark.parametrize(
    "text", ["Terrible, broke after one day, refund!", "A wonderful present", "ok"]
)
def test_words_add_up_to_the_text_part_beside_them(engine, reader, text: str) -> None:
    from core.explain.export import words_facts
    from core.views.explain.build import build_words

    explanation = explained(engine, reader, text)
    words = explanation.words(7)
    part, error = explanation.text_part(7)
    total = float(words.score.values.sum())
    assert total == pytest.approx(part, abs=2 * error + 0.02)
    told = words_facts(explanation, words)["text_part"]
    assert total + told["residual"] == pytest.approx(told["value"]) == part
    said = build_words(explanation, words).sum_sentence
    for value in (part, total, part - total):
        assert nats(value) in said


def test_words_of_long_histories_are_asked_as_their_parts_were(engine) -> None:
    gaps = []
    for user in engine.corpus.user_ids[3:120:24]:
        history = engine.corpus.history(user)
        item = engine.recommend(history, 1).items[0].item_id
        explanation = Explanation(engine, history, item, seconds=0.5)
        step = explanation.step_of_words()
        if step is not None:
            part, _ = explanation.text_part(step)
            review = open_review(explanation.event(step).words, engine.encoder)
            own = float(explanation.events.values[explanation.game.players.index((step,))])
            worth = score_game(explanation.game, step, review, engine.vectors, own)
            none, whole = worth(np.repeat([[False], [True]], len(review.words), 1))
            gaps.append(whole - none - part)
    assert len(gaps) >= 4
    assert float(np.sqrt(np.mean(np.square(gaps)))) < 0.03


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=80), st.integers(1, 30))
def test_each_stratum_has_a_member_that_stands_for_it(gains: list[float], count: int) -> None:
    values = np.array(gains)
    picked = representatives(values, np.full(len(gains), 1 / len(gains)), count)
    assert len(picked) == count
    assert (np.diff(values[picked]) >= 0).all()
    if len(gains) % count == 0 and count == len(gains):
        assert sorted(picked) == list(range(count))


def test_the_first_look_leaves_each_word_out_alone(engine) -> None:
    review = open_review("Great sound, awful cable!", engine.encoder)
    game = sentiment_game(review, engine.sentiment)
    found = leave_one_out(game, 4)
    mask = np.array([[True, True, True, True], [True, True, False, True]])
    whole, without = game(mask)
    assert found.values[2] == pytest.approx(whole - without)


def test_a_review_without_text_is_a_clear_no(engine, reader) -> None:
    for text in (None, "", "   "):
        explanation = explained(engine, reader, text)
        with pytest.raises(DomainError, match="no review text"):
            explanation.words(7)


def test_a_step_outside_the_history_is_a_clear_no(engine, reader) -> None:
    explanation = explained(engine, reader, "fine")
    for step in (0, 8, -1):
        with pytest.raises(DomainError, match="Choose a step from 1 to 7"):
            explanation.words(step)


def test_a_review_of_5000_words_says_what_was_not_read(engine, reader) -> None:
    from core.views.explain.build import build_words

    explanation = explained(engine, reader, "lovely thing " * 2500)
    review = open_review(explanation.event(7).words, engine.encoder)
    nothing = np.zeros(len(review.words))
    none = WordValues("shap", nothing, 0.0, 0.0, nothing)
    assert review.unread > 4000
    view = build_words(explanation, WordsOfReview(7, review, none, none))
    assert f"last {number(review.unread)} words" in view.sentiment_sentence
    assert len(view.words) + review.unread == 5000


def test_a_title_is_read_with_its_text(engine, reader) -> None:
    words = explained(engine, reader, "fell apart", "Awful").words(7)
    assert words.review.labels == ["Awful", "fell", "apart"]


def test_asking_again_encodes_nothing(engine, reader, monkeypatch) -> None:
    explanation = explained(engine, reader, "A splendid thing for quiet evenings")
    first = explanation.words(7)
    encoded = []
    monkeypatch.setattr(engine.encoder, "encode", encoded.extend)
    again = explanation.words(7)
    assert encoded == []
    np.testing.assert_array_equal(first.score.values, again.score.values)

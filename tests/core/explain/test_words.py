"""Words of a review in any script, and the text without some of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.explain.word_values import open_review, split_words


def labels(text: str) -> list[str]:
    return [text[word.start : word.end] for word in split_words(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't buy the ill-fitting thing!", ["Don't", "buy", "the", "ill-fitting", "thing"]),
        ("音质很好。", ["音质", "很好"]),
        ("iPhone很好 ok", ["iPhone", "很好", "ok"]),
        ("𠮷野家のギター、最高", ["𠮷", "野家", "の", "ギター", "最高"]),
        ("กีตาร์ตัวนี้ดีมาก", ["กีตาร์", "ตัว", "นี้", "ดี", "มาก"]),
        ("👍", ["👍"]),
        ("👍🏽 👩‍👩‍👧 🇩🇪🇫🇷", ["👍🏽", "👩‍👩‍👧", "🇩🇪", "🇫🇷"]),
        ("cafe\u0301 noir", ["cafe\u0301", "noir"]),
        ("...", ["..."]),
        ("  !? ", ["!?"]),
        ("", []),
        ("   ", []),
        ("ok", ["ok"]),
    ],
)
def test_words_not_word_pieces(text: str, words: list[str]) -> None:
    assert labels(text) == words


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_words_cover_the_text_from_the_first_on(text: str) -> None:
    words = split_words(text)
    assert bool(words) == bool(text.strip())
    if words:
        joined = text[: words[0].start] + "".join(text[w.start : w.until] for w in words)
        assert joined == text
        assert all(w.start < w.end <= w.until for w in words)


def test_a_text_without_words_keeps_the_others_as_they_stand(engine) -> None:
    review = open_review("Great sound, awful cable!", engine.encoder)
    assert review.without(np.array([True, True, True, True])) == "Great sound, awful cable!"
    assert review.without(np.array([True, True, False, True])) == "Great sound, cable!"
    assert review.without(np.array([False, False, False, True])) == "cable!"
    assert review.without(np.zeros(4, bool)) == ""


def test_words_and_frame_of_a_text_make_its_vector(engine) -> None:
    text = "  Great sound, unbelievably awful cable 👍!"
    review = open_review(text, engine.encoder)
    vectors = review.word_vectors
    together = vectors.in_context.sum(0) + vectors.frame
    whole = engine.encoder.encode([text])[0]
    assert float(together @ whole) / np.linalg.norm(together) > 0.999
    assert (np.linalg.norm(vectors.in_context, axis=1) > 0).all()
    np.testing.assert_allclose(
        vectors.alone[2], engine.encoder.encode(["unbelievably "])[0], atol=2e-3
    )


def test_what_the_encoder_does_not_read_is_counted(engine) -> None:
    review = open_review(" ".join(f"word{n % 7}" for n in range(5000)), engine.encoder)
    assert len(review.words) + review.unread == 5000
    assert 0 < len(review.words) < engine.encoder.max_tokens
    whole, read = engine.encoder.encode(
        [" ".join(f"word{n % 7}" for n in range(5000)), review.text]
    )
    assert float(whole @ read) > 0.99

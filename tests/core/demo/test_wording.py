"""Fragments: marked words come out of the joined text with exact places."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.demo.catalogue import make_catalogue
from core.demo.reviews import Voice, Writer
from core.demo.shop import Aspect, open_shop
from core.demo.shoppers import Need, Step
from core.demo.wording import SLOT, capital, mark, unmark, with_article
from core.domain import EventKind

words = st.text(st.characters(blacklist_characters="\ue000\ue001\ue002"), min_size=1, max_size=8)


@given(st.lists(st.tuples(words, st.sampled_from([0, 1, -1])), max_size=12))
def test_unmark_inverts_mark(parts: list[tuple[str, int]]) -> None:
    text = "".join(mark(word, sign) if sign else word for word, sign in parts)
    plain, planted = unmark(text)
    assert plain == "".join(word for word, _ in parts)
    assert [(word.word, word.polarity) for word in planted] == [p for p in parts if p[1]]
    assert all(plain[word.start : word.end] == word.word for word in planted)


def test_marks_do_not_hide_the_first_letter() -> None:
    assert unmark(capital(mark("crisp", 1) + " sound"))[0] == "Crisp sound"
    assert unmark(with_article(mark("awful", -1)))[0] == "an awful"


def test_every_aspect_speaks_of_both_sides() -> None:
    for family in open_shop().families:
        assert len(family.aspects) >= 3, family.name
        for aspect in family.aspects:
            assert isinstance(aspect, Aspect)
            assert min(len(aspect.praise), len(aspect.blame), len(aspect.tails)) >= 2
            assert not set(aspect.praise) & set(aspect.blame)


def test_no_word_is_praise_in_one_list_and_general_blame_in_another() -> None:
    common = open_shop().words
    praise, blame = (set(common[f"{side}_words"].split("; ")) for side in ("praise", "blame"))
    assert not praise & blame


@pytest.mark.parametrize("felt", [1, 2, 3, 4, 5])
def test_stars_decide_the_sentiment_of_a_review(felt: int) -> None:
    shop = open_shop()
    items = make_catalogue(shop, Random("items"))
    writer = Writer(shop, items)
    rng = Random(f"felt {felt}")
    reviews = [
        writer.write(
            Step(0, rng.randrange(len(items)), EventKind.REVIEW, Need.INTEREST, felt=felt),
            Voice.draw(rng),
            rng,
        )
        for _ in range(200)
    ]
    mean = sum(review.sentiment for review in reviews) / len(reviews)
    low, high = {1: (-1, -0.95), 2: (-0.9, -0.6), 3: (-0.25, 0.25), 4: (0.6, 0.9), 5: (0.95, 1)}[
        felt
    ]
    assert low <= mean <= high
    assert all(review.planted for review in reviews)
    assert not any(SLOT.search(review.text) for review in reviews)

"""The Timeline's sentences say what the numbers say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.domain import EventKind, Part
from core.views.interest_map import trust_sentence
from core.views.timeline import sentences
from core.views.timeline.rows import ListRow, StepRow
from core.views.wording import sentiment_words

START = datetime(2024, 3, 1, tzinfo=UTC)
TOPICS = ["Garden", "Audio", "Books"]


def step(number: int, **more) -> StepRow:
    facts = {
        "step": number, "timestamp": START + timedelta(days=number - 1), "item_id": f"I{number}",
        "item": f"Item {number}", "kind": EventKind.REVIEW, "rating": None,
        "sentiment": None, "part": Part.TRAIN, "x": 0.0, "y": 0.0, "step_size": None,
        "next_rank": None, "next_part": None, "misleading": False,
    }  # fmt: skip
    return StepRow(**facts | more)


def listed(rank: int, before: int | None) -> ListRow:
    return ListRow(rank, f"I{rank}", f"Item {rank}", -2.0, before, None, False, 0.0, 0.0)


def story(leaders: list[int]) -> str:
    """One topic holds 60 % at each step."""
    shares = np.full((len(leaders), len(TOPICS)), 0.2, np.float32)
    shares[np.arange(len(leaders)), leaders] = 0.6
    days = [START + timedelta(days=at) for at in range(len(leaders))]
    return sentences.profile(TOPICS, shares, days)


def test_sentences(snapshot) -> None:
    parts = [Part.TRAIN, Part.TRAIN, Part.VALIDATION, Part.TEST]
    ranked = [
        step(at, next_rank=rank, next_part=part)
        for at, rank, part in zip(range(1, 5), (3.0, 40.0, 12.0, 200.0), parts, strict=True)
    ]
    read = [step(1, kind=EventKind.VIEW), step(2, sentiment=0.7), step(3, sentiment=-0.4)]
    moved = [step(1), *(step(at, step_size=size) for at, size in ((2, 0.1), (3, 0.7), (4, 0.2)))]
    snapshot(
        "timeline",
        {
            "one leader": story([2, 2, 2]),
            "a new leader": story([0, 0, 1, 1]),
            "a leader returns": story([0, 0, 1, 0]),
            "no events": story([]),
            "events": sentences.events(read),
            "events without text": sentences.events([step(1, kind=EventKind.CLICK)]),
            "ranks": sentences.ranks(ranked, 400),
            "only held-out ranks": sentences.ranks(ranked[2:], 400),
            "no rank": sentences.ranks([step(1)], 400),
            "one state": sentences.distortion([step(1)]),
            "faithful map": sentences.distortion([step(1), step(2)]),
            "distorted map": sentences.distortion([step(1), step(2, misleading=True), step(3)]),
            "step sizes": sentences.step_sizes(moved),
            "no step size": sentences.step_sizes([step(1)]),
            "moment": sentences.moment(step(17, rating=4.0), 42, 5.0),
            "same list": sentences.list_changes(3, [listed(1, 1), listed(2, 2)], "joint"),
            "changed list": sentences.list_changes(
                3, [listed(1, 2), listed(2, 1), listed(3, 9)], "joint"
            ),
            "first list": sentences.list_changes(1, [listed(1, None), listed(2, 2)], "joint"),
            "sentiment": sentiment_words(-0.61),
            "no sentiment": sentiment_words(None),
            "map": trust_sentence(0.966),
            "unmeasured map": trust_sentence(None),
        },
    )


@given(st.lists(st.integers(0, 2), min_size=1, max_size=30))
def test_the_story_counts_the_changes_of_lead(leaders) -> None:
    changes = sum(a != b for a, b in pairwise(leaders))
    said = {0: "every step", 1: "once"}.get(changes, f"{changes} times")
    assert said in story(leaders)


def test_a_single_text_is_not_counted_by_three_numbers() -> None:
    for sentiment, word in ((0.6, "positive"), (-0.6, "negative"), (0.0, "neutral")):
        said = sentences.events([step(1, sentiment=sentiment), step(2, kind=EventKind.CLICK)])
        assert word in said and "0 " not in said

"""Sentences say what the numbers say, with their sign, their unit and their number of cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import EventKind, Part
from core.views import wording

START = datetime(2024, 3, 1, tzinfo=UTC)
NAN = float("nan")


def days(n: int) -> list[datetime]:
    return [START + timedelta(days=at) for at in range(n)]


def profile(leaders: list[int], topics: int = 3) -> np.ndarray:
    """One topic holds 60 % at each step."""
    shares = np.full((len(leaders), topics), 0.4 / (topics - 1), np.float32)
    shares[np.arange(len(leaders)), leaders] = 0.6
    return shares


@pytest.mark.parametrize(
    ("share", "words"), [(0, "0\u202f%"), (0.004, "<1\u202f%"), (0.126, "13\u202f%")]
)
def test_small_shares_are_not_called_zero(share, words) -> None:
    assert wording.percent(share) == words


def test_counts_and_signs() -> None:
    assert wording.count(1, "review") == "1 review"
    assert wording.count(2, "category") == "2 categories"
    assert wording.count(12345, "event") == "12\u202f345 events"
    assert wording.signed(-0.5) == "\u22120.50"
    assert wording.points(0.061) == "+6"
    assert wording.points(-0.001) == "±0"


def test_the_story_names_the_leader_since_when_and_the_one_before() -> None:
    story = wording.profile_story(["Garden", "Audio", "Books"], profile([0, 0, 1, 1]), days(4))
    assert story == (
        "Audio leads since 3 Mar 2024 (step 3) and holds 60\u202f% at the end; Garden led longest "
        "before, for 2 steps. The lead changed once."
    )


def test_the_story_of_a_steady_user_claims_no_change() -> None:
    story = wording.profile_story(["Garden", "Audio", "Books"], profile([2, 2, 2]), days(3))
    assert story.startswith("Books leads at every step")
    assert "changed" not in story


def test_a_returning_leader_is_not_its_own_predecessor() -> None:
    story = wording.profile_story(["Garden", "Audio", "Books"], profile([0, 0, 1, 0]), days(4))
    assert "Audio led longest before, for 1 step." in story


@given(st.lists(st.integers(0, 2), min_size=1, max_size=30))
def test_the_story_counts_the_changes_of_lead(leaders) -> None:
    story = wording.profile_story(["A", "B", "C"], profile(leaders), days(len(leaders)))
    changes = sum(a != b for a, b in pairwise(leaders))
    said = {0: "every step", 1: "changed once"}.get(changes, f"changed {changes} times")
    assert said in story


def test_ranks_keep_what_the_model_has_seen_apart_from_what_it_has_not() -> None:
    ranks = np.array([3, 40, 12, 200, NAN], np.float32)
    parts = [Part.TRAIN, Part.TRAIN, Part.VALIDATION, Part.TEST, None]
    assert wording.ranks_sentence(ranks, parts, 400) == (
        "The next item was in the top 10 at 1 of 2 steps seen in training (median rank 22 of 400); "
        "validation: rank 12; test: rank 200."
    )


def test_ranks_without_a_next_event_say_so() -> None:
    assert "no next event" in wording.ranks_sentence(np.array([NAN], np.float32), [None], 9)


def test_events_are_counted_by_kind_and_sign() -> None:
    kinds = [EventKind.VIEW, EventKind.REVIEW, EventKind.REVIEW]
    assert wording.events_sentence(kinds, [None, 0.7, -0.4], 2) == (
        "2 reviews, 1 view. Of 2 with text, ▲ 1 positive, ▼ 1 negative, ● 0 neutral."
    )
    assert wording.events_sentence([EventKind.CLICK], [None], 0) == "1 click. None has text."


@pytest.mark.parametrize(
    ("value", "sign"), [(0.5, "▲"), (-0.5, "▼"), (0.1, "●"), (None, ""), (NAN, "")]
)
def test_sentiment_has_a_sign_beside_its_colour(value, sign) -> None:
    assert wording.sentiment_sign(value) == sign


def test_the_largest_real_move_is_named() -> None:
    sizes = np.array([NAN, 0.1, 0.7, 0.2], np.float32)
    sentence = wording.step_sizes_sentence(sizes, days(4), ["a", "b", "Lamp", "d"])
    assert "0.70 at step 3 on 3 Mar 2024, with Lamp" in sentence
    assert "makes no move" in wording.step_sizes_sentence(sizes[:1], days(1), ["a"])


def test_the_map_owns_up_to_what_it_distorts() -> None:
    assert "dashed" in wording.map_sentence(3, 9)
    assert "dashed" not in wording.map_sentence(0, 9)
    assert "not measured" in wording.trust_sentence(None)


def test_an_import_accounts_for_every_row() -> None:
    sentence = wording.import_sentence(95, 100, 3, 2, 10, 20)
    assert "95 of 100 rows" in sentence
    assert "3 rows went into quarantine" in sentence
    assert "2 duplicates left out" in sentence
    assert "Nothing was refused" in wording.import_sentence(5, 5, 0, 0, 1, 1)

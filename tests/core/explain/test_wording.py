"""Sentences say what the numbers say, and nothing without one."""

from __future__ import annotations

import pytest

from core.explain import wording


def test_where_an_item_stands() -> None:
    assert wording.standing("A", 3, 10, False) == "A is number 3 of the list."
    assert "its rank is 14" in wording.standing("A", 14, 10, False)
    assert "already has it" in wording.standing("A", 2, 10, True)


def test_a_summary_names_leaders_with_their_numbers() -> None:
    said = wording.summary(-2.0, -5.0, [("step 1 · A", 2.5), ("step 2 · B", 1.0), ("step 3", -0.5)])
    assert "20 times as likely" in said and "(+3.00)" in said
    assert "All that speaks for it comes from step 1 · A (+2.50) and step 2 · B (+1.00)" in said
    assert "Step 3 speaks most against it (\u22120.50)" in said


def test_no_event_decides_when_none_does() -> None:
    said = wording.summary(-1.0, -2.0, [(f"step {n}", 0.1) for n in range(10)])
    assert "No event decides" in said


def test_small_changes_and_empty_histories_are_called_so() -> None:
    assert "hardly changes" in wording.summary(-5.0, -5.01, [("step 1", 0.01)])
    assert "no event yet" in wording.summary(-5.0, -5.0, [])
    assert "times less likely" in wording.summary(-6.0, -5.0, [("step 1", -1.0)])


@pytest.mark.parametrize(("error", "careful"), [(0.04, False), (0.2, True)])
def test_trust_states_the_error_and_warns_above_the_aim(error: float, careful: bool) -> None:
    said = wording.trust(False, error, 12, 0, 0.0)
    assert f"{error * 100:.1f}\u202f%" in said and "24 orders" in said
    assert ("with care" in said) is careful
    assert wording.trust(True, 0.0, 0, 0, 0.0) == "Exact: every combination of events was asked."
    assert "1940 oldest events are taken in groups" in wording.trust(False, 0.01, 9, 1940, 0.0)


def test_the_smallest_change_in_words() -> None:
    edits = [("delete", 12, "A", None), ("rate", 15, "B", 1.0)]
    said = wording.counterfactual("X", 10, 2, edits, 14, "Y", True, 1, 10)
    assert said.startswith("Without step 12 (A) and with step 15 (B) rated 1, X is number 14")
    assert "Y comes in" in said and "No smaller change does it: all were tried" in said
    assert "No change of up to 3 events" in wording.counterfactual(
        "X", 10, 2, [], None, None, False, 3, 3
    )
    assert "nothing has to change" in wording.counterfactual(
        "X", 10, 20, [], None, None, False, 0, 10
    )
    assert "in no list" in wording.counterfactual(
        "X", 10, 2, edits, 14, None, True, 1, 10, excluded=True
    )


def test_an_explanation_that_loses_says_so() -> None:
    assert "Not better than the plain rule" in wording.scorecard(-1, -2, 0, False, True, 5)
    assert "sooner than both rivals" in wording.scorecard(-2, -1, 0, True, True, 5)
    assert "not than a random order" in wording.scorecard(-2, -1, -3, True, False, 5)
    assert "no order to judge" in wording.scorecard(0, 0, 0, False, False, 1)


def test_words_name_the_strongest_and_what_was_not_read() -> None:
    words = [("so", 0.001), ("bad", -0.5), ("good", 0.3)]
    read = wording.WordsRead("shap", 874, 0.021, 0.4, 0.01)
    said = wording.words_sentence("its sentiment", words, read, 40)
    assert "bad \u22120.50, good +0.30" in said and "so " not in said
    assert "Unexplained: +0.01" in said and "last 40 words" in said
    assert "from 874 partial texts, each word \u00b1 0.02; what" in said and "only 40%" in said
    exact = wording.WordsRead("shap", 16, 0.0, None, 0.0)
    said = wording.words_sentence("X", [], exact, 0)
    assert said == "SHAP from 16 partial texts. For X: no word counts."


def test_the_joints_parts_are_heard_on_both_sides() -> None:
    shares = {"interest": 1.5, "ease": -0.4, "content": 0.01, "item-knn": 0.3}
    said = wording.voices(shares, None)
    assert said == (
        "Within the joint, beside an average item: for it interest (+1.50), item-knn (+0.30); "
        "against it ease (\u22120.40)."
    )
    assert "content" not in said
    assert wording.voices({"interest": 0.01}, "Lamp") == "No part of the joint tells it from Lamp."

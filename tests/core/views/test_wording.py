"""Numbers and short phrases carry their sign, their unit and their plural."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from core.measure.metrics import Interval
from core.views import wording

NAN = float("nan")


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0\u202f%"), (0.004, "<1\u202f%"), (0.005, "<1\u202f%"), (0.126, "13\u202f%")],
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
    assert (wording.nats(2.918), wording.nats(-0.001)) == ("+2.92", "0.00")


def test_an_interval_carries_true_minus_signs() -> None:
    assert wording.between(Interval(-0.01, -0.02, 0.0)) == "\u22120.010 [\u22120.020, 0.000]"
    assert wording.between(Interval(np.nan, np.nan, np.nan)) == "–"


def test_names_are_listed_with_one_and() -> None:
    assert [wording.listing(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == [
        "a",
        "a and b",
        "a, b and c",
    ]


def test_a_period_says_one_month_once() -> None:
    march, may = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 5, 9, tzinfo=UTC)
    assert wording.span(march, may) == "Mar 2024 to May 2024"
    assert wording.span(march, march) == "Mar 2024"
    assert wording.span(None, may) == "no dates"


@pytest.mark.parametrize(
    ("value", "sign"), [(0.5, "▲"), (-0.5, "▼"), (0.1, "●"), (None, ""), (NAN, "")]
)
def test_sentiment_has_a_sign_beside_its_colour(value, sign) -> None:
    assert wording.sentiment_sign(value) == sign


def test_a_group_of_events_is_named_by_its_steps() -> None:
    assert wording.event_label(12, 12, "Lamp") == "step 12 · Lamp"
    assert wording.event_label(1, 20, "Lamp") == "steps 1–20 · 20 events"

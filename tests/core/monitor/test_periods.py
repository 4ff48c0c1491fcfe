"""Calendar periods: which ones a corpus gets, which are over, and what can't be monitored."""

from __future__ import annotations

import pandas as pd
import pytest

from core.domain import Columns, DomainError
from core.monitor.periods import Unit, calendar_of
from tests.core.monitor.conftest import MONDAY, as_corpus


def between(events: pd.DataFrame, first: str, last: str) -> pd.DataFrame:
    times = events[Columns.Time]
    return events[(times >= first) & (times < last)]


def test_weeks_begin_on_monday_and_the_last_one_may_not_be_over(steady) -> None:
    events = steady()
    whole = calendar_of(as_corpus(events))
    assert whole.unit is Unit.WEEK and whole.finished == len(whole) == 30
    assert whole.first_day(0) == MONDAY and whole.first_day(0).weekday() == 0
    cut = calendar_of(as_corpus(between(events, "2024-01-01", "2024-07-11")))
    assert (cut.finished, len(cut)) == (27, 28)  # the week of 8 July ends on Thursday
    assert cut.current() == range(26, 27)
    assert cut.current("2024-06-20") == range(24, 27)


def test_a_short_corpus_goes_by_days_and_a_sparse_one_by_months(steady) -> None:
    events = steady()
    week = calendar_of(as_corpus(between(events, "2024-01-01", "2024-01-08")))
    assert week.unit is Unit.DAY and week.finished == 7 and week.current() == range(6, 7)
    few = events[events[Columns.User] < "u0004"].copy()
    few[Columns.Time] = MONDAY + (few[Columns.Time] - MONDAY) * 4
    assert calendar_of(as_corpus(few)).unit is Unit.MONTH


def test_whole_days_end_with_the_day(steady) -> None:
    events = steady()
    events[Columns.Time] = events[Columns.Time].dt.floor("D")
    assert calendar_of(as_corpus(events)).finished == 30


@pytest.mark.parametrize(
    ("since", "said"),
    [
        ("2024-01-20", "2 finished weeks before"),
        ("2031-01-01", "no week from 2031-01-01 on is finished"),
        ("soon", "'soon' is no day"),
    ],
)
def test_a_wrong_since_is_said(shop, since: str, said: str) -> None:
    with pytest.raises(DomainError, match=said):
        calendar_of(shop).current(since)


def test_too_little_and_no_times_are_said(steady) -> None:
    events = steady()
    with pytest.raises(DomainError, match="no times"):
        calendar_of(as_corpus(events, order_as_time=True))
    three_days = as_corpus(between(events, "2024-01-01", "2024-01-04"))
    with pytest.raises(DomainError, match="2 finished days before the newest one, and 5"):
        calendar_of(three_days).current()
    with pytest.raises(DomainError, match="no events"):
        calendar_of(as_corpus(events.iloc[:0]))

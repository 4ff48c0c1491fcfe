"""The words: order, steps, times, exclusions, errors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import (
    DomainError,
    Event,
    EventKind,
    History,
    order_events,
    parse_instant,
    review_words,
)

START = datetime(2024, 3, 1, 12, tzinfo=UTC)

events = st.lists(
    st.builds(
        lambda item, hours, kind: Event(f"i{item}", START + timedelta(hours=hours), kind),
        st.integers(0, 6),
        st.integers(0, 40),
        st.sampled_from(list(EventKind)),
    ),
    max_size=20,
)


@given(events, st.randoms(use_true_random=False))
def test_file_order_never_decides(happened: list[Event], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(happened)
    random.shuffle(shuffled)
    assert order_events("u", happened) == order_events("u", shuffled)


@given(events)
def test_order_is_by_time(happened: list[Event]) -> None:
    times = [event.timestamp for event in order_events("u", happened)]
    assert times == sorted(times)


@given(events, st.data())
def test_removed_events_keep_clock_and_exclusions(happened: list[Event], data) -> None:  # type: ignore[no-untyped-def]
    history = History("u", order_events("u", happened))
    kept = data.draw(st.sets(st.integers(1, max(len(history), 1)), max_size=len(history)))
    smaller = history.keeping(kept)
    assert smaller.at == history.at
    assert smaller.excluded_items() == history.excluded_items()
    assert len(smaller) == len(kept)


def history() -> History:
    return History(
        "u",
        (
            Event("a", START, EventKind.VIEW),
            Event("b", START + timedelta(hours=11), EventKind.PURCHASE),
            Event("c", START + timedelta(days=2), EventKind.REVIEW, 5.0, "Fine", "Good."),
        ),
    )


@pytest.mark.parametrize(
    ("at", "step"),
    [
        (None, 3),
        (2, 2),
        ("2", 2),
        ("2024-03-01", 2),
        ("2024-03-01T12:00:00", 1),
        ("2024-03-01T12:00:00Z", 1),
        ("2024-03-01T13:00:00+01:00", 1),
        ("2030-01-01", 3),
        (START + timedelta(hours=11), 2),
    ],
)
def test_a_time_means_everything_up_to_it(at, step: int) -> None:  # type: ignore[no-untyped-def]
    assert history().resolve_step(at) == step


@pytest.mark.parametrize("at", [0, 4, "99", "-1", "2024-02-29", "soon", "2024-13-01", ""])
def test_a_step_that_is_not_there_is_refused_with_the_remedy(at) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DomainError) as error:
        history().resolve_step(at)
    assert error.value.remedy


def test_views_and_clicks_exclude_nothing() -> None:
    assert history().excluded_items() == {"b", "c"}


def test_a_bare_date_is_the_end_of_its_day_in_utc() -> None:
    assert parse_instant("2024-03-01") == datetime(2024, 3, 1, 23, 59, 59, 999999, UTC)


@pytest.mark.parametrize(
    ("title", "text", "words"),
    [
        (None, None, ""),
        ("  ", "", ""),
        ("Good", None, "Good"),
        (None, "Holds well.", "Holds well."),
        ("Good", "Holds well.", "Good. Holds well."),
        ("Good!", "Holds well.", "Good! Holds well."),
        ("好。", "很好", "好。 很好"),
    ],
)
def test_words_of_a_review(title: str | None, text: str | None, words: str) -> None:
    assert review_words(title, text) == words


def test_an_error_says_what_where_and_what_to_do() -> None:
    error = DomainError("the file is empty", where="a.csv", remedy="Choose another file.")
    assert str(error) == "the file is empty (a.csv). Choose another file."


@pytest.mark.parametrize(
    "at",
    ["²", "+-5", "--5", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-05:00", "9" * 5000],
)
def test_an_unreadable_time_is_named(at: str) -> None:
    with pytest.raises(DomainError, match="neither a step nor a time"):
        history().resolve_step(at)

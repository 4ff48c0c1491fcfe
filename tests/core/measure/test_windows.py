"""Calendar windows: six at the end, nothing learned that is asked, every event a case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from core.corpus.corpus import Corpus
from core.domain import Columns, DomainError
from core.measure.windows import (
    HELD_OUT,
    WINDOWS,
    calendar_windows,
    cases_at,
    held_out,
    inside,
    learned_before,
)


@pytest.fixture(scope="module")
def busy(make_corpus: Callable[..., Corpus]) -> Corpus:
    """Twenty users, each with an event every ten days of two years."""
    return make_corpus(
        [
            (f"u{user:02}", f"i{(user + step) % 11}", 10.0 * step + user / 4, "purchase")
            for user in range(20)
            for step in range(73)
        ]
    )


def test_windows_are_the_last_six_of_the_longest_fitting_kind(busy: Corpus) -> None:
    windows = calendar_windows(busy)
    assert [window.name for window in windows] == [
        "2024-07", "2024-08", "2024-09", "2024-10", "2024-11", "2024-12",
    ]  # fmt: skip
    assert windows[0].begin == datetime(2024, 7, 1, tzinfo=UTC)
    assert windows[-1].end == datetime(2025, 1, 1, tzinfo=UTC)
    after = busy.events[Columns.Time] >= windows[0].begin
    counted = sum(int(inside(busy, window).sum()) for window in windows)
    assert counted == int(after.sum()) and len(windows) == WINDOWS


def test_a_fifth_is_never_learned_and_nothing_later_is(busy: Corpus) -> None:
    windows = calendar_windows(busy)
    unlearned = held_out(busy, windows)
    within = np.asarray(busy.events[Columns.Time] >= windows[0].begin)
    assert not unlearned[~within].any()
    assert unlearned.sum() == pytest.approx(within.sum() / HELD_OUT, rel=0.3)
    before: set[tuple[str, str]] = set()
    for window in windows:
        then = learned_before(busy, window, unlearned)
        assert (then.events[Columns.Time] < window.begin).all()
        assert then.item_ids == busy.item_ids
        keys = set(zip(then.events[Columns.User], then.events[Columns.Time], strict=True))
        secret = busy.events[unlearned]
        assert keys.isdisjoint(zip(secret[Columns.User], secret[Columns.Time], strict=True))
        assert before <= keys
        before = keys


def test_every_event_of_a_window_is_a_case_of_a_known_user(busy: Corpus) -> None:
    window = calendar_windows(busy)[0]
    rows = np.flatnonzero(inside(busy, window))
    found = cases_at(busy, rows)
    assert len(found) == len(rows)
    for case, row in zip(found, rows, strict=True):
        event = busy.events.iloc[int(row)]
        assert (case.history.user_id, case.target) == (event[Columns.User], event[Columns.Item])
        assert case.history.events[-1].timestamp <= case.target_time == event[Columns.Time]
    starts = busy.user_starts[:-1]
    assert cases_at(busy, starts) == ()


def test_too_short_a_period_is_a_clear_error(make_corpus: Callable[..., Corpus]) -> None:
    short = make_corpus([(f"u{n % 3}", f"i{n}", n / 100, "view") for n in range(40)])
    with pytest.raises(DomainError, match="no 6 calendar periods"):
        calendar_windows(short)

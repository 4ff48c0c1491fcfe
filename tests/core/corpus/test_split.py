from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from core.corpus.split import leave_last_out, temporal_cuts, user_starts
from core.domain import Columns, Part

START = datetime(2020, 1, 1, tzinfo=UTC)


def events_of(lengths: list[int], days: list[int] | None = None) -> pd.DataFrame:
    users = [f"u{place:03}" for place, length in enumerate(lengths) for _ in range(length)]
    days = days or list(range(len(users)))
    times = pd.Series([START + timedelta(days=day) for day in days], dtype="datetime64[us, UTC]")
    return pd.DataFrame({Columns.User: pd.Series(users, dtype=object), Columns.Time: times})


LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=30)


@given(LENGTHS)
def test_every_user_has_exactly_one_test_event_and_it_is_the_last(lengths: list[int]) -> None:
    events = events_of(lengths)
    parts = leave_last_out(events)
    assert parts.dtype == np.int8
    by_user: dict[str, list[int]] = defaultdict(list)
    for user, part in zip(events[Columns.User], parts, strict=True):
        by_user[user].append(int(part))
    for own in by_user.values():
        expected = [Part.TRAIN] * (len(own) - 2) + [Part.VALIDATION] * (len(own) > 1) + [Part.TEST]
        assert own == expected


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60))
def test_cuts_hide_at_most_the_promised_share_and_only_what_is_strictly_later(
    days: list[int],
) -> None:
    events = events_of([len(days)], sorted(days))
    cuts = temporal_cuts(events[Columns.Time].to_numpy("datetime64[us]"))
    assert cuts == sorted(cuts) and len(cuts) == 3
    for share, cut in zip((0.7, 0.8, 0.9), cuts, strict=True):
        seen = (events[Columns.Time] <= cut).mean()
        before = (events[Columns.Time] < cut).mean()
        assert before < share + 1e-9 <= seen + 2e-9
        assert cut.tzinfo is UTC


def test_no_events_split_into_nothing() -> None:
    nothing = events_of([])
    assert len(leave_last_out(nothing)) == 0
    assert temporal_cuts(nothing[Columns.Time].to_numpy("datetime64[us]")) == []
    assert user_starts(nothing).tolist() == [0]

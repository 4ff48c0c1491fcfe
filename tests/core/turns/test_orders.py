"""Other orders of a history: visits stay whole, pauses stay where they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.domain import CONSUMING_KINDS, Event, EventKind
from core.turns.orders import VISIT_ENDS, shuffled, visits_of

BEGAN = datetime(2024, 1, 1, tzinfo=UTC)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Event, ...]:
    pauses = draw(st.lists(st.integers(0, 400_000), min_size=1, max_size=30))
    kinds = draw(st.lists(st.sampled_from(EventKind), min_size=len(pauses), max_size=len(pauses)))
    times = np.cumsum(pauses).tolist()
    return tuple(
        Event(f"i{at}", BEGAN + timedelta(seconds=seconds), kind)
        for at, (seconds, kind) in enumerate(zip(times, kinds, strict=True))
    )


@given(histories())
def test_a_visit_ends_with_what_was_taken_or_a_long_pause(events: tuple[Event, ...]) -> None:
    visits = visits_of(events)
    assert visits[0] == 0
    for at in range(1, len(events)):
        pause = (events[at].timestamp - events[at - 1].timestamp).total_seconds()
        ends = events[at - 1].kind in CONSUMING_KINDS or pause > VISIT_ENDS
        assert visits[at] - visits[at - 1] == ends


@given(histories(), st.integers(0, 2**32 - 1))
def test_every_order_has_the_same_visits_and_the_same_pauses_between_them(
    events: tuple[Event, ...], seed: int
) -> None:
    visits = visits_of(events)
    orders = shuffled(events, visits, 5, np.random.default_rng(seed))
    seconds = np.array([event.timestamp.timestamp() for event in events])
    pauses = np.diff(seconds, prepend=seconds[:1])
    starts = np.diff(visits, prepend=-1) > 0
    for at, times in zip(orders.at, orders.seconds, strict=True):
        assert sorted(at.tolist()) == list(range(len(events)))
        own = visits[at]
        assert (np.diff(at)[np.diff(own) == 0] == 1).all()  # inside a visit nothing moves
        assert len(np.flatnonzero(np.diff(own))) == visits[-1]
        moved = np.diff(times, prepend=times[:1])
        begins = np.diff(own, prepend=-1) != 0
        np.testing.assert_allclose(moved[begins], pauses[starts], atol=1e-3)
        np.testing.assert_allclose(moved[~begins], pauses[at][~begins], atol=1e-3)


def test_orders_differ_and_the_same_seed_gives_the_same() -> None:
    events = tuple(Event(f"i{n}", BEGAN + timedelta(days=n), EventKind.RATING) for n in range(12))
    first, again = (
        shuffled(events, visits_of(events), 50, np.random.default_rng(3)).at for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    assert len({tuple(row) for row in first.tolist()}) == 50

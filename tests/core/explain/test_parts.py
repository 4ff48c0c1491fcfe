"""Parts of an event: they add up to it, and a part that is not there gives nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import History
from core.explain import parts as parts_module
from core.explain.game import EventGame, Goal, explain_events
from core.explain.parts import (
    ITEM,
    RATING,
    TEXT,
    TIME,
    add_up,
    explain_parts,
    has_parts,
    weights_of_orders,
    with_parts,
)
from tests.core.explain.conftest import Toy, history_of


@pytest.mark.parametrize("n", [1, 6, 13, 70])
def test_parts_add_up_to_their_event(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "ASKED_AT_MOST", 2000)
    game = EventGame(Toy(), history_of(n), Goal(4))
    events = explain_events(game, seconds=0.2)
    parts = explain_parts(game, events)
    assert parts.values.shape == parts.stderr.shape == (len(game.players), 4)
    np.testing.assert_allclose(parts.values.sum(1), events.values, atol=1e-9)


def test_a_part_that_is_not_there_gives_nothing() -> None:
    history = history_of(6)
    game = EventGame(Toy(), history, Goal(4))
    parts = explain_parts(game, explain_events(game)).values
    for event, row in zip(history.events, parts, strict=True):
        assert event.rating is not None or row[RATING] == pytest.approx(0, abs=1e-12)
        assert event.words or row[TEXT] == pytest.approx(0, abs=1e-12)


def test_parts_of_a_plain_sum_are_its_terms() -> None:
    history = history_of(4)
    toy = Toy(bend=0.0, decay=1.0)
    game = EventGame(toy, history, Goal(4, 7))
    parts = explain_parts(game, explain_events(game)).values
    taste = np.random.default_rng(3).normal(0, 1.2, (24, 24))
    for event, row in zip(history.events, parts, strict=True):
        own = taste[int(event.item_id[1:])]
        assert row[ITEM] == pytest.approx(own[4] - own[7], abs=1e-4)
        hour = 0.1 * np.sin(event.timestamp.hour) * (taste[3, 4] - taste[3, 7])
        assert row[TIME] == pytest.approx(hour, abs=1e-4)


def test_an_event_without_any_part_is_absent() -> None:
    event = history_of(2).events[1]
    assert has_parts(event) == (True, True, True, True)
    assert with_parts(event, (False, False, False, False)) is None
    bare = with_parts(event, (True, False, False, False))
    assert bare is not None and has_parts(bare) == (True, False, False, False)


def test_no_event_has_no_parts() -> None:
    game = EventGame(Toy(), History("u", ()), Goal(4))
    assert explain_parts(game, explain_events(game)).values.shape == (0, 4)


@given(st.integers(1, 8), st.integers(0, 1000))
def test_orders_weigh_as_much_as_parts_were_corrected(pairs: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    gains = random.normal(0.2, 1.0, (2 * pairs, 4))
    whole = gains.sum(1)
    total = float(whole.mean()) + 0.05 * float(whole.std())
    weights = weights_of_orders(whole, total)
    assert weights.sum() == pytest.approx(1) and (weights >= 0).all()
    if pairs > 1 and (weights > 0).all():
        np.testing.assert_allclose(weights @ gains, add_up(gains, total)[0], atol=1e-9)
        assert float(weights @ whole) == pytest.approx(total)

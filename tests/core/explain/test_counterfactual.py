"""The smallest change: the true minimum, confirmed by the recommender, or an honest "none"."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain import Event, History, Stopped
from core.explain import counterfactual, wording
from core.explain.counterfactual import Counterfactual, Edit, find_counterfactual, possible_edits
from core.explain.game import shortened
from tests.core.explain.conftest import ITEMS, Toy, history_of

SCALE = (1.0, 5.0)
K = 3


def excluded_of(history: History) -> np.ndarray:
    mask = np.zeros(ITEMS, bool)
    mask[[int(item[1:]) for item in history.excluded_items()]] = True
    return mask


def rank_after(history: History, edits: tuple[Edit, ...], item: int) -> int:
    """Rank of an item when the recommender is asked without any of the search's code."""
    by_step = {edit.step: edit for edit in edits}
    events: list[Event] = []
    for step, event in enumerate(history.events, start=1):
        edit = by_step.get(step)
        if edit is None:
            events.append(event)
        elif edit.rating is not None:
            events.append(
                Event(
                    event.item_id, event.timestamp, event.kind, edit.rating, event.title, event.text
                )
            )
    scores = Toy().log_probabilities([shortened(history, events)])[0]
    open_ = ~excluded_of(history)
    return 1 + int(((scores > scores[item]) & open_).sum())


def find(history: History, item: int, k: int = K) -> Counterfactual:
    return find_counterfactual(
        Toy(), history, item, excluded_of(history), SCALE, dict.fromkeys(range(1, 11), 1.0), k=k
    )


def first_item(history: History) -> int:
    scores = Toy().log_probabilities([history])[0].copy()
    scores[excluded_of(history)] = -np.inf
    return int(scores.argmax())


@settings(max_examples=12, deadline=None)
@given(n=st.integers(1, 7), seed=st.integers(0, 10_000))
def test_the_minimum_is_the_one_that_enumeration_finds(n: int, seed: int) -> None:
    history = history_of(n, seed)
    item = first_item(history)
    found = find(history, item)
    edits = possible_edits(history, SCALE)
    smallest = next(
        (
            size
            for size in range(1, n + 1)
            for steps in combinations(edits, size)
            for chosen in product(*(edits[step] for step in steps))
            if rank_after(history, chosen, item) > K
        ),
        None,
    )
    if smallest is None:
        assert not found.found
    elif smallest <= 3:
        assert len(found.edits) == smallest and found.proven
    if found.found:
        assert found.new_rank == rank_after(history, found.edits, item) > K
        assert found.replaced_by is not None and found.replaced_by != item


def test_an_item_outside_the_list_needs_no_change() -> None:
    history = history_of(5)
    scores = Toy().log_probabilities([history])[0].copy()
    scores[excluded_of(history)] = np.inf
    found = find(history, int(scores.argmin()))
    assert not found.in_list and not found.found and found.edits == ()


def test_none_within_n_edits_is_an_answer() -> None:
    history = history_of(3)
    found = find(history, first_item(history), k=ITEMS)
    assert found.in_list and not found.found
    assert found.complete_up_to == 3 and found.tried > 7


def test_without_events_there_is_nothing_to_change() -> None:
    found = find(History("u", ()), 0, k=ITEMS)
    assert not found.found and found.in_list


def test_edits_are_removals_and_ends_of_the_scale() -> None:
    history = history_of(3)
    edits = possible_edits(history, SCALE)
    assert edits[1] == (Edit(1),)
    for step, own in edits.items():
        rating = history.events[step - 1].rating
        assert rating not in [edit.rating for edit in own if edit.op == "rate"]
    assert all(own == (Edit(step),) for step, own in possible_edits(history, None).items())
    assert [edit.op for edit in (Edit(1), Edit(1, 5.0))] == ["delete", "rate"]


def test_the_change_with_the_lowest_rank_is_taken_among_equals() -> None:
    history = history_of(6, 1)
    item = first_item(history)
    found = find(history, item)
    assert found.found
    same_size = [
        rank_after(history, chosen, item)
        for steps in combinations(range(1, 7), len(found.edits))
        for chosen in product(*(possible_edits(history, SCALE)[step] for step in steps))
    ]
    assert found.new_rank == max(same_size)


def test_long_histories_are_searched_in_part_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counterfactual, "MOST_TRIED", 60)
    history = history_of(16)
    found = find(history, first_item(history), k=12)
    assert found.complete_up_to <= 1
    if found.found and len(found.edits) > 2:
        assert not found.proven


def test_a_search_over_a_long_history_stops_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counterfactual, "EVENTS_ASKED", 1)
    monkeypatch.setattr(counterfactual, "FEWEST_TRIED", 30)
    history = history_of(40)
    found = find(history, first_item(history), k=ITEMS)
    assert not found.found and found.complete_up_to == 0
    assert all(fewer < 40 for fewer in found.among) and found.tried < 500
    said = wording.counterfactual(
        "X", ITEMS, 1, [], None, None, False, 0, 10, False, found.among, 40
    )
    assert f"single changes of the {found.among[0]} strongest events" in said


def test_stopping_does_not_wait_for_all_histories_of_a_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def changed(event: Event, edit: Edit) -> None:
        asked.append(edit)

    monkeypatch.setattr(counterfactual, "_edited", changed)
    history = history_of(30)
    with pytest.raises(Stopped):
        find_counterfactual(
            Toy(),
            history,
            first_item(history),
            excluded_of(history),
            SCALE,
            {},
            k=ITEMS,
            stop=lambda: len(asked) > 5,
        )
    assert len(asked) < 10

"""The smallest change: the true minimum, confirmed by the recommender, or an honest "none"."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain import Event, History, Stopped
from core.progress import StopCallback
from core.scenario import search
from core.scenario.candidates import step_edits
from core.scenario.edits import Edit, Op
from core.scenario.search import SmallestChange, all_sets
from core.views.explain import sentences
from tests.core.explain.conftest import ITEMS, Toy, history_of

SCALE = (1.0, 5.0)
INDEX = {f"i{item}": item for item in range(ITEMS)}
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
            events.append(replace(event, rating=edit.rating))
    scores = Toy().log_probabilities([history.same_moment(events)])[0]
    open_ = ~excluded_of(history)
    return 1 + int(((scores > scores[item]) & open_).sum())


def find(
    history: History, item: int, k: int = K, stop: StopCallback | None = None
) -> SmallestChange:
    groups = step_edits(history, SCALE)
    changes = search.ChangeSearch(
        Toy(), history, f"i{item}", groups, INDEX, "out", k, "kept", stop=stop
    )
    weights = [1.0] * min(len(history), 10) + [0.0] * max(len(history) - 10, 0)
    return changes.smallest(weights, search.counterfactual_effort(len(history)))


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
    groups = step_edits(history, SCALE)
    smallest = next(
        (
            size
            for size in range(1, n + 1)
            for edits in all_sets(groups, size)
            if rank_after(history, edits, item) > K
        ),
        None,
    )
    assert found.found == (smallest is not None)
    if found.found:
        assert len(found.edits) == smallest and found.proven
        assert found.verified_rank == rank_after(history, found.edits, item) > K
        assert found.replaced_by is not None and found.replaced_by != item


def test_an_item_outside_the_list_needs_no_change() -> None:
    history = history_of(5)
    scores = Toy().log_probabilities([history])[0].copy()
    scores[excluded_of(history)] = np.inf
    found = find(history, int(scores.argmin()))
    assert found.rank_before is not None and found.rank_before > K
    assert found.edits == () and found.tried.sets == 0


def test_none_within_n_edits_is_an_answer() -> None:
    history = history_of(3)
    found = find(history, first_item(history), k=ITEMS)
    assert not found.found and found.verified_rank is None
    assert found.tried.complete_up_to == 3 and found.tried.sets >= 7


def test_without_events_there_is_nothing_to_change() -> None:
    found = find(History("u", ()), 0, k=ITEMS)
    assert not found.found and found.edits == ()


def test_edits_are_removals_and_ends_of_the_scale() -> None:
    history = history_of(3)
    groups = step_edits(history, SCALE)
    assert groups[0] == (Edit(Op.DELETE, 1),)
    for event, (delete, *rated) in zip(history.events, groups, strict=True):
        assert delete.op is Op.DELETE and event.rating not in [edit.rating for edit in rated]
    assert [len(group) for group in step_edits(history, None)] == [1, 1, 1]


def test_the_change_with_the_lowest_rank_is_taken_among_equals() -> None:
    history = history_of(6, 1)
    item = first_item(history)
    found = find(history, item)
    assert found.found
    same_size = [
        rank_after(history, edits, item)
        for edits in all_sets(step_edits(history, SCALE), len(found.edits))
    ]
    assert found.verified_rank == max(same_size)


def test_long_histories_are_searched_in_part_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "EVENTS_ASKED", 60 * 16)
    history = history_of(16)
    found = find(history, first_item(history), k=12)
    assert found.tried.complete_up_to <= 1
    if found.found and len(found.edits) > 2:
        assert not found.proven


def test_a_search_over_a_long_history_stops_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "EVENTS_ASKED", 1)
    monkeypatch.setattr(search, "FEWEST_TRIED", 30)
    history = history_of(40)
    found = find(history, first_item(history), k=ITEMS)
    assert not found.found and found.tried.complete_up_to == 0
    assert all(fewer < 40 for fewer in found.tried.among) and found.tried.sets < 500
    said = sentences.change("X", found, [], None, 40)
    assert f"single changes of the {found.tried.among[0]} strongest events" in said


def test_stopping_does_not_wait_for_all_histories_of_a_size() -> None:
    history = history_of(30)
    calls = count()
    with pytest.raises(Stopped):
        find(history, first_item(history), k=ITEMS, stop=lambda: next(calls) > 5)
    assert next(calls) < 10

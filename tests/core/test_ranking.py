"""Ranks and lists against counting and sorting one item at a time."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from core.domain import Event, EventKind, History, parse_instant
from core.ranking import (
    NO_ITEM,
    ExcludedItems,
    ahead_of,
    excluded_mask,
    rank_of,
    ranks_of,
    target_ranks,
    top_items,
    top_k,
)


@st.composite
def questions(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores with many ties, targets, and a mask of excluded items."""
    n, n_items = draw(st.integers(1, 5)), draw(st.integers(1, 12))
    scores = draw(
        arrays.arrays(np.float32, (n, n_items), elements=st.sampled_from([-2.0, 0.0, 0.5, 3.0]))
    )
    targets = draw(arrays.arrays(np.int64, n, elements=st.integers(0, n_items - 1)))
    mask = draw(arrays.arrays(np.bool_, (n, n_items)))
    return scores, targets, mask


def sorted_items(row: np.ndarray, gone: np.ndarray) -> list[int]:
    """The whole list, best first."""
    return sorted((i for i in range(len(row)) if not gone[i]), key=lambda i: (-row[i], i))


@given(questions())
@settings(deadline=None)
def test_in_metrics_a_tie_counts_half(drawn: tuple[np.ndarray, ...]) -> None:
    scores, targets, mask = drawn
    ranks = target_ranks(scores, targets, ExcludedItems(*np.nonzero(mask)))
    for rank, row, target, gone in zip(ranks, scores, targets, mask, strict=True):
        others = [row[i] for i in range(len(row)) if i != target and not gone[i]]
        above = sum(other > row[target] for other in others)
        tied = sum(other == row[target] for other in others)
        assert rank == (np.inf if gone[target] else 1 + above + tied / 2)


@given(questions(), st.integers(0, 15))
@settings(deadline=None)
def test_lists_are_what_sorting_says(drawn: tuple[np.ndarray, ...], k: int) -> None:
    scores, _, mask = drawn
    lists = top_items(scores, ExcludedItems(*np.nonzero(mask)), k)
    for found, row, gone in zip(lists, scores, mask, strict=True):
        best = sorted_items(row, gone)[:k]
        assert found.tolist() == best + [NO_ITEM] * (k - len(best))
        assert top_k(row, gone, k).tolist() == best


@given(questions())
@settings(deadline=None)
def test_an_items_rank_is_its_position_in_the_sorted_list(drawn: tuple[np.ndarray, ...]) -> None:
    scores, targets, mask = drawn
    item = int(targets[0])
    ranks = ranks_of(item, scores, mask)
    for rank, row, gone in zip(ranks, scores, mask, strict=True):
        shown = gone.copy()
        shown[item] = False  # an excluded item is ranked as if it were not
        assert rank == rank_of(item, row, gone) == 1 + sorted_items(row, shown).index(item)
        first = sorted_items(row, np.zeros_like(gone))
        assert np.flatnonzero(ahead_of(item, row)).tolist() == sorted(first[: first.index(item)])


def test_one_score_for_all_earns_nothing() -> None:
    nothing = ExcludedItems(*np.nonzero(np.zeros((1, 21), np.bool_)))
    assert target_ranks(np.zeros((1, 21), np.float32), np.array([20]), nothing) == [11.0]


def test_no_list_contains_what_has_no_probability() -> None:
    scores = np.array([-np.inf, 0.0, -1.0], np.float32)
    assert top_k(scores, np.zeros(3, np.bool_), 3).tolist() == [1, 2]


def test_excluded_items_are_those_bought_rated_or_reviewed() -> None:
    at = parse_instant("2024-01-01")
    kinds = [EventKind.VIEW, EventKind.CLICK, EventKind.PURCHASE, EventKind.RATING]
    events = tuple(Event(f"i{n}", at, kind) for n, kind in enumerate([*kinds, EventKind.REVIEW]))
    index = {f"i{n}": n for n in range(4)}  # i4 is outside the catalogue
    history = History("b", events)
    excluded = ExcludedItems.of([History("a", ()), history], index)
    pairs = zip(excluded.rows.tolist(), excluded.items.tolist(), strict=True)
    assert sorted(pairs) == [(1, 2), (1, 3)]
    assert excluded_mask(history, index).tolist() == [False, False, True, True]
    assert excluded.contain(np.array([2, 2])).tolist() == [False, True]


def test_exclusions_that_histories_share_are_looked_up_once() -> None:
    class Counted(dict[str, int]):
        asked = 0

        def __getitem__(self, item: str) -> int:
            self.asked += 1
            return super().__getitem__(item)

    at = parse_instant("2024-01-01")
    whole = History("a", tuple(Event(f"i{n}", at, EventKind.REVIEW) for n in range(6)))
    index = Counted({f"i{n}": n for n in range(6)})
    moment = whole.same_moment(whole.events)
    some = [moment.keeping(range(1, n + 1)) for n in range(6)]
    excluded = ExcludedItems.of([*some, whole.up_to(2)], index)
    assert index.asked == 6 + 2
    assert np.bincount(excluded.rows).tolist() == [6] * 6 + [2]
    assert set(excluded.items[excluded.rows == 3].tolist()) == set(range(6))

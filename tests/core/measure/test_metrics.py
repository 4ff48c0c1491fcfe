"""Ranks and metrics against ir-measures and against brute force."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from ir_measures import RR, R, nDCG

from core.domain import Event, EventKind, History, parse_instant
from core.measure.metrics import (
    NO_ITEM,
    ExcludedItems,
    coverage,
    intra_list_diversity,
    ndcg,
    novelty,
    popularity_bias,
    recall,
    reciprocal_rank,
    target_ranks,
    top_items,
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


def excluded(mask: np.ndarray) -> ExcludedItems:
    rows, items = np.nonzero(mask)
    return ExcludedItems(rows.astype(np.int64), items.astype(np.int64))


@given(questions())
@settings(deadline=None)
def test_ranks_are_what_counting_says(drawn: tuple[np.ndarray, ...]) -> None:
    scores, targets, mask = drawn
    for rank, row, target, gone in zip(
        target_ranks(scores, targets, excluded(mask)), scores, targets, mask, strict=True
    ):
        others = [row[i] for i in range(len(row)) if i != target and not gone[i]]
        above = sum(other > row[target] for other in others)
        tied = sum(other == row[target] for other in others)
        assert rank == (np.inf if gone[target] else 1 + above + tied / 2)


@given(questions(), st.integers(1, 15))
@settings(deadline=None)
def test_lists_are_what_sorting_says(drawn: tuple[np.ndarray, ...], k: int) -> None:
    scores, _, mask = drawn
    for found, row, gone in zip(top_items(scores, excluded(mask), k), scores, mask, strict=True):
        left = sorted((i for i in range(len(row)) if not gone[i]), key=lambda i: (-row[i], i))[:k]
        assert found.tolist() == left + [NO_ITEM] * (k - len(left))


@pytest.mark.parametrize("k", [1, 5, 10])
def test_metrics_agree_with_ir_measures(k: int) -> None:
    rng = np.random.default_rng(7)
    n, n_items = 200, 40
    scores = rng.normal(size=(n, n_items)).astype(np.float32)
    targets = rng.integers(0, n_items, n)
    mask = rng.random((n, n_items)) < 0.2
    ranks = target_ranks(scores, targets, excluded(mask))
    qrels = [ir_measures.Qrel(f"q{q}", f"d{target}", 1) for q, target in enumerate(targets)]
    run = [
        ir_measures.ScoredDoc(f"q{q}", f"d{item}", float(scores[q, item]))
        for q in range(n)
        for item in range(n_items)
        if not mask[q, item]
    ]
    ours = {nDCG @ k: ndcg(ranks, k), R @ k: recall(ranks, k), RR @ k: reciprocal_rank(ranks, k)}
    for measured in ir_measures.iter_calc(list(ours), qrels, run):
        value = ours[measured.measure][int(measured.query_id[1:])]
        assert measured.value == pytest.approx(value, abs=1e-6)
    assert np.isinf(ranks).any()
    for measure, values in ours.items():
        whole = ir_measures.calc_aggregate([measure], qrels, run)[measure]
        assert whole == pytest.approx(values.mean(), abs=1e-6)


def test_a_tie_counts_half_and_cannot_be_gamed_by_giving_all_the_same_score() -> None:
    scores = np.zeros((1, 21), np.float32)
    nothing = excluded(np.zeros((1, 21), bool))
    assert target_ranks(scores, np.array([20]), nothing) == [11.0]
    assert ndcg(np.array([11.0]), 10) == [0.0]


def test_excluded_items_are_those_bought_rated_or_reviewed() -> None:
    at = parse_instant("2024-01-01")
    kinds = [EventKind.VIEW, EventKind.CLICK, EventKind.PURCHASE, EventKind.RATING]
    events = tuple(Event(f"i{n}", at, kind) for n, kind in enumerate([*kinds, EventKind.REVIEW]))
    index = {f"i{n}": n for n in range(4)}
    found = ExcludedItems.of([History("a", ()), History("b", events)], index)
    assert sorted(zip(found.rows.tolist(), found.items.tolist(), strict=True)) == [(1, 2), (1, 3)]


LISTS = np.array([[0, 1, 2], [2, 1, NO_ITEM]])


def test_coverage_is_the_share_of_the_catalogue_in_any_list() -> None:
    assert coverage(LISTS, 6) == 0.5
    assert coverage(np.full((2, 3), NO_ITEM), 6) == 0.0


def test_novelty_is_in_bits_and_rarer_is_more_novel() -> None:
    bits = novelty(LISTS, np.array([3, 1, 0]))
    share = np.array([4, 2, 1]) / 7
    expected = [-np.log2(share).mean(), -np.log2(share[1:]).mean()]
    np.testing.assert_allclose(bits, expected)
    assert np.isnan(novelty(np.array([[NO_ITEM]]), np.array([3, 1, 0]))).all()


def test_popularity_bias_is_relative_to_what_users_choose() -> None:
    np.testing.assert_allclose(popularity_bias(LISTS, np.array([6, 2, 1]), 3.0), [1.0, 0.5])


def test_diversity_is_the_mean_distance_of_pairs_with_text() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8], [0, 0]], np.float32)
    lists = np.array([[0, 1, 2], [0, 3, 2], [0, 3, NO_ITEM]])
    expected = [1 - (0 + 0.6 + 0.8) / 3, 1 - 0.6, np.nan]
    np.testing.assert_allclose(intra_list_diversity(lists, vectors), expected, atol=1e-6)

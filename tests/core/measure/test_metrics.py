"""Metrics against ir-measures and against counting."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest
from ir_measures import RR, R, nDCG

from core.measure.metrics import (
    coverage,
    intra_list_diversity,
    ndcg,
    novelty,
    popularity_bias,
    recall,
    reciprocal_rank,
)
from core.ranking import NO_ITEM, ExcludedItems, target_ranks


@pytest.mark.parametrize("k", [1, 5, 10])
def test_metrics_agree_with_ir_measures(k: int) -> None:
    rng = np.random.default_rng(7)
    n, n_items = 200, 40
    scores = rng.normal(size=(n, n_items)).astype(np.float32)
    targets = rng.integers(0, n_items, n)
    mask = rng.random((n, n_items)) < 0.2
    ranks = target_ranks(scores, targets, ExcludedItems(*np.nonzero(mask)))
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

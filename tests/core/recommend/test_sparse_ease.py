"""Sparse EASE: EASE itself where every item is a neighbour, a ridge regression where few are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus.split import leave_last_out
from core.corpus.store import Corpus
from core.domain import History
from core.measure.cases import evenly
from core.recommend import sparse_ease
from core.recommend.baseline import fit_baselines
from core.recommend.registry import SCORERS
from core.recommend.scorers import Ease
from core.recommend.sparse_ease import SparseEase, fit_weights
from core.recommend.training_data import EncodedHistories, TrainingData


def shop(had: np.ndarray) -> TrainingData:
    """Who had what, bool[n_users, n_items]; everybody had something."""
    user, item = np.nonzero(had)
    item_ids = tuple(f"i{at:03d}" for at in range(had.shape[1]))
    return TrainingData(item_ids, user, item, np.arange(len(user), dtype=np.int64))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**16), st.integers(3, 25), st.integers(2, 40), st.floats(1, 500))
def test_with_all_neighbours_it_is_ease(seed: int, items: int, users: int, strength: float) -> None:
    had = np.random.default_rng(seed).random((users, items)) < 0.3
    had[0] = had[:, 0] = True  # one user had everything, so every two items were had together
    data = shop(had)
    found = fit_weights(data, [strength], neighbours=items)[0].toarray()
    x = had.astype(float)
    inverse = np.linalg.inv(x.T @ x + strength * np.eye(items))
    expected = np.eye(items) - inverse / np.diag(inverse)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**16), st.integers(1, 6))
def test_with_few_each_item_is_regressed_on_those_that_explain_it_best(
    seed: int, most: int
) -> None:
    had = np.random.default_rng(seed).random((30, 12)) < 0.3
    had[:, 0] = True
    found = fit_weights(shop(had), [5.0], neighbours=most)[0].toarray()
    x = had.astype(float)
    gram = x.T @ x
    for item in range(12):
        gain = np.where(np.diag(gram) > 0, gram[item] ** 2 / np.maximum(np.diag(gram), 1), 0.0)
        gain[item] = 0.0
        kept = np.flatnonzero(found[:, item])
        assert len(kept) <= most and item not in kept
        near = sorted(gain[gain > 0], reverse=True)[:most]
        np.testing.assert_allclose(sorted(gain[kept], reverse=True), near[: len(kept)])
        left = gram[np.ix_(kept, kept)] + 5.0 * np.eye(len(kept))
        expected = np.linalg.solve(left, gram[kept, item])
        np.testing.assert_allclose(found[kept, item], expected, atol=1e-4)


def test_pieces_give_what_one_piece_gives(
    data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fit_weights(data, [20.0, 100.0])
    monkeypatch.setattr(sparse_ease, "CELLS_AT_ONCE", 1)
    for one, other in zip(whole, fit_weights(data, [20.0, 100.0]), strict=True):
        np.testing.assert_allclose(one.toarray(), other.toarray(), atol=1e-6)


def test_of_a_long_history_the_newest_items_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparse_ease, "MOST_OF_A_USER", 3)
    user, item = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 1, 2, 3, 0, 1])
    data = TrainingData(("a", "b", "c", "d"), user, item, np.arange(6))
    weights = fit_weights(data, [1.0])[0].toarray()
    assert weights[0, 1] > 0 and weights[0, 2] == weights[0, 3] == 0


def test_one_of_both_forms_serves_a_catalogue(
    data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert next(Ease.grid(data), None) is not None and next(SparseEase.grid(data), None) is None
    monkeypatch.setattr("core.recommend.scorers.MOST_ITEMS", data.n_items - 1)
    assert next(Ease.grid(data), None) is None and next(SparseEase.grid(data), None) is not None


def test_a_large_catalogue_keeps_a_neighbour_model(
    make_corpus: Callable[..., Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.recommend.scorers.MOST_ITEMS", 10)
    rows = [(f"u{u}", f"i{(u + i) % 20:02d}", i, "purchase") for u in range(30) for i in range(8)]
    corpus = make_corpus(rows)
    found = fit_baselines(TrainingData.of(corpus, leave_last_out(corpus.events)))
    assert "sparse-ease" in SCORERS and "sparse-ease" in found and "ease" not in found
    popular = found["popularity"].trials[0].ndcg
    assert max(trial.ndcg for trial in found["sparse-ease"].trials) > popular


def test_items_that_nobody_had_score_nothing() -> None:
    had = np.zeros((4, 6), np.bool_)
    had[:, :3] = True
    data = shop(had)
    weights = fit_weights(data, [1.0])[0]
    asked = EncodedHistories.of([History("new", ())], data.item_index)
    assert not weights[:, 3:].nnz and not SparseEase(weights, 1.0).scores(asked).any()


def test_of_too_many_pairs_fewer_of_a_users_newest_items_count(
    data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = sparse_ease._together(data)
    monkeypatch.setattr(sparse_ease, "MOST_PAIRS", int(every.sum()) // 3)
    some = sparse_ease._together(data)
    assert 0 < some.sum() <= sparse_ease.MOST_PAIRS < every.sum()
    assert (some - some.T).nnz == 0 and some.has_sorted_indices


def test_of_a_large_corpus_validation_cases_are_a_sample(
    corpus: Corpus, data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.recommend.training_data.FEWEST_VALIDATION", 4)
    monkeypatch.setattr("core.measure.cases.MOST_CELLS", 1)
    some = TrainingData.of(corpus, leave_last_out(corpus.events)).validation
    every = data.validation
    assert some == tuple(every[row] for row in evenly(len(every), 4)) and len(every) > 4

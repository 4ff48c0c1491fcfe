"""The model that is learned of partial texts: what it claims to know, and how well it learns."""

from __future__ import annotations

from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from core.explain import word_model
from core.explain.word_model import WordVectors, learn, partial_texts
from core.explain.word_values import open_review, sentiment_game, shap_words
from core.shapley.engine import values_by_shap

DIM = 6


def vectors_of(words: int, seed: int = 0) -> WordVectors:
    random = np.random.default_rng([seed, words])
    return WordVectors(
        random.normal(size=(words, DIM)),
        random.normal(size=DIM),
        random.normal(size=(words, DIM)),
    )


def every_mask(words: int) -> np.ndarray:
    return (np.arange(2**words)[:, None] >> np.arange(words) & 1).astype(bool)


def by_definition(masks: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Mean gain over all orders, for values [2**n, n_features] of the masks of ``every_mask``."""
    words = masks.shape[1]
    found = np.zeros((words, worth.shape[1]))
    orders = list(permutations(range(words)))
    for order in orders:
        code = 0
        for word in order:
            found[word] += worth[code | 1 << word] - worth[code]
            code |= 1 << word
    return found / len(orders)


@pytest.mark.parametrize("words", [2, 5])
def test_the_features_shapley_values_are_what_the_definition_says(words, monkeypatch) -> None:
    masks, vectors = every_mask(words), vectors_of(words)
    random = np.random.default_rng(0)
    target, read = random.normal(size=len(masks)), random.normal(size=(len(masks), DIM))
    orders = [np.array(order) for order in permutations(range(words))]
    every_order = iter(orders)
    monkeypatch.setattr(word_model, "ORDERS", len(orders))
    monkeypatch.setattr(
        word_model.np.random,
        "default_rng",
        lambda _: SimpleNamespace(permutation=lambda _: next(every_order)),
    )
    blocks = word_model.feature_values(masks, target, read, vectors)
    monkeypatch.undo()
    assert set(blocks) == set(word_model.PRIOR)
    for name, (features, known, empty) in blocks.items():
        np.testing.assert_allclose(known, by_definition(masks, features), atol=1e-9, err_msg=name)
        np.testing.assert_allclose(empty, features[0], atol=1e-12, err_msg=name)


@given(st.integers(9, 40), st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_values_add_up_to_the_whole_whatever_the_game(words: int, seed: int) -> None:
    masks = partial_texts(words, seed)
    random = np.random.default_rng(seed)
    values = random.normal(size=len(masks))
    found = learn(masks, values, random.normal(size=(len(masks), DIM)), vectors_of(words))
    assert found.values.sum() == pytest.approx(values[1] - values[0])
    assert (found.stderr >= 0).all() and found.fit < 0.5


def test_a_game_of_words_and_neighbours_is_learned() -> None:
    words = 30
    random = np.random.default_rng(1)
    own, pair = random.normal(size=words), 0.5 * random.normal(size=words - 1)
    masks = partial_texts(words)
    values = masks @ own + (masks[:, :-1] * masks[:, 1:]) @ pair
    read = random.normal(size=(len(masks), DIM))
    found = learn(masks, values, read, vectors_of(words))
    true = own + 0.5 * (np.append(pair, 0) + np.append(0, pair))
    assert spearmanr(found.values, true)[0] > 0.97
    assert found.fit > 0.9
    assert np.mean(np.abs(found.values - true) < 3 * found.stderr) > 0.9


@given(st.integers(2, 60), st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_partial_texts_are_different_and_begin_with_the_ends(words: int, seed: int) -> None:
    masks = partial_texts(words, seed)
    assert not masks[0].any() and masks[1].all()
    assert len(np.unique(masks, axis=0)) == len(masks)
    single = masks[masks.sum(1) == 1]
    assert len(single) == words
    np.testing.assert_array_equal(masks, partial_texts(words, seed))


def test_the_learned_values_of_a_real_review_agree_with_all_its_partial_texts(engine) -> None:
    text = "Wonderful sound, but the cable broke soon and support was terrible"
    review = open_review(text, engine.encoder)
    game = sentiment_game(review, engine.sentiment)
    words = len(review.words)
    exact = values_by_shap("Exact", game, words)
    found = shap_words(game, review)
    assert found.fit is not None and found.fit > 0.7
    assert found.asked < 2**words
    assert spearmanr(found.values, exact)[0] > 0.9
    assert np.mean(np.abs(found.values - exact) < 3 * found.stderr + 0.01) > 0.8


def test_few_words_are_exact(engine) -> None:
    review = open_review("Wonderful sound, terrible cable", engine.encoder)
    game = sentiment_game(review, engine.sentiment)
    found = shap_words(game, review)
    assert found.fit is None and not found.stderr.any() and found.asked == 16
    masks = every_mask(4)
    true = by_definition(masks, game(masks)[:, None])[:, 0]
    np.testing.assert_allclose(found.values, true, atol=1e-6)

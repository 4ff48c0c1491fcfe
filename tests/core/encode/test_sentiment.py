"""Sentiment: what ratings teach about text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.encode.encoder import TextEncoder
from core.encode.sentiment import SentimentModel, fit_sentiment, sentiment_quality

GOOD = ["excellent", "wonderful", "lovely", "superb", "perfect"]
BAD = ["terrible", "awful", "useless", "broken", "disappointing"]
THINGS = ["lamp", "rope", "guitar", "kettle", "tent", "book", "jacket", "chair"]


def reviews(words: list[str], things: list[str]) -> list[str]:
    return [f"A {word} {thing}, {word} from the first day." for word in words for thing in things]


def test_it_carries_over_to_unseen_things() -> None:
    encoder = TextEncoder(precision="fp32")
    good, bad = reviews(GOOD, THINGS[:6]), reviews(BAD, THINGS[:6])
    ratings = np.array([1.0] * len(good) + [-1.0] * len(bad), np.float32)
    model = fit_sentiment(encoder.encode(good + bad), ratings, "e", "c")
    assert model is not None
    new_good = model.predict(encoder.encode(reviews(GOOD, THINGS[6:])))
    new_bad = model.predict(encoder.encode(reviews(BAD, THINGS[6:])))
    assert new_good.min() > 0 > new_bad.max()
    assert np.abs(np.concatenate([new_good, new_bad])).max() <= 1


def test_rare_bad_ratings_still_count() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2000, 16)).astype(np.float32)
    rating = np.where(vectors[:, 0] < -1.7, -1.0, 1.0).astype(np.float32)
    model = fit_sentiment(vectors, rating, "e", "c")
    assert model is not None
    quality = sentiment_quality(model.predict(vectors), rating)
    assert quality.negative_reviews == int((rating < 0).sum()) < 150
    assert quality.auc is not None and quality.auc > 0.99


def test_it_refuses_to_learn_from_too_little() -> None:
    vectors = np.eye(16, dtype=np.float32)
    assert fit_sentiment(vectors, np.ones(16, np.float32), "e", "c") is None
    many = np.random.default_rng(0).normal(size=(100, 4)).astype(np.float32)
    assert fit_sentiment(many, np.ones(100, np.float32), "e", "c") is None


def test_quality_of_one_sided_reviews_is_not_invented() -> None:
    quality = sentiment_quality(np.array([0.2, 0.4], np.float32), np.ones(2, np.float32))
    assert quality.auc is None
    assert quality.spearman is None
    assert quality.mae is not None


def test_saved_and_read_again(tmp_path: Path) -> None:
    model = SentimentModel(np.arange(4, dtype=np.float32), 0.25, "enc", "shop")
    model.save(tmp_path / "s.safetensors")
    again = SentimentModel.load(tmp_path / "s.safetensors")
    vectors = np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32)
    assert np.array_equal(again.predict(vectors), model.predict(vectors))
    assert (again.encoder_id, again.fitted_on) == ("enc", "shop")

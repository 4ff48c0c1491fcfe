"""Sentiment of a review in [-1, 1], read from its BERT vector.

A ridge regression on unit-length sentence vectors, fitted on the ratings of the training split,
rare ratings weighted up by the inverse square root of their count. The ridge strength is chosen by
five-fold cross-validation on the training reviews.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.arrays import DoubleArray, FloatArray, check_array
from core.files import load_arrays, save_arrays

MIN_REVIEWS = 50
"""Fewer rated training reviews than this, or only one rating value: the shipped model is used."""
_STRENGTHS = (1.0, 3.0, 10.0, 30.0)
_FOLDS = 5
LARGEST = 1e6
"""Larger than any weight of a fit."""


@dataclass(frozen=True, eq=False)
class SentimentModel:
    """A linear read-out: ``clip(vector . weight + bias, -1, 1)``."""

    weight: FloatArray
    bias: float
    encoder_id: str
    fitted_on: str
    """Name of the corpus whose training reviews it was fitted on."""

    def predict(self, vectors: FloatArray) -> FloatArray:
        """Sentiment of vectors float32[n, dim], as float32[n] in [-1, 1]."""
        clipped: FloatArray = np.clip(vectors @ self.weight + self.bias, -1.0, 1.0)
        return clipped.astype(np.float32)

    def save(self, path: Path) -> None:
        """Write weights and origin as one safetensors file."""
        tensors = {"weight": self.weight, "bias": np.array([self.bias], np.float32)}
        # One entry: safetensors writes several in an order that changes from run to run.
        origin = json.dumps({"encoder_id": self.encoder_id, "fitted_on": self.fitted_on})
        save_arrays(path, tensors, {"origin": origin})

    @classmethod
    def load(cls, path: Path) -> SentimentModel:
        """Read what ``save`` wrote; OSError, ValueError, KeyError or TypeError for another file."""
        arrays, header = load_arrays(path)
        origin: dict[str, str] = json.loads(header["origin"])
        weight = check_array(
            "weight", arrays["weight"], np.float32, (None,), low=-LARGEST, high=LARGEST
        )
        bias = check_array("bias", arrays["bias"], np.float32, (1,), low=-LARGEST, high=LARGEST)
        return cls(weight, float(bias[0]), str(origin["encoder_id"]), str(origin["fitted_on"]))


@dataclass(frozen=True, slots=True)
class SentimentQuality:
    """Agreement of sentiment and ratings on held-out reviews, both in [-1, 1].

    ``auc`` is that of ratings at or above 0.5 (4 of 5) against those at or below -0.5 (2 of 5),
    ``mae`` the mean absolute error; None where a class is missing.
    """

    reviews: int
    negative_reviews: int
    mae: float | None
    spearman: float | None
    auc: float | None


def fit_sentiment(
    vectors: FloatArray, ratings: FloatArray, encoder_id: str, corpus: str
) -> SentimentModel | None:
    """Fit on training reviews: vectors float32[n, dim], ratings float32[n] scaled to [-1, 1].

    None when there are too few reviews or only one rating among them.
    """
    values, inverse, counts = np.unique(ratings, return_inverse=True, return_counts=True)
    if len(ratings) < MIN_REVIEWS or len(values) < 2:
        return None
    weights = 1.0 / np.sqrt(counts[inverse])
    weights /= weights.mean()
    fold = np.arange(len(ratings)) % _FOLDS

    def loss(strength: float) -> float:
        """Weighted squared error on the folds left out."""
        total = 0.0
        for number in range(_FOLDS):
            learn, judge = fold != number, fold == number
            weight, bias = _ridge(vectors[learn], ratings[learn], weights[learn], strength)
            errors = np.clip(vectors[judge] @ weight + bias, -1, 1) - ratings[judge]
            total += float((weights[judge] * errors**2).sum())
        return total

    weight, bias = _ridge(vectors, ratings, weights, min(_STRENGTHS, key=loss))
    return SentimentModel(weight, bias, encoder_id, corpus)


def sentiment_quality(predicted: FloatArray, ratings: FloatArray) -> SentimentQuality:
    """Agreement of sentiment and ratings on held-out reviews; both float32[n] in [-1, 1]."""
    from scipy.stats import spearmanr
    from sklearn.metrics import roc_auc_score

    polar = np.abs(ratings) >= 0.5
    positive = ratings[polar] > 0
    both = len(np.unique(positive)) == 2
    varied = len(np.unique(ratings)) > 1 and len(np.unique(predicted)) > 1
    return SentimentQuality(
        reviews=len(ratings),
        negative_reviews=int((~positive).sum()),
        mae=float(np.abs(predicted - ratings).mean()) if len(ratings) else None,
        spearman=float(spearmanr(predicted, ratings)[0]) if varied else None,
        auc=float(roc_auc_score(positive, predicted[polar])) if both else None,
    )


def _ridge(
    vectors: FloatArray, ratings: FloatArray, weights: DoubleArray, strength: float
) -> tuple[FloatArray, float]:
    """Weights and intercept of a weighted ridge regression.

    Centred here, in the precision that the shipped demo was made with, to give the same bits.
    """
    from sklearn.linear_model import Ridge

    centre = np.average(vectors, axis=0, weights=weights)
    mean = float(np.average(ratings, weights=weights))
    ridge = Ridge(strength, fit_intercept=False, solver="cholesky")
    weight = ridge.fit(vectors - centre, ratings - mean, weights).coef_
    return weight.astype(np.float32), mean - float(centre @ weight)

"""SHAP values of a review's words from a few hundred partial texts.

Removing words from a text changes what an encoder makes of the others, so plain sampling needs
thousands of partial texts before the order of 80 words settles. Here a model of the game is
learned from few of them and explained in closed form, as KernelSHAP does with a model that is
additive in the words (Lundberg & Lee 2017). This one also knows neighbouring words, the length of
the text, and where the mean of the kept words' vectors points: features whose own Shapley values
are known, so that a prediction that is linear in them has known ones too (Witter, Liu & Musco
2025). It is a Gaussian process with a linear kernel (Rasmussen & Williams 2006, chapter 2), which
says how sure it is of every value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.arrays import DoubleArray, IntArray
from core.progress import StopCallback, check_stop
from core.shapley.game import Masks
from core.shapley.variates import sized

PAIRS, SHORT = 32, 200
"""In each round: pairs of a middle-sized partial text and its complement, sizes by the Shapley
kernel; and texts with sizes by 1/size, since a word moves a short text's mean more and a short text
costs less to read."""
ROUNDS = 3
"""As many as it takes; one gives a first answer (docs/trials.md)."""
ORDERS = 40
"""Random orders, each taken both ways, for the Shapley values of mean vectors."""
NOISE = 0.05
"""Variance of a partial text's value that no feature explains, of the variance of all."""
PRIOR = {
    "words": 0.02,
    "direction": 4.0,
    "next": 0.03,
    "next but one": 0.005,  # no sentence
    "length": 0.5,
    "share": 0.1,
    "in context": 0.3,  # no sentence
    "alone": 0.2,
}
"""How much of the values' variance each kind of feature may explain before any text is read.

Chosen on four reviews that the benchmark of word values does not use (docs/trials.md).
"""
WIDER, CLEARLY = (1.0, 8.0, 64.0), 0.9
"""So many times the prior variance of "words" is tried for games that are more of a sum over words
than a text's sentiment, and taken where it leaves at most this share of the error for texts left
out."""


def partial_texts(words: int, seed: int = 0, rounds: int = ROUNDS) -> Masks:
    """Which partial texts to read, bool[n, n_words]: none, all, each word alone, and samples.

    Fewer rounds read the first of those that more rounds read.
    """
    random = np.random.default_rng([seed, words])
    sizes = np.arange(1, words)
    masks = [np.zeros((1, words), np.bool_), np.ones((1, words), np.bool_), np.eye(words) > 0]
    middle = sizes[(sizes >= words // 8) & (sizes <= words - words // 8)]
    kernel = 1.0 / (middle * (words - middle))
    for _ in range(rounds):
        for size in random.choice(middle, PAIRS, p=kernel / kernel.sum()):
            some = _some(random, words, size)
            masks += [some, ~some]
        for size in random.choice(sizes, SHORT, p=1 / sizes / (1 / sizes).sum()):
            masks.append(_some(random, words, size))
    every = np.concatenate(masks)
    _, first = np.unique(every, axis=0, return_index=True)
    distinct: Masks = every[np.sort(first)]
    return distinct


def _some(random: np.random.Generator, words: int, size: int) -> Masks:
    mask = np.zeros((1, words), np.bool_)
    mask[0, random.choice(words, size, replace=False)] = True
    return mask


@dataclass(frozen=True, eq=False)
class WordVectors:
    """What the encoder makes of each word.

    ``in_context`` float64[n_words, dim] sums the token vectors that the whole text gave a word,
    ``frame`` float64[dim] those of the special tokens; ``alone`` float64[n_words, dim] are the
    vectors of the words as texts of their own.
    """

    in_context: DoubleArray
    frame: DoubleArray
    alone: DoubleArray


@dataclass(frozen=True, eq=False)
class Learned:
    """Shapley values of the learned game.

    ``values`` and ``stderr`` float64[n_words]: the process's mean and standard deviation. ``fit``
    is the share of the variance between partial texts that the model predicts for one that was
    left out (1 is all).
    """

    values: DoubleArray
    stderr: DoubleArray
    fit: float


Block = tuple[DoubleArray, DoubleArray, DoubleArray]
"""Features of the partial texts float64[n, n_features], the words' Shapley values of each feature
float64[n_words, n_features], and the features of no word at all float64[n_features]."""


def learn(
    masks: Masks,
    values: DoubleArray,
    read: DoubleArray,
    vectors: WordVectors,
    stop: StopCallback | None = None,
) -> Learned:
    """Fit the model to the values of partial texts and take its Shapley values.

    ``masks`` bool[n, n_words] begin with no word and all words, whose values hold exactly;
    ``values`` float64[n]; ``read`` float64[n, dim] are the vectors of the partial texts.
    """
    base, whole = values[:2]
    filled = masks.any(1)
    masks, values, read = masks[filled], values[filled], read[filled]
    spread = max(float(values.std()), 1e-9)
    target = (values - values.mean()) / spread
    blocks = feature_values(masks, target, read, vectors, stop)
    best = _fitted(blocks, target, WIDER[0])
    for wider in WIDER[1:]:
        check_stop(stop)
        other = _fitted(blocks, target, wider)
        if 1.0 - other.fit < CLEARLY * (1.0 - best.fit):
            best = other
    exact = (whole - base) / masks.shape[1]
    return Learned(best.values * spread + exact, best.stderr * spread, best.fit)


def _fitted(blocks: dict[str, Block], target: DoubleArray, wider: float) -> Learned:
    """The process with ``wider`` times the prior variance of each word's own value.

    Values are in units of the target, whose variance is 1, less an equal share of the whole.
    """
    scaled, shares, ends = [], [], []
    for name, (features, known, empty) in blocks.items():
        centre = features.mean(0)
        size = max(float(((features - centre) ** 2).sum(1).mean()), 1e-12)
        scale = np.sqrt(PRIOR[name] * (wider if name == "words" else 1.0) / size)
        scaled.append((features - centre) * scale)
        shares.append(known * scale)
        ends.append((empty - centre) * scale)
    z, known, empty = (np.concatenate(parts, -1) for parts in (scaled, shares, ends))
    inverse = np.linalg.inv(z @ z.T + NOISE * np.eye(len(z)))
    # The game's ends are known: what the model lacks there is every word's alike.
    slopes = known + (empty - z[0]) / len(known)
    projected = slopes @ z.T
    variance = (slopes**2).sum(1) - ((projected @ inverse) * projected).sum(1)
    precision = np.diag(inverse)  # of a text's value when it is left out
    left_out = (inverse @ target) / precision
    inflation = float((left_out**2 * precision).mean())  # so that errors are as large as measured
    return Learned(
        projected @ (inverse @ target),
        np.sqrt(np.maximum(variance, 0.0) * inflation),
        1.0 - float((left_out**2).mean()),
    )


def feature_values(
    masks: Masks,
    target: DoubleArray,
    read: DoubleArray,
    vectors: WordVectors,
    stop: StopCallback | None = None,
) -> dict[str, Block]:
    """Every kind of features, by its name in ``PRIOR``."""
    words = masks.shape[1]
    present = masks.astype(np.float64)
    size = present.sum(1, keepdims=True)
    random = np.random.default_rng([0, words])
    forward = [random.permutation(words) for _ in range(ORDERS)]
    orders = [order for one_way in forward for order in (one_way, one_way[::-1])]
    context = _pointing(present, vectors.in_context, vectors.frame, orders, stop)
    alone = _pointing(present, vectors.alone, np.zeros_like(vectors.frame), orders, stop)
    way = _direction(read, target)[:, None]
    features, known, empty = (
        np.concatenate([a @ way, b @ way], -1) for a, b in zip(context, alone, strict=True)
    )
    return {
        "words": (present, np.eye(words), np.zeros(words)),
        "direction": (features, known, empty),
        "next": _neighbours(present, 1),
        "next but one": _neighbours(present, 2),  # no sentence
        "length": _lengths(size, words),
        "share": _shares(present, size),
        "in context": context,  # no sentence
        "alone": alone,
    }


def _neighbours(present: DoubleArray, apart: int) -> Block:
    """Both of two neighbours are there: each has half of it."""
    words = present.shape[1]
    pairs = max(words - apart, 0)
    known = (np.eye(words, pairs) + np.eye(words, pairs, -apart)) / 2
    return present[:, :pairs] * present[:, apart:], known, np.zeros(pairs)


def _lengths(size: DoubleArray, words: int) -> Block:
    """How many words there are: every word has the same of it."""

    def curves(k: DoubleArray) -> DoubleArray:
        return np.concatenate([k / words, (k / words) ** 2, 1 / (1 + k), np.log1p(k)], -1)

    none, every = curves(np.zeros(1)), curves(np.full(1, float(words)))
    return curves(size), np.tile((every - none) / words, (words, 1)), none


def _shares(present: DoubleArray, size: DoubleArray) -> Block:
    """A word's share of the text: it has more of it the earlier it comes, the others take some."""
    words = present.shape[1]
    by_size = 1 / np.maximum(np.arange(words + 1.0), 1)
    return present / np.maximum(size, 1), sized(np.eye(words), by_size), np.zeros(words)


def _pointing(
    present: DoubleArray,
    word: DoubleArray,
    frame: DoubleArray,
    orders: list[IntArray],
    stop: StopCallback | None,
) -> Block:
    """Where the mean of the kept words' vectors points, unit length; known by random orders."""
    known = np.zeros_like(word)
    for order in orders:
        check_stop(stop)
        along = np.concatenate([frame[None], frame + np.cumsum(word[order], 0)])
        known[order] += np.diff(_unit(along), axis=0)
    return _unit(present @ word + frame), known / len(orders), _unit(frame)


def _direction(read: DoubleArray, target: DoubleArray) -> DoubleArray:
    """Along which direction of the texts' vectors the value changes, by ridge regression."""
    centred = read - read.mean(0)
    gram = centred @ centred.T
    ridge = 1e-3 * float(np.trace(gram)) / len(gram) + 1e-12
    way: DoubleArray = centred.T @ np.linalg.solve(gram + ridge * np.eye(len(gram)), target)
    return way


def _unit(vectors: DoubleArray) -> DoubleArray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: DoubleArray = vectors / np.maximum(length, 1e-12)
    return unit

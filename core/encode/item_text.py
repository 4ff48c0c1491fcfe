"""What is written about items: titles and categories, else training reviews, as vectors."""

from __future__ import annotations

import numpy as np

from core.arrays import FloatArray, IntArray, PartArray
from core.corpus.corpus import Corpus
from core.domain import Columns, Part, review_words
from core.encode.cache import VectorCache
from core.encode.encoder import TextEncoder
from core.progress import ProgressCallback, StopCallback


def item_text_of(
    corpus: Corpus,
    parts: PartArray,
    text_encoder: TextEncoder,
    cache: VectorCache,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> FloatArray:
    """One unit vector per item, float32[n_items, d_text]; see ``title_else_reviews``."""
    titles = item_texts(corpus)
    training = np.flatnonzero(parts == Part.TRAIN)
    events = corpus.events.iloc[training]
    words = [
        review_words(title, text)
        for title, text in zip(events[Columns.Title], events[Columns.Text], strict=True)
    ]
    item = events[Columns.Item].map(corpus.item_index).to_numpy(np.int64)
    vectors = cache.vectors([*titles, *words], text_encoder, progress, stop)
    reviews = mean_reviews(len(titles), item, vectors[len(titles) :])
    return title_else_reviews(vectors[: len(titles)], reviews)


def item_texts(corpus: Corpus) -> list[str]:
    """Title and category of each item as one text, in catalogue order."""
    titles, categories = corpus.items[Columns.Title], corpus.items[Columns.Category]
    return [review_words(*both) for both in zip(titles, categories, strict=True)]


def mean_reviews(n_items: int, item: IntArray, vectors: FloatArray) -> FloatArray:
    """Directions of the mean review of each item, float32[n_items, d]; zeros without any.

    ``item`` int64[n] and ``vectors`` float32[n, d] are the reviews.
    """
    reviews = np.zeros((n_items, vectors.shape[1]), np.float32)
    np.add.at(reviews, item, vectors)
    reviews /= np.maximum(np.linalg.norm(reviews, axis=1, keepdims=True), 1e-9)
    return reviews


def title_else_reviews(title: FloatArray, reviews: FloatArray) -> FloatArray:
    """The vector of title and category, else of the training reviews, float32[n_items, d]."""
    return np.where(title.any(1, keepdims=True), title, reviews)

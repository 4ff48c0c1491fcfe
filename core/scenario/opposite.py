"""A starting text for an edit: a real review of the corpus with the opposite feeling."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from core.arrays import IntArray
from core.domain import Columns, review_words
from core.model.sequences import scaled_rating

if TYPE_CHECKING:
    from core.engine import Engine

MOST_READ = 400
"""Reviews that are looked at, of the item and then of its topic."""
CLEAR = 0.2
"""Sentiment from which on a review counts as positive, and below whose negative as negative."""
ENOUGH_WORDS = 12
"""A shorter review weighs less, in proportion."""


@dataclass(frozen=True, slots=True)
class FoundReview:
    """A review that somebody wrote, and where it is from."""

    text: str
    """Title and body, as the encoder reads them."""
    sentiment: float
    user_id: str
    item_id: str
    timestamp: datetime
    rating: float | None
    same_item: bool
    """Whether it is about the very item; otherwise about one of the same topic."""


def opposite_review(
    engine: Engine, item_id: str, sentiment: float, but_not_by: str | None = None
) -> FoundReview | None:
    """The review most opposed to a sentiment in [-1, 1], of the item or else of its topic.

    0 counts as positive. A review whose own rating says otherwise doesn't count, nor do those by
    the user ``but_not_by``. None where the topic has no clearly opposed one; DomainError for an
    unknown item. Of a topic with more reviews than ``MOST_READ`` an even sample is read. The text
    is never made up.
    """
    corpus = engine.corpus
    item = corpus.index_of(item_id)
    about = corpus.events[Columns.Item].map(corpus.item_index).to_numpy(np.int64)
    told = corpus.events[Columns.Title].notna() | corpus.events[Columns.Text].notna()
    others = told.to_numpy() & (corpus.events[Columns.User] != but_not_by).to_numpy()
    topic = engine.topics.item_topic
    for same_item, rows in (
        (True, np.flatnonzero(others & (about == item))),
        (False, np.flatnonzero(others & (topic[about] == topic[item]))),
    ):
        found = _most_opposed(engine, _even_sample(rows), sentiment, same_item)
        if found is not None:
            return found
    return None


def _even_sample(rows: IntArray) -> IntArray:
    if len(rows) <= MOST_READ:
        return rows
    return rows[np.linspace(0, len(rows) - 1, MOST_READ).astype(np.int64)]


def _most_opposed(
    engine: Engine, rows: IntArray, sentiment: float, same_item: bool
) -> FoundReview | None:
    events = engine.corpus.events.iloc[rows]
    texts = [
        review_words(title, text)
        for title, text in zip(events[Columns.Title], events[Columns.Text], strict=True)
    ]
    if not texts:
        return None
    feelings = engine.sentiment.predict(engine.vectors.vectors(texts, engine.encoder))
    sign = 1 if sentiment < 0 else -1
    ratings = events[Columns.Rating].to_numpy(np.float32)
    stars = np.nan_to_num(scaled_rating(ratings, engine.corpus.manifest.rating_scale))
    opposed = (sign * feelings >= CLEAR) & (sign * stars >= 0)
    said = np.array([min(len(text.split()) / ENOUGH_WORDS, 1.0) for text in texts])
    best = int(np.argmax(opposed * sign * feelings * said))
    if not opposed[best]:
        return None
    row = events.iloc[best]
    return FoundReview(
        text=texts[best],
        sentiment=float(feelings[best]),
        user_id=row[Columns.User],
        item_id=row[Columns.Item],
        timestamp=row[Columns.Time].to_pydatetime(),
        rating=None if np.isnan(ratings[best]) else float(ratings[best]),
        same_item=same_item,
    )

"""A starting text for an edit: a real review of the corpus with the opposite sentiment."""

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
"""Reviews that are read of the item, and then of its topic: an even sample of more."""
CLEAR = 0.2
"""Size of a sentiment that is clearly positive or negative."""
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
    timestamp: datetime | None
    """None where only the order of events is known."""
    rating: float | None
    same_item: bool
    """Whether it is about the item itself; otherwise about one of the same topic."""


def opposite_review(
    engine: Engine, item_id: str, sentiment: float, but_not_by: str | None = None
) -> FoundReview | None:
    """The review most opposed to a sentiment in [-1, 1], of the item or else of its topic.

    0 counts as positive. A review whose own rating says otherwise doesn't count, nor do those by
    the user ``but_not_by``. None where the topic has no clearly opposed one; DomainError for an
    unknown item. Of a topic with more reviews than ``MOST_READ`` an even sample is read. The text
    is never made up.
    """
    corpus, topic = engine.corpus, engine.topics.item_topic
    item, events = corpus.index_of(item_id), corpus.events
    about = events[Columns.Item].map(corpus.item_index).to_numpy(np.int64)
    written = events[Columns.Title].notna() | events[Columns.Text].notna()
    others = (written & (events[Columns.User] != but_not_by)).to_numpy()
    for wanted in (about == item, topic[about] == topic[item]):
        rows = np.flatnonzero(others & wanted)
        if len(rows) > MOST_READ:
            rows = rows[np.linspace(0, len(rows) - 1, MOST_READ).astype(np.int64)]
        review = _most_opposed(engine, rows, sentiment, item_id)
        if review is not None:
            return review
    return None


def _most_opposed(
    engine: Engine, rows: IntArray, sentiment: float, item_id: str
) -> FoundReview | None:
    events = engine.corpus.events.iloc[rows]
    texts = [
        review_words(title, text)
        for title, text in zip(events[Columns.Title], events[Columns.Text], strict=True)
    ]
    if not texts:
        return None
    sentiments = engine.sentiment.predict(engine.vectors.vectors(texts, engine.encoder))
    sign = 1 if sentiment < 0 else -1
    ratings = events[Columns.Rating].to_numpy(np.float32)
    stars = np.nan_to_num(scaled_rating(ratings, engine.corpus.manifest.rating_scale))
    opposed = (sign * sentiments >= CLEAR) & (sign * stars >= 0)
    fullness = np.array([min(len(text.split()) / ENOUGH_WORDS, 1.0) for text in texts])
    best = int(np.argmax(opposed * sign * sentiments * fullness))
    if not opposed[best]:
        return None
    row = events.iloc[best]
    return FoundReview(
        text=texts[best],
        sentiment=float(sentiments[best]),
        user_id=row[Columns.User],
        item_id=row[Columns.Item],
        timestamp=None
        if engine.corpus.manifest.order_as_time
        else row[Columns.Time].to_pydatetime(),
        rating=None if np.isnan(ratings[best]) else float(ratings[best]),
        same_item=row[Columns.Item] == item_id,
    )

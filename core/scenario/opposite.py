"""A starting text for an edit: a real review of the corpus with the opposite sentiment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.arrays import BoolArray, IntArray
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
    return Reviews(engine).opposite(item_id, sentiment, but_not_by)


@dataclass(eq=False)
class Reviews:
    """All reviews of a corpus, for many searches; an answer without ``but_not_by`` is kept."""

    engine: Engine

    def __post_init__(self) -> None:
        self._kept: dict[tuple[str, bool], FoundReview | None] = {}

    @cached_property
    def _about(self) -> IntArray:
        return self.engine.corpus.event_items.astype(np.int64)

    @cached_property
    def _written(self) -> BoolArray:
        corpus = self.engine.corpus
        if not corpus.has_text:
            return np.zeros(corpus.n_events, np.bool_)
        events = corpus.events
        written: BoolArray = (
            events[Columns.Title].notna() | events[Columns.Text].notna()
        ).to_numpy()
        return written

    @cached_property
    def _users(self) -> npt.NDArray[np.object_]:
        users: npt.NDArray[np.object_] = self.engine.corpus.events[Columns.User].to_numpy(object)
        return users

    def opposite(
        self, item_id: str, sentiment: float, but_not_by: str | None = None
    ) -> FoundReview | None:
        """As ``opposite_review``."""
        key = item_id, sentiment < 0
        if key not in self._kept:
            self._kept[key] = self._search(*key, None)
        best = self._kept[key]
        if best is None or best.user_id != but_not_by:
            return best
        return self._search(*key, but_not_by)

    def _search(
        self, item_id: str, is_negative: bool, but_not_by: str | None
    ) -> FoundReview | None:
        engine, topic = self.engine, self.engine.topics.item_topic
        item = engine.corpus.index_of(item_id)
        for wanted in (self._about == item, topic[self._about] == topic[item]):
            rows = np.flatnonzero(self._written & wanted)
            if but_not_by is not None:
                rows = rows[self._users[rows] != but_not_by]
            if len(rows) > MOST_READ:
                rows = rows[np.linspace(0, len(rows) - 1, MOST_READ).astype(np.int64)]
            review = _most_opposed(engine, rows, -1.0 if is_negative else 1.0, item_id)
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

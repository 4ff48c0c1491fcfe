"""Histories become arrays: what the network reads of each event."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from core.domain import DomainError, Event, EventKind
from core.encode.sentiment import SentimentModel
from core.language import tr

TextVectors = Callable[[Sequence[str]], FloatArray]
"""Texts to float32[n, d_text]; an empty text gives zeros."""

ABSENT_KIND = 5
"""Kind and item of an event whose item part an explainer removed (``item_id`` empty)."""
KIND_INDEX = {
    EventKind.VIEW: 0,
    EventKind.CLICK: 1,
    EventKind.PURCHASE: 2,
    EventKind.RATING: 3,
    EventKind.REVIEW: 4,
    EventKind.LIKE: 6,
    EventKind.CART: 7,
}
"""Row of each kind in what a network learns per kind. Only a corpus with any of ``LATER_KINDS`` has
rows beyond the absent one, so models made before those kinds keep their shapes."""
ABSENT_ITEM = -1

FEATURES = ("rating", "has_rating", "sentiment", "has_text", "gap", "same_day", "has_gap")
RATING, HAS_RATING, SENTIMENT, HAS_TEXT, GAP, SAME_DAY, HAS_GAP = range(len(FEATURES))
GAPS = [GAP, SAME_DAY, HAS_GAP]
"""Columns that depend on the event before."""
_LOG_DECADE = math.log1p(10 * 365.25 * 86400)


@dataclass(frozen=True)
class EncodedEvents:
    """Events as arrays, in order; everything the network needs but the gaps.

    item int64[n] (catalogue index, -1 absent); kind int64[n]; features float32[n, 7] (gap columns
    zero); text float32[n, d_text] (zeros without text); seconds float64[n] (NaN where the time
    part is absent).
    """

    item: IntArray
    kind: IntArray
    features: FloatArray
    text: FloatArray
    seconds: DoubleArray


def gap_features(seconds: DoubleArray, before: float = math.nan) -> FloatArray:
    """GAP, SAME_DAY and HAS_GAP of events in order along the last axis.

    ``seconds`` float64[..., n], NaN where unknown, to float32[..., n, 3]; ``before`` is the time of
    the event before the first one, NaN when there is none. A gap is the log of its seconds, 1 at
    ten years; unknown gaps are zero.
    """
    gaps = np.diff(seconds, prepend=before)
    known = ~np.isnan(gaps)
    gaps = np.maximum(np.where(known, gaps, 0.0), 0.0)
    features = np.empty((*gaps.shape, 3), np.float32)
    features[..., 0] = np.where(known, np.log1p(gaps) / _LOG_DECADE, 0.0)
    features[..., 1] = known & (gaps < 86400)
    features[..., 2] = known
    return features


def kind_rows(kinds: IntArray) -> int:
    """Rows that a network needs for the kinds int64[n] of all events of its corpus."""
    return max(KIND_INDEX.values()) + 1 if (kinds > ABSENT_KIND).any() else ABSENT_KIND + 1


def kinds_within(rows: int) -> frozenset[EventKind]:
    """The kinds that a network with so many rows knows."""
    return frozenset(kind for kind, row in KIND_INDEX.items() if row < rows)


def padded(rows: Sequence[IntArray]) -> tuple[IntArray, BoolArray]:
    """Rows of n histories of up to L events as int64[n, L], and which of them are not padding."""
    lengths = np.array([len(row) for row in rows], np.int64)
    inside = np.arange(lengths.max(initial=0)) < lengths[:, None]
    index = np.zeros(inside.shape, np.int64)
    if len(rows):
        index[inside] = np.concatenate(rows)
    return index, inside


@dataclass(frozen=True, eq=False)
class EventEncoder:
    """Turns events of one corpus into arrays, by the model's own catalogue, scale and sentiment."""

    item_index: Mapping[str, int]
    rating_scale: tuple[float, float] | None
    sentiment: SentimentModel
    text_vectors: TextVectors
    text_dim: int

    def encode(self, events: Sequence[Event], vectors: FloatArray | None = None) -> EncodedEvents:
        """Encode events in their order. DomainError for an item outside the catalogue.

        ``vectors`` float32[n, d_text] are the events' text vectors where they are known already.
        """
        words = [event.words for event in events]
        has_text = np.fromiter((bool(text) for text in words), bool, len(events))
        text = vectors if vectors is not None else self._text(words)
        features = np.zeros((len(events), len(FEATURES)), np.float32)
        if has_text.any():
            features[has_text, SENTIMENT] = self.sentiment.predict(text[has_text])
            features[has_text, HAS_TEXT] = 1.0
        rating = np.array(
            [math.nan if event.rating is None else event.rating for event in events], np.float32
        )
        rated = ~np.isnan(rating)
        features[rated, RATING] = scaled_rating(rating[rated], self.rating_scale)
        features[rated, HAS_RATING] = 1.0
        kinds = [KIND_INDEX[event.kind] if event.item_id else ABSENT_KIND for event in events]
        seconds = [event.timestamp.timestamp() if event.timed else math.nan for event in events]
        return EncodedEvents(
            item=np.array([self._index(event) for event in events], np.int64),
            kind=np.array(kinds, np.int64),
            features=features,
            text=text,
            seconds=np.array(seconds, np.float64),
        )

    def _text(self, words: Sequence[str]) -> FloatArray:
        if any(words):
            return self.text_vectors(words)
        return np.zeros((len(words), self.text_dim), np.float32)

    def _index(self, event: Event) -> int:
        if not event.item_id:
            return ABSENT_ITEM
        index = self.item_index.get(event.item_id)
        if index is None:
            raise DomainError(
                tr("item {item!r} is not in the model's catalogue", item=event.item_id),
                where=tr("event at {time}", time=event.timestamp.isoformat()),
                remedy=tr("Choose an item of the corpus, or train a model on the current corpus"),
            )
        return index


def scaled_rating(rating: FloatArray, scale: tuple[float, float] | None) -> FloatArray:
    """Ratings on [-1, 1]: the middle of the scale is 0. float32[n] to float32[n]."""
    low, high = scale or (1.0, 5.0)
    middle, half = (low + high) / 2, max((high - low) / 2, 1e-9)
    scaled: FloatArray = np.clip((rating - middle) / half, -1.0, 1.0)
    return scaled.astype(np.float32)

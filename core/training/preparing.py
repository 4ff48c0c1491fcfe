"""From a corpus and a split to everything that training reads; no test event is learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from core.arrays import BoolArray, FloatArray, IntArray, PartArray
from core.corpus.corpus import Corpus
from core.domain import CONSUMING_KINDS, Columns, Part
from core.encode.cache import VectorCache
from core.encode.encoder import TextEncoder
from core.encode.item_text import (
    choose_columns,
    item_texts,
    mean_reviews,
    written_else_reviews,
)
from core.encode.sentiment import SentimentModel, SentimentQuality, fit_sentiment, sentiment_quality
from core.model.batches import FittingData
from core.model.sequences import EncodedEvents, EventEncoder, scaled_rating
from core.progress import ProgressCallback, StopCallback


@dataclass(frozen=True, eq=False)
class Prepared:
    """A corpus under one split, as arrays.

    ``events`` all events encoded, in contract order; ``item_columns`` of the items file make their
    text; ``title`` and ``reviews`` float32[n_items, d_text] are vectors of it and of training
    reviews (zeros where absent); ``train_users`` and ``train_items``
    int64[n_train]; ``item_words`` what titles and training reviews say about each item.
    """

    corpus: Corpus
    parts: PartArray
    events: EncodedEvents
    encoder: EventEncoder
    sentiment_quality: SentimentQuality
    fitting: FittingData
    item_columns: tuple[str, ...]
    title: FloatArray
    reviews: FloatArray
    train_users: IntArray
    train_items: IntArray
    item_words: tuple[str, ...]
    device: torch.device
    """The text encoder's; the interest model trains there too."""
    half: bool = False
    """Whether products over the catalogue read bf16: where the processor has instructions for it,
    and the text encoder was not told to keep to fp32."""

    @property
    def counts(self) -> IntArray:
        """Training events of each item, int64[n_items]."""
        return np.bincount(self.train_items, minlength=len(self.title))

    @property
    def item_text(self) -> FloatArray:
        """One unit vector per item: of its own text, else of its training reviews."""
        return written_else_reviews(self.title, self.reviews)


def prepare(
    corpus: Corpus,
    parts: PartArray,
    text_encoder: TextEncoder,
    cache: VectorCache,
    shipped_sentiment: SentimentModel | None,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    item_text: Sequence[str] | None = None,
    sentiment: SentimentModel | None = None,
) -> Prepared:
    """Encode what is not yet encoded, fit the sentiment on training reviews, lay out the arrays.

    ``parts`` int8[n_events] of ``Part``; ``item_text`` names the columns that describe an item
    (None: all that hold words). Where the ratings don't suffice the shipped sentiment
    model is used, or a neutral one when its encoder is another; with ``sentiment`` none is fitted.
    """
    rating = corpus.ratings  # first: of a sample all histories are then read at once
    histories = [corpus.history(user) for user in corpus.user_ids]
    events = [event for history in histories for event in history.events]
    words = [event.words for event in events]
    columns = choose_columns(corpus, item_text)
    about_items = item_texts(corpus, columns)
    has_text = np.fromiter((bool(text) for text in words), bool, len(words))
    said = words if has_text.any() else []
    every = cache.vectors([*said, *about_items], text_encoder, progress, stop)
    vectors, title = every[: len(said)], every[len(said) :].copy()
    if not said:  # one shared row where no event has text
        nothing = np.zeros((1, text_encoder.dim), np.float32)
        vectors = np.broadcast_to(nothing, (len(words), text_encoder.dim))
    scale = corpus.manifest.rating_scale
    judged = has_text & ~np.isnan(rating)
    scaled = np.zeros(len(rating), np.float32)
    scaled[judged] = scaled_rating(rating[judged], scale)
    training = parts == Part.TRAIN
    learn = judged & training
    dim, shipped = text_encoder.dim, shipped_sentiment
    if shipped is not None and shipped.encoder_id != text_encoder.encoder_id:
        shipped = None
    sentiment = (
        sentiment
        or fit_sentiment(vectors[learn], scaled[learn], text_encoder.encoder_id, corpus.name)
        or shipped
        or SentimentModel(np.zeros(dim, np.float32), 0.0, text_encoder.encoder_id, "nothing")
    )
    held_out = judged & ~training
    quality = sentiment_quality(sentiment.predict(vectors[held_out]), scaled[held_out])
    encoder = EventEncoder(
        corpus.item_index, scale, sentiment, lambda texts: cache.vectors(texts, text_encoder), dim
    )
    encoded = encoder.encode(events, vectors)
    users = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
    spoken = training & has_text
    return Prepared(
        corpus=corpus,
        parts=parts,
        events=encoded,
        encoder=encoder,
        sentiment_quality=quality,
        fitting=_fitting_data(corpus, parts, encoded),
        item_columns=columns,
        title=title,
        reviews=mean_reviews(len(corpus.item_ids), encoded.item[spoken], vectors[spoken]),
        train_users=users[training],
        train_items=encoded.item[training],
        item_words=_item_words(corpus, encoded.item, words, training),
        device=text_encoder.device,
        half=text_encoder.may_use_bf16,
    )


def _fitting_data(corpus: Corpus, parts: PartArray, events: EncodedEvents) -> FittingData:
    starts = corpus.user_starts
    training = np.concatenate([[0], np.cumsum(parts == Part.TRAIN)])
    lengths = training[starts[1:]] - training[starts[:-1]]
    next_row = np.minimum(starts[:-1] + lengths, max(len(parts) - 1, 0))
    judged = np.flatnonzero(
        (np.diff(starts) >= 5) & (lengths > 0) & (parts[next_row] == Part.VALIDATION)
    )
    words, codes = corpus.source.codes(Columns.Kind)
    consuming = {kind.value for kind in CONSUMING_KINDS}
    kinds = np.array([word in consuming for word in words], bool)[codes]
    return FittingData(events, starts, lengths.astype(np.int64), judged, kinds)


def _item_words(
    corpus: Corpus, items: IntArray, words: list[str], training: BoolArray
) -> tuple[str, ...]:
    said: list[list[str]] = [[title] if title else [] for title in corpus.items[Columns.Title]]
    for row in np.flatnonzero(training):
        if words[row]:
            said[items[row]].append(words[row])
    return tuple(" ".join(texts) for texts in said)

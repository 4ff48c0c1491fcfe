"""What is written about items: columns of their file, else training reviews, as vectors."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from core.arrays import FloatArray, IntArray, PartArray
from core.corpus.corpus import Corpus
from core.domain import Columns, DomainError, Part, review_words
from core.encode.cache import VectorCache
from core.encode.encoder import TextEncoder
from core.language import tr
from core.progress import ProgressCallback, StopCallback

TITLE_AND_CATEGORY = (Columns.Title, Columns.Category)
"""What models read before columns could be chosen, and what the demo's reads."""
LONGEST = 300
"""Characters of one column that are read; the rest is cut at a word's end."""
MOSTLY = 0.9
_WORDS = re.compile(r"\w+")
_WORD = re.compile(r"[^\W\d_]{3}|[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_ID_OR_FILE = re.compile(r"\S*[\d./@_:]\S*|\S*://.*", re.DOTALL)
_FLAGS = {"true", "false", "yes", "no", "none"}


def item_text_of(
    corpus: Corpus,
    parts: PartArray,
    columns: Sequence[str],
    text_encoder: TextEncoder,
    cache: VectorCache,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> FloatArray:
    """One unit vector per item, float32[n_items, d_text]; see ``written_else_reviews``."""
    written, words = item_texts(corpus, columns), list[str]()
    training = np.flatnonzero(parts == Part.TRAIN) if corpus.has_text else np.empty(0, np.int64)
    if corpus.has_text:
        events = corpus.events.iloc[training]
        pairs = zip(events[Columns.Title], events[Columns.Text], strict=True)
        words = [review_words(title, text) for title, text in pairs]
    item = corpus.event_items[training].astype(np.int64)
    vectors = cache.vectors([*written, *words], text_encoder, progress, stop)
    reviews = mean_reviews(len(written), item, vectors[len(written) :])
    return written_else_reviews(vectors[: len(written)], reviews)


def choose_columns(corpus: Corpus, chosen: Sequence[str] | None = None) -> tuple[str, ...]:
    """The columns to read: ``chosen`` ones in their order, in any case.

    Else those that the import named, else all that hold words. DomainError for one that no item
    has.
    """
    columns, manifest = text_columns(corpus), corpus.manifest
    chosen = chosen or (manifest.options.item_text if manifest.options else ())
    if not chosen:
        return tuple(name for name, has_words in columns.items() if has_words)
    fields = {name: f"item.{name}" for name in columns}
    by_name = {str(manifest.mapping.get(fields[name], name)).lower(): name for name in columns}
    by_name |= {name.lower(): name for name in columns}
    unknown = [name for name in chosen if name.lower() not in by_name]
    if unknown:
        remedy = tr("Choose from {names}", names=tr(", ").join(columns))
        if not columns:
            remedy = tr("Leave --item-text out, or import the corpus with --items")
        raise DomainError(
            tr("no item has a text {name!r}", name=unknown[0]),
            where=tr("items of corpus {corpus}", corpus=corpus.name),
            remedy=remedy,
        )
    return tuple(dict.fromkeys(by_name[name.lower()] for name in chosen))


def text_columns(corpus: Corpus) -> dict[str, bool]:
    """Columns of the items file that hold text, and whether it reads as words (no ids, no links).

    Title and category first, the description last, the others between them by length.
    """
    columns = {name: list(filter(None, texts)) for name, texts in _texts(corpus).items()}
    own = {Columns.Title: 0, Columns.Category: 1, Columns.Description: 3}

    def place(name: str) -> tuple[int, float, str]:
        texts = columns[name]
        return own.get(name, 2), sum(map(len, texts)) / len(texts), name

    held = sorted((name for name, texts in columns.items() if texts), key=place)
    return {name: name in own or _are_words(columns[name]) for name in held}


def item_texts(corpus: Corpus, columns: Sequence[str]) -> list[str]:
    """These columns of each item as one text, in catalogue order.

    Each is cut at LONGEST characters. One beyond title and category is left out where what came
    before says every word of it.
    """
    texts = _texts(corpus)
    written = [""] * len(corpus.item_ids)
    for name in columns:
        join = review_words if name in TITLE_AND_CATEGORY else _with_news
        written = [
            join(said, _cut(text)) for said, text in zip(written, texts.get(name, ()), strict=True)
        ]
    return written


def mean_reviews(n_items: int, item: IntArray, vectors: FloatArray) -> FloatArray:
    """Directions of the mean review of each item, float32[n_items, d]; zeros without any.

    ``item`` int64[n] and ``vectors`` float32[n, d] are the reviews.
    """
    reviews = np.zeros((n_items, vectors.shape[1]), np.float32)
    np.add.at(reviews, item, vectors)
    reviews /= np.maximum(np.linalg.norm(reviews, axis=1, keepdims=True), 1e-9)
    return reviews


def written_else_reviews(written: FloatArray, reviews: FloatArray) -> FloatArray:
    """The vector of an item's own text, else of its training reviews, float32[n_items, d]."""
    return np.where(written.any(1, keepdims=True), written, reviews)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST].rsplit(None, 1)[0]


def _with_news(said: str, text: str) -> str:
    words = set(_WORDS.findall(said.lower()))
    return said if words.issuperset(_WORDS.findall(text.lower())) else review_words(said, text)


def _texts(corpus: Corpus) -> dict[str, list[str]]:
    """Each text column of the items: one text per item, "" where there is none."""
    items = corpus.items
    own = (Columns.Title, Columns.Category, Columns.Description)
    texts = {name: [text or "" for text in items[name]] for name in own}
    for row, extra in enumerate(items[Columns.Extra]):
        for name, value in (json.loads(extra) if extra else {}).items():
            if text := _text(value):
                # A column of the file that is called like a field that another column became.
                name = f"{name} (file)" if name in own else name  # no sentence
                texts.setdefault(name, [""] * len(items))[row] = text
    return texts


def _text(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return value if isinstance(value, str) else ""


def _are_words(texts: Sequence[str]) -> bool:
    """Whether most of the texts are words, and they tell some items from others."""
    words = [text for text in texts if _WORD.search(text) and not _ID_OR_FILE.fullmatch(text)]
    several = {text.lower() for text in texts} - _FLAGS
    return len(words) >= MOSTLY * len(texts) and (len(several) > 1 or len(texts) == 1)

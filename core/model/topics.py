"""What the profile is about: each item's primary topic, its category or its cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.arrays import FloatArray, IntArray

CATEGORY_SHARE = 0.6
"""From this share of items with a category on, topics are categories; below, clusters."""
NO_CATEGORY = "no category"
MAX_CLUSTERS = 8
_ITEMS_PER_CLUSTER = 12
_WORDS_PER_NAME = 3


@dataclass(frozen=True, eq=False)
class Topics:
    """Topic names, most events first, and each item's topic int16[n_items]."""

    names: tuple[str, ...]
    item_topic: npt.NDArray[np.int16]
    source: Literal["category", "cluster"]

    def shares(self, probabilities: FloatArray) -> FloatArray:
        """Sum (unnormalised) probabilities float32[n, n_items] by topic.

        Returns float32[n, n_topics]; rows sum to 1.
        """
        totals = probabilities @ self._membership
        shares: FloatArray = totals / totals.sum(1, keepdims=True)
        return shares

    @cached_property
    def _membership(self) -> FloatArray:
        member = np.zeros((len(self.item_topic), len(self.names)), np.float32)
        member[np.arange(len(self.item_topic)), self.item_topic] = 1.0
        return member


def assign_topics(
    categories: Sequence[str | None],
    counts: IntArray,
    item_vectors: FloatArray,
    item_words: Sequence[str],
    seed: int,
) -> Topics:
    """Topics of a catalogue: categories where most items have one, else clusters of item vectors.

    counts int64[n_items] are training events per item, item_vectors float32[n_items, dim],
    item_words what is written about each item (titles and training reviews), from which clusters
    get their names.
    """
    with_category = sum(category is not None for category in categories)
    if categories and with_category >= CATEGORY_SHARE * len(categories):
        labels = [category or NO_CATEGORY for category in categories]
        return _ordered(labels, counts, "category")
    from sklearn.cluster import KMeans

    clusters = max(1, min(MAX_CLUSTERS, len(item_vectors) // _ITEMS_PER_CLUSTER))
    fitted = KMeans(clusters, n_init=10, random_state=seed).fit(item_vectors)
    members = [np.flatnonzero(fitted.labels_ == cluster) for cluster in range(clusters)]
    names = _typical_words([" ".join(item_words[int(i)] for i in rows) for rows in members])
    return _ordered([names[cluster] for cluster in fitted.labels_.tolist()], counts, "cluster")


def _ordered(
    labels: Sequence[str], counts: IntArray, source: Literal["category", "cluster"]
) -> Topics:
    events = pd.Series(counts).groupby(pd.Series(labels, dtype=object)).sum()
    names = sorted(events.index, key=lambda name: (-events[name], name))
    return Topics(tuple(names), pd.Index(names).get_indexer(labels).astype(np.int16), source)


def _typical_words(documents: Sequence[str]) -> list[str]:
    """Name each cluster by the words it uses far more than the others do (class-based tf-idf)."""
    from sklearn.feature_extraction.text import CountVectorizer

    fallback = [f"cluster {number}" for number in range(1, len(documents) + 1)]
    counter = CountVectorizer(stop_words="english", token_pattern=r"(?u)\b[^\W\d_]{3,}\b")
    try:
        counted = counter.fit_transform(documents).toarray().astype(np.float64)
    except ValueError:  # no words at all
        return fallback
    words = counter.get_feature_names_out()
    share = counted / np.maximum(counted.sum(1, keepdims=True), 1)
    overall = counted.sum(0) / counted.sum()
    lift = share * np.log(np.maximum(share, 1e-12) / overall)
    names = []
    for row, counts in zip(lift, counted, strict=True):
        best: list[str] = []
        for k in np.argsort(-row, kind="stable"):
            stem = words[k][:5]
            if counts[k] < 2 or row[k] <= 0 or len(best) == _WORDS_PER_NAME:
                break
            if all(word[:5] != stem for word in best):
                best.append(str(words[k]))
        names.append(" · ".join(best))
    for k, name in enumerate(names):
        if not name or name in names[:k]:
            names[k] = f"{name} {k + 1}" if name else fallback[k]
    return names

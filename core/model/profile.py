"""What a history's states say: topics, profile, drift, and their summary for each user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.arrays import FloatArray, IntArray
from core.corpus.corpus import Corpus
from core.domain import Columns, Part
from core.interest_map.projection import unit
from core.model.interest import InterestModel
from core.recommend.protocol import batches, next_ranks
from core.word_breaks import STOP_WORDS, UNSPACED, spaced

CATEGORY_SHARE = 0.6
"""From this share of items with a category on, topics are categories; below, clusters."""
NO_CATEGORY = "no category"  # no sentence
MAX_CLUSTERS = 8
PATH_POINTS = 12
"""Events of a history at which a user's path is drawn, at most."""
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
        return np.asarray(totals / totals.sum(1, keepdims=True))

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
    names = _cluster_names([" ".join(item_words[int(i)] for i in rows) for rows in members])
    return _ordered([names[cluster] for cluster in fitted.labels_.tolist()], counts, "cluster")


def _ordered(
    labels: Sequence[str], counts: IntArray, source: Literal["category", "cluster"]
) -> Topics:
    events = pd.Series(counts).groupby(pd.Series(labels, dtype=object)).sum()
    names = sorted(events.index, key=lambda name: (-events[name], name))
    return Topics(tuple(names), pd.Index(names).get_indexer(labels).astype(np.int16), source)


def _cluster_names(documents: Sequence[str]) -> list[str]:
    """Name each cluster by its typical words; no two alike."""
    fallback = [f"cluster {n}" for n in range(1, len(documents) + 1)]  # no sentence
    names = [" · ".join(words) for words in typical_words(documents)]
    for k, name in enumerate(names):
        if not name or name in names[:k]:
            names[k] = f"{name} {k + 1}" if name else fallback[k]
    return names


def typical_words(documents: Sequence[str]) -> list[tuple[str, ...]]:
    """Up to three words that each text uses far more than the others do (class-based tf-idf)."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

    counter = CountVectorizer(
        preprocessor=lambda text: spaced(text.lower()),
        stop_words=sorted(ENGLISH_STOP_WORDS | STOP_WORDS),
        token_pattern=rf"[{UNSPACED}]{{2,}}|\b[^\W\d_]{{3,}}\b",
    )
    try:
        counted = counter.fit_transform(documents).toarray().astype(np.float64)
    except ValueError:  # no words at all
        return [()] * len(documents)
    words = counter.get_feature_names_out()
    share = counted / np.maximum(counted.sum(1, keepdims=True), 1)
    overall = counted.sum(0) / counted.sum()
    lift = share * np.log(np.maximum(share, 1e-12) / overall)
    typical = []
    for row, counts in zip(lift, counted, strict=True):
        best: list[str] = []
        for k in np.argsort(-row, kind="stable"):
            stem = words[k][:5]
            if counts[k] < 2 or row[k] <= 0 or len(best) == _WORDS_PER_NAME:
                break
            if all(word[:5] != stem for word in best):
                best.append(str(words[k]))
        typical.append(tuple(best))
    return typical


def profile_of(interest: InterestModel, topics: Topics, queries: FloatArray) -> FloatArray:
    """Profiles float32[n, n_topics] of states float32[n, dim]; rows sum to 1."""
    profile = np.zeros((len(queries), len(topics.names)), np.float32)
    for rows in batches(len(queries), len(interest.item_ids)):
        profile[rows] = topics.shares(np.exp(interest.log_probabilities_of(queries[rows])))
    return profile


def drift_of(queries: FloatArray) -> float:
    """Cosine distance between the state in the middle and the last one.

    ``queries`` float32[n, dim] are the states after each event; 0 for an empty history.
    """
    if len(queries) == 0:
        return 0.0
    ends = unit(queries[[max(len(queries) // 2 - 1, 0), -1]])
    return float(max(1.0 - ends[0] @ ends[1], 0.0))


def path_steps(n: int) -> IntArray:
    """The events of a history of ``n`` at which a user's path is drawn, int64[at most 12]."""
    return np.unique(np.linspace(0, n - 1, PATH_POINTS).round().astype(np.int64))


def summarise_users(
    corpus: Corpus, interest: InterestModel, topics: Topics, parts: npt.NDArray[np.int8]
) -> pd.DataFrame:
    """One row per user: what the Overview and the verb ``users`` list.

    Columns user_id, events, drift, first_topic and last_topic (indices of the largest share at the
    first and the last step), held_out_rank (geometric mean of the ranks of validation and test
    items in the interest model's lists; NaN without any), path (share of the last leading topic in
    the profile, float32[at most PATH_POINTS], after evenly spaced events from the first to the
    last). ``parts`` int8[n_events] of ``Part``.
    """
    rows = []
    for user in corpus.user_ids:
        history = corpus.history(user)
        queries = interest.states(history)[1:]
        held_out = np.flatnonzero(parts[corpus.user_rows(user)][1:] != Part.TRAIN)
        ranks = next_ranks(interest, history, corpus.item_index, held_out)
        profile = profile_of(interest, topics, queries[path_steps(len(queries))])
        known = ranks[np.isfinite(ranks)]
        rows.append(
            {
                Columns.User: user,
                "events": len(history),
                "drift": drift_of(queries),
                "first_topic": int(profile[0].argmax()),
                "last_topic": int(profile[-1].argmax()),
                "held_out_rank": float(np.exp(np.log(known).mean())) if len(known) else np.nan,
                "path": profile[:, profile[-1].argmax()].round(3).astype(np.float32),
            }
        )
    return pd.DataFrame(rows)

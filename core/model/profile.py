"""What a history's states say: topics, profile, drift, and their summary for each user."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from core.arrays import FloatArray, IntArray
from core.corpus.corpus import Corpus
from core.domain import Columns, History, Part
from core.interest_map.projection import unit
from core.language import mark
from core.model.interest import MANY_EVENTS, InterestModel
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.recommend.protocol import batches, next_ranks
from core.threads import LARGE_PIECES_EACH, in_threads
from core.word_breaks import STOP_WORDS, UNSPACED, spaced

STAGE = mark("Summarising users")
CATEGORY_SHARE = 0.6
"""From this share of items with a category on, topics are categories; below, clusters."""
NO_CATEGORY = "no category"  # no sentence
MAX_CLUSTERS = 8
LARGE_CATALOGUE = 20_000
"""Items above which torch makes profiles."""
STATES_OF_TILE, ITEMS_OF_TILE = 256, 2_048
"""Scores that it makes at a time: what the processor's caches hold."""
PATH_POINTS = 12
"""Events of a history at which a user's path is drawn, at most."""
USERS_AT_ONCE = 2_048
"""Users whose states are held together where there are many events."""
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
        totals = probabilities @ self.membership
        return np.asarray(totals / totals.sum(1, keepdims=True))

    @cached_property
    def membership(self) -> FloatArray:
        """Which topic each item has, float32[n_items, n_topics] of zeros and ones."""
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
    if len(interest.item_ids) > LARGE_CATALOGUE:
        return _profile_of_large(interest, topics, queries)
    profile = np.zeros((len(queries), len(topics.names)), np.float32)
    for rows in batches(len(queries), len(interest.item_ids)):
        profile[rows] = topics.shares(np.exp(interest.log_probabilities_of(queries[rows])))
    return profile


@torch.inference_mode()
def _profile_of_large(interest: InterestModel, topics: Topics, queries: FloatArray) -> FloatArray:
    """The same by torch: several times as fast."""
    vectors, bias = (torch.from_numpy(part) for part in (interest.item_vectors, interest.item_bias))
    member = torch.from_numpy(topics.membership)
    profile = np.zeros((len(queries), len(topics.names)), np.float32)
    scaled = torch.from_numpy(queries * np.float32(interest.temperature))
    for first in range(0, len(queries), STATES_OF_TILE):
        rows = slice(first, first + STATES_OF_TILE)
        part = scaled[rows]
        highest = torch.full((len(part), 1), -math.inf)
        shares = torch.zeros(len(part), member.shape[1])
        for begin in range(0, len(vectors), ITEMS_OF_TILE):
            items = slice(begin, begin + ITEMS_OF_TILE)
            scores = torch.addmm(bias[items], part, vectors[items].T)
            above = torch.maximum(highest, scores.amax(1, keepdim=True))
            shares.mul_((highest - above).exp()).addmm_(scores.sub_(above).exp_(), member[items])
            highest = above
        profile[rows] = (shares / shares.sum(1, keepdim=True)).numpy()
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
    corpus: Corpus,
    interest: InterestModel,
    topics: Topics,
    parts: npt.NDArray[np.int8],
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> pd.DataFrame:
    """One row per user: what the Overview and the verb ``users`` list.

    Columns user_id, events, drift, first_topic and last_topic (indices of the largest share at the
    first and the last step), held_out_rank (geometric mean of the ranks of validation and test
    items in the interest model's lists; NaN without any), path (share of the last leading topic in
    the profile, float32[at most PATH_POINTS], after evenly spaced events from the first to the
    last). ``parts`` int8[n_events] of ``Part``.
    """
    if corpus.n_events > MANY_EVENTS:
        return _summarise_many(corpus, interest, topics, parts, progress, stop)
    rows = []
    for done, user in enumerate(corpus.user_ids):
        check_stop(stop)
        report(progress, Progress(STAGE, done, len(corpus.user_ids)))
        history = corpus.history(user)
        queries = interest.states(history)[1:]
        held_out = np.flatnonzero(parts[corpus.user_rows(user)][1:] != Part.TRAIN)
        ranks = next_ranks(interest, history, corpus.item_index, held_out)
        profile = profile_of(interest, topics, queries[path_steps(len(queries))])
        rows.append(_summary(history, queries, ranks, profile))
    return pd.DataFrame(rows)


def _summary(
    history: History, queries: FloatArray, ranks: FloatArray, profile: FloatArray
) -> dict[str, Any]:
    """A row of the table: by all states, the held-out ranks, the profile along the path."""
    known = ranks[np.isfinite(ranks)]
    return {
        Columns.User: history.user_id,
        "events": len(history),
        "drift": drift_of(queries),
        "first_topic": int(profile[0].argmax()),
        "last_topic": int(profile[-1].argmax()),
        "held_out_rank": float(np.exp(np.log(known).mean())) if len(known) else np.nan,
        "path": profile[:, profile[-1].argmax()].round(3).astype(np.float32),
    }


def _summarise_many(
    corpus: Corpus,
    interest: InterestModel,
    topics: Topics,
    parts: npt.NDArray[np.int8],
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> pd.DataFrame:
    """The same in batches of users, whose ranks and profiles are made together, side by side."""

    def summarised(users: Sequence[str]) -> list[dict[str, Any]]:
        histories = [corpus.history(user) for user in users]
        states = [each.queries for each in interest.states_of(histories, corpus.n_events)]
        check_stop(stop)
        held_out = [
            np.flatnonzero(parts[corpus.user_rows(user)][1:] != Part.TRAIN) for user in users
        ]
        ranks = interest.next_ranks_of(histories, states, held_out)
        check_stop(stop)
        paths = [queries[path_steps(len(queries))] for queries in states]
        profile = profile_of(interest, topics, np.concatenate(paths))
        cuts = np.cumsum([len(path) for path in paths])[:-1]
        each = zip(histories, states, ranks, np.split(profile, cuts), strict=True)
        return [_summary(*row) for row in each]

    rows: list[dict[str, Any]] = []
    starts = range(0, len(corpus.user_ids), USERS_AT_ONCE)
    pieces = (corpus.user_ids[first : first + USERS_AT_ONCE] for first in starts)
    for some in in_threads(summarised, pieces, stop, LARGE_PIECES_EACH):
        report(progress, Progress(STAGE, len(rows), len(corpus.user_ids)))
        rows += some
    return pd.DataFrame(rows)

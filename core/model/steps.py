"""What a history's states say step by step: ranks of what came next, profile, drift."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.arrays import FloatArray
from core.corpus.corpus import Corpus
from core.domain import CONSUMING_KINDS, Columns, History, Part
from core.interest_map.projection import unit
from core.model.interest import InterestModel
from core.model.topics import Topics
from core.ranking import ExcludedItems, target_ranks

_CELLS = 4_000_000
"""Scores held at a time: 16 MB."""


def ranks_and_profile(
    interest: InterestModel,
    topics: Topics,
    item_index: Mapping[str, int],
    history: History,
    queries: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Ranks float32[n] and profile float32[n, n_topics] from queries float32[n, dim].

    The rank at a step is that of the next event's item in the list at this step, ties counted half;
    NaN at the end and where that item was already excluded.
    """
    steps = len(history)
    items = np.fromiter((item_index[event.item_id] for event in history.events), np.int64, steps)
    consuming = [step for step, event in enumerate(history.events) if event.kind in CONSUMING_KINDS]
    had, first = np.unique(items[consuming], return_index=True)
    since = np.array(consuming, np.int64)[first]
    next_rank = np.full(steps, np.nan, np.float32)
    profile = np.zeros((steps, len(topics.names)), np.float32)
    size = max(1, _CELLS // max(len(item_index), 1))
    for begin in range(0, steps, size):
        scores = interest.scores_of(queries[begin : begin + size])
        highest = scores.max(axis=1, keepdims=True)
        profile[begin : begin + size] = topics.shares(np.exp(scores - highest))
        targets = items[begin + 1 : begin + 1 + size]
        rows, at = np.nonzero(since <= np.arange(begin, begin + len(targets))[:, None])
        ranks = target_ranks(scores[: len(targets)], targets, ExcludedItems(rows, had[at]))
        next_rank[begin : begin + len(targets)] = np.where(np.isinf(ranks), np.nan, ranks)
    return next_rank, profile


def drift_of(queries: FloatArray) -> float:
    """Cosine distance between the state in the middle and the last one.

    ``queries`` float32[n, dim] are the states after each event; 0 for an empty history.
    """
    if len(queries) == 0:
        return 0.0
    ends = unit(queries[[max(len(queries) // 2 - 1, 0), -1]])
    return float(max(1.0 - ends[0] @ ends[1], 0.0))


def summarise_users(
    corpus: Corpus, interest: InterestModel, topics: Topics, parts: npt.NDArray[np.int8]
) -> pd.DataFrame:
    """One row per user: what the Overview and the verb ``users`` list.

    Columns user_id, events, drift, first_topic and last_topic (indices of the largest share at the
    first and the last step), held_out_rank (geometric mean of the ranks of validation and test
    items; NaN without any). ``parts`` int8[n_events] of ``Part``.
    """
    rows = []
    for user in corpus.user_ids:
        history = corpus.history(user)
        queries = interest.states(history)[1:]
        ranks, profile = ranks_and_profile(interest, topics, corpus.item_index, history, queries)
        held_out = parts[corpus.user_rows(user)][1:] != Part.TRAIN
        known = ranks[:-1][held_out & np.isfinite(ranks[:-1])]
        rows.append(
            {
                Columns.User: user,
                "events": len(history),
                "drift": drift_of(queries),
                "first_topic": int(profile[0].argmax()),
                "last_topic": int(profile[-1].argmax()),
                "held_out_rank": float(np.exp(np.log(known).mean())) if len(known) else np.nan,
            }
        )
    return pd.DataFrame(rows)

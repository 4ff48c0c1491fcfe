"""What a history's states say: profile, drift, and both summarised for each user."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.arrays import FloatArray
from core.corpus.corpus import Corpus
from core.domain import Columns, Part
from core.interest_map.projection import unit
from core.model.interest import InterestModel
from core.model.topics import Topics
from core.recommend.next_ranks import next_ranks

_CELLS = 4_000_000
"""Scores held at a time: 16 MB."""


def profile_of(interest: InterestModel, topics: Topics, queries: FloatArray) -> FloatArray:
    """Profiles float32[n, n_topics] of states float32[n, dim]; rows sum to 1."""
    size = max(1, _CELLS // max(len(interest.item_ids), 1))
    profile = np.zeros((len(queries), len(topics.names)), np.float32)
    for begin in range(0, len(queries), size):
        rows = slice(begin, begin + size)
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


def summarise_users(
    corpus: Corpus, interest: InterestModel, topics: Topics, parts: npt.NDArray[np.int8]
) -> pd.DataFrame:
    """One row per user: what the Overview and the verb ``users`` list.

    Columns user_id, events, drift, first_topic and last_topic (indices of the largest share at the
    first and the last step), held_out_rank (geometric mean of the ranks of validation and test
    items in the interest model's lists; NaN without any). ``parts`` int8[n_events] of ``Part``.
    """
    rows = []
    for user in corpus.user_ids:
        history = corpus.history(user)
        queries = interest.states(history)[1:]
        ranks = next_ranks(interest, history, corpus.item_index)
        profile = profile_of(interest, topics, queries)
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

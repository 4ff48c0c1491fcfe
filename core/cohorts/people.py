"""The two tables that a rule asks: users, and their turning points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from core.arrays import DoubleArray
from core.cohorts.states import States
from core.corpus.attributes import Condition
from core.corpus.corpus import Corpus
from core.domain import Columns
from core.turns.stored import Turns

if TYPE_CHECKING:
    from core.engine import Engine

FEWEST_FELT = 4
"""Reviews below which a user's sentiment has no trend."""


@dataclass(frozen=True, eq=False)
class People:
    """The users of a corpus under one model, in the corpus's order.

    ``users`` has user_id, events, first_seen, last_seen, topic (leading after the last event),
    first_topic, drift, rating (mean), sentiment (mean), sentiment_trend (mean of the second half of
    the reviews less that of the first), held_out_rank. ``turns`` has user_id, kind, at, topic (that
    grew), topic_before (that shrank), size, q, step; None where turning points were not measured.
    Times are None in a corpus without times.
    """

    corpus: Corpus
    topics: tuple[str, ...]
    users: pd.DataFrame
    turns: pd.DataFrame | None

    @cached_property
    def tables(self) -> dict[str, pa.Table]:
        """Both as Arrow tables by name, users with their ``place`` in the corpus's order."""
        users = self.users.assign(place=np.arange(len(self.users)))
        tables = {"users": pa.Table.from_pandas(users, preserve_index=False)}
        if self.turns is not None:
            tables["turns"] = pa.Table.from_pandas(self.turns, preserve_index=False)
        return tables

    def tables_for(self, conditions: Sequence[Condition]) -> dict[str, pa.Table]:
        """Both, users with the attributes ``a0``, ``a1``, ... that conditions are about."""
        attributes = self.corpus.attributes
        if attributes is None or not conditions:
            return self.tables
        users = self.tables["users"]
        for name in dict.fromkeys(each.name for each in conditions):
            users = users.append_column(f"a{attributes.place(name)}", attributes.aligned(name))
        return self.tables | {"users": users}


def people_of(engine: Engine, states: States, turns: Turns | None) -> People:
    """What is known of every user, from tables that were made once per model."""
    corpus, names = engine.corpus, np.array(engine.topics.names, object)
    starts = corpus.user_starts
    known = engine.users.set_index(Columns.User).reindex(list(corpus.user_ids))
    times = corpus.times
    timed = not corpus.manifest.order_as_time
    none = np.full(len(starts) - 1, np.datetime64("NaT"), "datetime64[us]")
    ratings = corpus.ratings.astype(np.float64)
    sentiment, trend = _felt(states.sentiments.astype(np.float64), starts)
    users = pd.DataFrame(
        {
            "user_id": list(corpus.user_ids),
            "events": np.diff(starts),
            "first_seen": times[starts[:-1]] if timed else none,
            "last_seen": times[starts[1:] - 1] if timed else none,
            "topic": names[states.topics[starts[1:] - 1]],
            "first_topic": names[states.topics[starts[:-1]]],
            "drift": known["drift"].to_numpy(np.float64),
            "rating": _means(ratings, starts),
            "sentiment": sentiment,
            "sentiment_trend": trend,
            "held_out_rank": known["held_out_rank"].to_numpy(np.float64),
        }
    )
    return People(corpus, engine.topics.names, users, _points(corpus, names, turns, timed))


def _points(
    corpus: Corpus, names: npt.NDArray[np.object_], turns: Turns | None, timed: bool
) -> pd.DataFrame | None:
    if turns is None:
        return None
    times = corpus.times
    rows = [(user.user_id, point) for user in turns.users for point in user.points]
    at = np.array(
        [
            times[int(corpus.user_starts[corpus.user_index[user]]) + point.step - 1]
            if timed
            else np.datetime64("NaT")
            for user, point in rows
        ],
        "datetime64[us]",
    )
    return pd.DataFrame(
        {
            "user_id": [user for user, _ in rows],
            "kind": [point.kind.name.lower() for _, point in rows],
            "at": at,
            "topic": [names[point.grew] for _, point in rows],
            "topic_before": [names[point.shrank] for _, point in rows],
            "size": np.array([point.size for _, point in rows], np.float64),
            "q": np.array([point.q for _, point in rows], np.float64),
            "step": np.array([point.step for _, point in rows], np.int64),
        }
    )


def _means(values: DoubleArray, starts: npt.NDArray[np.int64]) -> DoubleArray:
    """Mean of each user's known values float64[n_events], float64[n_users]; NaN without any."""
    known = np.isfinite(values)
    sums, counts = (
        np.diff(np.concatenate([[0.0], np.cumsum(part)])[starts])
        for part in (np.where(known, values, 0.0), known)
    )
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _felt(
    sentiments: DoubleArray, starts: npt.NDArray[np.int64]
) -> tuple[DoubleArray, DoubleArray]:
    """Mean sentiment of each user, and how far the second half of the reviews is above the first.

    float64[n_users] each; NaN without reviews, the trend with fewer than ``FEWEST_FELT``.
    """
    rows = np.flatnonzero(np.isfinite(sentiments))
    felt = sentiments[rows]
    begins = np.searchsorted(rows, starts)
    counts = np.diff(begins)
    middle = begins[:-1] + counts // 2
    sums = np.concatenate([[0.0], np.cumsum(felt)])
    first = (sums[middle] - sums[begins[:-1]]) / np.maximum(counts // 2, 1)
    second = (sums[begins[1:]] - sums[middle]) / np.maximum(counts - counts // 2, 1)
    return _means(sentiments, starts), np.where(counts >= FEWEST_FELT, second - first, np.nan)

"""The moments at which recommenders are judged: what was known, and what the user did next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.arrays import IntArray, PartArray
from core.corpus.split import MIN_EVENTS_SCORED, leave_last_out, temporal_cuts
from core.corpus.store import Corpus
from core.domain import Columns, History, Part


@dataclass(frozen=True, slots=True)
class Case:
    """One question with its answer.

    The list is asked for right after the last known event, so the history's clock is that event's
    time. ``target_time`` serves reports by month and never reaches a recommender.
    """

    history: History
    target: str
    target_time: datetime


@dataclass(frozen=True, eq=False)
class TemporalFold:
    """One cut of the temporal protocol; ``parts`` is int8[n_events] of ``Part``.

    Events after the cut are test. Of what came before it, each user's last event is validation and
    the rest train. A validation period in time would be closer to the test, but would leave few
    cases to choose by where users come once: a dozen on movielens_small.
    """

    cut: datetime
    parts: PartArray


def cases(corpus: Corpus, parts: PartArray, part: Part) -> tuple[Case, ...]:
    """One case for each user with an event in ``part``: their first one there is the target.

    ``parts`` is int8[n_events] of ``Part``, aligned with ``corpus.events``. The history is all that
    the user did before the target. Only users with 5 or more events count, and only those with a
    known event: before it nobody asks for a list.
    """
    starts = corpus.user_starts
    places = np.flatnonzero(parts == part)
    owner = np.searchsorted(starts, places, side="right") - 1
    users, first = np.unique(owner, return_index=True)
    steps = places[first] - starts[users]
    scored = (np.diff(starts)[users] >= MIN_EVENTS_SCORED) & (steps > 0)
    found = []
    for user, step in zip(users[scored].tolist(), steps[scored].tolist(), strict=True):
        history = corpus.history(corpus.user_ids[user])
        target = history.events[step]
        found.append(Case(history.up_to(step), target.item_id, target.timestamp))
    return tuple(found)


def leave_last_out_cases(corpus: Corpus, part: Part) -> tuple[Case, ...]:
    """The validation or test cases of the leave-last-out protocol."""
    return cases(corpus, leave_last_out(corpus.events), part)


def temporal_folds(corpus: Corpus) -> tuple[TemporalFold, ...]:
    """The three rolling cuts of the temporal protocol (70, 80, 90 % of events)."""
    times = corpus.events[Columns.Time].to_numpy("datetime64[us]")
    starts = corpus.user_starts
    folds = []
    for cut in temporal_cuts(corpus.events):
        after = times > np.datetime64(cut.replace(tzinfo=None), "us")
        known = np.diff(np.concatenate([[0], np.cumsum(~after)])[starts])
        parts = np.where(after, Part.TEST, Part.TRAIN).astype(np.int8)
        parts[(starts[:-1] + known - 1)[known > 1]] = Part.VALIDATION
        folds.append(TemporalFold(cut, parts))
    return tuple(folds)


def temporal_cases(corpus: Corpus) -> tuple[Case, ...]:
    """The test cases of all three cuts, pooled in the order of the cuts."""
    return tuple(
        case for fold in temporal_folds(corpus) for case in cases(corpus, fold.parts, Part.TEST)
    )


def targets_of(cases: Sequence[Case], item_index: Mapping[str, int]) -> IntArray:
    """Catalogue index of each case's target, int64[n_cases]."""
    return np.fromiter((item_index[case.target] for case in cases), np.int64, len(cases))

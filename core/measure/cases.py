"""The moments at which recommenders are judged: what was known, and what the user did next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.arrays import BoolArray, IntArray, PartArray
from core.corpus.split import MIN_EVENTS_SCORED, temporal_cuts
from core.corpus.store import Corpus
from core.domain import History, Part
from core.language import mark

MOST_CELLS = 400_000_000
"""Scores of one recommender in an evaluation at most: 8,000 cases of 50,000 items."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How many were looked at, of how many."""

    ranked: int
    of: int

    @property
    def facts(self) -> dict[str, dict[str, int]]:
        """As JSON says it, beside what was found."""
        return {"sample": {"ranked": self.ranked, "of": self.of}}


@dataclass(frozen=True, slots=True)
class Case:
    """One question with its answer.

    The list is asked for right after the last known event, so the history's clock is that event's
    time. ``target_time`` serves reports by month and never reaches a recommender.
    """

    history: History
    target: str
    target_time: datetime

    @property
    def is_open(self) -> bool:
        """Whether a list may hold the target: the user has not bought, rated or reviewed it yet."""
        return self.target not in self.history.excluded_items()


def cases(
    corpus: Corpus, parts: PartArray, part: Part, most: int | None = None
) -> tuple[Case, ...]:
    """One case for each user with an event in ``part``: their first one there is the target.

    ``parts`` is int8[n_events] of ``Part``, aligned with ``corpus.events``. The history is all that
    the user did before the target. Only users with 5 or more events count, and only those with a
    known event: before it nobody asks for a list. Test cases are an even sample of the users where
    all would need more than ``MOST_CELLS`` scores of each recommender; with ``most`` given at most
    so many cases of any part are taken.
    """
    users, steps = scored(corpus, parts, part)
    if most is None and part == Part.TEST:
        most = most_cases(corpus)
    if most is not None:
        rows = evenly(len(users), most)
        users, steps = users[rows], steps[rows]
    return cases_at(corpus, users, steps)


def cases_at(corpus: Corpus, users: IntArray, steps: IntArray) -> tuple[Case, ...]:
    """The case of each user (int64[n] indices) whose target is their event at a step, int64[n]."""
    chosen = []
    for user, step in zip(users.tolist(), steps.tolist(), strict=True):
        history = corpus.history(corpus.user_ids[user])
        target = history.events[step]
        chosen.append(Case(history.up_to(step), target.item_id, target.timestamp))
    return tuple(chosen)


def case_count(corpus: Corpus, parts: PartArray, part: Part) -> int:
    """How many cases there are, whether or not ``cases`` takes a sample of them."""
    return len(scored(corpus, parts, part)[0])


def most_cases(corpus: Corpus) -> int:
    """How many test cases are taken at most: all of a corpus of usual size."""
    return max(MOST_CELLS // max(len(corpus.item_ids), 1), 1)


def evenly(n: int, most: int) -> IntArray:
    """At most so many of n rows, evenly spread, int64[min(n, most)]; one at least of any."""
    kept = min(n, max(most, 1))
    return np.arange(kept, dtype=np.int64) * n // max(kept, 1)


def scored(corpus: Corpus, parts: PartArray, part: Part) -> tuple[IntArray, IntArray]:
    """Users with a case, ascending, and the step of each one's target; both int64[n]."""
    starts = corpus.user_starts
    rows = np.flatnonzero(parts == part)
    users, first = np.unique(np.searchsorted(starts, rows, side="right") - 1, return_index=True)
    steps = rows[first] - starts[users]
    scored = (np.diff(starts)[users] >= MIN_EVENTS_SCORED) & (steps > 0)
    return users[scored], steps[scored]


def leave_last_out_cases(corpus: Corpus, part: Part) -> tuple[Case, ...]:
    """The validation or test cases of the leave-last-out protocol."""
    return cases(corpus, corpus.parts, part)


def temporal_splits(corpus: Corpus) -> list[PartArray]:
    """``Part`` of each event, int8[n_events], at the three rolling cuts (70, 80, 90 % of events).

    Events after the cut are test. Of what came before it, each user's last event is validation and
    the rest train. A validation period in time would be closer to the test, but would leave few
    cases to choose by where users come once: a dozen on movielens_small.
    """
    times = corpus.times
    starts = corpus.user_starts
    splits = []
    for cut in temporal_cuts(times):
        after = times > np.datetime64(cut.replace(tzinfo=None), "us")
        known = np.diff(np.concatenate([[0], np.cumsum(~after)])[starts])
        parts = np.where(after, Part.TEST, Part.TRAIN).astype(np.int8)
        parts[(starts[:-1] + known - 1)[known > 1]] = Part.VALIDATION
        splits.append(parts)
    return splits


def targets_of(cases: Sequence[Case], item_index: Mapping[str, int]) -> IntArray:
    """Catalogue index of each case's target, int64[n_cases]."""
    return np.fromiter((item_index[case.target] for case in cases), np.int64, len(cases))


NEW_USER_EVENTS = 5
HEAVY_USER_EVENTS = 20
UNSEEN = mark("unseen item")
HEAD_SHARE = 0.2
"""The head is the most popular fifth of the items seen in training; the rest is the long tail."""


def cohorts_of(
    cases: Sequence[Case], target_counts: IntArray, item_counts: IntArray
) -> dict[str, BoolArray]:
    """Cohorts by name, each bool[n_cases]; one case may be in several.

    *new user*: at most 5 known events; *heavy user*: at least 20. *unseen item*: the target has no
    training event; *long-tail item*: it has some but is outside the most popular fifth; *popular
    item*: inside. ``target_counts`` int64[n_cases] and ``item_counts`` int64[n_items] count
    training events.
    """
    known = np.fromiter((len(case.history) for case in cases), np.int64, len(cases))
    seen = np.sort(item_counts[item_counts > 0])[::-1]
    head = seen[max(int(np.ceil(HEAD_SHARE * len(seen))) - 1, 0)] if len(seen) else 1
    return {
        mark("new user"): known <= NEW_USER_EVENTS,
        mark("heavy user"): known >= HEAVY_USER_EVENTS,
        mark("popular item"): target_counts >= head,
        mark("long-tail item"): (target_counts > 0) & (target_counts < head),
        UNSEEN: target_counts == 0,
    }

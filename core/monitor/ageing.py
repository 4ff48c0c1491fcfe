"""Quality by the age of a model: how long after its last training event a target happened.

The temporal protocol trains models up to three cuts and judges each on what came later, so the age
of a model at a target is the time since its cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.arrays import BoolArray, DoubleArray
from core.corpus.split import temporal_cuts
from core.corpus.store import Library
from core.evaluate.protocols import find_report, folds_of
from core.measure.cases import temporal_splits
from core.measure.metrics import Interval, bootstrap

if TYPE_CHECKING:
    from core.engine import Engine
    from core.evaluate.report import EvaluationReport

AGES = (0, 7, 30, 90, 180, 365)
"""Days since the cut at which a bin begins; the last one is open."""


@dataclass(frozen=True, slots=True)
class Age:
    """Targets of models of one age: from ``low`` days until before ``high`` (None: any more)."""

    low: int
    high: int | None
    ndcg: Interval
    targets: int


def quality_by_age(
    engine: Engine, library: Library, users: BoolArray | None = None
) -> tuple[Age, ...]:
    """NDCG of the default recommender by age, of ``users`` bool[n_users] or of all.

    Empty without a stored temporal evaluation.
    """
    judged = find_report(engine.corpus, library, engine.folder, "temporal")
    subject = engine.recommender().id
    if judged is None or subject not in judged.names:
        return ()
    ages = _ages(engine, judged)
    gain, owners = judged.ndcg(subject), np.array(judged.users, object)
    counted = np.ones(len(ages), bool)
    if users is not None:
        counted = users[[engine.corpus.user_index[user] for user in judged.users]]
    found = []
    for low, high in zip(AGES, (*AGES[1:], None), strict=True):
        own = counted & (ages >= low) & (ages < (np.inf if high is None else high))
        if own.any():
            interval = bootstrap(gain[own], owners[own].tolist())
            found.append(Age(low, high, interval, int(own.sum())))
    return tuple(found)


def _ages(engine: Engine, judged: EvaluationReport) -> DoubleArray:
    """Days from its cut to each target, float64[n_cases]; the report has its cuts one by one."""
    corpus = engine.corpus
    cut_of = {
        parts.tobytes(): np.datetime64(cut.replace(tzinfo=None), "us")
        for parts, cut in zip(temporal_splits(corpus), temporal_cuts(corpus.times), strict=True)
    }
    cuts = [
        np.full(len(fold.cases), cut_of[fold.parts.tobytes()]) for fold in folds_of(judged, corpus)
    ]
    users = np.array([corpus.user_index[user] for user in judged.users], np.int64)
    rows = corpus.user_starts[users] + judged.steps
    times = corpus.times[rows]
    days: DoubleArray = (times - np.concatenate(cuts)) / np.timedelta64(1, "D")
    return days

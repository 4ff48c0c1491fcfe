"""The joint's weights refitted on the newest cases, and what that is expected to gain.

Cases are those that training weighs the joint by: each user's last but one event, which no
component has learned. Their newest quarter is held out. The weights of all cases before it are held
against weights refitted on the newest half of these, pulled towards the former. The proposal moves
that forward to now: the model's weights refitted on the newest half of all cases. So what is judged
is the way to make it, on cases that neither of the two pools compared has seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from core.arrays import BoolArray, DoubleArray
from core.corpus.corpus import Corpus
from core.domain import DomainError
from core.language import mark, tr
from core.measure.metrics import PairedTest, compare_paired, ndcg
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.recommend.joint import (
    MOST_CASES,
    PENALTY,
    POWER,
    Joint,
    K,
    best_factor,
    contender_ranks,
    reduce_cases,
)
from core.recommend.pool import Contenders, Pool, features_of, fit_pool
from core.recommend.training_data import EncodedHistories, TrainingData

HELD_OUT, NEWEST = 0.25, 0.5
"""Share of the cases that is held out, and of the earlier ones that the weights are refitted on."""
LEAST_CASES = 80
"""Cases that a refit needs: a quarter of them judges it."""
PULL = 30.0
"""Penalty for all cases together on weights that differ from the former ones. Of 3, 30, 100, 300
and 1,000 it is the one whose refit is nowhere significantly worse on demo and music; none gains."""
STAGE = mark("refit the weights")


@dataclass(frozen=True, slots=True)
class Weight:
    """The weight of one component where everything about the case is average."""

    component: str
    old: float
    new: float


@dataclass(frozen=True, eq=False)
class Reweighed:
    """A proposal and its expected gain.

    ``pool`` are the proposed weights, fitted on ``fitted_on`` cases since ``since``. ``test`` is
    the difference of NDCG@10, refitted less old, on ``held_out`` newest cases of as many users,
    from ``held_out_since`` on; ``old`` and ``new`` are the two means.
    """

    model_id: str
    pool: Pool
    weights: tuple[Weight, ...]
    test: PairedTest
    old: float
    new: float
    fitted_on: int
    since: datetime
    held_out: int
    held_out_since: datetime

    @property
    def is_better(self) -> bool:
        """Whether the interval of the gain is above 0; else the old weights are kept."""
        return self.test.difference.low > 0

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the verb ``reweigh``."""
        gain = self.test.difference
        return {
            "model_id": self.model_id,
            "fitted_on": self.fitted_on,
            "since": self.since.isoformat(),
            "held_out": self.held_out,
            "held_out_since": self.held_out_since.isoformat(),
            "old_ndcg": self.old,
            "new_ndcg": self.new,
            "gain": gain.mean,
            "gain_ci": [gain.low, gain.high],
            "is_better": self.is_better,
            "weights": {each.component: [each.old, each.new] for each in self.weights},
        }


def reweigh(
    corpus: Corpus,
    model_id: str,
    joint: Joint,
    data: TrainingData,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Reweighed:
    """Refit the weights of a joint on the newest validation cases of ``data``.

    DomainError for a corpus without times, and with too few cases. Raises Stopped.
    """
    if corpus.manifest.order_as_time:
        raise DomainError(
            tr("this corpus has no times, so which cases are newest isn't known"),
            where=tr("corpus {name}", name=corpus.name),
            remedy=tr("Save a strategy with the model's own weights"),
        )
    cases = sorted(data.validation, key=lambda case: (case.target_time, case.history.user_id))
    cases = cases[-MOST_CASES:]
    open_ = [case for case in cases if case.is_open]
    if len(open_) < LEAST_CASES:
        raise DomainError(
            tr(
                "there are {n} validation cases; a refit needs {least}",
                n=len(open_),
                least=LEAST_CASES,
            ),
            where=tr("corpus {name}", name=corpus.name),
            remedy=tr("Import more users with five or more events"),
        )
    n = len(open_)
    histories = [case.history for case in open_]
    encoded = EncodedHistories.of(histories, data.item_index)
    gated = joint.gate(features_of(histories, encoded, data.item_counts))
    contenders = reduce_cases(joint.components, open_, data, gated, progress, stop)
    place = np.arange(n)
    first_held_out = n - round(HELD_OUT * n)
    earlier, held_out = place < first_held_out, place >= first_held_out

    def fitted(rows: BoolArray, number: int, centre: Pool | None = None) -> Pool:
        check_stop(stop)
        report(progress, Progress(STAGE, number, 3))
        pull = PENALTY if centre is None else PULL
        return fit_pool(contenders.take(rows), POWER, pull / int(rows.sum()), centre)

    old = fitted(earlier, 0)
    new = fitted(earlier & (place >= round((1 - NEWEST) * first_held_out)), 1, old)
    judged, since = contenders.take(held_out), open_[first_held_out].target_time
    # A target that the user already had is a miss whatever the weights are.
    asked = [*open_[first_held_out:]]
    asked += [each for each in cases if each.target_time >= since and not each.is_open]
    users = [case.history.user_id for case in asked]
    misses = np.zeros(len(asked) - len(judged))
    of_old = np.concatenate([_gains(judged, old), misses])
    of_new = np.concatenate([_gains(judged, new), misses])
    start = n - round(NEWEST * n)
    own = joint.pool.scaled(1.0 / best_factor(judged.own(old), judged.offset))
    pool = fitted(place >= start, 2, own).scaled(best_factor(judged.own(new), judged.offset))
    return Reweighed(
        model_id=model_id,
        pool=pool,
        weights=_weights(joint, pool),
        test=compare_paired(of_new, of_old, users),
        old=float(of_old.mean()),
        new=float(of_new.mean()),
        fitted_on=n - start,
        since=open_[start].target_time,
        held_out=len(users),
        held_out_since=since,
    )


def _gains(cases: Contenders, pool: Pool) -> DoubleArray:
    return ndcg(contender_ranks(cases.own(pool), cases.offset), K)


def _weights(joint: Joint, pool: Pool) -> tuple[Weight, ...]:
    pairs: Sequence[tuple[float, float]] = list(
        zip(joint.pool.weights[:, 0].tolist(), pool.weights[:, 0].tolist(), strict=True)
    )
    return tuple(
        Weight(component.id, old, new)
        for component, (old, new) in zip(joint.components, pairs, strict=True)
    )

"""The single targets behind a figure of the Quality page, the worst placed first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.arrays import BoolArray
from core.evaluate.report import EvaluationReport
from core.language import tr
from core.views.quality.build import periods_of
from core.views.quality.sentences import name_of
from core.views.wording import capital, count, joined, number

if TYPE_CHECKING:
    from core.engine import Engine

MOST = 300
ALL = "all"
"""The group of all targets."""


@dataclass(frozen=True, slots=True, eq=False)
class CasesView:
    """Targets of one group."""

    sentence: str
    """How many of them are in the lists."""
    rows: pd.DataFrame
    """A target each: user_id, step (events known), item_id, item (its name), rank and rival (None
    without one): its places in both recommenders' lists, NaN where the user already had it."""


def build_cases(
    engine: Engine, report: EvaluationReport, subject: str, rival: str | None, group: str
) -> CasesView:
    """The targets of a period or cohort, or of ``ALL``; at most ``MOST`` of them."""
    where = np.flatnonzero(_among(report, group))
    corpus, ranks = engine.corpus, report.result(subject).rank
    placed = np.where(np.isfinite(ranks), ranks, np.nan)
    order = where[np.argsort(-np.nan_to_num(placed[where], nan=-1.0), kind="stable")]
    shown = order[:MOST]
    items = [corpus.item_ids[item] for item in report.targets[shown].tolist()]
    rows = pd.DataFrame(
        {
            "user_id": [report.users[case] for case in shown.tolist()],
            "step": report.steps[shown],
            "item": [corpus.title(item) for item in items],
            "item_id": items,
            "rank": placed[shown],
        }
    )
    hits = {subject: int((ranks[where] <= report.k).sum())}
    if rival is not None:
        other = report.result(rival).rank
        rows["rival"] = np.where(np.isfinite(other), other, np.nan)[shown]
        hits[rival] = int((other[where] <= report.k).sum())
    said: dict[str, object] = {
        "name": capital(name_of(subject)),
        "n": number(hits[subject]),
        "targets": count(len(where), "target"),
        "k": report.k,
    }
    if rival is None or rival == subject:
        sentence = tr("{name} has {n} of {targets} in the list of {k}.", **said)
    else:
        sentence = tr(
            "{name} has {n} and {rival} has {m} of {targets} in the list of {k}.",
            rival=name_of(rival),
            m=number(hits[rival]),
            **said,
        )
    if len(where) > MOST:
        sentence = joined(sentence, tr("The {n} worst placed:", n=number(MOST)))
    return CasesView(sentence, rows)


def _among(report: EvaluationReport, group: str) -> BoolArray:
    if group == ALL:
        return np.ones(len(report.users), bool)
    if group in report.cohorts:
        return report.cohorts[group]
    return np.asarray(periods_of(report.months)[1] == group)

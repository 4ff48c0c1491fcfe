"""The Quality page: does the model beat what a user would pick instead, where, and by what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.arrays import BoolArray, IntArray
from core.evaluate.report import CalibrationBin, EvaluationReport
from core.measure.intervals import Interval
from core.ranking import NO_ITEM
from core.views import quality_wording as wording

if TYPE_CHECKING:
    from core.engine import Engine
    from core.evaluate.served import ListsJudged

FEW = 30
"""Groups with fewer cases are said to be too few to tell."""


@dataclass(frozen=True, slots=True)
class RecommenderRow:
    """One recommender on all targets, and on those that training has seen."""

    recommender: str
    """Its id; the name of imported lists."""
    is_subject: bool
    """True for the one that the page is about."""
    is_served: bool
    """True for imported lists."""
    ndcg: Interval
    """NDCG at k on all targets."""
    seen: Interval
    """NDCG at k on targets with a training event."""
    lead: Interval | None
    """By how much the subject is ahead of it, paired; None for the subject itself."""
    recall: float
    """Share of targets in the list."""
    mrr: float
    """Mean reciprocal rank at k."""
    log_probability: float
    """Mean log-probability of the target, nats; NaN for lists."""
    coverage: float
    """Share of the catalogue in at least one list."""
    novelty: float
    """Bits."""
    diversity: float
    """Mean cosine distance between the items of a list; NaN where not measured."""
    popularity_bias: float
    """Training events of listed items, as a multiple of a typical choice."""
    never: int
    """Items of the catalogue that are in no list."""


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A calendar period or a cohort."""

    name: str
    """Such as ``2014-03``, ``2014-Q1``, ``2014`` or ``new user``."""
    cases: int
    """Targets in it."""
    subject: Interval
    """NDCG of the page's recommender."""
    rival: Interval | None
    """NDCG of the best baseline; None without one."""

    @property
    def few(self) -> bool:
        """Whether it is too small to tell anything."""
        return self.cases < FEW


@dataclass(frozen=True, slots=True, eq=False)
class QualityView:
    """One protocol from one recommender's point of view."""

    protocol: str
    """``leave-last-out`` or ``temporal``."""
    k: int
    """Length of the lists."""
    subject: str
    """The recommender that the page is about."""
    rival: str | None
    """The best baseline on all targets."""
    targets: int
    """Cases judged."""
    users: int
    """Different users among them."""
    unseen_targets: int
    """Cases whose target has no training event."""
    verdict: str
    """Wins, loses or can't be told, in one sentence."""
    seen_verdict: str | None
    """The same on targets that training has seen, where the rest are notable."""
    cautions: tuple[str, ...]
    """What to keep in mind, each a sentence."""
    rows: tuple[RecommenderRow, ...]
    """All recommenders, best first."""
    period: str
    """``month``, or ``quarter`` or ``year`` where months have too few targets."""
    periods: tuple[GroupRow, ...]
    """By calendar period of the target, in order."""
    periods_sentence: str
    """Reads them."""
    cohorts: tuple[GroupRow, ...]
    """By kind of user and of target."""
    cohorts_sentence: str
    """Reads the cohorts."""
    calibration: tuple[CalibrationBin, ...]
    """Promise and hits of the subject; empty for lists, which promise nothing."""
    calibration_sentence: str
    """Reads the calibration."""

    @property
    def shows_seen(self) -> bool:
        """Whether both figures are drawn."""
        return self.seen_verdict is not None


def build_quality(
    engine: Engine,
    report: EvaluationReport,
    served: Sequence[ListsJudged],
    subject: str,
    damaged: Sequence[str] = (),
) -> QualityView:
    """The view of one report; ``subject`` is one of its recommenders.

    ``damaged``: names of imported lists that could not be read.
    """
    lists = {judged.result.recommender for judged in served}
    baselines = _baselines(report, served, subject)
    seen = report.seen_targets
    everything, on_seen = report.ndcg_intervals(), report.ndcg_intervals(seen)
    rival = _best(report, baselines)
    n, unseen = len(report.users), int((~seen).sum())
    verdict, seen_verdict = _verdicts(report, baselines, subject)
    period, of_case = _periods(report.months)
    periods = tuple(
        _group(report, str(name), of_case == name, subject, rival) for name in np.unique(of_case)
    )
    cohorts = tuple(
        _group(report, name, who, subject, rival)
        for name, who in report.cohorts.items()
        if who.any()
    )
    bins = tuple(report.calibration(subject)) if n else ()
    users = len(set(report.users))
    return QualityView(
        protocol=report.protocol,
        k=report.k,
        subject=subject,
        rival=rival,
        targets=n,
        users=users,
        unseen_targets=unseen,
        verdict=verdict,
        seen_verdict=seen_verdict,
        cautions=(
            *wording.about_targets(report, _listed_hint(engine, report)),
            *(wording.about_lists(report, subject, judged) for judged in served),
            *wording.damaged_lists(damaged),
            *map(str, engine.failures.values()),
        ),
        rows=_rows(report, subject, lists, everything, on_seen),
        period=period,
        periods=periods,
        periods_sentence=wording.periods(subject, periods, period),
        cohorts=cohorts,
        cohorts_sentence=wording.cohorts(subject, cohorts),
        calibration=bins,
        calibration_sentence=wording.calibration(subject, bins, report.k),
    )


def build_verdict(report: EvaluationReport, served: Sequence[ListsJudged], subject: str) -> str:
    """The verdict alone: on all targets, and on those seen in training where the rest count."""
    verdict, seen_verdict = _verdicts(report, _baselines(report, served, subject), subject)
    return verdict if seen_verdict is None else f"{verdict} {seen_verdict}"


def _verdicts(
    report: EvaluationReport, baselines: Sequence[str], subject: str
) -> tuple[str, str | None]:
    seen, n = report.seen_targets, len(report.users)
    whole = wording.verdict(report, subject, _best(report, baselines), None)
    if not 0 < seen.sum() < n or (~seen).sum() / n < wording.NOTABLE_UNSEEN:
        return whole, None
    return whole, wording.verdict(report, subject, _best(report, baselines, seen), seen)


def _baselines(report: EvaluationReport, served: Sequence[ListsJudged], subject: str) -> list[str]:
    ours = {*wording.MODELS, subject, *(judged.result.recommender for judged in served)}
    names = [result.recommender for result in report.results]
    return [name for name in names if name not in ours]


def _periods(months: npt.NDArray[np.str_]) -> tuple[str, npt.NDArray[np.str_]]:
    """The shortest period with which most targets are in groups large enough, and each case's."""
    parts = [month.split("-") for month in months.tolist()]
    names = {
        "month": months,
        "quarter": np.array([f"{y}-Q{(int(m) + 2) // 3}" for y, m in parts], dtype=np.str_),
        "year": np.array([year for year, _ in parts], dtype=np.str_),
    }
    for period in ("month", "quarter"):
        _, size = np.unique(names[period], return_counts=True)
        if size[size >= FEW].sum() > 0.6 * len(months):
            return period, names[period]
    return "year", names["year"]


def _best(
    report: EvaluationReport, among: Sequence[str], cases: BoolArray | None = None
) -> str | None:
    where = slice(None) if cases is None else cases
    return max(among, key=lambda name: float(report.ndcg(name)[where].sum()), default=None)


def _listed_hint(engine: Engine, report: EvaluationReport) -> tuple[int, int]:
    """Catalogue items without a training event, and how many of them are a target."""
    unseen = np.flatnonzero(engine.training_counts == 0)
    return len(unseen), int(np.isin(unseen, report.targets).sum())


def _group(
    report: EvaluationReport,
    name: str,
    who: BoolArray,
    subject: str,
    rival: str | None,
) -> GroupRow:
    found = report.ndcg_intervals(who)
    return GroupRow(name, int(who.sum()), found[subject], found[rival] if rival else None)


def _rows(
    report: EvaluationReport,
    subject: str,
    lists: set[str],
    everything: dict[str, Interval],
    on_seen: dict[str, Interval],
) -> tuple[RecommenderRow, ...]:
    leads = report.leads(subject)
    found = []
    for result in report.results:
        name = result.recommender
        figures = report.figures(name)
        found.append(
            RecommenderRow(
                recommender=name,
                is_subject=name == subject,
                is_served=name in lists,
                ndcg=everything[name],
                seen=on_seen[name],
                lead=None if name == subject else leads[name],
                never=report.n_items - len(listed_items(report, name)),
                **{key: figures[key] for key in _FIGURES},
            )
        )
    return tuple(sorted(found, key=lambda row: -row.ndcg.mean))


_FIGURES = (
    "recall",
    "mrr",
    "log_probability",
    "coverage",
    "novelty",
    "diversity",
    "popularity_bias",
)


def listed_items(report: EvaluationReport, recommender: str) -> IntArray:
    """Catalogue indices that are in any of a recommender's lists, int64[n], ascending."""
    lists = report.result(recommender).lists
    return np.unique(lists[lists != NO_ITEM])

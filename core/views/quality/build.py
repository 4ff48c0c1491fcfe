"""The Quality page: does the model beat what a user would pick instead, where, and by what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.arrays import BoolArray, IntArray
from core.corpus.store import Library
from core.domain import DomainError
from core.evaluate.ablations import Ablation
from core.evaluate.protocols import sample_of
from core.evaluate.report import EvaluationReport
from core.evaluate.served import served_manifests, served_names
from core.language import tr
from core.ranking import NO_ITEM
from core.views.quality import model_sentences, sentences
from core.views.quality.rows import (
    FEW,
    AblationRow,
    AblationView,
    GroupRow,
    NeverView,
    QualityView,
    RecommenderRow,
)
from core.views.wording import ORDER_ONLY, joined

if TYPE_CHECKING:
    from core.engine import Engine
    from core.evaluate.served import ListsJudged

EXAMPLES = 100


def build_quality(
    engine: Engine,
    report: EvaluationReport,
    served: Sequence[ListsJudged],
    subject: str,
    damaged: Sequence[str] = (),
    failures: Mapping[str, DomainError] | None = None,
) -> QualityView:
    """The view of one report; ``subject`` is one of its recommenders.

    ``damaged``: names of imported lists that could not be read; ``failures``: why own recommenders
    are left out, by id.
    """
    left_out = dict(engine.failures) | dict(failures or {})
    known = {*(result.recommender for result in report.results), *left_out}
    over_time = report.protocol != "leave-last-out"
    own = [each for each in engine.registered if not (each.follows_model and over_time)]
    left_aside = len(engine.registered) - len(own)
    not_evaluated = tuple(each.id for each in own if each.id not in known)
    baselines = _baselines(report, served, subject, strategies_of(engine))
    rival = _best(report, baselines)
    n = len(report.users)
    verdict, seen_verdict = _verdicts(report, baselines, subject)
    period, of_case = periods_of(report.months)
    untimed = engine.corpus.manifest.order_as_time
    periods = tuple(
        _group(report, str(name), of_case == name, subject, rival)
        for name in (() if untimed else np.unique(of_case))
    )
    cohorts = tuple(
        _group(report, name, who, subject, rival)
        for name, who in report.cohorts.items()
        if who.any()
    )
    bins = tuple(report.calibration(subject)) if n else ()
    return QualityView(
        protocol=report.protocol,
        k=report.k,
        subject=subject,
        rival=rival,
        targets=n,
        unseen_targets=int((~report.seen_targets).sum()),
        verdict=verdict,
        seen_verdict=seen_verdict,
        cautions=(
            *([tr(ORDER_ONLY)] if untimed else []),
            *sentences.about_targets(report, _untrained_items(engine, report)),
            *sentences.about_sample(sample_of(report, engine.corpus)),
            *(sentences.about_lists(report, subject, judged) for judged in served),
            *sentences.damaged_lists(damaged),
            *sentences.not_evaluated(not_evaluated),
            *([tr(sentences.STRATEGIES_OVER_TIME)] if left_aside else []),
            *map(str, left_out.values()),
        ),
        not_evaluated=not_evaluated,
        rows=_rows(report, subject),
        periods=periods,
        periods_sentence=sentences.periods(subject, periods, period),
        cohorts=cohorts,
        cohorts_sentence=sentences.cohorts(subject, cohorts),
        calibration=bins,
        calibration_sentence=sentences.calibration(subject, bins, report.k),
    )


def strategies_of(engine: Engine) -> tuple[str, ...]:
    """Ids of the strategies of a model: they adjust its joint, so they are no baselines."""
    return tuple(own.id for own in engine.registered if own.follows_model)


def build_verdict(
    report: EvaluationReport,
    served: Sequence[ListsJudged],
    subject: str,
    strategies: Collection[str] = (),
) -> str:
    """The verdict alone: on all targets, and on those seen in training where the rest count.

    ``strategies`` are no baselines.
    """
    baselines = _baselines(report, served, subject, strategies)
    verdict, seen_verdict = _verdicts(report, baselines, subject)
    return joined(verdict, seen_verdict or "")


def _verdicts(
    report: EvaluationReport, baselines: Sequence[str], subject: str
) -> tuple[str, str | None]:
    seen, n = report.seen_targets, len(report.users)
    whole = sentences.verdict(report, subject, _best(report, baselines), None)
    if not 0 < seen.sum() < n or (~seen).sum() / n < sentences.NOTABLE_UNSEEN:
        return whole, None
    return whole, sentences.verdict(report, subject, _best(report, baselines, seen), seen)


def _baselines(
    report: EvaluationReport,
    served: Sequence[ListsJudged],
    subject: str,
    strategies: Collection[str],
) -> list[str]:
    ours = {*sentences.MODELS, subject, *strategies}
    ours |= {judged.result.recommender for judged in served}
    names = [result.recommender for result in report.results]
    return [name for name in names if name not in ours]


def periods_of(months: npt.NDArray[np.str_]) -> tuple[str, npt.NDArray[np.str_]]:
    """The shortest period with which most targets are in groups large enough, and each case's."""
    pieces = [month.split("-") for month in months.tolist()]
    names = {
        "month": months,
        "quarter": np.array([f"{y}-Q{(int(m) + 2) // 3}" for y, m in pieces], dtype=np.str_),
        "year": np.array([year for year, _ in pieces], dtype=np.str_),
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


def _untrained_items(engine: Engine, report: EvaluationReport) -> tuple[int, int]:
    """Catalogue items without a training event, and how many of them are a target."""
    unseen = np.flatnonzero(engine.training_counts == 0)
    return len(unseen), int(np.isin(unseen, report.targets).sum())


def _group(
    report: EvaluationReport, name: str, who: BoolArray, subject: str, rival: str | None
) -> GroupRow:
    ndcg = report.ndcg_intervals(who)
    return GroupRow(name, int(who.sum()), ndcg[subject], ndcg[rival] if rival else None)


def _rows(report: EvaluationReport, subject: str) -> tuple[RecommenderRow, ...]:
    leads, everything = report.leads(subject), report.ndcg_intervals()
    on_seen = report.ndcg_intervals(report.seen_targets)
    rows = []
    for result in report.results:
        name = result.recommender
        figures = report.figures(name)
        del figures["ndcg"]
        rows.append(
            RecommenderRow(
                recommender=name,
                is_subject=name == subject,
                ndcg=everything[name],
                seen=on_seen[name],
                lead=None if name == subject else leads[name],
                never=report.n_items - len(listed_items(report, name)),
                **figures,
            )
        )
    return tuple(sorted(rows, key=lambda row: -row.ndcg.mean))


def listed_items(report: EvaluationReport, recommender: str) -> IntArray:
    """Catalogue indices that are in any of a recommender's lists, int64[n], ascending."""
    lists = report.result(recommender).lists
    return np.unique(lists[lists != NO_ITEM])


def build_never(engine: Engine, report: EvaluationReport, subject: str) -> NeverView:
    """The items that none of the subject's evaluated lists has."""
    topics, corpus = engine.topics, engine.corpus
    never = np.setdiff1d(np.arange(report.n_items), listed_items(report, subject))
    counts = engine.training_counts
    size = np.bincount(topics.item_topic, minlength=len(topics.names))
    lost = np.bincount(topics.item_topic[never], minlength=len(topics.names))
    order = [topic for topic in np.argsort(-lost, kind="stable").tolist() if lost[topic]]
    wanted = np.bincount(report.targets, minlength=report.n_items)
    first = never[np.lexsort((never, -wanted[never], -counts[never]))][:EXAMPLES]
    names, item_ids = np.array(topics.names), [corpus.item_ids[item] for item in first]
    by_topic = {"topic": names[order], "never": lost[order], "items": size[order]}
    items = {
        "item_id": item_ids,
        "title": [corpus.title(item_id) for item_id in item_ids],
        "topic": names[topics.item_topic[first]],
        "training_events": counts[first],
        "targets": wanted[first],
    }
    trained, missed = int((counts[never] > 0).sum()), int(wanted[never].sum())
    largest = (names[order[0]], lost[order[0]]) if order else ("", 0)
    return NeverView(
        sentences.never(subject, report, len(never), trained, missed, largest),
        pd.DataFrame(by_topic),
        pd.DataFrame(items),
    )


def build_ablation(measured: Ablation, user: str | None = None, trained: int = 0) -> AblationView:
    """An ablation over a corpus, or one user's steps, ``trained`` of them seen in training."""
    rows = tuple(
        AblationRow(
            part, int(answer.changed.sum()), measured.loss(part).difference, measured.nats(part)
        )
        for part, answer in measured.without.items()
    )
    cases, users = len(measured.users), len(set(measured.users))
    return AblationView(
        cases=cases,
        rows=rows,
        sentence=model_sentences.ablation(
            measured.recommender, rows, measured.whole_ndcg, users, measured.k
        )
        if user is None
        else model_sentences.ablation_of_user(user, rows, cases, trained),
    )


def list_cautions(
    library: Library, corpus_name: str, among: Collection[str] | None = None
) -> list[str]:
    """What is wrong with imported lists of a corpus, all or those of these names: sentences.

    They are damaged, or were imported when the corpus had other content.
    """
    held = {lists.name: lists for lists in served_manifests(corpus_name, library)}
    manifest = library.manifest(corpus_name)
    names = [name for name in served_names(corpus_name, library) if among is None or name in among]
    other = [name for name in names if name in held and held[name].is_of_other_content(manifest)]
    damaged = [name for name in names if name not in held]
    return [*sentences.lists_of_other_content(other), *sentences.damaged_lists(damaged)]

"""Recommenders side by side on the same cases: figures, intervals, cohorts, months."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import chain, groupby
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from core.cluster import HERE
from core.domain import History
from core.evaluate.once import asked_once
from core.language import tr
from core.measure.cases import UNSEEN, Case, cohorts_of, targets_of
from core.measure.metrics import (
    Interval,
    PairedTest,
    bootstrap_columns,
    compare_paired,
    coverage,
    intra_list_diversity,
    ndcg,
    novelty,
    popularity_bias,
    recall,
    reciprocal_rank,
)
from core.model.metrics import Score
from core.progress import Progress, ProgressCallback, StopCallback, report
from core.ranking import NO_ITEM, ExcludedItems, target_ranks, top_items
from core.recommend.protocol import Recommender, batches
from core.recommend.training_data import TrainingData
from core.threads import LARGE_PIECES_EACH, in_threads

CELLS_PER_BATCH, CELLS_IN_THREADS = 8_000_000, 4_000_000
"""Scores of a recommender held at a time: 32 MB in float32, or half of it in each thread."""
MANY_CELLS = 100_000_000
"""Scores of a recommender above which batches of cases are judged side by side."""


@dataclass(frozen=True, eq=False)
class Result:
    """One recommender on every case.

    ``rank`` float64[n] of each target (infinite where it was excluded, a miss); ``log_probability``
    float64[n] the target's score in nats; ``lists`` int64[n, k] of catalogue indices; ``novelty``
    float64[n] bits, ``diversity`` float64[n] mean cosine distance (NaN without item text),
    ``popularity_bias`` float64[n] times the count of a typical choice; ``promised`` float64[n] the
    predicted probability that the target is in the list.
    """

    recommender: str
    rank: DoubleArray
    log_probability: DoubleArray
    lists: IntArray
    novelty: DoubleArray
    diversity: DoubleArray
    popularity_bias: DoubleArray
    promised: DoubleArray


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Cases of similar predicted probability: its mean, the share of hits, the number of cases."""

    promised: float
    kept: float
    cases: int


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """All results of one protocol, aligned with its cases.

    ``steps`` int64[n_cases] is the number of known events of each case, so its target is the event
    after it; ``targets`` int64[n_cases] its catalogue index; ``months`` (UTC, ``2014-03``) and
    ``cohorts`` (a name to bool[n_cases]) sort them. ``excluded_targets`` counts the cases whose
    target the user already had: no recommender can hit them, and they count as misses.
    """

    protocol: str
    k: int
    n_items: int
    users: tuple[str, ...]
    steps: IntArray
    targets: IntArray
    months: npt.NDArray[np.str_]
    cohorts: dict[str, BoolArray]
    excluded_targets: int
    results: tuple[Result, ...]

    @property
    def seen_targets(self) -> BoolArray:
        """Cases whose target has a training event, bool[n_cases]."""
        return ~self.cohorts[UNSEEN]

    @property
    def names(self) -> list[str]:
        """Ids of the recommenders, in the order of the results."""
        return [result.recommender for result in self.results]

    def result(self, recommender: str) -> Result:
        """The result of one recommender id; KeyError when it was not evaluated."""
        return {result.recommender: result for result in self.results}[recommender]

    def of_users(self, user_ids: Collection[str]) -> BoolArray:
        """The cases of some users, bool[n_cases]."""
        wanted = frozenset(user_ids)
        return np.fromiter((user in wanted for user in self.users), np.bool_, len(self.users))

    def with_cohort(self, name: str, who: BoolArray, others: str) -> EvaluationReport:
        """The same with a cohort bool[n_cases] and all ``others`` among its cohorts."""
        return replace(self, cohorts={**self.cohorts, name: who, others: ~who})

    def among(self, who: BoolArray) -> EvaluationReport:
        """The cases bool[n_cases] alone."""
        where = np.flatnonzero(who)
        results = tuple(
            replace(
                result,
                **{each.name: getattr(result, each.name)[where] for each in fields(Result)[1:]},
            )
            for result in self.results
        )
        misses = [np.isinf(result.rank) for result in results]
        return replace(
            self,
            users=tuple(self.users[at] for at in where.tolist()),
            steps=self.steps[where],
            targets=self.targets[where],
            months=self.months[where],
            cohorts={name: part[where] for name, part in self.cohorts.items()},
            excluded_targets=int(np.all(misses, axis=0).sum()) if misses else 0,
            results=results,
        )

    def ndcg(self, recommender: str) -> DoubleArray:
        """NDCG at k of each case, float64[n_cases]: what pairs two recommenders."""
        return ndcg(self.result(recommender).rank, self.k)

    def ndcg_intervals(self, among: BoolArray | None = None) -> dict[str, Interval]:
        """Mean NDCG at k of every recommender by id, over all or the marked cases; else NaN."""
        return self._intervals([self.ndcg(name) for name in self.names], among)

    def leads(self, first: str, among: BoolArray | None = None) -> dict[str, Interval]:
        """By how much NDCG ``first`` is ahead of every recommender, paired, by id."""
        own = self.ndcg(first)
        return self._intervals([own - self.ndcg(name) for name in self.names], among)

    def compare(self, first: str, second: str, among: BoolArray | None = None) -> PairedTest:
        """Paired test of the NDCG of two recommenders, on all cases or those marked."""
        where = slice(None) if among is None else among
        users = np.array(self.users, object)[where].tolist()
        return compare_paired(self.ndcg(first)[where], self.ndcg(second)[where], users)

    def _intervals(
        self, columns: Sequence[DoubleArray], among: BoolArray | None
    ) -> dict[str, Interval]:
        where = slice(None) if among is None else among
        values = np.column_stack(columns)[where]
        users = np.array(self.users, object)[where].tolist()
        return dict(zip(self.names, bootstrap_columns(values, users), strict=True))

    def calibration(self, recommender: str, bins: int = 10) -> list[CalibrationBin]:
        """Predicted against observed hits, in bins of equally many cases by predicted probability.

        Empty for served lists, which have no probabilities.
        """
        result = self.result(recommender)
        if np.isnan(result.promised).any():
            return []
        hit = recall(result.rank, self.k)
        groups = np.array_split(np.argsort(result.promised, kind="stable"), bins)
        return [
            CalibrationBin(_mean(result.promised[rows]), _mean(hit[rows]), len(rows))
            for rows in groups
            if len(rows)
        ]

    def figures(self, recommender: str) -> dict[str, float]:
        """Every mean of one recommender by name."""
        result = self.result(recommender)
        return {
            "ndcg": _mean(ndcg(result.rank, self.k)),
            "recall": _mean(recall(result.rank, self.k)),
            "mrr": _mean(reciprocal_rank(result.rank, self.k)),
            "log_probability": _mean(result.log_probability),
            "coverage": coverage(result.lists, self.n_items),
            "novelty": _mean(result.novelty),
            "diversity": _mean(result.diversity),
            "popularity_bias": _mean(result.popularity_bias),
        }

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the verb ``evaluate`` (docs/contracts.md), with NaN as null."""
        return {
            "protocol": self.protocol,
            "users": len(set(self.users)),
            "targets": len(self.users),
            "excluded_targets": self.excluded_targets,
            "results": [score.model_dump(mode="json") for score in self.scores],
        }

    @cached_property
    def scores(self) -> list[Score]:
        """The means of every recommender with the interval of its NDCG."""
        intervals = self.ndcg_intervals() if self.results else {}
        return [
            Score(
                recommender=name,
                ndcg_ci=(known(interval.low), known(interval.high)),
                **{figure: known(value) for figure, value in self.figures(name).items()},
            )
            for name, interval in intervals.items()
        ]


class Question(NamedTuple):
    """Which cases a recommender is asked, all at once."""

    recommender: str
    first: int
    end: int


class Judge:
    """Asks recommenders for lists at cases, and measures them as ``evaluate`` says."""

    def __init__(
        self,
        recommenders: Sequence[Recommender],
        cases: Sequence[Case],
        data: TrainingData,
        k: int,
    ) -> None:
        self.recommenders = {recommender.id: recommender for recommender in recommenders}
        self.cases, self.data, self.k = cases, data, k
        self.targets = targets_of(cases, data.item_index)
        self._last: tuple[int, list[History], ExcludedItems] | None = None

    @property
    def is_large(self) -> bool:
        """Whether batches are judged side by side."""
        return len(self.cases) * self.data.n_items > MANY_CELLS

    @property
    def questions(self) -> list[Question]:
        """All questions, batch by batch."""
        cells = CELLS_IN_THREADS if self.is_large else CELLS_PER_BATCH
        rows = batches(len(self.cases), self.data.n_items, cells)
        return [Question(name, row.start, row.stop) for row in rows for name in self.recommenders]

    def answer(self, question: Question) -> Result:
        """The result of one recommender on these cases."""
        rows = slice(question.first, question.end)
        if self._last is None or self._last[0] != question.first:
            histories = [case.history for case in self.cases[rows]]
            excluded = ExcludedItems.of(histories, self.data.item_index)
            self._last = question.first, histories, excluded
        _, histories, excluded = self._last
        scores = self.recommenders[question.recommender].log_probabilities(histories)
        lists, targets = top_items(scores, excluded, self.k), self.targets[rows]
        return Result(
            question.recommender,
            rank=target_ranks(scores, targets, excluded),
            log_probability=scores[np.arange(len(scores)), targets].astype(float),
            lists=lists,
            promised=_promised(scores, lists),
            **list_qualities(lists, self.data),
        )


Ask = Callable[[Sequence[Question], StopCallback | None], Iterator[Result]]
"""Gives the answers to questions, in their order."""


def evaluate(
    recommenders: Sequence[Recommender],
    cases: Sequence[Case],
    data: TrainingData,
    k: int = 10,
    protocol: str = "leave-last-out",
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    ask: Ask | None = None,
) -> EvaluationReport:
    """Ask every recommender for a list at every case, in batches of bounded memory.

    ``data`` is what the recommenders were trained on: its catalogue and counts define cohorts,
    novelty and popularity bias. ``ask`` has others answer, such as ``on_nodes.asking``.
    """
    judge = Judge(asked_once(recommenders), cases, data, k)
    targets, counts, questions = judge.targets, data.item_counts, judge.questions
    answers: dict[str, list[Result]] = {name: [] for name in judge.recommenders}
    done, total = 0, len(cases) * len(recommenders)

    def together(some: Sequence[Question]) -> list[Result]:
        own = Judge(asked_once(recommenders), cases, data, k)  # it keeps the batch's last answers
        return list(HERE.map(own.answer, some, stop))

    if ask:
        told = ask(questions, stop)
    elif judge.is_large:
        asked = (list(some) for _, some in groupby(questions, key=attrgetter("first")))
        told = chain.from_iterable(in_threads(together, asked, stop, LARGE_PIECES_EACH))
    else:
        told = HERE.map(judge.answer, questions, stop)
    for question, result in zip(questions, told, strict=True):
        answers[question.recommender].append(result)
        done += question.end - question.first
        name = question.recommender
        report(progress, Progress(tr("evaluate {name}", name=name), done, total))
    return EvaluationReport(
        protocol=protocol,
        k=k,
        n_items=data.n_items,
        users=tuple(case.history.user_id for case in cases),
        steps=np.fromiter((len(case.history) for case in cases), np.int64, len(cases)),
        targets=targets,
        months=np.array([case.target_time.strftime("%Y-%m") for case in cases], np.str_),
        cohorts=cohorts_of(cases, counts[targets], counts),
        excluded_targets=sum(case.target in case.history.excluded_items() for case in cases),
        results=tuple(joined(name, results, k) for name, results in answers.items()),
    )


def pooled(reports: Sequence[EvaluationReport]) -> EvaluationReport:
    """Reports of the same recommenders and catalogue as one, as for the temporal cuts."""
    first = reports[0]
    return replace(
        first,
        users=tuple(user for report in reports for user in report.users),
        steps=np.concatenate([report.steps for report in reports]),
        targets=np.concatenate([report.targets for report in reports]),
        months=np.concatenate([report.months for report in reports]),
        cohorts={
            name: np.concatenate([report.cohorts[name] for report in reports])
            for name in first.cohorts
        },
        excluded_targets=sum(report.excluded_targets for report in reports),
        results=tuple(
            joined(name, [report.result(name) for report in reports], first.k)
            for name in first.names
        ),
    )


def list_qualities(lists: IntArray, data: TrainingData) -> dict[str, DoubleArray]:
    """The fields of ``Result`` that need only the lists int64[n, k], each float64[n]."""
    counts, vectors = data.item_counts, data.item_vectors
    return {
        "novelty": novelty(lists, counts),
        "diversity": np.full(len(lists), np.nan)
        if vectors is None
        else intra_list_diversity(lists, vectors),
        "popularity_bias": popularity_bias(lists, counts, float(counts[data.item].mean())),
    }


def joined(name: str, results: Sequence[Result], k: int) -> Result:
    """Results of one recommender on several batches of cases as one.

    Figures have single precision, as they are kept: they are the same when they are read again.
    """
    columns: dict[str, Any] = {
        field.name: np.concatenate([getattr(result, field.name) for result in results])
        if results
        else np.empty((0, k) if field.name == "lists" else 0, np.int64)
        for field in fields(Result)[1:]
    }
    for field, values in columns.items():
        if values.dtype == np.float64:
            columns[field] = values.astype(np.float32).astype(np.float64)
    return Result(name, **columns)


def _promised(scores: FloatArray, lists: IntArray) -> DoubleArray:
    chances = np.exp(np.take_along_axis(scores, np.maximum(lists, 0), axis=1).astype(np.float64))
    return np.asarray(np.where(lists == NO_ITEM, 0.0, chances).sum(axis=1))


def _mean(values: DoubleArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def known(value: float) -> float | None:
    """None for NaN, as JSON has it."""
    return None if np.isnan(value) else value

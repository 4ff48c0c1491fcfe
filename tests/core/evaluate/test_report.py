"""The table that pages and the command line show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest

from core import threads
from core.corpus.split import leave_last_out
from core.corpus.store import Corpus
from core.domain import History, Part, Stopped
from core.evaluate import report as report_module
from core.evaluate.report import evaluate, pooled
from core.measure.cases import Case, cases, cohorts_of, leave_last_out_cases, temporal_splits
from core.progress import Progress
from core.recommend.baseline import Baseline, fit_baselines
from core.recommend.joint import fit_joint
from core.recommend.training_data import TrainingData


@dataclass(frozen=True)
class KnowsTheAnswer:
    """Puts ``sureness`` on the right item for the users it knows, the rest evenly."""

    id: str
    corpus: Corpus
    answers: dict[str, str]
    sureness: float = 0.9

    def log_probabilities(self, histories: Sequence[History]) -> np.ndarray:
        n = len(self.corpus.item_ids)
        chances = np.full((len(histories), n), 1.0 / n)
        for row, history in enumerate(histories):
            if history.user_id in self.answers:
                chances[row] = (1 - self.sureness) / (n - 1)
                chances[row, self.corpus.item_index[self.answers[history.user_id]]] = self.sureness
        return np.log(chances).astype(np.float32)


@pytest.fixture(scope="module")
def data(corpus: Corpus) -> TrainingData:
    return TrainingData.of(corpus, leave_last_out(corpus.events))


@pytest.fixture(scope="module")
def judged(corpus: Corpus) -> tuple[Case, ...]:
    """Cases whose target the user did not have before: only those can be hit."""
    return tuple(
        case
        for case in leave_last_out_cases(corpus, Part.TEST)
        if case.target not in case.history.excluded_items()
    )


@pytest.fixture(scope="module")
def rivals(corpus: Corpus, judged: tuple[Case, ...]) -> list[KnowsTheAnswer]:
    answers = {case.history.user_id: case.target for case in judged}
    half = dict(list(answers.items())[::2])
    return [
        KnowsTheAnswer("all", corpus, answers),
        KnowsTheAnswer("half", corpus, half),
        KnowsTheAnswer("none", corpus, {}),
    ]


def test_the_one_who_knows_wins_and_the_table_says_by_how_much(
    rivals: list[KnowsTheAnswer], judged: tuple[Case, ...], data: TrainingData
) -> None:
    found = evaluate(rivals, judged, data)
    assert found.figures("all")["ndcg"] == 1.0
    assert found.figures("all")["log_probability"] == pytest.approx(np.log(0.9), abs=1e-5)
    assert found.figures("all")["mrr"] == found.figures("all")["recall"] == 1.0
    assert 0.45 < found.figures("half")["ndcg"] < 0.6
    assert found.compare("all", "half").decided
    assert found.compare("all", "half").ratio.mean == pytest.approx(
        1 / found.figures("half")["ndcg"]
    )


def test_the_json_is_that_of_the_contract(
    rivals: list[KnowsTheAnswer], judged: tuple[Case, ...], data: TrainingData
) -> None:
    told = json.loads(json.dumps(evaluate(rivals, judged, data).to_json(), allow_nan=False))
    assert told["protocol"] == "leave-last-out"
    assert told["users"] == told["targets"] == len(judged)
    assert [row["recommender"] for row in told["results"]] == ["all", "half", "none"]
    for row in told["results"]:
        assert {"ndcg", "ndcg_ci", "recall", "mrr", "coverage"} <= set(row)
        low, high = row["ndcg_ci"]
        assert low <= row["ndcg"] <= high
    assert told["results"][0]["diversity"] is None


def test_batches_change_nothing(
    rivals: list[KnowsTheAnswer],
    judged: tuple[Case, ...],
    data: TrainingData,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = evaluate(rivals, judged, data)
    monkeypatch.setattr(report_module, "CELLS_PER_BATCH", 7 * data.n_items)
    for one, other in zip(whole.results, evaluate(rivals, judged, data).results, strict=True):
        np.testing.assert_array_equal(one.rank, other.rank)
        np.testing.assert_array_equal(one.lists, other.lists)
        np.testing.assert_allclose(one.novelty, other.novelty)


@pytest.mark.parametrize("in_threads", [False, True])
def test_a_joint_beside_its_components_says_what_it_says_alone(
    judged: tuple[Case, ...],
    data: TrainingData,
    in_threads: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    class Counted(Baseline):
        def log_probabilities(self, histories: Sequence[History]) -> np.ndarray:
            asked.append(len(histories))
            return super().log_probabilities(histories)

    baselines = fit_baselines(data, only=["item-knn", "popularity", "ease"])
    counted = [Counted(**vars_of(each)) for each in baselines.values()]
    joint = fit_joint(counted, data)
    asked.clear()
    with monkeypatch.context() as patch:
        if in_threads:
            patch.setattr(threads, "at_once", lambda: 3)
            patch.setattr(report_module, "MANY_CELLS", 0)
            patch.setattr(report_module, "CELLS_IN_THREADS", 7 * data.n_items)
        together = evaluate([joint, *counted], judged, data)
    assert together.names == ["joint", *baselines] and sum(asked) == 3 * len(judged)
    assert max(asked) <= 7 or not in_threads
    alone = [evaluate([each], judged, data).results[0] for each in (joint, *baselines.values())]
    for one, other in zip(together.results, alone, strict=True):
        np.testing.assert_array_equal(one.rank, other.rank)
        np.testing.assert_array_equal(one.lists, other.lists)
        np.testing.assert_array_equal(one.log_probability, other.log_probability)


def vars_of(baseline: Baseline) -> dict[str, object]:
    return {field.name: getattr(baseline, field.name) for field in fields(baseline)}


def test_a_target_the_user_already_had_is_a_miss_and_is_counted(
    corpus: Corpus, data: TrainingData, judged: tuple[Case, ...]
) -> None:
    case = judged[0]
    had = replace(case, target=next(iter(case.history.excluded_items())))
    sure = KnowsTheAnswer("sure", corpus, {had.history.user_id: had.target})
    found = evaluate([sure], [had], data)
    assert found.excluded_targets == 1
    assert found.figures("sure")["ndcg"] == 0.0


def test_months_and_cohorts_hold_every_case_once_and_where_it_belongs(
    rivals: list[KnowsTheAnswer], judged: tuple[Case, ...], data: TrainingData
) -> None:
    found = evaluate(rivals, judged, data)
    by_item = [found.cohorts[name] for name in ("popular item", "long-tail item", "unseen item")]
    np.testing.assert_array_equal(np.sum(by_item, axis=0), 1)
    assert [case.target_time.strftime("%Y-%m") for case in judged] == found.months.tolist()
    assert found.ndcg_intervals(found.cohorts["new user"])["all"].mean == 1.0
    assert np.isnan(found.ndcg_intervals(found.cohorts["heavy user"])["all"].mean)


def test_the_head_is_the_most_popular_fifth() -> None:
    counts = np.array([9, 8, 1, 1, 1, 1, 1, 1, 1, 1, 0])
    found = cohorts_of([], counts, counts)
    assert found["popular item"].tolist() == [True, True] + [False] * 9
    assert found["unseen item"].tolist() == [False] * 10 + [True]
    assert found["long-tail item"].sum() == 8


def test_temporal_reports_are_pooled_by_user(corpus: Corpus) -> None:
    reports = []
    for parts in temporal_splits(corpus):
        fold_cases = cases(corpus, parts, Part.TEST)
        answers = {case.history.user_id: case.target for case in fold_cases[::2]}
        recommender = KnowsTheAnswer("some", corpus, answers)
        data = TrainingData.of(corpus, parts)
        reports.append(evaluate([recommender], fold_cases, data, protocol="temporal"))
    whole = pooled(reports)
    told = whole.to_json()
    assert told["targets"] == sum(len(part.users) for part in reports)
    assert told["users"] == len({user for part in reports for user in part.users})
    assert told["users"] < told["targets"]
    np.testing.assert_array_equal(
        whole.ndcg("some"), np.concatenate([part.ndcg("some") for part in reports])
    )


def test_calibration_tells_a_boaster_from_an_honest_recommender(
    corpus: Corpus, judged: tuple[Case, ...], data: TrainingData
) -> None:
    """Both are right for half of the users; only one promises no more than that."""
    right = {case.history.user_id: case.target for case in judged[::2]}
    wrong = {
        case.history.user_id: next(i for i in corpus.item_ids if i != case.target)
        for case in judged[1::2]
    }
    answers = {**right, **wrong}
    boaster = KnowsTheAnswer("boaster", corpus, answers, 0.95)
    honest = KnowsTheAnswer("honest", corpus, answers, 0.5)
    found = evaluate([boaster, honest], judged, data, k=1)
    (boast,) = found.calibration("boaster", bins=1)
    (truth,) = found.calibration("honest", bins=1)
    assert boast.kept == truth.kept == pytest.approx(0.5, abs=0.05)
    assert truth.promised == pytest.approx(0.5, abs=0.05)
    assert boast.promised > 0.8
    assert sum(part.cases for part in found.calibration("honest", bins=4)) == len(judged)


def test_no_cases_give_an_empty_table(rivals: list[KnowsTheAnswer], data: TrainingData) -> None:
    told = evaluate(rivals, [], data).to_json()
    assert told["users"] == 0
    assert told["results"][0]["ndcg"] is None
    assert told["results"][0]["ndcg_ci"] == [None, None]


def test_evaluation_tells_where_it_is_and_stops(
    rivals: list[KnowsTheAnswer], judged: tuple[Case, ...], data: TrainingData
) -> None:
    told: list[Progress] = []
    evaluate(rivals, judged, data, progress=told.append)
    assert (told[-1].done, told[-1].total) == (3 * len(judged), 3 * len(judged))
    with pytest.raises(Stopped):
        evaluate(rivals, judged, data, stop=lambda: True)

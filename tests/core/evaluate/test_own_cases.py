"""Whoever is judged beside a stored report is judged on its cases, of which there may be more or
fewer than an evaluation would take now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.arrays import FloatArray
from core.corpus.store import Corpus, Library
from core.domain import Columns, History
from core.engine import Engine
from core.evaluate.importing_lists import import_lists
from core.evaluate.protocols import (
    find_report,
    folds,
    folds_of,
    read_judged,
    sample_of,
    with_own,
    with_served,
)
from core.evaluate.report import EvaluationReport, evaluate, pooled
from core.measure import cases as measured
from core.measure.cases import Sample
from core.monitor.ageing import _ages
from core.recommend.baseline import fit_baselines
from core.recommend.training_data import TrainingData


class Flat:
    """Finds all items alike."""

    id = "flat"

    def __init__(self, n_items: int) -> None:
        self.n_items = n_items

    def log_probabilities(self, histories: Sequence[History]) -> FloatArray:
        return np.full((len(histories), self.n_items), -np.log(self.n_items), np.float32)


def few(monkeypatch: pytest.MonkeyPatch, corpus: Corpus, most: int) -> None:
    monkeypatch.setattr(measured, "MOST_CELLS", most * len(corpus.item_ids))


def serve(library: Library, corpus: Corpus, place: Path) -> None:
    events = corpus.events.drop_duplicates(Columns.User, keep="last")
    lists = {"user_id": events[Columns.User], "timestamp": events[Columns.Time]}
    table = pd.DataFrame({**lists, "rank": 1, "item_id": events[Columns.Item]})
    table.to_csv(place / "lists.csv", index=False)
    import_lists(corpus, library, place / "lists.csv", "production")


def test_a_full_report_of_before_goes_on_where_a_sample_would_be_taken_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library.open(tmp_path)
    engine = Engine.open(library.corpus("demo"), library.model_folder("demo"), library)
    engine.register(Flat(len(engine.corpus.item_ids)))
    serve(library, engine.corpus, tmp_path)
    report = find_report(engine.corpus, library, engine.folder)
    assert report is not None
    few(monkeypatch, engine.corpus, 60)
    own, failures = with_own(report, engine, library)
    judged, (served,), damaged = with_served(own, engine.corpus, library, engine.folder)
    assert not failures and not damaged and served.cases == len(report.users)
    assert len(judged.result("flat").rank) == len(judged.result("production").rank) > 60
    assert judged.compare("joint", "flat").difference.low > 0
    again = read_judged(engine, library, "leave-last-out")
    assert again is not None and {"flat", "production"} <= set(again.report.names)
    assert sample_of(report, engine.corpus) is None


def test_a_report_of_other_cases_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recommender's own report is kept for all models, and their reports may be samples."""
    library = Library.open(tmp_path)
    engine = Engine.open(library.corpus("demo"), library.model_folder("demo"), library)
    engine.register(Flat(len(engine.corpus.item_ids)))
    report = find_report(engine.corpus, library, engine.folder)
    assert report is not None
    with_own(report, engine, library)
    few(monkeypatch, engine.corpus, 40)
    sample = report.among(
        np.isin(
            report.users,
            [c.history.user_id for c in folds(engine.corpus, "leave-last-out")[0].cases],
        )
    )
    assert sample_of(sample, engine.corpus) == Sample(40, len(report.users))
    assert "flat" not in with_own(sample, engine, library, compute=False)[0].names
    judged, _ = with_own(sample, engine, library)
    assert len(judged.result("flat").rank) == 40


@pytest.mark.parametrize(("then", "now"), [(None, 5), (5, None), (5, 9), (1, 3)])
def test_the_cuts_of_a_report_are_found_again(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch, then: int | None, now: int | None
) -> None:
    with monkeypatch.context() as patch:
        if then is not None:
            few(patch, corpus, then)
        asked = folds(corpus, "temporal")
        made = []
        for parts, cases in asked:
            data = TrainingData.of(corpus, parts)
            popular = fit_baselines(data, only=["popularity"]).values()
            made.append(evaluate([*popular], cases, data, protocol="temporal"))
    report: EvaluationReport = pooled(made)
    if now is not None:
        few(monkeypatch, corpus, now)
    found = folds_of(report, corpus)
    assert [fold.cases for fold in found] == [fold.cases for fold in asked]


def test_cuts_share_a_sample_by_what_they_have(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = [len(fold.cases) for fold in folds(corpus, "temporal")]
    assert len(set(every)) > 1
    few(monkeypatch, corpus, sum(every) // 6)
    some = [len(fold.cases) for fold in folds(corpus, "temporal")]
    assert sum(some) <= 3 * (sum(every) // 6)
    assert some == pytest.approx([n / 2 for n in every], abs=2)
    few(monkeypatch, corpus, max(every))
    assert [len(fold.cases) for fold in folds(corpus, "temporal")] == every


def test_ages_are_those_of_the_reports_own_cuts(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Opened:
        def __init__(self) -> None:
            self.corpus = corpus

    def judge() -> EvaluationReport:
        made = []
        for parts, cases in folds(corpus, "temporal"):
            data = TrainingData.of(corpus, parts)
            popular = fit_baselines(data, only=["popularity"]).values()
            made.append(evaluate([*popular], cases, data, protocol="temporal"))
        return pooled(made)

    report = judge()
    before = _ages(Opened(), report)  # type: ignore[arg-type]
    few(monkeypatch, corpus, 3)
    np.testing.assert_array_equal(_ages(Opened(), report), before)  # type: ignore[arg-type]
    assert len(_ages(Opened(), judge())) < len(before)  # type: ignore[arg-type]

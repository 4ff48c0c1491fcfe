"""What a page reads back is what was judged; anything else counts as never computed."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from core.corpus.split import leave_last_out
from core.corpus.store import Corpus, Library
from core.domain import Part
from core.evaluate.report import EvaluationReport, Result, evaluate
from core.evaluate.stored import ReportKey, first_report, load_report, save_report
from core.files import Damaged
from core.measure.cases import leave_last_out_cases
from core.recommend.baseline import fit_baselines
from core.recommend.training_data import TrainingData

KEY = ReportKey("c0ffee", "m0de1")


@pytest.fixture(scope="module")
def report(corpus: Corpus) -> EvaluationReport:
    data = TrainingData.of(corpus, leave_last_out(corpus.events))
    fitted = fit_baselines(data)
    few = [fitted["popularity"], fitted["item-knn"]]
    return evaluate(few, leave_last_out_cases(corpus, Part.TEST), data)


def test_everything_comes_back(report: EvaluationReport, tmp_path: Path) -> None:
    path = KEY.path(Library(tmp_path))
    save_report(report, KEY, path)
    found = load_report(path, KEY)
    assert found is not None
    assert found.users == report.users
    assert found.months.tolist() == report.months.tolist()
    np.testing.assert_array_equal(found.steps, report.steps)
    np.testing.assert_array_equal(found.targets, report.targets)
    for name, who in report.cohorts.items():
        np.testing.assert_array_equal(found.cohorts[name], who)
    for one, two in zip(report.results, found.results, strict=True):
        np.testing.assert_array_equal(one.rank, two.rank)
        np.testing.assert_array_equal(one.lists, two.lists)
        for field in fields(Result)[1:]:
            np.testing.assert_allclose(
                getattr(one, field.name), getattr(two, field.name), rtol=1e-6, equal_nan=True
            )
    assert found.compare("item-knn", "popularity") == report.compare("item-knn", "popularity")
    assert found.cohorts.keys() == report.cohorts.keys()


def test_the_same_report_gives_the_same_bytes(report: EvaluationReport, tmp_path: Path) -> None:
    save_report(report, KEY, tmp_path / "one")
    save_report(report, KEY, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_another_question_is_no_answer_and_a_damaged_file_is_said(
    report: EvaluationReport, tmp_path: Path
) -> None:
    path = tmp_path / "one"
    assert first_report([path], KEY) is None
    save_report(report, KEY, path)
    assert first_report([path], ReportKey("c0ffee", "m0de1", "temporal")) is None
    assert first_report([path], ReportKey("c0ffee", "m0de1", k=20)) is None
    whole = tmp_path / "whole"
    save_report(report, KEY, whole)
    for content in (path.read_bytes()[:-100], b"{}"):
        path.write_bytes(content)
        with pytest.raises(Damaged, match="the stored evaluation is damaged"):
            first_report([path], KEY)
        found = first_report([path, whole], KEY)
        assert found is not None and found.users == report.users


def test_each_case_says_what_was_known_and_what_came(
    report: EvaluationReport, corpus: Corpus
) -> None:
    for user, step, target in zip(report.users, report.steps, report.targets, strict=True):
        assert corpus.history(user).events[step].item_id == corpus.item_ids[target]

"""A custom recommender: the documented way works, and scores keep their order."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.corpus.store import Corpus
from core.domain import DomainError, History, Part
from core.evaluate.report import evaluate
from core.measure.cases import leave_last_out_cases
from core.recommend.adapter import OwnRecommender
from core.recommend.training_data import TrainingData

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "own_recommender.md"


def read_guide() -> dict[str, Any]:
    """The names that the guide's Python blocks define."""
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL):
        exec(compile(block, str(GUIDE), "exec"), names)
    return names


def test_the_guide_runs_and_its_model_beats_chance(corpus: Corpus, data: TrainingData) -> None:
    own = read_guide()["implicit_als"](corpus, data)
    cases = leave_last_out_cases(corpus, Part.TEST)
    report = evaluate([own], cases, data)
    hits = report.figures("implicit-als")["recall"]
    assert hits > 10 / len(corpus.item_ids)
    assert report.calibration("implicit-als")


@pytest.mark.parametrize("shift", [0.0, -5.0, 5.0])
def test_the_order_of_scores_stays(data: TrainingData, corpus: Corpus, shift: float) -> None:
    scores = {item: float(at) + shift for at, item in enumerate(corpus.item_ids)}
    own = OwnRecommender.calibrated("mine", lambda history: scores, data)
    found = own.log_probabilities([History("new", ())])[0]
    assert np.argsort(-found, kind="stable").tolist() == list(range(len(scores)))[::-1]


def test_what_is_not_scored_comes_last(data: TrainingData) -> None:
    for value in (3.0, -3.0):
        low = value - 1.0 if value < 0 else value
        given = {"i00": value, "i01": low, "not in the catalogue": 99.0}
        own = OwnRecommender.calibrated("mine", lambda history, g=given: g, data)
        found = own.log_probabilities([History("new", ())])[0]
        first = data.item_index["i00"]
        assert (np.delete(found, [first, data.item_index["i01"]]) < found[first]).all()


def test_nothing_known_means_popularity(data: TrainingData) -> None:
    own = OwnRecommender.calibrated("mine", lambda history: {}, data)
    found = np.exp(own.log_probabilities([History("new", ())])[0])
    assert found.sum() == pytest.approx(1.0, abs=1e-4)
    assert found.argmax() == data.item_counts.argmax()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_named(data: TrainingData, value: float) -> None:
    with pytest.raises(DomainError, match="score of item 'i00'"):
        OwnRecommender.calibrated("mine", lambda history: {"i00": value}, data)

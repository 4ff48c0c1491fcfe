"""A training as of a large corpus: every limit is low, so every form of large ones is taken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.arrays import FloatArray
from core.cli import main
from core.compare.turnover import make_turnover
from core.corpus.corpus import Corpus
from core.corpus.split import leave_last_out
from core.corpus.store import Library
from core.domain import Part
from core.encode.encoder import TextEncoder
from core.engine import Engine
from core.evaluate.protocols import find_report, sample_of
from core.measure.cases import case_count
from core.model.config import InterestConfig
from core.model.metrics import read_metrics
from core.training.training import evaluate_model, train
from core.views.corpora import training_sentence
from core.views.quality.build import build_quality

from ..conftest import small_corpus

RANKED = 7


@pytest.fixture(scope="module")
def low_limits() -> Iterator[None]:
    def flat(directions: FloatArray, seed: int, epochs: object = None) -> FloatArray:
        return np.ascontiguousarray(directions[:, :2])

    with pytest.MonkeyPatch.context() as patch:
        for name in ("core.model.interest", "core.model.profile", "core.cohorts.states"):
            patch.setattr(f"{name}.MANY_EVENTS", 0)
        patch.setattr("core.model.profile.LARGE_CATALOGUE", 0)
        patch.setattr("core.model.candidates.FULL_SOFTMAX_ITEMS", 3)
        patch.setattr("core.model.fitting.MOST_JUDGED", 1_000)
        patch.setattr("core.model.fitting.SHARDED_EVENTS", 0)
        patch.setattr("core.evaluate.report.MANY_CELLS", 0)
        patch.setattr("core.training.writing.MOST_JUDGED", 1_000)
        patch.setattr("core.recommend.scorers.MOST_ITEMS", 0)
        patch.setattr("core.recommend.factors.MOST_PAIRS", 10)
        patch.setattr("core.interest_map.projection.MAX_FITTED", 40)
        patch.setattr("core.interest_map.projection._umap", flat)
        yield


@pytest.fixture(scope="module")
def cases_of(low_limits: None, large: Corpus) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.measure.cases.MOST_CELLS", RANKED * len(large.item_ids))
        patch.setattr("core.compare.turnover.MOST_CELLS", 60 * len(large.item_ids))
        yield


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library.open(tmp_path_factory.mktemp("large"))


@pytest.fixture(scope="module")
def large(room: Library) -> Corpus:
    corpus: Corpus = small_corpus(room, "large")
    return corpus


@pytest.fixture(scope="module")
def folder(room: Library, large: Corpus, encoder: TextEncoder, cases_of: None) -> Path:
    config = InterestConfig(dim=16, hidden=8, epochs=2, batch_users=8)
    return train(large, room, config, encoder=encoder)


def test_samples_are_said_in_metrics_and_on_the_card(folder: Path, large: Corpus) -> None:
    metrics = read_metrics(folder)
    assert metrics is not None and metrics.sample is not None
    every = case_count(large, leave_last_out(large.events), Part.TEST)
    assert metrics.targets == metrics.users == RANKED < every == metrics.sample.test
    assert metrics.sample.validation_judged == 1_000 // len(large.item_ids)
    assert metrics.sample.validation == every
    card = (folder / "README.md").read_text("utf-8")
    for said in (
        f"{RANKED} of the {every} users",
        "Early stopping looked at",
        "items drawn",
        "Of iALS 2",
    ):
        assert said in card


def test_a_neighbour_model_of_a_large_catalogue_is_in_the_joint(
    folder: Path, large: Corpus, room: Library
) -> None:
    engine = Engine.open(large, folder, room)
    assert "sparse-ease" in engine.model_recommenders and "ease" not in engine.model_recommenders
    history = large.history(large.user_ids[0])
    assert len(engine.recommend(history).items) == 10
    assert np.isfinite(engine.trajectory(history).x).all()
    assert list(engine.users["user_id"]) == list(large.user_ids)


def test_reports_of_a_sample_are_about_the_same_users(
    folder: Path, large: Corpus, room: Library
) -> None:
    made = find_report(large, room, folder)
    asked = evaluate_model(large, room, folder, k=5)
    assert made is not None and made.users == asked.users and len(made.users) == RANKED
    for early, late in zip(made.results, asked.results, strict=True):
        np.testing.assert_array_equal(early.lists[:, :5], late.lists)


def test_quality_and_turnover_say_that_they_are_about_a_sample(
    folder: Path, large: Corpus, room: Library
) -> None:
    engine = Engine.open(large, folder, room)
    report = find_report(large, room, folder)
    assert report is not None
    sample = sample_of(report, large)
    assert sample is not None and sample.ranked == RANKED
    cautions = " ".join(build_quality(engine, report, (), "joint").cautions)
    assert f"Measured on {RANKED} of {sample.of} targets" in cautions
    assert "Coverage and what is never recommended are about" in cautions
    metrics = read_metrics(folder)
    assert metrics is not None and metrics.sampled == sample
    assert f"Measured on {RANKED} of {sample.of} targets" in training_sentence(metrics)
    turnover = make_turnover(room, engine, "popularity")
    assert 0 < turnover.measured < len(large.user_ids)


def test_the_same_seed_gives_the_same_large_model(
    folder: Path, large: Corpus, room: Library, encoder: TextEncoder, tmp_path: Path
) -> None:
    config = InterestConfig(dim=16, hidden=8, epochs=2, batch_users=8)
    again = train(large, room, config, encoder=encoder, target=tmp_path)
    assert again.name == folder.name
    assert train(large, room, replace(config, seed=1), encoder=encoder, target=tmp_path) != again


def test_verbs_say_that_they_are_about_a_sample(
    folder: Path, large: Corpus, room: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--library", str(room.root)]
    every = case_count(large, leave_last_out(large.events), Part.TEST)
    said = f"Measured on {RANKED} of {every} t"
    for verb in ("evaluate", "models"):
        assert main([verb, "large", "--json", *at]) == 0
        facts = json.loads(capsys.readouterr().out)
        facts = facts["models"][0] if verb == "models" else facts
        assert facts["sample"] == {"ranked": RANKED, "of": every}
        assert main([verb, "large", *at]) == 0
        assert said in capsys.readouterr().out

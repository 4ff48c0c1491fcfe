"""The new baseline is fitted by its settings, saved with a model, and offered by the engine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.corpus.split import leave_last_out
from core.corpus.store import Library
from core.engine import Engine
from core.recommend import baseline
from core.recommend.baseline import fit_baselines, save_baselines
from core.recommend.registry import NAMES
from core.recommend.training_data import TrainingData

NEW = "co-visits"


def test_a_model_that_holds_it_offers_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library.open(tmp_path / "library")
    corpus = library.corpus("demo")
    monkeypatch.setattr(baseline, "SCORERS", {NEW: baseline.SCORERS[NEW]})
    fitted = fit_baselines(TrainingData.of(corpus, leave_last_out(corpus.events)))
    assert len(fitted[NEW].trials) > 2
    monkeypatch.undo()
    folder = tmp_path / "model"
    shutil.copytree(library.model_folder("demo"), folder)
    save_baselines(fitted, folder / "recommenders")
    engine = Engine.open(corpus, folder, library)
    assert NEW in engine.recommenders
    assert NAMES[NEW] == "co-visitation"
    history = corpus.history(corpus.user_ids[0])
    assert len(engine.recommend(history, recommender=NEW).items) == 10
    assert len(engine.next_ranks(history, NEW)) == len(history)

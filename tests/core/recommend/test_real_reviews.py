"""On real reviews the ranking of recommenders is the one that was measured and reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.corpus.importing import import_files
from core.corpus.split import leave_last_out
from core.corpus.store import Library
from core.domain import Part
from core.evaluate.report import evaluate
from core.measure.cases import leave_last_out_cases
from core.recommend.baseline import fit_baselines
from core.recommend.joint import fit_joint
from core.recommend.training_data import TrainingData

REVIEWS = (
    Path(__file__).resolve().parents[4]
    / "shared/data/amazon2014_musical_instruments/reviews_Musical_Instruments_5.json.gz"
)
KINDS = ("popularity", "item-knn", "sequential-knn", "transitions")
"""One of each kind; those that factorise take half a minute each."""


@pytest.mark.skipif(not REVIEWS.is_file(), reason="../shared/data is not on this machine")
def test_the_joint_of_the_baselines_is_below_none_of_them_on_music(tmp_path: Path) -> None:
    library = Library.open(tmp_path)
    import_files(library, "music", [REVIEWS])
    corpus = library.corpus("music")
    data = TrainingData.of(corpus, leave_last_out(corpus.events))
    baselines = fit_baselines(data, only=KINDS)
    joint = fit_joint(list(baselines.values()), data)
    found = evaluate([joint, *baselines.values()], leave_last_out_cases(corpus, Part.TEST), data)
    ndcg = {
        result.recommender: found.figures(result.recommender)["ndcg"] for result in found.results
    }
    assert len(found.users) == 1429
    assert found.excluded_targets == 0
    assert ndcg["popularity"] == pytest.approx(0.0452, abs=0.001)
    assert ndcg["item-knn"] > 0.064
    assert ndcg["sequential-knn"] > 0.07
    for name in baselines:
        assert found.compare("joint", name).ratio.high > 1.0
    assert found.compare("joint", "popularity").ratio.low > 1.2
    assert found.compare("joint", "transitions").decided
    for part in found.calibration("joint", bins=4):
        assert part.kept == pytest.approx(part.promised, abs=0.06)

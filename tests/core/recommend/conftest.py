from __future__ import annotations

import numpy as np
import pytest

from core.arrays import FloatArray
from core.corpus.split import leave_last_out
from core.corpus.store import Corpus
from core.recommend.baseline import Baseline, fit_baselines
from core.recommend.training_data import TrainingData


def text_vectors(corpus: Corpus) -> FloatArray:
    """Items of a shelf lie together; one item has no text."""
    rng = np.random.default_rng(0)
    shelves = rng.normal(size=(3, 16))
    vectors = np.array(
        [shelves[int(item[1])] if item.startswith("i") else shelves[0] for item in corpus.item_ids]
    )
    vectors += 0.3 * rng.normal(size=vectors.shape) + 1.0
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[corpus.item_index["never-seen-without-text"]] = 0.0
    return vectors.astype(np.float32)


@pytest.fixture(scope="session")
def data(corpus: Corpus) -> TrainingData:
    return TrainingData.of(corpus, leave_last_out(corpus.events), text_vectors(corpus))


@pytest.fixture(scope="session")
def baselines(data: TrainingData) -> dict[str, Baseline]:
    return fit_baselines(data)


@pytest.fixture(scope="session")
def all_baselines(baselines: dict[str, Baseline], data: TrainingData) -> dict[str, Baseline]:
    """With what serves large catalogues alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.recommend.scorers.MOST_ITEMS", 0)
        return baselines | fit_baselines(data, only=["sparse-ease"])

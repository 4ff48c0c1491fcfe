"""The starting text: written by somebody, about the same thing, with the opposite feeling."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from core.corpus.corpus import Corpus
from core.domain import DomainError
from core.engine import Engine
from core.scenario.opposite import CLEAR, opposite_review


@pytest.mark.parametrize("sentiment", [0.8, -0.8])
def test_a_real_review_of_the_opposite_sign(
    demo_engine: Engine, demo: Corpus, sentiment: float
) -> None:
    reviewed = [event for event in demo.history(demo.user_ids[0]).events if event.words]
    for event in reviewed[:5]:
        found = opposite_review(demo_engine, event.item_id, sentiment, demo.user_ids[0])
        assert found is not None
        assert found.sentiment * sentiment < 0 and abs(found.sentiment) >= CLEAR
        assert found.rating is None or (found.rating - 3) * sentiment <= 0
        assert found.user_id != demo.user_ids[0]
        source = demo.history(found.user_id).events
        assert (found.item_id, found.timestamp, found.text, found.rating) in {
            (e.item_id, e.timestamp, e.words, e.rating) for e in source
        }
        topic = demo_engine.topics.item_topic
        index = demo.item_index
        assert topic[index[found.item_id]] == topic[index[event.item_id]]
        assert found.same_item == (found.item_id == event.item_id)


def test_none_is_better_than_an_invented_one(demo_engine: Engine, demo: Corpus) -> None:
    class Content:
        def predict(self, vectors: np.ndarray) -> np.ndarray:
            return np.ones(len(vectors), np.float32)

    pleased = copy.copy(demo_engine)
    pleased.sentiment = Content()  # type: ignore[assignment]
    assert opposite_review(pleased, demo.item_ids[0], 0.5) is None
    with pytest.raises(DomainError, match="nothing"):
        opposite_review(demo_engine, "nothing", 0.5)

"""Likes and carts: a model that knows them, and one made before they existed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.domain import DomainError, EventKind
from core.encode.encoder import TextEncoder
from core.engine import Engine
from core.model.sequences import ABSENT_KIND, KIND_INDEX
from core.scenario.edits import apply_edits, edits_from_json
from core.training.training import train

from ..conftest import SMALL, shop_rows


@pytest.fixture(scope="module")
def engine(
    make_corpus: Callable[..., Corpus],
    shelf: Library,
    encoder: TextEncoder,
    tmp_path_factory: pytest.TempPathFactory,
) -> Engine:
    """A shop where people like and put into the cart what they will buy."""
    new = {"view": "like", "purchase": "cart"}
    rows = [
        (user, item, day, new[kind] if at % 3 else kind)
        for at, (user, item, day, kind) in enumerate(shop_rows(30))
    ]
    corpus = make_corpus(rows)
    place = tmp_path_factory.mktemp("models")
    folder = train(corpus, shelf, replace(SMALL, epochs=1), encoder=encoder, target=place)
    return Engine.open(corpus, folder, shelf)


def test_likes_and_carts_are_learned_and_exclude_nothing(engine: Engine) -> None:
    corpus = engine.corpus
    assert {"like", "cart"} <= corpus.manifest.kinds.keys()
    assert set(corpus.manifest.known_kinds) == set(EventKind)
    weights = engine.interest.network.kind_in.weight.detach().numpy()
    assert weights.shape[0] == 8 and not weights[ABSENT_KIND].any()
    for user in corpus.user_ids:
        history = corpus.history(user)
        consumed = {e.item_id for e in history.events if e.kind in ("purchase", "review", "rating")}
        assert history.excluded_items() == consumed
    user = next(u for u in corpus.user_ids if len(corpus.history(u)) > 3)
    history = corpus.history(user)
    changed = history.with_events([replace(event, kind=EventKind.CART) for event in history.events])
    liked = history.with_events([replace(event, kind=EventKind.LIKE) for event in history.events])
    assert not np.allclose(engine.query_vectors(changed), engine.query_vectors(liked))


def test_the_demo_keeps_its_shapes_and_refuses_kinds_it_never_met(demo_engine: Engine) -> None:
    corpus = demo_engine.corpus
    rows = len(demo_engine.interest.network.kind_in.weight)
    known = corpus.manifest.known_kinds
    assert rows == ABSENT_KIND + 1
    assert [kind.value for kind in known] == ["view", "click", "purchase", "rating", "review"]
    assert all(KIND_INDEX[kind] < rows for kind in known)
    history = corpus.history(corpus.user_ids[0])
    edits = edits_from_json(
        [
            {
                "op": "add",
                "item_id": corpus.item_ids[0],
                "timestamp": "2025-01-01",
                "kind": "like",
            }
        ]
    )
    with pytest.raises(DomainError, match="no event of kind like"):
        apply_edits(history, edits, corpus)

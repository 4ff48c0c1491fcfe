"""One suite for every recommender: what the pages, explainers and evaluation take for granted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus.split import leave_last_out
from core.corpus.store import Corpus
from core.domain import DomainError, Event, EventKind, History
from core.recommend.baseline import Baseline, fit_baselines
from core.recommend.joint import fit_joint
from core.recommend.protocol import Recommender
from core.recommend.registry import SCORERS
from core.recommend.training_data import TrainingData

from .test_adapter import read_guide

START = datetime(2023, 1, 1, tzinfo=UTC)
OWN = "implicit-als"
ALL = [*SCORERS, "joint", OWN]


@pytest.fixture(scope="module")
def every(
    all_baselines: dict[str, Baseline], data: TrainingData, corpus: Corpus
) -> dict[str, Recommender]:
    return {
        **all_baselines,
        "joint": fit_joint(list(all_baselines.values()), data),
        OWN: read_guide()["implicit_als"](corpus, data),
    }


@pytest.fixture(params=ALL)
def recommender(request: pytest.FixtureRequest, every: dict[str, Recommender]) -> Recommender:
    return every[request.param]


def event(item: str, day: float = 100.0, kind: EventKind = EventKind.PURCHASE) -> Event:
    return Event(item, START + timedelta(days=day), kind)


def history(*events: Event) -> History:
    return History("someone", events)


def assert_probabilities(log_probabilities: np.ndarray, shape: tuple[int, int]) -> None:
    assert log_probabilities.shape == shape
    assert log_probabilities.dtype == np.float32
    assert np.isfinite(log_probabilities).all()
    np.testing.assert_allclose(np.exp(log_probabilities.astype(float)).sum(1), 1.0, atol=1e-4)


def test_satisfies_the_protocol(recommender: Recommender) -> None:
    assert isinstance(recommender, Recommender)
    assert recommender.id in ALL


def test_every_real_history_gives_probabilities(recommender: Recommender, corpus: Corpus) -> None:
    histories = [corpus.history(user) for user in corpus.user_ids]
    scores = recommender.log_probabilities(histories)
    assert_probabilities(scores, (len(histories), len(corpus.item_ids)))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 20),
            st.floats(-4000, 4000),
            st.sampled_from(list(EventKind)),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_any_history_gives_probabilities(
    every: dict[str, Recommender],
    corpus: Corpus,
    drawn: list[tuple[int, float, EventKind, bool]],
) -> None:
    events = [
        replace(event(corpus.item_ids[item], day, kind), timed=timed)
        for item, day, kind, timed in drawn
    ]
    asked = history(*events)
    for recommender in every.values():
        scores = recommender.log_probabilities([asked])
        assert_probabilities(scores, (1, len(corpus.item_ids)))


def test_an_empty_history_is_valid_with_and_without_a_clock(
    recommender: Recommender, corpus: Corpus
) -> None:
    asked = [History("new", ()), History("new", (), clock=START), History("new", (), clock=None)]
    assert_probabilities(recommender.log_probabilities(asked), (3, len(corpus.item_ids)))


def test_no_history_gives_no_rows(recommender: Recommender, corpus: Corpus) -> None:
    assert recommender.log_probabilities([]).shape == (0, len(corpus.item_ids))


def test_a_batch_says_what_each_history_alone_says(
    recommender: Recommender, corpus: Corpus
) -> None:
    histories = [corpus.history(user) for user in corpus.user_ids[:20]]
    histories.insert(7, History("new", ()))
    together = recommender.log_probabilities(histories)
    alone = np.concatenate([recommender.log_probabilities([one]) for one in histories])
    np.testing.assert_allclose(together, alone, atol=2e-5)


def test_an_item_nobody_had_can_still_be_recommended(
    recommender: Recommender, corpus: Corpus
) -> None:
    scores = recommender.log_probabilities([corpus.history("u01"), History("new", ())])
    assert np.isfinite(scores[:, corpus.item_index["never-seen"]]).all()
    assert np.isfinite(scores[:, corpus.item_index["never-seen-without-text"]]).all()


def test_what_a_user_already_had_gets_little_probability(
    recommender: Recommender, corpus: Corpus
) -> None:
    asked = history(event("i00"), event("i01"), event("i02"))
    chances = np.exp(recommender.log_probabilities([asked])[0])
    assert sum(chances[corpus.item_index[item]] for item in ("i00", "i01", "i02")) < 0.1


def test_removing_an_event_keeps_its_item_out(recommender: Recommender, corpus: Corpus) -> None:
    asked = history(event("i00"), event("i01"), event("i02"))
    chances = np.exp(recommender.log_probabilities([asked.keeping([1, 3])])[0])
    assert chances[corpus.item_index["i01"]] < 0.1


def test_a_repeated_item_and_a_removed_item_part_are_valid(
    recommender: Recommender, corpus: Corpus
) -> None:
    repeated = history(*[event("i00", day) for day in range(50)])
    removed = history(event("i00"), replace(event("i01"), item_id=""))
    only_removed = history(replace(event("i01"), item_id=""))
    scores = recommender.log_probabilities([repeated, removed, only_removed])
    assert_probabilities(scores, (3, len(corpus.item_ids)))


def test_a_user_who_had_everything_gets_probabilities(
    recommender: Recommender, corpus: Corpus
) -> None:
    asked = history(*[event(item) for item in corpus.item_ids])
    assert_probabilities(recommender.log_probabilities([asked]), (1, len(corpus.item_ids)))


def test_an_item_outside_the_catalogue_is_a_mistake_one_can_act_on(
    recommender: Recommender,
) -> None:
    with pytest.raises(DomainError, match=r"'nothing' is not in the catalogue .*step 2"):
        recommender.log_probabilities([history(event("i00"), event("nothing"))])


@pytest.mark.parametrize("name", [*SCORERS, "joint"])
def test_a_catalogue_of_one_item(
    name: str, make_corpus: Callable[..., Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "sparse-ease":
        monkeypatch.setattr("core.recommend.scorers.MOST_ITEMS", 0)
    rows = [(f"u{user}", "only", day, "view") for user in range(3) for day in range(6)]
    corpus = make_corpus(rows)
    data = TrainingData.of(
        corpus, leave_last_out(corpus.events), np.ones((1, 4), np.float32) / np.float32(2)
    )
    baselines = fit_baselines(data)
    joint = fit_joint(list(baselines.values()), data)
    recommender = joint if name == "joint" else baselines[name]
    asked = [corpus.history("u0"), History("new", ()), history(event("only"))]
    np.testing.assert_allclose(recommender.log_probabilities(asked), 0.0, atol=1e-6)

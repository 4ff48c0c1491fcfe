"""What is made in batches for large corpora says what single users and numpy say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core import threads
from core.cohorts import states as states_module
from core.cohorts.states import measure_states
from core.compare.turnover import measure_turnover
from core.corpus.corpus import Corpus
from core.corpus.split import leave_last_out
from core.domain import History
from core.engine import Engine
from core.model import interest as interest_module
from core.model import profile as profile_module
from core.model.profile import profile_of, summarise_users
from core.recommend.protocol import next_ranks


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the corpus and its catalogue were large; pieces are small."""
    monkeypatch.setattr(interest_module, "MANY_EVENTS", 0)
    monkeypatch.setattr(interest_module, "_EVENTS_OF_A_BATCH", 300)
    monkeypatch.setattr(profile_module, "MANY_EVENTS", 0)
    monkeypatch.setattr(profile_module, "USERS_AT_ONCE", 7)
    monkeypatch.setattr(profile_module, "LARGE_CATALOGUE", 0)
    monkeypatch.setattr(states_module, "MANY_EVENTS", 0)
    monkeypatch.setattr(states_module, "USERS_AT_ONCE", 7)


@pytest.fixture(scope="module")
def histories(engine: Engine) -> list[History]:
    corpus = engine.corpus
    return [corpus.history(user) for user in corpus.user_ids[:40]]


def test_states_of_many_are_those_of_each(
    engine: Engine, histories: list[History], many: None
) -> None:
    interest = engine.interest
    for history, states in zip(histories, interest.states_of(histories, 1), strict=True):
        np.testing.assert_allclose(states.queries, interest.states(history)[1:], atol=2e-5)
        np.testing.assert_allclose(states.sentiments, interest.sentiments(history), atol=1e-6)
    assert list(interest.states_of([], 1)) == []


def test_few_events_run_one_by_one(engine: Engine, histories: list[History]) -> None:
    for history, states in zip(histories, engine.interest.states_of(histories, 1), strict=True):
        np.testing.assert_array_equal(states.queries, engine.interest.states(history)[1:])


@pytest.mark.parametrize("offset", [0.0, -1.5])
def test_next_ranks_of_many_are_those_of_each(
    engine: Engine, histories: list[History], offset: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    interest = engine.interest
    monkeypatch.setattr(interest, "repeat_offset", offset)
    states = [interest.states(history)[1:] for history in histories]
    steps = [np.arange(max(len(history) - 3, 0), len(history) - 1) for history in histories]
    found = interest.next_ranks_of(histories, states, steps)
    for history, of, ranks in zip(histories, steps, found, strict=True):
        expected = next_ranks(interest, history, engine.corpus.item_index, of)[of]
        np.testing.assert_allclose(ranks, expected, atol=1.0)  # neighbours may change places
        np.testing.assert_array_equal(np.isnan(ranks), np.isnan(expected))


def test_profiles_over_a_large_catalogue_are_the_same(
    engine: Engine, histories: list[History], monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = np.concatenate([engine.interest.states(history)[1:] for history in histories])
    usual = profile_of(engine.interest, engine.topics, queries)
    monkeypatch.setattr(profile_module, "LARGE_CATALOGUE", 0)
    large = profile_of(engine.interest, engine.topics, queries)
    np.testing.assert_allclose(large, usual, atol=1e-5)


def test_the_table_of_many_users_is_that_of_few(
    engine: Engine, corpus: Corpus, request: pytest.FixtureRequest
) -> None:
    told = (engine.corpus, engine.interest, engine.topics, leave_last_out(engine.corpus.events))
    usual = summarise_users(*told)
    request.getfixturevalue("many")
    many = summarise_users(*told)
    assert list(many) == list(usual)
    rough = ["drift", "held_out_rank", "path", "first_topic", "last_topic"]
    pd.testing.assert_frame_equal(many.drop(columns=rough), usual.drop(columns=rough))
    np.testing.assert_allclose(many["drift"], usual["drift"], atol=1e-4)
    np.testing.assert_allclose(many["held_out_rank"], usual["held_out_rank"], rtol=0.02)
    assert (many[rough[3:]] == usual[rough[3:]]).to_numpy().mean() > 0.99
    for one, other in zip(many["path"], usual["path"], strict=True):
        assert one.dtype == np.float32 and one.shape == other.shape


def test_states_of_a_large_corpus_are_placed_alike(
    engine: Engine, request: pytest.FixtureRequest
) -> None:
    usual = measure_states(engine)
    request.getfixturevalue("many")
    many = measure_states(engine)
    near = np.linalg.norm(many.positions - usual.positions, axis=1)
    assert np.quantile(near, 0.99) < 0.05
    assert (many.topics == usual.topics).mean() > 0.99
    np.testing.assert_allclose(many.sentiments, usual.sentiments, atol=1e-6)


def test_they_are_the_same_on_any_number_of_processors(
    engine: Engine, many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = (engine.corpus, engine.interest, engine.topics, leave_last_out(engine.corpus.events))
    made = []
    for processors in (1, 3):
        monkeypatch.setattr(threads, "at_once", lambda of=processors: of)
        states = measure_states(engine)
        lists = measure_turnover(engine, engine.corpus.user_ids[:20])
        made.append((summarise_users(*told), states.positions, states.topics, lists))
    (table, positions, topics, lists), (others, their_positions, their_topics, their_lists) = made
    pd.testing.assert_frame_equal(table, others, check_exact=True)
    np.testing.assert_array_equal(positions, their_positions)
    np.testing.assert_array_equal(topics, their_topics)
    np.testing.assert_array_equal(lists.by_events, their_lists.by_events)

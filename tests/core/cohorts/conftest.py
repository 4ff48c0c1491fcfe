from __future__ import annotations

import pytest

from core.cohorts.people import People, people_of
from core.cohorts.states import States, measure_states
from core.engine import Engine
from core.turns.stored import Turns
from core.turns.turning import Kind, TurningPoint, UserTurns
from core.views.cohorts.build import Everyone


@pytest.fixture(scope="session")
def states(demo_engine: Engine) -> States:
    return measure_states(demo_engine)


@pytest.fixture(scope="session")
def turns(demo_engine: Engine) -> Turns:
    """Planted in the first users: each of the first topics takes over from the next one."""
    corpus, users = demo_engine.corpus, []
    for at, user in enumerate(corpus.user_ids):
        n = len(corpus.history(user))
        kind = Kind.NARROWING if at % 5 == 4 else Kind(at % 3)
        topics = (at % 4, at % 4 + 1)
        point = TurningPoint(kind, n // 2 + 1, n // 2 + 1, 1, n, 0.005, 0.02, 0.7, *topics)
        users.append(UserTurns(user, n, 0.005, (point,) if at < 60 and n > 3 else ()))
    return Turns(corpus.corpus_id, demo_engine.model_id, tuple(users))


@pytest.fixture(scope="session")
def people(demo_engine: Engine, states: States, turns: Turns) -> People:
    return people_of(demo_engine, states, turns)


@pytest.fixture(scope="session")
def everyone(demo_engine: Engine, states: States, turns: Turns) -> Everyone:
    return Everyone(demo_engine, states, turns)

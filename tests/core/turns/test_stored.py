"""Turning points of a corpus: stored whole or not at all, read back as they were."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core import threads
from core.corpus.store import Library
from core.domain import Stopped
from core.engine import Engine
from core.files import Damaged, save_arrays
from core.turns import stored
from core.turns.stored import Turns, make_turns, measure_turns, read_turns, stored_path
from core.turns.turning import Kind, TurningPoint, UserTurns

SOME = 40
"""Users that are really tested."""


@pytest.fixture(scope="module")
def some(engine: Engine) -> Turns:
    histories = [engine.corpus.history(user) for user in engine.corpus.user_ids[:SOME]]
    return measure_turns(engine, histories)


@pytest.fixture(scope="module")
def turns(engine: Engine, some: Turns) -> Turns:
    """The same, with all other users of the corpus as if they had too few visits."""
    corpus = engine.corpus
    rest = [UserTurns(u, len(corpus.history(u)), None, ()) for u in corpus.user_ids[SOME:]]
    return Turns(some.corpus_id, some.model_id, (*some.users, *rest))


def test_every_user_has_an_answer(some: Turns) -> None:
    assert any(user.points for user in some.users)
    for user in some.users:
        covered = [step for first, last in user.stretches for step in range(first, last + 1)]
        assert covered == list(range(1, user.events + 1))
        for point in user.points:
            assert point.first <= point.step <= point.last <= user.events
            assert point.q is not None and 0 < point.p <= 1


def test_users_are_tested_side_by_side_with_the_same_answers(
    engine: Engine, some: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    for processors in (1, 3):
        monkeypatch.setattr(threads, "at_once", lambda of=processors: of)
        histories = [engine.corpus.history(user.user_id) for user in some.users]
        assert measure_turns(engine, histories).users == some.users


def test_it_is_stored_once_and_read_back_the_same(
    engine: Engine, turns: Turns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library.open(tmp_path)
    assert read_turns(library, engine) is None
    point = TurningPoint(Kind.DRIFT, 2, 3, 1, 3, 0.005, 0.02, 0.7, 1, 0)
    at = max(range(SOME, len(turns.users)), key=lambda n: turns.users[n].events)
    busy = turns.users[at]
    planted = UserTurns(busy.user_id, busy.events, 0.005, (point,))
    made = Turns(
        turns.corpus_id, turns.model_id, (*turns.users[:at], planted, *turns.users[at + 1 :])
    )
    monkeypatch.setattr(stored, "measure_turns", lambda engine, **more: made)
    assert make_turns(library, engine).users == made.users
    read = read_turns(library, engine)
    assert read is not None and read.users == made.users
    assert (busy.user_id, point) in read.surest(SOME)
    path = stored_path(library, engine)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(Damaged, match="turning points is damaged"):
        read_turns(library, engine)


def test_an_older_version_is_measured_again_and_what_is_about_else_is_damaged(
    engine: Engine, tmp_path: Path
) -> None:
    library = Library.open(tmp_path)
    facts = {"corpus_id": engine.corpus.corpus_id, "model_id": engine.model_id, "format": "0"}

    def keep(**others: str) -> None:
        about = {"facts": json.dumps(facts | others)}
        path = stored_path(library, engine)
        save_arrays(path, {"user_p": np.zeros(1)}, about, sealed=True)

    keep()
    assert read_turns(library, engine) is None
    keep(recommender="joint")
    with pytest.raises(Damaged, match="another result"):
        read_turns(library, engine)


def test_a_table_that_can_not_be_the_corpuss_is_refused(engine: Engine, turns: Turns) -> None:
    point = TurningPoint(Kind.TURN, 1, 1, 1, 1, 0.005, 0.02, 0.7, 0, 0)
    first = turns.users[0]
    users = (UserTurns(first.user_id, first.events, 0.005, (point,)), *turns.users[1:])
    arrays = stored._arrays(Turns(turns.corpus_id, turns.model_id, users))
    assert stored._from_arrays(engine, arrays).users == users
    for name, wrong in (("step", 10**6), ("user", -1), ("kind", 9), ("grew", 99), ("last", 0)):
        damaged = {**arrays, name: np.full(len(arrays[name]), wrong, np.int64)}
        with pytest.raises(ValueError):
            stored._from_arrays(engine, damaged)


def test_it_stops_between_users(engine: Engine, tmp_path: Path) -> None:
    calls = iter([False, False, True])
    library = Library.open(tmp_path)
    with pytest.raises(Stopped):
        make_turns(library, engine, stop=lambda: next(calls))
    assert read_turns(library, engine) is None

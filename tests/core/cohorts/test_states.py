"""States of all users: those of single histories, kept whole, asked at a calendar time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from core.cohorts import states as module
from core.cohorts.area import Area
from core.cohorts.flow import flow_of
from core.cohorts.states import Clock, States, make_states, read_states, stored_path
from core.corpus.store import Library
from core.domain import DomainError, Stopped
from core.engine import Engine
from core.files import Damaged


def test_they_are_those_of_the_timelines(engine: Engine, states: States) -> None:
    corpus = engine.corpus
    for user in corpus.user_ids[:: len(corpus.user_ids) // 6]:
        path, rows = engine.trajectory(corpus.history(user)), corpus.user_rows(user)
        assert np.abs(states.positions[rows] - np.stack([path.x, path.y], 1)).max() < 1e-2
        assert (states.topics[rows] == path.profile.argmax(1)).mean() > 0.95
        assert np.allclose(states.sentiments[rows], path.sentiment, equal_nan=True, atol=1e-4)


def test_they_are_kept_read_back_and_damage_is_said(
    engine: Engine, states: States, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library.open(tmp_path)
    assert read_states(library, engine) is None
    calls = iter([False] * 3)
    with pytest.raises(Stopped):
        make_states(library, engine, stop=lambda: next(calls, True))
    assert read_states(library, engine) is None
    monkeypatch.setattr(module, "measure_states", lambda engine, **more: states)
    make_states(library, engine)
    read = read_states(library, engine)
    assert read is not None and read.words == states.words
    assert (read.positions == states.positions).all() and (read.said != states.said).nnz == 0
    path = stored_path(library, engine)
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    with pytest.raises(Damaged, match="table of states"):
        read_states(library, engine)


def test_a_time_asks_for_the_last_event_at_or_before_it(engine: Engine) -> None:
    corpus, clock = engine.corpus, Clock(engine.corpus)
    user = corpus.user_ids[7]
    rows, events = corpus.user_rows(user), corpus.history(user).events
    at = corpus.user_index[user]
    moment = events[3].timestamp
    same = max(n for n, event in enumerate(events) if event.timestamp <= moment)
    assert clock.rows(moment)[at] == rows.start + same
    assert clock.rows(events[0].timestamp - timedelta(seconds=1))[at] == -1
    assert clock.rows(None)[at] == rows.stop - 1


def test_a_flow_counts_users_from_topic_to_topic(engine: Engine, states: States) -> None:
    corpus, clock = engine.corpus, Clock(engine.corpus)
    n = len(engine.topics.names)
    chosen = np.arange(len(corpus.user_ids)) % 2 == 0
    flow = flow_of(clock, states.topics, n, chosen, None)
    first, last = (clock.rows(at) for at in (flow.times[0], flow.times[-1]))
    begun = chosen & (first >= 0)
    moved = states.topics[first[begun]] != states.topics[last[begun]]
    assert (flow.users, flow.moved) == (begun.sum(), moved.sum())
    assert (flow.moves.sum(axis=(1, 2)) == flow.users).all()  # nobody is lost on the way
    for gain in flow.gains:
        assert gain.after - gain.before == gain.came - gain.went


def test_a_drawn_region_holds_whom_it_surrounds() -> None:
    notched = Area(((0, 0), (4, 0), (4, 4), (2, 1), (0, 4)))
    inside = notched.holds(np.array([[1, 1], [2, 3], [3.5, 3], [5, 1], [2, 0.5]], np.float32))
    assert inside.tolist() == [True, False, True, False, True]
    assert Area.from_text(notched.to_text()) == notched
    angle = np.linspace(0, 2 * np.pi, 500)
    circle = Area.drawn(10 * np.cos(angle), 10 * np.sin(angle))
    assert circle is not None and len(circle.corners) <= 60
    assert circle.holds(np.array([[9.9, 0], [7.2, 7.2], [0, -9.8]], np.float32)).tolist() == [
        True,
        False,
        True,
    ]
    assert Area.drawn([1, 1], [1, 1]) is None
    for text in ("1,1 2,2", "a,b 1,1 2,2", "nan,1 1,1 2,2"):
        with pytest.raises(DomainError):
            Area.from_text(text)

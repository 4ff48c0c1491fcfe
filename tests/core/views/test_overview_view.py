"""Where to look first: lists are what they say, and the verdict follows the metrics."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine import Engine
from core.views.overview import (
    LIST_ROWS,
    UserRow,
    build_facts,
    build_rows,
    build_start,
)


def user(name: str, events: int = 10, drift: float = 0.1, rank: float | None = 5.0) -> UserRow:
    return UserRow(name, events, drift, "Audio", rank)


def test_sentences(engine: Engine, snapshot) -> None:
    start = build_start([user("u1"), user("u2")])
    snapshot(
        "overview",
        {
            "facts": build_facts(engine.corpus.manifest),
            **{f"list {view.title}": view.sentence for view in start.values()},
        },
    )


def test_lists_are_sorted_by_what_they_say() -> None:
    rows = [user(f"u{at}", events=at, drift=1 - at / 100, rank=float(at)) for at in range(30)]
    start = build_start([*rows, user("unjudged", rank=None)])
    assert [row.user_id for row in start["drift"].rows][:2] == ["u0", "u1"]
    assert [row.user_id for row in start["busiest"].rows][:2] == ["u29", "u28"]
    assert [row.user_id for row in start["worst"].rows][:2] == ["u29", "u28"]
    assert "unjudged" not in {row.user_id for row in start["worst"].rows}
    assert len(start["drift"].rows) == LIST_ROWS


def test_a_users_row_agrees_with_the_trajectory(engine: Engine, busy_user: str) -> None:
    (row,) = (row for row in build_rows(engine) if row.user_id == busy_user)
    history = engine.corpus.history(busy_user)
    trajectory = engine.trajectory(history)
    assert row.drift == pytest.approx(trajectory.drift, abs=1e-4)
    assert row.events == len(trajectory)
    ranks = [rank for rank in engine.next_ranks(history, "interest")[-3:-1] if np.isfinite(rank)]
    if ranks:
        assert row.held_out_rank == pytest.approx(float(np.exp(np.mean(np.log(ranks)))), rel=1e-3)


def test_short_histories_are_left_out(engine: Engine) -> None:
    assert min(row.events for row in build_rows(engine)) >= 5


def test_the_facts_of_the_demo_say_that_it_is_simulated(engine: Engine) -> None:
    facts = build_facts(engine.corpus.manifest)
    assert facts.startswith("Simulated data")


def test_only_users_with_a_rank_count_where_ranks_are_compared() -> None:
    start = build_start([user("a"), user("b"), user("c", rank=None)])
    assert start["worst"].among == 2 and start["drift"].among == 3
    said = {name: view.sentence.partition(", among ")[2] for name, view in start.items()}
    assert said["worst"].removeprefix("2") != said["drift"].removeprefix("3")

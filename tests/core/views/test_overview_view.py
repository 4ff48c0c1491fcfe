"""Where to look first: lists are what they say, and the verdict follows the metrics."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from core.engine import Engine
from core.views.overview import (
    LIST_ROWS,
    UserRow,
    build_facts,
    build_rows,
    build_start,
    build_verdict,
)


def user(name: str, events: int = 10, drift: float = 0.1, rank: float | None = 5.0) -> UserRow:
    return UserRow(name, events, datetime(2024, 1, 1, tzinfo=UTC), drift, "Audio", rank)


def result(name: str, value: float, low: float, high: float) -> dict:
    return {"recommender": name, "ndcg": value, "ndcg_ci": [low, high]}


def test_the_verdict_ranks_all_recommenders_and_marks_the_model() -> None:
    metrics = {
        "users": 7,
        "results": [result("interest", 0.05, 0.04, 0.06), result("ease", 0.08, 0.07, 0.09)],
    }
    verdict = build_verdict(metrics)
    assert [(row.recommender, row.is_model) for row in verdict.rows] == [
        ("ease", False),
        ("interest", True),
    ]
    assert "loses to ease" in verdict.sentence and "7 test users" in verdict.sentence


def test_the_joint_is_judged_against_the_baselines_not_against_its_own_part() -> None:
    rows = [
        result("joint", 0.09, 0.08, 0.1),
        result("interest", 0.085, 0.075, 0.095),
        result("ease", 0.05, 0.04, 0.06),
    ]
    verdict = build_verdict({"users": 7, "results": rows})
    assert [row.recommender for row in verdict.rows if row.is_model] == ["joint"]
    assert "beats every baseline" in verdict.sentence
    assert "ease" in verdict.sentence


@pytest.mark.parametrize(
    "metrics",
    [None, {}, {"results": []}, {"results": [{"recommender": "ease"}, {"ndcg": None}]}],
)
def test_missing_or_damaged_metrics_claim_nothing(metrics) -> None:
    verdict = build_verdict(metrics)
    assert verdict.rows == ()
    assert "no metrics" in verdict.sentence


@pytest.mark.parametrize(
    ("ndcg", "said"),
    [(0.09, "beats every"), (0.06, "ahead of"), (0.055, "behind"), (0.03, "loses to")],
)
def test_the_verdict_says_so_when_the_model_loses(ndcg: float, said: str) -> None:
    rows = [
        result("joint", ndcg, ndcg - 0.008, ndcg + 0.008),
        result("ease", 0.058, 0.05, 0.066),
        result("popularity", 0.039, 0.033, 0.045),
    ]
    sentence = build_verdict({"users": 1429, "results": rows}).sentence
    assert said in sentence and "ease" in sentence
    assert f"{ndcg:.3f}" in sentence and "0.058" in sentence


def test_sentences(engine: Engine, snapshot) -> None:
    model, rival = result("joint", 0.09, 0.08, 0.1), result("ease", 0.05, 0.04, 0.06)
    rows = [user("u1"), user("u2")]
    start = build_start(rows)
    snapshot(
        "overview",
        {
            "beats": build_verdict({"users": 7, "results": [model, rival]}).sentence,
            "loses": build_verdict(
                {"users": 7, "results": [result("joint", 0.03, 0.02, 0.035), rival]}
            ).sentence,
            "overlaps": build_verdict(
                {"users": 7, "results": [result("joint", 0.055, 0.047, 0.063), rival]}
            ).sentence,
            "alone": build_verdict({"results": [model]}).sentence,
            "no metrics": build_verdict(None).sentence,
            "facts": build_facts(engine.corpus.manifest),
            **{
                f"list {view.title}": view.sentence
                for view in (start.drift, start.busiest, start.worst)
            },
        },
    )


def test_lists_are_sorted_by_what_they_say() -> None:
    rows = [user(f"u{at}", events=at, drift=1 - at / 100, rank=float(at)) for at in range(30)]
    start = build_start([*rows, user("unjudged", rank=None)])
    assert [row.user_id for row in start.drift.rows][:2] == ["u0", "u1"]
    assert [row.user_id for row in start.busiest.rows][:2] == ["u29", "u28"]
    assert [row.user_id for row in start.worst.rows][:2] == ["u29", "u28"]
    assert "unjudged" not in {row.user_id for row in start.worst.rows}
    assert len(start.drift.rows) == LIST_ROWS


def test_a_users_row_agrees_with_the_trajectory(engine: Engine, busy_user: str) -> None:
    (row,) = (row for row in build_rows(engine) if row.user_id == busy_user)
    history = engine.corpus.history(busy_user)
    trajectory = engine.trajectory(history)
    assert row.drift == pytest.approx(trajectory.drift, abs=1e-4)
    assert row.events == len(trajectory)
    assert row.last == history.events[-1].timestamp
    ranks = [rank for rank in trajectory.next_rank[-3:-1] if np.isfinite(rank)]
    if ranks:
        assert row.held_out_rank == pytest.approx(float(np.exp(np.mean(np.log(ranks)))), rel=1e-3)


def test_short_histories_are_left_out(engine: Engine) -> None:
    assert min(row.events for row in build_rows(engine)) >= 5


def test_the_facts_of_the_demo_say_that_it_is_simulated(engine: Engine) -> None:
    facts = build_facts(engine.corpus.manifest)
    assert facts.startswith("Simulated data")

"""Where to look first: lists are what they say, and the verdict follows the metrics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.encode.sentiment import SentimentQuality
from core.engine import Engine
from core.model.metrics import METRICS, Metrics, Score, read_metrics
from core.views.overview import (
    LIST_ROWS,
    UserRow,
    build_facts,
    build_rows,
    build_start,
    build_verdict,
)


def user(name: str, events: int = 10, drift: float = 0.1, rank: float | None = 5.0) -> UserRow:
    return UserRow(name, events, drift, "Audio", rank)


def metrics(*results: tuple[str, float | None]) -> Metrics:
    return Metrics(
        protocol="leave-last-out",
        users=7,
        targets=7,
        results=[
            {
                **dict.fromkeys(Score.model_fields),
                "recommender": name,
                "ndcg": value,
                "ndcg_ci": (None, None) if value is None else (value - 0.01, value + 0.01),
            }
            for name, value in results
        ],
        unseen_targets=0,
        training=[],
        best_epoch=0,
        sentiment=SentimentQuality(0, 0, None, None, None),
        trustworthiness=1.0,
    )


def test_the_verdict_ranks_all_recommenders_and_marks_the_model() -> None:
    verdict = build_verdict(metrics(("interest", 0.05), ("ease", 0.08), ("content", None)), "Said.")
    rows = [(row.recommender, row.is_subject) for row in verdict.rows]
    assert rows == [("ease", False), ("interest", True)]
    assert verdict.sentence == "Said."


def test_where_there_is_a_joint_it_is_the_model() -> None:
    verdict = build_verdict(metrics(("interest", 0.085), ("joint", 0.09), ("ease", 0.05)), "Said.")
    assert [row.recommender for row in verdict.rows if row.is_subject] == ["joint"]


@pytest.mark.parametrize("content", [None, "[]", "{}", '{"results": []}', '{"results": [{}]}', "{"])
def test_missing_or_damaged_metrics_claim_nothing(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / METRICS).write_text(content)
    verdict = build_verdict(read_metrics(tmp_path), None)
    assert verdict.rows == ()
    assert "no stored evaluation" in verdict.sentence


def test_sentences(engine: Engine, snapshot) -> None:
    start = build_start([user("u1"), user("u2")])
    snapshot(
        "overview",
        {
            "not evaluated": build_verdict(None, None).sentence,
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

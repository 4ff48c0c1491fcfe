"""The Overview page: what is in the corpus, whether the model earns trust, where to look first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.compare.turnover import Turnover
from core.corpus.manifest import Manifest
from core.measure.metrics import Interval
from core.views.wording import count, percent, period

if TYPE_CHECKING:
    from core.engine import Engine
    from core.model.metrics import Metrics

JOINT, INTEREST = "joint", "interest"
LIST_ROWS = 8
LEAST_EVENTS = 5
"""Users with fewer events are left out of the lists."""
NOT_EVALUATED = (
    "This model has no stored evaluation, so there is no evidence of its quality. Evaluate it on "
    "the page Quality."
)


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One recommender's quality on the test events."""

    recommender: str
    """Its id."""
    ndcg: Interval
    """NDCG@10, 0 to 1."""
    is_subject: bool
    """True for the model on the pages."""

    COLUMNS = "recommender ndcg=ndcg.mean low=ndcg.low high=ndcg.high"


@dataclass(frozen=True, slots=True)
class VerdictView:
    """Whether the model earns trust."""

    sentence: str
    """The verdict in words."""
    rows: tuple[ScoreRow, ...]
    """The model and its baselines, best first; empty without metrics."""


@dataclass(frozen=True, slots=True)
class UserRow:
    """One user as a place to start."""

    user_id: str
    """Who."""
    events: int
    """Number of events."""
    drift: float
    """Cosine distance between the state in the middle of the history and the last one."""
    topics: str
    """The leading topic; two where it changed."""
    held_out_rank: float | None
    """Geometric mean of the ranks of the held-out events' items; None without any."""
    change: float | None = None
    """How much of the list one event changes, 0 to 1 (1 - RBO); None where it wasn't measured."""


@dataclass(frozen=True, slots=True)
class ListView:
    """One list of users that starts work."""

    title: str
    """What these users have in common."""
    sentence: str
    """How the list is made."""
    rows: tuple[UserRow, ...]
    """The users, most striking first."""


def build_facts(manifest: Manifest) -> str:
    """What a corpus is, in one line."""
    facts = (
        f"{count(manifest.accepted, 'event')} by {count(manifest.users, 'user')} on "
        f"{count(manifest.items, 'item')}, {period(manifest)}; "
        f"{percent(manifest.with_text / max(manifest.accepted, 1))} have text."
    )
    return f"Simulated data, made for this demo: {facts}" if manifest.simulated else facts


def build_verdict(metrics: Metrics | None, sentence: str | None) -> VerdictView:
    """Scores from a model's metrics, beside the verdict of its stored evaluation.

    ``sentence`` None: no evaluation is stored. The model on the pages is the joint, or the
    interest model in a model without one.
    """
    scores = metrics.results if metrics else ()
    model = JOINT if any(score.recommender == JOINT for score in scores) else INTEREST
    rows = [
        ScoreRow(score.recommender, Interval(score.ndcg, low, high), score.recommender == model)
        for score in scores
        for low, high in [score.ndcg_ci]
        if score.ndcg is not None and low is not None and high is not None
    ]
    rows.sort(key=lambda row: -row.ndcg.mean)
    return VerdictView(sentence or NOT_EVALUATED, tuple(rows))


def build_start(rows: Sequence[UserRow]) -> dict[str, ListView]:
    """The lists ``drift``, ``busiest`` and ``worst``, from one row per user."""
    among = _among(rows)
    judged = [row for row in rows if row.held_out_rank is not None]
    return {
        "drift": ListView(
            "Interest moved furthest",
            f"Largest distance from the state halfway through the history to the last, {among}.",
            top(rows, lambda row: row.drift),
        ),
        "busiest": ListView(
            "Longest histories", f"Most events, {among}.", top(rows, lambda row: row.events)
        ),
        "worst": ListView(
            "Worst served by the interest model",
            f"Lowest ranks of held-out items, {among}.",
            top(judged, lambda row: row.held_out_rank or 0.0),
        ),
    }


def build_changed(rows: Sequence[UserRow], turnover: Turnover) -> ListView:
    """The list of users whose lists changed most, from a measured turnover."""
    change = dict(zip(turnover.user_ids, turnover.change.tolist(), strict=True))
    known = [
        replace(row, change=change[row.user_id])
        for row in rows
        if not np.isnan(change.get(row.user_id, np.nan))
    ]
    return ListView(
        "Lists that changed most",
        f"Largest change of the top {turnover.k} per event, {_among(known)}.",
        top(known, lambda row: row.change or 0.0),
    )


def _among(rows: Sequence[UserRow]) -> str:
    return f"among {count(len(rows), 'user')} with {LEAST_EVENTS} or more events"


def top(rows: Sequence[UserRow], by: Callable[[UserRow], float]) -> tuple[UserRow, ...]:
    """The largest rows; equal ones by user id."""
    return tuple(sorted(rows, key=lambda row: (-by(row), row.user_id))[:LIST_ROWS])


def build_rows(engine: Engine) -> list[UserRow]:
    """Every user with enough events, from the table that was made when the model was trained."""
    names = engine.topics.names
    table = engine.users[engine.users["events"] >= LEAST_EVENTS]
    return [
        UserRow(
            user_id=row.user_id,
            events=int(row.events),
            drift=float(row.drift),
            topics=names[row.last_topic]
            if row.first_topic == row.last_topic
            else f"{names[row.first_topic]} → {names[row.last_topic]}",
            held_out_rank=None if np.isnan(row.held_out_rank) else float(row.held_out_rank),
        )
        for row in table.itertuples(index=False)
    ]

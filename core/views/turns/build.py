"""Turning points as pages and the command line show them."""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from core.language import tr
from core.turns.evidence import Evidence, evidence_of
from core.turns.stored import Turns, turns_of_user
from core.turns.turning import Kind, TurningPoint, UserTurns
from core.views.turns import sentences
from core.views.turns.rows import (
    CarrierRow,
    Episode,
    EvidenceView,
    TurnCard,
    TurnRow,
    TurnsView,
)
from core.views.wording import count, joined, percent, short_topic

if TYPE_CHECKING:
    from core.engine import Engine, Trajectory

CARDS = 3
LAST_YEAR = timedelta(days=365)


def build_turns(engine: Engine, user_id: str, known: Turns | None) -> TurnsView:
    """The turning points of one user: of the tested corpus, or of this user alone."""
    history = engine.corpus.history(user_id)
    tested = known.of.get(user_id) if known is not None else None  # own histories are in no corpus
    turns = tested or turns_of_user(engine, history)
    trajectory = engine.trajectory(history)
    episodes = _episodes(engine, trajectory, turns)
    return TurnsView(
        user_id,
        sentences.summary(turns, episodes),
        episodes,
        tuple(_turn(engine, trajectory, point) for point in turns.points),
        tested is not None,
    )


def _episodes(engine: Engine, trajectory: Trajectory, turns: UserTurns) -> tuple[Episode, ...]:
    events = trajectory.history.events
    episodes = []
    for first, last in turns.stretches:
        rows = slice(first - 1, last)
        topic = int(trajectory.profile[rows].mean(axis=0).argmax())
        felt = trajectory.sentiment[rows]
        felt = felt[np.isfinite(felt)]
        sentiment = float(felt.mean()) if len(felt) else None
        name = short_topic(engine.topics.names[topic])
        since, until = events[first - 1].date, events[last - 1].date
        lasted = sentences.length(since, until)
        label = sentences.episode(name, lasted, last - first + 1, sentiment, len(felt))
        episodes.append(Episode(first, last, topic, name, since, sentiment, len(felt), label))
    return tuple(episodes)


def _turn(engine: Engine, trajectory: Trajectory, point: TurningPoint) -> TurnRow:
    at = point.step - 1
    before = trajectory.profile[point.first - 1 : at].mean(axis=0)
    after = trajectory.profile[at : point.last].mean(axis=0)
    grew, shrank = _names(engine, point)
    return TurnRow(
        point.step,
        point.kind,
        point,
        sentences.title(point, grew, shrank, trajectory.history.events[at].date),
        sentences.change(
            point,
            grew,
            shrank,
            (float(before[point.grew]), float(after[point.grew])),
            (float(before[point.shrank]), float(after[point.shrank])),
        ),
        sentences.MARKS[point.kind],
        float(trajectory.x[at]),
        float(trajectory.y[at]),
    )


def _names(engine: Engine, point: TurningPoint) -> tuple[str, str]:
    names = engine.topics.names
    return short_topic(names[point.grew]), short_topic(names[point.shrank])


def build_evidence(
    engine: Engine, user_id: str, point: TurningPoint, seconds: float = math.inf
) -> EvidenceView:
    """The events and words that carry a turning point."""
    history = engine.corpus.history(user_id)
    evidence = evidence_of(engine, history, point, seconds=seconds)
    rows = tuple(
        CarrierRow(step, engine.corpus.event_title(history.events[step - 1]), value)
        for step, value in evidence.carriers
    )
    return EvidenceView(rows, evidence.words, _read(engine, point, evidence))


def _read(engine: Engine, point: TurningPoint, evidence: Evidence) -> str:
    total = float(evidence.values.whole - evidence.values.base)
    return sentences.evidence(*_names(engine, point), total, len(evidence.steps))


def build_cards(engine: Engine, turns: Turns, n: int = CARDS) -> tuple[TurnCard, ...]:
    """The surest turning points of the last year of a corpus, of all time where it has none."""
    corpus = engine.corpus
    newest = corpus.manifest.last

    def is_recent(user_id: str, point: TurningPoint) -> bool:
        date = corpus.history(user_id).events[point.step - 1].date
        return date is not None and newest is not None and date >= newest - LAST_YEAR

    chosen = turns.surest(n, is_recent) or turns.surest(n)
    cards = []
    for user_id, point in chosen:
        date = corpus.history(user_id).events[point.step - 1].date
        title = sentences.title(point, *_names(engine, point), date)
        sentence = sentences.card(point)
        title = tr("{user}: {what}", user=user_id, what=title)
        cards.append(TurnCard(user_id, point.step, title, sentence))
    return tuple(cards)


def user_facts(engine: Engine, user_id: str, known: Turns | None) -> dict[str, Any]:
    """One user's turning points with their evidence, as JSON."""
    view = build_turns(engine, user_id, known)
    history, names = engine.corpus.history(user_id), engine.topics.names
    tested = known.of.get(user_id) if known is not None else None  # own histories are in no corpus
    turns = tested or turns_of_user(engine, history)
    points = []
    for row in view.turns:
        shown = build_evidence(engine, user_id, row.point)
        date = history.events[row.step - 1].date
        points.append(
            {
                "kind": row.kind.name.lower(),
                "step": row.step,
                "until": row.point.until,
                "timestamp": None if date is None else date.isoformat(),
                "p": row.point.p,
                "q": row.point.q,
                "size": row.point.size,
                "grew": names[row.point.grew],
                "shrank": names[row.point.shrank],
                "events": [
                    {"step": each.step, "item": each.item, "value": each.value}
                    for each in shown.carriers
                ],
                "words": list(shown.words),
            }
        )
    return {
        "user_id": user_id,
        "sentence": view.sentence,
        "p": turns.p,
        "order_matters": turns.order_matters,
        "episodes": [
            {
                "first": each.first,
                "last": each.last,
                "topic": names[each.topic],
                "sentiment": each.sentiment,
                "reviews": each.reviews,
            }
            for each in view.episodes
        ],
        "points": points,
    }


def tell_user(facts: dict[str, Any]) -> list[str]:
    """``user_facts`` as lines for a terminal."""
    lines = [facts["sentence"]]
    for point in facts["points"]:
        carriers = [(each["step"], each["item"], each["value"]) for each in point["events"]]
        said = (
            *_told(point),
            sentences.chances(point["p"], point["q"]),
            sentences.carried(carriers, point["words"]),
        )
        lines.append(" · ".join(said))
    return lines


def _told(point: dict[str, Any]) -> tuple[str, ...]:
    """When, how and how much an interest changed."""
    kind = point["kind"]
    return (
        tr("step {step}", step=point["step"]),
        tr(kind),
        f"{point['shrank']} → {point['grew']}",
        tr("{share} of the profile", share=percent(point["size"])),
    )


def corpus_facts(engine: Engine, turns: Turns, shown: int = 10) -> dict[str, Any]:
    """How many users of a corpus turned, how, and the surest ones, as JSON."""
    names = engine.topics.names
    kinds = Counter(point.kind for user in turns.users for point in user.points)
    return {
        "users": len(turns.users),
        "tested": sum(user.p is not None for user in turns.users),
        "turned": sum(bool(user.points) for user in turns.users),
        "order_matters": sum(bool(user.order_matters) for user in turns.users),
        "kinds": {kind.name.lower(): kinds[kind] for kind in Kind},
        "surest": [
            {
                "user_id": user,
                "kind": point.kind.name.lower(),
                "step": point.step,
                "p": point.p,
                "q": point.q,
                "size": point.size,
                "grew": names[point.grew],
                "shrank": names[point.shrank],
            }
            for user, point in turns.surest(shown)
        ],
    }


def tell_corpus(facts: dict[str, Any]) -> list[str]:
    """``corpus_facts`` as lines for a terminal."""
    kinds = tr(", ").join(f"{count(n, kind)}" for kind, n in facts["kinds"].items() if n)
    turned = tr(
        "{turned:,} of {users} have a turning point ({kinds}).",
        turned=facts["turned"],
        users=count(facts["users"], "user"),
        kinds=kinds or tr("none"),
    )
    tested = tr(
        "{tested:,} have enough events to be tested; for {alike:,} of them the order makes no "
        "difference beyond chance.",
        tested=facts["tested"],
        alike=facts["tested"] - facts["order_matters"],
    )
    lines = [joined(turned, tested)]
    for row in facts["surest"]:
        said = row["user_id"], *_told(row), f"q {sentences.chance(row['q'])}"
        lines.append(" · ".join(said))
    return lines

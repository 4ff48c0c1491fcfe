"""One item explained twice: for two users, or for one user under two models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core.compare.models import of_model
from core.corpus.store import Library
from core.domain import DomainError
from core.explain.explanation import Explanation
from core.explain.export import answer_facts
from core.language import tr
from core.recommend.earlier import Earlier
from core.recommend.protocol import Recommender

if TYPE_CHECKING:
    from core.engine import Engine

Other = Literal["user", "model"]
"""What differs between the two explanations."""
ROUNDING = 1e-6
"""Nats up to which a residual is no more than rounding."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What one thing contributes to each of two scores, in nats.

    ``topic``: the events of a topic, of two users; ``steps``: the first and last step of a player,
    of one user under two models. Neither: the score without events, or with ``is_residual`` what
    the events leave unexplained.
    """

    value: float
    beside: float
    topic: int | None = None
    steps: tuple[int, int] | None = None
    is_grouped: bool = False
    """Older events of two users, which are grouped and so have no topic."""
    is_residual: bool = False

    @property
    def apart(self) -> float:
        """How much more it contributes to the first one."""
        return self.value - self.beside


def recommender_of(
    engine: Engine, library: Library, model_id: str, name: str, item_id: str
) -> Recommender:
    """A recommender of another model, to explain an item with.

    DomainError where the model is the open one, is gone or of other content, lacks the recommender,
    or was made before the item was there.
    """
    if model_id == engine.model_id:
        raise DomainError(
            tr("the model {model} is the one that is open", model=model_id),
            where="beside",
            remedy=tr("Choose another model"),
        )
    other = of_model(engine, library, model_id, name)
    if isinstance(other, Earlier) and not other.knows(item_id):
        raise DomainError(
            tr(
                "the model {model} does not know the item {item!r}: the item came to the corpus "
                "later, so that model never lists it",
                model=model_id,
                item=item_id[:80],
            ),
            where=tr("corpus {name}", name=engine.corpus.name),
            remedy=tr("Choose an item that both models know"),
        )
    return other


def differences(one: Explanation, other: Explanation) -> tuple[Difference, ...]:
    """What makes two scores differ, the largest difference first; all add up to it.

    By event where both are about one history, else by topic of the events' items.
    """
    start = Difference(float(one.events.base), float(other.events.base))
    residuals = float(one.events.residual), float(other.events.residual)
    is_left = max(map(abs, residuals)) > ROUNDING
    rest = [Difference(*residuals, is_residual=True)] if is_left else []
    same = one.history.events == other.history.events
    rows = [start, *rest, *(_by_event(one, other) if same else _by_topic(one, other))]
    return tuple(sorted(rows, key=lambda row: -abs(row.apart)))


def _by_event(one: Explanation, other: Explanation) -> list[Difference]:
    pairs = zip(one.game.players, one.events.values, other.events.values, strict=True)
    return [
        Difference(float(value), float(beside), steps=(steps[0], steps[-1]))
        for steps, value, beside in pairs
    ]


def _by_topic(one: Explanation, other: Explanation) -> list[Difference]:
    sums: list[dict[int | None, float]] = []
    for explanation in (one, other):
        topic_of, index = explanation.engine.topics.item_topic, explanation.engine.corpus.item_index
        by: dict[int | None, float] = {}
        for steps, value in zip(explanation.game.players, explanation.events.values, strict=True):
            item = explanation.event(steps[0]).item_id
            known = len(steps) == 1 and item in index
            topic = int(topic_of[index[item]]) if known else None
            by[topic] = by.get(topic, 0.0) + float(value)
        sums.append(by)
    topics = sorted({*sums[0], *sums[1]}, key=lambda topic: (topic is None, topic or 0))
    return [
        Difference(
            sums[0].get(topic, 0.0), sums[1].get(topic, 0.0), topic, is_grouped=topic is None
        )
        for topic in topics
    ]


def beside_facts(
    one: Explanation, other: Explanation, by: Other, model_id: str, rows: Sequence[Difference]
) -> dict[str, Any]:
    """The second explanation and what makes it differ, as JSON (docs/contracts.md)."""
    names = one.engine.topics.names
    return {
        "by": by,
        "model_id": model_id,
        **answer_facts(other),
        "apart": float(one.events.whole) - float(other.events.whole),
        "differences": [
            {
                "of": _kind(row),
                "topic": None if row.topic is None else names[row.topic],
                "first_step": row.steps[0] if row.steps else None,
                "step": row.steps[1] if row.steps else None,
                "value": row.value,
                "beside": row.beside,
                "apart": row.apart,
            }
            for row in rows
        ],
    }


def _kind(row: Difference) -> str:
    if row.steps is not None:
        return "event"
    if row.topic is not None:
        return "topic"
    return "grouped" if row.is_grouped else "residual" if row.is_residual else "base"

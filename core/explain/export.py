"""An explanation as the JSON of docs/contracts.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.explain.explanation import Explanation, WordsOfReview
from core.explain.parts import PART_NAMES
from core.explain.scorecard import ORDERS, Scorecard
from core.scenario.search import SmallestChange


def as_facts(explanation: Explanation, words: Sequence[WordsOfReview] = ()) -> dict[str, Any]:
    """Everything about one question, computing what isn't yet computed.

    Values are nats, except the words' sentiment. A group of older events has ``step`` its last
    and ``first_step`` its first step, and no ``item_id``.
    """
    return {
        **answer_facts(explanation),
        "words": {str(review.step): words_facts(explanation, review) for review in words},
        "counterfactual": counterfactual_facts(explanation, explanation.counterfactual),
        "scorecard": scorecard_facts(explanation.scorecard),
    }


def answer_facts(explanation: Explanation) -> dict[str, Any]:
    """Where the item stands and what each event and part contributed, as in ``as_facts``."""
    events, parts = explanation.events, explanation.parts
    return {
        "user_id": explanation.history.user_id,
        "step": len(explanation.history),
        "item_id": explanation.item_id,
        "recommender": explanation.recommender.id,
        "rank": explanation.rank,
        "excluded": explanation.is_excluded,
        "margin_over": _item(explanation, explanation.goal.against),
        "components": explanation.components,
        "ladder": explanation.ladder.to_json() if explanation.ladder else None,
        "base": float(events.base),
        "score": float(events.whole),
        "residual": float(events.residual),
        "stderr": float(events.stderr.max(initial=0.0)),
        "error": events.bound,
        "exact": events.exact,
        "events": [
            {
                "step": steps[-1],
                "item_id": (explanation.event(steps[0]).item_id or None)
                if len(steps) == 1
                else None,
                "value": float(events.values[at]),
                "stderr": float(events.stderr[at]),
                "parts": dict(zip(PART_NAMES, parts.values[at].tolist(), strict=True)),
                **({"first_step": steps[0]} if len(steps) > 1 else {}),
            }
            for at, steps in enumerate(explanation.game.players)
        ],
    }


def words_facts(explanation: Explanation, words: WordsOfReview) -> dict[str, Any]:
    """Words with their values in reading order, their errors, and what they leave unexplained.

    ``fit`` is the share of the differences between ``partial_texts`` texts that the model behind
    the values predicts for one left out; null where all partial texts were read.
    ``text_part`` is the event's text part in the split by parts, and ``residual`` what the words'
    own sum lacks of it; null for an event in a group.
    """
    split = explanation.text_part(words.step)
    total = float(words.score.values.sum())
    goals = {"sentiment": words.sentiment, "score": words.score}
    return {
        **{
            goal: [list(pair) for pair in zip(words.review.labels, of.values.tolist(), strict=True)]
            for goal, of in goals.items()
        },
        "residual": {goal: of.residual for goal, of in goals.items()},
        "stderr": {goal: of.stderr.tolist() for goal, of in goals.items()},
        "fit": {goal: of.fit for goal, of in goals.items()},
        "partial_texts": words.sentiment.asked,
        "text_part": None
        if split is None
        else {"value": split[0], "stderr": split[1], "residual": split[0] - total},
        "unread": words.review.unread,
    }


def counterfactual_facts(explanation: Explanation, change: SmallestChange) -> dict[str, Any]:
    """The smallest change, verified by the recommender."""
    events = explanation.history.events
    return {
        "goal": change.goal,
        "found": bool(change.edits),
        "k": change.k,
        "rank": change.rank_before,
        "edits": [
            edit.to_json()
            | ({"item_id": events[edit.step - 1].item_id} if isinstance(edit.step, int) else {})
            for edit in change.edits
        ],
        "verified_rank": change.verified_rank if change.edits else None,
        "replaced_by": _item(explanation, change.replaced_by),
        "smallest": bool(change.edits) and change.proven,
        "complete_up_to": change.tried.complete_up_to,
        "among": list(change.tried.among),
        "tried": change.tried.sets,
    }


def scorecard_facts(card: Scorecard) -> dict[str, Any]:
    """Areas in nats, verdicts, stability."""
    return {
        "deletion": {order: card.area("deletion", order) for order in ORDERS},
        "insertion": {order: card.area("insertion", order) for order in ORDERS},
        "beats_recent_first": card.beats("recent-first"),
        "beats_random": card.beats("random"),
        "stability": card.stability,
    }


def _item(explanation: Explanation, index: int | None) -> str | None:
    return None if index is None else explanation.engine.corpus.item_ids[index]

"""A comparison, a what-if and a turnover as the JSON of docs/contracts.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from core.compare.causes import Changes, Move
from core.compare.comparison import Comparison
from core.compare.fork import Fork
from core.compare.turnover import DAY_BINS, EVENT_BINS, Bin, Turnover, curve


def as_facts(comparison: Comparison) -> dict[str, Any]:
    """Everything about a comparison, computing what isn't yet computed.

    ``a`` and ``b`` are 0-based columns; moves are between neighbours. ``changes`` says how the
    causes were found: for each pair of neighbours that has any, its largest residual and the
    largest standard error of a cause; between two models also what each of their components
    contributed to each item's score, in nats.
    """
    moves = comparison.moves()
    return {
        "columns": [
            {
                "user": column.spec.user,
                "step": column.step,
                "at": column.moment,
                "recommender": column.recommender.id if column.recommender else column.source,
                "model": column.model or comparison.engine.model_id,
                "scenario": column.scenario,
                "next_item_id": column.following,
                "items": [asdict(item) for item in shown.items],
            }
            for column, shown in zip(comparison.columns, comparison.lists, strict=True)
        ],
        "overlap": [asdict(overlap) for overlap in comparison.overlaps],
        "moves": [_move(move) for move in moves],
        "changes": [
            {
                "a": a,
                "b": a + 1,
                "exact": changes.exact,
                "residual": float(abs(changes.residual).max(initial=0.0)),
                "stderr": max((m.cause.stderr for m in moves if m.a == a and m.cause), default=0.0),
                **_contributions(comparison, changes),
            }
            for a in range(len(comparison.columns) - 1)
            if (changes := comparison.changes(a)) is not None
        ],
    }


def _contributions(comparison: Comparison, changes: Changes) -> dict[str, Any]:
    if not changes.components:
        return {}
    ids = comparison.engine.corpus.item_ids
    of_items = zip(changes.items.tolist(), changes.values.T.tolist(), strict=True)
    return {
        "contributions": {
            ids[item]: dict(zip(changes.components, values, strict=True))
            for item, values in of_items
        }
    }


def _move(move: Move) -> dict[str, Any]:
    cause = move.cause
    facts: dict[str, Any] | None = None
    if cause is not None:
        facts = {"step": cause.step, "kind": cause.kind, "value": cause.value}
        facts |= {"edit": cause.edit} if cause.edit is not None else {}
        facts |= {"component": cause.component} if cause.component is not None else {}
    return {
        "a": move.a,
        "b": move.b,
        "item_id": move.item_id,
        "from": move.before,
        "to": move.after,
        "score_from": move.score_before,
        "score_to": move.score_after,
        "cause": facts,
    }


def fork_facts(fork: Fork) -> dict[str, Any]:
    """What edits change, as the verb ``whatif`` prints it."""
    before, after = (
        [{"rank": i.rank, "item_id": i.item_id, "score": i.score} for i in shown.items]
        for shown in fork.lists
    )
    return {
        "before": before,
        "after": after,
        "moves": [
            {"item_id": m.item_id, "from": m.before, "to": m.after, "cause": _edit_cause(fork, m)}
            for m in fork.moves()
        ],
        "fork_step": fork.fork_step,
        "reconvergence": fork.reconvergence,
    }


def _edit_cause(fork: Fork, move: Move) -> dict[str, Any]:
    cause = move.cause
    if cause is None or cause.edit is None:
        return {"kind": "eligibility"}
    op = fork.edited.edits[cause.edit - 1].op
    return {"edit": cause.edit, "kind": str(op), "value": cause.value}


def turnover_facts(turnover: Turnover, shown: int = 10) -> dict[str, Any]:
    """The curves of a turnover and the users whose lists change most; ``sample`` of a sample."""
    return {
        "recommender": turnover.recommender,
        "k": turnover.k,
        "users": turnover.measured,
        **(turnover.sample.facts if turnover.sample is not None else {}),
        "lists": int(turnover.lists.sum()),
        "by_events": _bins(curve(turnover.by_events, EVENT_BINS)),
        "by_days": _bins(curve(turnover.by_days, DAY_BINS)),
        "most_changed": [
            {"user_id": user, "change": change} for user, change in turnover.most_changed(shown)
        ],
    }


def _bins(bins: Sequence[Bin]) -> list[dict[str, Any]]:
    return [{"from": b.low, "to": b.high, "overlap": b.overlap, "users": b.users} for b in bins]

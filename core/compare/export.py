"""A comparison and a turnover as the JSON of docs/contracts.md."""

from __future__ import annotations

from typing import Any

from core.compare.comparison import Comparison, Move
from core.compare.turnover import DAY_BINS, EVENT_BINS, Bin, Turnover, curve


def as_facts(comparison: Comparison) -> dict[str, Any]:
    """Everything about a comparison, computing what isn't yet computed.

    ``a`` and ``b`` are 0-based columns; moves are between neighbours. ``changes`` says how the
    causes were found: for each pair of neighbours that has any, its largest residual and the
    largest standard error of a cause.
    """
    moves = comparison.moves()
    return {
        "columns": [
            {
                "user": column.spec.user,
                "step": column.step,
                "at": column.moment,
                "recommender": column.source,
                "scenario": column.scenario,
                "next_item_id": column.following,
                "items": [
                    {"rank": i.rank, "item_id": i.item_id, "title": i.title, "score": i.score}
                    for i in found.items
                ],
            }
            for column, found in zip(comparison.columns, comparison.lists, strict=True)
        ],
        "overlap": [
            {"a": o.a, "b": o.b, "jaccard": o.jaccard, "rbo": o.rbo, "kendall": o.kendall}
            for o in comparison.overlaps
        ],
        "moves": [_move(move) for move in moves],
        "changes": [
            {
                "a": a,
                "b": a + 1,
                "exact": changes.exact,
                "residual": float(abs(changes.residual).max(initial=0.0)),
                "stderr": max((m.cause.stderr for m in moves if m.a == a and m.cause), default=0.0),
            }
            for a in range(len(comparison.columns) - 1)
            if (changes := comparison.changes(a)) is not None
        ],
    }


def _move(move: Move) -> dict[str, Any]:
    cause = move.cause
    return {
        "a": move.a,
        "b": move.b,
        "item_id": move.item_id,
        "from": move.before,
        "to": move.after,
        "score_from": move.score_before,
        "score_to": move.score_after,
        "cause": None
        if cause is None
        else {
            "step": cause.step,
            "kind": cause.kind,
            "value": cause.value,
            **({"edit": cause.edit} if cause.edit is not None else {}),
        },
    }


def turnover_facts(turnover: Turnover, shown: int = 10) -> dict[str, Any]:
    """The curves of a turnover and the users whose lists change most."""
    return {
        "recommender": turnover.recommender,
        "k": turnover.k,
        "users": len(turnover.user_ids),
        "lists": int(turnover.lists.sum()),
        "by_events": [_bin(b) for b in curve(turnover.by_events, EVENT_BINS)],
        "by_days": [_bin(b) for b in curve(turnover.by_days, DAY_BINS)],
        "most_changed": [
            {"user_id": user, "change": change} for user, change in turnover.most_changed(shown)
        ],
    }


def _bin(one: Bin) -> dict[str, Any]:
    return {"from": one.low, "to": one.high, "overlap": one.overlap, "users": one.users}

"""Causes between a history and the same history edited: the scenario's edits, as in What-if."""

from __future__ import annotations

from collections.abc import Sequence

from core.arrays import FloatArray
from core.compare.causes import Cause
from core.compare.columns import Column
from core.corpus.corpus import Corpus
from core.domain import RecommendationList
from core.progress import StopCallback
from core.scenario.causes import ELIGIBILITY, find_moves


def edit_causes(
    corpus: Corpus,
    columns: Sequence[Column],
    scores: Sequence[FloatArray | None],
    lists: Sequence[RecommendationList],
    k: int,
    stop: StopCallback | None = None,
) -> dict[str, Cause]:
    """By item id, which edit moved it; nothing unless one of two columns edits the other.

    ``columns``, ``scores`` float32[n_items] and ``lists`` hold two entries each.
    """
    one, other = columns
    turned = one.edited is not None
    edited = one.edited or other.edited
    first, second = (scores[1], scores[0]) if turned else (scores[0], scores[1])
    same = (one.spec.user, one.step, one.source) == (other.spec.user, other.step, other.source)
    if edited is None or not same or (one.edited is not None and other.edited is not None):
        return {}
    if one.recommender is None or first is None or second is None:
        return {}
    pair = (lists[1], lists[0]) if turned else (lists[0], lists[1])
    found = {}
    for move in find_moves(corpus, edited, one.recommender, (first, second), pair, k, stop):
        number, value = move.cause.edit, move.cause.value or 0.0
        if move.cause.kind == ELIGIBILITY or number is None:
            found[move.item_id] = Cause(None, "eligibility", 0.0)
            continue
        step = edited.edits[number - 1].step
        found[move.item_id] = Cause(
            step if isinstance(step, int) else None,
            "edit",
            -value if turned else value,
            edit=number,
        )
    return found

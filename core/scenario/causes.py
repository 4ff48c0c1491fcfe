"""Why did an item move? Its move in the list is the work of the excluded set, or of an edit.

A move has two parts: with the old scores and the new excluded set an item would be at some place
(the work of eligibility), and from there new scores took it to where it is. Where the second part
is nothing, the cause is ``eligibility``. Otherwise it is the edit that changed most the item's lead
over the items it passed or was passed by, by Shapley values over the edits (Shapley 1953): so an
item that sank because others rose is laid to the edit that raised them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from core.corpus.corpus import Corpus
from core.domain import History, RecommendationList
from core.progress import StopCallback
from core.ranking import ahead_of, excluded_mask, rank_of
from core.recommend.protocol import Recommender
from core.scenario.edits import EditedHistory, apply_some
from core.shapley.engine import shapley_values
from core.shapley.game import Game, players_of

ELIGIBILITY = "eligibility"
EXACT_UP_TO = 8
"""Above so many edits their values are sampled."""
SECONDS = 0.5
"""No further pair of orders begins after so long."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What moved an item: an edit, or the excluded set alone.

    ``kind`` is the edit's op, or ``eligibility`` with neither ``edit`` (1-based) nor ``value``: the
    edit's share of the change of the item's own score, in nats. The shares of all edits add up to
    that change.
    """

    kind: str
    edit: int | None = None
    value: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The contract's form."""
        if self.edit is None:
            return {"kind": self.kind}
        return {"edit": self.edit, "kind": self.kind, "value": self.value}


@dataclass(frozen=True, slots=True)
class Move:
    """An item whose place in the list changed; None is outside the list."""

    item_id: str
    before: int | None
    after: int | None
    score_change: float
    cause: Cause

    @property
    def words(self) -> str:
        """``entered``, ``left``, ``up 3`` or ``down 2``."""
        if self.before is None:
            return "entered"
        if self.after is None:
            return "left"
        by = self.before - self.after
        return f"up {by}" if by > 0 else f"down {-by}"

    def to_json(self) -> dict[str, Any]:
        """The contract's form."""
        return {
            "item_id": self.item_id,
            "from": self.before,
            "to": self.after,
            "cause": self.cause.to_json(),
        }


def find_moves(
    corpus: Corpus,
    edited: EditedHistory,
    recommender: Recommender,
    scores: tuple[FloatArray, FloatArray],
    lists: tuple[RecommendationList, RecommendationList],
    k: int,
    stop: StopCallback | None = None,
) -> tuple[Move, ...]:
    """Every item whose place differs between two lists, with its cause.

    ``scores`` float32[n_items] before and after, ``lists`` their first ``k``. Ordered by place
    after; those that left come last, by the place that they had.
    """
    old, new = scores
    places = [{item.item_id: item.rank for item in found.items} for found in lists]
    moved = [
        (item, places[0].get(item), places[1].get(item))
        for item in dict.fromkeys((*places[1], *places[0]))
        if places[0].get(item) != places[1].get(item)
    ]
    excluded = excluded_mask(edited.history, corpus.item_index)
    index = corpus.item_index
    passed = {
        item: _passed(old, new, excluded, index[item])
        for item, before, after in moved
        if not _by_eligibility(old, excluded, index[item], before, after, k)
    }
    columns = {item: at for at, item in enumerate(passed)}
    leads = np.array([index[item] for item in passed], np.int64)
    values = _edit_values(corpus, edited, recommender, scores, leads, list(passed.values()), stop)
    found = []
    for item, before, after in moved:
        change = float(new[index[item]] - old[index[item]])
        cause = Cause(ELIGIBILITY)
        if item in columns:
            shares, lead_shares = values[:, :, columns[item]]
            up = after is not None and (before is None or after < before)
            number = int(np.argmax(lead_shares if up else -lead_shares))
            cause = Cause(str(edited.edits[number].op), number + 1, float(shares[number]))
        found.append(Move(item, before, after, change, cause))
    return tuple(found)


def _by_eligibility(
    old: FloatArray, excluded: BoolArray, item: int, before: int | None, after: int | None, k: int
) -> bool:
    """Whether the new excluded set alone, with the old scores, makes this move."""
    if excluded[item]:
        return True
    place = rank_of(item, old, excluded)
    if before is None or after is None:
        return (place <= k) == (after is not None)
    return place == after


def _passed(old: FloatArray, new: FloatArray, excluded: BoolArray, item: int) -> IntArray:
    """Items that this one passed or was passed by, as catalogue indices, in the move's direction.

    ``excluded`` bool[n_items] are those that the new list may not contain.
    """
    before, after = ahead_of(item, old), ahead_of(item, new)
    gained, lost = before & ~after & ~excluded, after & ~before & ~excluded
    return np.flatnonzero(gained if gained.sum() > lost.sum() else lost)


def _edit_values(
    corpus: Corpus,
    edited: EditedHistory,
    recommender: Recommender,
    scores: tuple[FloatArray, FloatArray],
    items: IntArray,
    passed: Sequence[IntArray],
    stop: StopCallback | None,
) -> DoubleArray:
    """Shapley values of the edits, float64[2, n_edits, n]: for scores, and for leads.

    A lead is the item's score less the mean score of the items it passed. Above 60 edits older ones
    are taken in groups of neighbours, which share their value evenly.
    """

    def read(rows: FloatArray) -> DoubleArray:
        own = rows[:, items].astype(np.float64)
        means = [rows[:, others].mean(1, dtype=np.float64) for others in passed]
        return np.concatenate([own, own - np.stack(means, 1)], 1)

    n_edits = len(edited.edits)
    if not len(items):
        return np.zeros((2, n_edits, 0))
    players = players_of(n_edits)
    known = {
        np.zeros(len(players), np.bool_).tobytes(): read(scores[0][None])[0],
        np.ones(len(players), np.bool_).tobytes(): read(scores[1][None])[0],
    }

    def history(mask: BoolArray) -> History:
        numbers = [number for at in np.flatnonzero(mask) for number in players[at]]
        return apply_some(edited.base, edited.edits, corpus, numbers).history

    game = Game(recommender, history, read, stop, known)
    found = shapley_values(
        game, len(players), seconds=SECONDS, exact_up_to=EXACT_UP_TO, stop=stop
    ).values
    sizes = np.array([len(numbers) for numbers in players])
    shares = np.repeat(found / sizes[:, None], sizes, axis=0)
    return shares.reshape(n_edits, 2, len(items)).transpose(1, 0, 2)

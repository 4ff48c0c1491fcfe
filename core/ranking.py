"""What a list may contain and in which order: by score, equal scores by item id.

Catalogue indices are in the order of item ids, so ties go by index. In metrics a tie counts half
(docs/contracts.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from core.domain import History

NO_ITEM = -1
"""Fills a row of ``top_items`` where fewer than k items may be listed."""


@dataclass(frozen=True, eq=False)
class ExcludedItems:
    """What the lists of a batch may not contain: pairs (row, catalogue index), each once."""

    rows: IntArray
    items: IntArray

    @classmethod
    def of(cls, histories: Sequence[History], item_index: Mapping[str, int]) -> ExcludedItems:
        """The excluded items of each history; items outside the catalogue need no exclusion."""
        # Histories of one question share one set; held, as another could get the id of a lost one.
        known: dict[int, tuple[frozenset[str], list[int]]] = {}
        items: list[int] = []
        sizes: list[int] = []
        for history in histories:
            excluded = history.excluded_items()
            if id(excluded) not in known:
                own = [item_index[item] for item in excluded if item in item_index]
                known[id(excluded)] = excluded, own
            own = known[id(excluded)][1]
            items += own
            sizes.append(len(own))
        rows = np.repeat(np.arange(len(histories)), np.array(sizes, np.int64))
        return cls(rows, np.array(items, np.int64))

    def contain(self, items: IntArray) -> BoolArray:
        """Whether each row's one item int64[n] is excluded, bool[n]."""
        hit = self.rows[self.items == items[self.rows]]
        return np.bincount(hit, minlength=len(items)) > 0


def excluded_mask(history: History, item_index: Mapping[str, int]) -> BoolArray:
    """The items that a list after this history may not contain, bool[n_items]."""
    mask = np.zeros(len(item_index), np.bool_)
    mask[[item_index[item] for item in history.excluded_items() if item in item_index]] = True
    return mask


def ahead_of(item: int, scores: FloatArray) -> BoolArray:
    """Which items rank before this one by scores float32[..., n_items], bool[..., n_items]."""
    own = scores[..., item, None]
    ahead: BoolArray = scores > own
    ahead[..., :item] |= scores[..., :item] == own
    return ahead


def ranks_of(item: int, scores: FloatArray, excluded: BoolArray) -> IntArray:
    """The item's rank in lists by scores float32[..., n_items] without the excluded, int64[...].

    ``excluded`` bool[..., n_items]; an item that is excluded itself is ranked as if it were not.
    """
    return np.asarray(1 + (ahead_of(item, scores) & ~excluded).sum(-1))


def rank_of(item: int, scores: FloatArray, excluded: BoolArray) -> int:
    """``ranks_of`` for one list."""
    return int(ranks_of(item, scores, excluded))


def top_k(scores: FloatArray, excluded: BoolArray, k: int) -> IntArray:
    """The k best items by scores float32[n_items], best first: int64[<= k].

    Fewer than k where fewer may be listed; an item with the score -inf never is.
    """
    allowed = np.where(excluded, np.float32(-np.inf), scores)
    k = min(max(k, 0), len(scores))
    return _best(allowed, np.partition(allowed, -k)[-k], k) if k else np.empty(0, np.int64)


def top_items(scores: FloatArray, excluded: ExcludedItems, k: int) -> IntArray:
    """``top_k`` of each row of scores float32[n, n_items], int64[n, k].

    A row with fewer than k items ends in ``NO_ITEM``.
    """
    allowed = scores.copy()
    allowed[excluded.rows, excluded.items] = -np.inf
    top = np.full((len(scores), k), NO_ITEM, np.int64)
    k = min(k, scores.shape[1])
    if k:
        bars = np.partition(allowed, -k, axis=1)[:, -k]
        for row, (values, bar) in enumerate(zip(allowed, bars, strict=True)):
            best = _best(values, bar, k)
            top[row, : len(best)] = best
    return top


def _best(scores: FloatArray, bar: np.float32, k: int) -> IntArray:
    """The first k of the items that score at least ``bar``, the k-th best score."""
    items = np.flatnonzero(scores >= bar)
    items = items[np.argsort(-scores[items], kind="stable")][:k]
    return items[scores[items] > -np.inf]


def target_ranks(scores: Any, targets: IntArray, excluded: ExcludedItems) -> DoubleArray:
    """Rank of each target among the items that may be listed, float64[n]; 1 is best.

    ``scores`` float32[n, n_items] without NaN, an array or a tensor of any device; ``targets``
    int64[n] (catalogue indices). A tie
    counts half: with t others of equal score the rank is 1 + (number above) + t / 2. A target
    that is itself excluded could not be shown: its rank is infinite, a miss.
    """
    if not isinstance(scores, np.ndarray) and scores.device.type == "cpu":
        scores = scores.numpy()
    goal = scores[np.arange(len(targets)), targets]
    if isinstance(scores, np.ndarray):  # several times as fast as a sum of truth values
        above = np.count_nonzero(scores > goal[:, None], axis=1)
        tied = np.count_nonzero(scores == goal[:, None], axis=1) - 1
    else:
        above = (scores > goal[:, None]).sum(1)
        tied = (scores == goal[:, None]).sum(1) - 1
    lost = scores[excluded.rows, excluded.items]
    if not isinstance(scores, np.ndarray):
        goal, above, tied, lost = (part.cpu().numpy() for part in (goal, above, tied, lost))
    bar = goal[excluded.rows]
    above = above - np.bincount(excluded.rows[lost > bar], minlength=len(targets))
    tied = tied - np.bincount(excluded.rows[lost == bar], minlength=len(targets))
    return np.where(excluded.contain(targets), np.inf, 1.0 + above + tied / 2.0)

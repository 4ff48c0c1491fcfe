"""Lists side by side: what they share, what moved between neighbours, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from core.arrays import BoolArray, FloatArray, IntArray
from core.compare.causes import Cause, CauseKind, Changes, explain_changes, have_changes
from core.compare.columns import Column, ColumnSpec, open_columns
from core.compare.edits import edit_causes
from core.compare.overlap import jaccard, kendall, rank_biased_overlap
from core.corpus.store import Library
from core.domain import CONSUMING_KINDS, RecommendationList
from core.progress import StopCallback
from core.ranking import excluded_mask, rank_of

if TYPE_CHECKING:
    from core.engine import Engine

K = 10


@dataclass(frozen=True, slots=True)
class Overlap:
    """What two columns' lists share; None where a measure is undefined."""

    a: int
    b: int
    jaccard: float | None
    rbo: float | None
    kendall: float | None


@dataclass(frozen=True, slots=True)
class Move:
    """An item whose place differs between two neighbouring columns.

    ``before`` and ``after`` are ranks within the lists, None outside; ``rank_before``,
    ``rank_after`` over the whole catalogue, None where the item is excluded or a list was served.
    """

    a: int
    b: int
    item: int
    item_id: str
    before: int | None
    after: int | None
    rank_before: int | None
    rank_after: int | None
    score_before: float | None
    score_after: float | None
    cause: Cause | None

    @property
    def kind(self) -> Literal["entered", "left", "up", "down"]:
        """What happened to it."""
        if self.before is None:
            return "entered"
        if self.after is None:
            return "left"
        return "up" if self.after < self.before else "down"


class Comparison:
    """Two to six lists of a model, the first ``k`` items each.

    Everything is computed when first asked for; without ``causes`` nothing is asked of a
    recommender but the lists. ``library`` holds served lists and scenarios (default: the one that
    ``Library.open`` finds). DomainError for a column that can't be opened.
    """

    def __init__(
        self,
        engine: Engine,
        specs: Sequence[ColumnSpec | Column],
        k: int = K,
        *,
        library: Library | None = None,
        seed: int = 0,
        stop: StopCallback | None = None,
    ) -> None:
        self.engine = engine
        self.k = k
        self.seed = seed
        self.stop = stop
        self.columns: tuple[Column, ...] = open_columns(engine, specs, library or Library.open())

    @cached_property
    def scores(self) -> tuple[FloatArray | None, ...]:
        """The catalogue as each column scores it, float32[n_items]; None for a served list."""
        found: list[FloatArray | None] = [None] * len(self.columns)
        together: dict[str, list[int]] = defaultdict(list)
        for at, column in enumerate(self.columns):
            if column.recommender is not None:
                together[column.source].append(at)
        for places in together.values():
            recommender = self.columns[places[0]].recommender
            assert recommender is not None
            rows = recommender.log_probabilities([self.columns[at].history for at in places])
            for at, row in zip(places, rows, strict=True):
                found[at] = row
        return tuple(found)

    @cached_property
    def lists(self) -> tuple[RecommendationList, ...]:
        """Each column's list."""
        return tuple(
            self.engine.top(column.history, scores, self.k, column.source)
            if scores is not None
            else self._served(column)
            for column, scores in zip(self.columns, self.scores, strict=True)
        )

    def _served(self, column: Column) -> RecommendationList:
        assert column.served is not None
        shown = tuple(item for item in column.served.items if item.rank <= self.k)
        return replace(column.served, items=shown)

    @cached_property
    def overlaps(self) -> tuple[Overlap, ...]:
        """Every pair of columns."""
        ids = [[item.item_id for item in found.items] for found in self.lists]
        order = [
            {item.item_id: -item.rank if np.isnan(item.score) else item.score for item in f.items}
            for f in self.lists
        ]
        return tuple(
            Overlap(
                a,
                b,
                jaccard(ids[a], ids[b]),
                rank_biased_overlap(ids[a], ids[b]),
                kendall(order[a], order[b]),
            )
            for a, b in combinations(range(len(ids)), 2)
        )

    def rank(self, at: int, item: int) -> int | None:
        """An item's rank over all that a column may list; None where it is none of them."""
        scores = self.scores[at]
        if scores is None:
            served, item_id = self.columns[at].served, self.engine.corpus.item_ids[item]
            return (
                next((i.rank for i in served.items if i.item_id == item_id), None)
                if served
                else None
            )
        if self._excluded[at][item]:
            return None
        return rank_of(item, scores, self._excluded[at])

    def changes(self, a: int) -> Changes | None:
        """Why scores changed between column ``a`` and the next, for all items of both lists.

        None between different users or recommenders, at the same time, and with edits or served
        lists.
        """
        if a not in self._changes:
            self._changes[a] = self._explain(a)
        return self._changes[a]

    @cached_property
    def _changes(self) -> dict[int, Changes | None]:
        return {}

    def _explain(self, a: int) -> Changes | None:
        one, other = self.columns[a], self.columns[a + 1]
        if not (one.is_plain and other.is_plain) or one.source != other.source:
            return None
        recommender = one.recommender
        assert recommender is not None
        items = self._items(a)
        for early, late, turn in ((one, other, False), (other, one, True)):
            if have_changes(early.history, late.history):
                found = explain_changes(
                    recommender, early.history, late.history, items, seed=self.seed, stop=self.stop
                )
                return found.reversed() if turn else found
        return None

    def _items(self, a: int) -> IntArray:
        index = self.engine.corpus.item_index
        both = {index[i.item_id] for found in self.lists[a : a + 2] for i in found.items}
        return np.array(sorted(both), np.int64)

    def moves(self, *, causes: bool = True) -> tuple[Move, ...]:
        """Items that entered, left or changed their rank between neighbours, by new rank."""
        return tuple(
            move
            for a, _ in pairwise(range(len(self.columns)))
            for move in self._moves_between(a, causes)
        )

    @property
    def error(self) -> float:
        """Largest standard error of a cause that isn't eligibility, in nats; 0 where exact."""
        causes = (move.cause for move in self.moves() if move.cause is not None)
        return max((c.stderr for c in causes if c.kind != "eligibility"), default=0.0)

    def _moves_between(self, a: int, causes: bool) -> list[Move]:
        b = a + 1
        before = {item.item_id: item.rank for item in self.lists[a].items}
        after = {item.item_id: item.rank for item in self.lists[b].items}
        changed = [i for i in {**after, **before} if before.get(i) != after.get(i)]
        found = self._causes(a, changed, before, after) if causes and changed else {}
        return [self._move(a, i, before.get(i), after.get(i), found.get(i)) for i in changed]

    def _causes(
        self, a: int, changed: list[str], before: dict[str, int], after: dict[str, int]
    ) -> dict[str, Cause]:
        """The cause of each changed item: events between two times, or a scenario's edits."""
        changes, index = self.changes(a), self.engine.corpus.item_index
        if changes is None:
            pair, scores = self.columns[a : a + 2], self.scores[a : a + 2]
            lists = self.lists[a : a + 2]
            return edit_causes(self.engine.corpus, pair, scores, lists, self.k, self.stop)
        return {i: self._cause(a, index[i], before.get(i), after.get(i), changes) for i in changed}

    def _move(
        self, a: int, item_id: str, before: int | None, after: int | None, cause: Cause | None
    ) -> Move:
        item = self.engine.corpus.item_index[item_id]
        return Move(
            a=a,
            b=a + 1,
            item=item,
            item_id=item_id,
            before=before,
            after=after,
            rank_before=self.rank(a, item),
            rank_after=self.rank(a + 1, item),
            score_before=self._score(a, item),
            score_after=self._score(a + 1, item),
            cause=cause,
        )

    def _score(self, at: int, item: int) -> float | None:
        scores = self.scores[at]
        return None if scores is None else float(scores[item])

    def _cause(
        self, a: int, item: int, before: int | None, after: int | None, changes: Changes
    ) -> Cause:
        ends = self._excluded[a : a + 2]
        scores = self.scores[a]
        assert scores is not None
        if ends[0][item] != ends[1][item]:
            return self._by_exclusion(a, item, [item], changes)
        ahead = [
            int(i)
            for i in np.flatnonzero(ends[0] != ends[1])
            if (scores[i], -i) > (scores[item], -item)
        ]
        if ahead and rank_of(item, scores, ends[1]) == self.rank(a + 1, item):
            return self._by_exclusion(a, item, ahead, changes)
        sign = 1.0 if before is None or (after is not None and after < before) else -1.0
        change = changes.of(item)
        values = change.values
        kind: CauseKind = "event"
        towards = sign * values
        if sign * float(values.sum()) <= 0:  # its own score went the other way
            kind, passed = "others", self._passed(item, sign, changes, ends[0] | ends[1])
            if not passed.any():
                return self._by_exclusion(a, item, ahead, changes)
            towards = sign * (values - changes.values[:, passed].mean(axis=1))
        player = int(towards.argmax())
        value, stderr = float(values[player]), float(change.stderr[player])
        if player == len(changes.players):
            return Cause(None, "clock" if kind == "event" else kind, value, stderr)
        return Cause(changes.players[player][-1], kind, value, stderr)

    def _passed(self, item: int, sign: float, changes: Changes, excluded: BoolArray) -> BoolArray:
        """Which items of both lists it passed (or was passed by) through scores, bool[n]."""
        own = changes.items == item
        lead_before = sign * (changes.base[own] - changes.base)
        lead_after = sign * (changes.whole[own] - changes.whole)
        return np.asarray((lead_before <= 0) & (lead_after >= 0) & ~own & ~excluded[changes.items])

    def _by_exclusion(self, a: int, item: int, decisive: list[int], changes: Changes) -> Cause:
        """The first event between that made the excluded set differ in one of these items."""
        one, other = self.columns[a].history, self.columns[a + 1].history
        longer = max(one, other, key=len)
        ids = {self.engine.corpus.item_ids[i] for i in decisive}
        between = range(min(len(one), len(other)) + 1, len(longer) + 1)
        steps = [
            step
            for step in between
            if (event := longer.events[step - 1]).kind in CONSUMING_KINDS
            and (not ids or event.item_id in ids)
        ]
        if not steps:
            return Cause(None, "eligibility", 0.0)
        player = next(p for p, own_steps in enumerate(changes.players) if steps[0] in own_steps)
        change = changes.of(item)
        return Cause(
            steps[0], "eligibility", float(change.values[player]), float(change.stderr[player])
        )

    @cached_property
    def _excluded(self) -> tuple[BoolArray, ...]:
        """What each column can't list, bool[n_items] each."""
        index = self.engine.corpus.item_index
        return tuple(excluded_mask(column.history, index) for column in self.columns)

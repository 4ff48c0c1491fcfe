"""Lists side by side: what they share, what moved between neighbours, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from core.arrays import BoolArray, FloatArray, IntArray
from core.compare.causes import (
    SECONDS,
    Cause,
    Changes,
    Move,
    Pair,
    edit_causes,
    explain_changes,
    have_changes,
    score_cause,
)
from core.compare.columns import Column, ColumnSpec, open_columns
from core.compare.model_causes import explain_models
from core.compare.models import are_kin
from core.compare.overlap import jaccard, kendall, rank_biased_overlap
from core.corpus.store import Library
from core.domain import RecommendationList
from core.html_table import html_table
from core.language import tr
from core.progress import StopCallback
from core.ranking import excluded_mask, rank_of
from core.threads import once_each

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


class Comparison:
    """Two to six lists of a model, the first ``k`` items each.

    Everything is computed when first asked for; without ``causes`` nothing is asked of a
    recommender but the lists. ``library`` holds served lists and scenarios (default: the one that
    ``Library.open`` finds). Causes of many events are sampled for ``seconds``; without end until
    the error is small. DomainError for a column that can't be opened.
    """

    def __init__(
        self,
        engine: Engine,
        specs: Sequence[ColumnSpec | Column],
        k: int = K,
        *,
        library: Library | None = None,
        stop: StopCallback | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self.engine = engine
        self.k = k
        self.library = library
        self.stop = stop
        self.seconds = seconds
        self.columns: tuple[Column, ...] = open_columns(engine, specs, library)
        self._changes: dict[int, Changes | None] = {}

    def _repr_html_(self) -> str:
        """The lists side by side, for Jupyter; causes are not computed for it."""
        names = [
            tr(
                "{user}, {moment}, {recommender}",
                user=column.spec.user,
                moment=column.scenario_name or tr("after step {step}", step=column.step),
                recommender=column.source_name,
            )
            for column in self.columns
        ]
        called = {i.item_id: i.title or i.item_id for shown in self.lists for i in shown.items}
        ranks = [{item.item_id: item.rank for item in shown.items} for shown in self.lists]
        rows = (
            (called[item_id], *(of_column.get(item_id) for of_column in ranks))
            for item_id in called
        )
        ranks_in = (tr("rank in {column}", column=at) for at in range(1, len(names) + 1))
        caption = tr("; ").join(f"{at}. {name}" for at, name in enumerate(names, start=1))
        return html_table(f"{caption}{self._told()}", ", ".join([tr("item"), *ranks_in]), rows)

    def _told(self) -> str:
        """What else a caption says."""
        shared = [o.jaccard for o in self.overlaps if o.b == o.a + 1 and o.jaccard is not None]
        values = tr(", ").join(f"{value:.2f}" for value in shared)
        return tr(". Jaccard of neighbours: {values}", values=values)

    @once_each
    def scores(self) -> tuple[FloatArray | None, ...]:
        """The catalogue as each column scores it, float32[n_items]; None for a served list."""
        scores: list[FloatArray | None] = [None] * len(self.columns)
        together: dict[int, list[int]] = defaultdict(list)
        for at, column in enumerate(self.columns):
            if column.recommender is not None:
                together[id(column.recommender)].append(at)
        for columns in together.values():
            recommender = self.columns[columns[0]].recommender
            assert recommender is not None
            rows = recommender.log_probabilities([self.columns[at].history for at in columns])
            for at, row in zip(columns, rows, strict=True):
                scores[at] = row
        return tuple(scores)

    @once_each
    def lists(self) -> tuple[RecommendationList, ...]:
        """Each column's list."""
        lists = []
        for column, scores in zip(self.columns, self.scores, strict=True):
            if scores is not None:
                lists.append(self.engine.top(column.history, scores, self.k, column.source))
            elif column.served is not None:
                shown = tuple(item for item in column.served.items if item.rank <= self.k)
                lists.append(replace(column.served, items=shown))
        return tuple(lists)

    @cached_property
    def overlaps(self) -> tuple[Overlap, ...]:
        """Every pair of columns."""
        ids = [[item.item_id for item in shown.items] for shown in self.lists]
        order = [
            {i.item_id: -i.rank if np.isnan(i.score) else i.score for i in shown.items}
            for shown in self.lists
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
        scores, served = self.scores[at], self.columns[at].served
        if served is not None:
            item_id = self.engine.corpus.item_ids[item]
            return next((row.rank for row in served.items if row.item_id == item_id), None)
        if scores is None or self._excluded[at][item]:
            return None
        return rank_of(item, scores, self._excluded[at])

    def changes(self, a: int) -> Changes | None:
        """Why scores changed between column ``a`` and the next, for all items of both lists.

        Between two times of one recommender, or between two models after the same events. None
        between different users or recommenders, and with served lists.
        """
        if a not in self._changes:
            self._changes[a] = self._explain(a)
        return self._changes[a]

    def _explain(self, a: int) -> Changes | None:
        first, second = self.columns[a], self.columns[a + 1]
        recommender = first.recommender
        index = self.engine.corpus.item_index
        both = {index[item.item_id] for shown in self.lists[a : a + 2] for item in shown.items}
        items = np.array(sorted(both), np.int64)
        if are_two_models(first, second):
            return self._explain_models(first, second, items)
        plain = first.is_plain and second.is_plain and first.source == second.source
        if not plain or recommender is None:
            return None
        for early, late, turned in ((first, second, False), (second, first, True)):
            if have_changes(early.history, late.history):
                changes = explain_changes(
                    recommender, early.history, late.history, items, self.stop, self.seconds
                )
                return changes.reversed() if turned else changes
        return None

    def _explain_models(self, first: Column, second: Column, items: IntArray) -> Changes:
        engine, (one, other) = self.engine, (first.recommender, second.recommender)
        assert one is not None and other is not None
        ids = [column.model or engine.model_id for column in (first, second)]
        kin = are_kin(self.library or Library.open(), engine.corpus.name, *ids)
        return explain_models(
            one,
            other,
            engine.corpus.item_ids,
            second.history,
            items,
            kin=kin,
            seconds=self.seconds,
            stop=self.stop,
        )

    def moves(self, *, causes: bool = True) -> tuple[Move, ...]:
        """Items that entered, left or changed their rank between neighbours.

        By columns, then by new rank; those that left come last, by their former rank.
        """
        return self._caused_moves if causes else self._moves

    @once_each
    def _moves(self) -> tuple[Move, ...]:
        moves = []
        for a in range(len(self.columns) - 1):
            before, after = (
                {item.item_id: item.rank for item in shown.items} for shown in self.lists[a : a + 2]
            )
            moves += [
                self._move(a, item_id, before.get(item_id), after.get(item_id))
                for item_id in {**after, **before}
                if before.get(item_id) != after.get(item_id)
            ]
        return tuple(moves)

    @once_each
    def _caused_moves(self) -> tuple[Move, ...]:
        moves: list[Move] = []
        for a in range(len(self.columns) - 1):
            own = [move for move in self._moves if move.a == a]
            causes = self._causes(a, own)
            if causes is not None:
                own = [replace(m, cause=cause) for m, cause in zip(own, causes, strict=True)]
            moves += own
        return tuple(moves)

    def _move(self, a: int, item_id: str, before: int | None, after: int | None) -> Move:
        item = self.engine.corpus.item_index[item_id]
        old, new = (None if row is None else float(row[item]) for row in self.scores[a : a + 2])
        ranks = self.rank(a, item), self.rank(a + 1, item)
        return Move(a, item, item_id, before, after, *ranks, old, new)

    def _causes(self, a: int, moves: Sequence[Move]) -> list[Cause] | None:
        """The cause of each move: events between two times, or a scenario's edits."""
        first, second = self.columns[a : a + 2]
        old, new = self.scores[a : a + 2]
        same = first.source == second.source or are_two_models(first, second)
        if not moves or old is None or new is None or not same:
            return None
        excluded = (self._excluded[a], self._excluded[a + 1])
        pair = Pair(self.engine.corpus, (first, second), (old, new), excluded)
        changes = self.changes(a)
        if changes is not None:
            return [score_cause(pair, move, changes) for move in moves]
        at_once = (first.spec.user, first.step) == (second.spec.user, second.step)
        if at_once and (first.edited is None) != (second.edited is None):
            return edit_causes(pair, moves, self.k, self.stop, self.seconds)
        return None

    @property
    def error(self) -> float:
        """Largest standard error of a cause that isn't eligibility, in nats; 0 where exact."""
        causes = (move.cause for move in self.moves() if move.cause is not None)
        return max((c.stderr for c in causes if c.kind != "eligibility"), default=0.0)

    @cached_property
    def _excluded(self) -> tuple[BoolArray, ...]:
        """What each column can't list, bool[n_items] each."""
        index = self.engine.corpus.item_index
        return tuple(excluded_mask(column.history, index) for column in self.columns)


def are_two_models(first: Column, second: Column) -> bool:
    """Whether two columns are one recommender's lists by two models after the same events."""
    one, other = first.recommender, second.recommender
    return (
        one is not None
        and other is not None
        and first.model != second.model
        and one.id == other.id
        and first.history == second.history
    )

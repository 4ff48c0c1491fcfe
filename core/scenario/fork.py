"""The fork: what a list of edits does to a user's path and list, and which edit did it.

Only what changed is computed: the interest model keeps the state after every prefix it has met,
texts keep their vectors, a base keeps its scores and path while it is edited, and the rest is made
when first asked for.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

import numpy as np

from core.arrays import FloatArray
from core.domain import History, RecommendationList
from core.interest_map.projection import unit
from core.progress import StopCallback
from core.recommend.protocol import Recommender
from core.scenario.causes import Move, find_moves
from core.scenario.edits import Edit, EditedHistory, apply_edits
from core.threads import once_each

if TYPE_CHECKING:
    from core.engine import Engine, Trajectory

FELT = 0.02
"""Cosine distance of two query vectors below which an edit is no longer felt (contracts.md)."""
SAME_STATE = 1e-6
"""Relative difference of two query vectors that is rounding."""
KEPT_BASES = 32
"""Scores and paths of base histories that are kept for each engine."""

Made = TypeVar("Made")
_kept: WeakKeyDictionary[Engine, OrderedDict[tuple[str, History], Any]] = WeakKeyDictionary()
_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Fork:
    """A base history, its edits, and what they change. Properties are computed once, when asked.

    ``scores_before`` and ``scores_after`` float32[n_items]: the recommender's natural logs of
    probability over the whole catalogue.
    """

    engine: Engine
    edited: EditedHistory
    recommender: Recommender
    k: int
    scores_before: FloatArray
    scores_after: FloatArray
    before: RecommendationList
    after: RecommendationList
    stop: StopCallback | None = None

    @property
    def base(self) -> History:
        """The history that is edited."""
        return self.edited.base

    @once_each
    def moves(self) -> tuple[Move, ...]:
        """Every item whose place changed, with its cause: by place after, then those that left."""
        return find_moves(
            self.engine.corpus,
            self.edited,
            self.recommender,
            (self.scores_before, self.scores_after),
            (self.before, self.after),
            self.k,
            self.stop,
        )

    @cached_property
    def queries(self) -> tuple[FloatArray, FloatArray]:
        """Query vectors before and after, float32[n_steps + 1, dim] each; row 0 is the start."""
        ask = self.engine.query_vectors
        return ask(self.base), ask(self.edited.history)

    @cached_property
    def fork_step(self) -> int | None:
        """First step whose state differs; None where none does.

        A step that only one of the two histories has differs.
        """
        old, new = self.queries
        both = min(len(old), len(new))
        apart = np.abs(old[:both] - new[:both]).max(1)
        differs = apart > SAME_STATE * np.abs(old[:both]).max(1)
        if differs.any():
            return int(differs.argmax())
        return both if len(old) != len(new) else None

    @cached_property
    def felt(self) -> FloatArray:
        """How far apart the two query vectors are after the last edit, float32[m + 1].

        Entry 0 is the moment after the last changed place of the history, entry j the moment after
        j more events. Those m events are the ones that both histories end with, unchanged and in
        the same order; so steps are compared by the event of the base that they follow, whatever
        was added or deleted before. Cosine distances in [0, 2].
        """
        following = self._common_end()
        old, new = self.queries
        rows = len(following) + 1
        found: FloatArray = 1 - (unit(old[-rows:]) * unit(new[-rows:])).sum(1)
        return np.maximum(found, 0)

    @cached_property
    def reconvergence(self) -> int | None:
        """Steps after the last edit until it is no longer felt; None where it always is."""
        close = np.flatnonzero(self.felt < FELT)
        return int(close[0]) if len(close) else None

    @cached_property
    def path_before(self) -> Trajectory:
        """The base's path."""
        return _once(self.engine, "path", self.base, lambda: self.engine.trajectory(self.base))

    @cached_property
    def path_after(self) -> Trajectory:
        """The edited history's path; without steps where every event was deleted."""
        return self.engine.trajectory(self.edited.history)

    @cached_property
    def profile_before(self) -> FloatArray:
        """The interest model's profile of the base, float32[n_topics]."""
        return self.engine.profile(self.base)

    @cached_property
    def profile_after(self) -> FloatArray:
        """The interest model's profile after the edits, float32[n_topics]."""
        return self.engine.profile(self.edited.history)

    def to_json(self) -> dict[str, Any]:
        """The contract's form of the verb ``whatif``."""
        return {
            "before": list_facts(self.before),
            "after": list_facts(self.after),
            "moves": [move.to_json() for move in self.moves],
            "fork_step": self.fork_step,
            "reconvergence": self.reconvergence,
        }

    def _common_end(self) -> tuple[int, ...]:
        """Steps of the base that both histories end with, unchanged."""
        origins, touched = self.edited.origins, self.edited.touched
        m = 0
        while (
            m < min(len(origins), len(self.base))
            and origins[-1 - m] == len(self.base) - m
            and not touched[-1 - m]
        ):
            m += 1
        return tuple(range(len(self.base) - m + 1, len(self.base) + 1))


def run(
    engine: Engine,
    base: History,
    edits: Sequence[Edit],
    recommender: str | None = None,
    k: int = 10,
    at: int | str | datetime | None = None,
    stop: StopCallback | None = None,
) -> Fork:
    """What the edits do to a user's list at a step or time of the base (None: its last event).

    Steps of edits count in the base up to ``at``. DomainError for an edit that can't be applied
    (``apply_edits``), an unknown recommender, or a wrong ``at``. Both lists are asked for alone, so
    that without edits both are the base's, bit by bit.
    """
    if at is not None:
        base = base.up_to(base.resolve_step(at))
    edited = apply_edits(base, edits, engine.corpus)
    chosen = engine.recommender(recommender)
    before, after = (chosen.log_probabilities([history])[0] for history in (base, edited.history))
    return Fork(
        engine=engine,
        edited=edited,
        recommender=chosen,
        k=k,
        scores_before=before,
        scores_after=after,
        before=engine.top(base, before, k, chosen.id),
        after=engine.top(edited.history, after, k, chosen.id),
        stop=stop,
    )


def _once(engine: Engine, what: str, base: History, make: Callable[[], Made]) -> Made:
    """What was made of a base history before, or what ``make`` makes now."""
    with _lock:
        known = _kept.setdefault(engine, OrderedDict())
        if (what, base) in known:
            known.move_to_end((what, base))
            return cast(Made, known[what, base])
    made = make()
    with _lock:
        known[what, base] = made
        while len(known) > KEPT_BASES:
            known.popitem(last=False)
    return made


def list_facts(found: RecommendationList) -> list[dict[str, Any]]:
    """A list as the contract's JSON has it."""
    return [
        {"rank": item.rank, "item_id": item.item_id, "score": item.score} for item in found.items
    ]

"""What-if: a history beside its edited form, as a comparison of two columns, and where they part.

Only what changed is computed: the interest model keeps the state after every prefix it has met,
texts keep their vectors, a base keeps its path while it is edited, and the rest is made when first
asked for.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from weakref import ref

import numpy as np

from core.arrays import FloatArray
from core.compare.causes import SECONDS
from core.compare.columns import EDITED, Column, ColumnSpec
from core.compare.comparison import Comparison, K
from core.domain import History, RecommendationList
from core.engine import Engine, Trajectory
from core.interest_map.projection import unit
from core.language import tr
from core.recommend.protocol import Recommender
from core.scenario.edits import Edit, EditedHistory, apply_edits
from core.threads import once_each

FADED = 0.02
"""Cosine distance of two query vectors below which an edit's effect has faded (contracts.md)."""
SAME_STATE = 1e-6
"""Relative difference of two query vectors that is rounding."""
KEPT_BASES = 32
"""Paths of base histories that are kept."""


class Fork(Comparison):
    """A base history (column 0) and what edits make of it (column 1)."""

    def __init__(
        self,
        engine: Engine,
        edited: EditedHistory,
        recommender: Recommender,
        k: int = K,
        *,
        seconds: float = SECONDS,
    ) -> None:
        base, name = edited.base, recommender.id
        spec = ColumnSpec(base.user_id, str(len(base)), name)
        original = Column(spec, len(base), base, name, recommender)
        changed = replace(original, history=edited.history, edited=edited, scenario=EDITED)
        super().__init__(engine, (original, changed), k, seconds=seconds)
        self.edited = edited
        self.recommender = recommender

    def named(self, name: str) -> Fork:
        """The same with a name for the edited column."""
        fork = copy.copy(self)
        fork.columns = (self.columns[0], replace(self.columns[1], scenario=name))
        return fork

    def _told(self) -> str:
        fork, faded = self.fork_step, self.reconvergence
        if fork is None:
            said = tr("The edits change no state")
        elif faded is None:
            said = tr("The states part at step {step}; the effect persists", step=fork)
        else:
            said = tr(
                "The states part at step {step}; the effect fades after {n} events",
                step=fork,
                n=faded,
            )
        return tr("{caption}. {sentence}", caption=super()._told(), sentence=said)

    @once_each
    def scores(self) -> tuple[FloatArray, FloatArray]:
        """The catalogue before and after, float32[n_items] each.

        Asked for alone, so that without edits both are the base's, bit by bit.
        """
        before, after = (
            self.recommender.log_probabilities([history])[0]
            for history in (self.base, self.edited.history)
        )
        return before, after

    @property
    def base(self) -> History:
        """The history that is edited."""
        return self.edited.base

    @property
    def before(self) -> RecommendationList:
        """The list without the edits."""
        return self.lists[0]

    @property
    def after(self) -> RecommendationList:
        """The list after the edits."""
        return self.lists[1]

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
    def distances(self) -> FloatArray:
        """How far apart the two query vectors are after the last edit, float32[m + 1].

        Entry 0 is the moment after the last changed event, entry j the moment after j more events.
        Those m events are the ones that both histories end with, unchanged and in the same order;
        so steps are compared by the event of the base that they follow, whatever was added or
        deleted before. Cosine distances in [0, 2].
        """
        origins, touched = self.edited.origins, self.edited.touched
        steps = len(self.base)
        m = 0
        while m < min(len(origins), steps) and origins[-1 - m] == steps - m and not touched[-1 - m]:
            m += 1
        old, new = self.queries
        distances: FloatArray = 1 - (unit(old[-m - 1 :]) * unit(new[-m - 1 :])).sum(1)
        return np.maximum(distances, 0)

    @cached_property
    def reconvergence(self) -> int | None:
        """Steps after the last edit until its effect has faded; None where it persists."""
        close = np.flatnonzero(self.distances < FADED)
        return int(close[0]) if len(close) else None

    @cached_property
    def path_before(self) -> Trajectory:
        """The base's path, kept for the next edit of the same base."""
        return _path(ref(self.engine), self.base)

    @cached_property
    def path_after(self) -> Trajectory:
        """The edited history's path; without steps where every event was deleted."""
        return self.engine.trajectory(self.edited.history)

    @cached_property
    def profiles(self) -> tuple[FloatArray, FloatArray]:
        """The interest model's profiles before and after the edits, float32[n_topics] each."""
        return self.engine.profile(self.base), self.engine.profile(self.edited.history)


@lru_cache(KEPT_BASES)
def _path(engine: ref[Engine], base: History) -> Trajectory:
    """A path that is kept without keeping its engine."""
    opened = engine()
    assert opened is not None
    return opened.trajectory(base)


def run(
    engine: Engine,
    base: History,
    edits: Sequence[Edit],
    recommender: str | None = None,
    k: int = K,
    *,
    seconds: float = SECONDS,
) -> Fork:
    """What the edits do to a user's list after the base.

    Causes are sampled for ``seconds`` (``Comparison``). DomainError for an edit that can't be
    applied (``apply_edits``) or an unknown recommender.
    """
    edited = apply_edits(base, edits, engine.corpus)
    return Fork(engine, edited, engine.recommender(recommender), k, seconds=seconds)

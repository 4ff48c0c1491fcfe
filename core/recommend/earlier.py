"""A recommender of an earlier catalogue, asked over a catalogue that has grown since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from core.arrays import FloatArray, IntArray
from core.domain import Event, EventKind, History
from core.recommend.protocol import Recommender
from core.recommend.training_data import Catalogued

UNKNOWN_SHARE = 1e-6
"""Probability of all items together that the earlier catalogue lacks."""


@dataclass(frozen=True, eq=False)
class Earlier(Catalogued):
    """Satisfies ``Recommender`` over ``item_ids``; items that are new are last in its lists.

    ``known`` are the ids of the earlier catalogue, all among ``item_ids``; ``kinds`` the kinds of
    events it had, others count as clicks. Of events with an unknown item the rest is read: rating,
    text and time, where the recommender reads them.
    """

    item_ids: tuple[str, ...]
    recommender: Recommender
    known: tuple[str, ...]
    kinds: frozenset[EventKind] = frozenset(EventKind)

    @property
    def id(self) -> str:
        """As the recommender's own."""
        return self.recommender.id

    @cached_property
    def places(self) -> IntArray:
        """Catalogue index now of each earlier item, int64[n_known]."""
        return np.array([self.item_index[item] for item in self.known], np.int64)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.known)

    def knows(self, item_id: str) -> bool:
        """Whether the earlier catalogue had the item."""
        return item_id in self._known

    def log_probabilities(self, histories: Sequence[History]) -> FloatArray:
        """As ``Recommender``, float32[n_histories, n_items]."""
        scores = self.recommender.log_probabilities([self.as_then(each) for each in histories])
        new = len(self.item_ids) - len(self.known)
        if not new:
            return scores
        whole = np.full((len(scores), len(self.item_ids)), np.log(UNKNOWN_SHARE / new), np.float32)
        whole[:, self.places] = scores + np.float32(np.log1p(-UNKNOWN_SHARE))
        return whole

    def as_then(self, history: History) -> History:
        """The history without what came later: unknown items are absent, unknown kinds clicks."""
        events = tuple(map(self._event_as_then, history.events))
        return history if events == history.events else replace(history, events=events)

    def _event_as_then(self, event: Event) -> Event:
        item_id = event.item_id if event.item_id in self._known else ""
        kind = event.kind if event.kind in self.kinds else EventKind.CLICK
        if (item_id, kind) == (event.item_id, event.kind):
            return event
        return replace(event, item_id=item_id, kind=kind)

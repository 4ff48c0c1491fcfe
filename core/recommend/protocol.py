"""The one small door between recommenders and everything that asks them questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from core.arrays import FloatArray
from core.domain import History


@runtime_checkable
class Recommender(Protocol):
    """Anything that gives every item of a catalogue a probability after a history."""

    @property
    def id(self) -> str:
        """Its name in tables, options and files, such as ``item-knn``."""
        ...

    def log_probabilities(self, histories: Sequence[History]) -> FloatArray:
        """Score the whole catalogue for each history.

        Returns float32[n_histories, n_items]: the natural log of a probability over the whole
        catalogue before exclusion, so that each row's exponentials sum to 1 and all recommenders
        share one unit (nats). An empty history is valid. Time-aware recommenders read
        ``history.at``.
        """
        ...

"""What a baseline must be able to do: try its settings, and score items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field
from typing import Any, ClassVar, Protocol, Self

from core.arrays import FloatArray
from core.recommend.histories import EncodedHistories
from core.recommend.training_data import TrainingData

Setting = dict[str, float]


class Scorer(Protocol):
    """Gives every item a score; a dataclass of arrays, sparse matrices and numbers."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @classmethod
    def grid(cls, data: TrainingData) -> Iterator[tuple[Setting, Self]]:
        """Every setting to try with its scorer; none where the baseline can't serve ``data``."""
        ...

    def scores(self, histories: EncodedHistories) -> FloatArray:
        """Scores in any unit, float32[n, n_items]; zeros for a history that says nothing."""
        ...

"""Every recommender of the product: its id, its name, and for a baseline what scores the items.

To add a baseline, write a module with a ``Scorer`` and name it here. Its ``grid`` says which
settings are tried, and yields none where the corpus is too large or lacks what it needs. Once a
setting is chosen, ``grid`` is asked for that ``only``, so that costly fits of others are spared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import Field
from typing import Any, ClassVar, Protocol, Self

from core.arrays import FloatArray
from core.language import mark
from core.recommend.factors import Factors
from core.recommend.scorers import (
    Content,
    Ease,
    ItemNeighbours,
    Popularity,
    RecentPopularity,
    Transitions,
)
from core.recommend.sequential import SequentialNeighbours
from core.recommend.sparse_ease import SparseEase
from core.recommend.training_data import EncodedHistories, TrainingData

JOINT, INTEREST = "joint", "interest"


class Scorer(Protocol):
    """Gives every item a score; a dataclass of arrays, sparse matrices and numbers."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @classmethod
    def grid(
        cls, data: TrainingData, only: Mapping[str, float] | None = None
    ) -> Iterator[tuple[dict[str, float], Self]]:
        """Every setting to try with its scorer; none where the baseline can't serve ``data``.

        ``only``: one setting that is wanted; what others need may be left out.
        """
        ...

    def scores(self, histories: EncodedHistories) -> FloatArray:
        """Scores in any unit, float32[n, n_items]; zeros for a history that says nothing."""
        ...


SCORERS: dict[str, type[Scorer]] = {
    "popularity": Popularity,
    "recent-popularity": RecentPopularity,
    "transitions": Transitions,
    "sequential-knn": SequentialNeighbours,
    "item-knn": ItemNeighbours,
    "ease": Ease,
    "sparse-ease": SparseEase,
    "ials": Factors,
    "content": Content,
}
"""What scores for each baseline by id, in the order of tables."""
SUCCESSORS = {"ease": "sparse-ease"}
"""What takes the place of a baseline that a corpus has outgrown."""
NAMES = {
    JOINT: mark("joint"),
    INTEREST: mark("interest model (LSTM+BERT)"),
    "popularity": mark("popularity"),
    "recent-popularity": mark("recent popularity"),
    "transitions": mark("last-item transitions"),
    "sequential-knn": mark("sequential neighbours"),
    "item-knn": mark("recency-weighted item-kNN"),
    "ease": "EASE",
    "sparse-ease": mark("sparse EASE"),
    "ials": mark("iALS matrix factorisation"),
    "content": mark("content (BERT vectors)"),
}
"""Display name of each id. No other recommender and no imported lists may have one of these ids."""

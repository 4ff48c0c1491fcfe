"""Sequential neighbours: items that came close to each other in many histories, near in time first.

An item-item neighbourhood as in item-kNN (Sarwar et al., WWW 2001), with co-occurrence counted as
sequential rules count it (Ludewig & Jannach, UMUAI 2018): by the distance of the two events, and
by direction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Annotated

import numpy as np
import scipy.sparse as sp

from core.arrays import FloatArray
from core.recommend.checking import SHARE, Held
from core.recommend.scorers import Setting, is_part, pairs_within
from core.recommend.training_data import EncodedHistories, TrainingData

WINDOW = 10
"""Events further apart than this are no pair."""
FADINGS = (0.75, 0.9)
BACKS = (0.0, 0.25, 0.5, 1.0)
SHRINKAGES = (15.0, 50.0)
POWERS = (0.15, 0.3)
DECAYS = (0.3, 0.5, 0.8)


@dataclass(frozen=True, eq=False)
class SequentialNeighbours:
    """``W = D^-p (T + back T') D^-p``; a history's items vote with ``decay ** steps back``.

    ``following`` is T, float32[n_items, n_items], sparse: row a holds the pairs in which an item
    came up to ``WINDOW`` events after a, each weighted by ``fading ** (distance - 1)``. D is each
    item's number of training events (``counts`` float32[n_items]) plus ``shrinkage``.
    """

    following: Annotated[sp.csr_matrix, Held(("items", "items"))]
    counts: Annotated[FloatArray, Held(("items",), low=0)]
    back: Annotated[float, SHARE]
    shrinkage: Annotated[float, Held(low=0, high=1e9)]
    power: Annotated[float, SHARE]
    decay: Annotated[float, SHARE]

    @classmethod
    def grid(
        cls, data: TrainingData, only: Setting | None = None
    ) -> Iterator[tuple[dict[str, float], SequentialNeighbours]]:
        """Fading, share of backward pairs, shrinkage, power and decay."""
        counts = data.item_counts.astype(np.float32)
        for fading in FADINGS:
            if not is_part(only, fading=fading):
                continue
            fadings = [fading**step for step in range(WINDOW)]
            pairs = pairs_within(data.user, data.item, data.n_items, fadings)
            base = cls(pairs, counts, 0.0, 0.0, 0.0, 0.0)
            for setting in product(BACKS, SHRINKAGES, POWERS, DECAYS):
                back, shrinkage, power, decay = setting
                named = dict(zip(("back", "shrinkage", "power", "decay"), setting, strict=True))
                yield (
                    {"fading": fading, **named},
                    replace(base, back=back, shrinkage=shrinkage, power=power, decay=decay),
                )

    @cached_property
    def _weight(self) -> FloatArray:
        return np.asarray((self.counts + self.shrinkage) ** -self.power, np.float32)

    @cached_property
    def _neighbours(self) -> sp.csr_matrix:
        pairs = self.following
        if self.back:
            pairs = pairs + self.back * pairs.T
        weight = sp.diags_array(self._weight)
        return sp.csr_matrix(weight @ pairs @ weight, dtype=np.float32)

    def scores(self, histories: EncodedHistories) -> FloatArray:
        """Sum of the votes, float32[n, n_items]."""
        return np.asarray((histories.recency_weights(self.decay) @ self._neighbours).toarray())

"""What recommenders may learn from: training rows, and validation cases to choose settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from core.arrays import FloatArray, IntArray, PartArray
from core.corpus.store import Corpus
from core.domain import Columns, DomainError, Part
from core.measure.cases import Case, cases
from core.recommend.histories import Catalogued


@dataclass(frozen=True, eq=False)
class TrainingData(Catalogued):
    """The training rows of a corpus as arrays. Test rows never enter it.

    ``user`` int64[n_events] numbers the users with a training row, ascending; ``item``
    int64[n_events] holds catalogue indices; ``time`` int64[n_events] microseconds since 1970.
    Rows are in contract order. ``item_vectors`` float32[n_items, d] are unit-length vectors of item
    text (zeros without text), made from titles, categories and training reviews only; None for a
    corpus without any. ``validation`` holds the cases that choose settings.
    """

    item_ids: tuple[str, ...]
    user: IntArray
    item: IntArray
    time: IntArray
    item_vectors: FloatArray | None = None
    validation: tuple[Case, ...] = field(default=(), repr=False)

    @classmethod
    def of(
        cls, corpus: Corpus, parts: PartArray, item_vectors: FloatArray | None = None
    ) -> TrainingData:
        """Take the rows that ``parts`` (int8[n_events] of ``Part``) marks as training."""
        rows = np.flatnonzero(parts == Part.TRAIN)
        if len(rows) == 0:
            raise DomainError(
                "there are no events to learn from",
                where=f"corpus {corpus.name}",
                remedy="Import more events: a user needs three for one of them to be training",
            )
        owner = np.searchsorted(corpus.user_starts, rows, side="right") - 1
        events = corpus.events.iloc[rows]
        item = events[Columns.Item].map(corpus.item_index).to_numpy(np.int64)
        time = events[Columns.Time].to_numpy("datetime64[us]").astype(np.int64)
        return cls(
            item_ids=corpus.item_ids,
            user=np.unique(owner, return_inverse=True)[1].astype(np.int64),
            item=item,
            time=time,
            item_vectors=None if item_vectors is None or not item_vectors.any() else item_vectors,
            validation=cases(corpus, parts, Part.VALIDATION),
        )

    @property
    def n_items(self) -> int:
        """Size of the catalogue."""
        return len(self.item_ids)

    @cached_property
    def item_counts(self) -> IntArray:
        """Training events of each item, int64[n_items]."""
        return np.bincount(self.item, minlength=self.n_items).astype(np.int64)

    @cached_property
    def user_items(self) -> sp.csr_matrix:
        """Who had what at all, float32[n_users, n_items] of zeros and ones."""
        shape = (int(self.user.max()) + 1, self.n_items)
        matrix = sp.csr_matrix((np.ones(len(self.item), np.float32), (self.user, self.item)), shape)
        matrix.data[:] = 1.0
        return matrix

"""What recommenders read: histories as arrays, training rows, and validation cases to choose by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from core.arrays import FloatArray, IntArray, PartArray
from core.corpus.store import Corpus
from core.corpus.timestamps import EPOCH, MICROSECOND
from core.domain import DomainError, History, Part
from core.language import tr
from core.measure.cases import Case, cases, most_cases
from core.ranking import ExcludedItems

NO_CLOCK = np.iinfo(np.int64).max
"""Clock of an empty history that has none: after everything that is known."""


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (instant - EPOCH) // MICROSECOND


class Catalogued:
    """What has one number for each item of a catalogue."""

    item_ids: tuple[str, ...]

    @cached_property
    def item_index(self) -> Mapping[str, int]:
        """Catalogue index of each item id."""
        return {item: index for index, item in enumerate(self.item_ids)}


@dataclass(frozen=True, eq=False)
class EncodedHistories:
    """``n`` histories over a catalogue of ``n_items``.

    ``row``, ``item``, ``back`` int64[m]: one entry per event that has an item (an explainer may
    have removed it): its history, catalogue index, and steps back from the last event (0 = last).
    ``clock`` int64[n]: microseconds since 1970. ``consumed``: what is excluded from each list.
    """

    n: int
    n_items: int
    row: IntArray
    item: IntArray
    back: IntArray
    clock: IntArray
    consumed: ExcludedItems

    @classmethod
    def of(cls, histories: Sequence[History], item_index: Mapping[str, int]) -> EncodedHistories:
        """Encode histories; DomainError for an item outside the catalogue."""
        events = [event for history in histories for event in history.events]
        lengths = np.array([len(history) for history in histories], np.int64)
        row, ends = np.repeat(np.arange(len(histories)), lengths), np.cumsum(lengths)
        back = np.repeat(ends, lengths) - 1 - np.arange(len(events))
        item = np.array([item_index.get(event.item_id, -1) for event in events], np.int64)
        for at in np.flatnonzero(item < 0).tolist():
            if events[at].item_id:
                history = histories[row[at]]
                raise DomainError(
                    tr("item {item!r} is not in the catalogue", item=events[at].item_id),
                    where=tr(
                        "user {user}, step {step}",
                        user=history.user_id,
                        step=len(history) - back[at],
                    ),
                    remedy=tr("Choose an item of the corpus, or train on the current corpus"),
                )
        known = item >= 0
        clocks = [history.at for history in histories]
        instants = {id(at): NO_CLOCK if at is None else microseconds(at) for at in clocks}
        return cls(
            n=len(histories),
            n_items=len(item_index),
            row=row[known],
            item=item[known],
            back=back[known],
            clock=np.array([instants[id(at)] for at in clocks], np.int64),
            consumed=ExcludedItems.of(histories, item_index),
        )

    def recency_weights(self, decay: float) -> sp.csr_matrix:
        """Weight ``decay ** steps back`` of each item, summed over repeats.

        Returns float32[n, n_items]; ``decay`` 0 keeps only the last event, 1 weighs all alike.
        """
        weights = np.power(float(decay), self.back).astype(np.float32)
        kept = weights > 0
        return sp.csr_matrix(
            (weights[kept], (self.row[kept], self.item[kept])), (self.n, self.n_items)
        )


def distinct(histories: Sequence[History]) -> tuple[list[History], IntArray]:
    """The histories that differ in items, clock or exclusions, and which of them each one is.

    Explainers ask about hundreds of histories that differ in a review's text alone. Returns m
    histories and int64[n] of indices below m.
    """
    if len({len(history) for history in histories}) == len(histories):
        return list(histories), np.arange(len(histories))
    keys = [
        (history.at, history.excluded_items(), tuple(event.item_id for event in history.events))
        for history in histories
    ]
    first = {key: row for row, key in reversed(list(enumerate(keys)))}
    rows, index = np.unique([first[key] for key in keys], return_inverse=True)
    return [histories[row] for row in rows], index.astype(np.int64)


def add_own(scores: FloatArray, weights: sp.csr_matrix, own: FloatArray) -> None:
    """Add ``weights * own`` in place, where own float32[n_items] is what an item gives itself.

    ``scores`` float32[n, n_items]; ``weights`` as from ``recency_weights``.
    """
    rows = np.repeat(np.arange(len(scores)), np.diff(weights.indptr))
    scores[rows, weights.indices] += weights.data * own[weights.indices]


FEWEST_VALIDATION = 4_000
"""Validation cases that are made at least, where there are as many: what a joint is weighed by."""


def check_training_events(corpus: Corpus, parts: PartArray) -> None:
    """DomainError where ``parts`` int8[n_events] of ``Part`` leave nothing to learn from."""
    if not (parts == Part.TRAIN).any():
        remedy = tr("Import more events: a user needs three for one of them to be training")
        if corpus.sample is not None:
            remedy = tr(
                "Train on more users: one needs three events for one of them to be training"
            )
        raise DomainError(
            tr("there are no events to learn from"),
            where=tr("corpus {name}", name=corpus.name),
            remedy=remedy,
        )


@dataclass(frozen=True, eq=False)
class TrainingData(Catalogued):
    """The training rows of a corpus as arrays. Test rows never enter it.

    ``user`` int64[n_events] numbers the users with a training row, ascending; ``item``
    int64[n_events] holds catalogue indices; ``time`` int64[n_events] microseconds since 1970.
    Rows are in contract order. ``item_vectors`` float32[n_items, d] are unit-length vectors of item
    text (zeros without text), made from titles, categories and training reviews only; None for a
    corpus without any. ``validation`` holds the cases that choose settings, of a large corpus an
    even sample.
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
        check_training_events(corpus, parts)
        most = max(most_cases(corpus), FEWEST_VALIDATION)
        rows = np.flatnonzero(parts == Part.TRAIN)
        owner = np.searchsorted(corpus.user_starts, rows, side="right") - 1
        return cls(
            item_ids=corpus.item_ids,
            user=np.unique(owner, return_inverse=True)[1].astype(np.int64),
            item=corpus.event_items[rows].astype(np.int64),
            time=corpus.times[rows].astype(np.int64),
            item_vectors=None if item_vectors is None or not item_vectors.any() else item_vectors,
            validation=cases(corpus, parts, Part.VALIDATION, most),
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

"""What fitting reads, and in which batches: histories of like length together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.arrays import BoolArray, IntArray
from core.model.config import InterestConfig
from core.model.network import Batch
from core.model.sequences import ABSENT_ITEM, GAPS, HAS_TEXT, EncodedEvents, gap_features, padded

CPU = torch.device("cpu")
_FEWEST_USERS, _FEWEST_STEPS = 64, 80
"""An epoch of fewer steps takes fewer histories a step, but so many at least."""
_SORTED_TOGETHER = 16
"""Batches whose histories are sorted by length before they are cut: less padding, and still any
history may be beside most others."""


@dataclass(frozen=True)
class FittingData:
    """What fitting reads.

    ``events`` holds all users' training and validation events in contract order; ``starts``
    int64[n_users + 1] their first rows; ``train_lengths`` int64[n_users] how many of each user's
    events are training events; ``judged`` int64[m] the users whose next event after those is a
    validation target.
    """

    events: EncodedEvents
    starts: IntArray
    train_lengths: IntArray
    judged: IntArray
    excluding: BoolArray
    """bool[n_events]: events that exclude their item from later lists."""

    @property
    def training_items(self) -> IntArray:
        """Items of the training events, int64[n]; -1 where one has none."""
        return self.items_from(np.zeros_like(self.train_lengths))

    def items_from(self, first: IntArray) -> IntArray:
        """The same of each user's training events from a place on, int64[n_users]."""
        sizes = np.diff(self.starts)
        place = np.arange(len(self.events.item)) - np.repeat(self.starts[:-1], sizes)
        wanted = (place >= np.repeat(first, sizes)) & (place < np.repeat(self.train_lengths, sizes))
        return self.events.item[wanted]

    def begins(self, rows: Sequence[IntArray]) -> BoolArray:
        """Which (pieces of) histories, given by their rows, are a user's first, bool[n]."""
        first = np.array([piece[0] for piece in rows], np.int64)
        return np.asarray(self.starts[np.searchsorted(self.starts, first)] == first)


@dataclass(frozen=True, eq=False)
class EventTable:
    """Every event as tensors of one device: Batch's parts with one row per event.

    ``features`` hold the gap to the event before, whoever's that was: a piece's first is unknown.
    """

    item: Tensor
    kind: Tensor
    features: Tensor
    text: Tensor | None

    @classmethod
    def of(cls, events: EncodedEvents, device: torch.device = CPU) -> EventTable:
        """The events' arrays; no text where none of them has any."""
        features = events.features.copy()
        features[:, GAPS] = gap_features(events.seconds)
        spoken = bool((features[:, HAS_TEXT] > 0).any())
        text = torch.from_numpy(events.text).to(device) if spoken else None
        arrays = (events.item, events.kind, features)
        item, kind, known = (torch.from_numpy(array).to(device) for array in arrays)
        return cls(item, kind, known, text)

    def batch(self, rows: Sequence[IntArray]) -> Batch:
        """Pad the (pieces of) histories whose consecutive rows are given."""
        index, inside = padded(rows)
        device = self.item.device
        take, real = torch.from_numpy(index).to(device), torch.from_numpy(inside).to(device)
        item = torch.where(real, self.item[take], ABSENT_ITEM)
        features = self.features[take] * real[..., None]
        features[:, :1, GAPS] = 0.0
        text = None if self.text is None else self.text[take] * real[..., None]
        length = torch.from_numpy(inside.sum(1)).to(device)
        return Batch(item, self.kind[take] * real, features, text, length)


def pieces(
    data: FittingData,
    config: InterestConfig,
    order: np.random.Generator,
    lengths: IntArray | None = None,
) -> list[IntArray]:
    """Every training history's rows, long ones cut at a random offset.

    ``lengths`` int64[n_users]: only so many events of each.
    """
    found: list[IntArray] = []
    for user, length in enumerate(data.train_lengths if lengths is None else lengths):
        rows = np.arange(data.starts[user], data.starts[user] + length)
        if length <= config.window:
            cuts = [0]
        else:
            cuts = [0, *range(int(order.integers(1, config.window + 1)), length, config.window)]
        found.extend(
            rows[begin:end]
            for begin, end in zip(cuts, [*cuts[1:], length], strict=True)
            if end > begin
        )
    return found


def epoch_batches(
    data: FittingData, config: InterestConfig, order: np.random.Generator
) -> list[list[IntArray]]:
    """One epoch of batches in random order, each of pieces of like length."""
    return batched(pieces(data, config, order), config, order)


def batched(
    found: Sequence[IntArray], config: InterestConfig, order: np.random.Generator
) -> list[list[IntArray]]:
    """Pieces in batches of like length, in random order."""
    shuffled = order.permutation(len(found))
    batches: list[list[IntArray]] = []
    at_once = min(config.batch_users, max(len(found) // _FEWEST_STEPS, _FEWEST_USERS))
    together = _SORTED_TOGETHER * at_once
    for begin in range(0, len(shuffled), together):
        rows = [found[k] for k in shuffled[begin : begin + together]]
        batches.extend(_cut(sorted(rows, key=len), at_once, config.batch_events))
    return [batches[k] for k in order.permutation(len(batches))]


def _cut(rows: Sequence[IntArray], most_users: int, most_events: int) -> Iterator[list[IntArray]]:
    batch: list[IntArray] = []
    events = 0
    for piece in rows:
        full = len(batch) == most_users or events + len(piece) > most_events
        if batch and full:
            yield batch
            batch, events = [], 0
        batch.append(piece)
        events += len(piece)
    if batch:
        yield batch

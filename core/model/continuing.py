"""An earlier model goes on learning: new events by cross-entropy, old ones by distillation.

The recipe is ADER's (Mi, Lin & Faltings, "ADER: Adaptively Distilled Exemplar Replay Towards
Continual Learning for Session-based Recommendation", RecSys 2020): exemplars of earlier histories
are replayed, and on them the model keeps the distribution that the old model had over the old
items. Two things differ: histories are at hand, so exemplars are drawn anew in each epoch instead
of being chosen once for a memory; and an exemplar is a history with all its steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.arrays import IntArray
from core.model.batches import EventTable, FittingData, batched, pieces
from core.model.candidates import Met
from core.model.config import InterestConfig
from core.model.network import InterestNetwork, ItemTower, drop_parts
from core.model.sequences import padded
from core.model.softmax import distilled_gradients, softmax_gradients

MOST_COMPARED = 50_000
"""Items over which distributions are compared; of larger catalogues a sample of each step. Only
replayed events are, so that a whole softmax costs less here than in a training."""
Step = Callable[
    [InterestNetwork, ItemTower, Met, EventTable, InterestConfig, bool], tuple[Tensor, int]
]
"""Leaves gradients in a network and a tower; returns the summed loss and the number of targets."""


@dataclass(frozen=True, eq=False)
class Teacher:
    """The old model, over the items that it has met.

    ``items`` int64[m] are their catalogue indices now, ``vectors`` float32[n_items, dim] all item
    vectors (zeros for items that it lacks), ``bias`` float32[m].
    """

    network: InterestNetwork
    items: Tensor
    vectors: Tensor
    bias: Tensor


@dataclass(frozen=True, eq=False)
class Lesson:
    """What an update learns.

    ``known`` int64[n_users]: how many of each user's training events the old model has learned;
    the others are new. In each epoch ``exemplars`` targets of known events are replayed, with
    ``strength`` times the mean divergence from the old model.
    """

    data: FittingData
    network: InterestNetwork
    teacher: Teacher
    known: IntArray
    exemplars: int
    strength: float

    @property
    def new_targets(self) -> int:
        """Training events that the old model has not learned."""
        return int((self.data.train_lengths - self.known).sum())

    @property
    def new_items(self) -> IntArray:
        """Their items, int64[n]; -1 where one has none."""
        return self.data.items_from(self.known)

    def compared(self, config: InterestConfig) -> int | None:
        """Over how many items drawn distributions are compared; None where over all."""
        few = len(self.teacher.items) <= MOST_COMPARED
        return None if few or not self.exemplars else config.negatives

    def steps(self, config: InterestConfig, order: np.random.Generator) -> list[Step]:
        """One epoch: steps of new events, each with its share of the exemplars.

        Exemplars stand beside new events of like length, so that little of a batch is padding.
        """
        new = batched(self._new_pieces(config), config, order)
        old = self._exemplars(config, order) if new and self.strength > 0 else []
        old.sort(key=len)
        cuts = np.linspace(0, len(old), len(new) + 1).round().astype(int)
        beside: dict[int, list[IntArray]] = {}
        by_length = sorted(range(len(new)), key=lambda at: max(map(len, new[at])))
        for at, begin, end in zip(by_length, cuts, cuts[1:], strict=False):
            beside[at] = old[begin:end]
        return [NewAndOld(self, rows, beside[at]).backward for at, rows in enumerate(new)]

    def first_new(self, piece: IntArray, config: InterestConfig) -> int:
        """The row from which on a piece's events are to be learned; those before are context."""
        user = int(np.searchsorted(self.data.starts, piece[0], side="right")) - 1
        first, reach = int(self.data.starts[user] + self.known[user]), _reach(config)
        return first + (int(piece[-1]) - first) // reach * reach

    def _new_pieces(self, config: InterestConfig) -> list[IntArray]:
        """New events with those before them, at most half a window of each."""
        reach = _reach(config)
        found = []
        for user in np.flatnonzero(self.data.train_lengths > self.known):
            start = int(self.data.starts[user])
            end = start + int(self.data.train_lengths[user])
            found += [
                np.arange(max(start, begin - reach), min(begin + reach, end))
                for begin in range(start + int(self.known[user]), end, reach)
            ]
        return found

    def _exemplars(self, config: InterestConfig, order: np.random.Generator) -> list[IntArray]:
        """Known histories in random order, until they have as many events as are wanted."""
        found = pieces(self.data, config, order, self.known)
        chosen, events = [], 0
        for number in order.permutation(len(found)):
            if events >= self.exemplars:
                break
            chosen.append(found[number])
            events += len(found[number])
        return chosen


@dataclass(frozen=True, eq=False)
class NewAndOld:
    """One step's pieces of histories: rows of new events, and exemplars."""

    lesson: Lesson
    new: Sequence[IntArray]
    old: Sequence[IntArray]

    def backward(
        self,
        network: InterestNetwork,
        tower: ItemTower,
        met: Met,
        table: EventTable,
        config: InterestConfig,
        half: bool,
    ) -> tuple[Tensor, int]:
        """Gradients of both losses; the summed loss of the new events and their number.

        ``met`` are the items with a training event, the only ones that are told apart.
        """
        device, data = tower.ids.device, self.lesson.data
        rows = [*self.new, *self.old]
        whole = table.batch(rows)
        vectors, bias = tower()
        told = drop_parts(whole, config.part_dropout, config.text_dropout)
        queries = network(told, vectors)[:, :-1]
        scaled = network.log_temperature.exp() * queries
        index, real = padded(rows)
        is_target = real & (data.events.item[index] >= 0)
        is_target[:, 0] &= data.begins(rows)
        first = np.array([self.lesson.first_new(piece, config) for piece in self.new])
        learned, kept = is_target.copy(), is_target.copy()
        learned[: len(first)] &= index[: len(first)] >= first[:, None]
        learned[len(first) :] = kept[: len(first)] = False
        outputs: list[Tensor] = []
        gradients: list[Tensor] = []
        loss = torch.zeros((), dtype=torch.float64, device=device)
        count = int(learned.sum())
        if count:
            targets = torch.from_numpy(data.events.item[index[learned]]).to(device)
            drawn = met.candidates(targets, config.negatives)
            candidates = drawn.items
            each, steps = _places(learned, device)
            chosen = (scaled[each, steps], vectors[candidates], bias[candidates])
            places = torch.searchsorted(candidates, targets)
            smoothing = config.label_smoothing
            found = softmax_gradients(*chosen, places, smoothing, half, drawn.log_chance)
            outputs += chosen
            gradients += [found.queries, found.vectors, found.bias]
            loss = found.loss
        if kept.any():
            teacher = self.lesson.teacher
            with torch.no_grad():
                teaching = teacher.network(table.batch(self.old), teacher.vectors)[:, :-1]
                teaching = teacher.network.log_temperature.exp() * teaching
            some = _some(torch.arange(len(teacher.items), device=device), config.negatives)
            candidates = teacher.items[some]
            each, steps = _places(kept, device)
            chosen = (scaled[each, steps], vectors[candidates], bias[candidates])
            theirs = teaching[each - len(self.new), steps]
            taught = (theirs, teacher.vectors[candidates], teacher.bias[some])
            found = distilled_gradients(*chosen, *taught)
            outputs += chosen
            parts = (found.queries, found.vectors, found.bias)
            gradients += [self.lesson.strength * part for part in parts]
        if outputs:
            torch.autograd.backward(outputs, gradients)
        return loss, count


def _reach(config: InterestConfig) -> int:
    return max(config.window // 2, 1)


def teacher_of(
    network: InterestNetwork, vectors: Tensor, bias: Tensor, met: Tensor, device: torch.device
) -> Teacher:
    """The old network as it is, with item vectors, biases and bool[n_items] of items it has met."""
    items = met.nonzero().squeeze(1).to(device)
    bias = bias.to(device)[items]
    return Teacher(deepcopy(network).to(device).eval(), items, vectors.to(device), bias)


def adaptive_strength(
    base: float, old_items: int, items: int, exemplars: int, new_targets: int
) -> float:
    """ADER's weight of the distillation: less for many new items and few exemplars.

    ``base * sqrt(old_items / items * exemplars / new_targets)``.
    """
    if not exemplars or not new_targets:
        return 0.0
    return base * math.sqrt(old_items / max(items, 1) * exemplars / new_targets)


def _some(items: Tensor, most: int) -> Tensor:
    """All items, or a random sample of a large catalogue, ascending: distributions are compared
    over it."""
    if len(items) <= MOST_COMPARED:
        return items
    some: Tensor = torch.unique(items[torch.randint(len(items), (most,), device=items.device)])
    return some


def _places(chosen: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor]:
    each, steps = np.nonzero(chosen)
    return torch.from_numpy(each).to(device), torch.from_numpy(steps).to(device)

"""One step of a training: a batch of histories, and the gradients of what follows each event.

Of a large corpus each batch is cut into a fixed number of shards, whatever the processors, and each
shard's gradients are made in one thread: they are the same on one processor and on two.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from core.arrays import IntArray
from core.model.batches import EventTable, FittingData
from core.model.candidates import Met
from core.model.config import InterestConfig
from core.model.network import Batch, InterestNetwork, ItemTower, drop_parts
from core.model.sequences import padded
from core.model.softmax import Gradients, softmax_gradients
from core.threads import side_by_side

SHARDS = 2
"""Parts of a batch whose gradients are made side by side."""


@dataclass(frozen=True, eq=False)
class _Asked:
    """A batch as the network is told it, and what it has to say.

    ``vectors`` float32[m, dim] and ``bias`` float32[m] of the items needed; ``histories`` and
    ``steps`` int64[n] say before which events of the batch the n ``targets`` are asked for, which
    are places among the ``candidates`` int64[c], and those are places among the vectors.
    """

    told: Batch
    vectors: Tensor
    bias: Tensor
    histories: IntArray
    steps: IntArray
    targets: Tensor
    candidates: Tensor
    log_chance: Tensor | None

    @classmethod
    def of(
        cls,
        data: FittingData,
        rows: Sequence[IntArray],
        tower: ItemTower,
        met: Met,
        table: EventTable,
        config: InterestConfig,
    ) -> _Asked:
        device = tower.ids.device
        whole = table.batch(rows)
        index, wanted = padded(rows)
        wanted &= data.events.item[index] >= 0
        # A later piece's start is not a history's start.
        wanted[:, 0] &= data.begins(rows)
        targets = torch.from_numpy(data.events.item[index[wanted]]).to(device)
        chosen = met.candidates(targets, config.negatives)
        needed: Tensor | None = None
        if met.is_large:  # vectors of drawn items and of the histories' own: others are not made
            needed = torch.unique(torch.cat([chosen.items, whole.item[whole.item >= 0]]))
            own = torch.searchsorted(needed, whole.item.clamp(min=0))
            whole = replace(whole, item=torch.where(whole.item >= 0, own, whole.item))
        vectors, bias = tower(needed)
        told = drop_parts(whole, config.part_dropout, config.text_dropout)
        candidates = chosen.items
        if len(candidates) < len(tower.ids):
            targets = torch.searchsorted(candidates, targets)
        if needed is not None:
            candidates = torch.searchsorted(needed, candidates)
        histories, steps = np.nonzero(wanted)
        places = histories, steps, targets, candidates
        return cls(told, vectors, bias, *places, chosen.log_chance)

    def outputs(self, queries: Tensor, network: InterestNetwork) -> tuple[Tensor, Tensor, Tensor]:
        """Scaled queries of the targets [n, dim], and the candidates' vectors and biases.

        ``queries`` [B, L, dim] before each event of the batch.
        """
        device = queries.device
        places = (torch.from_numpy(part).to(device) for part in (self.histories, self.steps))
        scaled = network.log_temperature.exp() * queries[tuple(places)]
        if len(self.candidates) == len(self.vectors):
            return scaled, self.vectors, self.bias
        return scaled, self.vectors[self.candidates], self.bias[self.candidates]

    def gradients(
        self, outputs: tuple[Tensor, Tensor, Tensor], config: InterestConfig, half: bool
    ) -> Gradients:
        """Of the mean cross-entropy of these targets."""
        smoothing = config.label_smoothing
        return softmax_gradients(*outputs, self.targets, smoothing, half, self.log_chance)

    def shards(self, vectors: Tensor, bias: Tensor) -> list[_Asked]:
        """The same in ``SHARDS`` parts of as many histories, fewer of a single history."""
        ends = np.linspace(0, len(self.told.item), SHARDS + 1).astype(np.int64)
        found = []
        for begin, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            first, last = np.searchsorted(self.histories, [begin, end])
            if first < last:
                told, rows = self.told, slice(begin, end)
                width = int(told.length[rows].max())
                text = None if told.text is None else told.text[rows, :width]
                item, kind, features = (
                    part[rows, :width] for part in (told.item, told.kind, told.features)
                )
                found.append(
                    replace(
                        self,
                        told=Batch(item, kind, features, text, told.length[rows]),
                        vectors=vectors,
                        bias=bias,
                        histories=self.histories[first:last] - begin,
                        steps=self.steps[first:last],
                        targets=self.targets[first:last],
                    )
                )
        return found


def backward(
    data: FittingData,
    rows: list[IntArray],
    network: InterestNetwork,
    tower: ItemTower,
    met: Met,
    table: EventTable,
    config: InterestConfig,
    half: bool,
) -> tuple[Tensor, int]:
    """Gradients of the mean cross-entropy of every event given those before it.

    Over the items ``met`` in training: an item without a training event is never a target; as a
    negative it would only learn to be unlikely, so it stays out. Returns the summed loss float64[]
    and the number of targets.
    """
    asked = _Asked.of(data, rows, tower, met, table, config)
    queries = network(asked.told, asked.vectors)[:, :-1]
    if len(asked.targets) == 0:
        return torch.zeros((), dtype=torch.float64, device=tower.ids.device), 0
    outputs = asked.outputs(queries, network)
    found = asked.gradients(outputs, config, half)
    torch.autograd.backward(outputs, [found.queries, found.vectors, found.bias])
    return found.loss, len(asked.targets)


class _Dropout(nn.Module):
    """Dropout whose random numbers are a shard's own: others draw theirs at the same time."""

    def __init__(self, share: float, seed: int) -> None:
        super().__init__()
        self._kept, self._random = 1.0 - share, torch.Generator().manual_seed(seed)

    def forward(self, values: Tensor) -> Tensor:
        kept = torch.empty_like(values).bernoulli_(self._kept, generator=self._random)
        return values * kept.div_(self._kept)


class Sharded:
    """A network as each shard has it: the same weights, and random numbers of its own."""

    def __init__(self, network: InterestNetwork) -> None:
        self._networks = []
        for seed in torch.randint(2**62, (SHARDS,)).tolist():
            weights = {id(weight): weight for weight in network.parameters()}
            own: InterestNetwork = deepcopy(network, weights).train()
            own.dropout = _Dropout(network.config.dropout, seed)
            self._networks.append(own)

    def backward(
        self,
        data: FittingData,
        rows: list[IntArray],
        network: InterestNetwork,
        tower: ItemTower,
        met: Met,
        table: EventTable,
        config: InterestConfig,
        half: bool,
    ) -> tuple[Tensor, int]:
        """As ``backward`` of the whole batch; random numbers and the order of sums are others."""
        asked = _Asked.of(data, rows, tower, met, table, config)
        loss, count = torch.zeros((), dtype=torch.float64), len(asked.targets)
        if count == 0:
            return loss, 0
        leaves = [part.detach().requires_grad_() for part in (asked.vectors, asked.bias)]
        weights = [weight for weight in network.parameters() if weight.requires_grad]
        shards = asked.shards(leaves[0], leaves[1])
        works = [
            partial(_of_shard, shard, own, [*weights, *leaves], len(shard.targets) / count, half)
            for shard, own in zip(shards, self._networks, strict=False)
        ]
        sums: list[Tensor | None] = [None] * (len(weights) + len(leaves))
        for lost, gradients in side_by_side(works):
            loss += lost
            for at, gradient in enumerate(gradients):
                sums[at] = _sum(sums[at], gradient)
        for weight, gradient in zip(weights, sums, strict=False):
            weight.grad = gradient
        torch.autograd.backward([asked.vectors, asked.bias], sums[len(weights) :])
        return loss, count


def _of_shard(
    shard: _Asked, network: InterestNetwork, leaves: list[Tensor], share: float, half: bool
) -> tuple[Tensor, tuple[Tensor | None, ...]]:
    """A shard's summed loss, and its ``share`` of the mean loss's gradients by each of leaves."""
    outputs = shard.outputs(network(shard.told, shard.vectors)[:, :-1], network)
    found = shard.gradients(outputs, network.config, half)
    given = [part.mul_(share) for part in (found.queries, found.vectors, found.bias)]
    return found.loss, torch.autograd.grad(outputs, leaves, given, allow_unused=True)


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    if one is None or other is None:
        return other if one is None else one
    return one.add_(other)

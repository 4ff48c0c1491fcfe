"""Validation in training: NDCG@10 of the next item, with the best constant for unmet items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.arrays import DoubleArray, IntArray
from core.encode.encoder import longest_first
from core.measure.metrics import ndcg
from core.model.batches import EventTable, FittingData
from core.model.network import InterestNetwork, ItemTower
from core.ranking import ExcludedItems, target_ranks

_COLD_OFFSETS = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
JUDGED_AT_ONCE, JUDGED_ON_GPU = 128, 1024
"""Histories of up to 64 events in one batch of the validation; fewer where they are longer."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Some users' training histories, the items that followed, and what could not be listed."""

    rows: list[IntArray]
    targets: IntArray
    excluded: ExcludedItems

    @classmethod
    def batches(cls, data: FittingData, at_once: int) -> Iterator[Judged]:
        lengths = data.train_lengths[data.judged]
        for chosen in longest_first(lengths, 64 * at_once, at_once):
            users = data.judged[chosen]
            ends = data.starts[users] + data.train_lengths[users]
            rows = [np.arange(*span) for span in zip(data.starts[users], ends, strict=True)]
            said = [data.events.item[part[data.excluding[part]]] for part in rows]
            pairs = [np.unique(items) for items in said]
            owner = np.repeat(np.arange(len(users)), [len(items) for items in pairs])
            excluded = ExcludedItems(owner, np.concatenate(pairs))
            yield cls(rows, data.events.item[ends], excluded)


def judge(
    network: InterestNetwork, tower: ItemTower, table: EventTable, judged: Sequence[Judged]
) -> tuple[float, float]:
    """Best validation NDCG@10 over the cold offsets, and the offset."""
    network.eval()
    tower.eval()
    gains: list[DoubleArray] = []
    with torch.inference_mode():
        vectors, bias = tower()
        cold = (~tower.seen).nonzero().squeeze(1)
        offsets = _COLD_OFFSETS if len(cold) else (0.0,)
        for part in judged:
            batch = table.batch(part.rows)
            queries = network(batch, vectors)[torch.arange(len(part.rows)), batch.length]
            scores = network.scores(queries, vectors, bias)
            ranks = _ranks(scores, part, cold, offsets)
            gains.append(np.stack([ndcg(rank, 10) for rank in ranks], 1))
    if not gains:
        return float("nan"), 0.0
    means = np.concatenate(gains).mean(0)
    best = int(means.argmax())
    return float(means[best]), offsets[best]


def _ranks(
    scores: Tensor, part: Judged, cold: Tensor, offsets: Sequence[float]
) -> list[DoubleArray]:
    """The targets' ranks when each offset is added to the scores of ``cold`` items.

    Where the target is not cold, only those items pass it or fall behind: they alone are counted
    again.
    """
    ranks = target_ranks(scores, part.targets, part.excluded)
    if not len(cold):
        return [ranks]
    unmet = cold.cpu().numpy()
    own = np.isin(part.targets, unmet)
    goal = scores[np.arange(len(own)), part.targets].cpu().numpy()[:, None]
    others = scores[:, cold].cpu().numpy()
    gone = np.isin(part.excluded.items, unmet)
    column = np.searchsorted(unmet, part.excluded.items[gone])
    others[part.excluded.rows[gone], column] = -np.inf

    def ahead(offset: float) -> DoubleArray:
        moved = others + np.float32(offset)
        tied = np.count_nonzero(moved == goal, axis=1) / 2.0
        return np.asarray(np.count_nonzero(moved > goal, axis=1) + tied)

    before = ahead(0.0)
    rows = np.flatnonzero(own)
    chosen = np.isin(part.excluded.rows, rows)
    excluded = ExcludedItems(
        np.searchsorted(rows, part.excluded.rows[chosen]), part.excluded.items[chosen]
    )
    found = []
    for offset in offsets:
        of_offset = ranks - before + ahead(offset)
        if len(rows):
            moved = scores[rows].clone()
            moved[:, cold] += offset
            of_offset[rows] = target_ranks(moved, part.targets[rows], excluded)
        found.append(of_offset)
    return found

"""Validation in training: NDCG@10 of the next item, with constants for unmet and for met items.

Where nobody has an item twice, a history's own items would lead every list: the memories make a
query that is like them. What is added to their scores gives repeats the share that they have among
validation events; training goes on without it, as pushing them away teaches what follows them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor

from core.arrays import DoubleArray, IntArray
from core.encode.encoder import longest_first
from core.measure.metrics import ndcg
from core.model.batches import EventTable, FittingData
from core.model.network import InterestNetwork, ItemTower
from core.ranking import ExcludedItems, target_ranks
from core.threads import side_by_side

_COUNTED = 2_000
"""Cases at most whose repeats are counted."""
_FURTHEST = 20.0
"""Nats at most that are added to the score of an item that a history has."""
_COLD_OFFSETS = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
JUDGED_AT_ONCE, JUDGED_ON_GPU = 128, 1024
"""Histories of up to 64 events in one batch of the validation; fewer where they are longer."""


class Validated(NamedTuple):
    """NDCG@10, and what is added to the scores of unmet items and of a history's own items."""

    ndcg: float
    cold_offset: float
    repeat_offset: float
    loss: float = math.nan
    """Mean cross-entropy of the targets met in training, among the items met in training, as
    training has it; NaN without such targets."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Some users' training histories, the items that followed, and what could not be listed.

    ``again`` are the histories' items that could be listed.
    """

    rows: list[IntArray]
    targets: IntArray
    excluded: ExcludedItems
    again: ExcludedItems

    @classmethod
    def batches(cls, data: FittingData, at_once: int) -> Iterator[Judged]:
        lengths = data.train_lengths[data.judged]
        for chosen in longest_first(lengths, 64 * at_once, at_once):
            users = data.judged[chosen]
            ends = data.starts[users] + data.train_lengths[users]
            rows = [np.arange(*span) for span in zip(data.starts[users], ends, strict=True)]
            said = [data.events.item[part[data.excluding[part]]] for part in rows]
            again = [
                np.setdiff1d(data.events.item[part], items)
                for part, items in zip(rows, said, strict=True)
            ]
            yield cls(rows, data.events.item[ends], _pairs(said), _pairs(again))


def _pairs(items: Sequence[IntArray]) -> ExcludedItems:
    """Each row's items, once each; absent ones are none."""
    different = [np.unique(of_row[of_row >= 0]) for of_row in items]
    rows = np.repeat(np.arange(len(items)), [len(of_row) for of_row in different])
    return ExcludedItems(rows, np.concatenate(different))


def judge(
    network: InterestNetwork,
    tower: ItemTower,
    table: EventTable,
    judged: Sequence[Judged],
    in_threads: bool = False,
) -> Validated:
    """Best validation NDCG@10 over the cold offsets, the offsets, and the loss.

    ``in_threads``: batches are judged side by side, with one thread of torch's each.
    """
    network.eval()
    tower.eval()
    with torch.inference_mode():
        vectors, bias = tower()
        cold = (~tower.seen).nonzero().squeeze(1)
        offsets = _COLD_OFFSETS if len(cold) else (0.0,)

        queries: dict[int, Tensor] = {}

        def scores_of(part: Judged) -> Tensor:
            if id(part) not in queries:
                batch = table.batch(part.rows)
                last = torch.arange(len(part.rows)), batch.length
                queries[id(part)] = network(batch, vectors)[last]
            return network.scores(queries[id(part)], vectors, bias)

        again = _repeat_offset(judged, scores_of)

        @torch.inference_mode()  # it counts for each thread
        def judged_part(part: Judged) -> tuple[DoubleArray, DoubleArray]:
            scores = scores_of(part)
            loss = _losses(scores, part.targets, tower.seen)
            if again:
                scores[part.again.rows, part.again.items] += again
            ranks = _ranks(scores, part, cold, offsets)
            return np.stack([ndcg(rank, 10) for rank in ranks], 1), loss

        works = [partial(judged_part, part) for part in judged]
        found = side_by_side(works) if in_threads else [work() for work in works]
    if not found:
        return Validated(float("nan"), 0.0, 0.0)
    means = np.concatenate([gains for gains, _ in found]).mean(0)
    best = int(means.argmax())
    known = np.concatenate([losses for _, losses in found])
    loss = float(known.mean()) if len(known) else math.nan
    return Validated(float(means[best]), offsets[best], again, loss)


def _losses(scores: Tensor, targets: IntArray, met: Tensor) -> DoubleArray:
    """Cross-entropy of the targets that were met, among the items met, float64[<= n]."""
    wanted = torch.from_numpy(targets).to(scores.device)
    rows = met[wanted].nonzero().squeeze(1)
    among = scores[rows].masked_fill(~met, -math.inf)
    own = among[torch.arange(len(rows), device=rows.device), wanted[rows]]
    losses: DoubleArray = (among.logsumexp(1) - own).double().cpu().numpy()
    return losses


def _repeat_offset(judged: Sequence[Judged], scores_of: Callable[[Judged], Tensor]) -> float:
    """What makes repeats as likely as they are: added to the scores of each history's own items.

    So many repeats and half of one are expected then among the cases counted; 0 where no history
    has an item that could be listed.
    """
    odds: list[DoubleArray] = []
    cases = repeats = 0
    for part in judged:
        if cases >= _COUNTED:
            break
        rows = np.unique(part.again.rows)
        cases += len(part.targets)
        if not len(rows):
            continue
        repeats += int(part.again.contain(part.targets).sum())
        chance = scores_of(part).softmax(1)
        own = chance[part.again.rows, part.again.items].double().cpu().numpy()
        share = np.bincount(part.again.rows, own, len(part.targets))[rows].clip(1e-12, 1 - 1e-6)
        odds.append(np.log(share / (1 - share)))
    if not odds:
        return 0.0
    known = np.concatenate(odds)
    wanted = (repeats + 0.5) * len(known) / (len(known) + 1)
    low, high = -_FURTHEST, _FURTHEST
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if expit(known + middle).sum() > wanted else (middle, high)
    return round((low + high) / 2, 4)


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

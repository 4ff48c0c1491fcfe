"""Fit the interest network: full softmax cross-entropy, early stopping on validation NDCG@10.

Item vectors start from co-occurrence and text, not from noise.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.arrays import BoolArray, DoubleArray, IntArray
from core.device import device_words
from core.encode.encoder import longest_first
from core.measure.metrics import ndcg
from core.model.config import UNJUDGED_EPOCHS, InterestConfig
from core.model.metrics import Epoch
from core.model.network import Batch, InterestNetwork, ItemTower, drop_parts
from core.model.sequences import ABSENT_ITEM, GAPS, EncodedEvents, gap_features, kind_rows, padded
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.ranking import ExcludedItems, target_ranks

FULL_SOFTMAX_ITEMS = 50_000
_COLD_OFFSETS = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
_WARM_UP_STEPS = 20
_JUDGED_AT_ONCE, _JUDGED_ON_GPU = 128, 1024
"""Histories of up to 64 events in one batch of the validation; fewer where they are longer."""
_TOLD_EVERY = 16
"""Steps between two readings of the loss on a GPU, which has to be waited for."""
_TARGETS_AT_ONCE = 256
"""Rows of scores held while the loss is computed: whole batches of them would not fit the cache."""


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


@dataclass(frozen=True)
class Fit:
    """The best network met, its item vectors and biases, and how training went.

    ``cold_offset`` is added to the bias of items without a training event, chosen on validation.
    """

    network: InterestNetwork
    item_vectors: Tensor
    item_bias: Tensor
    cold_offset: float
    curve: tuple[Epoch, ...]
    best_epoch: int
    device: str
    """Where it was trained: ``cpu``, or an accelerator's type and name."""


CPU = torch.device("cpu")
_drawing = threading.Lock()
"""torch's random numbers belong to the process: two fits at once would draw from each other's."""


def fit_network(
    data: FittingData,
    tower: ItemTower,
    config: InterestConfig,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    device: torch.device = CPU,
) -> Fit:
    """Train until validation NDCG@10 has not risen for ``config.patience`` epochs.

    Where nobody can be judged, the last of UNJUDGED_EPOCHS epochs counts, and NDCG is NaN.

    The network is new, ``tower`` may change; all that comes back is on the CPU. Deterministic for a
    seed, a processor and a thread count; other devices draw other random numbers. Where a device's
    memory does not suffice, training begins anew on the CPU. One fit of a process waits for the
    other. Raises Stopped.
    """
    while not _drawing.acquire(timeout=0.2):
        check_stop(stop)
        report(progress, Progress("Waiting for another training", 0, 1))
    try:
        return _fit_somewhere(data, tower, config, progress, stop, device)
    finally:
        _drawing.release()


def _fit_somewhere(
    data: FittingData,
    tower: ItemTower,
    config: InterestConfig,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
    device: torch.device,
) -> Fit:
    if device.type == "cpu":
        return _fit(data, tower, config, progress, stop, device)
    try:
        return _fit(data, deepcopy(tower), config, progress, stop, device)
    except torch.OutOfMemoryError:
        what = f"Training on the CPU: the memory of {device_words(device)} does not suffice"
        report(progress, Progress(what, 0, 1))
    return _fit(data, tower, config, progress, stop, CPU)


def _on(device: torch.device) -> AbstractContextManager[object]:
    """New tensors are made on the device; the CPU needs no mention, which would cost each call."""
    return nullcontext() if device.type == "cpu" else device


def _fit(
    data: FittingData,
    tower: ItemTower,
    config: InterestConfig,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
    device: torch.device,
) -> Fit:
    torch.manual_seed(config.seed)
    # Every device starts alike.
    network = InterestNetwork(config, data.events.text.shape[1], kind_rows(data.events.kind))
    with _on(device):
        tower = tower.to(device)
        offset, curve, best_epoch = _train(network.to(device), tower, data, config, progress, stop)
    for module in (network, tower):
        module.to(CPU).eval()
    with torch.inference_mode():
        vectors, bias = tower()
        bias = bias + offset * (~tower.seen)
    words = device_words(device)
    return Fit(network, vectors, bias, offset, tuple(curve), best_epoch, words)


def _train(
    network: InterestNetwork,
    tower: ItemTower,
    data: FittingData,
    config: InterestConfig,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> tuple[float, list[Epoch], int]:
    """Leave the best weights met in both; returns cold offset, training curve and best epoch."""
    order = np.random.default_rng(config.seed)
    device = tower.ids.device
    table, met = EventTable.of(data.events, device), tower.seen.nonzero().squeeze(1)
    at_once = _JUDGED_AT_ONCE if device.type == "cpu" else _JUDGED_ON_GPU
    judged_users = tuple(_Judged.batches(data, at_once))
    optimiser = _optimiser(network, tower, config)
    best = judged = _judge(network, tower, table, judged_users)
    modules = (network, tower)
    best_states, best_epoch = [deepcopy(module.state_dict()) for module in modules], 0
    scored = len(data.judged) > 0
    first = best[0] if scored else None
    curve = [Epoch(epoch=0, loss=None, validation_ndcg=first, seconds=0.0)]
    started = time.monotonic()
    step = 0
    epochs = config.epochs if scored else min(config.epochs, UNJUDGED_EPOCHS)
    for epoch in range(1, epochs + 1):
        network.train()
        tower.train()
        total, count, mean = torch.zeros((), dtype=torch.float64), 0, 0.0
        batches = list(_pieces(data, config, order))
        for number, rows in enumerate(batches):
            check_stop(stop)
            optimiser.zero_grad()
            loss, targets = _backward(network, tower, met, data, table, rows, config)
            nn.utils.clip_grad_norm_([*network.parameters(), *tower.parameters()], config.clip)
            step += 1
            for group in optimiser.param_groups:
                group["lr"] = config.learning_rate * min(1.0, step / _WARM_UP_STEPS)
            optimiser.step()
            total, count = total + loss, count + targets
            done = (epoch - 1) + (number + 1) / len(batches)
            left = (time.monotonic() - started) / done * (epochs - done)
            if device.type == "cpu" or number % _TOLD_EVERY == 0:
                mean = float(total) / max(count, 1)
            figures = {"loss": mean} | ({"validation NDCG@10": judged[0]} if scored else {})
            stage, steps = "Training the interest model", len(batches) * epochs
            report(progress, Progress(stage, step, steps, left, figures))
        judged = _judge(network, tower, table, judged_users)
        mean = float(total) / max(count, 1)
        known = mean if np.isfinite(mean) else None
        seconds = time.monotonic() - started
        score = judged[0] if scored else None
        curve.append(Epoch(epoch=epoch, loss=known, validation_ndcg=score, seconds=seconds))
        if judged[0] > best[0] or not scored:
            best, best_epoch = judged, epoch
            best_states = [deepcopy(module.state_dict()) for module in modules]
        if epoch - best_epoch >= config.patience:
            break
    for module, state in zip(modules, best_states, strict=True):
        module.load_state_dict(state)
    return best[1], curve, best_epoch


@dataclass(frozen=True, eq=False)
class EventTable:
    """Every event as tensors of one device: Batch's parts with one row per event.

    ``features`` hold the gap to the event before, whoever's that was: a piece's first is unknown.
    """

    item: Tensor
    kind: Tensor
    features: Tensor
    text: Tensor

    @classmethod
    def of(cls, events: EncodedEvents, device: torch.device = CPU) -> EventTable:
        """The events' arrays; a text that all events share is kept once."""
        features = events.features.copy()
        features[:, GAPS] = gap_features(events.seconds)
        shared = len(events.text) > 0 and events.text.strides[0] == 0
        text = torch.from_numpy(events.text[:1].copy() if shared else events.text)
        arrays = (events.item, events.kind, features)
        item, kind, known = (torch.from_numpy(array).to(device) for array in arrays)
        return cls(item, kind, known, text.to(device).expand(len(events.item), -1))

    def batch(self, rows: Sequence[IntArray]) -> Batch:
        """Pad the (pieces of) histories whose consecutive rows are given."""
        index, inside = padded(rows)
        device = self.item.device
        take, real = torch.from_numpy(index).to(device), torch.from_numpy(inside).to(device)
        item = torch.where(real, self.item[take], ABSENT_ITEM)
        features = self.features[take] * real[..., None]
        features[:, :1, GAPS] = 0.0
        text = self.text[take] * real[..., None]
        length = torch.from_numpy(inside.sum(1)).to(device)
        return Batch(item, self.kind[take] * real, features, text, length)


def _pieces(
    data: FittingData, config: InterestConfig, order: np.random.Generator
) -> Iterator[list[IntArray]]:
    """One epoch of batches: every training history, long ones cut at a random offset."""
    pieces: list[IntArray] = []
    for user, length in enumerate(data.train_lengths):
        rows = np.arange(data.starts[user], data.starts[user] + length)
        if length <= config.window:
            cuts = [0]
        else:
            cuts = [0, *range(int(order.integers(1, config.window + 1)), length, config.window)]
        pieces.extend(
            rows[begin:end]
            for begin, end in zip(cuts, [*cuts[1:], length], strict=True)
            if end > begin
        )
    batch: list[IntArray] = []
    events = 0
    for k in order.permutation(len(pieces)):
        piece = pieces[k]
        full = len(batch) == config.batch_users or events + len(piece) > config.batch_events
        if batch and full:
            yield batch
            batch, events = [], 0
        batch.append(piece)
        events += len(piece)
    if batch:
        yield batch


def _backward(
    network: InterestNetwork,
    tower: ItemTower,
    met: Tensor,
    data: FittingData,
    table: EventTable,
    rows: list[IntArray],
    config: InterestConfig,
) -> tuple[Tensor, int]:
    """Gradients of the mean cross-entropy of every event given those before it.

    Over the items ``met`` in training (int64, ascending): an item without a training event is never
    a target; as a negative it would only learn to be unlikely, so it stays out. Returns the summed
    loss float64[] and the number of targets.
    """
    device = tower.ids.device
    whole = table.batch(rows)
    vectors, bias = tower()
    queries = network(drop_parts(whole, config.part_dropout), vectors)[:, :-1]
    index, wanted = padded(rows)
    wanted &= data.events.item[index] >= 0
    # A later piece's start is not a history's start.
    wanted[:, 0] &= np.isin([piece[0] for piece in rows], data.starts)
    targets = torch.from_numpy(data.events.item[index[wanted]]).to(device)
    loss = torch.zeros((), dtype=torch.float64, device=device)
    if len(targets) == 0:
        return loss, 0
    candidates = met
    if len(candidates) > FULL_SOFTMAX_ITEMS:
        drawn = torch.randint(len(candidates), (config.negatives,))
        candidates = torch.unique(torch.cat([targets, candidates[drawn]]))
    targets = torch.searchsorted(candidates, targets)
    histories, steps = (torch.from_numpy(part).to(device) for part in np.nonzero(wanted))
    outputs = (
        network.log_temperature.exp() * queries[histories, steps],
        vectors[candidates],
        bias[candidates],
    )
    leaves = tuple(output.detach().requires_grad_() for output in outputs)
    at_once = _TARGETS_AT_ONCE if device.type == "cpu" else len(targets)
    for begin in range(0, len(targets), at_once):
        chunk = slice(begin, begin + at_once)
        scores = torch.addmm(leaves[2], leaves[0][chunk], leaves[1].T)
        summed = functional.cross_entropy(
            scores, targets[chunk], reduction="sum", label_smoothing=config.label_smoothing
        )
        (summed / len(targets)).backward()  # type: ignore[no-untyped-call]
        loss += summed.detach()
    torch.autograd.backward(outputs, [leaf.grad for leaf in leaves])
    return loss, len(targets)


@dataclass(frozen=True, eq=False)
class _Judged:
    """Some users' training histories, the items that followed, and what could not be listed."""

    rows: list[IntArray]
    targets: IntArray
    excluded: ExcludedItems

    @classmethod
    def batches(cls, data: FittingData, at_once: int) -> Iterator[_Judged]:
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


def _judge(
    network: InterestNetwork, tower: ItemTower, table: EventTable, judged: Sequence[_Judged]
) -> tuple[float, float]:
    """Best validation NDCG@10 over the cold offsets, and the offset."""
    network.eval()
    tower.eval()
    gains: list[DoubleArray] = []
    with torch.inference_mode():
        vectors, bias = tower()
        cold = (~tower.seen).float()
        offsets = _COLD_OFFSETS if bool(cold.any()) else (0.0,)
        for part in judged:
            batch = table.batch(part.rows)
            queries = network(batch, vectors)[torch.arange(len(part.rows)), batch.length]
            scores = network.scores(queries, vectors, bias)
            ranks = (target_ranks(scores + o * cold, part.targets, part.excluded) for o in offsets)
            gains.append(np.stack([ndcg(rank, 10) for rank in ranks], 1))
    if not gains:
        return float("nan"), 0.0
    means = np.concatenate(gains).mean(0)
    best = int(means.argmax())
    return float(means[best]), offsets[best]


def _optimiser(
    network: InterestNetwork, tower: ItemTower, config: InterestConfig
) -> torch.optim.Optimizer:
    decayed = [p for p in network.parameters() if p.ndim >= 2]
    free = [p for p in network.parameters() if p.ndim < 2]
    return torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": config.weight_decay},
            {"params": [*free, *tower.parameters()], "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
        fused=tower.ids.is_cuda,
    )

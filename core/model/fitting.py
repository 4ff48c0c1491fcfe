"""Fit the interest network: softmax cross-entropy, early stopping on validation NDCG@10.

Item vectors start from co-occurrence and text, not from noise. The softmax is over all items met in
training, of a large catalogue over a sample (``candidates``). Of many events each step is made in
shards (``step``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from core.device import device_words
from core.language import mark, tr
from core.measure.cases import evenly
from core.model.batches import CPU, EventTable, FittingData, epoch_batches
from core.model.candidates import Met
from core.model.config import UNJUDGED_EPOCHS, InterestConfig
from core.model.continuing import Lesson, Step
from core.model.metrics import Epoch
from core.model.network import InterestNetwork, ItemTower
from core.model.sequences import kind_rows
from core.model.step import Sharded, backward
from core.model.validation import JUDGED_AT_ONCE, JUDGED_ON_GPU, Judged, Validated, judge
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.threads import one_torch_thread

MOST_JUDGED = 400_000_000
"""Scores of one look at the validation cases at most; of more cases an even sample is judged."""
SHARDED_EVENTS = 250_000
"""Events above which a training on the CPU makes its steps and judges its cases side by side, with
one thread of torch's each. Of fewer, torch shares out each product: their figures stay as they
were, and steps are too small to gain much."""
STAGE = mark("Training the interest model")
LOSS, VALIDATION_LOSS = mark("loss"), mark("validation loss")
VALIDATION_NDCG = mark("validation NDCG@10")
"""Figures that a report names."""
_WARM_UP_STEPS = 20
_TOLD_EVERY = 16
"""Steps between two readings of the loss on a GPU, which has to be waited for."""


@dataclass(frozen=True)
class Fit:
    """The best network met, its item vectors and biases, and how training went.

    Chosen on validation: ``cold_offset`` is added to the bias of items without a training event,
    ``repeat_offset`` to the score of an item that the history has already.
    """

    network: InterestNetwork
    item_vectors: Tensor
    item_bias: Tensor
    cold_offset: float
    repeat_offset: float
    curve: tuple[Epoch, ...]
    best_epoch: int
    device: str
    """Where it was trained: ``cpu``, or an accelerator's type and name."""
    tower: ItemTower


_drawing = threading.Lock()
"""torch's random numbers belong to the process: two fits at once would draw from each other's."""


def fit_network(
    data: FittingData,
    tower: ItemTower,
    config: InterestConfig,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    device: torch.device = CPU,
    half: bool = False,
    epochs: int | None = None,
    lesson: Lesson | None = None,
) -> Fit:
    """Train until validation NDCG@10 has not risen for ``config.patience`` epochs.

    Where nobody can be judged, the last of UNJUDGED_EPOCHS epochs counts, and NDCG is NaN. With
    ``epochs`` given nobody is judged: exactly so many are trained, as an earlier fit chose.

    The network is new, or an earlier one that goes on with a ``lesson``; ``tower`` may change; all
    that comes back is on the CPU. Deterministic for a seed, a processor and a thread count, which
    makes no difference above ``SHARDED_EVENTS``; other devices draw other random numbers. Where a
    device's memory does not suffice, training begins anew on the CPU. One fit of a process waits
    for the other. With ``half`` the scores' products read bf16 (see ``softmax_gradients``). Raises
    Stopped.
    """
    while not _drawing.acquire(timeout=0.2):
        check_stop(stop)
        report(progress, Progress(mark("Waiting for another training"), 0, 1))
    try:
        return _fit_somewhere(data, tower, config, progress, stop, device, half, epochs, lesson)
    finally:
        _drawing.release()


def _fit_somewhere(
    data: FittingData,
    tower: ItemTower,
    config: InterestConfig,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
    device: torch.device,
    half: bool,
    fixed: int | None,
    lesson: Lesson | None,
) -> Fit:
    if device.type == "cpu":
        return _fit(data, tower, config, progress, stop, device, half, fixed, lesson)
    try:
        return _fit(data, deepcopy(tower), config, progress, stop, device, half, fixed, lesson)
    except torch.OutOfMemoryError:
        what = tr(
            "Training on the CPU: the memory of {device} does not suffice",
            device=device_words(device),
        )
        report(progress, Progress(what, 0, 1))
    return _fit(data, tower, config, progress, stop, CPU, half, fixed, lesson)


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
    half: bool,
    fixed: int | None,
    lesson: Lesson | None,
) -> Fit:
    with one_torch_thread() if _is_sharded(data, device, lesson) else nullcontext():
        return _fit_on(data, tower, config, progress, stop, device, half, fixed, lesson)


def _is_sharded(data: FittingData, device: torch.device, lesson: Lesson | None) -> bool:
    return lesson is None and device.type == "cpu" and len(data.events.item) > SHARDED_EVENTS


def _fit_on(
    data: FittingData,
    tower: ItemTower,
    config: InterestConfig,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
    device: torch.device,
    half: bool,
    fixed: int | None,
    lesson: Lesson | None,
) -> Fit:
    torch.manual_seed(config.seed)
    # Every device starts alike.
    network = (
        InterestNetwork(config, data.events.text.shape[1], kind_rows(data.events.kind))
        if lesson is None
        else deepcopy(lesson.network)
    )
    with _on(device):
        tower = tower.to(device)
        best, curve, best_epoch = _train(
            network.to(device), tower, data, config, progress, stop, half, fixed, lesson
        )
    for module in (network, tower):
        module.to(CPU).eval()
    with torch.inference_mode():
        vectors, bias = tower()
        bias = bias + best.cold_offset * (~tower.seen)
    words = device_words(device)
    offsets = best.cold_offset, best.repeat_offset
    return Fit(network, vectors, bias, *offsets, tuple(curve), best_epoch, words, tower)


def _train(
    network: InterestNetwork,
    tower: ItemTower,
    data: FittingData,
    config: InterestConfig,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
    half: bool,
    fixed: int | None,
    lesson: Lesson | None,
) -> tuple[Validated, list[Epoch], int]:
    """Leave the best weights met in both; returns their judgement, the curve and their epoch."""
    order = np.random.default_rng(config.seed)
    device = tower.ids.device
    learned = data.training_items if lesson is None else lesson.new_items
    table, met = EventTable.of(data.events, device), Met.of(tower.seen, learned)
    at_once = JUDGED_AT_ONCE if device.type == "cpu" else JUDGED_ON_GPU
    scored = len(data.judged) > 0 and fixed is None
    some = data.judged[evenly(len(data.judged), MOST_JUDGED // len(tower.seen))]
    judged_users = tuple(Judged.batches(replace(data, judged=some), at_once)) if scored else ()
    is_sharded = _is_sharded(data, device, lesson)
    learn = Sharded(network).backward if is_sharded else backward
    optimiser = _optimiser(network, tower, config)
    best = judged = judge(network, tower, table, judged_users, is_sharded)
    modules = (network, tower)
    average = _Average(network, tower, config.averaging)
    best_weights, best_epoch = _weights_of(modules), 0
    curve = [_epoch(0, None, judged if scored else None, 0.0)]
    started = time.monotonic()
    step = steps = 0
    epochs = config.epochs if scored else min(config.epochs, UNJUDGED_EPOCHS)
    epochs = epochs if fixed is None else fixed
    for epoch in range(1, epochs + 1):
        network.train()
        tower.train()
        total, count, mean = torch.zeros((), dtype=torch.float64), 0, 0.0
        steps_of: list[Step] = (
            [partial(learn, data, rows) for rows in epoch_batches(data, config, order)]
            if lesson is None
            else lesson.steps(config, order)
        )
        for number, make_gradients in enumerate(steps_of):
            check_stop(stop)
            optimiser.zero_grad()
            loss, targets = make_gradients(network, tower, met, table, config, half)
            nn.utils.clip_grad_norm_([*network.parameters(), *tower.parameters()], config.clip)
            step += 1
            for group in optimiser.param_groups:
                group["lr"] = config.learning_rate * min(1.0, step / _WARM_UP_STEPS)
            optimiser.step()
            tower.hold(config.id_bound)
            average.take()
            total, count = total + loss, count + targets
            done = (epoch - 1) + (number + 1) / len(steps_of)
            left = (time.monotonic() - started) / done * (epochs - done)
            if device.type == "cpu" or number % _TOLD_EVERY == 0:
                mean = float(total) / max(count, 1)
            steps = len(steps_of) * epochs
            report(progress, Progress(STAGE, step, steps, left, _figures(mean, judged, scored)))
        judged = judge(*average.modules, table, judged_users, is_sharded)
        mean = float(total) / max(count, 1)
        seconds = time.monotonic() - started
        curve.append(_epoch(epoch, mean, judged if scored else None, seconds))
        if scored:  # the figures of this epoch, where a report of the next one may never come
            left = seconds / epoch * (epochs - epoch)
            of_epoch = _figures(mean, judged, scored)
            report(progress, Progress(STAGE, step, max(steps, step), left, of_epoch))
        if judged.ndcg > best.ndcg or not scored:
            best, best_epoch = judged, epoch
            best_weights = _weights_of(average.modules)
        if epoch - best_epoch >= config.patience:
            break
    with torch.no_grad():
        for module, weights in zip(modules, best_weights, strict=True):
            for name, weight in module.named_parameters():
                weight.copy_(weights[name])
    return best, curve, best_epoch


def _weights_of(modules: Sequence[nn.Module]) -> list[dict[str, Tensor]]:
    """Copies of what each learns; texts of items, which stay, are large."""
    return [
        {name: weight.detach().clone() for name, weight in module.named_parameters()}
        for module in modules
    ]


def _figures(loss: float, judged: Validated, scored: bool) -> dict[str, float]:
    """What a report says of the training so far."""
    if not scored:
        return {LOSS: loss}
    known = {VALIDATION_LOSS: judged.loss} if np.isfinite(judged.loss) else {}
    return {LOSS: loss, **known, VALIDATION_NDCG: judged.ndcg}


def _epoch(number: int, loss: float | None, judged: Validated | None, seconds: float) -> Epoch:
    """A line of the training curve; what isn't a number isn't known."""
    known = [
        value if value is not None and np.isfinite(value) else None
        for value in (loss, judged.loss if judged else None)
    ]
    return Epoch(
        epoch=number,
        loss=known[0],
        validation_ndcg=judged.ndcg if judged else None,
        seconds=seconds,
        validation_loss=known[1],
    )


class _Average:
    """A running average of both modules' weights (Polyak & Juditsky 1992), or they themselves."""

    def __init__(self, network: InterestNetwork, tower: ItemTower, keep: float) -> None:
        self._keep, self._steps = keep, 0
        self._live: list[Tensor] = [*network.parameters(), *tower.parameters()]
        fixed = {id(buffer): buffer for buffer in tower.buffers()}
        self.modules = (deepcopy(network), deepcopy(tower, fixed)) if keep else (network, tower)
        self._mean: list[Tensor] = [p for module in self.modules for p in module.parameters()]

    @torch.no_grad()
    def take(self) -> None:
        """Count in the weights after a step; early steps are forgotten sooner."""
        if self._keep:
            self._steps += 1
            share = 1.0 - min(self._keep, (1 + self._steps) / (10 + self._steps))
            torch._foreach_lerp_(self._mean, self._live, share)


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
        fused=tower.ids.device.type in ("cpu", "cuda"),
    )

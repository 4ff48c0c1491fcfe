"""Fit the interest network: full softmax cross-entropy, early stopping on validation NDCG@10.

Item vectors start from co-occurrence and text, not from noise.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix
from sklearn.utils.extmath import randomized_svd
from torch import Tensor, nn
from torch.nn import functional

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from core.device import device_words
from core.measure.metrics import ndcg
from core.model.config import InterestConfig
from core.model.network import Batch, InterestNetwork, ItemTower, drop_parts
from core.model.sequences import ABSENT_ITEM, GAPS, EncodedEvents, gap_features, kind_rows, padded
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.ranking import ExcludedItems, target_ranks
from core.recommend.scorers import centre

FULL_SOFTMAX_ITEMS = 50_000
UNJUDGED_EPOCHS = 20
"""Epochs at most where no validation event says when to stop."""
_COLD_OFFSETS = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
_WARM_UP_STEPS = 20
_EVENTS_PER_BATCH = 8_192
_CASES_PER_BATCH = 128
_TARGETS_AT_ONCE = 256
"""Rows of scores held while the loss is computed: whole batches of them would not fit the cache."""


def item_tower(
    users: IntArray,
    items: IntArray,
    n_users: int,
    title: FloatArray,
    reviews: FloatArray,
    config: InterestConfig,
) -> ItemTower:
    """A tower to be trained, from training events (users and items int64[n_train], indices).

    title float32[n_items, d_text] are vectors of title and category, reviews the mean vectors of
    training reviews; zeros where there are none. Ids start from a truncated SVD of the
    degree-normalised user-item matrix, shrunk for items with few events; text projections from the
    leading principal directions, so that text similarity holds from the first step.
    """
    n_items = len(title)
    counts = np.bincount(items, minlength=n_items)
    ids = _co_occurrence(users, items, n_users, n_items, config)
    lengths = np.linalg.norm(ids, axis=1, keepdims=True)
    share = counts / (counts + config.id_shrinkage)
    ids = ids / np.maximum(lengths, 1e-6) * config.id_scale * share[:, None]
    ids[counts == 0] = 0.0
    title, reviews = centre(title, whiten=False), centre(reviews, whiten=False)
    title_projection = _principal(title, config)
    # Where titles exist, reviews start silent: else items with and without reviews would differ.
    reviews_projection = (
        np.zeros_like(title_projection) if title.any() else _principal(reviews, config)
    )
    bias = config.bias_scale * np.log(counts + 0.5)

    def tensor(array: npt.NDArray[np.generic]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.float32))

    learned = {
        "ids": ids,
        "title_projection": title_projection,
        "reviews_projection": reviews_projection,
        "bias": bias,
    }
    fixed = {"title": tensor(title), "reviews": tensor(reviews), "seen": torch.tensor(counts > 0)}
    tensors = {name: tensor(values) for name, values in learned.items()}
    return ItemTower(tensors, fixed, config.id_dropout)


def _co_occurrence(
    users: IntArray, items: IntArray, n_users: int, n_items: int, config: InterestConfig
) -> FloatArray:
    ids = np.zeros((n_items, config.dim), np.float32)
    rank = min(config.dim, n_users - 1, n_items - 1)
    if rank < 1 or len(items) == 0:
        return ids
    pairs = np.unique(np.stack([users, items], 1), axis=0)
    by_user = np.bincount(pairs[:, 0], minlength=n_users)
    by_item = np.bincount(pairs[:, 1], minlength=n_items)
    values = 1.0 / np.sqrt(by_user[pairs[:, 0]] * by_item[pairs[:, 1]])
    matrix = csr_matrix((values, (pairs[:, 0], pairs[:, 1])), shape=(n_users, n_items))
    _, strength, directions = randomized_svd(matrix, rank, random_state=config.seed)
    ids[:, :rank] = directions.T * np.sqrt(strength)
    return ids


def _principal(vectors: FloatArray, config: InterestConfig) -> FloatArray:
    """Leading principal directions as a projection float32[d_text, dim]."""
    projection = np.zeros((vectors.shape[1], config.dim), np.float32)
    rank = min(config.dim, *(side - 1 for side in vectors.shape))
    if rank >= 1 and vectors.any():
        _, _, directions = randomized_svd(vectors, rank, random_state=config.seed)
        projection[:, : len(directions)] = directions.T
    return projection


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
class EpochRecord:
    """One line of the training curve."""

    epoch: int
    loss: float
    validation_ndcg: float
    seconds: float


@dataclass(frozen=True)
class Fit:
    """The best network met, its item vectors and biases, and how training went.

    ``cold_offset`` is added to the bias of items without a training event, chosen on validation.
    """

    network: InterestNetwork
    item_vectors: Tensor
    item_bias: Tensor
    cold_offset: float
    curve: tuple[EpochRecord, ...]
    best_epoch: int
    device: str
    """Where it was trained: ``cpu``, or an accelerator's type and name."""


CPU = torch.device("cpu")


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
    memory does not suffice, training begins anew on the CPU. Raises Stopped.
    """
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
) -> tuple[float, list[EpochRecord], int]:
    """Leave the best weights met in both; returns cold offset, training curve and best epoch."""
    order = np.random.default_rng(config.seed)
    optimiser = _optimiser(network, tower, config)
    best = _judge(network, tower, data)
    modules = (network, tower)
    best_states, best_epoch = [deepcopy(module.state_dict()) for module in modules], 0
    curve: list[EpochRecord] = [EpochRecord(0, math.nan, best[0], 0.0)]
    started = time.monotonic()
    step = 0
    epochs = config.epochs if len(data.judged) else min(config.epochs, UNJUDGED_EPOCHS)
    for epoch in range(1, epochs + 1):
        network.train()
        tower.train()
        total, count = 0.0, 0
        batches = list(_pieces(data, config, order))
        for number, rows in enumerate(batches):
            check_stop(stop)
            optimiser.zero_grad()
            loss, targets = _backward(network, tower, data, rows, config)
            nn.utils.clip_grad_norm_([*network.parameters(), *tower.parameters()], config.clip)
            step += 1
            for group in optimiser.param_groups:
                group["lr"] = config.learning_rate * min(1.0, step / _WARM_UP_STEPS)
            optimiser.step()
            total += loss
            count += targets
            done = (epoch - 1) + (number + 1) / len(batches)
            left = (time.monotonic() - started) / done * (epochs - done)
            mean = total / max(count, 1)
            figures = {"loss": mean}
            if len(data.judged):
                figures["validation NDCG@10"] = curve[-1].validation_ndcg
            stage, steps = "Training the interest model", len(batches) * epochs
            report(progress, Progress(stage, step, steps, left, figures))
        judged = _judge(network, tower, data)
        mean = total / max(count, 1)
        curve.append(EpochRecord(epoch, mean, judged[0], time.monotonic() - started))
        if judged[0] > best[0] or not len(data.judged):
            best, best_epoch = judged, epoch
            best_states = [deepcopy(module.state_dict()) for module in modules]
        if epoch - best_epoch >= config.patience:
            break
    for module, state in zip(modules, best_states, strict=True):
        module.load_state_dict(state)
    return best[1], curve, best_epoch


def make_batch(events: EncodedEvents, rows: Sequence[IntArray]) -> Batch:
    """Pad the (pieces of) histories whose rows are given; a piece's first gap is unknown."""
    index, inside = padded(rows)
    features, text = events.features[index], events.text[index]
    features[..., GAPS] = gap_features(events.seconds[index])
    features[~inside] = 0.0
    text[~inside] = 0.0
    item = np.where(inside, events.item[index], ABSENT_ITEM)
    kind = np.where(inside, events.kind[index], 0)
    arrays = (item, kind, features, text, inside.sum(1))
    return Batch(*(torch.from_numpy(array) for array in arrays))


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
    data: FittingData,
    rows: list[IntArray],
    config: InterestConfig,
) -> tuple[float, int]:
    """Gradients of the mean cross-entropy of every event given those before it.

    Over the items met in training: an item without a training event is never a target; as a
    negative it would only learn to be unlikely, so it stays out. Returns the summed loss and the
    number of targets.
    """
    device = tower.ids.device
    whole = make_batch(data.events, rows).to(device)
    vectors, bias = tower()
    queries = network(drop_parts(whole, config.part_dropout), vectors)[:, :-1]
    wanted = whole.item >= 0
    first = np.isin([piece[0] for piece in rows], data.starts)
    # A later piece's start is not a history's start.
    wanted[:, 0] &= torch.from_numpy(first).to(device)
    targets = whole.item[wanted]
    if len(targets) == 0:
        return 0.0, 0
    candidates = tower.seen.nonzero().squeeze(1)
    if len(candidates) > FULL_SOFTMAX_ITEMS:
        drawn = torch.randint(len(candidates), (config.negatives,))
        candidates = torch.unique(torch.cat([targets, candidates[drawn]]))
    targets = torch.searchsorted(candidates, targets)
    outputs = (
        network.log_temperature.exp() * queries[wanted],
        vectors[candidates],
        bias[candidates],
    )
    leaves = tuple(output.detach().requires_grad_() for output in outputs)
    loss = 0.0
    at_once = _TARGETS_AT_ONCE if device.type == "cpu" else len(targets)
    for begin in range(0, len(targets), at_once):
        chunk = slice(begin, begin + at_once)
        scores = torch.addmm(leaves[2], leaves[0][chunk], leaves[1].T)
        summed = functional.cross_entropy(
            scores, targets[chunk], reduction="sum", label_smoothing=config.label_smoothing
        )
        (summed / len(targets)).backward()  # type: ignore[no-untyped-call]
        loss += float(summed.detach())
    torch.autograd.backward(outputs, [leaf.grad for leaf in leaves])
    return loss, len(targets)


def _judge(network: InterestNetwork, tower: ItemTower, data: FittingData) -> tuple[float, float]:
    """Best validation NDCG@10 over the cold offsets, and the offset."""
    network.eval()
    tower.eval()
    gains: list[DoubleArray] = []
    with torch.inference_mode():
        vectors, bias = tower()
        cold = (~tower.seen).float()
        offsets = _COLD_OFFSETS if bool(cold.any()) else (0.0,)
        for users in _by_length(data):
            rows = [
                np.arange(data.starts[u], data.starts[u] + data.train_lengths[u]) for u in users
            ]
            batch = make_batch(data.events, rows).to(tower.ids.device)
            queries = network(batch, vectors)[torch.arange(len(users)), batch.length]
            scores = network.scores(queries, vectors, bias)
            targets = data.events.item[data.starts[users] + data.train_lengths[users]]
            mask = np.zeros(scores.shape, np.bool_)
            for k, part in enumerate(rows):
                mask[k, data.events.item[part[data.excluding[part]]]] = True
            excluded = ExcludedItems(*np.nonzero(mask))
            ranks = (target_ranks(scores + o * cold, targets, excluded) for o in offsets)
            gains.append(np.stack([ndcg(rank, 10) for rank in ranks], 1))
    if not gains:
        return math.nan, 0.0
    means = np.concatenate(gains).mean(0)
    best = int(means.argmax())
    return float(means[best]), offsets[best]


def _by_length(data: FittingData) -> Iterator[IntArray]:
    """The judged users in batches of like length and bounded size."""
    order = data.judged[np.argsort(-data.train_lengths[data.judged], kind="stable")]
    begin = 0
    while begin < len(order):
        size = max(1, _EVENTS_PER_BATCH // int(data.train_lengths[order[begin]]))
        yield order[begin : begin + min(size, _CASES_PER_BATCH)]
        begin += min(size, _CASES_PER_BATCH)


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
    )

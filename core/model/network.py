"""The LSTM+BERT interest network.

After the t-th event, ``v_t = BERT(z_t)`` is the review's sentence vector, ``h_t`` the recurrent
state over the events so far, ``h*_t = [h_t ; v_t]`` the interest state, and ``P(y | X)`` a softmax
over the whole catalogue of the product of a query vector made from ``h*_t`` with item vectors.

``h_t`` has two recurrent parts: the output of an LSTM (Hochreiter & Schmidhuber 1997), and leaky
memories, exponentially decayed averages of the vectors of the items met (the recency-weighted
neighbourhood that is hard to beat on small data, as a recurrent state with learned decay).
Item vectors are an id embedding plus a projection of the item's text, scaled to unit length, so an
item that nobody has met still has a vector.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor, nn
from torch.nn import functional

from core.arrays import FloatArray
from core.model.config import InterestConfig
from core.model.sequences import (
    ABSENT_KIND,
    FEATURES,
    GAPS,
    HAS_RATING,
    HAS_TEXT,
    RATING,
    SENTIMENT,
)

Array = Any
"""A torch tensor or a numpy array."""


@dataclass(frozen=True)
class ReadEvents:
    """What the network makes of each event by itself, with any leading dimensions.

    items [..., dim] (zeros where absent), inputs [..., dim] of the LSTM, text [..., d_text]
    (``no_text`` where absent), weights [..., memories]: how strongly each memory takes the event.
    """

    items: Array
    inputs: Array
    text: Array
    weights: Array


class Equations:
    """All but the LSTM itself, once for torch and numpy, over a subclass's layers and arrays.

    torch trains and runs batches. Single steps run in numpy: torch shares their small products
    between threads, and with anything else running on the machine the states of 100 events took
    35 ms instead of 2.5 ms.
    """

    library: ModuleType
    """torch or numpy."""
    rows_of: Callable[[Array, Array], Array]
    """Rows of a table [n, d] by indices. torch's own indexing adds up the gradients of a row in any
    order: the same seed gave other weights."""
    item_in: Any
    kind_in: Any
    features_in: Any
    text_in: Any
    text_out: Any
    hidden_out: Any
    dropout: Any
    no_text: Array
    memory_kind: Array
    memory_feeling: Array
    log_decay: Array

    def read(
        self, item: Array, kind: Array, features: Array, text: Array | None, item_vectors: Array
    ) -> ReadEvents:
        """What depends on one event alone; arrays as in ``EncodedEvents``.

        ``text`` None where no event has any: the result's then has one row for all.
        """
        items = self.rows_of(item_vectors, item.clip(min=0)) * (item >= 0)[..., None]
        if text is None:
            text = self.no_text.reshape((1,) * item.ndim + (-1,))
        else:
            has_text = features[..., HAS_TEXT : HAS_TEXT + 1] > 0
            text = self.library.where(has_text, text, self.no_text)
        inputs = (
            self.item_in(items)
            + self.kind_in(kind)
            + self.features_in(features)
            + self.text_in(self.dropout(text))
        )
        feeling = features[..., [RATING, SENTIMENT]] @ self.memory_feeling.T
        return ReadEvents(items, inputs, text, self.rows_of(self.memory_kind.T, kind) + feeling)

    def memories(
        self, events: ReadEvents, earlier: int = 0, before: Array | None = None
    ) -> list[Array]:
        """Each leaky memory after each of L events, [..., L, dim].

        Memory k after t events is ``sum_s a_k^(t-s) w_ks x_s / sum_s a_k^(t-s)``. ``before``
        [memories, 1, dim] are the memories after ``earlier`` events that came first.
        """
        width = events.items.shape[-2]
        steps = self.library.arange(width, dtype=self.library.float32)
        shares = self.memory_shares(steps, width, earlier)
        values = [events.items * events.weights[..., k, None] for k in range(len(shares))]
        if before is not None:
            values = [
                self.library.concatenate([memory, value], -2)
                for memory, value in zip(before, values, strict=True)
            ]
        return [share @ value for share, value in zip(shares, values, strict=True)]

    def memory_shares(self, steps: Array, width: int, earlier: int = 0) -> Array:
        """How much each of ``width`` events counts in a memory after the events ``steps`` [T].

        [memories, T, width], rows sum to 1. Where ``earlier`` events came before these, a leading
        column says how much they count together.
        """
        log_decay = self.log_decay[:, None, None]
        events = self.library.arange(width, dtype=self.library.float32)
        distance = steps[:, None] - events
        kernel = self.library.exp(abs(distance) * log_decay) * (distance >= 0)
        if earlier:
            expm1 = self.library.expm1  # exact where a decay is close to 1
            together = expm1(earlier * log_decay) / expm1(log_decay)
            first = together * self.library.exp((steps[:, None] + 1) * log_decay)
            kernel = self.library.concatenate([first, kernel], 2)
        return kernel / kernel.sum(2, keepdims=True)

    def query(self, hidden: Array, text: Array, memory: Array) -> Array:
        """Query vectors [..., dim] from LSTM output, text and memory after the same event."""
        return self.hidden_out(self.dropout(hidden)) + self.text_out(self.dropout(text)) + memory


class StepwiseNetwork(Equations):
    """A trained network in numpy, for one history at a time."""

    library = np
    rows_of = staticmethod(operator.getitem)
    start_hidden: FloatArray
    start_cell: FloatArray

    def __init__(self, network: InterestNetwork) -> None:
        weights = {name: value.numpy() for name, value in network.state_dict().items()}

        def linear(weight: FloatArray, bias: FloatArray) -> Callable[[FloatArray], FloatArray]:
            return lambda inputs: inputs @ weight.T + bias

        for name in ("item_in", "features_in", "text_in", "text_out", "hidden_out"):
            setattr(self, name, linear(weights[f"{name}.weight"], weights[f"{name}.bias"]))
        self.kind_in = weights["kind_in.weight"].__getitem__
        self.dropout = np.asarray
        for name in ("no_text", "memory_kind", "memory_feeling", "start_hidden", "start_cell"):
            setattr(self, name, weights[name])
        self.log_decay = network.log_decay.detach().numpy()
        self._gates = linear(
            weights["lstm.weight_ih_l0"], weights["lstm.bias_ih_l0"] + weights["lstm.bias_hh_l0"]
        )
        self._recurrent = weights["lstm.weight_hh_l0"]

    def recur(
        self, inputs: FloatArray, hidden: FloatArray, cell: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """The LSTM's outputs and cells after each of n inputs, float32[n, hidden].

        As ``torch.nn.LSTM``, which keeps only the last cell; its ``lstm_cell`` takes twice as long.
        """
        size = len(hidden)
        outputs = np.empty((len(inputs), size), np.float32)
        cells = np.empty((len(inputs), size), np.float32)
        for t, from_input in enumerate(self._gates(inputs)):
            gate = from_input + self._recurrent @ hidden
            squashed = expit(gate)
            candidate = np.tanh(gate[2 * size : 3 * size])
            cell = squashed[size : 2 * size] * cell + squashed[:size] * candidate
            hidden = squashed[3 * size :] * np.tanh(cell)
            outputs[t], cells[t] = hidden, cell
        return outputs, cells


@dataclass(frozen=True)
class Batch:
    """Padded histories. B histories of up to L events.

    item int64[B, L] (-1 absent or padding), kind int64[B, L], features float32[B, L, 7],
    text float32[B, L, d_text] (None where no event has any), length int64[B].
    """

    item: Tensor
    kind: Tensor
    features: Tensor
    text: Tensor | None
    length: Tensor


class ItemTower(nn.Module):
    """Item vectors and biases from ids and text.

    ``learned`` starts from ids float32[n_items, dim], title_projection and reviews_projection
    float32[d_text, dim], bias float32[n_items]. ``fixed`` are title and reviews float32[n_items,
    d_text] (centred unit vectors of title and category, and of the mean training review; zeros
    where absent) and seen bool[n_items] (met in training).
    """

    ids: Tensor
    title_projection: Tensor
    reviews_projection: Tensor
    bias: Tensor
    title: Tensor
    reviews: Tensor
    seen: Tensor

    def __init__(
        self, learned: Mapping[str, Tensor], fixed: Mapping[str, Tensor], id_dropout: float
    ) -> None:
        super().__init__()
        for name, value in learned.items():
            self.register_parameter(name, nn.Parameter(value.clone()))
        for name, value in fixed.items():
            self.register_buffer(name, value)
        self.register_buffer("start", self.ids.detach().clone(), persistent=False)
        self.register_buffer("has_title", (self.title != 0).any(1).float())
        has_review = (self.reviews != 0).any(1).float()
        self.register_buffer("has_text", torch.maximum(self.get_buffer("has_title"), has_review))
        self.told, self.reviewed = bool(self.title.any()), bool(self.reviews.any())
        self.id_dropout = id_dropout

    @torch.no_grad()
    def hold(self, bound: float) -> None:
        """Bring ids back that moved further than ``bound`` from where they started; 0 is free."""
        if bound:
            start = self.get_buffer("start")
            moved = self.ids - start
            moved *= (bound / moved.norm(dim=1, keepdim=True).clamp(min=1e-12)).clamp(max=1.0)
            self.ids.copy_(start).add_(moved)

    def forward(self, rows: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Item vectors float32[n_items, dim] and biases float32[n_items], or those of ``rows``.

        In training a share of the items is met as if nobody had ever met it: no id, no bias, and
        no review where it has a title. Where it has neither, nothing would be left: it stays.
        ``rows`` int64[m] are different items; the same are dropped with and without them.
        """
        ids, bias, title, reviews = self.ids, self.bias, self.title, self.reviews
        if rows is not None:
            ids, bias = functional.embedding(rows, ids), bias[rows]
            title = title[rows] if self.told else title
            reviews = reviews[rows] if self.reviewed else reviews
        if self.training and self.id_dropout > 0:
            has_title: Tensor = self.get_buffer("has_title")
            keep = (torch.rand(len(self.ids), device=ids.device) >= self.id_dropout).float()
            keep = torch.maximum(keep, 1 - self.get_buffer("has_text"))
            if rows is not None:
                keep, has_title = keep[rows], has_title[rows]
            ids, bias = ids * keep[:, None], bias * keep
            if self.reviewed:
                reviews = reviews * (1 - (1 - keep) * has_title)[:, None]
        return functional.normalize(self._mixed(ids, title, reviews), dim=1, eps=1e-4), bias

    def _mixed(self, ids: Tensor, title: Tensor, reviews: Tensor) -> Tensor:
        vectors = ids
        if self.told:
            vectors = vectors + title @ self.title_projection
        if self.reviewed:
            vectors = vectors + reviews @ self.reviews_projection
        return vectors

    @torch.no_grad()
    def lengths(self) -> Tensor:
        """Length of each item's vector before it is scaled to 1, float32[n_items]."""
        lengths: Tensor = self._mixed(self.ids, self.title, self.reviews).norm(dim=1)
        return lengths


class InterestNetwork(Equations, nn.Module):
    """Queries after every event, from the histories' events and the item vectors."""

    library = torch
    rows_of = staticmethod(lambda table, rows: functional.embedding(rows, table))

    def __init__(self, config: InterestConfig, text_dim: int, kinds: int = ABSENT_KIND + 1) -> None:
        """``kinds``: rows for kinds of events, see ``sequences.KIND_INDEX``."""
        super().__init__()
        self.config = config
        dim, hidden = config.dim, config.hidden
        self.item_in = nn.Linear(dim, dim)
        self.kind_in = nn.Embedding(kinds, dim, padding_idx=ABSENT_KIND)
        self.features_in = nn.Linear(len(FEATURES), dim)
        self.text_in = nn.Linear(text_dim, dim)
        self.no_text = nn.Parameter(torch.zeros(text_dim))
        self.lstm = nn.LSTM(dim, hidden, batch_first=True)
        self.start_hidden = nn.Parameter(torch.zeros(hidden))
        self.start_cell = nn.Parameter(torch.zeros(hidden))
        self.hidden_out = nn.Linear(hidden, dim)
        self.text_out = nn.Linear(text_dim, dim)
        memories = len(config.decays)
        self.decay = nn.Parameter(torch.logit(torch.tensor(config.decays, dtype=torch.float32)))
        self.memory_kind = nn.Parameter(torch.full((memories, kinds), 1.0 / memories))
        self.memory_feeling = nn.Parameter(torch.zeros(memories, 2))
        self.log_temperature = nn.Parameter(torch.tensor(config.temperature).log())
        self.dropout = nn.Dropout(config.dropout)
        with torch.no_grad():
            self.hidden_out.weight.mul_(config.output_scale)
            self.text_out.weight.mul_(config.output_scale * config.review_to_query)
            nn.init.normal_(self.kind_in.weight, std=0.02)
            self.kind_in.weight[ABSENT_KIND].zero_()
        self.text_out.weight.requires_grad_(config.review_to_query > 0)

    def forward(self, batch: Batch, item_vectors: Tensor) -> Tensor:
        """Query vectors float32[B, L + 1, dim] after 0, 1, ..., L events."""
        count, width = batch.item.shape
        events = self.read(batch.item, batch.kind, batch.features, batch.text, item_vectors)
        hidden = self.start_hidden.expand(count, 1, -1)
        if width:
            outputs, _ = self.lstm(self.dropout(events.inputs), self.start(count))
            hidden = torch.cat([hidden, outputs], 1)
        text = events.text
        if batch.text is not None:
            text = torch.cat([self.no_text.expand(count, 1, -1), text], 1)
        memory = sum(self.memories(events), torch.zeros(()))
        queries: Tensor = self.query(hidden, text, functional.pad(memory, (0, 0, 1, 0)))
        return queries

    @property
    def log_decay(self) -> Tensor:
        """Log of each memory's decay per event, float32[memories]."""
        return functional.logsigmoid(self.decay)

    def start(self, count: int) -> tuple[Tensor, Tensor]:
        """LSTM state before the first event of ``count`` histories, float32[1, count, hidden]."""
        return (
            self.start_hidden.expand(1, count, -1).contiguous(),
            self.start_cell.expand(1, count, -1).contiguous(),
        )

    def scores(self, queries: Tensor, item_vectors: Tensor, bias: Tensor) -> Tensor:
        """Unnormalised log-probabilities, float32[..., n_items]."""
        return self.log_temperature.exp() * (queries @ item_vectors.T) + bias


def drop_parts(batch: Batch, share: float, of_text: float) -> Batch:
    """Take rating, time and item from a share of events, each by itself, and text ``of_text``.

    So the network knows histories with parts missing, as explainers will ask for them.
    """
    if max(share, of_text) <= 0 or batch.item.shape[1] == 0:
        return batch
    shape = batch.item.shape
    features = batch.features.clone()
    parts = ((share, [RATING, HAS_RATING]), (of_text, [SENTIMENT, HAS_TEXT]), (share, GAPS))
    for lost, columns in parts:
        features[..., columns] *= (torch.rand(shape) >= lost).float().unsqueeze(-1)
    gone = torch.rand(shape) < share / 2
    item, kind = torch.where(gone, -1, batch.item), torch.where(gone, ABSENT_KIND, batch.kind)
    return replace(batch, item=item, kind=kind, features=features)

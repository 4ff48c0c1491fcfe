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

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.model.config import InterestConfig
from core.model.equations import Equations
from core.model.sequences import (
    ABSENT_KIND,
    FEATURES,
    GAP,
    HAS_GAP,
    HAS_RATING,
    HAS_TEXT,
    KINDS,
    RATING,
    SAME_DAY,
    SENTIMENT,
)


@dataclass(frozen=True)
class Batch:
    """Padded histories. B histories of up to L events.

    item int64[B, L] (-1 absent or padding), kind int64[B, L], features float32[B, L, 7],
    text float32[B, L, d_text], length int64[B].
    """

    item: Tensor
    kind: Tensor
    features: Tensor
    text: Tensor
    length: Tensor


@dataclass(frozen=True)
class ItemStart:
    """Where item vectors start from.

    ids float32[n_items, dim]; title and reviews float32[n_items, d_text] (centred unit vectors of
    title and category, and of the mean training review; zeros where absent); title_projection and
    reviews_projection float32[d_text, dim]; bias float32[n_items]; seen bool[n_items] (met in
    training).
    """

    ids: Tensor
    title: Tensor
    reviews: Tensor
    title_projection: Tensor
    reviews_projection: Tensor
    bias: Tensor
    seen: Tensor


class ItemTower(nn.Module):
    """Item vectors and biases from ids and text."""

    title: Tensor
    reviews: Tensor
    seen: Tensor

    def __init__(self, start: ItemStart, id_dropout: float) -> None:
        super().__init__()
        self.ids = nn.Parameter(start.ids.clone())
        self.title_projection = nn.Parameter(start.title_projection.clone())
        self.reviews_projection = nn.Parameter(start.reviews_projection.clone())
        self.bias = nn.Parameter(start.bias.clone())
        self.register_buffer("title", start.title)
        self.register_buffer("reviews", start.reviews)
        self.register_buffer("seen", start.seen)
        self.register_buffer("has_title", (start.title.abs().sum(1) > 0).float())
        self.id_dropout = id_dropout

    def forward(self) -> tuple[Tensor, Tensor]:
        """Item vectors float32[n_items, dim] and biases float32[n_items].

        In training a share of the items is met as if nobody had ever met it: no id, no bias, and
        no review where it has a title.
        """
        ids: Tensor = self.ids
        bias: Tensor = self.bias
        reviews = self.reviews
        if self.training and self.id_dropout > 0:
            keep = (torch.rand(len(ids), device=ids.device) >= self.id_dropout).float()
            ids, bias = ids * keep[:, None], bias * keep
            has_title: Tensor = self.get_buffer("has_title")
            reviews = reviews * (1 - (1 - keep) * has_title)[:, None]
        vectors = ids + self.title @ self.title_projection + reviews @ self.reviews_projection
        return functional.normalize(vectors, dim=1, eps=1e-4), bias


class InterestNetwork(Equations, nn.Module):
    """Queries after every event, from the histories' events and the item vectors."""

    library = torch

    def __init__(self, config: InterestConfig, text_dim: int) -> None:
        super().__init__()
        self.config = config
        dim, hidden = config.dim, config.hidden
        self.item_in = nn.Linear(dim, dim)
        self.kind_in = nn.Embedding(len(KINDS) + 1, dim, padding_idx=ABSENT_KIND)
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
        self.memory_kind = nn.Parameter(torch.full((memories, len(KINDS) + 1), 1.0 / memories))
        self.memory_feeling = nn.Parameter(torch.zeros(memories, 2))
        self.log_temperature = nn.Parameter(torch.tensor(config.temperature).log())
        self.dropout = nn.Dropout(config.dropout)
        with torch.no_grad():
            self.hidden_out.weight.mul_(config.output_scale)
            self.text_out.weight.mul_(config.output_scale)
            nn.init.normal_(self.kind_in.weight, std=0.02)
            self.kind_in.weight[ABSENT_KIND].zero_()

    def forward(self, batch: Batch, item_vectors: Tensor) -> Tensor:
        """Query vectors float32[B, L + 1, dim] after 0, 1, ..., L events."""
        count, width = batch.item.shape
        events = self.read(batch.item, batch.kind, batch.features, batch.text, item_vectors)
        hidden = self.start_hidden.expand(count, 1, -1)
        if width:
            outputs, _ = self.lstm(self.dropout(events.inputs), self.start(count))
            hidden = torch.cat([hidden, outputs], 1)
        text = torch.cat([self.no_text.expand(count, 1, -1), events.text], 1)
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


def drop_parts(batch: Batch, share: float) -> Batch:
    """Take rating, text, time and item from a share of events, each by itself.

    So the network knows histories with parts missing, as explainers will ask for them.
    """
    if share <= 0 or batch.item.shape[1] == 0:
        return batch
    shape = batch.item.shape
    features = batch.features.clone()
    for columns in ((RATING, HAS_RATING), (SENTIMENT, HAS_TEXT), (GAP, SAME_DAY, HAS_GAP)):
        features[..., list(columns)] *= (torch.rand(shape) >= share).float().unsqueeze(-1)
    gone = torch.rand(shape) < share / 2
    item, kind = torch.where(gone, -1, batch.item), torch.where(gone, ABSENT_KIND, batch.kind)
    return replace(batch, item=item, kind=kind, features=features)

"""The interest model over many histories made of the same events: what explainers ask for.

Everything that depends on one event alone is computed once per event; a history costs only its
recurrence. Memory and LSTM are those of ``InterestNetwork``, taken after the last event only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.arrays import FloatArray, IntArray
from core.model.network import InterestNetwork
from core.model.sequences import (
    GAP,
    HAS_GAP,
    HAS_TEXT,
    SAME_DAY,
    EncodedEvents,
    gap_features,
)

EVENTS_PER_BATCH = 8_192
"""Padded events that run through the LSTM together."""
_GAPS = [GAP, SAME_DAY, HAS_GAP]


class EventPool:
    """Events encoded for the network, from which histories are put together by row."""

    def __init__(
        self, network: InterestNetwork, events: EncodedEvents, item_vectors: FloatArray
    ) -> None:
        self._network = network
        self._seconds = events.seconds
        with torch.inference_mode():
            item, kind, features, text = (
                torch.from_numpy(part).unsqueeze(0)
                for part in (events.item, events.kind, events.features, events.text)
            )
            known = (item >= 0).unsqueeze(-1)
            vectors = torch.from_numpy(item_vectors)
            items = vectors[item.clamp(min=0)] * known
            has_text = features[..., HAS_TEXT : HAS_TEXT + 1] > 0
            text = torch.where(has_text, text, network.no_text)
            inputs = (
                network.item_in(items)
                + network.kind_in(kind)
                + network.features_in(features)
                + network.text_in(text)
            )
            self._items: Tensor = items[0]
            self._inputs: Tensor = inputs[0]
            self._from_text: Tensor = network.text_out(text)[0]
            self._weights = network.memory_weights(kind, features)[0]

    def last_queries(self, rows: Sequence[IntArray]) -> FloatArray:
        """Query vectors after the last event of n histories, float32[n, dim].

        ``rows`` holds n arrays int64[length], length 1 or more: the events of each history in
        order. They run in length-sorted padded batches.
        """
        lengths = np.fromiter((len(row) for row in rows), np.int64, len(rows))
        order = np.argsort(-lengths, kind="stable")
        queries = np.empty((len(rows), self._items.shape[1]), np.float32)
        begin = 0
        with torch.inference_mode():
            while begin < len(order):
                size = max(1, EVENTS_PER_BATCH // int(lengths[order[begin]]))
                chosen = order[begin : begin + size]
                queries[chosen] = self._run([rows[k] for k in chosen], lengths[chosen]).numpy()
                begin += size
        return queries

    def _run(self, rows: Sequence[IntArray], lengths: IntArray) -> Tensor:
        network = self._network
        count, width = len(rows), int(lengths[0])
        inside = np.arange(width) < lengths[:, None]
        padded = np.zeros((count, width), np.int64)
        padded[inside] = np.concatenate(rows)
        gaps = torch.from_numpy(gap_features(self._seconds[padded]))
        index = torch.from_numpy(padded)
        inputs = self._inputs[index] + gaps @ network.features_in.weight[:, _GAPS].T
        start = (
            network.start_hidden.expand(1, count, -1).contiguous(),
            network.start_cell.expand(1, count, -1).contiguous(),
        )
        each, last = torch.arange(count), torch.from_numpy(lengths - 1)
        hidden = network.lstm(inputs, start)[0][each, last]
        back = last[:, None] - torch.arange(width)  # [count, width]
        kernel = torch.exp(back.clamp(min=0).unsqueeze(-1) * functional.logsigmoid(network.decay))
        kernel = kernel * (back >= 0).unsqueeze(-1)  # [count, width, memories]
        share = (kernel / kernel.sum(1, keepdim=True) * self._weights[index]).sum(-1)
        memory = torch.bmm(share.unsqueeze(1), self._items[index])[:, 0]
        queries: Tensor = network.hidden_out(hidden) + self._from_text[index[each, last]] + memory
        return queries

"""The interest model over many histories made of the same events: what explainers ask for.

Everything that depends on one event alone is computed once per event; a history costs only its
recurrence, and its query is taken after the last event only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.arrays import FloatArray, IntArray
from core.model.network import InterestNetwork
from core.model.sequences import GAPS, EncodedEvents, gap_features

EVENTS_PER_BATCH = 8_192
"""Padded events that run through the LSTM together."""


class EventPool:
    """Events encoded for the network, from which histories are put together by row."""

    def __init__(
        self, network: InterestNetwork, events: EncodedEvents, item_vectors: FloatArray
    ) -> None:
        self._network = network
        self._seconds = events.seconds
        with torch.inference_mode():
            arrays = (events.item, events.kind, events.features, events.text, item_vectors)
            self._events = network.read(*(torch.from_numpy(array) for array in arrays))

    def last_queries(self, rows: Sequence[IntArray]) -> FloatArray:
        """Query vectors after the last event of n histories, float32[n, dim].

        ``rows`` holds n arrays int64[length], length 1 or more: the events of each history in
        order. They run in length-sorted padded batches.
        """
        lengths = np.fromiter((len(row) for row in rows), np.int64, len(rows))
        order = np.argsort(-lengths, kind="stable")
        queries = np.empty((len(rows), self._events.items.shape[1]), np.float32)
        begin = 0
        with torch.inference_mode():
            while begin < len(order):
                size = max(1, EVENTS_PER_BATCH // int(lengths[order[begin]]))
                chosen = order[begin : begin + size]
                queries[chosen] = self._run([rows[k] for k in chosen], lengths[chosen]).numpy()
                begin += size
        return queries

    def _run(self, rows: Sequence[IntArray], lengths: IntArray) -> Tensor:
        network, events = self._network, self._events
        count, width = len(rows), int(lengths[0])
        padded = np.zeros((count, width), np.int64)
        padded[np.arange(width) < lengths[:, None]] = np.concatenate(rows)
        gaps = torch.from_numpy(gap_features(self._seconds[padded]))
        index = torch.from_numpy(padded)
        inputs = events.inputs[index] + gaps @ network.features_in.weight[:, GAPS].T
        each, last = torch.arange(count), torch.from_numpy(lengths - 1)
        hidden = network.lstm(inputs, network.start(count))[0][each, last]
        shares = network.memory_shares(last, width)  # [memories, count, width]
        weighted = (shares * events.weights[index].movedim(2, 0)).sum(0)
        memory = torch.bmm(weighted.unsqueeze(1), events.items[index])[:, 0]
        queries: Tensor = network.query(hidden, events.text[index[each, last]], memory)
        return queries

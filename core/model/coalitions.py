"""The interest model over many histories made of the same events: what explainers ask for.

Everything that depends on one event alone is computed once per event; a history costs only its
recurrence, and its query is taken after the last event only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from core.arrays import FloatArray, IntArray
from core.model.network import InterestNetwork
from core.model.sequences import GAPS, EncodedEvents, gap_features, padded

EVENTS_PER_BATCH = 8_192
"""Padded events that run through the LSTM together."""


@torch.inference_mode()
def last_queries(
    network: InterestNetwork,
    events: EncodedEvents,
    item_vectors: FloatArray,
    rows: Sequence[IntArray],
) -> FloatArray:
    """Query vectors after the last event of n histories, float32[n, dim].

    ``rows`` holds n arrays int64[length], length 1 or more: the events of each history in order.
    They run in length-sorted padded batches.
    """
    arrays = (events.item, events.kind, events.features, events.text, item_vectors)
    read = network.read(*(torch.from_numpy(array) for array in arrays))
    from_text = network.text_out(read.text)
    lengths = np.array([len(row) for row in rows], np.int64)
    order = np.argsort(-lengths, kind="stable")
    queries = np.empty((len(rows), item_vectors.shape[1]), np.float32)
    begin = 0
    while begin < len(order):
        chosen = order[begin : begin + max(1, EVENTS_PER_BATCH // int(lengths[order[begin]]))]
        begin += len(chosen)
        padded_rows, _ = padded([rows[k] for k in chosen])
        count, width = padded_rows.shape
        gaps = torch.from_numpy(gap_features(events.seconds[padded_rows]))
        index = torch.from_numpy(padded_rows)
        inputs = read.inputs[index] + gaps @ network.features_in.weight[:, GAPS].T
        each, last = torch.arange(count), torch.from_numpy(lengths[chosen] - 1)
        hidden = network.lstm(inputs, network.start(count))[0][each, last]
        shares = network.memory_shares(last, width)  # [memories, count, width]
        weighted = (shares * read.weights[index].movedim(2, 0)).sum(0)
        memory = torch.bmm(weighted.unsqueeze(1), read.items[index])[:, 0]
        query = network.hidden_out(hidden) + from_text[index[each, last]] + memory
        queries[chosen] = query.numpy()
    return queries

"""A history's events in other orders: what the model would expect after each of them.

Only scores along a few directions are asked for, and a query is linear in the LSTM's output, in the
text and in the memories. So each of them is projected before it is added up, and the leaky memories
run step by step with a few numbers each, instead of as products of matrices.
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.arrays import DoubleArray, FloatArray, IntArray
from core.model.network import InterestNetwork
from core.model.sequences import GAPS, EncodedEvents, gap_features

_EVENTS_AT_ONCE = 32_768
"""Events of one history's other orders that run through the LSTM together."""


class OtherOrders:
    """Makes scores along directions float32[n_directions, dim] after each event of an order.

    Made by ``InterestModel.toward``. Safe to share between threads.
    """

    @torch.inference_mode()
    def __init__(
        self, network: InterestNetwork, item_vectors: FloatArray, directions: FloatArray
    ) -> None:
        self._network, self._item_vectors = network, item_vectors
        self._toward = torch.from_numpy(directions).T
        of_inputs, of_hidden, *biases = network.lstm.parameters()
        # tanh(x) is 2 sigmoid(2x) - 1: one sigmoid then serves all gates.
        scale = torch.ones(len(of_inputs))
        scale[2 * network.config.hidden : 3 * network.config.hidden] = 2.0
        self._gates = (of_inputs * scale[:, None]).T
        self._bias = (biases[0] + biases[1]) * scale
        self._from_gaps = network.features_in.weight[:, GAPS].T @ self._gates
        self._recurrent = (of_hidden * scale[:, None]).T.contiguous()
        self._out = network.hidden_out.weight.T @ self._toward
        self._constant = network.hidden_out.bias @ self._toward
        self._decays = network.log_decay.exp()[:, None]

    @torch.inference_mode()
    def scores(self, encoded: EncodedEvents, at: IntArray, seconds: DoubleArray) -> FloatArray:
        """Scores after each event of each order, float32[n_orders, n, n_directions].

        ``encoded`` are the history's n events, ``at`` int64[n_orders, n] says which of them
        (0-based) comes when; ``seconds`` float64[n_orders, n] are the times they then have.
        """
        arrays = (encoded.item, encoded.kind, encoded.features, encoded.text, self._item_vectors)
        read = self._network.read(*(torch.from_numpy(array) for array in arrays))
        gates = torch.addmm(self._bias, read.inputs, self._gates)
        text = self._network.text_out(read.text) @ self._toward + self._constant
        text = text.expand(len(gates), -1)
        items = (read.items @ self._toward)[:, None] * read.weights[..., None]
        orders = max(1, _EVENTS_AT_ONCE // max(at.shape[1], 1))
        found = [
            self._run(gates, text, items, torch.from_numpy(at[rows]), gap_features(seconds[rows]))
            for rows in (slice(first, first + orders) for first in range(0, len(at), orders))
        ]
        made: FloatArray = torch.cat(found).numpy()
        return made

    def _run(
        self, gates: Tensor, text: Tensor, items: Tensor, index: Tensor, gaps: FloatArray
    ) -> Tensor:
        """A few orders, [n_orders, n, n_directions].

        What each event brings: gates [n, 4 hidden], text [n, n_directions] and items [n, memories,
        n_directions]; ``gaps`` [n_orders, n, 3] since the one before it.
        """
        count, width = index.shape
        which = index.T.contiguous()
        between = torch.from_numpy(gaps).transpose(0, 1).contiguous()
        scores = text[which]
        start, cell = self._network.start_hidden, self._network.start_cell.expand(count, -1).clone()
        size = len(start)
        hidden, new = start.expand(count, -1).clone(), torch.empty(count, size)
        gate = torch.empty(count, gates.shape[1])
        taken, kept, candidate, shown = torch.split(gate, size, 1)
        memory, weight = torch.zeros(count, *items.shape[1:]), torch.zeros_like(self._decays)
        for step in range(width):
            torch.index_select(gates, 0, which[step], out=gate)
            gate.addmm_(between[step], self._from_gaps).addmm_(hidden, self._recurrent).sigmoid_()
            cell.mul_(kept)
            cell.add_(torch.mul(taken, candidate, out=new), alpha=2.0).sub_(taken)
            torch.tanh(cell, out=hidden).mul_(shown)
            memory.mul_(self._decays).add_(items[which[step]])
            weight.mul_(self._decays).add_(1.0)
            scores[step].addmm_(hidden, self._out).add_((memory / weight).sum(1))
        return scores.transpose(0, 1)

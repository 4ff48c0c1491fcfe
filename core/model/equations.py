"""The equations of the interest network, stated once for torch and for numpy.

torch trains and runs batches. Single steps run in numpy: torch shares their small products between
threads, and with anything else running on the machine the states of 100 events took 35 ms instead
of 2.5 ms. ``Array`` is a torch tensor or a numpy array.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from core.arrays import FloatArray
from core.model.sequences import HAS_TEXT, RATING, SENTIMENT

if TYPE_CHECKING:
    from core.model.network import InterestNetwork

Array = Any


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
    """All but the LSTM itself, over the layers and arrays of a subclass."""

    library: ModuleType
    """torch or numpy."""
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
        self, item: Array, kind: Array, features: Array, text: Array, item_vectors: Array
    ) -> ReadEvents:
        """What depends on one event alone; arrays as in ``EncodedEvents``."""
        items = item_vectors[item.clip(min=0)] * (item >= 0)[..., None]
        has_text = features[..., HAS_TEXT : HAS_TEXT + 1] > 0
        text = self.library.where(has_text, text, self.no_text)
        inputs = (
            self.item_in(items)
            + self.kind_in(kind)
            + self.features_in(features)
            + self.text_in(self.dropout(text))
        )
        feeling = features[..., [RATING, SENTIMENT]] @ self.memory_feeling.T
        return ReadEvents(items, inputs, text, self.memory_kind.T[kind] + feeling)

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
                self.library.concatenate([memory, value])
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

    def __init__(self, network: InterestNetwork) -> None:
        weights = {name: value.numpy() for name, value in network.state_dict().items()}

        def linear(weight: FloatArray, bias: FloatArray) -> Callable[[FloatArray], FloatArray]:
            return lambda inputs: inputs @ weight.T + bias

        for name in ("item_in", "features_in", "text_in", "text_out", "hidden_out"):
            setattr(self, name, linear(weights[f"{name}.weight"], weights[f"{name}.bias"]))
        self.kind_in = weights["kind_in.weight"].__getitem__
        self.dropout = np.asarray
        self.no_text = weights["no_text"]
        self.memory_kind = weights["memory_kind"]
        self.memory_feeling = weights["memory_feeling"]
        self.log_decay = network.log_decay.detach().numpy()
        self.start_hidden: FloatArray = weights["start_hidden"]
        self.start_cell: FloatArray = weights["start_cell"]
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

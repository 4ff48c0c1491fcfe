"""The trained interest model: histories in, states and log-probabilities out."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter
from scipy.special import expit

from core.arrays import FloatArray
from core.domain import Event, History
from core.model.coalitions import EventPool
from core.model.config import InterestConfig
from core.model.network import InterestNetwork
from core.model.sequences import ABSENT_ITEM, HAS_TEXT, RATING, SENTIMENT, EventEncoder

_CACHED_STATES = 20_000
_STEPWISE_UP_TO = 2
"""Up to this many histories are run event by event through the prefix cache."""


@dataclass(frozen=True, eq=False)
class _State:
    """Everything the model carries from one event to the next, and the query it makes of it."""

    key: int
    hidden: FloatArray
    cell: FloatArray
    memory: FloatArray  # [memories, dim], decayed sums
    norm: FloatArray  # [memories], decayed counts
    seconds: float
    sentiment: float
    query: FloatArray


class InterestModel:
    """The LSTM+BERT interest model as a ``Recommender`` and as a maker of states.

    ``states`` runs a history event by event in numpy and keeps every prefix it has met, so an
    edited history is computed only from its first changed event; ``log_probabilities`` of many
    histories runs them in padded batches in torch. Both give the same numbers to 1e-5.
    Safe to share between threads.
    """

    id = "interest"

    def __init__(
        self,
        config: InterestConfig,
        network: InterestNetwork,
        item_ids: Sequence[str],
        item_vectors: FloatArray,
        item_bias: FloatArray,
        events: EventEncoder,
    ) -> None:
        self.config = config
        self.item_ids = tuple(item_ids)
        self.item_vectors = item_vectors  # float32[n_items, dim]
        self.item_bias = item_bias  # float32[n_items]
        self.events = events
        self._network = network.eval()
        self._w = {name: value.numpy() for name, value in network.state_dict().items()}
        self._temperature = float(np.exp(self._w["log_temperature"]))
        self._decay = expit(self._w["decay"]).astype(np.float32)
        self._lock = threading.Lock()
        self._states: dict[tuple[int, Event], _State] = {}
        self._next_key = 1
        self._start = self._start_state()

    def log_probabilities(self, histories: Sequence[History]) -> FloatArray:
        """Log-probabilities of the whole catalogue after each history, float32[n, n_items]."""
        return self.log_probabilities_of(self._last_queries(histories))

    def _last_queries(self, histories: Sequence[History]) -> FloatArray:
        """Query vectors after the last event of n histories, float32[n, dim]."""
        if not histories:
            return np.zeros((0, self.config.dim), np.float32)
        longest = max(histories, key=len)
        if all(longest.events[: len(history)] == history.events for history in histories):
            return self.states(longest)[[len(history) for history in histories]]
        if len(histories) <= _STEPWISE_UP_TO:
            return np.stack([self.states(history)[-1] for history in histories])
        return self._batched(histories)

    def log_probabilities_of(self, queries: FloatArray) -> FloatArray:
        """Log-probabilities from query vectors float32[n, dim], as float32[n, n_items]."""
        scores = self.scores_of(queries)
        highest = scores.max(axis=1, keepdims=True)
        total = np.exp(scores - highest).sum(axis=1, keepdims=True, dtype=np.float64)
        scores -= (highest + np.log(total)).astype(np.float32)
        return scores

    def scores_of(self, queries: FloatArray) -> FloatArray:
        """Unnormalised log-probabilities from query vectors, float32[n, n_items]."""
        scores: FloatArray = queries @ self.item_vectors.T
        scores *= self._temperature
        scores += self.item_bias
        return scores

    def states(self, history: History) -> FloatArray:
        """Query vectors after 0..n events, float32[n + 1, dim]; row 0 is the start state."""
        return np.stack([state.query for state in self._run(history.events)])

    def sentiments(self, history: History) -> FloatArray:
        """Sentiment of each event's review in [-1, 1], float32[n]; NaN where there is no text."""
        run = self._run(history.events)[1:]
        return np.array([state.sentiment for state in run], np.float32)

    def _run(self, events: Sequence[Event]) -> list[_State]:
        """States after 0..n events, from the longest prefix already known."""
        with self._lock:
            run = [self._start]
            for event in events:
                known = self._states.get((run[-1].key, event))
                if known is None:
                    break
                run.append(known)
        done = len(run) - 1
        if done < len(events):
            new = self._advance(run[-1], events[done:])
            with self._lock:
                if len(self._states) + len(new) > _CACHED_STATES:
                    self._states.clear()
                for event, state in zip(events[done:], new, strict=True):
                    self._states[(run[-1].key, event)] = state
                    run.append(state)
        return run

    def _start_state(self) -> _State:
        w = self._w
        memories = len(self.config.decays)
        hidden = w["start_hidden"]
        return _State(
            key=0,
            hidden=hidden,
            cell=w["start_cell"],
            memory=np.zeros((memories, self.config.dim), np.float32),
            norm=np.zeros(memories, np.float32),
            seconds=math.nan,
            sentiment=math.nan,
            query=self._query(hidden, w["no_text"], np.zeros(self.config.dim, np.float32)),
        )

    def _advance(self, state: _State, events: Sequence[Event]) -> list[_State]:
        """Run new events from a state. The equations are those of ``InterestNetwork``."""
        w = self._w
        encoded = self.events.encode(events)
        features = encoded.with_gaps(before=state.seconds)
        known = encoded.item != ABSENT_ITEM
        items = self.item_vectors[np.where(known, encoded.item, 0)] * known[:, None]
        has_text = features[:, HAS_TEXT] > 0
        text = np.where(has_text[:, None], encoded.text, w["no_text"])
        inputs = (
            items @ w["item_in.weight"].T
            + w["item_in.bias"]
            + w["kind_in.weight"][encoded.kind]
            + features @ w["features_in.weight"].T
            + w["features_in.bias"]
            + text @ w["text_in.weight"].T
            + w["text_in.bias"]
        )
        gates = inputs @ w["lstm.weight_ih_l0"].T + w["lstm.bias_ih_l0"] + w["lstm.bias_hh_l0"]
        weights = (
            w["memory_kind"].T[encoded.kind]
            + features[:, [RATING, SENTIMENT]] @ w["memory_feeling"].T
        )  # [n, memories]
        from_text = text @ w["text_out.weight"].T + w["text_out.bias"] + w["hidden_out.bias"]
        hidden, cell = self._recur(gates, state)
        memory, norm = self._remember(items, weights, state)
        queries = hidden @ w["hidden_out.weight"].T + from_text
        queries += (memory / norm[:, :, None]).sum(1)
        with self._lock:
            first_key = self._next_key
            self._next_key += len(events)
        return [
            _State(
                key=first_key + t,
                hidden=hidden[t],
                cell=cell[t],
                memory=memory[t],
                norm=norm[t],
                seconds=float(encoded.seconds[t]),
                sentiment=float(features[t, SENTIMENT]) if has_text[t] else math.nan,
                query=queries[t],
            )
            for t in range(len(events))
        ]

    def _recur(self, gates: FloatArray, state: _State) -> tuple[FloatArray, FloatArray]:
        """LSTM outputs and cells float32[n, hidden] from the inputs' share of the gates."""
        size = self.config.hidden
        recurrent = self._w["lstm.weight_hh_l0"]
        outputs = np.empty((len(gates), size), np.float32)
        cells = np.empty((len(gates), size), np.float32)
        hidden, cell = state.hidden, state.cell
        for t, from_input in enumerate(gates):
            gate = from_input + recurrent @ hidden
            squashed = expit(gate)
            candidate = np.tanh(gate[2 * size : 3 * size])
            cell = squashed[size : 2 * size] * cell + squashed[:size] * candidate
            hidden = squashed[3 * size :] * np.tanh(cell)
            outputs[t], cells[t] = hidden, cell
        return outputs, cells

    def _remember(
        self, items: FloatArray, weights: FloatArray, state: _State
    ) -> tuple[FloatArray, FloatArray]:
        """Decayed sums float32[n, memories, dim] and counts float32[n, memories].

        Both are first-order recursions, ``y_t = decay * y_(t-1) + input_t``.
        """
        sums = np.empty((len(items), *state.memory.shape), np.float32)
        counts = np.empty((len(items), len(state.norm)), np.float32)
        ones = np.ones(len(items), np.float32)
        for k, decay in enumerate(self._decay):
            filter_ = ([1.0], np.array([1.0, -decay], np.float32))
            before = decay * state.memory[k : k + 1]
            sums[:, k], _ = lfilter(*filter_, items * weights[:, k : k + 1], axis=0, zi=before)
            counts[:, k], _ = lfilter(*filter_, ones, zi=decay * state.norm[k : k + 1])
        return sums, counts

    def _query(self, hidden: FloatArray, text: FloatArray, memory: FloatArray) -> FloatArray:
        w = self._w
        query: FloatArray = (
            w["hidden_out.weight"] @ hidden
            + w["hidden_out.bias"]
            + w["text_out.weight"] @ text
            + w["text_out.bias"]
            + memory
        )
        return query.astype(np.float32)

    def _batched(self, histories: Sequence[History]) -> FloatArray:
        """Last queries of many histories float32[n, dim], each distinct event encoded once."""
        queries = np.tile(self._start.query, (len(histories), 1))
        filled = [k for k, history in enumerate(histories) if history.events]
        events = {id(event): event for history in histories for event in history.events}
        place = {key: row for row, key in enumerate(events)}
        if filled:
            encoded = self.events.encode(list(events.values()))
            pool = EventPool(self._network, encoded, self.item_vectors)
            queries[filled] = pool.last_queries(
                [np.array([place[id(e)] for e in histories[k].events], np.int64) for k in filled]
            )
        return queries

"""The trained interest model: histories in, states and log-probabilities out."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from core.arrays import FloatArray, IntArray
from core.domain import Event, History
from core.encode.encoder import longest_first
from core.model.batches import EventTable
from core.model.config import InterestConfig
from core.model.network import InterestNetwork, StepwiseNetwork
from core.model.other_orders import OtherOrders
from core.model.sequences import (
    GAPS,
    HAS_TEXT,
    SENTIMENT,
    EventEncoder,
    gap_features,
)
from core.ranking import ExcludedItems, target_ranks
from core.recommend.protocol import CELLS_PER_BATCH, batches

_CACHED_STATES = 20_000
_EVENTS_AT_ONCE = 256
"""New events whose memories are computed together, at a cost of the square of their number."""
_STEPWISE_UP_TO = 2
"""Up to this many histories are run event by event through the prefix cache."""
EVENTS_PER_BATCH = 8_192
"""Padded events that run through the LSTM together."""
SHARED_EVENTS = 65_536
"""The same of one user, whose histories have beginnings in common."""
MANY_EVENTS = 250_000
"""Events of all histories above which they run in batches; single steps take several times as
long, and differ in the seventh digit."""
_EVENTS_OF_A_BATCH = 65_536
"""Events of the histories that are encoded together then."""


@dataclass(frozen=True, eq=False)
class _State:
    """Everything the model carries from one event to the next, and the query it makes of it."""

    key: int
    step: int
    hidden: FloatArray
    cell: FloatArray
    memory: FloatArray  # [memories, 1, dim]
    seconds: float
    sentiment: float
    query: FloatArray


class States(NamedTuple):
    """One history: query vectors after 1..n events float32[n, dim], and the sentiment of each
    event's review float32[n], NaN without text."""

    queries: FloatArray
    sentiments: FloatArray


@dataclass(eq=False, repr=False)
class InterestModel:
    """The LSTM+BERT interest model as a ``Recommender`` and as a maker of states.

    ``states`` runs a history event by event in numpy and keeps every prefix it has met, so an
    edited history is computed only from its first changed event; ``log_probabilities`` of many
    histories runs them in padded batches in torch. Both give the same numbers to 1e-5.
    ``item_vectors`` float32[n_items, dim], ``item_bias`` float32[n_items]; ``repeat_offset`` is
    added to the scores of the items that a history has. Safe to share between threads.
    """

    config: InterestConfig
    network: InterestNetwork
    item_ids: tuple[str, ...]
    item_vectors: FloatArray
    item_bias: FloatArray
    events: EventEncoder
    repeat_offset: float = 0.0
    id = "interest"

    def __post_init__(self) -> None:
        config, network = self.config, self.network.eval()
        self._stepwise = StepwiseNetwork(network)
        self.temperature = float(network.log_temperature.detach().exp())
        self._lock = threading.Lock()
        self._states: dict[tuple[int, Event], _State] = {}
        self._next_key = 1
        hidden, cell = self._stepwise.start_hidden, self._stepwise.start_cell
        memory = np.zeros((len(config.decays), 1, config.dim), np.float32)
        query = self._stepwise.query(hidden, self._stepwise.no_text, memory[0, 0])
        self._start = _State(0, 0, hidden, cell, memory, math.nan, math.nan, query)

    def log_probabilities(self, histories: Sequence[History]) -> FloatArray:
        """Log-probabilities of the whole catalogue after each history, float32[n, n_items]."""
        scores = self._scores(self._last_queries(histories))
        self._add_repeats(scores, histories)
        return _normalised(scores)

    def _add_repeats(self, scores: FloatArray, histories: Sequence[History]) -> None:
        """Add ``repeat_offset`` to the scores of each history's own items, in place."""
        if self.repeat_offset:
            index = self.events.item_index
            for row, history in enumerate(histories):
                own = {index[event.item_id] for event in history.events if event.item_id}
                scores[row, list(own)] += np.float32(self.repeat_offset)

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
        """Log-probabilities from query vectors float32[n, dim], as float32[n, n_items].

        Without ``repeat_offset``: what a state is about, whatever its history holds.
        """
        return _normalised(self._scores(queries))

    def _scores(self, queries: FloatArray) -> FloatArray:
        scores: FloatArray = queries @ self.item_vectors.T
        scores *= self.temperature
        scores += self.item_bias
        return scores

    def forget(self) -> None:
        """Drop the cached states of all prefixes."""
        with self._lock:
            self._states.clear()

    def states(self, history: History) -> FloatArray:
        """Query vectors after 0..n events, float32[n + 1, dim]; row 0 is the start state."""
        return np.stack([state.query for state in self._run(history.events)])

    def sentiments(self, history: History) -> FloatArray:
        """Sentiment of each event's review in [-1, 1], float32[n]; NaN where there is no text."""
        run = self._run(history.events)[1:]
        return np.array([state.sentiment for state in run], np.float32)

    def states_of(self, histories: Iterable[History], events: int) -> Iterator[States]:
        """The states of each history; ``events`` is how many all of them have, about.

        Above ``MANY_EVENTS`` they run in batches, as in ``log_probabilities``.
        """
        if events <= MANY_EVENTS:
            for history in histories:
                yield States(self.states(history)[1:], self.sentiments(history))
            return
        waiting: list[History] = []
        size = 0
        for history in histories:
            waiting.append(history)
            size += len(history)
            if size >= _EVENTS_OF_A_BATCH:
                yield from self._run_together(waiting)
                waiting, size = [], 0
        yield from self._run_together(waiting)

    @torch.inference_mode()
    def _run_together(self, histories: Sequence[History]) -> list[States]:
        """The states of several histories, in length-sorted padded batches."""
        encoded = self.events.encode([event for history in histories for event in history.events])
        felt = np.where(encoded.features[:, HAS_TEXT] > 0, encoded.features[:, SENTIMENT], np.nan)
        table, vectors = EventTable.of(encoded), torch.from_numpy(self.item_vectors)
        lengths = np.array([len(history) for history in histories], np.int64)
        ends = np.cumsum(lengths)
        queries = np.empty((len(felt), self.config.dim), np.float32)
        for chosen in longest_first(lengths, EVENTS_PER_BATCH):
            rows = [np.arange(ends[k] - lengths[k], ends[k]) for k in chosen]
            made = self.network(table.batch(rows), vectors).numpy()
            for row, states in zip(rows, made, strict=True):
                queries[row] = states[1 : 1 + len(row)]
        cuts = ends[:-1]
        parts = np.split(queries, cuts), np.split(felt.astype(np.float32), cuts)
        return [States(*part) for part in zip(*parts, strict=True)] if histories else []

    def next_ranks_of(
        self, histories: Sequence[History], states: Sequence[FloatArray], steps: Sequence[IntArray]
    ) -> list[FloatArray]:
        """``core.recommend.protocol.next_ranks`` of many histories after some of their steps.

        ``states`` are the queries after each event, ``steps`` int64[<= n] 0-based. float32 of each
        step; NaN where the next item was excluded already.
        """
        index = self.events.item_index
        sizes = [len(of) for of in steps]
        asked = [
            (history.up_to(int(step) + 1), queries[step], history.events[int(step) + 1].item_id)
            for history, queries, of in zip(histories, states, steps, strict=True)
            for step in of
        ]
        ranks = np.full(len(asked), np.nan, np.float32)
        for rows in batches(len(asked), len(self.item_ids), 8 * CELLS_PER_BATCH):
            prefixes, queries, items = zip(*asked[rows], strict=True)
            scaled = torch.from_numpy(np.stack(queries) * np.float32(self.temperature))
            table, bias = (torch.from_numpy(part) for part in (self.item_vectors, self.item_bias))
            scores = torch.addmm(bias, scaled, table.T).numpy()
            self._add_repeats(scores, prefixes)
            targets = np.array([index[item] for item in items], np.int64)
            ranks[rows] = target_ranks(scores, targets, ExcludedItems.of(prefixes, index))
        ranks[np.isinf(ranks)] = np.nan
        return np.split(ranks, np.cumsum(sizes)[:-1]) if sizes else []

    def _run(self, events: Sequence[Event]) -> list[_State]:
        """States after 0..n events, from the longest prefix already known."""
        with self._lock:
            run = [self._start]
            for event in events:
                known = self._states.get((run[-1].key, event))
                if known is None:
                    break
                run.append(known)
        while len(run) <= len(events):
            following = events[len(run) - 1 :][:_EVENTS_AT_ONCE]
            new = self._advance(run[-1], following)
            with self._lock:
                if len(self._states) + len(new) > _CACHED_STATES:
                    self._states.clear()
                for event, state in zip(following, new, strict=True):
                    self._states[(run[-1].key, event)] = state
                    run.append(state)
        return run

    def _advance(self, state: _State, events: Sequence[Event]) -> list[_State]:
        """Run new events from a state."""
        encoded = self.events.encode(events)
        features = encoded.features
        features[:, GAPS] = gap_features(encoded.seconds, state.seconds)
        read = self._stepwise.read(
            encoded.item, encoded.kind, features, encoded.text, self.item_vectors
        )
        hidden, cell = self._stepwise.recur(read.inputs, state.hidden, state.cell)
        before = state.memory if state.step else None
        memory = np.stack(self._stepwise.memories(read, state.step, before))  # [memories, n, dim]
        queries = self._stepwise.query(hidden, read.text, memory.sum(0))
        sentiments = np.where(features[:, HAS_TEXT] > 0, features[:, SENTIMENT], np.nan)
        with self._lock:
            first_key = self._next_key
            self._next_key += len(events)
        return [
            _State(
                first_key + t,
                state.step + t + 1,
                hidden[t],
                cell[t],
                memory[:, t : t + 1],
                float(encoded.seconds[t]),
                float(sentiments[t]),
                queries[t],
            )
            for t in range(len(events))
        ]

    def toward(self, directions: FloatArray) -> OtherOrders:
        """What makes scores along directions float32[n_directions, dim] of reordered histories."""
        return OtherOrders(self.network, self.item_vectors, directions)

    @torch.inference_mode()
    def _batched(self, histories: Sequence[History]) -> FloatArray:
        """Last queries of many histories float32[n, dim], each distinct event encoded once.

        They run in length-sorted padded batches, those of one user with what they share run once.
        """
        network = self.network
        queries = np.tile(self._start.query, (len(histories), 1))
        met = [event for history in histories for event in history.events]
        keys = list(map(id, met))
        distinct = dict(zip(keys, met, strict=True))
        row_of = dict(zip(distinct, range(len(distinct)), strict=True))
        lengths = np.array([len(history.events) for history in histories], np.int64)
        every = np.fromiter(map(row_of.__getitem__, keys), np.int64, len(keys))
        starts = np.cumsum(lengths) - lengths
        events = self.events.encode(list(distinct.values()))
        arrays = (events.item, events.kind, events.features, events.text, self.item_vectors)
        read = network.read(*(torch.from_numpy(array) for array in arrays))
        from_text = network.text_out(read.text)
        are_alike = len({history.user_id for history in histories}) == 1
        for chosen in longest_first(lengths, SHARED_EVENTS if are_alike else EVENTS_PER_BATCH):
            place = np.arange(lengths[chosen[0]])
            at = np.minimum(starts[chosen, None] + place, len(every) - 1)
            padded_rows = np.where(place < lengths[chosen, None], every[at], 0)
            count, width = padded_rows.shape
            gaps = torch.from_numpy(gap_features(events.seconds[padded_rows]))
            from_gaps = gaps @ network.features_in.weight[:, GAPS].T
            index = torch.from_numpy(padded_rows)
            each, last = torch.arange(count), torch.from_numpy(lengths[chosen] - 1)
            if are_alike:
                hidden = self._hidden_after(padded_rows, lengths[chosen], read.inputs, from_gaps)
            else:
                inputs = read.inputs[index] + from_gaps
                hidden = network.lstm(inputs, network.start(count))[0][each, last]
            shares = network.memory_shares(last, width)  # [memories, count, width]
            weighted = (shares * read.weights[index].movedim(2, 0)).sum(0)
            memory = torch.bmm(weighted.unsqueeze(1), read.items[index])[:, 0]
            query = network.hidden_out(hidden) + from_text[index[each, last]] + memory
            queries[chosen] = query.numpy()
        return queries

    def _hidden_after(
        self, rows: IntArray, lengths: IntArray, inputs: torch.Tensor, from_gaps: torch.Tensor
    ) -> torch.Tensor:
        """The LSTM's output after the last event of each history, [n, hidden].

        Beginnings that histories share are run once. ``rows`` int64[n, width] are their events,
        longest history first; ``inputs`` [n_events, dim] what the LSTM reads of each,
        ``from_gaps`` [n, width, dim] what the time since the one before adds.
        """
        of_inputs, of_hidden, *biases = self.network.lstm.parameters()
        hidden, cell = (start[0] for start in self.network.start(1))
        ends = torch.empty((len(rows), hidden.shape[1]))
        state = np.zeros(len(rows), np.int64)  # which of the states so far each history is in
        for step in range(rows.shape[1]):
            going = np.searchsorted(-lengths, -step)  # these have an event here
            asked = state[:going] * len(inputs) + rows[:going, step]
            _, first, state = np.unique(asked, return_index=True, return_inverse=True)
            before = torch.from_numpy(asked[first] // len(inputs))
            here = torch.from_numpy(first)
            read = inputs[torch.from_numpy(rows[first, step])] + from_gaps[here, step]
            hidden, cell = torch.lstm_cell(
                read, (hidden[before], cell[before]), of_inputs, of_hidden, *biases
            )
            ended = np.flatnonzero(lengths[:going] == step + 1)
            ends[torch.from_numpy(ended)] = hidden[torch.from_numpy(state[ended])]
        return ends


def _normalised(scores: FloatArray) -> FloatArray:
    """Scores float32[n, n_items] as log-probabilities, in place."""
    highest = scores.max(axis=1, keepdims=True)
    total = np.exp(scores - highest).sum(axis=1, keepdims=True, dtype=np.float64)
    scores -= (highest + np.log(total)).astype(np.float32)
    return scores

"""A game whose coalitions are histories: what does a recommender say of each, asked once?

Who the players are is the caller's business (events, edits, a clock): a function makes the history
of a coalition, another reads the wanted numbers off the recommender's answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray
from core.domain import History
from core.progress import StopCallback, check_stop
from core.recommend.protocol import Recommender

Masks = BoolArray
"""Coalitions, bool[n, n_players]."""
Players = tuple[tuple[int, ...], ...]
"""For each player its 1-based steps (of events) or numbers (of edits)."""

ALONE = 40
"""Newest events that still play alone in a history of more than ``MOST_PLAYERS``."""
MOST_PLAYERS = 60
CELLS_PER_BATCH = 2_000_000
"""Scores held at once: histories times items."""
AT_ONCE, AT_ONCE_BESIDE = 2048, 128
"""Histories asked at once at most: alone, and beside pages, which the work gives way to in between
although small batches cost more."""
FIRST = 256
"""The first of them, before it is known how many items each is scored for."""


def players_of(count: int) -> Players:
    """Each of 1 to ``count`` a player; above 60 the older ones in equal groups of neighbours."""
    if count <= MOST_PLAYERS:
        return tuple((step,) for step in range(1, count + 1))
    older = np.array_split(np.arange(1, count - ALONE + 1), MOST_PLAYERS - ALONE)
    newest = tuple((step,) for step in range(count - ALONE + 1, count + 1))
    return (*(tuple(group.tolist()) for group in older), *newest)


def at_once(stop: StopCallback | None) -> int:
    """How many histories to ask at once at most: who may be stopped works beside a page."""
    return AT_ONCE if stop is None else AT_ONCE_BESIDE


def over_batches(
    recommender: Recommender,
    histories: Sequence[History],
    read: Callable[[FloatArray], DoubleArray],
    stop: StopCallback | None = None,
) -> DoubleArray:
    """``read`` of the log-probabilities of all histories, batch by batch: float64[n, ...]."""
    answers: list[DoubleArray] = []
    most = at_once(stop)
    start, size = 0, min(most, FIRST)
    while start < len(histories) or not answers:
        check_stop(stop)
        scores = recommender.log_probabilities(histories[start : start + size])
        answers.append(read(scores))
        start += size
        size = max(32, min(most, CELLS_PER_BATCH // max(scores.shape[1], 1)))
    return np.concatenate(answers)


@dataclass(eq=False)
class Game:
    """Values of coalitions, each asked once.

    ``history`` makes the history of a coalition bool[n_players]; ``read`` takes the goal's numbers
    from log-probabilities float32[n, n_items], as float64[n] or float64[n, n_out]. ``known`` may
    start with values that need not be asked.
    """

    recommender: Recommender
    history: Callable[[BoolArray], History]
    read: Callable[[FloatArray], DoubleArray]
    stop: StopCallback | None = None
    known: dict[bytes, DoubleArray] = field(default_factory=dict)

    def __call__(self, masks: Masks) -> DoubleArray:
        """The value of each coalition: bool[n, n_players] to float64[n] or float64[n, n_out]."""
        keys = [mask.tobytes() for mask in masks]
        new = {key: mask for key, mask in zip(keys, masks, strict=True) if key not in self.known}
        if new:
            histories = [self.history(mask) for mask in new.values()]
            answers = over_batches(self.recommender, histories, self.read, self.stop)
            self.known.update(zip(new, answers, strict=True))
        return np.array([self.known[key] for key in keys])

"""What carries a turning point: its events, and the words of the reviews around it.

The value of a set of the events after the change: how much more probable the grown topic then is
than the shrunk one, in nats, on average over the steps of the new stretch. No event of it leaves
the interest where the old stretch ended, all of them give the new stretch as it was. Shapley values
share the difference among the events (docs/contracts.md, Turning points).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray
from core.domain import History
from core.model.profile import typical_words
from core.progress import StopCallback
from core.shapley.engine import ShapleyValues, shapley_values
from core.shapley.game import Game, Masks
from core.turns.turning import TurningPoint

if TYPE_CHECKING:
    from core.engine import Engine

MOST_EVENTS = 16
"""Events after the change that share it; later ones only follow."""
ENOUGH = 0.08
CARRIERS = 3
"""Events named at most."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Why a turning point is one.

    ``steps`` are the 1-based events of the new stretch, ``values`` what each contributes in nats;
    ``words`` are typical of the reviews after the change beside those before it.
    """

    steps: tuple[int, ...]
    values: ShapleyValues
    words: tuple[str, ...]

    @property
    def carriers(self) -> list[tuple[int, float]]:
        """The events that contribute most, with their contributions; at most three."""
        value = self.values.values
        order = np.argsort(-value, kind="stable")[:CARRIERS]
        return [(self.steps[at], float(value[at])) for at in order if value[at] > 0]


def evidence_of(
    engine: Engine,
    history: History,
    point: TurningPoint,
    *,
    seconds: float = math.inf,
    stop: StopCallback | None = None,
) -> Evidence:
    """Share a turning point among the events after it, and find the words that came with it."""
    last = min(point.last, point.step + MOST_EVENTS - 1)
    steps = tuple(range(point.step, last + 1))
    earlier = range(1, point.step)
    whole = history.up_to(last)

    def keeping(mask: BoolArray) -> History:
        kept = (step for step, is_kept in zip(steps, mask, strict=True) if is_kept)
        return whole.keeping([*earlier, *kept])

    grew = engine.topics.item_topic == point.grew
    shrank = engine.topics.item_topic == point.shrank

    def read(log_probabilities: FloatArray) -> DoubleArray:
        shares = np.exp(log_probabilities.astype(np.float64))
        smallest = 1e-12
        up = np.log(np.maximum(shares[:, grew].sum(axis=1), smallest))
        down = np.log(np.maximum(shares[:, shrank].sum(axis=1), smallest))
        return np.asarray(up - down)

    game = Game(engine.interest, keeping, read, stop)

    def worth(masks: Masks) -> DoubleArray:
        # The state after the t-th step is that of the coalition's events so far.
        so_far = np.tril(np.ones((len(steps), len(steps)), np.bool_))
        prefixes = (masks[:, None, :] & so_far).reshape(-1, len(steps))
        values = game(prefixes).reshape(len(masks), len(steps))
        return np.asarray(values.mean(axis=1, keepdims=True))

    shared = shapley_values(worth, len(steps), seconds=seconds, enough=ENOUGH, stop=stop)
    return Evidence(steps, shared.output(0), _words(history, point))


def _words(history: History, point: TurningPoint) -> tuple[str, ...]:
    """Words that the reviews after the change use far more than those before it."""
    events = history.events
    before = " ".join(event.words for event in events[point.first - 1 : point.step - 1])
    after = " ".join(event.words for event in events[point.step - 1 : point.last])
    if not before.strip() or not after.strip():
        return ()
    return typical_words([before, after])[1]

"""A recommender small enough to enumerate, and a user of the demo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pytest

from core.domain import Event, EventKind, History
from core.engine import Engine

START = datetime(2024, 1, 1, tzinfo=UTC)
ITEMS = 24


@dataclass(frozen=True)
class Toy:
    """Every item's logit is a sum over events, decayed by how many came after, then squashed.

    What an event adds comes from its item, its rating, its text's length and its hour; ``bend``
    makes events depend on each other.
    """

    bend: float = 0.6
    decay: float = 0.8
    id: str = "toy"

    def log_probabilities(self, histories: Sequence[History]) -> npt.NDArray[np.float32]:
        taste = np.random.default_rng(3).normal(0, 1.2, (ITEMS, ITEMS))
        logits = np.tile(np.random.default_rng(5).normal(0, 0.3, ITEMS), (len(histories), 1))
        for row, history in enumerate(histories):
            last = len(history.events) - 1
            for at, event in enumerate(history.events):
                own = np.zeros(ITEMS)
                if event.item_id:
                    own += taste[int(event.item_id[1:])]
                if event.rating is not None:
                    own += 0.3 * (event.rating - 3) * taste[1]
                own += 0.02 * len(event.words) * taste[2]
                if event.timed:
                    own += 0.1 * np.sin(event.timestamp.hour) * taste[3]
                logits[row] += self.decay ** (last - at) * own
            logits[row] = (1 - self.bend) * logits[row] + self.bend * 2 * np.tanh(logits[row])
        high = logits.max(1, keepdims=True)
        return (logits - high - np.log(np.exp(logits - high).sum(1, keepdims=True))).astype(
            np.float32
        )


@pytest.fixture(scope="session")
def toy() -> Toy:
    return Toy()


def history_of(n: int, seed: int = 0) -> History:
    """``n`` events, two of three with a rating, every second with a text."""
    random = np.random.default_rng([seed, n])
    events = tuple(
        Event(
            item_id=f"i{random.integers(ITEMS)}",
            timestamp=START + timedelta(hours=int(5 * at + random.integers(5))),
            kind=EventKind.REVIEW if at % 2 else EventKind.VIEW,
            rating=float(random.integers(1, 6)) if at % 3 else None,
            text="good thing " * int(random.integers(1, 4)) if at % 2 else None,
        )
        for at in range(n)
    )
    return History("u", events)


@pytest.fixture
def make_history() -> Callable[..., History]:
    return history_of


@pytest.fixture(scope="session")
def reader(engine: Engine) -> History:
    """A user of the demo with seven events, of which some have a review."""
    for user in engine.corpus.user_ids:
        history = engine.corpus.history(user)
        if len(history) >= 7 and sum(bool(e.words) for e in history.events[:7]) >= 2:
            return history.up_to(7)
    raise AssertionError

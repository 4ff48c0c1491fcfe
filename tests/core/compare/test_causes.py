"""Which change counts as the cause of a move, where several could."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.compare.causes import Changes, Move, Pair, score_cause
from core.shapley.game import players_of


@pytest.mark.parametrize(("own", "kind"), [(-0.3, "event"), (-0.001, "others"), (0.3, "others")])
def test_a_score_that_reads_as_unchanged_moves_nothing(own: float, kind: str) -> None:
    """Item 0 falls behind item 1, which gains 1 nat by the event."""
    before, after = np.array([2.0, 1.5]), np.array([2.0 + own, 2.5])
    players = players_of(1)
    values = np.zeros((len(players) + 1, 2))
    values[0] = after - before
    changes = Changes(
        base=before,
        whole=after,
        values=values,
        stderr=np.zeros_like(values),
        rounds=0,
        items=np.array([0, 1]),
        players=players,
    )
    corpus: Any = SimpleNamespace()
    nothing = np.zeros(2, bool)
    pair = Pair(corpus, (corpus, corpus), (before, after), (nothing, nothing))
    move = Move(0, 0, "i0", 1, 2, 1, 2, 2.0, 2.0 + own)
    cause = score_cause(pair, move, changes)
    assert cause.kind == kind and cause.value == pytest.approx(own)

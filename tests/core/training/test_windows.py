"""Three ways to keep a model, judged over windows: the same before the first, then each its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from core.corpus.store import Corpus, Library
from core.domain import Stopped
from core.encode.encoder import TextEncoder
from core.evaluate.windows import REGIMES, RETRAINED, STALE, UPDATED
from core.training.windows import judge_windows

from ..conftest import SMALL

TINY = replace(SMALL, dim=8, hidden=8, epochs=1)


def test_regimes_part_after_the_first_window(
    make_corpus: Callable[..., Corpus], shelf: Library, encoder: TextEncoder
) -> None:
    chance = Random(3)
    corpus = make_corpus(
        [
            (f"u{user:02}", f"i{chance.randrange(60)}", 10.0 * step + user / 4, "view")
            for user in range(12)
            for step in range(73)
        ]
    )
    told: list[str] = []
    judge = (corpus, shelf, TINY, None, encoder)
    with pytest.raises(Stopped):
        judge_windows(*judge, progress=lambda p: told.append(p.stage), stop=lambda: bool(told))
    assert told[0].startswith("Window 1 of 6")
    report = judge_windows(*judge)["joint"]
    assert set(report.regimes) == set(REGIMES) and len(report.windows) == 6
    first = [report.asked[0].gains[regime, 0] for regime in REGIMES]
    assert all(np.array_equal(first[0], other) for other in first[1:])
    later = [report.asked[5].gains[regime, 5] for regime in REGIMES]
    assert not np.array_equal(later[0], later[1]) and not np.array_equal(later[1], later[2])
    assert len(report.asked[2].users) == report.events[2]
    for at, held_out in enumerate(report.held_out):
        assert 0 < len(held_out.users) < len(report.asked[at].users)
        made = {(regime, model) for regime in REGIMES for model in range(at + 1, 6)}
        assert set(held_out.gains) == made
    assert report.seconds[STALE][1:] == (0.0,) * 5
    assert report.overall(UPDATED).mean > 0 and report.overall(RETRAINED).mean > 0

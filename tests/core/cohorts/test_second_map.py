"""A second seed's map: fitted on a sample of the states of all users, and kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.cohorts import second_map
from core.cohorts.second_map import make_second, read_second
from core.corpus.store import Library
from core.engine import Engine
from core.interest_map import projection


def test_it_is_fitted_on_a_sample_of_all_states_and_kept(
    demo_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "MAX_ANCHORS", 30)
    engine, given = Engine.__new__(Engine), []
    engine.__dict__.update(demo_engine.__dict__)
    engine.map = replace(demo_engine.map, states=demo_engine.map.states[:30])

    def fitted(first, queries, seed, progress, stop):
        given.extend([queries, projection.refit_rows(first, len(corpus.events), seed)])
        return first.anchor_positions[:, ::-1].copy()

    corpus, library = engine.corpus, Library.open(tmp_path)
    monkeypatch.setattr(second_map, "refit_positions", fitted)
    made = make_second(library, engine)
    queries, rows = given
    assert len(queries) == len(rows) == 30
    for query, row in zip(queries, rows, strict=True):
        user = int(np.searchsorted(corpus.user_starts, row, "right")) - 1
        states = engine.interest.states(corpus.history(corpus.user_ids[user]))[1:]
        assert (query == states[row - corpus.user_starts[user]]).all()
    kept = read_second(library, engine)
    assert kept is not None and (kept.positions == made.positions).all()
    assert made.shared.mean() > 0.9

"""The file for embedding-atlas: its columns, a row per state and item, neighbours by row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from core.cohorts.atlas import write_atlas
from core.cohorts.states import States
from core.domain import DomainError
from core.engine import Engine


def test_every_state_and_item_is_a_row(demo_engine: Engine, states: States, tmp_path: Path) -> None:
    corpus = demo_engine.corpus
    made = write_atlas(demo_engine, tmp_path / "demo.parquet")
    table = pq.read_table(made.file)
    n = len(corpus.events)
    assert (made.states, made.items, len(table)) == (n, len(corpus.item_ids), n + made.items)
    assert "--x projection_x --y projection_y" in made.command
    x = np.stack([table["projection_x"].to_numpy(), table["projection_y"].to_numpy()], axis=1)
    assert np.abs(x[:n] - states.positions).max() < 1e-3
    assert np.array_equal(x[n:], demo_engine.map.items)
    assert table["item_id"].to_pylist()[n:] == list(corpus.item_ids)
    user = corpus.user_ids[3]
    rows = np.flatnonzero(np.array(table["user_id"].to_pylist()) == user)
    assert table["step"].to_numpy()[rows].tolist() == list(range(1, len(rows) + 1))
    state = demo_engine.query_vectors(corpus.history(user))[-1]
    assert np.array(table["vector"][int(rows[-1])].as_py()) == pytest.approx(state, abs=1e-4)
    near = table["neighbors"][int(rows[-1])].as_py()
    assert len(near["ids"]) == 15 and int(rows[-1]) not in near["ids"]
    assert max(near["ids"]) < len(table) and near["distances"] == sorted(near["distances"])
    with pytest.raises(DomainError, match="an atlas is a Parquet file"):
        write_atlas(demo_engine, tmp_path / "demo.csv")

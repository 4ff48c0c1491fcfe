"""Lists of all users: the same as one by one, whole or not at all, and gone on with."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from core.corpus.store import Library
from core.domain import DomainError, Stopped
from core.engine import Engine
from core.evaluate.importing_lists import import_lists
from core.evaluate.making_lists import make_lists, unfinished_path
from core.evaluate.served import load_lists
from core.progress import Progress


@pytest.mark.parametrize("recommender", ["joint", "interest", "popularity", "content"])
def test_the_lists_are_those_of_one_user_at_a_time(
    demo_engine: Engine, recommender: str, tmp_path: Path
) -> None:
    made = make_lists(demo_engine, tmp_path / "lists.parquet", 12, None, recommender)
    corpus = demo_engine.corpus
    assert (made.lists, made.left_out) == (len(corpus.user_ids), 0)
    table = pq.read_table(made.file).to_pandas()
    by_user = dict(list(table.groupby("user_id")))
    for user in corpus.user_ids[::20]:
        history = corpus.history(user)
        alone = demo_engine.recommend(history, 12, recommender).items
        rows = by_user[user]
        assert rows["item_id"].tolist() == [item.item_id for item in alone]
        assert rows["rank"].tolist() == list(range(1, 13))
        assert rows["score"].to_numpy() == pytest.approx([i.score for i in alone], abs=1e-4)
        assert (rows["timestamp"] == history.events[-1].timestamp).all()


def test_a_stopped_run_goes_on_and_ends_with_the_same_file(
    demo_engine: Engine, tmp_path: Path
) -> None:
    whole = make_lists(demo_engine, tmp_path / "whole.csv", 5, recommender="ease")
    target, reports = tmp_path / "lists.csv", list[Progress]()
    target.write_text("an older file")
    with pytest.raises(Stopped):
        make_lists(
            demo_engine,
            target,
            5,
            recommender="ease",
            progress=reports.append,
            stop=lambda: len(reports) == 2,
        )
    assert target.read_text() == "an older file"
    rest = make_lists(demo_engine, target, 5, recommender="ease")
    assert 0 < rest.kept < whole.lists == rest.lists
    assert target.read_bytes() == whole.file.read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted([whole.file, target])


def test_what_waits_for_another_question_is_not_mixed_in(
    demo_engine: Engine, tmp_path: Path
) -> None:
    target, reports = tmp_path / "lists.parquet", list[Progress]()
    with pytest.raises(Stopped):
        make_lists(demo_engine, target, 5, "3", "ease", reports.append, lambda: len(reports) == 2)
    made = make_lists(demo_engine, target, 4, "3", "ease")
    assert made.discarded and made.kept == 0
    table = pq.read_table(target).to_pandas()
    assert (table.groupby("user_id").size() == 4).all()
    longer = [len(demo_engine.corpus.history(u)) >= 3 for u in demo_engine.corpus.user_ids]
    assert made.lists == sum(longer) == table["user_id"].nunique()
    assert made.left_out == longer.count(False)


CHANGES = [
    "UPDATE lists SET items = zeroblob(LENGTH(items)) WHERE user = 1",
    "UPDATE lists SET scores = NULL WHERE user = 1",
    "UPDATE lists SET time = time + 1 WHERE user = 0",
    "DELETE FROM lists WHERE user = 1",
    "UPDATE state SET done = done + 8",
    "UPDATE state SET done = 'all'",
    "DELETE FROM state",
    "DROP TABLE lists",
    "ALTER TABLE lists DROP COLUMN mark",
]


def test_a_changed_unfinished_file_is_made_anew(demo_engine: Engine, tmp_path: Path) -> None:
    whole = make_lists(demo_engine, tmp_path / "whole.csv", 3, recommender="popularity")
    reports, asked = list[Progress](), (3, None, "popularity")
    with pytest.raises(Stopped):
        make_lists(
            demo_engine, tmp_path / "a.csv", *asked, reports.append, lambda: len(reports) == 2
        )
    kept = unfinished_path(tmp_path / "a.csv")
    for number, change in enumerate(CHANGES):
        target = tmp_path / f"{number}.csv"
        shutil.copy(kept, unfinished_path(target))
        with closing(sqlite3.connect(unfinished_path(target))) as connection, connection:
            connection.execute(change)
        made = make_lists(demo_engine, target, *asked)
        assert (made.discarded, made.kept) == (True, 0), change
        assert target.read_bytes() == whole.file.read_bytes(), change


def test_a_link_in_the_place_of_the_unfinished_file_is_not_followed(
    demo_engine: Engine, tmp_path: Path
) -> None:
    victim, target = tmp_path / "victim.sqlite", tmp_path / "lists.csv"
    with closing(sqlite3.connect(victim)) as connection, connection:
        connection.execute("CREATE TABLE mine (x)")
    before = victim.read_bytes()
    unfinished_path(target).symlink_to(victim)
    assert make_lists(demo_engine, target, 3, recommender="popularity").kept == 0
    assert victim.read_bytes() == before and not unfinished_path(target).is_symlink()
    target.unlink()
    target.symlink_to(victim)
    make_lists(demo_engine, target, 3, recommender="popularity")
    assert victim.read_bytes() == before and not target.is_symlink()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_file_is_imported_as_it_was_written(
    demo_engine: Engine, ending: str, tmp_path: Path
) -> None:
    made = make_lists(demo_engine, tmp_path / f"lists.{ending}", 3, "2023-06-01", "popularity")
    library = Library.open(tmp_path / "library")
    summary = import_lists(demo_engine.corpus, library, made.file, "mine")
    assert summary.manifest.accepted == made.rows and summary.manifest.quarantined == 0
    served = load_lists(demo_engine.corpus, library, "mine")
    first = served.corpus.history(served.corpus.user_ids[served.user[0]])
    assert first.events[first.resolve_step("2023-06-01") - 1].timestamp == pd.Timestamp(
        int(served.time[0]), unit="us", tz="UTC"
    )
    assert np.array_equal(served.rank[:3], [1, 2, 3])


def test_mistakes_are_said_before_any_work(demo_engine: Engine, tmp_path: Path) -> None:
    cases = [
        ("lists.xls", None, "End its name in .parquet or .csv"),
        ("lists.csv", "soon", "neither a step nor a time"),
        ("lists.csv", "1990-01-01", "Choose a later time"),
    ]
    for name, at, says in cases:
        with pytest.raises(DomainError, match=says):
            make_lists(demo_engine, tmp_path / name, 3, at)
    unfinished_path(tmp_path / "lists.csv").write_text("no database")
    assert make_lists(demo_engine, tmp_path / "lists.csv", 3, recommender="ease").discarded
    assert [path.name for path in tmp_path.iterdir()] == ["lists.csv"]

"""The log holds every change, with who and why; what is damaged is said."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.corpus.store import Library
from core.domain import DomainError
from core.revisions import Conflict
from core.strategy.adjusted import Settings
from core.strategy.log import ChangeStore, note_model, read_log
from core.strategy.store import Strategy, StrategyStore, delete_strategy, save_strategy, whoami


def test_every_change_is_in_the_log(tmp_path: Path) -> None:
    library = Library.open(tmp_path)
    note_model(library, "shop", "m1", "trained", "a first one")
    save_strategy(library, "shop", "diverse", "m1", Settings(0, 0.3), None, "too much alike")
    save_strategy(library, "shop", "diverse", "m1", Settings(0.1, 0.3), [1.0, 2.0], "new stock")
    delete_strategy(library, "shop", "diverse", "over")
    save_strategy(library, "other", "diverse", "m9", Settings(), None, "")
    log, problems = read_log(library, "shop")
    assert problems == ()
    assert [(line.about, line.why) for line in log] == [
        ("strategy", "over"),
        ("strategy", "new stock"),
        ("strategy", "too much alike"),
        ("model", "a first one"),
    ]
    assert {line.who for line in log} == {whoami()}
    assert "10\u202f% new items" in log[1].what and "refitted weights" in log[1].what
    assert StrategyStore.open(library).strategies("shop") == []


@pytest.mark.parametrize("store", [StrategyStore, ChangeStore])
def test_a_changed_row_is_left_out_and_said(tmp_path: Path, store) -> None:
    library = Library.open(tmp_path)
    note_model(library, "shop", "m1", "trained")
    save_strategy(library, "shop", "diverse", "m1", Settings(0, 0.3), None, "")
    with closing(sqlite3.connect(tmp_path / store.file_name)) as connection, connection:
        connection.execute("UPDATE revisions SET notes = 'somebody else'")
    log, problems = read_log(library, "shop")
    assert len(log) == 1
    assert store.file_name in problems[0]


@pytest.mark.parametrize("name", ["joint", "Too Loud", "production"])
def test_names_that_others_have_are_refused(tmp_path: Path, name: str) -> None:
    library = Library.open(tmp_path)
    with pytest.raises(DomainError):
        save_strategy(library, "shop", name, "m1", Settings(), None, "", taken=["production"])


def test_one_name_is_one_strategy_for_two_who_save_it_at_once(tmp_path: Path) -> None:
    library = Library.open(tmp_path)
    store = StrategyStore.open(library)
    mine, theirs = (store.first(Strategy("diverse", "shop", "m1", Settings())) for _ in range(2))
    store.save(mine)
    with pytest.raises(Conflict):
        store.save(theirs)
    delete_strategy(library, "shop", "diverse", "over")
    again = save_strategy(library, "shop", "diverse", "m1", Settings(), None, "")
    assert [each.strategy_id for each in store.strategies("shop")] == [again.strategy_id]
    store.path.write_bytes(b"SQLite format 3\0" + b"x" * 999)
    with pytest.raises(DomainError, match="the file of strategies is damaged"):
        store.strategies("shop")

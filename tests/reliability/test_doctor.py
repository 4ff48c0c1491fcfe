"""What an examination sees: stores emptied, evaluations exchanged, refused rows changed."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from core.corpus.store import Library
from core.doctor import examine
from core.domain import DomainError
from core.files import write_sums
from core.notebook import Notebook
from core.scenario.store import ScenarioStore
from core.views.corpora import build_models


@pytest.fixture
def library(full_library: Path, tmp_path: Path) -> Library:
    """A copy to damage."""
    return Library.open(shutil.copytree(full_library, tmp_path / "library"))


def test_an_emptied_store_is_worth_a_note(library: Library) -> None:
    (library.root / "scenarios.sqlite").write_bytes(b"")
    assert "scenarios.sqlite" in [note.what for note in examine(library).notes]


@pytest.mark.parametrize("name", ["scenarios.sqlite", "notebook.sqlite"])
@pytest.mark.parametrize("column", ["saved", "user_id", "corpus", "revision", "deleted"])
def test_a_changed_cell_of_a_store_is_damaged(library: Library, name: str, column: str) -> None:
    with closing(sqlite3.connect(library.root / name)) as connection, connection:
        connection.execute(f"UPDATE revisions SET {column} = '7'")
    (found,) = examine(library).damaged
    assert found.what == name and "changed or gone: " in found.problem
    store = (ScenarioStore if name[0] == "s" else Notebook).open(library)
    assert not store.entries() and store.count_unreadable()


def test_a_lost_revision_is_not_replaced_by_the_one_before(library: Library) -> None:
    store = ScenarioStore.open(library)
    (first,) = store.entries()
    second = store.save(replace(first, notes="more"))
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("DELETE FROM revisions WHERE revision = 2")
    assert second.revision == 2 and store.entries() == []
    with pytest.raises(DomainError, match="can't be read"):
        store.load(first.scenario_id)
    assert [found.what for found in examine(library).damaged] == ["scenarios.sqlite"]


def test_revisions_of_an_older_version_are_read_and_noted(library: Library) -> None:
    store = ScenarioStore.open(library)
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("DROP TABLE seals")
    (entry,) = store.entries()
    found = examine(library)
    assert not found.damaged
    assert "revisions of an older version, without a hash: 1" in [n.problem for n in found.notes]
    assert store.save(entry).revision == 2 and len(store.revisions(entry.scenario_id)) == 2


@pytest.mark.parametrize("place", ["own/own~*.json", "drafts/~*", "notebook.sqlite"])
def test_own_histories_drafts_and_charts_are_held_to_their_hashes(
    library: Library, place: str
) -> None:
    (path,) = library.root.glob(place)
    if path.suffix == ".sqlite":
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE charts SET figure = x'789c'")
    else:
        content = bytearray(path.read_bytes())
        content[-9] ^= 1
        path.write_bytes(content)
    (found,) = examine(library).damaged
    assert path.name in found.what


def test_a_changed_encoder_is_damaged(library: Library) -> None:
    folder = library.root / "encoders" / "multilingual-e5-small-1571fc98"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    write_sums(folder)
    assert not examine(library, deep=True).damaged
    (folder / "config.json").write_text("{ }")
    (found,) = examine(library, deep=True).damaged
    assert found.what == f"encoder {folder.name}, config.json"


def test_removed_lists_leave_a_note(library: Library) -> None:
    (library.root / "lists" / "shop" / "production.parquet").unlink()
    assert "lists production" in [note.what for note in examine(library).notes]


def test_an_evaluation_under_the_name_of_another_is_damaged(library: Library) -> None:
    first, second = sorted((library.root / "evaluations").glob("*.safetensors"))[:2]
    shutil.copy(second, first)
    (found,) = examine(library).damaged
    assert first.name in found.what and "another evaluation" in found.problem


@pytest.mark.parametrize("text", ["{", "[]\n", '{"a":' * 100_000])
def test_changed_refused_rows_of_lists_are_damaged(library: Library, text: str) -> None:
    (library.root / "lists" / "shop" / "production.quarantine.jsonl").write_text(text)
    (found,) = examine(library, deep=True).damaged
    assert found.what == "refused rows of lists production"


def test_a_changed_card_is_not_shown(library: Library) -> None:
    card = library.model_folder("shop") / "README.md"
    card.write_text(card.read_text() + "and more")
    assert next(build_models(library, "shop")).card.startswith("The card is damaged")

"""Saved scenarios: what was saved comes back, two sessions meet honestly, bad files are said."""

from __future__ import annotations

import math
import os
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus.store import Library
from core.domain import DomainError
from core.scenario.capsule import Capsule, Expected
from core.scenario.edits import Edit, Op
from core.scenario.store import (
    LONGEST_NAME,
    STORE_FILE,
    Scenario,
    ScenarioConflict,
    ScenarioStore,
    renamed,
)

DELETE, RATE = Edit(Op.DELETE, step=3), Edit(Op.RATE, step=5, rating=1.0)


def scenario(name: str = "no bad review", *edits: Edit, user: str = "U1", **more) -> Scenario:
    capsule = Capsule(
        format="tastelines-capsule",
        version=1,
        name=name,
        corpus="shop",
        corpus_id="c" * 16,
        model_id="m" * 12,
        user=user,
        steps=12,
        history="h" * 16,
        edits=[edit.to_json() for edit in edits],
        recommender="joint",
        k=10,
        expected=[Expected(rank=1, item_id="i1", score=-3.25)],
    )
    return Scenario(capsule, **more)


def edited(found: Scenario, *edits: Edit) -> Scenario:
    changes = [edit.to_json() for edit in (*found.capsule.changes, *edits)]
    return replace(found, capsule=found.capsule.model_copy(update={"edits": changes}))


@pytest.fixture
def store(tmp_path: Path) -> ScenarioStore:
    return ScenarioStore.open(Library.open(tmp_path / "library"))


def test_nothing_is_made_before_something_is_saved(store: ScenarioStore) -> None:
    assert store.scenarios() == []
    assert store.revisions("abc") == []
    with pytest.raises(DomainError, match="no scenario 'abc'"):
        store.load("abc")
    assert not store.path.parent.exists()


def test_a_saved_scenario_comes_back_as_it_was(store: ScenarioStore) -> None:
    made = store.save(scenario("Ohne Ärger 🎧", DELETE, RATE, notes="a\nb", undone=(DELETE,)))
    again = ScenarioStore(store.path).load(made.scenario_id)
    assert again == made
    assert again.capsule.changes == (DELETE, RATE)
    assert (again.revision, again.notes, again.undone) == (1, "a\nb", (DELETE,))


@given(
    text=st.text(st.characters(codec="utf-8") | st.just("\ud800"), min_size=1, max_size=300),
    number=st.floats(width=32),
)
@settings(max_examples=60, deadline=None)
def test_what_was_saved_can_be_read(tmp_path_factory, text: str, number: float) -> None:
    store = ScenarioStore(tmp_path_factory.getbasetemp() / "any" / STORE_FILE)
    edit = Edit(Op.EDIT, step=1, text=text)
    try:
        made = store.save(scenario("x", edit, Edit(Op.RATE, step=2, rating=number), notes=text))
    except DomainError:
        assert not math.isfinite(number) or "\ud800" in text
        return
    assert store.load(made.scenario_id) == made


def test_every_revision_is_kept_also_of_a_deleted_one(store: ScenarioStore) -> None:
    one = store.save(scenario("a", DELETE))
    two = store.save(edited(one, RATE))
    gone = store.delete(store.save(renamed(two, "b")))
    assert [(found.name, len(found.capsule.edits)) for found in store.revisions(one.scenario_id)][
        :3
    ] == [("a", 1), ("a", 2), ("b", 2)]
    assert store.revisions(one.scenario_id)[-1] == gone
    assert store.scenarios() == []
    with pytest.raises(DomainError, match="was deleted"):
        store.load(one.scenario_id)


def test_the_list_is_the_newest_of_each_by_corpus_and_user(store: ScenarioStore) -> None:
    first = store.save(scenario("first", DELETE))
    second = store.save(scenario("second", RATE))
    other = store.save(scenario("other", user="U2"))
    first = store.save(edited(first, RATE))
    assert store.scenarios("shop", "U1") == [first, second]
    assert store.scenarios("shop") == [first, other, second]
    assert store.scenarios("elsewhere") == []


def test_a_duplicate_has_a_life_and_a_name_of_its_own(store: ScenarioStore) -> None:
    made = store.save(scenario("a", DELETE, notes="why"))
    copies = [store.duplicate(made), store.duplicate(made), store.duplicate(made, "c")]
    assert [copy.name for copy in copies] == ["a (2)", "a (3)", "c"]
    assert {copy.notes for copy in copies} == {"why"}
    store.save(edited(copies[0], RATE))
    assert store.load(made.scenario_id) == made
    assert len({made.scenario_id, *(copy.scenario_id for copy in copies)}) == 4


def test_two_sessions_get_a_conflict_with_both_versions(store: ScenarioStore) -> None:
    base = store.save(scenario("a", DELETE))
    theirs = store.save(edited(base, RATE))
    mine = edited(base, Edit(Op.DELETE, step=7))
    with pytest.raises(ScenarioConflict, match="changed in another session") as caught:
        store.save(mine)
    assert caught.value.theirs == theirs
    assert caught.value.mine == mine
    assert store.load(base.scenario_id) == theirs
    copy = store.duplicate(caught.value.mine)
    assert copy.capsule.changes == mine.capsule.changes
    assert store.load(base.scenario_id) == theirs


def test_a_delete_meets_a_change_and_a_change_meets_a_delete(store: ScenarioStore) -> None:
    base = store.save(scenario("a", DELETE))
    store.save(edited(base, RATE))
    with pytest.raises(ScenarioConflict):
        store.delete(base)
    store.delete(store.load(base.scenario_id))
    with pytest.raises(ScenarioConflict, match="was deleted in another session") as caught:
        store.save(edited(base, RATE))
    assert caught.value.theirs.deleted


def test_of_many_saves_on_one_revision_exactly_one_wins(store: ScenarioStore) -> None:
    base = store.save(scenario("a"))
    start, results = threading.Barrier(6), []

    def work(number: int) -> None:
        start.wait()
        try:
            results.append(store.save(edited(base, Edit(Op.DELETE, step=number))))
        except ScenarioConflict as conflict:
            results.append(conflict.theirs)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert set(map(id_of, results)) == {id_of(store.load(base.scenario_id))}
    assert len(store.revisions(base.scenario_id)) == 2


def id_of(found: Scenario) -> tuple[str, int, str]:
    return found.scenario_id, found.revision, found.capsule.to_text()


def test_the_first_saves_of_many_threads_all_arrive(store: ScenarioStore) -> None:
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait()
        store.save(scenario(f"s{number}"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {found.name for found in store.scenarios()} == {f"s{number}" for number in range(8)}


@pytest.mark.parametrize(
    ("name", "said"), [("", "no name"), ("  \n ", "no name"), ("x" * (LONGEST_NAME + 1), "101")]
)
def test_a_name_is_needed_and_short(store: ScenarioStore, name: str, said: str) -> None:
    with pytest.raises(DomainError, match=said):
        store.save(scenario(name))
    made = store.save(scenario("good"))
    with pytest.raises(DomainError, match=said):
        store.save(renamed(made, name))
    assert store.load(made.scenario_id) == made


def test_a_name_is_one_line(store: ScenarioStore) -> None:
    assert store.save(scenario(" a\n b ")).name == "a b"
    assert renamed(scenario("a"), "b").name == "b"


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE revisions (a)")
    connection.close()


def newer(path: Path) -> None:
    ScenarioStore(path).save(scenario())
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()


def no_database(path: Path) -> None:
    path.write_bytes(b"this is a letter, not a database. " * 40)


def torn(path: Path) -> None:
    for number in range(60):
        ScenarioStore(path).save(scenario(f"s{number}", DELETE))
    data = bytearray(path.read_bytes())
    data[4096 : len(data) - 4096] = b"\x5a" * (len(data) - 8192)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (foreign, "not a store of scenarios"),
        (newer, "another version"),
        (no_database, "damaged"),
        (torn, "damaged|can't be read"),
    ],
)
def test_a_wrong_file_is_said_and_left_alone(
    tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    path = tmp_path / STORE_FILE
    damage(path)
    before = path.read_bytes()
    store = ScenarioStore(path)
    with pytest.raises(DomainError, match=said):
        store.scenarios()
    with pytest.raises(DomainError, match=said):
        store.save(replace(scenario(), scenario_id="a" * 12, revision=1))
    assert path.read_bytes() == before


def test_an_unreadable_scenario_is_left_out_and_counted(store: ScenarioStore) -> None:
    broken, whole = store.save(scenario("broken")), store.save(scenario("whole"))
    with sqlite3.connect(store.path) as connection:
        connection.execute(
            "UPDATE revisions SET capsule = '{' WHERE scenario_id = ?", (broken.scenario_id,)
        )
    assert store.scenarios() == [whole]
    assert store.count_unreadable() == 1
    with pytest.raises(DomainError, match="can't be read"):
        store.load(broken.scenario_id)


def test_a_locked_file_is_said(store: ScenarioStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.revisions.PATIENCE", 0.1)
    store.save(scenario())
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DomainError, match="in use by another program"):
        store.save(scenario("late"))
    assert [found.name for found in store.scenarios()] == ["no bad review"]
    other.close()
    assert store.save(scenario("late")).revision == 1


def test_a_library_that_is_no_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DomainError, match="can't be saved"):
        ScenarioStore(tmp_path / "file" / STORE_FILE).save(scenario())


def read_and_save_as_nobody(path: Path, answer: Path) -> None:
    """In a process of its own: what a user without write permission reads, and why not saved."""
    child = os.fork()
    if child:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        return
    try:
        with answer.open("w") as file:
            if os.getuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            store = ScenarioStore(path)
            scenarios = store.scenarios()
            try:
                store.save(scenarios[0])
            except DomainError as error:
                file.write(f"{len(scenarios)} {error}")
    finally:
        os._exit(0)  # whatever happened: this copy of pytest must not go on


def test_a_read_only_library_is_read_and_its_saves_are_refused(tmp_path: Path) -> None:
    folder = Path("/tmp") / f"tastelines-read-only-{os.getpid()}"
    folder.mkdir()
    try:
        path = folder / STORE_FILE
        ScenarioStore(path).save(scenario())
        path.chmod(0o444)
        folder.chmod(0o555)
        read_and_save_as_nobody(path, tmp_path / "answer")
    finally:
        folder.chmod(0o755)
        for left in folder.iterdir():
            left.unlink()
        folder.rmdir()
    assert (tmp_path / "answer").read_text().startswith("1 the scenarios can't be saved")

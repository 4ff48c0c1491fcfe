"""kill -9 at any moment of a save: what was acknowledged is there, and the store can be read."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import pytest

from core.domain import DomainError
from core.scenario.capsule import Capsule, Expected
from core.scenario.edits import Edit, Op
from core.scenario.store import STORE_FILE, Scenario, ScenarioStore

RANDOM_KILLS = 188 if "TASTELINES_THOROUGH" in os.environ else 24
CHOSEN = (
    *((fresh, "statement", number) for fresh in (True, False) for number in (1, 2, 3)),
    (True, "machine", 30),
    (False, "machine", 25),
    (True, "last statement", 0),
    (False, "last statement", 0),
    (True, "before the answer", 0),
    (False, "before the answer", 0),
)
"""12 points of a save: before a statement, within one, before the commit, after it; in a store that
this save makes, and in one that is there."""
TEXT = "A long review that fills more than one page of the file. " * 120


def scenario(edits: int) -> Scenario:
    changes = [Edit(Op.EDIT, step=1 + at, text=f"{at} {TEXT}").to_json() for at in range(edits)]
    capsule = Capsule(
        format="tastelines-capsule",
        version=1,
        name="s",
        corpus="shop",
        corpus_id="c" * 16,
        model_id="m" * 12,
        user="U1",
        steps=12,
        history="h" * 16,
        edits=changes,
        recommender="joint",
        k=10,
        expected=[Expected(rank=1, item_id="i1", score=-3.25)],
    )
    return Scenario(capsule)


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


@dataclass
class DyingStore(ScenarioStore):
    """A store whose process is killed at a chosen point of its save."""

    path: Path
    point: str
    number: int

    def _connect(self) -> sqlite3.Connection:
        connection = super()._connect()
        seen = 0

        def meet(statement: str) -> None:
            nonlocal seen
            seen += 1
            if self.point == "statement" and seen == self.number:
                die()
            if self.point == "last statement" and statement == "COMMIT":
                die()

        connection.set_trace_callback(meet)
        if self.point == "machine":
            connection.set_progress_handler(die, self.number)
        return connection


def in_child(
    work: Callable[[Callable[[Scenario], None]], None],
    kill_after: float | None,
    *,
    once_saved: bool = False,
) -> list:
    """Run ``work`` in a process of its own, killed after so many seconds; what it acknowledged.

    ``work`` gets a function that acknowledges a saved scenario through a pipe. With ``once_saved``
    the seconds count from the first one.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work(
                lambda saved: os.write(
                    writing,
                    f"{saved.scenario_id} {saved.revision} {len(saved.capsule.edits)}\n".encode(),
                )
            )
        finally:
            traceback.print_exc()
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        lines = [pipe.readline()] if once_saved else []
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, signal.SIGKILL)
        said = [line.split() for line in (*lines, *pipe.readlines())]
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    return [(one, int(revision), int(edits)) for one, revision, edits in said]


def versions(path: Path) -> set[tuple[str, int, int]]:
    """Every revision in a store that can be read; none where there is no file."""
    store = ScenarioStore(path)
    store.scenarios()
    if not path.exists():
        return set()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    if not connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
        return set()
    ids = connection.execute("SELECT DISTINCT scenario_id FROM revisions").fetchall()
    connection.close()
    return {
        (version.scenario_id, version.revision, len(version.capsule.changes))
        for (one,) in ids
        for version in store.revisions(one)
    }


def check(path: Path, kept: set[tuple[str, int, int]]) -> set[tuple[str, int, int]]:
    """What was kept is there, at most one save more, and the next save works; all that is there."""
    found = versions(path)
    assert kept <= found
    assert len(found - kept) <= 1
    store = ScenarioStore(path)
    after = store.save(scenario(2))
    assert store.load(after.scenario_id) == after
    return found | {(after.scenario_id, 1, 2)}


def test_a_killed_save_loses_nothing_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / STORE_FILE
    chance = random.Random(7)

    def save_on_and_on(acknowledge: Callable[[Scenario], None]) -> None:
        store = ScenarioStore(path)
        made = store.save(scenario(1))
        acknowledge(made)
        while True:
            edits = 1 + made.revision % 3
            made = store.save(replace(scenario(edits), **place_of(made)))
            acknowledge(made)

    acknowledged, kept = 0, set()
    for attempt in range(RANDOM_KILLS):
        once_saved = attempt % 4 != 3
        said = in_child(save_on_and_on, chance.uniform(0, 0.03), once_saved=once_saved)
        assert said or not once_saved
        kept = check(path, kept | set(said))
        acknowledged += len(said)
        if attempt % 6 == 5:  # begin with a store that isn't there
            kept = set()
            for file in path.parent.glob(f"{path.name}*"):
                file.unlink()
    assert acknowledged >= RANDOM_KILLS * 3 // 4


def place_of(found: Scenario) -> dict[str, object]:
    return {"scenario_id": found.scenario_id, "revision": found.revision}


@pytest.mark.parametrize(("fresh", "point", "number"), CHOSEN)
def test_killed_at_a_chosen_point(tmp_path: Path, fresh: bool, point: str, number: int) -> None:
    path = tmp_path / STORE_FILE
    acknowledged = set()
    if not fresh:
        made = ScenarioStore(path).save(scenario(1))
        acknowledged.add((made.scenario_id, 1, 1))

    def save_once(acknowledge: Callable[[Scenario], None]) -> None:
        saved = DyingStore(path, point, number).save(scenario(3))
        if point == "before the answer":
            die()
        acknowledge(saved)

    assert in_child(save_once, None) == []
    arrived = {edits for _, _, edits in versions(path) - acknowledged}
    assert arrived == ({3} if point == "before the answer" else set())
    check(path, acknowledged)


def test_a_log_cut_anywhere_keeps_every_save_before_the_cut(tmp_path: Path) -> None:
    """What a power cut may leave of the last save's write: any part of it."""
    path = tmp_path / STORE_FILE
    store = ScenarioStore(path)
    made = store.save(scenario(1))
    holder = sqlite3.connect(path)  # keeps the log from being folded into the file
    holder.execute("SELECT COUNT(*) FROM revisions").fetchone()
    log = path.with_name(path.name + "-wal")
    made = store.save(replace(scenario(2), **place_of(made)))
    whole = log.stat().st_size
    store.save(replace(scenario(3), **place_of(made)))
    data, file = log.read_bytes(), path.read_bytes()
    holder.close()
    chance = random.Random(3)
    for cut in [whole, len(data) - 1, *(chance.randint(whole, len(data)) for _ in range(12))]:
        copy = tmp_path / f"cut{cut}" / STORE_FILE
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(file)
        copy.with_name(log.name).write_bytes(data[:cut])
        try:
            found = ScenarioStore(copy).load(made.scenario_id)
        except DomainError as error:
            raise AssertionError(f"cut at {cut} of {len(data)}") from error
        assert found.revision in (2, 3)
        assert len(found.capsule.changes) == found.revision

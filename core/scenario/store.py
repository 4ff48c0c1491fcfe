"""Saved scenarios: named, ordered edits with undo and redo, kept so that nothing is ever lost.

One SQLite file in the library (WAL, synchronous FULL: a save that was acknowledged survives a kill
or a power cut). Every save adds a row, no row is ever changed: a scenario is the last of its
revisions, a deleted one is a revision that says so. A save names the revision that it was based on;
where another session was faster, ``ScenarioConflict`` carries both versions.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from core.corpus.store import Library
from core.corpus.validate import clean_text
from core.domain import DomainError
from core.files import read_only_address
from core.scenario.capsule import Capsule, read_capsule
from core.scenario.edits import Edit, edits_from_json

STORE_FILE = "scenarios.sqlite"
SCHEMA_VERSION = 1
APPLICATION_ID = 0x7A57E11E
"""Marks the file as a store of scenarios."""
LONGEST_NAME, LONGEST_NOTES = 100, 20_000
PATIENCE = 5.0
"""Seconds that a save waits for another one."""

RESTORE = "Restore the file from a backup, or move it away to begin a new one"
MAKE_WRITABLE = "Give the folder write rights and space, or choose another with --library"
NOT_WRITABLE = (
    *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM),
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR),
)
_SCHEMA = """CREATE TABLE revisions (
    scenario_id TEXT NOT NULL, revision INTEGER NOT NULL, saved TEXT NOT NULL,
    deleted INTEGER NOT NULL, corpus TEXT NOT NULL, user_id TEXT NOT NULL,
    capsule TEXT NOT NULL, notes TEXT NOT NULL, undone TEXT NOT NULL,
    PRIMARY KEY (scenario_id, revision))"""
_FIELDS = "scenario_id, revision, saved, deleted, capsule, notes, undone"
_Row = tuple[str, int, str, int, str, str, str]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One version of a scenario; ``revision`` 0 is not saved yet.

    ``capsule`` holds its name, base history, edits, recommender and the list that they gave.
    """

    capsule: Capsule
    notes: str = ""
    undone: tuple[Edit, ...] = ()
    """Edits that were undone, the last one last."""
    scenario_id: str = ""
    revision: int = 0
    saved: datetime | None = None
    deleted: bool = False

    @property
    def name(self) -> str:
        """What a person calls it; not necessarily unique."""
        return self.capsule.name


class ScenarioConflict(DomainError):
    """The scenario was changed since it was read: ``mine`` is not saved, ``theirs`` is."""

    def __init__(self, mine: Scenario, theirs: Scenario) -> None:
        did = "deleted" if theirs.deleted else "changed"
        super().__init__(
            f"the scenario {theirs.name!r} was {did} in another session",
            where=f"revision {theirs.revision}, yours is based on {mine.revision}",
            remedy="Keep yours as a copy, or take theirs",
        )
        self.mine = mine
        self.theirs = theirs


class ScenarioStore:
    """The scenarios of a library. Safe for threads and processes: each call has its own connection.

    Nothing is written before something is saved. DomainError for a file that is damaged, locked, of
    another program or a newer version, and for a library that can't be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, library: Library) -> ScenarioStore:
        """The store of a library."""
        return cls(library.root / STORE_FILE)

    def save(self, scenario: Scenario) -> Scenario:
        """Add a revision and return it; a scenario without id becomes a new one.

        When this returns the revision is on disk. ``ScenarioConflict`` where ``revision`` isn't the
        newest one any more.
        """
        now = datetime.now(UTC)
        saved = replace(
            renamed(scenario, clean_name(scenario.name)),
            notes=_clean_notes(scenario.notes),
            scenario_id=scenario.scenario_id or secrets.token_hex(6),
            revision=scenario.revision + 1,
            saved=now,
        )
        capsule = saved.capsule.to_text()
        undone = json.dumps([edit.to_json() for edit in saved.undone], ensure_ascii=False)
        _check_readable(capsule, undone, saved.name)
        row = (
            *(saved.scenario_id, saved.revision, now.isoformat(), int(saved.deleted)),
            *(saved.capsule.corpus, saved.capsule.user, capsule, saved.notes, undone),
        )
        with self._writing() as connection:
            newest = self._newest(connection, saved.scenario_id)
            if (newest.revision if newest else 0) != scenario.revision:
                raise ScenarioConflict(scenario, newest or replace(scenario, deleted=True))
            connection.execute(f"INSERT INTO revisions VALUES ({','.join('?' * len(row))})", row)
        return saved

    def load(self, scenario_id: str) -> Scenario:
        """The newest version; DomainError where there is none, or it was deleted."""
        with self._reading() as connection:
            scenario = self._newest(connection, scenario_id) if connection else None
        if scenario is not None and not scenario.deleted:
            return scenario
        problem = f"there is no scenario {scenario_id!r}"
        if scenario is not None:
            problem = f"the scenario {scenario.name!r} was deleted"
        raise self._problem(problem, "Choose one of the list")

    def scenarios(self, corpus: str | None = None, user_id: str | None = None) -> list[Scenario]:
        """The newest version of all that aren't deleted, the one saved last first.

        Those that can't be read are left out; ``count_unreadable`` says how many.
        """
        return [scenario for scenario in self._all(corpus, user_id) if scenario is not None]

    def count_unreadable(self, corpus: str | None = None, user_id: str | None = None) -> int:
        """How many saved scenarios can't be read: damaged, or of a newer version."""
        return self._all(corpus, user_id).count(None)

    def _all(self, corpus: str | None, user_id: str | None) -> list[Scenario | None]:
        rows = self._rows(
            "AS r WHERE revision = (SELECT MAX(revision) FROM revisions "
            "WHERE scenario_id = r.scenario_id) AND NOT deleted "
            "AND corpus = COALESCE(?, corpus) AND user_id = COALESCE(?, user_id) "
            "ORDER BY saved DESC, scenario_id",
            corpus,
            user_id,
        )
        scenarios: list[Scenario | None] = []
        for row in rows:
            try:
                scenarios.append(self._read(row))
            except DomainError:
                scenarios.append(None)
        return scenarios

    def revisions(self, scenario_id: str) -> list[Scenario]:
        """Every version that was ever saved, oldest first; also of a deleted scenario."""
        rows = self._rows("WHERE scenario_id = ? ORDER BY revision", scenario_id)
        return [self._read(row) for row in rows]

    def _rows(self, condition: str, *values: str | None) -> list[_Row]:
        with self._reading() as connection:
            return _select(connection, condition, *values) if connection else []

    def delete(self, scenario: Scenario) -> Scenario:
        """Take it off the list, if it wasn't changed since; its revisions stay."""
        return self.save(replace(scenario, deleted=True))

    def duplicate(self, scenario: Scenario, name: str | None = None) -> Scenario:
        """A scenario of its own with the same edits; without a name, ``NAME (2)`` and so on."""
        copy = replace(scenario, scenario_id="", revision=0, saved=None, deleted=False)
        return self.save(renamed(copy, name or self.free_name(scenario)))

    def free_name(self, scenario: Scenario) -> str:
        """The scenario's name with the first number that makes it unique for its user."""
        about = scenario.capsule
        taken = {other.name for other in self.scenarios(about.corpus, about.user)}
        stem = about.name[: LONGEST_NAME - 8].strip() or "Scenario"
        names = (f"{stem} ({number})" for number in range(2, len(taken) + 3))
        return next(name for name in names if name not in taken)

    def _newest(self, connection: sqlite3.Connection, scenario_id: str) -> Scenario | None:
        newest = "WHERE scenario_id = ? ORDER BY revision DESC LIMIT 1"
        rows = _select(connection, newest, scenario_id)
        return self._read(rows[0]) if rows else None

    def _read(self, row: _Row) -> Scenario:
        scenario_id, revision, saved, deleted, capsule, notes, undone = row
        where = f"{self.path}, scenario {scenario_id}, revision {revision}"
        try:
            return Scenario(
                capsule=read_capsule(capsule.encode(), where),
                notes=notes,
                undone=edits_from_json(json.loads(undone)),
                scenario_id=scenario_id,
                revision=revision,
                saved=datetime.fromisoformat(saved),
                deleted=bool(deleted),
            )
        except (ValueError, AttributeError, TypeError, DomainError):
            raise DomainError(
                "a saved scenario can't be read", where=where, remedy=RESTORE
            ) from None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on disk when the block has ended."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            problem = f"the scenarios can't be saved: {error.strerror or error}"
            raise self._problem(problem, MAKE_WRITABLE) from None
        with self._translated(), closing(self._connect()) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            if not self._is_ours(connection):
                connection.execute(_SCHEMA)
                connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            yield connection
            connection.execute("COMMIT")
            with suppress(sqlite3.OperationalError):  # while others are at work it stays as it is
                connection.execute("PRAGMA journal_mode=WAL")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """One consistent view; None where nothing was ever saved."""
        if not self.path.exists():
            yield None
            return
        with self._translated(), closing(self._connect(to_read=True)) as connection:
            connection.execute("BEGIN")
            yield connection if self._is_ours(connection) else None

    def _connect(self, *, to_read: bool = False) -> sqlite3.Connection:
        """A write-ahead log needs a place that can be written; without one, the file as it is."""
        address = self.path.absolute().as_uri()
        if to_read and not all(os.access(path, os.W_OK) for path in (self.path.parent, self.path)):
            address = read_only_address(self.path)
        connection = _open(address)
        if to_read:
            try:
                connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in NOT_WRITABLE:
                    raise
                connection.close()  # a full disk, for example
                return _open(read_only_address(self.path))
        return connection

    def _is_ours(self, connection: sqlite3.Connection) -> bool:
        """False for an empty file; DomainError for that of another program or version."""
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if not tables and not owner:
            return False
        if owner != APPLICATION_ID:
            raise self._problem(
                "the file is not a store of scenarios",
                "Move it out of the library; it was not changed",
            )
        if version != SCHEMA_VERSION:
            raise self._problem(
                f"the scenarios were saved by another version of Tastelines (format {version})",
                "Use that version; the file was not changed",
            )
        return True

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """SQLite's errors in words for a person."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            problem = self._problem(f"the file of scenarios is damaged ({error})", RESTORE)
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                problem = self._problem(
                    "the scenarios are in use by another program",
                    "Close it, or try again in a moment",
                )
            elif code in NOT_WRITABLE:
                problem = self._problem(f"the scenarios can't be saved: {error}", MAKE_WRITABLE)
            raise problem from error

    def _problem(self, what: str, remedy: str) -> DomainError:
        return DomainError(what, where=str(self.path), remedy=remedy)


def _open(address: str) -> sqlite3.Connection:
    return sqlite3.connect(address, uri=True, timeout=PATIENCE, isolation_level=None)


def _select(connection: sqlite3.Connection, condition: str, *values: str | None) -> list[_Row]:
    query = f"SELECT {_FIELDS} FROM revisions {condition}"
    return connection.execute(query, values).fetchall()


def renamed(scenario: Scenario, name: str) -> Scenario:
    """The same under another name, not saved."""
    return replace(scenario, capsule=scenario.capsule.model_copy(update={"name": name}))


def clean_name(name: str) -> str:
    """A name as it is kept; DomainError for an empty or too long one."""
    name = " ".join(clean_text(name).split())
    if not name:
        raise DomainError("the scenario has no name", remedy="Give it one")
    if len(name) > LONGEST_NAME:
        raise DomainError(
            f"the name has {len(name)} characters", remedy=f"Keep it to {LONGEST_NAME}"
        )
    return name


def _check_readable(capsule: str, undone: str, name: str) -> None:
    """DomainError for what could not be read again."""
    try:
        read_capsule(capsule.encode(), f"scenario {name}")
        edits_from_json(json.loads(undone))
    except UnicodeEncodeError:
        raise DomainError("an edit contains invalid Unicode", where=f"scenario {name}") from None


def _clean_notes(notes: str) -> str:
    notes = clean_text(notes)
    if len(notes) > LONGEST_NOTES:
        raise DomainError(
            f"the notes have {len(notes):,} characters", remedy=f"Keep them to {LONGEST_NOTES:,}"
        )
    return notes

"""A SQLite file of named entries with all their revisions, so that nothing is ever lost.

WAL and synchronous FULL: a save that was acknowledged survives a kill or a power cut. Every save
adds a row, no row is ever changed: an entry is the last of its revisions, a deleted one is a
revision that says so. A save names the revision that it was based on; where another session was
faster, ``Conflict`` carries both versions. Where people sign in, the table ``owners`` says who
saved an entry first: viewers change only their own.

The table ``seals`` holds the sha256 of each revision. A row that doesn't match its seal is damaged;
a row without one was saved by an older version, unless a seal without a row says that its id or
number was changed. Rows are read without indices, so a damaged index hides none.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, Self, TypeVar, cast

from core import access
from core.corpus.store import Library
from core.corpus.texts import clean_text
from core.domain import DomainError
from core.files import read_only_address
from core.language import mark, tr, trc, trn

PATIENCE = 5.0
"""Seconds that a save waits for another one."""
LONGEST_NOTES = 20_000

RESTORE = mark("Restore the file from a backup, or move it away to begin a new one")
MAKE_WRITABLE = mark("Give the folder write rights and space, or choose another with --library")
NOUNS = (
    *(mark("change"), mark("cohort"), mark("finding"), mark("pattern")),
    *(mark("scenario"), mark("strategy"), mark("changes"), mark("cohorts"), mark("findings")),
    *(mark("patterns"), mark("scenarios"), mark("strategies")),
)
"""What stores call their entries."""
NOT_WRITABLE = (
    *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM),
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR),
)
Row = tuple[Any, ...]
"""Id, revision, time, whether deleted, and the store's own columns."""
Statement = tuple[str, Sequence[Any]]
FIELDS = ("id", "revision", "saved", "deleted")
"""What begins every row, before the store's own columns."""
OWNERS = (
    "CREATE TABLE IF NOT EXISTS owners (id TEXT PRIMARY KEY, owner TEXT NOT NULL)"  # no sentence
)
SEALS = "CREATE TABLE IF NOT EXISTS seals (id TEXT, revision INTEGER, sha256 TEXT)"  # no sentence


class Audit(NamedTuple):
    """All revisions of a store, and what belongs to them."""

    unreadable: int
    unsealed: int
    """Revisions of an older version, without a hash."""


class Sealed(NamedTuple):
    """A row, and the sha256 with which it was written; None where an older version wrote it."""

    row: Row
    seal: str | None
    owner: str = ""
    """Who saved the entry first; empty without sign-in."""

    @property
    def is_changed(self) -> bool:
        """Whether it is not as it was written; hashed only when it is asked."""
        return self.seal is not None and self.seal != _seal(self.row, self.owner)


class Entry(Protocol):
    """A frozen dataclass that a store keeps; it also has a field for its id.

    ``owner`` is who saved it first, empty without sign-in; the store sets it.
    """

    @property
    def owner(self) -> str:
        """Who saved it first; empty without sign-in."""

    @property
    def name(self) -> str:
        """What a person calls it; not necessarily unique."""

    @property
    def revision(self) -> int:
        """Counts its saves; 0 is not saved yet."""

    @property
    def deleted(self) -> bool:
        """Whether this revision takes it off the list."""


Kept = TypeVar("Kept", bound=Entry)


class Conflict(DomainError):
    """The entry was changed since it was read: ``mine`` is not saved, ``theirs`` is."""

    def __init__(self, noun: str, mine: Any, theirs: Any) -> None:
        about = {"noun": tr(noun), "name": theirs.name}
        super().__init__(
            tr("the {noun} {name!r} was deleted in another session", **about)
            if theirs.deleted
            else tr("the {noun} {name!r} was changed in another session", **about),
            where=tr(
                "revision {revision}, yours is based on {base}",
                revision=theirs.revision,
                base=mine.revision,
            ),
            remedy=tr("Keep yours as a copy, or take theirs"),
        )
        self.mine = mine
        self.theirs = theirs


class RevisionStore(ABC, Generic[Kept]):
    """The entries of one kind in a library. Safe for threads and processes: each call has its own
    connection.

    Nothing is written before something is saved. DomainError for a file that is damaged, locked, of
    another program or a newer version, and for a library that can't be written.
    """

    noun: ClassVar[str]
    """What an entry is called; its id is the field NOUN_id."""
    plural: ClassVar[str] = ""
    """What several are called, where that is not the noun with an s."""
    file_name: ClassVar[str]
    application_id: ClassVar[int]
    """Marks the file as such a store."""
    version: ClassVar[int] = 1
    columns: ClassVar[tuple[str, ...]]
    """Columns of text, among them corpus and user_id."""
    more_tables: ClassVar[tuple[str, ...]] = ()
    """Statements that create what the store keeps beside its revisions."""
    conflict: ClassVar[type[Conflict]] = Conflict

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, library: Library) -> Self:
        """The store of a library."""
        return cls(library.root / cls.file_name)

    @property
    def nouns(self) -> str:
        """What several entries are called."""
        return tr(self.plural or f"{self.noun}s")

    @abstractmethod
    def cleaned(self, entry: Kept) -> Kept:
        """The entry as it is kept; DomainError for what can't be."""

    @abstractmethod
    def cells(self, entry: Kept) -> tuple[str, ...]:
        """The texts of ``columns``; DomainError where they could not be read again."""

    @abstractmethod
    def read(self, cells: Sequence[str], mark: dict[str, Any]) -> Kept:
        """The entry of ``cells`` and the fields id, revision, saved, deleted; any of ValueError,
        TypeError, AttributeError, KeyError and DomainError where it is damaged."""

    def save(self, entry: Kept, also: Sequence[Statement] = ()) -> Kept:
        """Add a revision and return it; an entry without id becomes a new one.

        When this returns the revision is on disk, and what the statements ``also`` wrote with it.
        ``Conflict`` where ``revision`` isn't the newest one any more; ``Refused`` where who acts
        may not: a viewer changes only what is their own, and without a name nothing.
        """
        actor = access.current()
        access.need_owner(tr("saving a {noun}", noun=tr(self.noun)), actor.name)
        now = datetime.now(UTC)
        fields = {
            f"{self.noun}_id": self.id_of(entry) or secrets.token_hex(6),
            "revision": entry.revision + 1,
            "saved": now,
        }
        saved = cast(Kept, replace(cast(Any, self.cleaned(entry)), **fields))
        key = self.id_of(saved), saved.revision, now.isoformat(), int(saved.deleted)
        row = *key, *self.cells(saved)
        with self._writing() as connection:
            newest = self._newest(connection, self.id_of(saved))
            owner = newest.owner if newest else actor.name
            access.need_owner(tr("changing this {noun}", noun=tr(self.noun)), owner)
            if (newest.revision if newest else 0) != entry.revision:
                theirs = newest or replace(cast(Any, entry), deleted=True)
                raise self.conflict(self.noun, entry, theirs)
            connection.execute(f"INSERT INTO revisions VALUES ({','.join('?' * len(row))})", row)
            connection.execute(SEALS)
            seal = _seal(row, owner)
            connection.execute("INSERT INTO seals VALUES (?, ?, ?)", (*key[:2], seal))
            if owner and newest is None:
                connection.execute(OWNERS)
                connection.execute("INSERT INTO owners VALUES (?, ?)", (key[0], owner))
            for statement, values in also:
                connection.execute(statement, values)
        return cast(Kept, replace(cast(Any, saved), owner=owner))

    def load(self, entry_id: str) -> Kept:
        """The newest version; DomainError where there is none, or it was deleted."""
        with self._reading() as connection:
            entry = self._newest(connection, entry_id) if connection else None
        if entry is not None and not entry.deleted:
            return entry
        noun = tr(self.noun)
        problem = tr("there is no {noun} {id!r}", noun=noun, id=entry_id)
        if entry is not None:
            problem = tr("the {noun} {name!r} was deleted", noun=noun, name=entry.name)
        raise self._problem(problem, tr("Choose one of the list"))

    def entries(self, corpus: str | None = None, user_id: str | None = None) -> list[Kept]:
        """The newest version of all that aren't deleted, the one saved last first.

        Those that can't be read are left out; ``count_unreadable`` says how many.
        """
        wanted = {"corpus": corpus, "user_id": user_id}
        about = [
            (len(FIELDS) + self.columns.index(column), value)
            for column, value in wanted.items()
            if value is not None
        ]
        entries = []
        for sealed in self._last_ones():
            if all(sealed.row[place] == value for place, value in about):
                with suppress(DomainError):
                    entries.append(self._read(sealed))
        return [entry for entry in entries if not entry.deleted]

    def count_unreadable(self) -> int:
        """How many of all that were saved can't be read: damaged, or of a newer version.

        Of every corpus and user: what was changed may be whom an entry is about.
        """
        return sum(not self._is_readable(sealed) for sealed in self._last_ones())

    def problem(self) -> str:
        """What is wrong with the file, as a sentence; empty where nothing is."""
        unreadable = self.count_unreadable()
        if unreadable:
            return trn(
                "{file} is damaged: 1 saved {noun} is left out. {remedy}.",
                "{file} is damaged: {n:,} are left out. {remedy}.",
                unreadable,
                file=self.file_name,
                noun=tr(self.noun),
                n=unreadable,
                remedy=tr(RESTORE),
            )
        if self.is_empty():
            return tr("{file} is empty: nothing was saved, or it was damaged.", file=self.file_name)
        return ""

    def is_empty(self) -> bool:
        """Whether there is a file without any table: of no bytes, or one whose log is gone."""
        with self._reading() as connection:
            return connection is None and self.path.exists()

    def audit(self) -> Audit:
        """Look at every revision that was ever saved."""
        with self._reading() as connection:
            rows = self._rows(connection) if connection else []
            unreadable = sum(not self._is_readable(sealed) for sealed in rows)
            if connection:
                unreadable += self.count_damaged_more(connection)
        return Audit(unreadable, sum(sealed.seal is None for sealed in rows))

    def count_damaged_more(self, connection: sqlite3.Connection) -> int:
        """How much of ``more_tables`` is damaged."""
        return 0

    def revisions(self, entry_id: str) -> list[Kept]:
        """Every version that was ever saved, oldest first; also of a deleted entry."""
        with self._reading() as connection:
            rows = self._rows(connection, entry_id) if connection else []
        return [self._read(sealed) for sealed in rows]

    def delete(self, entry: Kept) -> Kept:
        """Take it off the list, if it wasn't changed since; its revisions stay."""
        return self.save(cast(Kept, replace(cast(Any, entry), deleted=True)))

    def id_of(self, entry: Kept) -> str:
        """The entry's id; empty before its first save."""
        return str(getattr(entry, f"{self.noun}_id"))

    def _last_ones(self) -> list[Sealed]:
        """The newest revision of each entry, the one saved last first."""
        with self._reading() as connection:
            rows = self._rows(connection) if connection else []
        newest = {sealed.row[0]: sealed for sealed in rows}
        last_ones = sorted(newest.values(), key=lambda sealed: str(sealed.row[0]))
        return sorted(last_ones, key=lambda sealed: str(sealed.row[2]), reverse=True)

    def _rows(self, connection: sqlite3.Connection, entry_id: str | None = None) -> list[Sealed]:
        """All revisions, or those of one entry, in ascending order.

        A seal without a row is a damaged revision.
        """
        fields = ", ".join((f"{self.noun}_id", *FIELDS[1:], *self.columns))
        select = f"SELECT {fields} FROM revisions NOT INDEXED"  # no sentence
        if entry_id is None:
            rows = connection.execute(select).fetchall()
        else:
            where = f"{select} WHERE {self.noun}_id = ?"  # no sentence
            rows = connection.execute(where, (entry_id,)).fetchall()
        seals = self._seals(connection)
        keys = connection.execute(f"SELECT {self.noun}_id, revision FROM revisions NOT INDEXED")
        lost = set(seals) - set(keys)
        nothing = ("", 0, *("" for _ in self.columns))
        rows += [(*key, *nothing) for key in lost if entry_id in (None, key[0])]
        rows.sort(key=lambda row: (str(row[0]), str(row[1]).zfill(20)))
        unsealed = "" if lost else None  # a row without a seal may be one whose key was changed
        owners = self._owners(connection)
        return [Sealed(row, seals.get(row[:2], unsealed), owners.get(row[0], "")) for row in rows]

    def _owners(self, connection: sqlite3.Connection) -> dict[str, str]:
        """Who saved each entry first, by id; those that were saved without sign-in have none."""
        if not self._has(connection, "owners"):
            return {}
        rows = connection.execute("SELECT id, owner FROM owners NOT INDEXED").fetchall()
        return dict(rows)

    def _seals(self, connection: sqlite3.Connection) -> dict[tuple[str, int], str]:
        """The sha256 of each revision by id and number."""
        if not self._has(connection, "seals"):
            return {}
        rows = connection.execute("SELECT id, revision, sha256 FROM seals").fetchall()
        return {(entry_id, revision): seal for entry_id, revision, seal in rows}

    def _has(self, connection: sqlite3.Connection, table: str) -> bool:
        known = "SELECT COUNT(*) FROM sqlite_master WHERE name = ?"  # no sentence
        return bool(connection.execute(known, (table,)).fetchone()[0])

    def _newest(self, connection: sqlite3.Connection, entry_id: str) -> Kept | None:
        rows = self._rows(connection, entry_id)
        return self._read(rows[-1]) if rows else None

    def _is_readable(self, sealed: Sealed) -> bool:
        try:
            self._read(sealed)
        except DomainError:
            return False
        return True

    def _read(self, sealed: Sealed) -> Kept:
        entry_id, revision, saved, deleted, *cells = sealed.row
        try:
            if sealed.is_changed:
                raise ValueError("it was changed after it was saved")
            fields = {
                f"{self.noun}_id": entry_id,
                "revision": revision,
                "saved": datetime.fromisoformat(saved),
                "deleted": bool(deleted),
            }
            return cast(Kept, replace(cast(Any, self.read(cells, fields)), owner=sealed.owner))
        except (ValueError, AttributeError, TypeError, KeyError, DomainError):
            raise self._unreadable(entry_id, revision) from None

    def _unreadable(self, entry_id: object, revision: object) -> DomainError:
        noun = tr(self.noun)
        return DomainError(
            tr("a saved {noun} can't be read", noun=noun),
            where=tr(
                "{path}, {noun} {id}, revision {revision}",
                path=self.path,
                noun=noun,
                id=entry_id,
                revision=revision,
            ),
            remedy=tr(RESTORE),
        )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on disk when the block has ended."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unsaved(error.strerror or error) from None
        with self._translated(), closing(self._connect()) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            if not self._is_ours(connection):
                self._create(connection)
            yield connection
            connection.execute("COMMIT")
            with suppress(sqlite3.OperationalError):  # while others are at work it stays as it is
                connection.execute("PRAGMA journal_mode=WAL")

    def _create(self, connection: sqlite3.Connection) -> None:
        key = f"{self.noun}_id"
        texts = "".join(f"{column} TEXT NOT NULL, " for column in self.columns)  # no sentence
        connection.execute(
            f"CREATE TABLE revisions ({key} TEXT NOT NULL, revision INTEGER NOT NULL, "
            f"saved TEXT NOT NULL, deleted INTEGER NOT NULL, {texts}PRIMARY KEY ({key}, revision))"
        )
        for statement in self.more_tables:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={self.application_id}")
        connection.execute(f"PRAGMA user_version={self.version}")

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
        if owner != self.application_id:
            raise self._problem(
                tr("the file is not a store of {nouns}", nouns=self.nouns),
                tr("Move it out of the library; it was not changed"),
            )
        if version != self.version:
            raise self._problem(
                tr(
                    "the {nouns} were saved by another version of Tastelines (format {version})",
                    nouns=self.nouns,
                    version=version,
                ),
                tr("Use that version; the file was not changed"),
            )
        return True

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """SQLite's errors in words for a person."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            damage = tr("the file of {nouns} is damaged ({error})", nouns=self.nouns, error=error)
            problem = self._problem(damage, tr(RESTORE))
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                problem = self._problem(
                    tr("the {nouns} are in use by another program", nouns=self.nouns),
                    tr("Close it, or try again in a moment"),
                )
            elif code in NOT_WRITABLE:
                problem = self._unsaved(error)
            raise problem from error

    def _unsaved(self, reason: object) -> DomainError:
        problem = tr("the {nouns} can't be saved: {reason}", nouns=self.nouns, reason=reason)
        return self._problem(problem, tr(MAKE_WRITABLE))

    def _problem(self, what: str, remedy: str) -> DomainError:
        return DomainError(what, where=str(self.path), remedy=remedy)


def _seal(row: Row, owner: str) -> str:
    """sha256 of all that a row holds, and of whose it is."""
    cells = [*row, owner] if owner else row
    content = json.dumps([repr(cell) if isinstance(cell, bytes) else cell for cell in cells])
    return hashlib.sha256(content.encode()).hexdigest()


def _open(address: str) -> sqlite3.Connection:
    return sqlite3.connect(address, uri=True, timeout=PATIENCE, isolation_level=None)


def clean_name(name: str, noun: str, longest: int) -> str:
    """A name as it is kept, one line; DomainError for an empty or too long one."""
    name = " ".join(clean_text(name).split())
    if not name:
        problem = tr("the {noun} has no name", noun=tr(noun))
        raise DomainError(problem, remedy=trc("name", "Give it one"))
    if len(name) > longest:
        raise DomainError(
            tr("the name has {n} characters", n=len(name)), remedy=tr("Keep it to {n}", n=longest)
        )
    return name


def clean_notes(notes: str) -> str:
    """Notes as they are kept; DomainError for too long ones."""
    notes = clean_text(notes)
    if len(notes) > LONGEST_NOTES:
        raise DomainError(
            tr("the notes have {n:,} characters", n=len(notes)),
            remedy=tr("Keep them to {n:,}", n=LONGEST_NOTES),
        )
    return notes

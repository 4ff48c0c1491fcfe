"""Records of work in processes of their own: how every server of a library follows it.

A record is a file of JSON lines in the library's folder ``jobs``, one line for whatever happens to
the job. The process appends its progress and its end, any server appends Stop; no line is ever
changed, and the first end counts. So a job goes on when its server ends, and the next one finds it.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock
from typing import IO, Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from core.access import Role
from core.domain import DomainError, Stopped
from core.files import reason_of
from core.language import mark, tr
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report

FOLDER, SUFFIX, LOG, LOCK = "jobs", ".jsonl", ".log", ".lock"
AT_ONCE = {"training": 1, "evaluation": 2}
"""How many of a kind one library does at a time: each has a model of its own in memory."""
WAITS = {
    "training": mark("Waiting for another training"),
    "evaluation": mark("Waiting for another evaluation"),
}
"""What work says that waits for its turn."""
LOOK = 0.2
"""Seconds between two looks at a record."""
PS_EVERY = 2.0
"""Seconds between two looks at a process where each of them starts another one."""

Ended = Literal["done", "stopped", "failed"]
Seconds = Annotated[float, Field(ge=0, le=1e11)]
_COUNT = TypeAdapter(Annotated[int, Field(ge=0, le=2**53)])
_LEFT = TypeAdapter(Seconds | None)


class Process(NamedTuple):
    """A process by its number and when it began: the number alone is given to others later."""

    pid: int
    began: str

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has this number now."""
        return cls(pid, _began(pid))

    @property
    def is_alive(self) -> bool:
        """Whether it still runs; one that nobody has reaped yet doesn't."""
        return bool(self.began) and _began(self.pid) == self.began

    def kill(self) -> None:
        """End it at once, if it is still the same one."""
        if self.is_alive:
            with suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)


def _began(pid: int) -> str:
    """When a process began, as the system counts; empty where there is none."""
    if Path("/proc/self/stat").exists():
        try:
            state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            return ""
        return "" if state in "ZX" else f"{boot_id()} {fields[18]}"
    return _told_by_ps(pid, int(time.monotonic() // PS_EVERY))


@lru_cache(maxsize=64)
def _told_by_ps(pid: int, _time: int) -> str:
    """What ``_began`` says where there is no /proc; in one language and zone for all servers."""
    words = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    places = os.environ | {"LC_ALL": "C", "TZ": "UTC"}
    try:
        told = subprocess.run(words, capture_output=True, text=True, check=False, env=places)
    except OSError:
        return ""
    state, _, began = told.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else began.strip()


@cache
def boot_id() -> str:
    """What tells this start of the machine from others: processes are counted from it."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


class File(NamedTuple):
    """A file, as its system counts them: a copy is another one."""

    device: int
    number: int

    @classmethod
    def of(cls, handle: int) -> File:
        """The file that is open."""
        told = os.fstat(handle)
        return cls(told.st_dev, told.st_ino)


class Facts(BaseModel):
    """What a job is about; not who asked for it, since all users of the machine may read it."""

    model_config = ConfigDict(frozen=True)

    kind: str
    target: str
    link: dict[str, str | None] = {}
    role: Role
    """What who asked may do."""
    since: Seconds
    """When it was asked for, in seconds since 1970."""


class End(BaseModel):
    """How a job ended: the path of what it made, or an error in words."""

    model_config = ConfigDict(frozen=True)

    state: Ended
    seconds: Seconds
    made: str | None = None
    what: str = ""
    where: str = ""
    remedy: str = ""


class Line(BaseModel):
    """One thing that happened to a job."""

    model_config = ConfigDict(frozen=True)

    job: Facts | None = None
    file: File | None = None
    process: Process | None = None
    """Who answers for it now: the server that will start its process, then that process."""
    progress: Progress | None = None
    curve: list[dict[str, float]] = []
    """Further points of ``Job.curve``."""
    stop: bool = False
    put_away: bool = False
    end: End | None = None

    @field_validator("progress")
    @classmethod
    def _can_be_shown(cls, progress: Progress | None) -> Progress | None:
        if progress is not None:
            _COUNT.validate_python(progress.done)
            _COUNT.validate_python(progress.total)
            _LEFT.validate_python(progress.seconds_left)
        return progress

    @field_validator("curve")
    @classmethod
    def _can_be_drawn(cls, curve: list[dict[str, float]]) -> list[dict[str, float]]:
        if not all(math.isfinite(point.get("done", math.nan)) for point in curve):
            raise ValueError("a point has no place")
        return curve


class Record:
    """The file of one job, and what it has said so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts: Facts | None = None
        self.process: Process | None = None
        self.has_begun = False
        """Whether that is the job's own process, no server any more."""
        self.progress: Progress | None = None
        self.curve: list[dict[str, float]] = []
        self.is_stopping = self.is_put_away = self.is_gone = False
        self.is_copy = False
        """Whether the library was copied while the job ran: the process is the original's."""
        self.end: End | None = None
        self._place, self._lock = 0, Lock()

    @classmethod
    def begin(cls, root: Path, facts: Facts) -> Record:
        """A new record in a library; DomainError where none can be written."""
        record = cls(root / FOLDER / f"{secrets.token_hex(8)}{SUFFIX}")
        with _told(root):
            record.path.parent.mkdir(parents=True, exist_ok=True)
            with record.path.open("xb") as file:
                made = File.of(file.fileno())
            record.append(job=facts, file=made, process=Process.of(os.getpid()))
        record.look()
        return record

    @property
    def is_alive(self) -> bool:
        """Whether who answers for it still runs."""
        return self.process is not None and not self.is_copy and self.process.is_alive

    @property
    def is_over(self) -> bool:
        """Whether its end is told and its process is gone."""
        return self.end is not None and not (self.has_begun and self.is_alive)

    def kill(self) -> None:
        """End the job's process at once, if it has one of its own."""
        if self.process is not None and self.has_begun and not self.is_copy:
            self.process.kill()

    @property
    def log(self) -> Path:
        """What its process said besides: tracebacks and warnings."""
        return self.path.with_suffix(LOG)

    def append(self, **facts: Any) -> None:
        """Say something more; OSError where that can't be, also where the record is gone."""
        try:  # json's: pydantic's own has no words for a path that is no UTF-8
            said = json.dumps(Line(**facts).model_dump(exclude_defaults=True))
        except (TypeError, ValueError) as error:
            raise OSError(f"no line of a record: {error}") from error
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:  # a line that a full disk has cut off takes none with it
            os.write(handle, f"\n{said}\n".encode())
        finally:
            os.close(handle)

    def look(self) -> None:
        """Read what was said since the last look; a line that is none is passed over."""
        with self._lock:
            try:
                if self.path.stat().st_size == self._place:
                    return
                with self.path.open("rb") as file:
                    file.seek(self._place)
                    said, file_now = file.read(), File.of(file.fileno())
            except FileNotFoundError:
                self.is_gone = True
                return
            except OSError:
                return
            whole = said[: said.rfind(b"\n") + 1]
            self._place += len(whole)
            for line in whole.splitlines():
                with suppress(ValueError, RecursionError):
                    self._take(Line.model_validate(json.loads(line)), file_now)

    def _take(self, line: Line, file: File) -> None:
        self.facts = self.facts or line.job
        self.is_copy |= line.file is not None and line.file != file
        self.has_begun |= line.process is not None and line.job is None
        self.process = line.process or self.process
        self.progress = line.progress or self.progress
        self.curve += line.curve
        self.is_stopping |= line.stop
        self.is_put_away |= line.put_away
        self.end = self.end or line.end

    def close(self, error: Exception | None, seconds: float, made: Path | None = None) -> bool:
        """Say how it ended, unless that was said; whether it is."""
        self.look()
        if self.end is not None:
            return True
        end = End(state="done", seconds=seconds, made=str(made) if made is not None else None)
        if isinstance(error, DomainError):
            words = {"what": error.what, "where": error.where, "remedy": error.remedy}
            end = End(state="failed", seconds=seconds, **words)
        elif error is not None:
            end = End(state="stopped", seconds=seconds)
        try:
            self.append(end=end)
        except OSError:
            return self.is_gone
        return True

    @property
    def made(self) -> Path | None:
        """What it has made so far that is kept, whatever comes after."""
        made = self.progress.made if self.progress is not None else None
        return Path(made) if made is not None else None

    def outcome(self) -> Path | None:
        """What it made, once it has ended; raises the DomainError or Stopped that it ended with."""
        assert self.end is not None
        if self.end.state == "failed":
            raise DomainError(self.end.what, where=self.end.where, remedy=self.end.remedy)
        if self.end.state == "stopped":
            raise Stopped
        return Path(self.end.made) if self.end.made is not None else None

    def remove(self) -> None:
        """Forget the job: its process, if there is one, ends at its next look."""
        for path in (self.path, self.log):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def record_paths(root: Path) -> list[Path]:
    """The records of a library."""
    try:
        return [path for path in (root / FOLDER).iterdir() if path.suffix == SUFFIX]
    except OSError:
        return []


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Let no other process begin a job meanwhile; DomainError where none can be begun."""
    with _told(root):
        (root / FOLDER).mkdir(parents=True, exist_ok=True)
        file = (root / FOLDER / LOCK).open("w")
    with file as lock:
        with _told(root):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def turn(
    kind: str, root: Path, progress: ProgressCallback | None, stop: StopCallback | None
) -> Iterator[None]:
    """Few works of a kind (``AT_ONCE``) at a time, whichever process does them; raises Stopped."""
    with ExitStack() as files:
        with _told(root):
            (root / FOLDER).mkdir(parents=True, exist_ok=True)
            names = [f".{kind}{number or ''}" for number in range(AT_ONCE[kind])]
            locks = [files.enter_context((root / FOLDER / name).open("w")) for name in names]
        while True:
            with _told(root):
                if any(_lock_free(lock) for lock in locks):
                    break
            check_stop(stop)
            report(progress, Progress(WAITS[kind], 0, 1))
            time.sleep(LOOK)
        yield


def _lock_free(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _told(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DomainError(
            tr(
                "the work can't be started: its record can't be written ({reason})",
                reason=reason_of(error),
            ),
            where=str(root / FOLDER),
            remedy=tr("Make space or give write rights, or choose another --library"),
        ) from None

"""Work in a process of its own: told what to do, followed by its record, said where it is gone.

``core.child`` is what runs in the process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import access, language
from core.domain import DomainError, Stopped
from core.files import reason_of
from core.home import INSTALLED, PACKAGE
from core.language import tr
from core.progress import ProgressCallback, StopCallback
from core.records import LOOK, Process, Record

NICE = 10
"""How far a process stands behind the servers where processors are short."""
DEAF = 10.0
"""Seconds after Stop when a process that doesn't end is killed."""
UNTOLD = 75
"""How a process exits that couldn't write its end; else it exits with 0."""
LAST_LOOK = 5.0
"""Seconds that a process has to go after it has told its end."""
START = (
    "import runpy, sys; at, place, module = sys.argv[1:4]; del sys.argv[1:4]; "
    "sys.path.insert(int(at), place); runpy.run_module(module, run_name='__main__')"  # no sentence
)
"""Like ``python -m MODULE``, which would look for modules in the current folder first."""
FIRST, LAST = 0, 1_000
"""Where its own folder stands among those of modules: a checkout goes before all others."""
THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS")


@dataclass(frozen=True)
class Task:
    """Work that a process can be told: a function of a module, and what it is called with.

    Called as ``function(root, progress=..., stop=..., **facts)``, it opens the library at ``root``
    and returns the path of what it made, or None. ``facts`` are JSON. Called like other work, a
    task runs here.
    """

    function: Callable[..., Path | None]
    root: Path
    facts: Mapping[str, Any]

    def __call__(self, progress: ProgressCallback, stop: StopCallback) -> Path | None:
        """Do it here."""
        return self.function(self.root, progress=progress, stop=stop, **self.facts)


def run(task: Task, record: Record, progress: ProgressCallback, stop: StopCallback) -> Path | None:
    """Do a task in a process of its own and follow it to its end, as ``follow``."""
    facts = record.facts
    assert facts is not None
    told = {
        "record": str(record.path),
        "function": f"{task.function.__module__}:{task.function.__name__}",
        "root": str(task.root),
        "facts": dict(task.facts),
        "kind": facts.kind,
        "target": facts.target,
        "role": facts.role,
        "name": access.current().name,
        "language": language.current(),
    }
    place = [str(LAST if INSTALLED else FIRST), str(PACKAGE.parent), f"{PACKAGE.name}.child"]
    try:
        with record.log.open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-P", "-c", START, *place],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=os.environ | {name: str(threads_left(name)) for name in THREADS},
                start_new_session=True,  # Ctrl-C ends the server alone
            )
    except OSError as error:
        raise DomainError(
            tr("the job's process can't be started ({reason})", reason=reason_of(error)),
            where=str(record.path.parent),
            remedy=tr("Make space or free memory, then start it again"),
        ) from None
    with suppress(OSError):  # as the process itself says, once it can
        record.append(process=Process.of(child.pid))
    assert child.stdin is not None
    with suppress(OSError), child.stdin:  # of one that ended at once, which ``follow`` tells
        child.stdin.write(json.dumps(told).encode())
    try:
        return follow(record, progress, stop, child)
    finally:
        with suppress(OSError):
            if not record.log.stat().st_size:
                record.log.unlink()


def threads_left(name: str) -> int:
    """Threads that leave a processor to the servers; no more than the variable ``name`` says."""
    set_before = os.environ.get(name, "")
    left = max(usable_processors() - 1, 1)
    return min(left, int(set_before)) if set_before.isdecimal() and int(set_before) else left


def usable_processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def follow(
    record: Record,
    progress: ProgressCallback,
    stop: StopCallback,
    child: subprocess.Popen[bytes] | None = None,
) -> Path | None:
    """Hand on a job's progress and Stop until it ends; its result, or what it ended with.

    ``child`` where this process has started it. DomainError where its process is gone.
    """
    shown, deaf_since = None, 0.0
    while True:
        is_over = not _runs(record, child)  # before the look: its last words may just have come
        record.look()
        if record.progress is not None and record.progress is not shown:
            shown = record.progress
            progress(shown)
        if record.end is not None or record.is_gone:
            _let_go(record, child)
            if record.end is None:
                raise Stopped
            return record.outcome()
        if is_over:
            if record.made is not None:
                return record.made
            raise _killed(record, child)
        is_told = stop()
        if is_told and not record.is_stopping:
            with suppress(OSError):  # a full disk: then it is killed
                record.append(stop=True)
        if is_told or record.is_stopping:
            deaf_since = deaf_since or time.monotonic()
            if time.monotonic() - deaf_since > DEAF:
                _kill(record, child)
                if record.made is not None:
                    return record.made
                raise Stopped
        time.sleep(LOOK)


def _runs(record: Record, child: subprocess.Popen[bytes] | None) -> bool:
    if child is not None:
        return child.poll() is None
    return record.is_alive


def _kill(record: Record, child: subprocess.Popen[bytes] | None) -> None:
    if child is not None:
        child.kill()
        child.wait()
    else:
        record.kill()


def _let_go(record: Record, child: subprocess.Popen[bytes] | None) -> None:
    """See to it that nobody is left behind once the end is told."""
    last = time.monotonic() + LAST_LOOK
    while record.has_begun and _runs(record, child) and time.monotonic() < last:
        time.sleep(LOOK / 10)
    _kill(record, child)


def _killed(record: Record, child: subprocess.Popen[bytes] | None) -> DomainError:
    """What to say of a process that ended without a word."""
    code = child.returncode if child is not None else None
    where = record.facts.target if record.facts is not None else ""
    with suppress(OSError):
        where = str(record.log) if record.log.stat().st_size else where
    if record.is_copy:
        return DomainError(
            tr("the library was copied while the job ran; nothing runs in the copy"),
            where=where,
            remedy=tr("Start it again here if you need its result here"),
        )
    if code == UNTOLD:
        return DomainError(
            tr("the job has ended, but how can't be written to its record"),
            where=where,
            remedy=tr("Make space, then look whether its result is there"),
        )
    if code is not None and code < 0:
        what = tr(
            "the job's process was killed or crashed (signal {signal}); nothing incomplete was "
            "kept",
            signal=-code,
        )
    else:
        what = tr("the job's process ended without saying how; nothing incomplete was kept")
    return DomainError(
        what,
        where=where,
        remedy=tr("Start it again. If the machine ran out of memory, free some first"),
    )

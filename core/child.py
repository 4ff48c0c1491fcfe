"""The other side of ``core.processes``: a process that does one task and tells the task's record.

Run by ``core.processes.run`` alone, which says on standard input what to do. What to call comes
from there, never from a file of the library.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from core import access, jobs, language
from core.access import Actor, Role
from core.domain import Stopped
from core.language import tr
from core.processes import NICE, UNTOLD, Task
from core.progress import ProgressCallback, StopCallback
from core.records import Process, Record

LOOK, TELL, POINTS = 0.1, 0.5, 5
"""Seconds between two looks at the job and at its record, between two reports there, and the most
points of the curve that one of them adds."""
OOM, MOST = 500, 1_000
"""How far before the servers the system kills a process where memory is short, and the most."""
PATIENCE = 1.0
"""Seconds after Stop until the process ends though the work has not heard it: what was half-made
is removed as after a kill, when its folder is next looked into."""


def main() -> None:
    """Do what standard input says, then end this process."""
    os.nice(NICE)
    with suppress(OSError):
        score = Path("/proc/self/oom_score_adj")
        score.write_text(str(min(int(score.read_text()) + OOM, MOST)))
    told = json.load(sys.stdin)
    record = Record(Path(told["record"]))
    record.append(process=Process.of(os.getpid()))

    def work(progress: ProgressCallback, stop: StopCallback) -> Path | None:
        return task_of(told)(progress, stop)

    language.choose(told["language"])
    with access.acting(Actor(Role(told["role"]), told["name"])):
        details = tr("{log} has the details", log=record.log)
        job = jobs.Job(told["kind"], told["target"], work, details=details)
    error = attend(job, record)
    made = job.result
    if isinstance(error, Stopped) and job.progress is not None and job.progress.made is not None:
        error, made = None, Path(job.progress.made)
    is_told = record.close(error, job.seconds, made)
    with suppress(OSError):
        if not is_told:
            end = "stopped" if isinstance(error, Stopped) else error or made or "done"
            said = f"The end can't be written to the job's record: {end}"  # no sentence
            print(said, file=sys.stderr)
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
    # threads of libraries that are still busy would abort a usual end
    os._exit(0 if is_told else UNTOLD)


def task_of(told: dict[str, Any]) -> Task:
    """The task that a server has told."""
    module, _, name = told["function"].partition(":")
    return Task(getattr(import_module(module), name), Path(told["root"]), told["facts"])


def attend(job: jobs.Job[Path | None], record: Record) -> Exception | None:
    """Tell a job's progress and hand on Stop until it ends; what it ended with."""
    shown, points, told, since, is_over = None, 0, 0.0, 0.0, False
    while not is_over:
        is_over = jobs.wait_for(job, LOOK)
        is_due = is_over or time.monotonic() - told >= TELL
        if is_due and (job.progress != shown or len(job.curve) > points):
            told = time.monotonic()
            shown, further = job.progress, job.curve[points:]
            points += len(further)
            every = max(-(-len(further) // POINTS), 1)
            further = further[::-every][::-1]  # the last one in any case
            with suppress(OSError):  # a full disk ends nothing but the telling
                record.append(progress=shown, curve=further)
        record.look()
        if record.is_stopping or record.is_gone or record.end is not None:
            since = since or time.monotonic()
            job.stop()
            if not is_over and time.monotonic() - since > PATIENCE:
                return Stopped()
    error = job.future.exception()
    assert error is None or isinstance(error, Exception)
    return error


if __name__ == "__main__":
    main()

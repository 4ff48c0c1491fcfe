"""Long work in background threads: it goes on when the page is left, and Stop is heard.

The registry belongs to the server process, so every session sees the same jobs.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from core.domain import DomainError, Stopped
from core.progress import Progress, ProgressCallback, StopCallback

State = Literal["running", "done", "stopped", "failed"]
Kind = Literal["import", "train", "evaluate", "uses", "lists", "turnover"]
Work = Callable[[ProgressCallback, StopCallback], Any]

KEPT = 20
"""Finished jobs that are remembered."""


@dataclass
class Job:
    """One piece of long work and what is known about it."""

    number: int
    """Counts up; identifies the job."""
    kind: Kind
    """What it does."""
    target: str
    """Which corpus it is about."""
    state: State = "running"
    """Where it stands."""
    progress: Progress | None = None
    """The latest report."""
    curve: list[dict[str, float]] = field(default_factory=list)
    """Figures of all reports that had any, oldest first."""
    result: Any = None
    """What the work returned, when it is done."""
    error: DomainError | None = None
    """Why it failed, in words for a person."""
    started: float = field(default_factory=time.monotonic)
    """When it began, on the monotonic clock."""
    finished: float | None = None
    """When it ended, on the monotonic clock."""
    _stop: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Ask the work to end; it does at its next check."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """True between Stop and the end."""
        return self.state == "running" and self._stop.is_set()

    @property
    def seconds(self) -> float:
        """How long it has run, or ran."""
        return (self.finished or time.monotonic()) - self.started

    def run(self, work: Work) -> None:
        """Do the work in this thread and record how it ended."""
        try:
            self.result = work(self._report, self._stop.is_set)
            self.state = "done"
        except Stopped:
            self.state = "stopped"
        except DomainError as error:
            self.error, self.state = error, "failed"
        except Exception as error:
            logging.getLogger(__name__).exception("%s of %s failed", self.kind, self.target)
            self.error = DomainError(
                f"the {self.kind} ended with an unexpected error ({type(error).__name__})",
                where=self.target,
                remedy="The terminal that runs the app has the details",
            )
            self.state = "failed"
        finally:
            self.finished = time.monotonic()

    def _report(self, progress: Progress) -> None:
        self.progress = progress
        if progress.figures:
            self.curve.append({"done": float(progress.done), **progress.figures})


_jobs: dict[int, Job] = {}
_numbers = itertools.count(1)
_lock = threading.Lock()


def start(kind: Kind, target: str, work: Work) -> Job:
    """Begin ``work`` in the background; one job of a kind per corpus at a time."""
    with _lock:
        for job in _jobs.values():
            if (job.kind, job.target, job.state) == (kind, target, "running"):
                return job
        job = Job(next(_numbers), kind, target)
        _jobs[job.number] = job
        for old in [n for n, j in _jobs.items() if j.state != "running"][:-KEPT]:
            del _jobs[old]
    threading.Thread(target=job.run, args=(work,), name=f"{kind} {target}", daemon=True).start()
    return job


def jobs() -> list[Job]:
    """All known jobs, newest first."""
    with _lock:
        return sorted(_jobs.values(), key=lambda job: -job.number)


def running() -> list[Job]:
    """Jobs that are at work now."""
    return [job for job in jobs() if job.state == "running"]


def forget(number: int) -> None:
    """Drop a finished job from the list."""
    with _lock:
        job = _jobs.get(number)
        if job is not None and job.state != "running":
            del _jobs[number]

"""Long work beside its caller: it reports progress, hears Stop, ends in a result or an error.

The registry belongs to the process, so every session of a server sees the same jobs. Work that
sessions ask for by the dozen shares the few threads of a ``Pool``.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import Any, Generic, Literal, TypeVar

from core.domain import DomainError, Stopped
from core.progress import Pace, Progress, ProgressCallback, StopCallback, check_stop

State = Literal["running", "done", "stopped", "failed"]
Result = TypeVar("Result")
Work = Callable[[ProgressCallback, StopCallback], Result]

KEPT = 20
"""Finished jobs of a kind that are remembered."""
LOOKS_EVERY = 0.1
"""Seconds between looks whether a job that waits for another one was stopped."""
_numbers = itertools.count(1)


class Pool:
    """At most ``size`` threads for many small works, first come, first served.

    A thread ends when nothing waits. They are daemons, unlike an executor's, which Python joins at
    exit: a training would keep a stopped server alive.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], None]] = deque()
        self._threads = 0

    def start(self, work: Callable[[], None], name: str) -> None:
        """Do ``work`` in one of the threads, as soon as one is free."""
        with self._lock:
            self._waiting.append(work)
            if self._threads == self.size:
                return
            self._threads += 1
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads -= 1
                    return
                work = self._waiting.popleft()
            work()


class Job(Generic[Result]):
    """One piece of work, and what is known about it.

    In a thread of ``pool``, else in one of its own; not before those of ``after`` have ended. It
    stops when told, and when ``wanted`` says that nobody waits for it; before it begins too.
    """

    def __init__(
        self,
        kind: str,
        target: str,
        work: Work[Result],
        *,
        pool: Pool | None = None,
        after: Sequence[Job[Any]] = (),
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        self.number = next(_numbers)
        self.kind, self.target = kind, target
        self.progress: Progress | None = None
        """The latest report."""
        self.curve: list[dict[str, float]] = []
        """Figures of all reports that had any, oldest first."""
        self.is_put_away = False
        """Whether a person has read how it ended."""
        self.future: Future[Result] = Future()
        self._started, self._finished = time.monotonic(), 0.0
        self._stop, self._wanted, self._pace = threading.Event(), wanted, Pace()
        (pool or Pool(1)).start(lambda: self._run(work, after), f"{kind} {target}")

    @property
    def state(self) -> State:
        """Where it stands."""
        if not self.future.done():
            return "running"
        error = self.future.exception()
        return "done" if error is None else "stopped" if isinstance(error, Stopped) else "failed"

    @property
    def result(self) -> Result | None:
        """What the work returned; None before it is done."""
        return self.future.result() if self.state == "done" else None

    @property
    def error(self) -> DomainError | None:
        """Why it failed, in words for a person."""
        error = self.future.exception() if self.future.done() else None
        return error if isinstance(error, DomainError) else None

    @property
    def stopping(self) -> bool:
        """True between Stop and the end."""
        return self._stop.is_set() and not self.future.done()

    @property
    def seconds(self) -> float:
        """How long it has run, or ran."""
        return (self._finished or time.monotonic()) - self._started

    def stop(self) -> None:
        """Ask the work to end; it does at its next check."""
        self._stop.set()

    def put_away(self) -> None:
        """Note that a person has read how it ended."""
        self.is_put_away = True

    def should_stop(self) -> bool:
        """Whether it was told to end, or nobody waits for it any more."""
        if not self._wanted():
            self.stop()
        return self._stop.is_set()

    def _run(self, work: Work[Result], after: Sequence[Job[Any]]) -> None:
        error: Exception | None = None
        try:
            while wait([job.future for job in after], LOOKS_EVERY).not_done:
                check_stop(self.should_stop)
            check_stop(self.should_stop)
            result = work(self._report, self.should_stop)
        except (Stopped, DomainError) as ended:
            error = ended
        except Exception as defect:
            logging.getLogger(__name__).exception("%s of %s failed", self.kind, self.target)
            error = DomainError(
                f"the {self.kind} ended with an unexpected error ({type(defect).__name__})",
                where=self.target,
                remedy="The terminal that runs the app has the details",
            )
        self._finished = time.monotonic()
        if error is None:
            self.future.set_result(result)
        else:  # without its frames, which would keep their data alive
            self.future.set_exception(error.with_traceback(None))

    def _report(self, progress: Progress) -> None:
        self.progress = self._pace.timed(progress)
        if progress.figures:
            self.curve.append({"done": float(progress.done), **progress.figures})


_jobs: dict[int, Job[Any]] = {}
_lock = threading.Lock()


def start(kind: str, target: str, work: Work[Result]) -> Job[Result]:
    """Begin ``work``; where a job of this kind about this target is running, return that one.

    One that was told to stop runs to its next check. The new one waits for it: two imports or
    trainings of one corpus must not write at the same time.
    """
    with _lock:
        same = [job for job in _jobs.values() if job.kind == kind]
        running = [job for job in same if job.target == target and job.state == "running"]
        if running and not running[-1].stopping:
            return running[-1]
        for old in [job for job in same if job.state != "running"][:-KEPT]:
            del _jobs[old.number]
        started = Job(kind, target, work, after=running)
        _jobs[started.number] = started
        return started


def jobs(*kinds: str) -> list[Job[Any]]:
    """All known jobs, or those of some kinds, newest first."""
    with _lock:
        known = [job for job in _jobs.values() if not kinds or job.kind in kinds]
    return sorted(known, key=lambda job: -job.number)


def find(kind: str, target: str) -> Job[Any] | None:
    """The latest job of a kind about a target."""
    return next((job for job in jobs(kind) if job.target == target), None)


def forget(number: int) -> None:
    """Drop a finished job from the list."""
    with _lock:
        if number in _jobs and _jobs[number].state != "running":
            del _jobs[number]

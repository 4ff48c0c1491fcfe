"""Long work beside its caller: it reports progress, hears Stop, ends in a result or an error.

The registry belongs to the process, so every session of a server sees the same jobs; only editors
start, stop and remove those that change the library. A job goes on as whoever started it. Work that
sessions ask for by the dozen shares the few threads of a ``Pool``; a ``Task`` has a process of its
own, which every server of its library hears (``hear``) and none takes along when it ends.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from core import access, language
from core.domain import DomainError, Stopped
from core.language import mark, tr
from core.pool import Pool
from core.processes import Task, follow, run
from core.progress import Pace, Progress, ProgressCallback, StopCallback, check_stop
from core.records import Facts, Record, locked, record_paths
from core.threads import take_share

State = Literal["running", "done", "stopped", "failed"]
Result = TypeVar("Result")
Work = Callable[[ProgressCallback, StopCallback], Result]

KEPT = 20
"""Finished jobs of a kind that are remembered."""
LOOKS_EVERY = 0.1
"""Seconds between looks whether a job that waits for another one was stopped."""
COURTESY = 0.2
"""Seconds that work gives way at most, and that it goes on before it gives way again."""
OWN_PROCESS = True
"""Whether a ``Task`` has a process of its own; else it runs in a thread, as all other work."""
TERMINAL = mark("The terminal that runs the app has the details")
KINDS = (
    *(mark("ablation"), mark("atlas"), mark("evaluate"), mark("import"), mark("lists")),
    *(mark("monitor"), mark("off-policy"), mark("search"), mark("second_map"), mark("states")),
    *(mark("strategy"), mark("train"), mark("turnover"), mark("turns"), mark("update")),
    *(mark("what_if"), mark("windows"), mark("explanation"), mark("encoder")),
)
"""Kinds of jobs, as errors name them in other languages."""
_numbers = itertools.count(1)


class _Front:
    """How many pages are being made now, and whether this thread makes one."""

    def __init__(self) -> None:
        self.pages, self.free, self.mine = 0, threading.Condition(), threading.local()

    def change(self, pages: int) -> None:
        with self.free:
            self.pages += pages
            self.mine.pages = self.in_this_thread + pages
            if not self.pages:
                self.free.notify_all()

    @property
    def in_this_thread(self) -> int:
        return getattr(self.mine, "pages", 0)


_front = _Front()


@contextmanager
def in_front() -> Iterator[None]:
    """Let background work give way while the block makes what a person waits for.

    It does at its looks, at most half the time, so that it goes on however many pages are asked
    for. A lower priority of its threads would not do: where the machine is busy, one that
    holds the interpreter's lock and gets no processor would hold up every page.
    """
    _front.change(1)
    try:
        yield
    finally:
        _front.change(-1)


def _give_way() -> None:
    mine = _front.mine
    if _front.pages and time.monotonic() - getattr(mine, "gave_way", -COURTESY) >= COURTESY:
        with _front.free:
            _front.free.wait_for(lambda: not _front.pages, COURTESY)
        mine.gave_way = time.monotonic()


class Job(Generic[Result]):
    """One piece of work, and what is known about it.

    In a thread of ``pool``, else in one of its own; not before those of ``after`` have ended. It
    stops when told, and when ``wanted`` says that nobody waits for it; before it begins too. A
    ``shared`` one is everybody's, so only editors stop it, and who asked where it only ``reads``;
    ``whose`` turn it is in the pool. One that other servers hear too has a ``record``. ``details``
    says where more is found of an unexpected error.
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
        shared: bool = False,
        reads: bool = False,
        whose: str = "",
        record: Record | None = None,
        details: str = TERMINAL,
    ) -> None:
        self.number = next(_numbers)
        self.kind, self.target = kind, target
        self.progress: Progress | None = record.progress if record is not None else None
        """The latest report."""
        self.curve: list[dict[str, float]] = record.curve if record is not None else []
        """Figures of all reports that had any, oldest first."""
        self.link: dict[str, str | None] = {}
        """What the address of its result says beside its target."""
        self.record = record
        self.future: Future[Result] = Future()
        self._started, self._finished = time.monotonic(), 0.0
        if record is not None and record.facts is not None:
            self._started -= max(time.time() - record.facts.since, 0.0)
        self._is_put_away, self._details = False, details
        self._stop, self._wanted, self._pace = threading.Event(), wanted, Pace()
        self._shared, self._reads, self._actor = shared, reads, access.current()
        self._language = language.current()
        if record is not None and record.is_over:
            self._run(work, after)  # at once: there is nothing to wait for
        else:
            (pool or Pool(1)).start(lambda: self._run(work, after), f"{kind} {target}", whose)

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
        """True between Stop and the end, whichever server was told."""
        is_told = self._stop.is_set() or (self.record is not None and self.record.is_stopping)
        return is_told and not self.future.done()

    @property
    def is_put_away(self) -> bool:
        """Whether a person has read how it ended."""
        return self._is_put_away or (self.record is not None and self.record.is_put_away)

    @property
    def may_stop(self) -> bool:
        """Whether who acts may stop it and put it away."""
        is_asker = self._reads and access.current() == self._actor
        return not self._shared or is_asker or access.may_edit()

    @property
    def seconds(self) -> float:
        """How long it has run, or ran."""
        return (self._finished or time.monotonic()) - self._started

    def stop(self) -> None:
        """Ask the work to end at its next check; ``Refused`` unless ``may_stop``."""
        if not self.may_stop:
            access.need_editor(tr("stopping the {kind}", kind=tr(self.kind)))
        self._stop.set()

    def put_away(self) -> None:
        """Note that a person has read how it ended; ``Refused`` unless ``may_stop``."""
        if not self.may_stop:
            access.need_editor(tr("putting a job away"))
        self._is_put_away = True
        if self.record is not None:
            with suppress(OSError):
                self.record.append(put_away=True)

    def should_stop(self) -> bool:
        """Whether it was told to end, or nobody waits for it any more; gives way to pages."""
        if self.record is None:
            _give_way()
        if not self._wanted():
            self._stop.set()
        return self._stop.is_set()

    def _run(self, work: Work[Result], after: Sequence[Job[Any]]) -> None:
        error: Exception | None = None
        result: Any = None
        try:
            while wait([job.future for job in after], LOOKS_EVERY).not_done:
                check_stop(self.should_stop)
            check_stop(self.should_stop)
            if self.record is None:
                take_share()
            with access.acting(self._actor), language.speaking(self._language):
                result = work(self._report, self.should_stop)
        except (Stopped, DomainError) as ended:
            error = ended
        except Exception as defect:
            logging.getLogger(__name__).exception("%s of %s failed", self.kind, self.target)
            with language.speaking(self._language):
                error = self._unexpected(defect)
        self._finished = time.monotonic()
        try:
            if self.record is not None:
                if not access.is_read_only():
                    self.record.close(error, self.seconds, result)
                if self.record.end is not None:
                    self._finished = self._started + self.record.end.seconds
        finally:
            if error is None:
                self.future.set_result(result)
            else:  # without its frames, which would keep their data alive
                self.future.set_exception(error.with_traceback(None))

    def _unexpected(self, defect: Exception) -> DomainError:
        return DomainError(
            tr(
                "the {kind} ended with an unexpected error ({name})",
                kind=tr(self.kind),
                name=type(defect).__name__,
            ),
            where=self.target,
            remedy=tr(self._details),
        )

    def _report(self, progress: Progress) -> None:
        made = progress.made or (self.progress.made if self.progress is not None else None)
        self.progress = replace(self._pace.timed(progress), made=made)
        if progress.figures and self.record is None:
            self.curve.append({"done": float(progress.done), **progress.figures})


_readers = Pool(2)
"""Does all work that only reads, by turns of who asks."""
_jobs: dict[int, Job[Any]] = {}
_heard: dict[Path, Record] = {}
"""Records of libraries, by their files."""
_lock = threading.Lock()


def start(
    kind: str,
    target: str,
    work: Work[Result],
    *,
    reads: bool = False,
    link: Mapping[str, str | None] | None = None,
) -> Job[Result]:
    """Begin ``work``; where a job of this kind about this target is running, return that one.

    One that was told to stop runs to its next check. The new one waits for it: two imports or
    trainings of one corpus must not write at the same time. ``Refused`` for all but editors,
    or for strangers alone where it only ``reads``. ``link`` is what else the address of its result
    says.
    """
    if reads:
        access.need_reader()
    else:
        access.need_editor(tr("starting the {kind}", kind=tr(kind)))
    root = work.root if isinstance(work, Task) and OWN_PROCESS else None
    if root is None:
        return _start(kind, target, work, reads, link or {})
    with locked(root):
        hear(root)
        return _start(kind, target, work, reads, link or {})


def _start(
    kind: str,
    target: str,
    work: Work[Result],
    reads: bool,
    link: Mapping[str, str | None],
) -> Job[Result]:
    with _lock:
        same = [job for job in _jobs.values() if job.kind == kind]
        running = [job for job in same if job.target == target and job.state == "running"]
        if running and not running[-1].stopping:
            return running[-1]
        for old in [job for job in same if job.state != "running"][:-KEPT]:
            _drop(old)
        started: Job[Any]
        if reads:  # beside one that stops: neither writes
            whose = access.current().name
            started = Job(kind, target, work, pool=_readers, shared=True, reads=True, whose=whose)
        elif isinstance(work, Task) and OWN_PROCESS:
            record = _begin(kind, target, link, work)
            apart = partial(run, work, record)
            started = Job(kind, target, apart, after=running, shared=True, record=record)
        else:
            started = Job(kind, target, work, after=running, shared=True)
        started.link = dict(link)
        _jobs[started.number] = started
        return started


def _begin(kind: str, target: str, link: Mapping[str, str | None], task: Task) -> Record:
    """The record of a new job; those of no job, and the oldest that ended, are removed.

    No other process begins one meanwhile.
    """
    records = [each for each in _heard.values() if each.path.is_relative_to(task.root)]
    ended = [each for each in records if each.facts and each.facts.kind == kind and each.end]
    empty = [each for each in records if each.facts is None]
    for old in (*empty, *sorted(ended, key=_since)[:-KEPT]):
        old.remove()
    role = access.current().role
    facts = Facts(kind=kind, target=target, link=dict(link), role=role, since=time.time())
    record = Record.begin(task.root, facts)
    _heard[record.path] = record
    return record


def _since(record: Record) -> float:
    return record.facts.since if record.facts is not None else 0.0


def hear(root: Path) -> None:
    """Know the jobs of a library that have a process, whichever server began them.

    Those that go on, and those that ended and were not put away; what was removed is forgotten.
    """
    with _lock:
        paths = record_paths(root)
        for path in _heard.keys() - set(paths):
            if path.parent.parent == root:
                del _heard[path]
        for path in paths:
            _heard.setdefault(path, Record(path)).look()
        known = {job.record.path: job for job in _jobs.values() if job.record is not None}
        for path, job in known.items():
            if path not in _heard and job.state != "running":
                del _jobs[job.number]
        for record in sorted((_heard[path] for path in paths), key=_since):
            is_over = record.end is not None and record.is_put_away
            if record.path not in known and record.facts is not None and not is_over:
                _adopt(record, record.facts)


def _adopt(record: Record, facts: Facts) -> None:
    """Make a job of what another server began."""
    with access.acting(access.Actor(facts.role)):
        job = Job(facts.kind, facts.target, partial(follow, record), shared=True, record=record)
    job.link = dict(facts.link)
    _jobs[job.number] = job


def _drop(job: Job[Any]) -> None:
    del _jobs[job.number]
    if job.record is not None:
        job.record.remove()


def jobs(*kinds: str) -> list[Job[Any]]:
    """All known jobs, or those of some kinds, newest first."""
    with _lock:
        known = [job for job in _jobs.values() if not kinds or job.kind in kinds]
    return sorted(known, key=lambda job: -job.number)


def wait_for(job: Job[Any], seconds: float) -> bool:
    """Wait for a job's end, for so long at most; whether it has ended.

    A page that waits is not in front: the job has no reason to give way to it.
    """
    pages = _front.in_this_thread
    _front.change(-pages)
    try:
        wait([job.future], seconds)
    finally:
        _front.change(pages)
    return job.state != "running"


def find(kind: str, target: str) -> Job[Any] | None:
    """The latest job of a kind about a target."""
    return next((job for job in jobs(kind) if job.target == target), None)


def forget(number: int) -> None:
    """Drop a finished job from the list; ``Refused`` unless it ``may_stop``."""
    with _lock:
        job = _jobs.get(number)
        if job is None:
            return
        if not job.may_stop:
            access.need_editor(tr("removing a job"))
        if job.state != "running":
            _drop(job)

"""How long work tells where it is and learns that it should stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from core.domain import Stopped
from core.language import tr


@dataclass(frozen=True, slots=True)
class Progress:
    """One report: ``stage`` in words, ``done`` of ``total`` units, and figures worth showing.

    The stage is marked, or in the language of who started the work.
    ``made`` is the path of the result once that is whole: it is kept though the rest is cut off.
    """

    stage: str
    done: int
    total: int
    seconds_left: float | None = None
    figures: dict[str, float] = field(default_factory=dict)
    made: str | None = None


ProgressCallback = Callable[[Progress], None]
StopCallback = Callable[[], bool]


SOON = 2.0
"""Seconds that a stage goes on before its pace says how long it takes yet."""


class Pace:
    """Adds the time left to reports that have none, by how fast their count went up so far.

    The count, not the words, tells one stage from the next: it begins anew or has another total.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._total, self._first, self._done, self._since = 0, 0, 0, 0.0

    def timed(self, progress: Progress) -> Progress:
        """The report with ``seconds_left``, where that can be known."""
        now = self._clock()
        if progress.total != self._total or progress.done < self._done:
            self._total, self._first, self._since = progress.total, progress.done, now
        self._done = progress.done
        gone, seconds = progress.done - self._first, now - self._since
        if progress.seconds_left is not None or gone <= 0 or seconds < SOON:
            return progress
        left = seconds / gone * max(progress.total - progress.done, 0)
        return replace(progress, seconds_left=left)


def part_of(callback: ProgressCallback | None, part: str) -> ProgressCallback:
    """A callback that names the part of a longer work before each stage."""

    def tell(progress: Progress) -> None:
        report(callback, replace(progress, stage=f"{tr(part)} · {tr(progress.stage)}"))

    return tell


def report(callback: ProgressCallback | None, progress: Progress) -> None:
    """Call ``callback`` when there is one."""
    if callback is not None:
        callback(progress)


def check_stop(stop: StopCallback | None) -> None:
    """Raise ``Stopped`` when the person asked for it."""
    if stop is not None and stop():
        raise Stopped

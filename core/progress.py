"""How long work tells where it is and learns that it should stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from core.domain import Stopped


@dataclass(frozen=True, slots=True)
class Progress:
    """One report: ``stage`` in words, ``done`` of ``total`` units, and figures worth showing."""

    stage: str
    done: int
    total: int
    seconds_left: float | None = None
    figures: dict[str, float] = field(default_factory=dict)


ProgressCallback = Callable[[Progress], None]
StopCallback = Callable[[], bool]


def report(callback: ProgressCallback | None, progress: Progress) -> None:
    """Call ``callback`` when there is one."""
    if callback is not None:
        callback(progress)


def check_stop(stop: StopCallback | None) -> None:
    """Raise ``Stopped`` when the person asked for it."""
    if stop is not None and stop():
        raise Stopped

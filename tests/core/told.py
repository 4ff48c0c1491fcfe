"""Tasks for a process of its own, which brings nothing that takes time to import."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

from core import access
from core.domain import DomainError
from core.progress import Progress, check_stop


def look_around(root: Path, name: str, *, progress, stop) -> Path:
    """Write where it runs and as whom; two reports with figures come first."""
    for step in (1, 2):
        progress(Progress("Looking", step, 2, figures={"loss": 1 / step}))
        time.sleep(0.3)
    actor = access.current()
    facts = {
        "role": actor.role,
        "name": actor.name,
        "nice": os.nice(0),
        "threads": os.environ["OMP_NUM_THREADS"],
        "session": os.getsid(0),
        "pid": os.getpid(),
    }
    if sys.platform == "linux":
        facts["killed_first"] = int(Path("/proc/self/oom_score_adj").read_text())
    made = root / name
    made.write_text(json.dumps(facts))
    return made


def wait(root: Path, *, progress, stop) -> None:
    """Go on until it is stopped."""
    while True:
        progress(Progress("Waiting", 1, 4))
        check_stop(stop)
        time.sleep(0.02)


def hear_nothing(root: Path, *, progress, stop) -> None:
    """Go on and never ask whether to stop."""
    progress(Progress("Deaf", 0, 1))
    time.sleep(60)


def make_and_go_on(root: Path, *, progress, stop) -> None:
    """Make a result, then do more and never ask whether to stop."""
    progress(Progress("More", 0, 1, made=str(root / "made")))
    for step in range(1, 41):
        progress(Progress("More", step, 40, figures={"loss": 1 / step}))
    time.sleep(60)


def fill_the_disk(root: Path, *, progress, stop) -> None:
    """Leave no space for another word."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def refuse(root: Path, *, progress, stop) -> None:
    """What a person can act on."""
    raise DomainError("no rows", where="a.csv", remedy="Choose another file")


def break_down(root: Path, *, progress, stop) -> None:
    """What only we can."""
    raise ZeroDivisionError("secret detail")

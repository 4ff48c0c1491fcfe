"""What each stage of a training costs, for the benchmarks that train."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from core.progress import Progress


@dataclass(frozen=True)
class Stage:
    """A stage of a training: its seconds on the clock and of the processor, its peak in GB, and the
    load at its end."""

    name: str
    wall: float
    processor: float
    peak: float
    load: float


class Watch:
    """A progress callback that measures every stage by itself."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self._name = ""
        self._start()

    def __call__(self, now: Progress) -> None:
        stage = "evaluate" if now.stage.startswith("evaluate ") else now.stage
        if stage != self._name:
            self.end(stage)

    def end(self, following: str = "") -> None:
        """The stage so far is over."""
        wall, processor = time.monotonic() - self._began[0], time.process_time() - self._began[1]
        stage = Stage(self._name or "start", wall, processor, memory("VmHWM"), os.getloadavg()[0])
        self.stages.append(stage)
        print(f"      {wall:7.1f} s, {processor:7.1f} s of the processor, peak {stage.peak:.2f} GB,"
              f" load {stage.load:.1f}: {stage.name}", flush=True)  # fmt: skip
        self._name = following
        self._start()

    def _start(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self._began = time.monotonic(), time.process_time()


def memory(what: str) -> float:
    """A line of this process's status in GB (2**30 bytes): ``VmHWM``, ``VmRSS``."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) / 1024**2

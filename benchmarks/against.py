"""Verbs and pages against another checkout: ``python -m benchmarks.against FOLDER [ROUNDS]``.

Both checkouts run the same script (``against_run.py``) in turn, so that what else the machine does
falls on both. A ratio is of the lowest processor times; above 1.1 it is missed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import PROJECT, Line, record, show

SLOWER = 1.10
TOO_SHORT = 0.005
"""Seconds: differences below are the clock's."""


def run(checkout: Path, library: str) -> dict[str, float]:
    """Seconds of each verb and page in one checkout."""
    environment = os.environ | {"PYTHONPATH": str(checkout), "TASTELINES_LIBRARY": library}
    environment |= {"OMP_NUM_THREADS": "1"}
    script = Path(__file__).with_name("against_run.py")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        text=True,
    )
    seconds: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def main(other: Path, rounds: int) -> None:
    """Print and record each ratio."""
    best: dict[Path, dict[str, float]] = {other: {}, PROJECT: {}}
    libraries = {checkout: tempfile.mkdtemp(prefix="against-") for checkout in best}
    for number in range(rounds):
        for checkout in (other, PROJECT) if number % 2 == 0 else (PROJECT, other):
            for what, seconds in run(checkout, libraries[checkout]).items():
                best[checkout][what] = min(best[checkout].get(what, seconds), seconds)
    lines = []
    for what, before in best[other].items():
        after = best[PROJECT].get(what)
        if after is None:
            lines.append(show(Line(what, "there", "not there", False)))
            continue
        met = after <= SLOWER * before or after - before <= TOO_SHORT
        measured = f"{after / before:.2f} times ({before:.3f} s before, {after:.3f} s now)"
        lines.append(show(Line(what, f"{SLOWER} times", measured, met)))
    record("against", {"against": lines})


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 3)

"""An import of a million rows in a process of its own: ``python -m benchmarks.importing``.

The file is CSV.gz with user, item, rating, time and text; every tenth row has a text.
"""

from __future__ import annotations

import gzip
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measuring import Line, record, show

ROWS = 1_000_000
SECONDS, MEGABYTES = 20, 400
WORDS = [
    "it",
    "was",
    "warm",
    "and",
    "quick",
    "the",
    "strings",
    "rust",
    "quickly",
    "in",
    "damp",
    "air",
    "but",
    "stay",
    "in",
    "tune",
]


def write_rows(path: Path, rows: int = ROWS, first: int = 0) -> None:
    """A shop's events from the ``first`` on: 60,000 users, 8,000 items, each tenth with a text."""
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        file.write("user_id,item_id,rating,timestamp,text\n")
        for n in range(first, first + rows):
            text = (
                " ".join(WORDS[(n + k * 7) % len(WORDS)] for k in range(20)) if n % 10 == 0 else ""
            )
            user, item = n * 7_919 % 60_000, n * 104_729 % 8_000
            file.write(f"u{user},i{item},{1 + n % 5},{1_500_000_000 + n * 37},{text}\n")


def main() -> int:
    """Import in a child, so that its peak memory is its own."""
    with tempfile.TemporaryDirectory(prefix="tastelines-importing-") as folder:
        path = Path(folder) / "rows.csv.gz"
        write_rows(path)
        command = [sys.executable, "-m", "core", "import", str(path), "--name", "million",
                   "--library", f"{folder}/library"]  # fmt: skip
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        peak, processor = used.ru_maxrss / 1024, used.ru_utime + used.ru_stime
    lines = [
        show(Line("import of a million rows", f"{SECONDS} s", f"{seconds:.1f} s",
                  seconds <= SECONDS)),
        show(Line("its processor time, which other work does not add to", f"{SECONDS} s",
                  f"{processor:.1f} s", processor <= SECONDS)),
        show(Line("its peak memory", f"{MEGABYTES} MB", f"{peak:.0f} MB", peak <= MEGABYTES)),
    ]  # fmt: skip
    record("importing", {"importing": lines})
    return int(not all(line.met for line in lines))


if __name__ == "__main__":
    sys.exit(main())

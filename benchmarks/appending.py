"""Ten thousand events added to a million: ``python -m benchmarks.appending``.

Every tenth of the rows is a duplicate of one of the million.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.importing import ROWS, write_rows
from benchmarks.measuring import Line, record, show
from core.corpus.importing import import_files
from core.corpus.store import Library

ADDED = 10_000
SECONDS = 10


def main() -> int:
    """Import here, append in a child, so that its time and memory are its own."""
    with tempfile.TemporaryDirectory(prefix="tastelines-appending-") as folder:
        first, more = Path(folder) / "rows.csv.gz", Path(folder) / "more.csv.gz"
        write_rows(first)
        write_rows(more, ADDED, ROWS - ADDED // 10)
        library = Library.open(Path(folder) / "library")
        import_files(library, "million", [first])
        command = [sys.executable, "-m", "core", "import", "--append", str(more), "--name",
                   "million", "--library", str(library.root)]  # fmt: skip
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        peak, processor = used.ru_maxrss / 1024, used.ru_utime + used.ru_stime
        manifest = library.manifest("million")
        whole = import_files(library, "whole", [first, more]).manifest
    same = manifest.corpus_id == whole.corpus_id
    lines = [
        show(Line("append of 10,000 events to a million", f"{SECONDS} s", f"{seconds:.1f} s",
                  seconds <= SECONDS)),
        show(Line("its processor time, which other work does not add to", f"{SECONDS} s",
                  f"{processor:.1f} s", processor <= SECONDS)),
        show(Line("its peak memory", "no bar", f"{peak:.0f} MB", True)),
        show(Line("the content is that of one import of all files", "yes", str(same), same)),
    ]  # fmt: skip
    record("appending", {"appending": lines})
    return int(not all(line.met for line in lines))


if __name__ == "__main__":
    sys.exit(main())

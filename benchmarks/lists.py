"""Lists for everyone: ``python -m benchmarks.lists [LIBRARY]``.

Time of ``recommend music --all --k 20 --out lists.parquet``, the whole process, and how many lists
differ from those of one user after the other, whose time in one process stands beside it. A library
that has the corpus music with a model saves the minutes of import and training.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.measuring import CORPORA, PROJECT, Line, record, show
from core.corpus.importing import import_files
from core.corpus.store import Library
from core.engine import Engine
from core.model.config import InterestConfig
from core.training.training import train

RUNS, K, BAR = 3, 20, 10.0


def seconds(library: Library, out: Path) -> tuple[float, float]:
    """Seconds of the verb from start to end, and of the processor."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    verb = [sys.executable, "-m", "core", "recommend", "music", "--all", "--k", str(K)]
    place = ["--out", str(out), "--library", str(library.root)]
    subprocess.run([*verb, *place], cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    took, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run(library: Library) -> list[Line]:
    """Measure, compare, and show what was found."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "lists.parquet"
        runs = [seconds(library, out) for _ in range(RUNS)]
        made = dict(list(pq.read_table(out).to_pandas().groupby("user_id")["item_id"]))
    corpus = library.corpus("music")
    engine = Engine.open(corpus, library.model_folder("music"), library)
    engine.recommend(corpus.history(corpus.user_ids[0]), K)
    started = time.perf_counter()
    alone = {user: engine.recommend(corpus.history(user), K).items for user in corpus.user_ids}
    one_by_one = time.perf_counter() - started
    differ = sum(
        made[user].tolist() != [item.item_id for item in items] for user, items in alone.items()
    )
    wall, processor = (statistics.median(values) for values in zip(*runs, strict=True))
    load = f"load {os.getloadavg()[0]:.0f}"
    users = f"{len(alone):,} users of music"
    return [
        show(Line(
            f"recommend --all, {users}, whole process, median of {RUNS}", f"{BAR:g} s",
            f"{wall:.1f} s (processor {processor:.1f} s; one by one in one process "
            f"{one_by_one:.1f} s; {load})",
            wall <= BAR,
        )),
        show(Line("lists that differ from recommend --user", "0", str(differ), differ == 0)),
    ]  # fmt: skip


@contextmanager
def library_of_music() -> Iterator[Library]:
    """The library that is named, or one made for this run, with a model of music."""
    with tempfile.TemporaryDirectory() as folder:
        library = Library.open(Path(sys.argv[1] if len(sys.argv) > 1 else folder))
        if len(sys.argv) < 2:
            paths, items = CORPORA["music"]
            import_files(library, "music", paths, items)
            train(library.corpus("music"), library, replace(InterestConfig(), epochs=2))
        yield library


def main() -> int:
    """Measure."""
    with library_of_music() as library:
        lines = run(library)
    record("lists", {"lists for everyone": lines})
    return int(not all(line.met for line in lines))


if __name__ == "__main__":
    sys.exit(main())

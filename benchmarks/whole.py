"""A training as one run: ``python -m benchmarks.whole [beauty|music...]``.

Everything that ``train`` does, in a process of its own, on a corpus whose text vectors are cached:
seconds on the clock, processor seconds and peak memory, by stage, with the machine's load. Where
others use the machine, the clock says little.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict

import torch

from benchmarks.measuring import CORPORA, PROJECT, Line, record, show
from benchmarks.stages import Stage, Watch
from core.corpus.importing import import_files
from core.corpus.split import leave_last_out
from core.corpus.store import Library
from core.encode.cache import open_cache, open_encoder, shipped_sentiment
from core.training.preparing import prepare
from core.training.training import train

WORK = PROJECT / "benchmarks" / "work" / "whole"
BARS = {"beauty": (900.0, 3.0), "music": (100.0, None)}
"""Seconds and GB; the second where an issue asks for one."""


def train_alone(name: str) -> None:
    """Train and write what was seen; the work of a process of its own."""
    library = Library.open()
    corpus, watch = library.corpus(name), Watch()
    train(corpus, library, progress=watch)
    watch.end()
    (WORK / f"{name}.json").write_text(json.dumps([asdict(stage) for stage in watch.stages]))


def measure(name: str) -> list[Line]:
    """The lines of one corpus."""
    folder = WORK / name
    library = Library.open(folder)
    if name not in [corpus.name for corpus in library.corpora()]:
        paths, items = CORPORA[name]
        import_files(library, name, paths, items=items)
    corpus = library.corpus(name)
    if corpus.manifest.with_text:
        told = (corpus, leave_last_out(corpus.events), open_encoder(library), open_cache(library))
        prepare(*told, shipped_sentiment(library))
    subprocess.run(
        [sys.executable, "-m", "benchmarks.whole", "alone", name],
        check=True, cwd=PROJECT, env={**os.environ, "TASTELINES_LIBRARY": str(folder)},
    )  # fmt: skip
    stages = [Stage(**stage) for stage in json.loads((WORK / f"{name}.json").read_text())]
    seconds, memory = BARS.get(name, (None, None))
    wall, processor = sum(each.wall for each in stages), sum(each.processor for each in stages)
    loads, peak = [stage.load for stage in stages], max(stage.peak for stage in stages)
    lines = [
        Line(f"{name}: train, vectors cached", f"{seconds:.0f} s" if seconds else "none",
             f"{wall:.0f} s, {processor:.0f} of the processor ({torch.get_num_threads()} "
             f"threads; load {min(loads):.0f} to {max(loads):.0f})",
             not seconds or wall <= seconds),
        Line(f"{name}: peak", f"{memory} GB" if memory else "none", f"{peak:.2f} GB",
             not memory or peak <= memory),
    ]  # fmt: skip
    return [show(line) for line in lines]


def main(wanted: list[str]) -> None:
    """Measure the corpora named, or those with a bar."""
    unknown = sorted(set(wanted) - set(CORPORA))
    if unknown:
        raise SystemExit(f"no corpus {unknown[0]!r}; there are {', '.join(CORPORA)}")
    WORK.mkdir(parents=True, exist_ok=True)
    for name in wanted or BARS:
        record("whole", {name: measure(name)})


if __name__ == "__main__":
    if sys.argv[1:2] == ["alone"]:
        train_alone(sys.argv[2])
    else:
        main(sys.argv[1:])

"""Is one training of one corpus with one seed one model? ``python -m benchmarks.same_model``.

``CORPUS TIMES [--users N] [--load P]``: music, mixed or movielens, trained so many times (3), each
in a new process and a new library, with P processes (2) that multiply matrices beside it, so that
threads are interrupted at other moments each time. ``--users`` takes the first users with most
events. Prints each id, which is a hash of choices, weights and the joint's constants, and whether
every file of the folder is the same.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.measuring import CORPORA, PROJECT, Line, record, show
from core.corpus.importing import import_files
from core.corpus.store import Library
from core.domain import Columns

CHANGING = ("metrics.json", "README.md", "SHA256SUMS")
"""Files that tell how long the training took."""


def heat() -> None:
    """Other work, without end."""
    random = np.random.default_rng()
    while True:
        matrix = random.random((int(random.integers(200, 900)),) * 2)
        matrix @ matrix


def make_corpus(name: str, users: int | None, root: Path) -> int:
    """Import a corpus, or its users with most events, into a new library; its users."""
    library = Library.open(root)
    files, items = CORPORA[name]
    import_files(library, name, files, items=items)
    corpus = library.corpus(name)
    if users is not None and users < len(corpus.user_ids):
        most = corpus.events[Columns.User].value_counts(sort=True).index[:users]
        kept = corpus.events[corpus.events[Columns.User].isin(set(most))]
        catalogue = corpus.items[corpus.items[Columns.Item].isin(set(kept[Columns.Item]))]
        scale = corpus.manifest.rating_scale
        kept, catalogue = (part.reset_index(drop=True) for part in (kept, catalogue))
        library.write(name, kept, catalogue, rating_scale=scale)
    return len(library.corpus(name).user_ids)


def train_once(name: str, root: Path, log: Path) -> tuple[str, dict[str, str], float]:
    """One training in its own process: the id, the hash of each file, seconds."""
    command = [sys.executable, "-m", "core", "train", name, "--library", str(root), "--json"]
    began = time.monotonic()
    with log.open("a") as said:
        done = subprocess.run(
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=said, text=True, check=True
        )
    model_id = str(json.loads(done.stdout)["model_id"])
    sums = (root / "models" / name / model_id / "SHA256SUMS").read_text().splitlines()
    hashes = {line[66:]: line[:64] for line in sums}
    return model_id, hashes, time.monotonic() - began


def run(name: str, times: int, users: int | None, load: int) -> list[Line]:
    """All trainings, as one line."""
    ids, files = [], []
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made"
        count = make_corpus(name, users, made)
        others = [multiprocessing.Process(target=heat, daemon=True) for _ in range(load)]
        for other in others:
            other.start()
        try:
            for number in range(times):
                root = Path(folder) / f"library{number}"
                shutil.copytree(made, root)
                model_id, hashes, seconds = train_once(name, root, Path(folder) / "log")
                told = f"{model_id} in {seconds:.0f} s, load {os.getloadavg()[0]:.1f}"
                print(f"training {number + 1} of {times}: {told}", flush=True)
                ids.append(model_id)
                files.append(hashes)
                shutil.rmtree(root)
        finally:
            for other in others:
                other.kill()
    names = sorted(set().union(*files) - set(CHANGING))
    other_files = [name for name in names if len({hashes.get(name) for hashes in files}) > 1]
    differs = ", ".join(other_files) or "none"
    what = f"{name}, {count:,} users, seed 0: model ids of {times} trainings beside {load} others"
    measured = f"{', '.join(sorted(set(ids)))}; files that differ: {differs}"
    return [show(Line(what, "one id", measured, len(set(ids)) == 1))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", choices=CORPORA)
    parser.add_argument("times", type=int, nargs="?", default=3)
    parser.add_argument("--users", type=int)
    parser.add_argument("--load", type=int, default=2)
    asked = parser.parse_args()
    lines = run(asked.corpus, asked.times, asked.users, asked.load)
    record("same_model", {asked.corpus if asked.users is None else f"{asked.corpus} cut": lines})
    sys.exit(not all(line.met for line in lines))

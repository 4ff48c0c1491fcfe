"""Is one training of one corpus with one seed one model? ``python -m benchmarks.same_model``.

``CORPUS TIMES [--users N] [--epochs N] [--load P] [--encode-once]``: music, mixed or movielens,
trained so many times (3), each in a new process and a new library, with P processes (2) that
multiply matrices beside it, so that threads are interrupted at other moments each time.
``--users`` takes the first users with most events. With ``--encode-once`` later trainings take the
first one's vectors, which take most of the time on a busy machine; whether 500 texts, encoded
in as many processes, have the same vectors to the bit is then a line of its own. Prints each id,
which is a hash of choices, weights and the joint's constants, and whether every file of the folder
is the same.
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

ENCODE = """
import hashlib, json, sys, tempfile
from pathlib import Path
from core.encode.encoder import TextEncoder
with tempfile.TemporaryDirectory() as folder:
    encoder = TextEncoder(record=Path(folder) / "processor.json")
    vectors = encoder.encode(json.load(sys.stdin))
print(hashlib.sha256(vectors.tobytes()).hexdigest())
"""


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


def train_once(
    name: str, root: Path, log: Path, epochs: int | None
) -> tuple[str, dict[str, str], float]:
    """One training in its own process: the id, the hash of each file, seconds."""
    command = [sys.executable, "-m", "core", "train", name, "--library", str(root), "--json"]
    if epochs is not None:
        command += ["--epochs", str(epochs)]
    began = time.monotonic()
    with log.open("a") as said:
        done = subprocess.run(
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=said, text=True, check=True
        )
    model_id = str(json.loads(done.stdout)["model_id"])
    sums = (root / "models" / name / model_id / "SHA256SUMS").read_text().splitlines()
    hashes = {line[66:]: line[:64] for line in sums}
    return model_id, hashes, time.monotonic() - began


def encode_once(root: Path, name: str) -> str:
    """sha256 of the vectors of the corpus's first 500 reviews, encoded in its own process."""
    texts = Library.open(root).corpus(name).events[Columns.Text].dropna().head(500).tolist()
    command = [sys.executable, "-c", ENCODE]
    asked = json.dumps(texts)
    done = subprocess.run(
        command, cwd=PROJECT, input=asked, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def run(
    name: str, times: int, users: int | None, epochs: int | None, load: int, encodes_once: bool
) -> list[Line]:
    """All trainings, as one line, and where they share vectors, another about those."""
    ids, files, encoded = [], [], []
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
                model_id, hashes, seconds = train_once(name, root, Path(folder) / "log", epochs)
                told = f"{model_id} in {seconds:.0f} s, load {os.getloadavg()[0]:.1f}"
                print(f"training {number + 1} of {times}: {told}", flush=True)
                ids.append(model_id)
                files.append(hashes)
                if encodes_once:
                    encoded.append(encode_once(made, name))
                    if number == 0:
                        for path in root.glob("vectors.sqlite*"):
                            shutil.copy(path, made)
                shutil.rmtree(root)
        finally:
            for other in others:
                other.kill()
    names = sorted(set().union(*files) - set(CHANGING))
    other_files = [name for name in names if len({hashes.get(name) for hashes in files}) > 1]
    differs = ", ".join(other_files) or "none"
    limit = f", {epochs} epochs at most" if epochs is not None else ""
    what = f"{name}, {count:,} users{limit}, seed 0, {times} trainings beside {load} others: ids"
    measured = f"{', '.join(sorted(set(ids)))}; files that differ: {differs}"
    lines = [Line(what, "one id", measured, len(set(ids)) == 1)]
    if encodes_once:
        what = f"{name}: other vectors of 500 texts in {times} processes beside {load} others"
        unlike = len(set(encoded)) - 1
        lines.append(Line(what, "0", str(unlike), not unlike))
    return [show(line) for line in lines]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", choices=CORPORA)
    parser.add_argument("times", type=int, nargs="?", default=3)
    parser.add_argument("--users", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--load", type=int, default=2)
    parser.add_argument("--encode-once", action="store_true")
    asked = parser.parse_args()
    how = (asked.users, asked.epochs, asked.load, asked.encode_once)
    lines = run(asked.corpus, asked.times, *how)
    is_whole = asked.users is None and asked.epochs is None
    record("same_model", {asked.corpus if is_whole else f"{asked.corpus} cut": lines})
    sys.exit(not all(line.met for line in lines))

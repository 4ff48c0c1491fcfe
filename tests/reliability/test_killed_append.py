"""kill -9 at twelve moments of an append: the old content or the new, nothing between."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from core.corpus.appending import append_files
from core.corpus.importing import import_files
from core.corpus.store import Library

POINTS = 12
ROWS, ADDED = 6_000, 5_500
T = 1_393_545_600
PROJECT = Path(__file__).resolve().parents[2]

APPEND = """
import os, signal, sys
from pathlib import Path
from core.corpus.appending import append_files
from core.corpus.store import Library

file, *roots = map(Path, sys.argv[1:])
TOUCHED = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "shutil.rmtree"}

def append(root, dies_at):
    moments = 0
    def moment(*_):
        nonlocal moments
        if moments == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        moments += 1
    def heard(event, args):
        if event in TOUCHED and str(root) in str(args[0]):
            moment()
    sys.addaudithook(heard)
    append_files(Library.open(root), "shop", [file], progress=moment)
    return moments

def forked(root, dies_at, tell):
    child = os.fork()
    if child == 0:
        os.write(tell, str(append(root, dies_at)).encode())
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

reads, writes = os.pipe()
assert forked(roots[0], -1, writes) == 0
moments = int(os.read(reads, 100))
for number, root in enumerate(roots[1:]):
    print(forked(root, number * moments // len(roots[1:]), writes))
"""


def table(path: Path, first: int, rows: int) -> Path:
    lines = (f"u{n % 90},i{n % 70},{1 + n % 5},{T + n},words {n}\n" for n in range(first, rows))
    path.write_text("user_id,item_id,rating,timestamp,text\n" + "".join(lines))
    return path


def test_a_killed_append_leaves_the_old_content_or_the_new(tmp_path: Path) -> None:
    old_file = table(tmp_path / "old.csv", 0, ROWS)
    new_file = table(tmp_path / "new.csv", ROWS - 99, ROWS + ADDED)
    first = Library.open(tmp_path / "whole")
    old_id = import_files(first, "shop", [old_file]).manifest.corpus_id
    roots = [tmp_path / f"library{number}" for number in range(POINTS)]
    for root in roots:
        shutil.copytree(first.root, root)
    command = [sys.executable, "-c", APPEND, *map(str, (new_file, first.root, *roots))]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["-9"] * POINTS
    new_id = first.manifest("shop").corpus_id
    found = []
    for root in roots:
        corpus = Library.open(root).corpus("shop")
        assert len(corpus.events) == (ROWS if corpus.corpus_id == old_id else ROWS + ADDED)
        found.append(corpus.corpus_id)
    assert found == sorted(found, key=[old_id, new_id].index)
    library = Library.open(roots[-1])
    append_files(library, "shop", [new_file])
    assert library.manifest("shop").corpus_id == new_id
    left = {path.name for path in (roots[-1] / "corpora" / "shop").iterdir()}
    assert left == {"current.json", ".lock", new_id}

"""A library that is full, read-only or locked can be read; what was computed is not lost."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.corpus.store import Library
from core.home import PROJECT

VERBS = """
import ctypes, json, os, resource, sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from core.cli import main
from core.encode.encoder import TextEncoder
root, state, asked = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
if os.getuid() == 0:  # root may write everywhere, unless it gives that up
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert ctypes.CDLL(None).capget(header, sets) == 0
    for kind in range(3):
        sets[kind] &= ~(1 << 1)  # CAP_DAC_OVERRIDE
    assert ctypes.CDLL(None).capset(header, sets) == 0
if state == "full":
    import torch, transformers, scipy.stats, sklearn.linear_model
    sys.stdout.flush()
for verb in asked:
    out, said = StringIO(), StringIO()
    if state == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
    with redirect_stdout(out), redirect_stderr(said):
        code = main([*verb, "--library", root, "--json"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    print(json.dumps([code, out.getvalue(), said.getvalue()]), flush=True)
"""


@pytest.fixture
def place(full_library: Path) -> Iterator[Path]:
    """A copy of the library where another user may look."""
    home = Path(tempfile.mkdtemp(prefix="tastelines-test-"))
    shutil.copytree(full_library, home / "library")
    (home / "tmp").mkdir()
    yield home / "library"
    give(home, 0o755, 0o644)
    shutil.rmtree(home)


def give(root: Path, folder_mode: int, file_mode: int) -> None:
    """Set the rights of everything below a folder."""
    for path in [root, *root.rglob("*")]:
        path.chmod(folder_mode if path.is_dir() else file_mode)


def ask(root: Path, state: str, verbs: list[list[str]]) -> list[tuple[int, str, str]]:
    """Run verbs in one process; exit code, stdout and stderr of each."""
    done = subprocess.run(
        [sys.executable, "-c", VERBS, str(root), state, json.dumps(verbs)],
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(root.parent / "tmp"), "HOME": str(root.parent / "tmp")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("state", ["read-only", "full"])
def test_a_library_that_cannot_be_written_can_be_read(place: Path, state: str) -> None:
    corpus = Library.open(place).corpus("shop")
    user, item = corpus.user_ids[0], corpus.item_ids[3]
    about = ["shop", "--user", user]
    said_new = place / "said.json"
    said_new.write_text('[{"op": "edit", "step": 1, "text": "never read before"}]')
    reading = [
        ["corpora"],
        ["models", "shop"],
        ["users", "shop"],
        ["recommend", *about],
        ["trajectory", *about],
        ["whatif", *about, "--edits", str(place / "edits.json")],
        ["whatif", *about, "--edits", str(said_new)],
        ["compare", *about, "--at", "2", "--at", "5"],
        ["evaluate", "shop"],
        ["evaluate", "shop", "--k", "7"],
        ["evaluate", "shop", "--k", "7"],
        ["turnover", "shop", "--recommender", "ease"],
        ["doctor", "--deep"],
    ]
    writing = [
        ["tune", "shop", "--minutes", "0.01"],
        ["import", str(place.parent / "few.csv"), "--name", "few"],
    ]
    if state == "read-only":  # both compile for long, and `benchmarks.no_place` asks all of all
        reading.append(["explain", *about, "--item", item])
        writing.append(["train", "shop", "--epochs", "1"])
    (place.parent / "few.csv").write_text("user_id,item_id,timestamp\nu,i,2024-01-01\n")
    (place / "vectors.sqlite-wal").unlink(missing_ok=True)
    (place / "vectors.sqlite-shm").unlink(missing_ok=True)
    shutil.rmtree(place / "tuning")  # tune then has a trial to keep, however short its time
    if state == "read-only":
        give(place, 0o555, 0o444)
    answers = ask(place, state, [*reading, *writing])
    for verb, (code, out, said) in zip(reading, answers, strict=False):
        assert code == 0, (verb, said, out[:500])
        assert json.loads(out), verb
    first, again = answers[9], answers[10]
    assert first[1] == again[1]
    if state == "read-only":
        assert "kept in" in first[2] and again[2] == ""
    for verb, (code, _, said) in zip(writing, answers[len(reading) :], strict=True):
        told = verb[0] == "tune" and "could not be written" in said  # it prints what it found
        assert (code == 2 or told) and said.strip(), (verb, code, said)
        assert "Unexpected" not in said, (verb, said)


def test_a_locked_cache_is_said_soon(place: Path) -> None:
    corpus = Library.open(place).corpus("shop")
    new = place / "said.json"
    new.write_text('[{"op": "edit", "step": 1, "text": "never read before"}]')
    holder = sqlite3.connect(place / "vectors.sqlite")
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    verb = ["whatif", "shop", "--user", corpus.user_ids[0], "--edits", str(new)]
    ((code, _, said),) = ask(place, "locked", [verb])
    holder.close()
    assert code == 2
    assert "in use by another program" in said and "Delete" not in said

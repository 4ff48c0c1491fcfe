"""Verbs in a library on a full disk, a read-only one, or without permission: one command.

``python -m benchmarks.no_place``, as root on Linux: the library is copied to a small tmpfs of its
own, which is filled to the last byte, mounted again read-only, or given to a user without rights
(CAP_DAC_OVERRIDE is given up). Temporary files go to the same place, so nothing can be written
anywhere. Verbs that read must answer (exit 0); verbs that write must say why not (exit 2), or find
the few bytes they need; none may end unexpectedly.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.damage import whole_library
from benchmarks.measuring import PROJECT, Line, record, show
from core.corpus.store import Library

STATES = ("full", "read-only", "no permission")
SIZE = "64m"
WORKER = """
import ctypes, json, sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from core.cli import main
root, state, asked = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
if state == "no permission":
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert ctypes.CDLL(None).capget(header, sets) == 0
    for kind in range(3):
        sets[kind] &= ~(1 << 1)  # CAP_DAC_OVERRIDE
    assert ctypes.CDLL(None).capset(header, sets) == 0
for verb in asked:
    out, said = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(said):
        code = main([*verb, "--library", root, "--json"])
    print(json.dumps([code, out.getvalue()[:200], said.getvalue()]), flush=True)
"""


def reading(root: Path) -> list[list[str]]:
    """Verbs that only need to read."""
    corpus = Library.open(root).corpus("shop")
    user, item = corpus.user_ids[0], corpus.item_ids[3]
    about = ["shop", "--user", user]
    return [
        ["corpora"],
        ["models", "shop"],
        ["users", "shop"],
        ["recommend", *about],
        ["recommend", *about, "--recommender", "ease"],
        ["trajectory", *about],
        ["explain", *about, "--item", item],
        ["whatif", *about, "--edits", str(root / "edits.json")],
        ["whatif", *about, "--edits", str(root / "new.json")],
        ["search-edits", *about, "--item", item],
        ["compare", *about, "--at", "2", "--at", "6"],
        ["replay", str(root / "capsule.json")],
        ["evaluate", "shop"],
        ["evaluate", "shop", "--k", "7"],
        ["turnover", "shop"],
        ["turnover", "shop", "--recommender", "ease"],
        ["scorecard", "shop", "--users", "2"],
        ["doctor", "--deep"],
    ]


def writing(root: Path) -> list[list[str]]:
    """Verbs whose result is a file in the library."""
    return [
        ["train", "shop", "--epochs", "1"],
        ["tune", "shop", "--minutes", "0.01"],
        ["import", str(root / "few.csv"), "--name", "few"],
        ["import-lists", str(root / "lists.csv"), "--name", "shop", "--as", "more"],
    ]


def sudo(*command: str) -> None:
    """Run a command that needs root."""
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def library_without_place(state: str) -> Iterator[Path]:
    """A copy of the library to which nothing can be written."""
    with tempfile.TemporaryDirectory(prefix="no-place-") as folder:
        disk = Path(folder) / "disk"
        disk.mkdir()
        sudo("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk))
        try:
            root = disk / "library"
            shutil.copytree(whole_library(), root)
            (disk / "tmp").mkdir()
            corpus = Library.open(root).corpus("shop")
            user, item = corpus.user_ids[0], corpus.item_ids[0]
            (root / "new.json").write_text('[{"op": "edit", "step": 1, "text": "never read"}]')
            (root / "few.csv").write_text("user_id,item_id,timestamp\nu,i,2024-01-01\n")
            row = f"{user},2024-01-01,1,{item}"
            (root / "lists.csv").write_text(f"user_id,timestamp,rank,item_id\n{row}\n")
            for name in ("vectors.sqlite-wal", "vectors.sqlite-shm"):
                (root / name).unlink(missing_ok=True)
            if state == "full":
                fill(disk)
            elif state == "read-only":
                sudo("mount", "-o", "remount,ro", str(disk))
            else:
                for path in [disk, *disk.rglob("*")]:
                    path.chmod(0o555 if path.is_dir() else 0o444)
            yield root
        finally:
            sudo("umount", "-l", str(disk))


def fill(disk: Path) -> None:
    """Use the last byte of a disk."""
    with (disk / "filling").open("wb", buffering=0) as file:
        block = bytes(1 << 20)
        while block:
            try:
                file.write(block)
            except OSError:
                block = block[: len(block) // 2]


def ask(root: Path, state: str, verbs: list[list[str]]) -> list[tuple[int, str, str]]:
    """Exit code, answer and stderr of each verb, all in one process."""
    places = {name: str(root.parent / "tmp") for name in ("TMPDIR", "HOME")}
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(root), state, json.dumps(verbs)],
        cwd=PROJECT,
        env={**os.environ, **places},
        capture_output=True,
        text=True,
        check=False,
    )
    answers = [tuple(json.loads(line)) for line in done.stdout.splitlines()]
    if len(answers) < len(verbs):
        print(f"ended with {done.returncode}: {done.stderr[-500:]}")
    return answers


def run(state: str) -> Line:
    """All verbs in one state."""
    wrong, began = [], time.monotonic()
    with library_without_place(state) as root:
        read, write = reading(root), writing(root)
        answers = ask(root, state, [*read, *write])
    for number, verb in enumerate([*read, *write]):
        code, out, said = answers[number] if number < len(answers) else (-1, "", "no answer")
        told = verb[0] == "tune" and "could not be written" in said  # it prints what it found
        stored = code == 0 and bool(out)  # a few bytes may have become free
        held = stored or (verb in write and (told or (code == 2 and bool(said))))
        if not held or "Unexpected" in said:
            wrong.append(verb)
            print(f"{state}: {' '.join(verb)}: exit {code}: {said.strip()[:400]}", flush=True)
    what = f"{state}: verbs that failed, of {len(read)} that read and {len(write)} that write"
    return show(Line(f"{what}; {time.monotonic() - began:.0f} s", "0", str(len(wrong)), not wrong))


if __name__ == "__main__":
    lines = [run(state) for state in sys.argv[1:] or STATES]
    if len(sys.argv) == 1:
        record("no_place", {"verbs": lines})
    sys.exit(not all(line.met for line in lines))

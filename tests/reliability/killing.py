"""kill -9 at chosen moments of work on a library, each time in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

KILL = """
import os, signal, sys
from pathlib import Path
from core.corpus.appending import append_files
from core.corpus.importing import import_files
from core.corpus.store import Library

work, file, *roots = sys.argv[1:]
do = {"append": append_files, "import": import_files}[work]
TOUCHED = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "shutil.rmtree"}

def moments_of(root, dies_at):
    moments = 0
    def moment(*_):
        nonlocal moments
        if moments == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        moments += 1
    def heard(event, args):
        if event in TOUCHED and root in str(args[0]):
            moment()
    sys.addaudithook(heard)
    do(Library.open(Path(root)), "shop", [Path(file)], progress=moment)
    return moments

def forked(root, dies_at, tell):
    child = os.fork()
    if child == 0:
        os.write(tell, str(moments_of(root, dies_at)).encode())
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

reads, writes = os.pipe()
assert forked(roots[0], -1, writes) == 0
moments = int(os.read(reads, 100))
for number, root in enumerate(roots[1:]):
    print(forked(root, number * moments // len(roots[1:]), writes))
"""


def kill_at_moments(work: str, file: Path, whole: Path, roots: Sequence[Path]) -> None:
    """Let ``import`` or ``append`` of a file end in the library ``whole``, and be killed in the
    others, each at a later moment: a file or folder is touched, or progress told.
    """
    command = [sys.executable, "-c", KILL, work, *map(str, (file, whole, *roots))]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["-9"] * len(roots)

"""kill -9 at any moment of an import: the old corpus, the new one, or none; never a broken one."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from core.corpus.importing import import_files
from core.corpus.store import Library
from core.domain import DomainError

KILLS = 8 if "TASTELINES_THOROUGH" in os.environ else 4
ROWS = 6_000
T = 1_393_545_600
PROJECT = Path(__file__).resolve().parents[2]

IMPORT = """
import sys
from pathlib import Path
from core.corpus.importing import import_files
from core.corpus.store import Library
print("ready", flush=True)
import_files(Library.open(Path(sys.argv[1])), "shop", [Path(sys.argv[2])])
"""


def table(path: Path, rating: int) -> Path:
    rows = (f"u{n % 90},i{n % 70},{rating},{T + n},words {n}\n" for n in range(ROWS))
    path.write_text("user_id,item_id,rating,timestamp,text\n" + "".join(rows))
    return path


def kill_after(root: Path, path: Path, seconds: float) -> tuple[int, float]:
    """Exit code of an import that is killed so many seconds after it began, and how long it ran."""
    command = [sys.executable, "-c", IMPORT, str(root), str(path)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    started = time.monotonic()
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    process.kill()
    process.communicate()
    return process.returncode, time.monotonic() - started


@pytest.mark.parametrize("with_old", [False, True], ids=["from nothing", "over an old corpus"])
def test_a_killed_import_leaves_a_whole_corpus_or_none(tmp_path: Path, with_old: bool) -> None:
    old_file, new_file = table(tmp_path / "old.csv", 3), table(tmp_path / "new.csv", 4)
    old_id, new_id = (
        import_files(Library.open(tmp_path / "ids"), name, [file]).manifest.corpus_id
        for name, file in (("old", old_file), ("new", new_file))
    )
    code, whole = kill_after(tmp_path / "timing", new_file, 60)
    assert code == 0
    chance = random.Random(7)
    killed = 0
    for attempt in range(KILLS):
        root = tmp_path / f"library{attempt}"
        library = Library.open(root)
        if with_old:
            import_files(library, "shop", [old_file])
        killed += kill_after(root, new_file, chance.uniform(0, whole))[0] == -9
        try:
            corpus = library.corpus("shop")
        except DomainError as error:
            assert not with_old and "there is no corpus" in error.what
        else:
            assert corpus.corpus_id in ((old_id, new_id) if with_old else (new_id,))
            assert sum(len(corpus.history(user)) for user in corpus.user_ids) == ROWS
        assert import_files(library, "shop", [new_file]).manifest.corpus_id == new_id
        left = {path.name for path in (root / "corpora" / "shop").iterdir()}
        (folder,) = left - {"current.json", ".lock"}
        assert folder.partition("-")[0] == new_id  # "-2" where the same content was there before
    assert killed >= KILLS // 4

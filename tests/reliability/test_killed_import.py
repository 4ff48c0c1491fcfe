"""kill -9 at any moment of an import: the old corpus, the new one, or none; never a broken one."""

from __future__ import annotations

import multiprocessing
import random
import time
from pathlib import Path

import pytest

from core.corpus.importing import import_files
from core.corpus.store import Library
from core.domain import DomainError

KILLS = 8
ROWS = 6_000
T = 1_393_545_600

servers = multiprocessing.get_context("forkserver")
servers.set_forkserver_preload(["core.corpus.importing"])


def table(path: Path, rating: int) -> Path:
    rows = (f"u{n % 90},i{n % 70},{rating},{T + n},words {n}\n" for n in range(ROWS))
    path.write_text("user_id,item_id,rating,timestamp,text\n" + "".join(rows))
    return path


def run_import(root: Path, path: Path) -> None:
    import_files(Library.open(root), "shop", [path])


def kill_after(root: Path, path: Path, seconds: float) -> int | None:
    process = servers.Process(target=run_import, args=(root, path))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode


@pytest.mark.parametrize("with_old", [False, True], ids=["from nothing", "over an old corpus"])
def test_a_killed_import_leaves_a_whole_corpus_or_none(tmp_path: Path, with_old: bool) -> None:
    old_file, new_file = table(tmp_path / "old.csv", 3), table(tmp_path / "new.csv", 4)
    old_id, new_id = (
        import_files(Library.open(tmp_path / "ids"), name, [file]).manifest.corpus_id
        for name, file in (("old", old_file), ("new", new_file))
    )
    started = time.monotonic()
    assert kill_after(tmp_path / "timing", new_file, 60) == 0
    whole = time.monotonic() - started
    chance = random.Random(7)
    killed = 0
    for attempt in range(KILLS):
        root = tmp_path / f"library{attempt}"
        library = Library.open(root)
        if with_old:
            import_files(library, "shop", [old_file])
        killed += kill_after(root, new_file, chance.uniform(0, whole)) == -9
        try:
            corpus = library.corpus("shop")
        except DomainError as error:
            assert not with_old and "there is no corpus" in error.what
        else:
            assert corpus.corpus_id in ((old_id, new_id) if with_old else (new_id,))
            assert sum(len(corpus.history(user)) for user in corpus.user_ids) == ROWS
        assert import_files(library, "shop", [new_file]).manifest.corpus_id == new_id
        left = {path.name for path in (root / "corpora" / "shop").iterdir()}
        assert left == {new_id, "current.json", ".lock"}
    assert killed >= KILLS // 4

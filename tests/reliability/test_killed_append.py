"""kill -9 at twelve moments of an append: the old content or the new, nothing between."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.corpus.appending import append_files
from core.corpus.importing import import_files
from core.corpus.store import Library
from tests.reliability.killing import kill_at_moments

POINTS = 12
ROWS, ADDED = 6_000, 5_500
T = 1_393_545_600


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
    kill_at_moments("append", new_file, first.root, roots)
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

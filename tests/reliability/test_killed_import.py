"""kill -9 at moments of an import: the old corpus, the new one, or none; never a broken one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from core.corpus.importing import import_files
from core.corpus.store import Library
from core.domain import DomainError
from tests.reliability.killing import kill_at_moments

POINTS = 24 if "TASTELINES_THOROUGH" in os.environ else 8
ROWS = 2_000
T = 1_393_545_600


def table(path: Path, rating: int) -> Path:
    rows = (f"u{n % 90},i{n % 70},{rating},{T + n},words {n}\n" for n in range(ROWS))
    path.write_text("user_id,item_id,rating,timestamp,text\n" + "".join(rows))
    return path


def corpus_found(library: Library) -> str | None:
    """The id of the whole corpus that is there, if one is."""
    try:
        corpus = library.corpus("shop")
    except DomainError as error:
        assert "there is no corpus" in error.what
        return None
    assert sum(len(corpus.history(user)) for user in corpus.user_ids) == ROWS
    return corpus.corpus_id


@pytest.mark.parametrize("with_old", [False, True], ids=["from nothing", "over an old corpus"])
def test_a_killed_import_leaves_a_whole_corpus_or_none(tmp_path: Path, with_old: bool) -> None:
    old_file, new_file = table(tmp_path / "old.csv", 3), table(tmp_path / "new.csv", 4)
    whole = Library.open(tmp_path / "whole")
    whole.root.mkdir()
    old_id = import_files(whole, "shop", [old_file]).manifest.corpus_id if with_old else None
    roots = [tmp_path / f"library{number}" for number in range(POINTS)]
    for root in roots:
        shutil.copytree(whole.root, root)
    kill_at_moments("import", new_file, whole.root, roots)
    new_id = whole.manifest("shop").corpus_id
    found = [corpus_found(Library.open(root)) for root in roots]
    assert set(found) <= {old_id, new_id} and found == sorted(found, key=[old_id, new_id].index)
    for root in roots[:: POINTS // 4]:
        library = Library.open(root)
        assert import_files(library, "shop", [new_file]).manifest.corpus_id == new_id
        left = {path.name for path in (root / "corpora" / "shop").iterdir()}
        (folder,) = left - {"current.json", ".lock"}
        assert folder.partition("-")[0] == new_id  # "-2" where the same content was there before

"""Killed while a model is put in place, or overtaken by an import: nothing is hidden or lost."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from core.cli import main
from core.corpus import models
from core.corpus.store import Library
from core.domain import DomainError
from core.engine import Engine
from core.files import verify

MOVES = ("replace", "rmtree")


def put(folder: Path, place: Path, kill_before: int | None) -> None:
    """Put a copy of a model in place in a process that dies before its n-th move."""
    child = os.fork()
    if child == 0:
        count = 0

        def counted(real):  # type: ignore[no-untyped-def]
            def move(*args, **options):  # type: ignore[no-untyped-def]
                nonlocal count
                if count == kill_before:
                    os._exit(9)
                count += 1
                return real(*args, **options)

            return move

        models.os = type("os", (), {"replace": counted(os.replace)})  # type: ignore[assignment]
        models.shutil = type("shutil", (), {"rmtree": counted(shutil.rmtree)})  # type: ignore
        try:
            with models.staging(place.parent) as staged:
                shutil.copytree(folder, staged, dirs_exist_ok=True)
                models.put_in_place(staged, place)
            os._exit(0)
        except BaseException:
            os._exit(1)
    os.waitpid(child, 0)


@pytest.mark.parametrize("kill_before", [0, 1, 2, 3, 4])
def test_a_training_killed_at_any_move_leaves_a_whole_model(
    full_library: Path, tmp_path: Path, kill_before: int
) -> None:
    shutil.copytree(full_library, tmp_path / "library")
    library = Library.open(tmp_path / "library")
    before = [folder.name for folder in library.model_folders("shop")]
    place = library.model_folder("shop")
    put(place, place, kill_before)
    assert [folder.name for folder in library.model_folders("shop")] == before
    verify(place)
    Engine.open(library.corpus("shop"), place, library)
    left = {path.name for path in place.parent.iterdir() if path.name[0] == "."}
    assert left <= {".lock"}


def test_a_training_under_way_is_left_alone(full_library: Path, tmp_path: Path) -> None:
    shutil.copytree(full_library, tmp_path / "library")
    library = Library.open(tmp_path / "library")
    with models.staging(library.models_root("shop")) as folder:
        (folder / "half").touch()
        assert len(library.model_folders("shop")) == 2
        assert (folder / "half").exists()
    assert not folder.exists()


def test_a_corpus_imported_while_a_model_is_trained(
    full_library: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The model is kept for the old content, and older models of the new content come first."""
    from core.training import writing

    root = tmp_path / "library"
    shutil.copytree(full_library, root)
    library = Library.open(root)
    old = library.corpus("shop")
    first = library.model_folder("shop")
    real = writing.summarise_users

    def meanwhile(*args, **options):  # type: ignore[no-untyped-def]
        library.write("shop", old.events[:-5], old.items, rating_scale=(1.0, 5.0))
        return real(*args, **options)

    monkeypatch.setattr(writing, "summarise_users", meanwhile)
    settings = tmp_path / "tiny.json"
    settings.write_text(json.dumps({"dim": 16, "hidden": 8, "epochs": 1, "seed": 5}))
    verb = ["train", "shop", "--config", str(settings), "--library", str(root)]
    assert main(verb) == 2
    said = capsys.readouterr().err
    assert "was imported again while the model was trained" in said
    kept = next(Path(word) for word in said.replace(")", " ").split() if word.startswith(str(root)))
    with pytest.raises(DomainError, match="trained on other content"):
        Engine.open(library.corpus("shop"), kept, library)
    library.write("shop", old.events, old.items, rating_scale=(1.0, 5.0))
    assert Engine.open(library.corpus("shop"), kept, library).model_id == kept.name
    assert library.model_folder("shop") == kept
    assert first in library.model_folders("shop")


def test_models_of_the_content_come_first(full_library: Path, tmp_path: Path) -> None:
    root = tmp_path / "library"
    shutil.copytree(full_library, root)
    library = Library.open(root)
    newest, older = library.model_folders("shop")
    config = json.loads((newest / "config.json").read_text())
    (newest / "config.json").write_text(json.dumps({**config, "corpus_id": "0" * 16}))
    (newest / "SHA256SUMS").unlink()
    assert library.model_folders("shop") == [older, newest]

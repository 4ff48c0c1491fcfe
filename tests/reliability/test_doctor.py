"""What an examination sees: stores emptied, evaluations exchanged, refused rows changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.corpus.store import Library
from core.doctor import examine
from core.views.corpora import build_models


@pytest.fixture
def library(full_library: Path, tmp_path: Path) -> Library:
    """A copy to damage."""
    return Library.open(shutil.copytree(full_library, tmp_path / "library"))


def test_an_emptied_store_is_worth_a_note(library: Library) -> None:
    (library.root / "scenarios.sqlite").write_bytes(b"")
    assert "scenarios.sqlite" in [note.what for note in examine(library).notes]


def test_an_evaluation_under_the_name_of_another_is_damaged(library: Library) -> None:
    first, second = sorted((library.root / "evaluations").glob("*.safetensors"))[:2]
    shutil.copy(second, first)
    (found,) = examine(library).damaged
    assert first.name in found.what and "another evaluation" in found.problem


@pytest.mark.parametrize("text", ["{", "[]\n", '{"a":' * 100_000])
def test_changed_refused_rows_of_lists_are_damaged(library: Library, text: str) -> None:
    (library.root / "lists" / "shop" / "production.quarantine.jsonl").write_text(text)
    (found,) = examine(library, deep=True).damaged
    assert found.what == "refused rows of lists production"


def test_a_changed_card_is_not_shown(library: Library) -> None:
    card = library.model_folder("shop") / "README.md"
    card.write_text(card.read_text() + "and more")
    assert next(build_models(library, "shop")).card.startswith("The card is damaged")

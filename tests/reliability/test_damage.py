"""Any file of a library damaged in any way: a sentence, or the answer it had before.

A sample with a fixed seed, or all cases with TASTELINES_THOROUGH set; ``python -m
benchmarks.damage`` tries all of them in processes of their own, so that it can count dead ones.
"""

from __future__ import annotations

import random
import shutil
import threading
from pathlib import Path

import pytest
from streamlit.runtime.pages_manager import PagesManager

from core.corpus import models
from core.corpus.store import Library
from tests.reliability.damaging import (
    DAMAGES,
    PAGES,
    Case,
    Pages,
    Verbs,
    drive_pages,
    every_case,
    open_page,
    renew,
    verbs,
    words,
)

SAMPLE = 8
PAGES_SAMPLE = 3
"""Cases of each kind of damage."""


@pytest.fixture(scope="module")
def place(full_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the library to damage is put before each case."""
    return tmp_path_factory.mktemp("damaged") / "library"


@pytest.fixture(scope="module")
def asking(full_library: Path, place: Path) -> Verbs:
    """What every verb answers before anything is damaged."""
    return Verbs(full_library, place)


@pytest.fixture(scope="module")
def opening(full_library: Path, place: Path) -> Pages:
    """What pages say before anything is damaged."""
    return Pages(full_library, place)


def cases(root: Path, damage: str, readers: list[str], thorough: bool, sample: int) -> list[Case]:
    """Combinations of file and verb or page."""
    every = [case for case in every_case(root, readers) if case.damage == damage]
    return every if thorough else random.Random(damage).sample(every, min(sample, len(every)))


def wrong(faults: Verbs | Pages, tried: list[Case]) -> list[str]:
    """The faults of all cases, in words."""
    found = ((case, faults.fault(case)) for case in tried)
    return [f"{case.reader}, {case.file}: {fault.said}" for case, fault in found if fault]


@pytest.mark.parametrize("damage", DAMAGES)
def test_verbs_answer_as_before_or_say_what_is_damaged(
    full_library: Path, place: Path, asking: Verbs, thorough: bool, damage: str
) -> None:
    readers = list(verbs(full_library, place))
    assert wrong(asking, cases(full_library, damage, readers, thorough, SAMPLE)) == []


@pytest.mark.parametrize("damage", DAMAGES)
def test_pages_show_the_same_or_say_what_is_damaged(
    full_library: Path,
    place: Path,
    opening: Pages,
    thorough: bool,
    damage: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PagesManager, "__init__", PagesManager.__init__)  # and back afterwards
    monkeypatch.setenv("TASTELINES_LIBRARY", str(place))
    drive_pages(place)
    assert wrong(opening, cases(full_library, damage, PAGES, thorough, PAGES_SAMPLE)) == []


@pytest.fixture
def shared(full_library: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """A library that others change while a page is open."""
    monkeypatch.setattr(PagesManager, "__init__", PagesManager.__init__)  # and back afterwards
    monkeypatch.setenv("TASTELINES_LIBRARY", str(place))
    drive_pages(place)
    renew(full_library, place)
    return Library.open(place)


def test_a_model_deleted_while_it_is_open_is_said_and_the_other_one_is_shown(
    opening: Pages, shared: Library
) -> None:
    kept, gone = shared.model_folders("shop")
    app = open_page("pages/timeline.py", corpus="shop", user=opening.user, model=gone.name)
    assert not app.exception and app.selectbox(key="model").value == gone.name
    shutil.rmtree(gone)
    app.run()
    assert not app.exception and app.selectbox(key="model").value == kept.name
    assert f"There is no model '{gone.name}'" in " ".join(words(app))
    shutil.rmtree(kept)
    app.run()
    assert not app.exception and "No model has been trained on shop" in " ".join(words(app))


def test_a_corpus_replaced_or_deleted_while_it_is_open_is_said(
    opening: Pages, shared: Library
) -> None:
    before = shared.corpus("shop")
    app = open_page("pages/timeline.py", corpus="shop", user=opening.user)
    assert not app.exception
    shared.write("shop", before.events[:-5], before.items, rating_scale=(1.0, 5.0))
    app.run()
    assert not app.exception and "trained on other content" in " ".join(words(app))
    shared.write("shop", before.events, before.items, rating_scale=(1.0, 5.0))
    app.run()
    assert not app.exception and "trained on other content" not in " ".join(words(app))
    shutil.rmtree(shared.root / "corpora" / "shop")
    app.run()
    assert not app.exception and "There is no corpus 'shop'" in " ".join(words(app))


def test_two_trainings_of_one_corpus_write_one_after_the_other(shared: Library) -> None:
    home, entered = shared.models_root("shop"), threading.Event()

    def other() -> None:
        with models.staging(home):
            entered.set()

    thread = threading.Thread(target=other)
    with models.staging(home) as folder:
        thread.start()
        assert not entered.wait(0.1)
        assert folder.is_dir() and len(shared.model_folders("shop")) == 2
    thread.join(10)
    assert entered.is_set()

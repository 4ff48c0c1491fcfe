"""Any file of a library damaged in any way: a sentence, or the answer it had before.

A sample with a fixed seed, or all cases with TASTELINES_THOROUGH set; ``python -m
benchmarks.damage`` tries all of them in processes of their own, so that it can count dead ones.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from streamlit.runtime.pages_manager import PagesManager

from tests.reliability.damaging import (
    DAMAGES,
    PAGES,
    Case,
    Pages,
    Verbs,
    drive_pages,
    every_case,
    verbs,
)

SAMPLE = 16
PAGES_SAMPLE = 4
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

"""A small library with one of everything, to be damaged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reliability.library import fill


@pytest.fixture(scope="session")
def thorough() -> bool:
    """Whether to try everything instead of a sample."""
    return "TASTELINES_THOROUGH" in os.environ


@pytest.fixture(scope="session")
def full_library(once: Callable[[str, Callable[[Path], object]], Path], measured: Path) -> Path:
    """The library of ``library.fill``; never changed."""

    def fill_it(root: Path) -> None:
        shutil.copy(measured, root)
        fill(root)

    return once("full", fill_it)

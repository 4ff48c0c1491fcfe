"""Compiled code is found again by the next process; a cache that is damaged or gone is no error."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.compiled import keep_compiled

CODE = "import numba\n\n\n@numba.njit\ndef double(x):\n    return 2 * x\n"


def loaded(path: Path) -> Any:
    """The function of a module, as a new process would have it."""
    spec = importlib.util.spec_from_file_location("doubling", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    keep_compiled(module.double)
    return module.double


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "doubling.py"
    path.write_text(CODE)
    return path


def test_what_one_process_compiled_the_next_one_finds(module: Path) -> None:
    first, second = loaded(module), loaded(module)
    assert first(3) == second(3) == 6
    assert sum(first.stats.cache_misses.values()) == 1
    assert sum(second.stats.cache_hits.values()) == 1


@pytest.mark.parametrize("kind", ["*.nbi", "*.nbc"])
def test_damaged_code_is_compiled_anew(module: Path, kind: str) -> None:
    loaded(module)(3)
    for path in module.parent.rglob(kind):
        path.write_bytes(b"damaged")
    again = loaded(module)
    assert again(3) == 6
    assert not again.stats.cache_hits


def test_a_folder_that_takes_no_file_is_no_error(module: Path) -> None:
    function = loaded(module)
    folder = module.parent / "__pycache__"
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("in the way")
    assert function(3) == 6


def test_what_numba_did_not_make_is_left_alone() -> None:
    keep_compiled(len, None)

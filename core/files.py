"""Files are replaced whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from safetensors.numpy import save_file


def replace_file(target: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file beside ``target``, then move it into place.

    A reader sees the old file or the new one; a killed writer leaves the old one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def replace_text(target: Path, text: str) -> None:
    """Replace ``target`` with UTF-8 text."""
    replace_file(target, lambda path: path.write_text(text, encoding="utf-8"))


def save_arrays(
    target: Path, arrays: Mapping[str, npt.NDArray[Any]], header: Mapping[str, str] | None = None
) -> None:
    """Replace ``target`` with a safetensors file of arrays and a header of strings."""
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    facts = None if header is None else dict(header)
    replace_file(target, lambda path: save_file(tensors, path, facts))


def load_arrays(path: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    """Arrays and header of a safetensors file; SafetensorError or OSError where unreadable."""
    with safe_open(path, framework="numpy") as file:
        names = file.keys()
        return {name: file.get_tensor(name) for name in names}, file.metadata() or {}

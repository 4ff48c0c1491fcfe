"""Modules and files that the documents name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
ROOMS = {path.name for path in (PROJECT / "core").iterdir() if path.is_dir()}
DOCUMENTS = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")]


def named(text: str) -> set[str]:
    """What stands in backticks and can only be a file of ours, or a name of core's."""
    examples = set(re.findall(r"^\*\*New file\*\* `(.*)`$", text, re.MULTILINE))
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    names = set(re.findall(r"`((?:core|pages|tests|benchmarks)/[a-z_./]+)`", prose))
    names |= set(re.findall(rf"`((?:core|{'|'.join(ROOMS)})[./][a-zA-Z_./]+)`", prose))
    return names - examples


def is_there(name: str) -> bool:
    """Whether a path, or a dotted name, of the project or of core exists."""
    if "/" in name:
        return any((root / name).exists() for root in (PROJECT, PROJECT / "core"))
    parts = name.removeprefix("core.").split(".")
    for end in range(len(parts), 0, -1):
        path = PROJECT.joinpath("core", *parts[:end])
        module = path.with_suffix(".py")
        if module.is_file():
            rest = parts[end:]
            return not rest or re.search(rf"\b{rest[0]}\b", module.read_text("utf-8")) is not None
        if path.is_dir() and end == len(parts):
            return True
    return False


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_names_is_there(document: Path) -> None:
    names = named(document.read_text(encoding="utf-8"))
    assert not sorted(name for name in names if not is_there(name))


def test_what_is_gone_is_found() -> None:
    names = named("`core/gone.py`, `recommend.gone`, `core.engine.gone`, `core/engine.py`, `st.x`")
    assert {name for name in names if not is_there(name)} == {
        "core/gone.py",
        "recommend.gone",
        "core.engine.gone",
    }

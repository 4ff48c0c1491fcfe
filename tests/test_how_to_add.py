"""docs/how_to_add.md works as it stands: each section is applied to a copy of the code and checked.

The checks are ``tests/how_to_add/SECTION.py``. They run in the copy, so they may use what the
section adds, and are no tests of their own here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
GUIDE = PROJECT / "docs" / "how_to_add.md"
MOST_FILES = {"a reader": 2, "a baseline": 2, "a page": 3, "a kind of edit": 3, "a figure": 2}
"""Code files that a section may touch."""
ALSO_RUN = (
    *("tests/core/recommend/test_recommender_contract.py", "tests/pages/test_empty_states.py"),
    *("-k", "co-visits or gaining or how_to_add"),
)
"""What the copy must pass beside the checks: the suites that find new parts by themselves."""


@dataclass(frozen=True)
class Block:
    """A block of the guide: a new file, or a change of one."""

    is_new: bool
    path: str
    text: str

    def apply(self, root: Path) -> None:
        """Write the file, or replace what the change shows; each place must occur exactly once."""
        path = root / self.path
        if self.is_new:
            assert not path.exists(), f"{self.path} exists already"
            path.write_text(self.text, encoding="utf-8")
            return
        content = path.read_text(encoding="utf-8")
        for place in re.split(r"^@@\n", self.text, flags=re.MULTILINE):
            lines = [line or " " for line in place.splitlines()]
            old = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
            new = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
            assert content.count(old) == 1, f"{self.path} does not have this once:\n{old}"
            content = content.replace(old, new)
        path.write_text(content, encoding="utf-8")


def blocks(section: str) -> Iterator[Block]:
    """The blocks of a section, in their order."""
    guide = GUIDE.read_text(encoding="utf-8")
    text = guide.split(f"\n## {section.capitalize()}\n")[1].split("\n## ")[0]
    form = r"^\*\*(New file|Change)\*\* `(\S+)`\n\n```\w+\n(.*?)^```$"
    for kind, path, content in re.findall(form, text, re.MULTILINE | re.DOTALL):
        yield Block(kind == "New file", path, content)


def copy_code(root: Path) -> None:
    """Code and tests as they are; the demo by a link."""
    no_caches = shutil.ignore_patterns("__pycache__")
    for name in ("core", "pages", "tests", "docs"):
        shutil.copytree(PROJECT / name, root / name, ignore=no_caches)
    shutil.copy(PROJECT / "app.py", root)
    for name in ("pyproject.toml", ".streamlit", "data"):
        (root / name).symlink_to(PROJECT / name)


@pytest.mark.parametrize("section", MOST_FILES)
def test_a_section_touches_few_files(section: str) -> None:
    paths = {change.path for change in blocks(section)}
    assert 0 < len(paths) <= MOST_FILES[section]


def test_the_guide_works_as_it_stands(tmp_path: Path) -> None:
    """All sections in one copy: none hinders another, and each does what its check asks for."""
    changes = [change for section in MOST_FILES for change in blocks(section)]
    copy_code(tmp_path)
    for change in changes:
        change.apply(tmp_path)
    paths = {change.path for change in changes}
    run(tmp_path, "ruff", "check", *paths)
    run(tmp_path, "ruff", "format", "--check", *paths)
    checks = [f"tests/how_to_add/{section.split()[-1]}.py" for section in MOST_FILES]
    run(tmp_path, "pytest", "-x", "--basetemp=temporary", *checks, *ALSO_RUN)


def run(folder: Path, module: str, *arguments: str) -> None:
    """Run a module of Python in a folder; what it says is the message of a failure."""
    command = [sys.executable, "-m", module, *arguments]
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_section_is_checked() -> None:
    titles = re.findall(r"^## (.*)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [title.lower() for title in titles] == list(MOST_FILES)

"""What stands in pages/_shared serves at least two pages, or app.py and so all of them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

PAGES = Path(__file__).resolve().parents[2] / "pages"
SHARED = sorted(path.stem for path in (PAGES / "_shared").glob("[!_]*.py"))


@cache
def imports(path: Path) -> set[str]:
    """Names of the shared modules that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "pages._shared":
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pages._shared."):
            names.add((node.module or "").rpartition(".")[2])
    return names


@pytest.mark.parametrize("module", SHARED)
def test_a_shared_module_serves_two_pages(module: str) -> None:
    serves = {module}
    for _ in SHARED:  # what a shared module imports serves the pages of that module
        serves |= {other for other in SHARED if imports(PAGES / "_shared" / f"{other}.py") & serves}
    if imports(PAGES.parent / "app.py") & serves:
        return
    users = set()
    for path in PAGES.rglob("*.py"):
        if path.parent.name != "_shared" and imports(path) & serves:
            users.add(path.stem if path.parent == PAGES else path.parent.name.strip("_"))
    assert len(users) >= 2, users

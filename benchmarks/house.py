"""The figures of the house: ``python -m benchmarks.house``. Read from the source, no run needed."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measuring import PROJECT, Line, record, show

MOST_LINES = 28_500
MOST_FILES = {"reader": 2, "baseline": 2, "page": 3, "kind of edit": 3, "figure": 2}
"""Code files touched to add one."""
SHARED_PAGES = "pages._shared"


def main() -> None:
    """Print and record every figure."""
    record("house", {"house": [show(line) for line in figures()]})


def figures() -> Iterator[Line]:
    """Lines of code, imports against the layers, shared modules of one page, files, words."""
    files = [*(PROJECT / "core").rglob("*.py"), *(PROJECT / "pages").rglob("*.py")]
    lines = sum(len(path.read_text("utf-8").splitlines()) for path in files)
    short = lines <= MOST_LINES
    yield Line("lines of Python in core and pages", f"{MOST_LINES:,}", f"{lines:,}", short)
    upward = sorted(upward_imports())
    yield Line("upward imports between rooms of core", "0", _listed(upward), not upward)
    lonely = sorted(modules_of_one_page())
    yield Line("modules of pages/_shared used by one page", "0", _listed(lonely), not lonely)
    touched = files_touched()
    few = all(touched[name] <= most for name, most in MOST_FILES.items())
    bar, value = (" / ".join(map(str, counts.values())) for counts in (MOST_FILES, touched))
    yield Line(f"code files touched to add: {' / '.join(MOST_FILES)}", bar, value, few)
    retired = retired_words()
    yield Line("lines with a retired word", "0", _listed(retired), not retired)


def upward_imports() -> set[str]:
    """``A -> B`` for each room of core that imports one above it in the layers contract."""
    rank = {}
    for number, layer in enumerate(reversed(layers())):
        for room in re.split(r"[|:]", layer):
            rank[room.strip(" ()")] = number
    found = set()
    for path in (PROJECT / "core").rglob("*.py"):
        importer = _module(path)
        for imported in imports(path):
            here, there = _room(importer), _room(imported)
            if here in rank and there in rank and rank[here] < rank[there]:
                found.add(f"{importer} -> {imported}")
    return found


def layers() -> list[str]:
    """The layers of core, highest first, from pyproject.toml."""
    with (PROJECT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    return next(contract["layers"] for contract in contracts if contract["type"] == "layers")


def modules_of_one_page() -> set[str]:
    """Modules of pages/_shared that fewer than two pages reach, directly or through others."""
    graph = {_module(path): set(imports(path)) for path in (PROJECT / "pages").rglob("*.py")}
    graph["app"] = set(imports(PROJECT / "app.py"))
    users: dict[str, set[str]] = defaultdict(set)
    for start in graph:
        if start.startswith(SHARED_PAGES):
            continue
        page = start.split(".")[1].lstrip("_") if "." in start else start
        seen, waiting = set(), [start]
        while waiting:
            module = waiting.pop()
            if module not in seen:
                seen.add(module)
                waiting += [name for name in graph.get(module, ()) if name in graph]
        for module in seen:
            users[module].add(page)
    shared = [name for name in graph if name.startswith(f"{SHARED_PAGES}.")]
    # What app.py uses is on every page.
    return {name for name in shared if len(users[name]) < 2 and "app" not in users[name]}


def files_touched() -> dict[str, int]:
    """Files in each section of docs/how_to_add.md, which tests/test_how_to_add.py follows."""
    guide = (PROJECT / "docs" / "how_to_add.md").read_text("utf-8")
    sections = {name: guide.split(f"\n## A {name}\n")[1].split("\n## ")[0] for name in MOST_FILES}
    form = re.compile(r"^\*\*(?:New file|Change)\*\* `(\S+)`$", re.MULTILINE)
    return {name: len(set(form.findall(text))) for name, text in sections.items()}


def retired_words() -> list[str]:
    """``file:line`` of each line that ``docs/retired_words.txt`` forbids."""
    words = PROJECT / "docs" / "retired_words.txt"
    places = ["core", "pages", "app.py", "README.md", "CHANGELOG.md", "docs"]
    command = ["git", "grep", "-nEf", str(words), "--", *places, f":!{words.relative_to(PROJECT)}"]
    found = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    return [":".join(line.split(":", 2)[:2]) for line in found.stdout.splitlines()]


def imports(path: Path) -> Iterator[str]:
    """Modules of core and pages that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if _exists(whole) else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _exists(module: str) -> bool:
    path = PROJECT / Path(*module.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _module(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if parts[0] == "core" and len(parts) > 1 else module


def _listed(rows: list[str]) -> str:
    return f"{len(rows)}" + (f" ({', '.join(rows[:12])})" if rows else "")


if __name__ == "__main__":
    main()

"""Every field of every view says what it is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

VIEWS = Path(__file__).resolve().parents[3] / "core" / "views"


def undocumented(path: Path) -> list[str]:
    """Fields of dataclasses in a file that no string literal follows."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ClassDef):
            continue
        if not any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
            continue
        for field, after in zip(node.body, [*node.body[1:], None], strict=True):
            if isinstance(field, ast.AnnAssign) and not (
                isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
                and isinstance(after.value.value, str)
            ):
                found.append(f"{path.name}: {node.name}.{ast.unparse(field.target)}")
    return found


@pytest.mark.parametrize(
    "path", sorted(VIEWS.rglob("*.py")), ids=lambda path: path.relative_to(VIEWS).as_posix()
)
def test_every_field_of_a_view_has_a_docstring(path: Path) -> None:
    assert undocumented(path) == []


def test_a_field_without_one_is_found(tmp_path: Path) -> None:
    module = tmp_path / "bare.py"
    module.write_text(
        'from dataclasses import dataclass\n@dataclass\nclass View:\n    """Doc."""\n'
        '    said: int\n    """What it is."""\n    unsaid: int\n'
    )
    assert undocumented(module) == ["bare.py: View.unsaid"]

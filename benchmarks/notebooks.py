"""Run notebooks and keep what their cells show: ``python -m benchmarks.notebooks NOTEBOOK...``.

The cells are plain Python and share one namespace, as in Jupyter; the value of a cell's last
expression is kept as HTML, as a plotly figure, or as text. It needs no Jupyter, so the tests run
the same code in seconds. Cells print nothing and use no magic.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

FORM = {"metadata": {"kernelspec": {"display_name": "Python 3", "language": "python",
        "name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}  # fmt: skip


def execute(cells: list[dict[str, Any]]) -> None:
    """Run the code cells in order and put what each shows into it."""
    names: dict[str, Any] = {"__name__": "__main__"}
    count = 0
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        count += 1
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"cell {count}", "exec"), names)
        shown = None
        if isinstance(last, ast.Expr):
            shown = eval(compile(ast.Expression(last.value), f"cell {count}", "eval"), names)
        cell["execution_count"] = count
        cell["outputs"] = [] if shown is None else [_output(shown, count)]


def _output(value: Any, count: int) -> dict[str, Any]:
    data: dict[str, Any] = {"text/plain": _lines(repr(value))}
    if hasattr(value, "to_plotly_json"):
        data = {"application/vnd.plotly.v1+json": json.loads(value.to_json())}
    elif hasattr(value, "_repr_html_"):
        data = {"text/html": _lines(value._repr_html_()), "text/plain": [type(value).__name__]}
    return {
        "data": data,
        "execution_count": count,
        "metadata": {},
        "output_type": "execute_result",
    }


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def run(path: Path) -> dict[str, Any]:
    """The notebook with fresh outputs."""
    notebook: dict[str, Any] = json.loads(path.read_text("utf-8"))
    execute(notebook["cells"])
    return {**notebook, **FORM}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        done = json.dumps(run(Path(name)), indent=1, ensure_ascii=False) + "\n"
        Path(name).write_text(done, encoding="utf-8")

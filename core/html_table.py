"""Results as tables for Jupyter: what ``_repr_html_`` of a result returns. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

SHOWN = 40
"""Rows of a table; of more, the first and the last."""
LONGEST = 80
"""Characters of a cell."""


def html_table(caption: str, columns: str, rows: Iterable[Sequence[object]]) -> str:
    """A table under its caption; ``columns`` are names separated by commas.

    None and NaN are empty cells, numbers have three decimals, times are days.
    """
    table = list(rows)
    if len(table) > SHOWN:
        head, tail = table[: SHOWN // 2], table[-SHOWN // 2 :]
        table = [*head, ["…"], *tail]
    names = "".join(f"<th>{escape(name.strip())}</th>" for name in columns.split(","))
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(_text(value))}</td>' for value in row)}</tr>" for row in table
    )
    return (
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"
    )


def _text(value: object) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else f"{value:.3f}"
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"

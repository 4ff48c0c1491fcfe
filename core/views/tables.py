"""The table twin of every chart: rows of a view as a frame, for reading and for export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum
from typing import Any

import pandas as pd

from core.corpus.texts import FORMULA_BEGINS
from core.measure.metrics import Interval
from core.views.wording import between


def table(rows: Sequence[Any], columns: str | Mapping[str, str]) -> pd.DataFrame:
    """Rows of a view as a frame, a column per field that ``columns`` names.

    ``"step item low=ndcg.low"``: fields or properties, one under another name, one read from
    inside a field; a mapping of names to fields says the same where names have spaces. A row class
    keeps its columns in ``COLUMNS``.
    """
    if isinstance(columns, str):
        pairs = (column.partition("=") for column in columns.split())
        columns = {name: path or name for name, _, path in pairs}
    return pd.DataFrame(
        {name: [_cell(row, path) for row in rows] for name, path in columns.items()}
    )


def _cell(row: Any, path: str) -> Any:
    """The value at ``path``; None from the first None on, enums and intervals as words."""
    value = row
    for name in path.split("."):
        value = None if value is None else getattr(value, name)
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, Interval):
        return between(value)
    return value.value if isinstance(value, Enum) else value


def as_csv(frame: pd.DataFrame) -> str:
    """A table as CSV that a spreadsheet opens without running anything.

    Text that a spreadsheet would take for a formula gets an apostrophe before it: column names,
    and cells of any column.
    """
    safe = frame.map(_unlike_a_formula).rename(columns=_unlike_a_formula)
    # A carriage return inside a cell is quoted only where lines end in one.
    csv: str = safe.to_csv(index=False, lineterminator="\r\n")
    return csv


def _unlike_a_formula(value: Any) -> Any:
    begins = isinstance(value, str) and value.startswith(FORMULA_BEGINS)
    return f"'{value}" if begins else value

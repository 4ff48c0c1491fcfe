"""Rows that could not be used: written as JSON lines, counted by reason, read back."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from core.corpus.source import BadRow

SHOWN = 20
EVENTS, ITEMS = "events", "items"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row of a file that was not used, and why.

    ``field`` is "line" where the whole row is at fault; ``column`` is the file's name for it;
    ``table`` says whether the file holds events or items; ``value`` is the start of the value.
    """

    file: str
    line: int
    field: str
    column: str
    reason: str
    value: str
    table: str = EVENTS

    def __str__(self) -> str:
        what = f"{self.column} " if self.column else ""
        value = f": {self.value!r}" if self.value else ""
        return f"{self.file}, line {self.line}: {what}{self.reason}{value}"


class Quarantine:
    """Collects refusals: all of them in a file, the first SHOWN and counts in memory."""

    def __init__(self, path: Path) -> None:
        self._out = path.open("w", encoding="utf-8")
        self.first: list[Refusal] = []
        self.reasons: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()

    def add(self, file: str, line: int, bad: BadRow, column: str, table: str = EVENTS) -> None:
        """Refuse one row."""
        refusal = Refusal(file, line, bad.field, column, bad.reason, bad.value, table)
        self._out.write(json.dumps(_as_json(refusal), ensure_ascii=False) + "\n")
        self.rows[table] += 1
        if table == EVENTS:
            self.reasons[f"{bad.field} {bad.reason}"] += 1
        if len(self.first) < SHOWN:
            self.first.append(refusal)

    def close(self) -> None:
        """Finish the file."""
        self._out.close()


def read_quarantine(path: Path, limit: int | None = None) -> list[Refusal]:
    """The refusals of a quarantine file, the first ``limit`` of them."""
    refusals: list[Refusal] = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if limit is not None and len(refusals) >= limit:
                break
            refusals.append(Refusal(**json.loads(line)))
    return refusals


def _as_json(refusal: Refusal) -> dict[str, str | int]:
    return {name: getattr(refusal, name) for name in Refusal.__slots__}

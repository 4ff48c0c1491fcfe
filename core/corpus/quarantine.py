"""Rows that could not be used: written as JSON lines, counted by reason, read back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from core.corpus.source import BadRow
from core.corpus.spoken import spoken
from core.language import tr

SHOWN = 20
EVENTS, ITEMS, USERS = "events", "items", "users"
FIELDS, ITEM_FIELDS = "fields", "item fields"  # no sentence
"""Tables of a refusal: a whole row, or one value that was dropped from a row that stayed."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row of a file that was not used, and why.

    ``field`` is "line" where the whole row is at fault; ``column`` is the file's name for it;
    ``table``: "events", "items" or "users" where the row was refused, "fields" or "item fields"
    where only this value was dropped and the row stayed. ``value`` is the start of the value.
    """

    file: str
    line: int
    field: str
    column: str
    reason: str
    value: str
    table: str = EVENTS

    @classmethod
    def of(
        cls, file: str, line: int, bad: BadRow, columns: Mapping[str, str], table: str = EVENTS
    ) -> Refusal:
        """A row that could not be read, with the file's own name for its field."""
        column = columns.get(bad.field, "")
        return cls(file, line, bad.field, column, bad.reason, bad.value, table)

    def __str__(self) -> str:
        what = self.said
        if self.column:
            what = tr("{field} {reason}", field=self.column, reason=what)
        if self.value:
            what = tr("{what}: {value!r}", what=what, value=self.value)
        return tr("{file}, line {line}: {what}", file=self.file, line=self.line, what=what)

    @property
    def said(self) -> str:
        """The reason, which is stored in English, in the reader's language."""
        return spoken(self.reason)


class Quarantine:
    """Collects refusals: all of them in a file, the first SHOWN and counts in memory.

    ``dropped`` counts values that were dropped from rows that stayed, by field (``item.`` before
    those of items); ``first_dropped`` are the first of them. With ``goes_on`` what the file holds
    already stays, uncounted.
    """

    def __init__(self, path: Path, *, goes_on: bool = False) -> None:
        self._out = path.open("a" if goes_on else "w", encoding="utf-8")
        self.first: list[Refusal] = []
        self.reasons: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.first_dropped: list[Refusal] = []

    def add(self, refusal: Refusal) -> None:
        """Refuse one row, or drop one value."""
        self._out.write(json.dumps(asdict(refusal), ensure_ascii=False) + "\n")
        self.rows[refusal.table] += 1
        if refusal.table in (FIELDS, ITEM_FIELDS):
            prefix = "item." if refusal.table == ITEM_FIELDS else ""
            self.dropped[prefix + refusal.field] += 1
            if len(self.first_dropped) < SHOWN:
                self.first_dropped.append(refusal)
            return
        if refusal.table == EVENTS:
            self.reasons[f"{refusal.field} {refusal.reason}"] += 1
        if len(self.first) < SHOWN:
            self.first.append(refusal)

    def close(self) -> None:
        """Finish the file."""
        self._out.close()


def read_quarantine(path: Path, limit: int | None = None) -> list[Refusal]:
    """The refusals of a quarantine file, the first ``limit`` of them."""
    with path.open(encoding="utf-8") as lines:
        return [Refusal(**json.loads(line)) for line in islice(lines, limit)]

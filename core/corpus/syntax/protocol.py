"""What every syntax gives: columns, rows, and a sample of values from the whole file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.corpus.source import BadRow

Fields = dict[str, Any]
Values = tuple[Any, ...]
ValueRow = tuple[int, Values | BadRow]
"""Line number (row number for Parquet and Excel) with the values asked for, or why not."""
Row = tuple[int, Fields | BadRow]

SAMPLE_ROWS = 5_000
SAMPLE_CELLS = 400_000
NAME_EXCERPT = 40


@dataclass(frozen=True)
class Facts:
    """How a file is written: see ``previewing.FileReading`` for what the fields mean.

    ``kind`` is what all events of a published layout are, where that is known.
    """

    syntax: str
    delimiter: str | None = None
    quote: str | None = None
    has_header: bool = True
    layout: str | None = None
    kind: str = ""
    aliases: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Rows(Protocol):
    """The rows of one file. Empty lines and comments are no rows."""

    facts: Facts
    columns: tuple[str, ...]

    def read(self, columns: Sequence[str]) -> Iterator[ValueRow]:
        """All rows, streamed: the values of these columns, None where a row lacks one.

        DomainError where the file as a whole cannot be read on.
        """
        ...

    def records(self) -> Iterator[Row]:
        """All rows with everything in them, by column."""
        ...

    def later(self, column: str) -> Sequence[Any]:
        """Some values of a column from the middle and the end of the file."""
        ...


@dataclass(frozen=True)
class Head:
    """The start of a file: its columns in order, and up to SAMPLE_ROWS rows of them.

    ``claimed`` are columns that a person gave to fields: a guess takes them last.
    """

    columns: tuple[str, ...]
    rows: tuple[ValueRow, ...]
    source: Rows
    claimed: frozenset[str] = frozenset()

    @property
    def listed(self) -> str:
        """The first columns for a message, each cut."""
        shown = ", ".join(column[:NAME_EXCERPT] for column in self.columns[:20])
        return shown + (", …" if len(self.columns) > 20 else "")

    def values(self, column: str) -> list[Any]:
        """A column's values at the start and further on; None where a row lacks it."""
        place = self.columns.index(column)
        start = [values[place] for _, values in self.rows if not isinstance(values, BadRow)]
        return [*start, *self.source.later(column)]


def named(head: Head) -> Sequence[str]:
    """The columns by their telling names: those of a published layout where they are numbered."""
    aliases = head.source.facts.aliases
    return [aliases.get(column, column) for column in head.columns]


def real_column(head: Head, name: str) -> str:
    """The column of a telling name."""
    return next((c for c, alias in head.source.facts.aliases.items() if alias == name), name)


def sample_rows(n_columns: int) -> int:
    """How many rows of so many columns make a sample."""
    return max(min(SAMPLE_ROWS, SAMPLE_CELLS // max(n_columns, 1)), 20)

"""A user and all items of that user in each line, in order, without times: ``1 104 125 130``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from core.corpus.source import BadRow, SourceFile
from core.corpus.syntax.dialect import READ_AS
from core.corpus.syntax.protocol import Facts, Row, ValueRow
from core.corpus.timestamps import times_share
from core.language import mark

SEQUENCES = mark("a user and that user's items in each line")
NO_SEQUENCE = mark("is not a user and items, all whole numbers")
LEAST_LINES = 3
_IDS = re.compile(r"[ \t]*\d+(?:[ \t]+\d+)+[ \t]*")


def looks_like_sequences(lines: Sequence[str]) -> bool:
    """Whether each line is whole numbers, of differing count, and no first one occurs twice."""
    lines = [line for line in lines if line.strip()]
    if len(lines) < LEAST_LINES or not all(map(_IDS.fullmatch, lines)):
        return False
    rows = [line.split() for line in lines]
    users = {row[0] for row in rows}
    third = [row[2] for row in rows if len(row) > 2]
    is_timed = times_share(third, strict=True) > 0.5  # a user, an item, a time, and more at times
    return len(users) == len(rows) and len({len(row) for row in rows}) > 1 and not is_timed


class SequenceRows:
    """Each item of a line is a row."""

    columns: tuple[str, ...] = ("user_id", "item_id")

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        notes = (READ_AS.format(layout=SEQUENCES),)
        self.facts = Facts(mark("sequences of ids"), " ", "none", False, SEQUENCES, notes=notes)

    def read(self, columns: Sequence[str]) -> Iterator[ValueRow]:
        places = [self.columns.index(column) for column in columns]
        for number, line in self._file.lines():
            if isinstance(line, BadRow):
                yield number, line
                continue
            if not line.strip():
                continue
            if not _IDS.fullmatch(line):
                yield number, BadRow("line", NO_SEQUENCE, line)
                continue
            user, *items = line.split()
            for item in items:
                yield number, tuple([(user, item)[place] for place in places])

    def records(self) -> Iterator[Row]:
        for number, values in self.read(self.columns):
            if isinstance(values, BadRow):
                yield number, values
            else:
                yield number, dict(zip(self.columns, values, strict=True))

    def later(self, column: str) -> Sequence[Any]:
        return ()

"""Records of ``key: value`` lines with an empty line between them, as SNAP's reviews have them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from core.corpus.source import BadRow, SourceFile
from core.corpus.syntax.protocol import SAMPLE_ROWS, Facts, Fields, Row, ValueRow
from core.language import mark

_PAIR = re.compile(r"([^\W\d][\w/ .-]{0,60}?):(?:\s(.*))?")
LEAST_PAIRS = 3
MAX_KEYS = 500
NO_PAIR = mark("is not 'key: value'")


def looks_like_blocks(lines: Sequence[str]) -> bool:
    """Whether these first lines are records: pairs, an empty line, the first key again."""
    first: list[str] = []
    place = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    while place < len(lines) and lines[place].strip():
        pair = _PAIR.fullmatch(lines[place].rstrip())
        if pair is None:
            return False
        first.append(pair[1])
        place += 1
    again = next((line for line in lines[place:] if line.strip()), "")
    pair = _PAIR.fullmatch(again.rstrip())
    return len(first) >= LEAST_PAIRS and pair is not None and pair[1] == first[0]


class BlockRows:
    """One row a record; its line is that of the record's first pair."""

    facts = Facts(mark("records of key: value"))

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        keys: dict[str, None] = {}
        for count, (_, fields) in enumerate(self.records()):
            keys.update(dict.fromkeys(fields if isinstance(fields, dict) else ()))
            if count >= SAMPLE_ROWS or file.text_read > 2**25 or len(keys) > MAX_KEYS:
                break
        self.columns = tuple(keys)

    def read(self, columns: Sequence[str]) -> Iterator[ValueRow]:
        for number, fields in self.records():
            if isinstance(fields, BadRow):
                yield number, fields
            else:
                yield number, tuple([fields.get(column) for column in columns])

    def records(self) -> Iterator[Row]:
        fields: Fields = {}
        begin, key = 0, ""
        for number, line in self._file.lines():
            if isinstance(line, BadRow):
                yield number, line
                continue
            if not line.strip():
                if fields:
                    yield begin, fields
                fields, key = {}, ""
                continue
            pair = _PAIR.fullmatch(line.rstrip())
            if pair is not None and pair[1] not in fields:
                begin = begin if fields else number
                key = pair[1]
                fields[key] = (pair[2] or "").strip()
            elif key:
                fields[key] += f"\n{line.strip()}"
            else:
                yield number, BadRow("line", NO_PAIR, line)
        if fields:
            yield begin, fields

    def later(self, column: str) -> Sequence[Any]:
        return ()

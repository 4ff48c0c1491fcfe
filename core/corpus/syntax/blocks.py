"""Records of ``key: value`` lines with an empty line between them, as SNAP's reviews have them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from core.corpus.source import BadRow, SourceFile
from core.corpus.spoken import form
from core.corpus.syntax.protocol import SAMPLE_ROWS, Facts, Row, ValueRow
from core.language import mark

_PAIR = re.compile(r"([^\W\d][\w/ .-]{0,60}?):(?:\s(.*))?")
LEAST_PAIRS = 3
MAX_KEYS = 500
MAX_RECORD_LINES, MAX_RECORD_TEXT = 2_000, 2**20
NO_PAIR = mark("is not 'key: value'")
TOO_LARGE = form(mark("begins a record of more than {n} lines or 1 MiB"))


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
    """One row a record; its line is that of the record's first pair.

    A record ends with an empty line, or where the file's first key comes again. A line that is no
    pair, or whose key the record has, goes on with the value before.
    """

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
        record: dict[str, list[str]] = {}
        begin, key, leading = 0, "", ""
        lines = size = 0
        for number, line in self._file.lines():
            if isinstance(line, BadRow):
                yield number, line
                continue
            pair = _PAIR.fullmatch(line.rstrip())
            if record and (not line.strip() or (pair is not None and pair[1] == leading)):
                yield begin, self._whole(record, lines, size)
                record, key, lines, size = {}, "", 0, 0
            if not line.strip():
                continue
            if pair is not None and pair[1] not in record:
                begin, key = begin if record else number, pair[1]
                leading = leading or key
                record[key] = [(pair[2] or "").strip()]
            elif not key:
                yield number, BadRow("line", NO_PAIR, line)
                continue
            elif lines <= MAX_RECORD_LINES and size <= MAX_RECORD_TEXT:
                record[key].append(line.strip())
            lines, size = lines + 1, size + len(line)
        if record:
            yield begin, self._whole(record, lines, size)

    @staticmethod
    def _whole(record: dict[str, list[str]], lines: int, size: int) -> dict[str, Any] | BadRow:
        if lines > MAX_RECORD_LINES or size > MAX_RECORD_TEXT:
            return BadRow("line", TOO_LARGE.format(n=f"{MAX_RECORD_LINES:,}"))
        return {key: "\n".join(pieces) for key, pieces in record.items()}

    def later(self, column: str) -> Sequence[Any]:
        return ()

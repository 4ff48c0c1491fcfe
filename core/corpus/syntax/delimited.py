"""Rows of CSV, TSV and their kin. A stray quote costs its own line at most."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

from core.corpus.options import NO_QUOTE, ImportOptions
from core.corpus.source import BadRow, SourceFile
from core.corpus.spoken import form
from core.corpus.syntax import layouts
from core.corpus.syntax.dialect import Dialect, find_dialect
from core.corpus.syntax.protocol import Facts, Row, ValueRow
from core.corpus.texts import OPEN_QUOTE
from core.language import mark

MAX_ROW_LINES = 2_000
MAX_ROW_TEXT = 2**20
LATER_ROWS = 200
HEADER_HAS = form(mark("has {n} fields where the header has {width}"))
OTHERS_HAVE = form(mark("has {n} fields where the other lines have {width}"))

Line = tuple[int, str | BadRow]


class Delimited:
    """The rows of a delimited text.

    A field that begins with a quote may go over several lines; if one of these lines is a row of
    its own, the quote is taken for a plain character instead.
    """

    def __init__(self, file: SourceFile, options: ImportOptions) -> None:
        self._file = file
        self.dialect: Dialect = find_dialect(file.sample, options, file.path)
        self.columns = self.dialect.columns
        self._places = {column: place for place, column in enumerate(self.columns)}
        cutter = self.dialect.cutter
        layout = self.dialect.layout
        self._width = len(layout.columns) if layout else len(self.columns)
        self.facts = Facts(
            syntax={",": "CSV", "\t": "TSV"}.get(cutter.delimiter, mark("delimited text")),
            delimiter=cutter.delimiter,
            quote=cutter.quote or NO_QUOTE,
            has_header=self.dialect.has_header,
            layout=layout.name if layout else None,
            kind=layout.kind if layout else "",
            aliases=self.dialect.aliases,
            notes=self.dialect.notes,
        )

    def read(self, columns: Sequence[str]) -> Iterator[ValueRow]:
        places = [self._places[column] for column in columns]
        pick = _picker(places)
        for number, cells in self._cells():
            yield number, cells if isinstance(cells, BadRow) else pick(cells)

    def records(self) -> Iterator[Row]:
        for number, cells in self._cells():
            if isinstance(cells, BadRow):
                yield number, cells
            else:
                yield number, dict(zip(self.columns, cells, strict=True))

    def later(self, column: str) -> Sequence[Any]:
        place = self._places[column]
        cutter = self.dialect.cutter
        values: list[Any] = []
        for piece in self._file.sample.later:
            for line in piece.split("\n")[:LATER_ROWS]:
                cells, is_open = cutter.cut(line)
                if not is_open and len(cells) == self._width:
                    values.extend(row[place] for row in self._expanded(cells))
        return values

    def _cells(self) -> Iterator[tuple[int, list[str] | BadRow]]:
        """Rows as lists of as many cells as there are columns."""
        source = _Lines(self._file, self.dialect.skipped)
        cutter, width = self.dialect.cutter, self._width
        mark = None if cutter.delimiter == " " else cutter.delimiter
        quote, comment = cutter.quote or "\0", self.dialect.comment
        layout = self.dialect.layout
        to_expand = layout if layout is not None and layout.expand else None
        header_waits = self.dialect.has_header
        for number, line in source:
            if isinstance(line, BadRow):
                yield number, line
                continue
            if comment and line.startswith(comment):
                continue
            if line.startswith("# ") and not header_waits:
                continue
            cells = self._quoted(source, line) if quote in line else line.split(mark)
            if isinstance(cells, list) and len(cells) != width:
                if (len(cells) <= 1 and not line.strip()) or line[0] == "#":
                    continue
                if len(cells) == width + 1 and not cells[-1].strip():
                    del cells[-1]
                elif to_expand is not None and to_expand.expand == "rest":
                    cells = line.split(mark, width - 1)
                elif "\r" in line and (parts := self._old_lines(line)):
                    for part in parts:
                        yield number, part
                    continue
                elif not header_waits:
                    yield number, BadRow("line", self._misfit(len(cells)), line)
                    continue
            if header_waits:
                header_waits = False
                continue
            if to_expand is None or isinstance(cells, BadRow):
                yield number, cells
            else:
                for row in self._expanded(cells):
                    yield number, row

    def _misfit(self, n: int) -> str:
        whose = HEADER_HAS if self.dialect.has_header else OTHERS_HAVE
        return whose.format(n=n, width=self._width)

    def _expanded(self, cells: list[str]) -> list[list[str]]:
        layout = self.dialect.layout
        return layouts.expand(layout, cells) if layout is not None else [cells]

    def _old_lines(self, line: str) -> list[list[str]]:
        """The rows of a line that lone carriage returns cut; empty unless all are whole."""
        parts = [self.dialect.cutter.cut(part)[0] for part in line.split("\r") if part.strip()]
        return parts if all(len(cells) == self._width for cells in parts) else []

    def _quoted(self, source: _Lines, line: str) -> list[str] | BadRow:
        """The cells of a line with quotes, with further lines where a quoted field goes on."""
        cells, is_open = self.dialect.cutter.cut(line)
        if not is_open:
            return cells
        joined = self._joined(source, line)
        if joined is not None:
            return joined
        if len(cells) == self._width or (len(cells) == self._width + 1 and not cells[-1]):
            return cells
        return BadRow("line", OPEN_QUOTE, line)

    def _joined(self, source: _Lines, line: str) -> list[str] | None:
        """The cells of a row over several lines; None where the quote is a stray one."""
        quote = self.dialect.cutter.quote or '"'
        taken: list[Line] = []
        pieces = [line]
        length = len(line)
        for number, more in source.rest():
            taken.append((number, more))
            if isinstance(more, BadRow) or self._is_row(more):
                break
            pieces.append(more)
            length += len(more)
            if quote in more:
                cells, is_open = self.dialect.cutter.cut("\n".join(pieces))
                if not is_open:
                    if len(cells) == self._width + 1 and not cells[-1].strip():
                        del cells[-1]
                    if len(cells) == self._width:
                        return cells
                    break
            if len(pieces) > MAX_ROW_LINES or length > MAX_ROW_TEXT:
                break
        source.give_back(taken)
        return None

    def _is_row(self, line: str) -> bool:
        """Whether a line is a row of its own: as many cells, numbers and dates in their places."""
        cells, _ = self.dialect.cutter.cut(line)
        if len(cells) == self._width + 1 and not cells[-1].strip():
            del cells[-1]
        if len(cells) != self._width or self._width < 2:
            return False
        firm = self.dialect.firm
        return all(self._is_firm(cells[place]) for place in firm)

    @staticmethod
    def _is_firm(cell: str) -> bool:
        return any(character.isdigit() for character in cell) and len(cell) < 40


class _Lines:
    """The lines of a file after those skipped; lines read ahead can be given back."""

    def __init__(self, file: SourceFile, skipped: int) -> None:
        self._source = file.lines()
        self._again: deque[Line] = deque()
        self._skipped = skipped

    def __iter__(self) -> Iterator[Line]:
        for _ in range(self._skipped):
            next(self._source, None)
        return self.rest()

    def rest(self) -> Iterator[Line]:
        """What has not been read yet."""
        again, source = self._again, self._source
        while True:
            while again:
                yield again.popleft()
            for line in source:
                yield line
                if again:
                    break
            else:
                return

    def give_back(self, lines: Sequence[Line]) -> None:
        """Read these again next."""
        self._again.extendleft(reversed(lines))


def _picker(places: Sequence[int]) -> Any:
    if len(places) == 1:
        only = places[0]
        return lambda cells: (cells[only],)
    return itemgetter(*places) if places else lambda cells: ()

"""The Netflix Prize's ratings: a line with a movie's number and a colon, then its ratings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from core.corpus.source import BadRow, SourceFile
from core.corpus.syntax.dialect import READ_AS
from core.corpus.syntax.layouts import NETFLIX, NETFLIX_COLUMNS, NETFLIX_MOVIE
from core.corpus.syntax.protocol import Facts, Row, ValueRow
from core.language import mark


class NetflixRows:
    """The ratings as rows of user, rating, date and movie; a movie's own line is no row."""

    columns: tuple[str, ...] = NETFLIX_COLUMNS

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        notes = (READ_AS.format(layout=NETFLIX),)
        self.facts = Facts(
            mark("movies and their ratings"), ",", "none", False, NETFLIX, notes=notes
        )

    def read(self, columns: Sequence[str]) -> Iterator[ValueRow]:
        places = [self.columns.index(column) for column in columns]
        for number, cells in self._cells():
            if isinstance(cells, BadRow):
                yield number, cells
            else:
                yield number, tuple([cells[place] for place in places])

    def records(self) -> Iterator[Row]:
        for number, cells in self._cells():
            if isinstance(cells, BadRow):
                yield number, cells
            else:
                yield number, dict(zip(self.columns, cells, strict=True))

    def later(self, column: str) -> Sequence[Any]:
        return ()

    def _cells(self) -> Iterator[tuple[int, list[str] | BadRow]]:
        movie = ""
        for number, line in self._file.lines():
            if isinstance(line, BadRow):
                yield number, line
                continue
            found = NETFLIX_MOVIE.fullmatch(line)
            if found:
                movie = found[1]
            elif line.strip():
                cells = line.split(",")
                if len(cells) == len(self.columns) - 1:
                    yield number, [*cells, movie]
                else:
                    yield number, BadRow("line", mark("is neither a movie nor a rating"), line)

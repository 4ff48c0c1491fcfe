"""Find out how a delimited text is written: delimiter, quotes, header or a known layout.

Judged on lines from the start, the middle and the end of the file. What a person said comes first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.corpus.column_names import is_named
from core.corpus.options import NO_QUOTE, ImportOptions
from core.corpus.questions import Asked
from core.corpus.source import Sample
from core.corpus.spoken import form
from core.corpus.syntax.cells import Cutter
from core.corpus.syntax.layouts import LAYOUTS, Layout, expanded_names
from core.corpus.timestamps import times_share
from core.domain import DomainError
from core.language import mark, tr

MARKS = ("\t", ",", ";", "|", "::", "||", "\x01", "\x1f", "~", "^", "¦", "、")
SNIFFED_LINES = 1_500
LATER_LINES = 100
COMPARED_ROWS = 400
COMPARED_CELLS = 100_000
CONSISTENT = 0.7
DISTINCT = 0.95
JOINED_LINES = 20
NAMED_ENOUGH = 2
TITLE_LINES = 12
NAME_EXCERPT = 40
COMMENTS = ("#", "%")
SKIPPED = form(mark("{n} lines above the header were skipped"))
READ_AS = form(mark("read as {layout}, which has no header"))
REPEATED = form(
    mark("the column name {name} occurs more than once; the later one is called {later}")
)
_SEP_LINE = re.compile(r'"?sep=(.{1,2}?)"?\s*', re.IGNORECASE)
_DATA = re.compile(r"[-+]?[\d.,]*\d[\d.,]*%?|.*\d[-/.:]\d+[-/.:]\d.*|\d{4}\D\d{1,2}.*|\S+@\S+\.\w+")
_FIRM = re.compile(r"[-+\d.,:/ TZ]*\d[-+\d.,:/ TZ]*")
_PAIR_OF_IDS = re.compile(r"\s*\d+ +\d+\s*")
_FRACTION = re.compile(r"[-+]?\d*[.,]\d+|-\d+")
_LETTERS, _DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d+")


@dataclass(frozen=True)
class Dialect:
    """How the lines of one file become rows.

    ``skipped`` lines come before the first row. ``firm``: columns whose cells are all numbers or
    dates, by which a line is known to be a row of its own. ``aliases``: published name of each
    numbered column of a known layout. ``notes`` say in words what a person may wonder about.
    """

    cutter: Cutter
    columns: tuple[str, ...]
    has_header: bool
    skipped: int
    layout: Layout | None
    comment: str
    firm: tuple[int, ...]
    aliases: dict[str, str]
    notes: tuple[str, ...]


def find_dialect(sample: Sample, options: ImportOptions, path: Path) -> Dialect:
    """The dialect that explains the sample best; DomainError where no reading makes sense."""
    lines = sample.start.split("\n") if "\n" in sample.start else sample.start.split("\r")
    if not sample.is_whole and len(lines) > 2:
        del lines[-1]
    lines = [line.rstrip("\r") for line in lines[: SNIFFED_LINES + TITLE_LINES]]
    return _Sniffer(lines, _later_lines(sample), options, path).find()


def _later_lines(sample: Sample) -> list[str]:
    return [line for piece in sample.later for line in piece.split("\n")[:LATER_LINES] if line]


class _Sniffer:
    def __init__(
        self, lines: list[str], later: list[str], options: ImportOptions, path: Path
    ) -> None:
        self.lines, self.later, self.options, self.path = lines, later, options, path
        self.notes: list[str] = []
        self.skipped = 0
        self.comment = ""
        self.stated: str | None = None

    def find(self) -> Dialect:
        self._skip_preface()
        if not any(line.strip() for line in self.lines[self.skipped :]):
            raise DomainError(
                tr("the file has no row that can be read"),
                where=str(self.path),
                remedy=tr("Choose another file"),
            )
        quote = self.options.quote
        mark = self.options.delimiter or self.stated or self._delimiter()
        cutter = self._cutter(mark, quote)
        rows = self._rows(cutter)
        width = _usual(len(row) for row in rows)
        self._skip_titles(cutter, width)
        return self._dialect(cutter, width)

    def _skip_preface(self) -> None:
        """A byte order mark's line ``sep=;``, blank lines and comments before the first row."""
        comments: list[str] = []
        while self.skipped < len(self.lines):
            line = self.lines[self.skipped]
            stated = _SEP_LINE.fullmatch(line) if self.stated is None else None
            if stated:
                self.stated = "\t" if stated[1] == "\\t" else stated[1]
            elif line.startswith(COMMENTS) and self.skipped + 1 < len(self.lines):
                self.comment = line[0]
                comments.append(line)
            elif line.strip():
                break
            self.skipped += 1
        if comments and self._is_commented_header(comments[-1]):
            self.skipped -= 1
            while self.lines[self.skipped] != comments[-1]:
                self.skipped -= 1
            self.lines[self.skipped] = comments[-1][1:].lstrip()

    def _is_commented_header(self, line: str) -> bool:
        return is_named(re.split(r"[,\t;|]+| +", line[1:].strip())) >= NAMED_ENOUGH + 1

    def _delimiter(self) -> str:
        """The mark that cuts the most lines into the same number of fields, more than one."""
        lines = [line for line in self.lines[self.skipped :] if line.strip()]
        lines = [*lines[:SNIFFED_LINES], *self.later]
        if self.comment:
            lines = [line for line in lines if not line.startswith(self.comment)]
        best, best_score = "", 0.0
        for sign in MARKS:
            score = _score(sign, lines)
            if score > best_score:
                best, best_score = sign, score
        if best == "|" and _score("||", lines) >= 1 and "|||" not in lines[0]:
            pairs = sum(line.count("||") for line in lines[:50])
            if pairs * 2 == sum(line.count("|") for line in lines[:50]):
                best = "||"
        if not best and _score(" ", lines) > 0:
            is_pair = all(map(_PAIR_OF_IDS.fullmatch, lines[:COMPARED_ROWS]))
            best = " " if is_pair or len(lines[0].split()) > 2 else ""
        return best or ","

    def _cutter(self, mark: str, quote: str | None) -> Cutter:
        """How quotes are read: as marks around fields, escaped or doubled, or as they stand."""
        if quote is not None:
            cutter = Cutter(mark, None if quote == NO_QUOTE else quote)
            return self._escaping(cutter)
        lines = [*self.lines[self.skipped :], *self.later]
        if self._single_quoted(mark, lines):
            return self._escaping(Cutter(mark, "'"))
        if not any('"' in line for line in lines):
            return Cutter(mark, None if mark == "\t" else '"')
        quoted = self._escaping(Cutter(mark))
        if mark != "\t":
            return quoted
        literal = Cutter(mark, None)
        if self._wholly_quoted(mark, lines):
            return quoted
        bad_literal, bad_quoted = self._misfits(literal), self._misfits(quoted)
        return quoted if bad_literal and bad_quoted * 2 < bad_literal else literal

    def _escaping(self, cutter: Cutter) -> Cutter:
        """Whether a backslash escapes quotes: where that closes more of them."""
        mark = cutter.quote
        if mark is None or not any(f"\\{mark}" in line for line in [*self.lines, *self.later]):
            return cutter
        escaping = Cutter(cutter.delimiter, mark, escapes=True)
        lines = [line for line in [*self.lines, *self.later] if f"\\{mark}" in line]
        opened = [sum(reading.cut(line)[1] for line in lines) for reading in (cutter, escaping)]
        return escaping if opened[1] <= opened[0] else cutter

    def _single_quoted(self, mark: str, lines: Sequence[str]) -> bool:
        cells = [cell for line in lines[:200] if line for cell in line.split(mark)]
        inside = sum(len(cell) > 1 and cell[0] == "'" == cell[-1] for cell in cells)
        return inside * 3 > len(cells)

    def _wholly_quoted(self, mark: str, lines: Sequence[str]) -> bool:
        """Whether some column is quoted in every line, and no quote in the file lacks its pair."""
        rows = [line.split(mark) for line in lines if line]
        width = _usual(len(row) for row in rows)
        rows = [row for row in rows if len(row) == width]
        columns = [
            sum(len(row[place]) > 1 and row[place][0] == '"' == row[place][-1] for row in rows)
            for place in range(width)
        ]
        return bool(rows) and max(columns, default=0) >= 0.98 * len(rows)

    def _misfits(self, cutter: Cutter) -> int:
        """Lines that do not have the usual number of fields; quoted lines are joined first."""
        rows = self._rows(cutter)
        width = _usual(len(row) for row in rows)
        return sum(len(row) != width for row in rows)

    def _rows(self, cutter: Cutter) -> list[list[str]]:
        """The rows of the first lines; an open quote goes on for a few lines, or is a stray."""
        rows: list[list[str]] = []
        lines = [line for line in self.lines[self.skipped :] if not self._is_comment(line)]
        place = 0
        while place < len(lines):
            cells, is_open = cutter.cut(lines[place])
            place += 1
            if is_open:
                for stop in range(place + 1, min(place + JOINED_LINES, len(lines)) + 1):
                    joined, still_open = cutter.cut("\n".join(lines[place - 1 : stop]))
                    if not still_open:
                        cells, place = joined, stop
                        break
            if len(cells) > 1 or "".join(cells).strip():
                rows.append(cells)
        return rows

    def _is_comment(self, line: str) -> bool:
        return bool(self.comment) and line.startswith(self.comment)

    def _skip_titles(self, cutter: Cutter, width: int) -> None:
        """Lines above the header that are no rows: a report's title, the date of an export."""
        if self.options.header is False:
            return
        place = self.skipped
        shorter = []
        for line in self.lines[place : place + TITLE_LINES]:
            cells = cutter.cut(line)[0]
            filled = len([cell for cell in cells if cell.strip()])
            if line.strip() and (len(cells) >= max(width - 1, 2) and filled > width / 2):
                break
            if line.strip():
                shorter.append(line)
            place += 1
        else:
            return
        header = cutter.cut(self.lines[place])[0]
        if shorter and width > 1 and is_named(header) >= NAMED_ENOUGH:
            self.notes.append(SKIPPED.format(n=len(shorter)))
            self.skipped = place

    def _dialect(self, cutter: Cutter, width: int) -> Dialect:
        options = self.options
        rows = self._rows(cutter)
        if not rows:
            raise DomainError(tr("the file has no row that can be read"), where=str(self.path))
        first, data = rows[0], [row for row in rows if len(row) == width]
        layout = self._layout(rows) if options.header is not True else None
        if layout is not None:
            names = expanded_names(layout)
            numbered = tuple(str(place + 1) for place in range(len(names)))
            said = options.header is False
            return Dialect(
                cutter, numbered if said else names, False, self.skipped, layout, self.comment,
                self._firm(data), dict(zip(numbered, names, strict=True)) if said else {},
                (*self.notes, READ_AS.format(layout=layout.name)),
            )  # fmt: skip
        if options.header is False:
            columns = tuple(str(place + 1) for place in range(width))
            return self._made(cutter, columns, False, data)
        if options.header is None and not _is_header(first, data[1:] or rows[1:]):
            shown = ", ".join(cell[:NAME_EXCERPT] for cell in first[:6])
            raise Asked(
                tr("the first line looks like data, not like column names: {cells}", cells=shown),
                "header",
                where=str(self.path),
                remedy=_headless(data),
                values=tuple(first[:20]),
            )
        return self._made(cutter, self._header(first, width), True, data[1:])

    def _made(
        self, cutter: Cutter, columns: tuple[str, ...], header: bool, data: list[list[str]]
    ) -> Dialect:
        notes = tuple(self.notes)
        firm = self._firm(data)
        return Dialect(cutter, columns, header, self.skipped, None, self.comment, firm, {}, notes)

    def _layout(self, rows: list[list[str]]) -> Layout | None:
        """The published layout that the first lines have."""
        lines = [line for line in self.lines[self.skipped :] if line.strip()][:COMPARED_ROWS]
        for layout in LAYOUTS:
            if self.options.delimiter not in (None, layout.delimiter):
                continue
            cut = [line.split(layout.delimiter) for line in lines]
            if layout.expand == "rest":
                cut = [line.split(layout.delimiter, len(layout.columns) - 1) for line in lines]
            if layout.fits(cut) and layout.fits(cut[:1]):
                return layout
        return None

    def _header(self, cells: list[str], width: int) -> tuple[str, ...]:
        """Column names made unique; without the empty one that a delimiter at the end makes."""
        names = [cell.strip() for cell in cells]
        if names and not names[-1] and len(names) > 1 and len(names) != width:
            del names[-1]
        elif len(names) == width - 1 and is_named(names) >= NAMED_ENOUGH and self._named_rows():
            names.insert(0, "")
        seen: Counter[str] = Counter()
        unique: list[str] = []
        for place, name in enumerate(names, 1):
            plain = name or f"column {place}"  # no sentence
            seen[plain] += 1
            if seen[plain] > 1:
                plain = f"{plain} ({seen[plain]})"
                first, later = repr(name[:NAME_EXCERPT]), repr(plain[:NAME_EXCERPT])
                self.notes.append(REPEATED.format(name=first, later=later))
            unique.append(plain)
        return tuple(unique)

    def _named_rows(self) -> bool:
        """Whether rows have one field more than the header, as R writes row names: one each."""
        header, *rows = self._rows(Cutter(self._delimiter()))[:COMPARED_ROWS]
        rows = [row for row in rows if len(row) == len(header) + 1]
        names = {row[0] for row in rows}
        filled = sum(bool(row[-1].strip()) for row in rows)
        return bool(rows) and filled > len(rows) / 2 and len(names) >= DISTINCT * len(rows)

    def _firm(self, data: list[list[str]]) -> tuple[int, ...]:
        if not data:
            return ()
        width = len(data[0])
        data = data[: max(min(COMPARED_ROWS, COMPARED_CELLS // max(width, 1)), 5)]
        counts = [0] * width
        for row in data:
            for place, cell in enumerate(row[:width]):
                counts[place] += _FIRM.fullmatch(cell.strip()) is not None
        return tuple(place for place, count in enumerate(counts) if count >= 0.9 * len(data))


def _score(mark: str, lines: Sequence[str]) -> float:
    """How well a mark cuts the lines: 0, or more for more lines of one width and more fields."""
    readings = [_widths(Cutter(mark, None if mark == "\t" else '"'), lines)]
    if any('"' in line for line in lines):
        readings.append(_widths(Cutter(mark), lines, joins=True))
    first = Cutter(mark).cut(lines[0])[0]
    best = 0.0
    for counted in readings:
        if not counted:
            continue
        width = max(counted, key=lambda n: (counted[n], n))
        share = counted[width] / sum(counted.values())
        if width >= 2 and share >= (0.95 if mark == " " else CONSISTENT):
            likely = 0.5 if abs(len(first) - width) <= 1 else 0
            best = max(best, share + min(is_named(first), 6) + likely + min(width, 20) / 100)
    return best


def _widths(cutter: Cutter, lines: Sequence[str], *, joins: bool = False) -> Counter[int]:
    """How many lines have how many fields. A line that ends in an open quote is not counted, or,
    where ``joins``, goes on in the next ones.
    """
    counted: Counter[int] = Counter()
    held: list[str] = []
    for line in lines:
        text = "\n".join([*held, line]) if held else line
        if cutter.quote is None or cutter.quote not in text:
            n = len(text.split()) if cutter.delimiter == " " else text.count(cutter.delimiter) + 1
            counted[n] += 1
            continue
        cells, is_open = cutter.cut(text)
        if not is_open:
            counted[len(cells)] += 1
            held = []
        elif joins:
            held = [*held, line] if len(held) < JOINED_LINES else []
    return counted


def _headless(rows: Sequence[Sequence[str]]) -> str:
    """How to read rows without names: which columns their values suggest, numbered from 1."""
    rows = rows[:COMPARED_ROWS]
    columns = [[cell.strip() for cell in column] for column in zip(*rows, strict=True)]
    shares = [times_share(column, strict=True) for column in columns]
    time = max(range(len(columns)), key=lambda at: (shares[at], at), default=0)
    is_timed = len(columns) > 2 and shares[time] >= CONSISTENT
    others = [at for at in range(len(columns)) if not (is_timed and at == time)]
    ids = [at for at in others if not any(map(_FRACTION.fullmatch, columns[at]))]
    ids = [at for at in ids if len(set(columns[at])) > 1] or ids
    user, item = (*ids, *(at for at in others if at not in ids), 0, 1)[:2]
    said = {"user": user + 1, "item": item + 1}
    if is_timed:
        return tr(
            "Put a header line first, or add --no-header, which calls the columns 1, 2, 3, ..., "
            "and say which is which: --no-header --map user_id={user} --map item_id={item} --map "
            "timestamp={time}",
            **said,
            time=time + 1,
        )
    return tr(
        "Put a header line first, or add --no-header, which calls the columns 1, 2, 3, ..., and "
        "say which is which: --no-header --map user_id={user} --map item_id={item}, and --map "
        "timestamp=COLUMN, or --order-as-time where there are no times",
        **said,
    )


def _usual(widths: object) -> int:
    counted = Counter(widths)  # type: ignore[call-overload]
    return max(counted, key=lambda n: (counted[n], n)) if counted else 0


def _is_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a line names the columns rather than being the first row of data."""
    if is_named(first) >= NAMED_ENOUGH:
        return True
    rows = [row for row in rows[:COMPARED_ROWS] if list(row) != list(first)]
    for place, cell in enumerate(first):
        cell = cell.strip()
        if not cell:
            continue
        if _DATA.fullmatch(cell):
            return False
        values = [row[place].strip() for row in rows if place < len(row)]
        if cell in values:
            return False
        shape = _shape(cell)
        alike = sum(_shape(value) == shape for value in values)
        if "9" in shape and alike > len(values) / 2 and values:
            return False
    return True


def _shape(text: str) -> str:
    return _DIGITS.sub("9", _LETTERS.sub("a", text))

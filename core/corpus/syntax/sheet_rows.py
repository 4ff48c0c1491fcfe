"""Rows of the first sheet of an Excel workbook (.xlsx)."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from core.corpus.column_names import is_named
from core.corpus.options import ImportOptions
from core.corpus.questions import Asked
from core.corpus.source import MAX_RATIO, SourceFile
from core.corpus.spoken import form, listing
from core.corpus.syntax.protocol import Facts, Row, ValueRow
from core.domain import DomainError
from core.language import mark, tr

MAX_UNPACKED = 2 * 2**30
MAX_SHARED = 256 * 2**20
UNSUSPECTED = 64 * 2**20
HEADER_ROWS = 20
MAX_COLUMNS = 16_384
SHEETS_SHOWN, SHEET_SHOWN = 5, 31
OTHER_SHEETS = form(mark("only the first sheet is read, not {listed}"))
SHARED_STRINGS = "xl/sharedStrings.xml"


class SheetRows:
    """The rows of the first sheet; its header is the first row that is filled as most are."""

    def __init__(self, file: SourceFile, options: ImportOptions) -> None:
        self._file = file
        self.others: tuple[str, ...] = ()
        """Names of the sheets after the first, which are not read."""
        _check_size(file)
        head = []
        for number, values in self._values():
            head.append((number, values))
            if len(head) >= HEADER_ROWS:
                break
        self._skipped, self.columns = self._named(head, options)
        has_header = options.header is not False
        notes = ()
        if self.others:
            listed = listing(self.others, SHEETS_SHOWN, SHEET_SHOWN)
            notes = (OTHER_SHEETS.format(listed=listed),)
        self.facts = Facts(mark("Excel sheet"), has_header=has_header, notes=notes)

    def read(self, columns: Sequence[str]) -> Iterator[ValueRow]:
        by_name = {column: place for place, column in enumerate(self.columns)}
        places = [by_name[column] for column in columns]
        for number, values in self._rows():
            yield number, tuple([values[place] for place in places])

    def records(self) -> Iterator[Row]:
        for number, values in self._rows():
            yield number, dict(zip(self.columns, values, strict=True))

    def later(self, column: str) -> Sequence[Any]:
        return ()

    def _rows(self) -> Iterator[tuple[int, list[Any]]]:
        width = len(self.columns)
        for number, values in self._values():
            if number > self._skipped:
                yield number, [*values[:width], *([None] * (width - len(values)))]

    def _named(
        self, head: list[tuple[int, list[Any]]], options: ImportOptions
    ) -> tuple[int, tuple[str, ...]]:
        """The number of the header's row, and the columns' names."""
        if not head:
            raise DomainError(
                tr("the first sheet is empty"),
                where=str(self._file.path),
                remedy=tr("Put the table on the first sheet"),
            )
        width = max(len(values) for _, values in head)
        if options.header is False:
            return 0, tuple(str(place + 1) for place in range(width))
        filled = [sum(value is not None for value in values) for _, values in head]
        usual = Counter(filled).most_common(1)[0][0]
        place = next(at for at, n in enumerate(filled) if n >= max(usual - 1, 1))
        number, values = head[place]
        cells = ["" if value is None else str(value).strip() for value in values]
        texts = [value for value in values if isinstance(value, str)]
        if options.header is None and is_named(cells) < 2 and len(texts) < sum(map(bool, cells)):
            shown = ", ".join(cells[:6])
            raise Asked(
                tr("the first row looks like data, not like column names: {cells}", cells=shown),
                "header",
                where=str(self._file.path),
                remedy=tr(
                    "Put a header row first, or add --no-header, which calls the columns 1, 2, 3, "
                    "..., and say which is which with --map user_id=1"
                ),
            )
        names: list[str] = []
        for at, cell in enumerate([*cells, *[""] * (width - len(cells))], 1):
            name = cell or f"column {at}"  # no sentence
            names.append(name if name not in names else f"{name} ({at})")
        return number, tuple(names)

    def _values(self) -> Iterator[tuple[int, list[Any]]]:
        """Rows that are not empty, without the empty cells at their ends."""
        import openpyxl

        number = 0
        try:
            with self._file.seekable() as stream:
                book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
                try:
                    sheet, *others = book.worksheets
                    self.others = tuple(str(other.title) for other in others)
                    sheet.reset_dimensions()
                    for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
                        values = list(cells[:MAX_COLUMNS])
                        while values and values[-1] in (None, ""):
                            values.pop()
                        if values:
                            yield number, values
                finally:
                    book.close()
        except DomainError:
            raise
        except Exception as error:
            raise DomainError(
                tr("the workbook is damaged or of an unknown kind"),
                where=tr("{path}, row {row}", path=self._file.path, row=number + 1),
                remedy=tr(
                    "Save it again as .xlsx, or as CSV ({error})", error=type(error).__name__
                ),
            ) from None


def _check_size(file: SourceFile) -> None:
    """Refuse a workbook that grows beyond all measure when it is unpacked."""
    with file.seekable() as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                members = archive.infolist()
        except (zipfile.BadZipFile, ValueError, OSError):
            members = []
    total = sum(member.file_size for member in members)
    shared = sum(member.file_size for member in members if member.filename == SHARED_STRINGS)
    if total > min(MAX_UNPACKED, max(UNSUSPECTED, MAX_RATIO * file.size)) or shared > MAX_SHARED:
        raise DomainError(
            tr(
                "the workbook grows to {total} MiB from {size} KiB",
                total=total // 2**20,
                size=file.size // 2**10,
            ),
            where=str(file.path),
            remedy=tr("Export the sheet as CSV and import that"),
        )

"""Why a file of events can't be read as it stands, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.corpus.questions import Asked
from core.corpus.readers import READERS
from core.corpus.readers.protocol import Reader
from core.corpus.source import BadRow, SourceFile
from core.corpus.spoken import spoken
from core.corpus.syntax import Head
from core.corpus.syntax.sheet_rows import SheetRows
from core.domain import Columns, DomainError
from core.language import tr


def no_rows(file: SourceFile, head: Head) -> DomainError:
    """That nothing in the file is a row."""
    bad = next((row for _, row in head.rows if isinstance(row, BadRow)), None)
    what = tr("the file has no row that can be read")
    if bad is not None:
        what = tr(
            "the file has no row that can be read; its first line {reason}",
            reason=spoken(bad.reason),
        )
    remedy = tr("Give a CSV with a header line, JSON lines, Parquet or an Excel sheet")
    if bad is not None and head.columns and (mark := head.source.facts.delimiter):
        remedy = tr(
            "Put quotes around fields that hold {mark!r}, or say what separates fields with "
            "--delimiter",
            mark=mark,
        )
    remedy = tr(". ").join([*_other_sheets(head), remedy])
    return DomainError(what, where=str(file.path), remedy=remedy)


def _other_sheets(head: Head) -> list[str]:
    """What to do where the table may be on another sheet of a workbook; nothing elsewhere."""
    if not isinstance(head.source, SheetRows) or not head.source.others:
        return []
    names = tr(", ").join(head.source.others[:5])
    return [tr("Only the first sheet is read: move the table there from {names}", names=names)]


def no_events(
    file: SourceFile,
    head: Head,
    readers: Sequence[Reader],
    needed: Sequence[str],
    mapping: Mapping[str, str],
) -> DomainError:
    """That columns of ``needed`` fields were not found, and what a person may say of them."""
    if any(reader.item_columns(head) for reader in READERS[:-1]):
        return DomainError(
            tr("this file lists items, not events"),
            where=str(file.path),
            remedy=tr("Name the events first, then --items {name}", name=file.name),
        )
    columns = {**(readers[-1].event_columns(head) or {}), **mapping}
    missing = [name for name in needed if name not in columns]
    remedy = [tr("Say which it is: --map {field}=COLUMN", field=missing[0])]
    if Columns.Time in missing:
        remedy.append(
            tr(
                "If the file has no times, add --order-as-time: each user's rows in the order of "
                "the file, one a day"
            )
        )
    if missing != [Columns.Time] and head.source.facts.has_header and head.source.facts.delimiter:
        remedy.append(tr("If the first line is no header, add --no-header"))
    if Columns.User in missing:
        remedy.append(tr("If all rows are one person's, add --one-user NAME"))
    remedy[:0] = _other_sheets(head)
    if len(head.columns) == 1 and head.source.facts.delimiter:
        separate = tr("Each line is one field: say what separates fields with --delimiter")
        remedy.insert(0, separate)
    return Asked(
        tr("no column was found for {fields}", fields=tr(" and ").join(missing)),
        "mapping",
        where=columns_of(file, head),
        remedy=tr(". ").join(remedy),
        field=missing[0],
        proposals=head.columns[:200],
    )


def columns_of(file: SourceFile, head: Head) -> str:
    """Where a file is, with its columns, in words."""
    return tr("{path}, columns: {columns}", path=file.path, columns=head.listed)

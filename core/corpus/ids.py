"""What a column of ids holds as a whole: numbers, numbers written as floats, or no ids at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.corpus.syntax import Head, Rows
from core.corpus.syntax.parquet_rows import ParquetRows
from core.corpus.texts import MAX_ID, NO_NUMBER, is_missing, is_scientific, is_whole_float
from core.domain import Columns, DomainError
from core.language import tr

IDS = (Columns.User, Columns.Item)


def check_ids(
    rows: Rows, head: Head, columns: Mapping[str, str], place: Callable[[str], str]
) -> None:
    """Refuse ids that are no ids any more: bytes, and numbers without their last digits.

    ``place``: where a column is, in words.
    """
    for field in (name for name in IDS if name in columns):
        column = columns[field]
        where = place(column)
        if isinstance(rows, ParquetRows) and rows.is_binary(column):
            raise DomainError(
                tr(
                    "the column {column!r} holds binary values, which cannot be a {field}",
                    column=column,
                    field=field,
                ),
                where=where,
                remedy=tr("Write the ids as text or whole numbers"),
            )
        values = [value for value in head.values(column) if not is_missing(value)]
        lost = [value for value in values if is_scientific(value)]
        if len(lost) * 2 > len(values):
            raise DomainError(
                tr(
                    "the {field}s are in scientific notation, for example {value}: their last "
                    "digits are lost",
                    field=field,
                    value=lost[0],
                ),
                where=where,
                remedy=tr("Export the file again with this column as text, not as a number"),
            )


def whole_ids(head: Head, columns: Mapping[str, str]) -> frozenset[str]:
    """Fields of ids that hold whole numbers as floats, and no other numbers with a point."""
    fields = set()
    for field in (name for name in IDS if name in columns):
        values = [value for value in head.values(columns[field]) if not is_missing(value)]
        floats = sum(is_whole_float(value) or isinstance(value, float) for value in values)
        points = sum(_has_fraction(value) for value in values)
        if floats > points:
            fields.add(field)
    return frozenset(fields)


def numeric_ids(head: Head, columns: Mapping[str, str]) -> frozenset[str]:
    """Fields whose ids are numbers: there, NA is none."""
    fields = set()
    for field in (name for name in IDS if name in columns):
        given = [str(value).strip() for value in head.values(columns[field])]
        given = [value for value in given if not is_missing(value)]
        numbers = [value for value in given if value.lower() not in NO_NUMBER[field]]
        if numbers and all(map(_is_number, numbers)):
            fields.add(field)
    return frozenset(fields)


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal() or is_whole_float(text)


def _has_fraction(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > MAX_ID or is_whole_float(value):
        return False
    whole, point, part = value.strip().partition(".")
    return bool(point) and whole.isdecimal() and part.isdecimal()

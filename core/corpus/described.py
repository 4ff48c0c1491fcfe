"""Columns beside an event that speak of its item, and a column with the time of day.

Exports often repeat an item's title and category in every row, and keep date and clock apart.
Such columns are known by their names and by their values: what describes an item is the same in
all its rows.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from core.corpus.column_names import (
    ITEM_NOUN,
    NOT_TIMES,
    guess,
    is_quantity,
    is_title,
    plain_name,
)
from core.corpus.syntax.protocol import Head, named, real_column
from core.corpus.texts import is_missing
from core.corpus.time_forms import read_clock
from core.corpus.timestamps import DAY_MICROS, TimeUnit
from core.domain import Columns

ABOUT_ITEMS = (Columns.Title, Columns.Category, Columns.Description)
ONE_VALUE, REPEATED = 0.95, 3
CLOCKS = 0.95
SEARCHED = 500
_QUANTITY = re.compile(r"([-−(]?)\+?\s*(\d[\d,]*(?:\.\d*)?|\.\d+)\s*\)?\s*[^\W\d]{0,10}\.?")
"""Columns that are looked at for a clock; a wider table has thousands of measurements."""


def item_columns(head: Head, columns: Mapping[str, str]) -> dict[str, str]:
    """Fields of items -> columns of a file of events whose fields are ``columns``."""
    found: dict[str, str] = {}
    ids = head.values(columns[Columns.Item])
    guessed = guess("items", named(head))
    for field in ABOUT_ITEMS:
        if field == Columns.Title and is_title(columns[Columns.Item]):
            continue
        for name in guessed.get(field, ()):
            column = real_column(head, name)
            taken = {*columns.values(), *found.values(), *head.claimed}
            if column not in taken and _describes(field, name, ids, head.values(column)):
                found[field] = column
                break
    return found


def _describes(field: str, name: str, ids: Sequence[Any], values: Sequence[Any]) -> bool:
    words = [str(value) for value in values if not is_missing(value)]
    if not words or all(_is_number(word) for word in words):
        return False
    if field != Columns.Category and len(set(words)) == 1:
        return False
    share = share_of_one(ids, values)
    if share is None:
        plain = plain_name(name)
        return plain == "title" or bool(ITEM_NOUN.match(plain))
    return share >= ONE_VALUE


def share_of_one(ids: Sequence[Any], values: Sequence[Any]) -> float | None:
    """The share of rows that have their id's most frequent value; None: too few ids repeat."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for id, value in zip(ids, values, strict=True):
        if not is_missing(id) and not is_missing(value):
            rows[str(id)][str(value)] += 1
    repeated = [counts for counts in rows.values() if counts.total() > 1]
    if len(repeated) < REPEATED:
        return None
    total = sum(counts.total() for counts in repeated)
    return sum(max(counts.values()) for counts in repeated) / total


def clock_column(head: Head, columns: Mapping[str, str], unit: TimeUnit) -> str | None:
    """The column with the time of day, where the times are days; None where there is none."""
    if not _are_days(unit, head.values(columns[Columns.Time])):
        return None
    clocks = [
        column
        for column in head.columns[:SEARCHED]
        if column not in columns.values()
        and column not in head.claimed
        and not NOT_TIMES.search(plain_name(column))
        and _are_clocks(head.values(column))
    ]
    likely = guess("events", clocks).get(Columns.Time, ())
    return likely[0] if likely else clocks[0] if len(clocks) == 1 else None


def quantity_column(head: Head, columns: Mapping[str, str]) -> str | None:
    """The column that says how many were bought, mostly not below zero; None without one."""
    for column in sorted(head.columns[:SEARCHED], key=len):  # one word before several
        if column in columns.values() or column in head.claimed or not is_quantity(column):
            continue
        given = [read_quantity(value) for value in head.values(column) if not is_missing(value)]
        numbers = [value for value in given if value is not None]
        below = sum(value < 0 for value in numbers)
        if len(numbers) * 2 > len(given) and below * 2 < len(numbers):
            return column
    return None


def read_quantity(value: Any) -> float | None:
    """How many, also of ``(2)`` and ``-1 pcs``; None for what is no number."""
    try:
        if not isinstance(value, str):
            return float(value)
        found = _QUANTITY.fullmatch(value.strip())
        if found is None:
            return None
        number = float(found[2].replace(",", ""))
        return -number if found[1] else number
    except (TypeError, ValueError, OverflowError):
        return None


def _are_days(unit: TimeUnit, values: Sequence[Any]) -> bool:
    for value in values:
        try:
            if unit.read(value) % DAY_MICROS:
                return False
        except (ValueError, OverflowError):
            continue
    return True


def _are_clocks(values: Sequence[Any]) -> bool:
    given = [value for value in values if not is_missing(value)]
    read = 0
    for value in given:
        try:
            read_clock(value)
        except ValueError:
            continue
        read += 1
    return read > 0 and read >= CLOCKS * len(given)


def _is_number(word: str) -> bool:
    return word.strip().replace(".", "", 1).isdecimal()

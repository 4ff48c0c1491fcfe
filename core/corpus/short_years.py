"""Dates with a year of two digits, 21-01-05: whether the year stands first.

One such date tells nothing, a column may: nothing has happened in a year to come, and no month has
more than 31 days. Dates with points have their day first unless that proves otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

_SHORT = re.compile(r"(\d\d)([-/.])(\d\d?)\2(\d\d?)(?!\d)(.*)", re.DOTALL)
CENTURY_ENDS = 70
"""Years from here on are of the twentieth century."""
LATEST_DAY, LATEST_MONTH = 31, 12


def year_first(values: Sequence[Any], today: datetime | None = None) -> bool | None:
    """Whether the years of these dates stand first; None where that may be and may not be.

    False, too, where most values are no such dates. ``today``: no date is later than its year.
    """
    latest = (today or datetime.now(UTC)).year
    found = [_SHORT.fullmatch(value.strip()) for value in values if isinstance(value, str)]
    dates = [(int(match[1]), int(match[3]), int(match[4])) for match in found if match]
    if 2 * len(dates) <= len(values):
        return False
    firsts, months, lasts = (set(numbers) for numbers in zip(*dates, strict=True))
    if max(months) > LATEST_MONTH or max(lasts) > LATEST_DAY:
        return False
    is_short = any(len(match[4]) == 1 for match in found if match)  # no year has one digit
    if max(firsts) > LATEST_DAY or max(map(_year, lasts)) > latest or is_short:
        return True
    has_points = any(match[2] == "." for match in found if match)
    if has_points or max(map(_year, firsts)) > latest:
        return False
    return None if len(lasts) > len(firsts) else False


def with_century(text: str) -> str:
    """21-01-05 09:30 as 2021-01-05 09:30; any other text as it is."""
    match = _SHORT.fullmatch(text.strip())
    if match is None:
        return text
    return f"{_year(int(match[1]))}-{int(match[3]):02d}-{int(match[4]):02d}{match[5]}"


def _year(short: int) -> int:
    return short + (1900 if short >= CENTURY_ENDS else 2000)

"""Find out in what unit a column keeps time, and read it as microseconds since 1970 (UTC)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from core.domain import DomainError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LATEST = (datetime(2100, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
PLAUSIBLE = (datetime(1980, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
"""Values from here to 2100 decide on the unit; their ranges don't overlap between units."""

PER_SECOND = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
PATTERNS = {
    "dates (year/month/day)": ("%Y/%m/%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M"),
    "dates (day.month.year)": ("%d.%m.%Y", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M"),
    "dates (month/day/year)": ("%m/%d/%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M"),
    "dates (day/month/year)": ("%d/%m/%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M"),
    "dates (month day, year)": ("%m %d, %Y", "%b %d, %Y", "%B %d, %Y"),
}
MONTH_FIRST, DAY_FIRST = "dates (month/day/year)", "dates (day/month/year)"


@dataclass(frozen=True)
class TimeUnit:
    """How to read one column: ``name`` in words, ``read`` for one value.

    ``read`` returns microseconds since 1970 or raises ValueError with the reason in words.
    """

    name: str
    read: Callable[[Any], int]


def find_unit(values: Iterable[Any], *, where: str, otherwise: str = "") -> TimeUnit:
    """The unit that explains most of these values; DomainError when none or two do.

    ``otherwise`` is what a person may do instead of writing other times.
    """
    sample = [value for value in values if value not in (None, "")]
    plain = [unit for unit in UNITS if unit not in PATTERNS]
    scores = {unit: sum(_fits(unit, value) for value in sample) for unit in plain}
    if max(scores.values()) <= len(sample) / 2:
        scores |= {unit: sum(_fits(unit, value) for value in sample) for unit in PATTERNS}
    best = max(scores, key=scores.__getitem__)
    if scores[best] == 0:
        raise DomainError(
            "no value is a time between 1980 and 2100"
            if sample
            else "the column of times is empty",
            where=where,
            remedy="Give seconds, milliseconds or microseconds since 1970, or ISO dates"
            + (f", or {otherwise}" if otherwise else ""),
        )
    if best == MONTH_FIRST and scores[best] == scores[DAY_FIRST]:
        raise DomainError(
            "the dates can be read as month/day/year and as day/month/year",
            where=where,
            remedy="Write them as year-month-day",
        )
    return TimeUnit(best, UNITS[best])


def _fits(unit: str, value: Any) -> bool:
    try:
        return UNITS[unit](value) >= PLAUSIBLE
    except ValueError:
        return False


def _number(value: Any) -> int | float:
    if isinstance(value, str):
        text = value.strip()
        if text.isdecimal():
            return int(text)
        if "_" in text:
            raise ValueError("is not a time")
        try:
            value = float(text)
        except ValueError:
            raise ValueError("is not a time") from None
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole or (isinstance(value, float) and math.isfinite(value)):
        return value  # type: ignore[no-any-return]
    raise ValueError("is not a time")


def _numeric(unit: str) -> Callable[[Any], int]:
    per_second = PER_SECOND[unit]
    factor, divisor = max(10**6 // per_second, 1), max(per_second // 10**6, 1)
    confusable = LATEST * per_second // 10**6 // 1000 if per_second > 1 else 0

    def read(value: Any) -> int:
        try:
            number = _number(value)
        except ValueError as error:
            limit = str(error).startswith("Exceeds")
            raise ValueError("is outside 1970 to 2100" if limit else str(error)) from None
        if 0 < number < confusable:
            raise ValueError(f"is too small for {unit}, the column's unit")
        try:
            micros = round(number * factor) // divisor
        except OverflowError:
            raise ValueError("is outside 1970 to 2100") from None
        return _in_range(micros)

    return read


def _in_range(micros: int) -> int:
    if not 0 < micros < LATEST:
        raise ValueError("is outside 1970 to 2100")
    return micros


def _compact_date(value: Any) -> int:
    """20140228, as text or as a number."""
    text = str(value).strip()
    if len(text) != 8 or not text.isdecimal():
        raise ValueError("is not a date such as 20140228")
    return _micros(datetime.strptime(text, "%Y%m%d"))


def _iso(value: Any) -> int:
    if isinstance(value, datetime):
        return _micros(value)
    if isinstance(value, date):
        return _micros(datetime(value.year, value.month, value.day))
    if not isinstance(value, str) or value.strip().isdecimal():
        raise ValueError("is not an ISO date or time")
    try:
        return _micros(datetime.fromisoformat(value.strip().removesuffix(" UTC")))
    except ValueError as error:
        if str(error).startswith("is outside"):
            raise
        raise ValueError("is not an ISO date or time") from None


def _pattern(unit: str) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, str):
            for pattern in PATTERNS[unit]:
                try:
                    parsed = datetime.strptime(value.strip(), pattern)
                except ValueError:
                    continue
                return _micros(parsed)
        raise ValueError(f"is not one of the column's {unit}")

    return read


def _micros(moment: datetime) -> int:
    """Times without a zone are UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _in_range((moment - EPOCH) // MICROSECOND)


UNITS: dict[str, Callable[[Any], int]] = {
    "dates (YYYYMMDD)": _compact_date,
    **{unit: _numeric(unit) for unit in PER_SECOND},
    "ISO dates": _iso,
    **{unit: _pattern(unit) for unit in PATTERNS},
}
"""Every unit by its name, in the order of preference."""

"""What a person is asked about a column of times."""

from __future__ import annotations

from collections.abc import Sequence

from core.corpus.questions import Asked
from core.domain import DomainError
from core.language import tr

DAYS_FIRST, MONTHS_FIRST, YEARS_FIRST = "day-first", "month-first", "year-first"
"""Words of ``TIME_WORDS`` that say what stands first in a date of digits."""
SHOWN = 30


def open_order(shown: str, where: str, otherwise: str) -> DomainError:
    """The question whether the day or the month of a date comes first.

    ``otherwise``, here and below: what a person may do besides writing other times; without it no
    option of the import is named.
    """
    how = tr("Write them as year-month-day")
    if otherwise:
        how = tr(
            "Say which with --time-format day-first or --time-format month-first, or with "
            "a pattern such as --time-format %d/%m/%Y; or write them as year-month-day"
        )
    return Asked(
        tr(
            "the dates can be read as month/day/year and as day/month/year: {value!r}",
            value=shown,
        ),
        "time_format",
        where=where,
        remedy=how,
        values=(shown,),
        proposals=(DAYS_FIRST, MONTHS_FIRST),
    )


def open_year(shown: str, where: str, otherwise: str) -> DomainError:
    """The question whether the year of a date comes first or last."""
    how = tr("Write them as year-month-day, the year with four digits")
    if otherwise:
        how = tr(
            "Say which with --time-format year-first, day-first or month-first; or write the "
            "year with four digits"
        )
    return Asked(
        tr(
            "the dates can be read with the year first and with the year last: {value!r}",
            value=shown,
        ),
        "time_format",
        where=where,
        remedy=how,
        values=(shown,),
        proposals=(YEARS_FIRST, DAYS_FIRST, MONTHS_FIRST),
    )


def no_time(sample: Sequence[object], where: str, otherwise: str) -> DomainError:
    """That a column holds no times."""
    if not sample:
        what = tr("the column of times is empty")
    else:
        what = tr(
            "no value is a time between 1980 and 2100, for example {value!r}",
            value=str(sample[0])[:SHOWN],
        )
    remedy = tr("Give seconds, milliseconds or microseconds since 1970, or ISO dates")
    if otherwise:
        remedy = tr(
            "Give seconds, milliseconds or microseconds since 1970, or ISO dates, or say the form "
            "with --time-format, or {otherwise}",
            otherwise=otherwise,
        )
    return Asked(
        what,
        "time_format",
        where=where,
        values=tuple(str(value)[:SHOWN] for value in sample[:3]),
        remedy=remedy,
    )

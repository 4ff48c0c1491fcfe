"""Find out how a column writes time, and read it as microseconds since 1970 (UTC).

Numbers have one unit for the whole column. Words and digits are read form by form
(``time_forms``); whether the day or the month comes first is decided by the whole column.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from core.corpus.options import TIME_WORDS
from core.corpus.questions import Asked
from core.corpus.short_years import with_century, year_first
from core.corpus.spoken import form
from core.corpus.texts import is_missing
from core.corpus.time_forms import (
    DAY_FIRST,
    ISO,
    MONTH_FIRST,
    NO_TIME,
    YEAR_FIRST,
    NotATime,
    read_form,
)
from core.corpus.time_questions import (
    DAYS_FIRST,
    MONTHS_FIRST,
    SHOWN,
    YEARS_FIRST,
    no_time,
    open_order,
    open_year,
)
from core.domain import DomainError
from core.language import mark, tr

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LATEST = (datetime(2100, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
PLAUSIBLE = (datetime(1980, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
"""Values from here to 2100 decide on the unit; their ranges don't overlap between units."""

PER_SECOND = {
    mark("seconds"): 1,
    mark("milliseconds"): 10**3,
    mark("microseconds"): 10**6,
    mark("nanoseconds"): 10**9,
}
SERIAL, COMPACT = mark("serial days"), mark("dates (YYYYMMDD)")
MONTHS = mark("dates (YYYYMM)")
DAYS, MONTH_DAYS = mark("dates (day/month/year)"), mark("dates (month/day/year)")
OUTSIDE = mark("is outside 1970 to 2100")
OUTSIDE_SERIAL = mark("is outside 1970 to 2100 in serial days, the column's unit")
TOO_SMALL = form(mark("is too small for {unit}, the column's unit"))
OTHER_ORDER = form(mark("has the {order}, unlike the column"))
NO_DATE = form(mark("is not a date such as {example}"))
OTHER_FORM = form(mark("does not have the form {form}"))
SUCH_AS = form(mark("times such as {form}"))
ORDERS = (DAY_FIRST, MONTH_FIRST)
SERIAL_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
"""Day 0 of a spreadsheet, which takes 1900 for a leap year."""
DAY_MICROS = 86_400 * 10**6
SAMPLED = 2_000
_COMMA = re.compile(r"-?\d+,\d+")


@dataclass(frozen=True)
class TimeUnit:
    """How to read one column: ``name`` in words, ``read`` for one value.

    ``read`` returns microseconds since 1970 or raises ValueError with the reason in words.
    ``said`` is the value of ``--time-format`` that stands for a decision of the whole column.
    ``has_zones``: whether every value that was looked at names its zone.
    """

    name: str
    read: Callable[[Any], int]
    said: str | None = None
    has_zones: bool = False


def find_unit(
    values: Iterable[Any],
    *,
    where: str,
    otherwise: str = "",
    said: str | None = None,
    rest: Callable[[], Iterable[Any]] | None = None,
) -> TimeUnit:
    """The unit that explains most of these values; DomainError when none or two do.

    ``otherwise`` is what a person may do instead of writing other times (without it no option of
    the import is named), ``said`` what a person
    answered (``TIME_WORDS`` or a pattern), ``rest`` gives all values of the column, for the case
    that a sample does not tell day from month.
    """
    sample = [value for value in values if not is_missing(value)]
    sample = sample[:SAMPLED] + sample[SAMPLED:][-SAMPLED:]
    if said is not None and said not in (DAYS_FIRST, MONTHS_FIRST):
        return _said_unit(said, sample, where)
    scores: Counter[str] = Counter(dict.fromkeys(NUMERIC, 0))
    orders: Counter[str] = Counter()
    for value in sample:
        name = _form_of(value)
        if name is not None:
            scores[name] += 1
            orders.update(_orders(value))
    best = max(scores, key=lambda name: (scores[name], -list(scores).index(name)))
    if scores[best] == 0:
        raise no_time(sample, where, otherwise)
    if best in NUMERIC:
        return TimeUnit(best, _mixed(NUMERIC[best], MONTH_FIRST))
    if said is None:
        first = year_first(sample)
        if first:
            return _years_first()
        if first is None:
            raise open_year(str(sample[0]), where, otherwise)
    order = {DAYS_FIRST: DAY_FIRST, MONTHS_FIRST: MONTH_FIRST}.get(said or "")
    answer = said
    if order is None and orders:
        order = _decided(orders, rest)
        if order is None:
            raise open_order(next(str(v) for v in sample if _orders(v)), where, otherwise)
        answer = DAYS_FIRST if order == DAY_FIRST else MONTHS_FIRST
    order = order or DAY_FIRST
    zones = all(map(_has_zone, sample))
    return TimeUnit(_named(best, order), _mixed(_no_number, order), answer, zones)


def times_share(values: Sequence[Any], *, strict: bool = False) -> float:
    """The share of these values that are times; ``strict``: small numbers of days don't count."""
    forms = [_form_of(value) for value in values]
    loose = (SERIAL, MONTHS) if strict else ()
    return sum(form is not None and form not in loose for form in forms) / max(len(forms), 1)


def _decided(orders: Counter[str], rest: Callable[[], Iterable[Any]] | None) -> str | None:
    """Whether day or month comes first, by the values that allow only one reading."""
    if not orders[DAY_FIRST] and not orders[MONTH_FIRST] and rest is not None:
        for value in rest():
            orders.update(_orders(value))
            if orders[DAY_FIRST] or orders[MONTH_FIRST]:
                break
    if orders[DAY_FIRST] == orders[MONTH_FIRST]:
        return DAY_FIRST if orders["dots"] and not orders["ambiguous"] else None
    return DAY_FIRST if orders[DAY_FIRST] > orders[MONTH_FIRST] else MONTH_FIRST


def _orders(value: Any) -> tuple[str, ...]:
    """What a value says of the order of day and month; nothing where it has none."""
    if not isinstance(value, str):
        return ()
    try:
        return read_form(value, DAY_FIRST).orders
    except NotATime:
        return ()


def _has_zone(value: Any) -> bool:
    """Whether a time names its zone, or is none."""
    if not isinstance(value, str):
        return isinstance(value, datetime) and value.tzinfo is not None
    for order in (DAY_FIRST, MONTH_FIRST):
        try:
            return read_form(value, order).moment.tzinfo is not None
        except ValueError:
            continue
    return True


def _form_of(value: Any) -> str | None:
    """The name of the unit or form that a value has; None for no time."""
    for name, read in NUMERIC.items():
        try:
            if read(value) >= PLAUSIBLE:
                return name
        except ValueError:
            continue
    for order in (DAY_FIRST, MONTH_FIRST):
        try:
            if isinstance(value, date):
                _date(value)
                return ISO
            if isinstance(value, str):
                form = read_form(value, order)
                _micros(form.moment)
                return form.name
        except ValueError:
            continue
    return None


def _named(form: str, order: str) -> str:
    if form != "slashes":
        return form
    return DAYS if order == DAY_FIRST else MONTH_DAYS


def _mixed(number: Callable[[Any], int], order: str) -> Callable[[Any], int]:
    """Reads the column's numbers, and written times beside them."""

    def read(value: Any) -> int:
        if value.__class__ is str:
            if value.isdecimal():
                return number(value)
            if value[4:5] == "-":
                return _written(value.strip(), order)
        elif isinstance(value, date):
            return _date(value)
        try:
            return number(value)
        except NotANumber:
            if isinstance(value, str):
                return _written(value.strip(), order)
            raise

    return read


def _written(text: str, order: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        if text.isdecimal():
            raise NotATime(NO_TIME)
    except ValueError:
        form = read_form(text, order)
        if form.orders and form.orders[0] in ORDERS and form.orders[0] != order:
            raise ValueError(OTHER_ORDER.format(order=form.orders[0])) from None
        moment = form.moment
    return _micros(moment)


class NotANumber(ValueError):
    """The value is no number at all."""


def _no_number(value: Any) -> int:
    raise NotANumber(NO_TIME)


def _number(value: Any) -> int | float:
    if isinstance(value, str):
        text = value.strip()
        if text.isdecimal():
            return int(text)
        if _COMMA.fullmatch(text):
            text = text.replace(",", ".")
        if "_" in text:
            raise NotANumber(NO_TIME)
        try:
            value = float(text)
        except ValueError:
            raise NotANumber(NO_TIME) from None
    if value.__class__ is not float and hasattr(value, "as_tuple"):
        value = float(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole or (isinstance(value, float) and math.isfinite(value)):
        return value  # type: ignore[no-any-return]
    raise NotANumber(NO_TIME)


def _numeric(unit: str) -> Callable[[Any], int]:
    per_second = PER_SECOND[unit]
    factor, divisor = max(10**6 // per_second, 1), max(per_second // 10**6, 1)
    confusable = LATEST * per_second // 10**6 // 1000 if per_second > 1 else 0

    def read(value: Any) -> int:
        try:
            number = _number(value)
        except ValueError as error:
            if str(error).startswith("Exceeds"):
                raise ValueError(OUTSIDE) from None
            raise
        if 0 < number < confusable:
            raise ValueError(TOO_SMALL.format(unit=unit))
        try:
            micros = round(number * factor) // divisor
        except OverflowError:
            raise ValueError(OUTSIDE) from None
        return _in_range(micros)

    return read


def _in_range(micros: int) -> int:
    if not 0 < micros < LATEST:
        raise ValueError(OUTSIDE)
    return micros


def _serial(value: Any) -> int:
    """43471.53, a spreadsheet's days since the end of 1899."""
    number = _number(value)
    if not 25_569 < number < 73_051:
        raise ValueError(OUTSIDE_SERIAL)
    since = round(number * 86_400 * 1000) * 1000
    return _in_range((SERIAL_EPOCH - EPOCH) // MICROSECOND + since)


def _digits(lengths: dict[int, str], example: str) -> Callable[[Any], int]:
    """20140228 and its kin, as text or as a number."""

    def read(value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = "" if isinstance(value, bool) else str(value).strip()
        pattern = lengths.get(len(text)) if text.isdecimal() else None
        if pattern is None:
            if isinstance(value, str) and not text.isdecimal():
                raise NotANumber(NO_DATE.format(example=example))
            raise ValueError(NO_DATE.format(example=example))
        try:
            return _micros(datetime.strptime(text, pattern))
        except ValueError as error:
            outside = str(error).startswith("is outside")
            raise ValueError(str(error) if outside else NO_DATE.format(example=example)) from None

    return read


def _date(value: date) -> int:
    if isinstance(value, datetime):
        return _micros(value)
    return _micros(datetime(value.year, value.month, value.day))


def _micros(moment: datetime) -> int:
    """Times without a zone are UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _in_range((moment - EPOCH) // MICROSECOND)


NUMERIC: dict[str, Callable[[Any], int]] = {
    COMPACT: _digits({8: "%Y%m%d", 14: "%Y%m%d%H%M%S", 12: "%Y%m%d%H%M"}, "20140228"),
    MONTHS: _digits({6: "%Y%m"}, "201402"),
    **{unit: _numeric(unit) for unit in PER_SECOND},
    SERIAL: _serial,
}
"""Units of numbers by name, in the order of preference."""


def _said_unit(said: str, sample: list[Any], where: str) -> TimeUnit:
    """The unit that a person named: a word of ``TIME_WORDS``, or a pattern of strptime."""
    if said == YEARS_FIRST:
        return _years_first()
    if said in TIME_WORDS:
        name = SERIAL if said == "serial" else said
        return TimeUnit(name, _mixed(NUMERIC[name], DAY_FIRST), said)
    if "%" not in said:
        raise DomainError(
            tr("{form!r} is no form of times", form=said),
            where="--time-format",
            remedy=tr(
                "Write a pattern such as %d/%m/%Y, or one of {names}", names=", ".join(TIME_WORDS)
            ),
        )

    def read(value: Any) -> int:
        if isinstance(value, date):
            return _date(value)
        try:
            moment = datetime.strptime(str(value).strip(), said)
        except (ValueError, re.error, IndexError):
            raise ValueError(OTHER_FORM.format(form=said)) from None
        return _micros(moment)

    if sample and not any(_readable(read, value) for value in sample):
        raise Asked(
            tr(
                "no time has the form {form}, for example not {value!r}",
                form=said,
                value=str(sample[0])[:SHOWN],
            ),
            "time_format",
            where=where,
            remedy=tr("Write the pattern of these values, for example --time-format %d/%m/%Y"),
        )
    return TimeUnit(SUCH_AS.format(form=said), read, said)


def _years_first() -> TimeUnit:
    """How dates such as 21-01-05 are read."""
    read = _mixed(_no_number, DAY_FIRST)
    return TimeUnit(
        YEAR_FIRST,
        lambda value: read(with_century(value) if isinstance(value, str) else value),
        YEARS_FIRST,
    )


def _readable(read: Callable[[Any], int], value: Any) -> bool:
    try:
        read(value)
    except ValueError:
        return False
    return True

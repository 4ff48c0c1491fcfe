"""Times as people and programs write them, one value at a time.

Digits (2019-01-29 14:03, 29.01.2019, 1/29/19 2:03 PM), names of months in several languages
(Sun Jul 30 07:44:10 -0700 2017; 29 Jan 2019; March 5th, 2021), and 2021年3月5日. A time without a
zone is left without one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from core.corpus.spoken import form
from core.corpus.time_words import MONTH_WORDS, NOON_WORDS, ZONES
from core.language import mark

DAY_FIRST, MONTH_FIRST = mark("day first"), mark("month first")
LONGEST = 80
DAY = datetime(2000, 1, 1, tzinfo=UTC)
NO_TIME, NO_CLOCK = mark("is not a time"), mark("is not a time of day")
NO_ZONE = form(mark("has the zone {zone}, which is not known"))
ISO, OF_MONTHS = mark("ISO dates"), mark("months")
YEAR_FIRST, YEAR_DOTS = mark("dates (year/month/day)"), mark("dates (year.month)")


class NotATime(ValueError):
    """The text is no time of a form that is known."""


@dataclass(frozen=True, slots=True)
class Form:
    """A time that was read: its form in words, and what it says of the order of day and month.

    ``orders``: DAY_FIRST or MONTH_FIRST where only that is possible, "ambiguous" or "dots" where
    both are; nothing where the form leaves no question.
    """

    name: str
    moment: datetime
    orders: tuple[str, ...] = ()


_ZONE = r"(?P<zone>Z|[+-]\d\d:?\d\d(?::?\d\d)?|[+-]\d\d|[A-Z]{2,5})?(?:\s*(?:UTC|GMT|\([^)]*\)))?"
_HALF = r"(?P<half>[AaPp]\.?\s?[Mm]\.?)?"
_CLOCK = (
    r"(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,](?P<part>\d{1,9}))?)?"
    rf"\s*{_HALF}\s*{_ZONE}"
)
_DIGITS = re.compile(
    r"(?P<a>\d{1,4})(?P<mark>[-/.])\s?(?P<b>\d{1,2})(?P=mark)\s?(?P<c>\d{1,4})\.?"
    rf"(?:(?:\s*,\s*|\s*T\s*|\s+|:|\s+(?:at|um|à|-)\s+)(?P<cjk>上午|下午|午前|午後|오전|오후)?\s*{_CLOCK}(?:\s*(?:Uhr|h|hrs?))?)?"
)
_MONTH_ONLY = re.compile(r"(?:(?P<y>\d{4})[-/.](?P<m>\d{1,2})|(?P<m2>\d{1,2})[-/.](?P<y2>\d{4}))")
_CJK = re.compile(
    r"(?P<y>\d{4})\s*[年년]\s*(?P<m>\d{1,2})\s*[月월]\s*(?:(?P<d>\d{1,2})\s*[日号號일])?"
    r"(?:\s*[(（]?[日月火水木金土一二三四五六周星期曜일월화수목금토요]{1,4}[)）]?)?"
    r"(?:\s*(?P<half>上午|下午|午前|午後|오전|오후|中午|晚上|凌晨)?"
    r"\s*(?P<hour>\d{1,2})\s*[:：时時시点點]\s*(?:(?P<minute>\d{1,2})\s*[:：分분]?"
    r"\s*(?:(?P<second>\d{1,2})\s*[秒초]?)?)?)?"
)
_CJK_LATE = ("下午", "午後", "오후", "晚上", "中午")
_WORDS = re.compile(r"[^\W\d_]+")
_CLOCK_IN = re.compile(rf"(?<![\d+-]){_CLOCK}")
_NUMBERS = re.compile(r"(?<!\d)\d{1,4}(?!\d)")
_SPACED = re.compile(r"(?P<m>\d{1,2}) (?P<d>\d{1,2}), (?P<y>\d{4})")
_SHORT_YEAR = re.compile(r"\b\d{1,2}[-/. ][^\W\d_]{3,}\.?[-/. ']{1,2}\d{2}\b")
_OFFSET = re.compile(r"(?<!\d)([+-])(\d\d):?(\d\d)(?!\d)")


def read_form(text: str, order: str) -> Form:
    """Read one time; NotATime, or a ValueError in words, for anything else."""
    text = text.strip()
    if not 6 <= len(text) <= LONGEST:
        raise NotATime(NO_TIME)
    match = _DIGITS.fullmatch(text)
    if match:
        return _digits(match, order)
    iso = _iso(text)
    if iso is not None:
        return iso
    match = _CJK.fullmatch(unicodedata.normalize("NFKC", text))
    if match:
        return _cjk(match)
    match = _MONTH_ONLY.fullmatch(text)
    if match:
        year, month = int(match["y"] or match["y2"]), int(match["m"] or match["m2"])
        return Form(OF_MONTHS, _moment(year, month, 1))
    match = _SPACED.fullmatch(text)
    if match:
        moment = _moment(int(match["y"]), int(match["m"]), int(match["d"]))
        return Form(mark("dates (month day, year)"), moment)
    return _worded(text)


def read_clock(value: object) -> timedelta:
    """A time of day such as 14:03, 2:03:05 PM or 下午3:20; NotATime for anything else."""
    text = str(value).strip()
    if not 3 <= len(text) <= LONGEST or not re.search(r"\d[:.h]\d\d", text):
        raise NotATime(NO_CLOCK)
    match = _DIGITS.fullmatch(f"{DAY:%Y-%m-%d} {text}")
    if match is None:
        raise NotATime(NO_CLOCK)
    moment = _digits(match, MONTH_FIRST).moment
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - DAY


def _iso(text: str) -> Form | None:
    if text[:4].isdecimal() and len(text) > 6 and not text.replace(".", "").isdecimal():
        try:
            return Form(ISO, datetime.fromisoformat(text))
        except ValueError:
            return None
    return None


def _digits(match: re.Match[str], order: str) -> Form:
    """Three numbers and perhaps a clock: year first, or year last."""
    a, b, c = (int(match[name]) for name in "abc")
    long = [len(match[name]) == 4 for name in "abc"]
    if long[0]:
        year, month, day = a, b, c
        name = {"-": ISO, "/": YEAR_FIRST, ".": YEAR_DOTS}[match["mark"]]
        return Form(name, _moment(year, month, day, match))
    if not long[2] and len(match["c"]) > 2:
        raise NotATime(NO_TIME)
    if a > 31 and not long[2]:
        return Form(YEAR_FIRST, _moment(_century(a), b, c, match))
    year = c if long[2] else _century(c)
    dots = match["mark"] == "."
    orders: tuple[str, ...]
    if a > 12 >= b:
        orders, (day, month) = (DAY_FIRST,), (a, b)
    elif b > 12 >= a:
        orders, (day, month) = (MONTH_FIRST,), (b, a)
    else:
        orders = ("dots",) if dots else ("ambiguous",)
        day, month = (a, b) if order == DAY_FIRST else (b, a)
    if len(orders) == 1 and orders[0] in (DAY_FIRST, MONTH_FIRST) and orders[0] != order:
        return Form("slashes", _moment(year, month, day, match), orders)
    name = mark("dates (day.month.year)") if dots and order == DAY_FIRST else "slashes"
    return Form(name, _moment(year, month, day, match), orders)


def _cjk(match: re.Match[str]) -> Form:
    hour = int(match["hour"] or 0)
    if match["half"] in _CJK_LATE and hour < 12:
        hour += 12
    minute, second = int(match["minute"] or 0), int(match["second"] or 0)
    moment = _moment(int(match["y"]), int(match["m"]), int(match["d"] or 1))
    return Form(mark("dates (year年month月day日)"), _clocked(moment, hour, minute, second))


def _worded(text: str) -> Form:
    """A month by its name, a year, and perhaps a day, a weekday and a clock."""
    clock = _CLOCK_IN.search(text)
    rest = f"{text[: clock.start()]} {text[clock.end() :]}" if clock else text
    offset = None if clock and clock["zone"] else _OFFSET.search(rest)
    if offset:
        rest = f"{rest[: offset.start()]} {rest[offset.end() :]}"
    months = [MONTH_WORDS[w] for w in map(str.lower, _WORDS.findall(rest)) if w in MONTH_WORDS]
    if not months:
        raise NotATime(NO_TIME)
    raw = _NUMBERS.findall(rest)
    years = [int(number) for number in raw if len(number) == 4]
    others = [int(number) for number in raw if len(number) <= 2]
    if not years and len(others) == 2 and _SHORT_YEAR.search(rest):
        day, year = others[0], _century(others[1])
    elif len(years) == 1 and len(others) <= 1:
        day, year = (others[0] if others else 1), years[0]
    else:
        raise NotATime(NO_TIME)
    name = mark("dates with names of months") if others else OF_MONTHS
    moment = _moment(year, months[0], day, clock)
    if offset:
        moment = _zoned(moment, "".join(offset.groups()))
    return Form(name, moment)


def _moment(year: int, month: int, day: int, clock: re.Match[str] | None = None) -> datetime:
    try:
        moment = datetime(year, month, day)
    except ValueError:
        raise NotATime(mark("is not a date of the calendar")) from None
    if clock is None or clock["hour"] is None:
        return moment
    hour, minute, second = (int(clock[name] or 0) for name in ("hour", "minute", "second"))
    half = (clock["half"] or "").lower().replace(".", "").replace(" ", "")
    if clock.groupdict().get("cjk"):
        half = "pm" if clock["cjk"] in _CJK_LATE else "am"
    if half in NOON_WORDS:
        if not 1 <= hour <= 12:
            raise NotATime(mark("has an hour that is none"))
        hour = hour % 12 + NOON_WORDS[half]
    micros = int((clock["part"] or "").ljust(6, "0")[:6] or 0)
    return _zoned(_clocked(moment, hour, minute, second, micros), clock["zone"])


def _clocked(moment: datetime, hour: int, minute: int, second: int, micros: int = 0) -> datetime:
    if (hour, minute) != (24, 0) and (hour > 23 or minute > 59 or second > 60):
        raise NotATime(mark("has an hour, minute or second that is none"))
    if hour == 24:
        second = micros = 0
    try:
        return moment + timedelta(hours=hour, minutes=minute, seconds=second, microseconds=micros)
    except OverflowError:
        raise NotATime(mark("is after the year 9999")) from None


def _zoned(moment: datetime, zone: str | None) -> datetime:
    if not zone:
        return moment
    if zone[0] in "+-":
        digits = zone[1:].replace(":", "")
        shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4] or 0))
        if shift >= timedelta(days=1):
            raise NotATime(mark("has a zone that is none"))
        return moment.replace(tzinfo=timezone(shift if zone[0] == "+" else -shift))
    if zone in ZONES:
        return moment.replace(tzinfo=timezone(timedelta(hours=ZONES[zone])) if ZONES[zone] else UTC)
    raise NotATime(NO_ZONE.format(zone=zone))


def _century(year: int) -> int:
    return year + (1900 if year >= 70 else 2000)

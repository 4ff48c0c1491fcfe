"""Words of people as they are stored: plain, without markup, and None where there are none."""

from __future__ import annotations

import html
import re
from typing import Any

from core.corpus.source import BadRow
from core.corpus.spoken import form
from core.domain import Columns
from core.language import mark

MAX_ID = 200
MAX_TEXT = 100_000
MAX_RAW = 1_000_000
"""So much of a value is looked at before it is cleaned and cut."""
EXACT = 2**53
MISSING = frozenset(("", "nan", "null", "none", "n/a", "\\n", "-", "<na>", "#n/a", "nat", "<null>"))
"""What stands for nothing, in lower case."""
NO_NUMBER = {
    Columns.User: frozenset(("na", "nil", "?", "unknown")),
    Columns.Item: frozenset(("na",)),
}
"""What stands for nothing among ids that are numbers, in lower case; elsewhere it may be a name."""
IS_MISSING = mark("is missing")
NO_ID, NO_TEXT = mark("is not an id"), mark("is not text")
LONG_ID = form(mark("is an id of more than {n} characters"))
OPEN_QUOTE = mark("has a quote that does not close properly")
DIGITS_LOST = mark("is in scientific notation: its last digits are lost")
LONGEST_MISSING = max(map(len, MISSING))
FORMULA_BEGINS = tuple("=+-@\t\r\n＝＋－＠")
"""Spreadsheets read these as the begin of a formula, or skip them and read on (OWASP, CSV
Injection); the fullwidth ones where East Asian text is expected."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ATTRIBUTES = r"""(?:\s+[\w:@.-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+))*\s*/?"""
_BREAKS = "br|p|div|li|ul|ol|tr|table|h[1-6]|hr|blockquote|pre|section|article"
_INLINE = (
    "a|abbr|b|big|button|cite|code|center|del|dd|dl|dt|em|figure|font|i|iframe|img|input|ins|"
    "label|mark|q|s|small|source|span|strike|strong|sub|sup|tbody|td|th|thead|tt|u|video|audio"
)
_BREAK_TAG = re.compile(rf"</?(?:{_BREAKS}){_ATTRIBUTES}>", re.IGNORECASE)
_INLINE_TAG = re.compile(rf"</?(?:{_INLINE}){_ATTRIBUTES}>", re.IGNORECASE)
_SCRIPT = re.compile(r"<(script|style)\b[^<>]*>.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_BRACKETED = re.compile(r"\[\[[A-Z]{3,12}:[^\[\]]*\]\]")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_BLANKS = re.compile(r"[ \t]{2,}")
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d{1,3}")
_WHOLE_FLOAT = re.compile(r"(-?\d+)\.0+")


def clean_text(value: str) -> str:
    """Plain text: no control characters, no lone surrogates, line ends as \\n, ends stripped."""
    if not value.isprintable():
        if _SURROGATE.search(value):
            value = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        value = _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    return value.strip()


def without_markup(value: str) -> str:
    """The text without tags, entities and ``[[VIDEOID:...]]``; ``a < b`` is no tag."""
    for _ in range(3):
        before = value
        if "<" in value:
            value = _SCRIPT.sub("", value)
            value = _INLINE_TAG.sub("", _BREAK_TAG.sub("\n", value))
        if "&" in value:
            value = _ENTITY.sub(lambda match: html.unescape(match[0]), value)
        if value == before:
            break
    if "[[" in value:
        value = _BLANKS.sub(" ", _BRACKETED.sub(" ", value))
    return value


def is_missing(value: Any) -> bool:
    """Whether a value stands for nothing: empty, nan, NULL, None, N/A, \\N or -."""
    if isinstance(value, str):
        return len(value) <= LONGEST_MISSING + 4 and value.strip().lower() in MISSING
    return value is None or value != value


def read_text(field: str, value: Any) -> str | None:
    """Words of a person, or None for nothing. BadRow when the value is no text."""
    if value.__class__ is str:
        if len(value) <= LONGEST_MISSING + 4 and value.strip().lower() in MISSING:
            return None
    elif is_missing(value):
        return None
    elif isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = joined(value)
    elif isinstance(value, bool) or not isinstance(value, int | float) or is_huge(value):
        raise BadRow(field, NO_TEXT, value)
    else:
        value = str(value)
    if len(value) > MAX_RAW:
        value = value[:MAX_RAW]
    if "<" in value or "&" in value or "[[" in value:
        value = without_markup(value)
    return clean_text(value) or None


def joined(parts: list[str]) -> str:
    """Several texts as one, up to MAX_RAW characters."""
    size, kept = 0, []
    for part in parts:
        kept.append(part[:MAX_RAW])
        size += len(kept[-1])
        if size > MAX_RAW:
            break
    return "\n".join(kept)


def read_id(field: str, value: Any, *, whole: bool = False) -> str:
    """An id as text; whole numbers lose their ".0", in texts only where ``whole``.

    BadRow when it is missing, no id, or has lost its digits.
    """
    if value.__class__ is str:
        if len(value) <= LONGEST_MISSING + 4 and value.strip().lower() in MISSING:
            raise BadRow(field, IS_MISSING, value.strip())
        text = clean_text(value[: 100 * MAX_ID]).replace("\n", " ")
        if not text:
            raise BadRow(field, IS_MISSING, value)
        if text[0] == '"' and text.count('"') % 2:
            raise BadRow(field, OPEN_QUOTE, text)
        if text[0] == '"' and text[-1] != '"':
            raise BadRow(field, OPEN_QUOTE, text)
        if "+" in text and is_scientific(text):
            raise BadRow(field, DIGITS_LOST, text)
        if whole and (match := _WHOLE_FLOAT.fullmatch(text)):
            text = match[1]
    elif is_missing(value):
        raise BadRow(field, IS_MISSING)
    else:
        if isinstance(value, float) and value.is_integer():
            if abs(value) >= EXACT:
                raise BadRow(field, DIGITS_LOST, value)
            value = int(value)
        if isinstance(value, bool | float) or not isinstance(value, int) or is_huge(value):
            raise BadRow(field, NO_ID, value)
        text = str(value)
    if len(text) > MAX_ID:
        raise BadRow(field, LONG_ID.format(n=MAX_ID), text)
    return text


def is_scientific(value: Any) -> bool:
    """Whether an id is a number in scientific notation (7.65612E+16), or a float as large."""
    if isinstance(value, str):
        return len(value) <= MAX_ID and _SCIENTIFIC.fullmatch(value.strip()) is not None
    return isinstance(value, float) and abs(value) >= EXACT


def is_whole_float(value: Any) -> bool:
    """Whether a text is a whole number written as a float (123.0)."""
    if not isinstance(value, str) or len(value) > MAX_ID:
        return False
    return _WHOLE_FLOAT.fullmatch(value.strip()) is not None


def is_huge(value: Any) -> bool:
    """Whether a number has more digits than anybody writes."""
    return isinstance(value, int) and value.bit_length() > 1_000

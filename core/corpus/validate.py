"""One row of a file becomes one event, or the reason why it can't be one; the scale of ratings."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from core.arrays import FloatArray
from core.corpus.rows import Fields
from core.corpus.source import BadRow
from core.corpus.timestamps import TimeUnit
from core.domain import Columns, EventKind

MAX_ID = 200
MAX_TEXT = 100_000
MAX_RATING = 1_000_000.0

KIND_WORDS = {
    EventKind.VIEW: "view views viewed pageview page_view visit detail detail_view read watch "
    "watched listen listened play played",
    EventKind.CLICK: "click clicks clicked tap open opened cart add_to_cart addtocart",
    EventKind.PURCHASE: "purchase purchased buy bought order ordered sale transaction",
    EventKind.RATING: "rating rate rated stars",
    EventKind.REVIEW: "review reviewed comment commented",
}
"""The words of a kind column, in any case; a cart is a click: not yet a purchase."""

KINDS = {word: kind for kind, words in KIND_WORDS.items() for word in words.split()}

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)

Scale = tuple[float, float]
ValidEvent = tuple[str, str, int, str, float | None, str | None, str | None]
KNOWN_SCALES: tuple[Scale, ...] = (
    (0, 1), (1, 5), (0.5, 5), (0, 5), (1, 10), (0, 10), (1, 100), (0, 100),
)  # fmt: skip
STRAYS = 0.02


def clean_text(value: str, *, is_html: bool = False) -> str:
    """Plain text: no control characters, no lone surrogates, line ends as \\n, ends stripped.

    ``is_html`` turns line breaks and entities of HTML into what they stand for.
    """
    if is_html and ("&" in value or "<" in value):
        value = html.unescape(_BREAK.sub("\n", value))
    if not value.isprintable():
        if _SURROGATE.search(value):
            value = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        value = _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    return value.strip()


def read_id(field: str, value: Any) -> str:
    """An id as text; whole numbers lose their ".0". BadRow when it is missing or no id."""
    if value is None or value == "":
        raise BadRow(field, "is missing")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int) or _is_huge(value):
        raise BadRow(field, "is not an id", value)
    text = clean_text(str(value)).replace("\n", " ")
    if not text:
        raise BadRow(field, "is missing", value)
    if len(text) > MAX_ID:
        raise BadRow(field, f"is an id of more than {MAX_ID} characters", text)
    return text


def read_text(field: str, value: Any, *, is_html: bool = False) -> str | None:
    """Words of a person, or None for nothing. BadRow when the value is no text."""
    if value is None or value == "":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and not _is_huge(value):
        value = str(value)
    if not isinstance(value, str):
        raise BadRow(field, "is not text", value)
    return clean_text(value, is_html=is_html) or None


def read_rating(value: Any, scale: Scale | None) -> float | None:
    """A finite rating inside the scale, if one is known; None where there is none."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
            raise ValueError
        rating = float(value)
    except (ValueError, TypeError):
        if isinstance(value, str) and not value.strip():
            return None
        raise BadRow(Columns.Rating, "is not a number", value) from None
    except OverflowError:
        raise BadRow(Columns.Rating, "is out of all bounds", value) from None
    if rating != rating:
        raise BadRow(Columns.Rating, "is not a number", value)
    if abs(rating) > MAX_RATING:
        raise BadRow(Columns.Rating, "is out of all bounds", value)
    if scale is not None and not scale[0] <= rating <= scale[1]:
        raise BadRow(Columns.Rating, outside(scale), value)
    return rating


def outside(scale: Scale) -> str:
    """The reason of a rating that its scale does not have."""
    return f"is outside the scale {scale_words(scale)}"


def scale_words(scale: Scale) -> str:
    """A rating scale as people write it: 1-5."""
    return f"{scale[0]:g}-{scale[1]:g}"


def infer_scale(ratings: FloatArray) -> tuple[Scale | None, str]:
    """The smallest known scale that fits the ratings, and the finding in words.

    ``ratings`` is float32[n] without NaN. A scale fits when 98 % of the ratings lie in it; from
    five ratings on, one rating below it (a 0 that stands for "none") is allowed in any case. The
    scale 0-1 must hold all. Where no known scale fits: lowest to highest.
    """
    n = len(ratings)
    if n == 0:
        return None, "no ratings"
    halves = bool((ratings % 1).any())
    for low, high in KNOWN_SCALES:
        below, above = int((ratings < low).sum()), int((ratings > high).sum())
        strays = int(STRAYS * n) if high > 1 else 0
        fits = above <= strays and below <= max(strays, int(n >= 5 and high > 1))
        if fits and not (halves and low == 1):
            scale = (float(low), float(high))
            how = f"the smallest known scale that fits ({n - below - above:,} of {n:,} ratings)"
            return scale, f"rating scale {scale_words(scale)} inferred: {how}"
    lowest, highest = float(ratings.min()), float(ratings.max())
    if lowest == highest:
        lowest -= 1
    scale = (lowest, highest)
    return scale, f"rating scale {scale_words(scale)}: the lowest and highest rating found"


def _is_huge(value: Any) -> bool:
    return isinstance(value, int) and value.bit_length() > 1_000


class EventReader:
    """Reads rows of one file as events.

    ``columns`` maps fields to the file's columns; ``scale`` None accepts any finite rating, to be
    checked once the whole column has been seen. ``shortened`` counts texts cut at MAX_TEXT.
    """

    def __init__(
        self, columns: Mapping[str, str], unit: TimeUnit, scale: Scale | None, is_html: bool
    ) -> None:
        self._columns = {field: columns.get(field, "\0") for field in Columns.EVENTS}
        self._has_kind = Columns.Kind in columns
        self._unit = unit
        self._scale = scale
        self._is_html = is_html
        self.shortened = 0

    def read(self, fields: Fields) -> ValidEvent | BadRow:
        """The row as (user, item, microseconds, kind, rating, title, text), or why not."""
        get, column = fields.get, self._columns
        try:
            user = read_id(Columns.User, get(column[Columns.User]))
            item = read_id(Columns.Item, get(column[Columns.Item]))
            time = self._time(get(column[Columns.Time]))
            rating = read_rating(get(column[Columns.Rating]), self._scale)
            title = self._text(Columns.Title, get(column[Columns.Title]))
            text = self._text(Columns.Text, get(column[Columns.Text]))
            kind = self._kind(get(column[Columns.Kind]), rating, title or text)
        except BadRow as bad:
            return bad
        return user, item, time, kind, rating, title, text

    def _time(self, value: Any) -> int:
        if value is None or value == "":
            raise BadRow(Columns.Time, "is missing")
        try:
            return self._unit.read(value)
        except (ValueError, OverflowError) as error:
            raise BadRow(Columns.Time, str(error), value) from None

    def _text(self, field: str, value: Any) -> str | None:
        text = read_text(field, value, is_html=self._is_html)
        if text is not None and len(text) > MAX_TEXT:
            self.shortened += 1
            text = text[:MAX_TEXT].rstrip()
        return text

    def _kind(self, value: Any, rating: float | None, words: str | None) -> str:
        if not self._has_kind:
            if words:
                return EventKind.REVIEW.value
            return (EventKind.VIEW if rating is None else EventKind.RATING).value
        word = value if isinstance(value, str) else ""
        kind = KINDS.get(word.strip().lower().replace(" ", "_").replace("-", "_"))
        if kind is None:
            raise BadRow(Columns.Kind, "is not a known kind of event", value)
        if kind is EventKind.RATING and rating is None:
            raise BadRow(Columns.Rating, "is missing in a rating")
        return kind.value

"""Ratings as people write them, and the scale they are on.

A rating is a number on the file's own scale, or a share of a scale that it names itself: 3/5, 80 %,
B+. Shares come onto one scale, which a note states.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.arrays import BoolArray, FloatArray
from core.corpus.options import Scale
from core.corpus.source import BadRow
from core.corpus.spoken import form
from core.corpus.texts import is_missing
from core.domain import Columns
from core.language import mark, tr

MAX_RATING = 1_000_000.0
KNOWN_SCALES: tuple[Scale, ...] = (
    (0, 1), (1, 5), (0.5, 5), (0, 5), (1, 10), (0, 10), (1, 100), (0, 100),
)  # fmt: skip
STRAYS = 0.02
NONE_SCALES = ((1.0, 5.0), (1.0, 10.0))
"""Scales of whole numbers beside which a 0 or a -1 means that no rating was given."""
NONE_VALUES = (0.0, -1.0)
LEAST_HIGHEST = 3
THUMBS_SHARE = 0.6
DEFAULT_HIGHEST = 10.0
NOT_A_RATING = mark("is not a rating")
OUT_OF_BOUNDS = mark("is out of all bounds")
NO_RATINGS = mark("no ratings")
OUTSIDE = form(mark("is outside the scale {scale}"))
OUTSIDE_INFERRED = form(
    mark("is outside the scale {scale}, inferred from the values (--rating-scale sets another)")
)
INFERRED = form(
    mark("rating scale {scale} inferred: the smallest known scale that fits ({n} of {all} ratings)")
)
LOWEST_HIGHEST = form(mark("rating scale {scale}: the lowest and highest rating found"))
ONE_SCALE = form(mark("ratings such as 3/5, 80 % or B+ were put on one scale, {scale}"))
NOT_GIVEN = form(
    mark(
        "{n} ratings of {value} mean that no rating was given, since ratings are on {scale} "
        "(--rating-scale {kept} keeps them)"
    )
)

_WORDS = """
one two three four five six seven eight nine ten
eins zwei drei vier funf sechs sieben acht neun zehn
un deux trois quatre cinq six sept huit neuf dix
uno dos tres cuatro cinco seis siete ocho nueve diez
uno due tre quattro cinque sei sette otto nove dieci
um dois tres quatro cinco seis sete oito nove dez
een twee drie vier vijf zes zeven acht negen tien
jeden dwa trzy cztery piec szesc siedem osiem dziewiec dziesiec
один два три четыре пять шесть семь восемь девять десять
一 二 三 四 五 六 七 八 九 十
"""  # no sentence
NUMBER_WORDS = {
    word: float(place)
    for line in _WORDS.strip().splitlines()
    for place, word in enumerate(line.split(), 1)
} | {
    "fünf": 5.0, "une": 1.0, "cinq": 5.0, "três": 3.0, "zero": 0.0, "eine": 1.0,
    "ein": 1.0, "uma": 1.0, "duas": 2.0, "pięć": 5.0,
    "力荐": 5.0, "推荐": 4.0, "还行": 3.0, "较差": 2.0, "很差": 1.0,
}  # fmt: skip
STEPS = {
    "very dissatisfied": 1.0, "very satisfied": 5.0, "dissatisfied": 2.0,  # no sentence
    "strongly disagree": 1.0, "strongly agree": 5.0, "disagree": 2.0,  # no sentence
    "satisfied": 4.0, "agree": 4.0,
    "非常不满意": 1.0, "不满意": 2.0, "满意": 4.0, "非常满意": 5.0,
    "neutral": 3.0, "一般": 3.0,
}  # fmt: skip
"""Answers in five steps; those in the middle also stand between thumbs."""
MIDDLE = frozenset(("neutral", "mixed", "average", "一般", "还行", "中评"))
_UP = """
true yes y recommended recommend up thumbs_up thumbsup like liked good positive ja oui si sí sim да
是 はい 예 推荐 好 好评 👍 t
"""  # no sentence
_DOWN = """
false no n not_recommended down thumbs_down thumbsdown dislike disliked bad negative nein non não
nao нет 否 いいえ 아니요 不推荐 差 差评 👎 f
"""  # no sentence
THUMBS = dict.fromkeys(_UP.split(), 1.0) | dict.fromkeys(_DOWN.split(), 0.0)
LETTERS = {
    letter + sign: (base + step) / 12
    for letter, base in (("A", 11), ("B", 8), ("C", 5), ("D", 2))
    for sign, step in (("", 0), ("+", 1), ("-", -1), ("−", -1))
} | {"F": 0.0, "E": 0.5 / 12, "E+": 0.75 / 12, "E-": 0.25 / 12, "F+": 0.1 / 12, "F-": 0.0}

_NUMBER = r"[-+]?\d+(?:[.,]\d+)?"
_PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,2})?")
_COMMA = re.compile(r"[-+]?\d+,\d{1,4}")
_FRACTION = re.compile(
    rf"({_NUMBER})\s*(?:[^\W\d_]{{0,12}}\s+)?(?:/|\\|out\s+of|von|sur|de|su|of|из|／|满分)\s*(\d+(?:[.,]\d+)?)"
    r"(?:\s*\D{0,20})?", re.IGNORECASE,
)  # fmt: skip
_HALF = re.compile(r"(\d{1,3})\s*(?:½|1/2)\s*(?:[★⭐*]|stars?)?", re.IGNORECASE)
_PERCENT = re.compile(rf"({_NUMBER})\s*[%％]")
_UNIT = re.compile(
    rf"({_NUMBER}|[^\W\d_]+)[\s-]*(?:\*+|★|☆|stars?|sterne?n?|etoiles?|étoiles?|estrellas?|"
    r"estrelas?|stelle?|stella|sterren|gwiazd\w*|зв[её]зд\w*|points?|punkt\w*|puntos?|pts?\.?|"
    r"星级?|颗星|つ星|점|点|分|/)\.?", re.IGNORECASE,
)  # fmt: skip
_FILLED, _SYMBOLS = ("★", "⭐", "🌟", "*"), re.compile(r"[★☆⭐🌟*✩✰½\ufe0f\s]+")


@dataclass(frozen=True, slots=True)
class Rating:
    """A rating: ``number`` on the file's scale, or ``share`` (0 to 1) of a scale ``of`` so much."""

    number: float | None = None
    share: float | None = None
    of: float | None = None


@dataclass(frozen=True)
class RatingStyle:
    """How one column writes ratings, judged on a sample of its values."""

    has_thumbs: bool = False
    decimal: str | None = None

    @classmethod
    def of(cls, values: Iterable[Any], decimal: str | None = None) -> RatingStyle:
        """The style of these values: true and false are ratings where most values are such."""
        given = [value for value in values if not is_missing(value)]
        thumbs = sum(_thumb(value) is not None for value in given)
        between = sum(_is_middle(value) for value in given)
        return cls(thumbs > THUMBS_SHARE * (len(given) - between), decimal)

    def read(self, value: Any) -> Rating | None:
        """A rating, None where there is none; BadRow for what is no rating."""
        if is_missing(value):
            return None
        if self.has_thumbs and (thumb := _thumb(value)) is not None:
            return Rating(thumb)
        if self.has_thumbs and _is_middle(value):
            return Rating(0.5)
        if isinstance(value, bool):
            raise BadRow(Columns.Rating, NOT_A_RATING, value)
        try:
            if isinstance(value, str):
                return self._text(value.strip())
            number = float(value)
        except (ValueError, TypeError):
            raise BadRow(Columns.Rating, NOT_A_RATING, value) from None
        except OverflowError:
            raise BadRow(Columns.Rating, OUT_OF_BOUNDS, value) from None
        return Rating(_bounded(number, value))

    def _text(self, text: str) -> Rating:
        if _PLAIN.fullmatch(text):
            return Rating(_bounded(float(text), text))
        if self.decimal != "." and _COMMA.fullmatch(text):
            return Rating(_bounded(float(text.replace(",", ".")), text))
        if len(text) > 60:
            raise ValueError
        fraction = _FRACTION.fullmatch(text)
        if fraction:
            part, whole = (float(number.replace(",", ".")) for number in fraction.groups())
            if not 0 <= part <= whole or whole <= 0:
                raise ValueError
            return Rating(share=part / whole, of=whole)
        percent = _PERCENT.fullmatch(text)
        if percent:
            share = float(percent[1].replace(",", ".")) / 100
            if not 0 <= share <= 1:
                raise ValueError
            return Rating(share=share, of=100.0)
        letter = LETTERS.get(text.upper()) if len(text) <= 2 else None
        if letter is not None:
            return Rating(share=letter)
        if _SYMBOLS.fullmatch(text):
            return Rating(_bounded(_stars(text), text))
        half = _HALF.fullmatch(text)
        if half:
            return Rating(_bounded(float(half[1]) + 0.5, text))
        word = NUMBER_WORDS.get(text.lower())
        if word is None and not self.has_thumbs:
            word = STEPS.get(text.lower())
        if word is None and (unit := _UNIT.fullmatch(text)):
            inner = unit[1].lower()
            word = NUMBER_WORDS.get(inner)
            if word is None:
                word = float(inner.replace(",", "."))
        if word is None:
            raise ValueError
        return Rating(_bounded(word, text))


def _bounded(number: float, value: Any) -> float:
    if number != number:
        raise BadRow(Columns.Rating, NOT_A_RATING, value)
    if abs(number) > MAX_RATING:
        raise BadRow(Columns.Rating, OUT_OF_BOUNDS, value)
    return number


def _stars(text: str) -> float:
    filled = sum(text.count(mark) for mark in _FILLED)
    return filled + 0.5 * text.count("½")


def _is_middle(value: Any) -> bool:
    return isinstance(value, str) and value.strip().lower() in MIDDLE


def _thumb(value: Any) -> float | None:
    if isinstance(value, bool):
        return float(value)
    if not isinstance(value, str) or len(value) > 20:
        return None
    return THUMBS.get(value.strip().lower().replace(" ", "_").replace("-", "_"))


def outside(scale: Scale) -> str:
    """The reason of a rating that its scale does not have, in the reader's language."""
    return tr(OUTSIDE, scale=scale_words(scale))


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
        return None, NO_RATINGS
    halves = bool((ratings % 1).any())
    for low, high in KNOWN_SCALES:
        below, above = int((ratings < low).sum()), int((ratings > high).sum())
        strays = int(STRAYS * n) if high > 1 else 0
        fits = above <= strays and below <= max(strays, int(n >= 5 and high > 1))
        if fits and not (halves and low == 1):
            scale = (float(low), float(high))
            counts = {"n": f"{n - below - above:,}", "all": f"{n:,}"}
            return scale, INFERRED.format(scale=scale_words(scale), **counts)
    lowest, highest = float(ratings.min()), float(ratings.max())
    if lowest == highest:
        lowest -= 1
    scale = (lowest, highest)
    return scale, LOWEST_HIGHEST.format(scale=scale_words(scale))


@dataclass(frozen=True)
class Scaled:
    """All ratings of an import on one scale.

    ``ratings`` float32[n], NaN for none; ``scale`` None without ratings; ``outside`` bool[n]: those
    that the scale does not have, NaN in ``ratings``; ``notes`` say in words what was done.
    """

    ratings: FloatArray
    scale: Scale | None
    outside: BoolArray
    notes: tuple[str, ...]


def scaled(
    numbers: FloatArray, shares: FloatArray, wholes: Counter[float], known: Scale | None
) -> Scaled:
    """Put plain ratings and shares onto one scale.

    ``numbers`` and ``shares`` are float32[n] (NaN: the row has none), ``wholes`` counts what the
    shares are of (the 5 of 3/5), ``known`` is the scale that is known beforehand.
    """
    notes: list[str] = []
    ratings = numbers.copy()
    rated = ~np.isnan(ratings)
    has_shares = ~np.isnan(shares)
    if has_shares.any():
        known, said = _joined(ratings, shares, wholes, known)
        notes.append(said)
        rated |= has_shares
    notes.extend(_without_none(ratings, known))
    rated = ~np.isnan(ratings)
    bad = np.zeros(len(ratings), np.bool_)
    if not rated.any():
        return Scaled(ratings, None, bad, tuple(notes))
    scale = known
    if scale is None:
        scale, how = infer_scale(ratings[rated])
        notes.append(how)
    if scale is not None:
        slack = 1e-4 * (scale[1] - scale[0])
        bad = rated & ((ratings < scale[0] - slack) | (ratings > scale[1] + slack))
        ratings[bad] = np.nan
    return Scaled(ratings, scale if (rated & ~bad).any() else None, bad, tuple(notes))


def _joined(
    ratings: FloatArray, shares: FloatArray, wholes: Counter[float], known: Scale | None
) -> tuple[Scale, str]:
    """Write shares, and plain ratings beside them, onto one scale; the scale, and words for it."""
    rated = ~np.isnan(ratings)
    given = ~np.isnan(shares)
    top = known[1] if known else max(wholes, key=wholes.__getitem__) if wholes else DEFAULT_HIGHEST
    if known is None and rated.any():
        own, _ = infer_scale(ratings[rated])
        if own is not None and own[1] != top and rated.sum() > given.sum():
            top = own[1]
    plain_top = top
    if rated.any():
        own, _ = infer_scale(ratings[rated])
        plain_top = own[1] if own is not None and known is None else top
    if plain_top != top and plain_top > 0:
        ratings[rated] *= top / plain_top
    ratings[given] = shares[given] * top
    low = 0.0
    if known is not None:
        low = known[0]
    elif set(wholes) == {top} and sum(wholes.values()) == given.sum():
        found, _ = infer_scale(ratings[~np.isnan(ratings)])
        low = found[0] if found is not None and found[1] == top else 0.0
    scale = (low, float(top))
    return scale, ONE_SCALE.format(scale=scale_words(scale))


def _without_none(ratings: FloatArray, known: Scale | None) -> list[str]:
    """Take out the 0 or -1 that means "no rating" beside whole ratings of 1-5 or 1-10."""
    rated = ratings[~np.isnan(ratings)]
    none = np.isin(rated, NONE_VALUES)
    others = rated[~none]
    if not none.any() or len(others) == 0:
        return []
    if known is not None:
        scale: Scale | None = known if known[0] > 0 else None
        meaning = [value for value in NONE_VALUES if scale is not None and value < scale[0]]
    else:
        if (others % 1).any() or others.max() < LEAST_HIGHEST:
            return []
        scale, _ = infer_scale(others)
        meaning = list(NONE_VALUES) if scale in NONE_SCALES and others.min() >= 1 else []
    notes = []
    for value in meaning:
        here = ratings == value
        if here.any():
            ratings[here] = np.nan
            on = scale or (1, 5)
            facts = {"n": f"{int(here.sum()):,}", "value": f"{value:g}"}
            kept = f"{value:g}-{on[1]:g}"
            notes.append(NOT_GIVEN.format(scale=scale_words(on), kept=kept, **facts))
    return notes

"""Words, lines and widths of scripts without spaces: Chinese, Japanese, Thai, their neighbours.

The boundaries are those of ICU, whose dictionaries know these languages (Unicode Standard Annexes
14 and 29).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from icu4py.breakers import BaseBreaker, CharacterBreaker, LineBreaker, WordBreaker

UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Burmese, Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # kana, Han
)
"""Their characters, as a set of a regular expression."""
RUN = re.compile(f"[{UNSPACED}]+")
STOP_WORDS = frozenset(
    word
    for line in (Path(__file__).parent / "stop_words.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
    for word in line.split()
)
"""Words of these languages that say nothing about an item."""


LETTERS = {
    "ja": re.compile("[\u3040-\u30ff]"),
    "ko": re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]"),
    "th": re.compile("[\u0e00-\u0e7f]"),
    "zh": re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]"),
}
"""The letters of each language; Japanese is known by its kana, other Han is Chinese."""
ENOUGH = 0.5
"""Share of a text's letters that they make at least."""


def language_of(text: str) -> str:
    """The language of a text as HTML calls it: ``zh``, ``ja``, ``ko`` or ``th``; else empty."""
    if text.isascii():
        return ""
    letters = sum(map(str.isalpha, text))
    found = {name: len(known.findall(text)) for name, known in LETTERS.items()}
    if not letters or sum(found.values()) < ENOUGH * letters:
        return ""
    return "ja" if found["ja"] else max(found, key=found.__getitem__)


def columns(text: str) -> int:
    """How wide a text is in letters; Chinese and Japanese characters are two wide, marks none."""
    if text.isascii():
        return len(text)
    return sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "FW" else 1


def lines(text: str, width: int) -> list[str]:
    """The text in lines of at most ``width`` columns, broken where its language allows it."""
    made = [""]
    for begin, end in _segments(LineBreaker, text):
        piece = text[begin:end]
        while columns(made[-1] + piece.rstrip()) > width:
            if not made[-1]:  # one word that is longer than a line
                made[-1] = beginning(piece, width)
                piece = piece[len(made[-1]) :]
            made.append("")
        made[-1] += piece
    return [line.rstrip() for line in made]


def beginning(text: str, width: int) -> str:
    """As much of a text as ``width`` columns hold, in whole characters as a reader sees them."""
    used = until = 0
    for begin, end in _segments(CharacterBreaker, text):
        used += columns(text[begin:end])
        if used > width and until:
            break
        until = end
    return text[:until]


def word_spans(run: str) -> Iterator[tuple[int, int]]:
    """Where the words of a text begin and end, those with a letter or digit only.

    ``run`` is a text in the scripts of ``UNSPACED``.
    """
    for begin, until in _segments(WordBreaker, run):
        if any(one.isalnum() for one in run[begin:until]):
            yield begin, until


def _segments(kind: type[BaseBreaker], text: str) -> Iterator[tuple[int, int]]:
    """Where the pieces of a text begin and end."""
    places = None
    if not text.isascii() and max(text) > "\uffff":  # ICU counts such characters twice
        places = [at for at, one in enumerate(text) for _ in range(1 + (one > "\uffff"))]
        places.append(len(text))
    for begin, end in kind(text, "").segments():
        yield (begin, end) if places is None else (places[begin], places[end])


def spaced(text: str) -> str:
    """The text with blanks around the words of scripts that have none."""

    def words(match: re.Match[str]) -> str:
        run = match[0]
        return f" {' '.join(run[begin:end] for begin, end in word_spans(run))} "

    return RUN.sub(words, text)

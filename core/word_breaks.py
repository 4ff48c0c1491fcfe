"""Words of scripts that are written without spaces: Chinese, Japanese, Thai and their neighbours.

The boundaries are those of ICU, whose dictionaries know these languages (Unicode Standard Annex
29).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from icu4py.breakers import WordBreaker

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


def word_spans(run: str) -> Iterator[tuple[int, int]]:
    """Where the words of a text begin and end, those with a letter or digit only.

    ``run`` is a text in the scripts of ``UNSPACED``.
    """
    places = None
    if not run.isascii() and max(run) > "\uffff":  # ICU counts such characters twice
        places = [at for at, one in enumerate(run) for _ in range(1 + (one > "\uffff"))]
        places.append(len(run))
    for start, end in WordBreaker(run, "").segments():
        begin, until = (start, end) if places is None else (places[start], places[end])
        if any(one.isalnum() for one in run[begin:until]):
            yield begin, until


def spaced(text: str) -> str:
    """The text with blanks around the words of scripts that have none."""

    def words(match: re.Match[str]) -> str:
        run = match[0]
        return f" {' '.join(run[begin:end] for begin, end in word_spans(run))} "

    return RUN.sub(words, text)

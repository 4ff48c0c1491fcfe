"""Finds English sentences of the catalogue among what is shown to a reader of another language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from string import Formatter

from benchmarks.catalogue import read

LEAST = 10
"""Letters outside of its fields from which a sentence with fields is looked for."""


@cache
def _sentences(language: str) -> tuple[frozenset[str], re.Pattern[str]]:
    """English that has another form in a language: without fields, and a pattern of all others."""
    plain, patterns = set[str](), set[str]()
    for message in read(language):
        forms = message.id if isinstance(message.id, tuple) else (message.id,)
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        for form in filter(None, forms):
            if form in said or not re.search("[A-Za-z]{2}", form):
                continue
            pieces = list(Formatter().parse(form)) if "{" in form else [(form, None, None, None)]
            words = "".join(piece[0] for piece in pieces)
            if all(name is None for _, name, _, _ in pieces):
                plain.add(words)
            elif len(re.findall("[a-z]", words)) >= LEAST:
                parts = (
                    re.escape(text) + ("" if name is None else ".*?") for text, name, _, _ in pieces
                )
                patterns.add("".join(parts))
    return frozenset(plain), re.compile("|".join(f"(?:{each})" for each in sorted(patterns)))


def english(texts: Iterable[str], language: str = "zh", data: Iterable[str] = ()) -> list[str]:
    """Those of ``texts`` that are or hold an English sentence of the catalogue.

    A sentence without fields must be all of a text or of a line, or three words at least; a single
    word in small letters may be a key. ``data`` are words of the corpus, which may be English.
    """
    plain, pattern = _sentences(language)
    long = [sentence for sentence in plain if sentence.count(" ") >= 2]
    known, found = sorted(data, key=len, reverse=True), set[str]()
    for text in texts:
        for line in map(str.strip, re.split(r"\n|<br ?/?>", text)):
            bare = re.sub(r"[*_\\]|:material/\w+:|</?b>", "", line).strip()
            for name in known:
                bare = bare.replace(name, "")
            if re.fullmatch("[a-z-]*", bare):
                continue
            if bare in plain or pattern.fullmatch(bare) or any(each in bare for each in long):
                found.add(bare)
    return sorted(found)

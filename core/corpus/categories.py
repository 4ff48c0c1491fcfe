"""Several categories written into one value: the first one counts."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from core.corpus.options import NO_QUOTE

ALWAYS = ("|", " > ", ">", ";", " › ", " » ", "、", "；", "，")
"""Marks that only stand between categories."""
PERHAPS = (",", "/")
"""Marks that may be part of a category's name (Health, Household)."""
SHARED = 0.5
MAX_LITERAL = 10_000
_LISTED = re.compile(r"\s*[\[({].*[\])}]\s*", re.DOTALL)


def first_listed(value: Any) -> Any:
    """The first category of a list, also of one written as text; else the value itself."""
    if isinstance(value, str) and len(value) < MAX_LITERAL and _LISTED.fullmatch(value):
        for read in (json.loads, ast.literal_eval):
            try:
                parsed = read(value)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
            if isinstance(parsed, list | tuple | dict):
                value = parsed
                break
    for _ in range(4):
        if isinstance(value, list | tuple):
            value = value[0] if value else None
        elif isinstance(value, Mapping):
            named = [value[key] for key in ("name", "title", "label", "text") if key in value]
            value = named[0] if named else next((v for v in value.values() if v), None)
        else:
            break
    return value


def separator(values: Iterable[str], said: str | None = None) -> Callable[[str], str]:
    """How to find the first category in values of this column; ``values`` are distinct.

    A comma separates only where most of the pieces occur in other values too: "Bars, Food" beside
    "Food", but not "Health, Household".
    """
    marks = [said] if said not in (None, NO_QUOTE) else []
    if said is None:
        values = list(values)
        marks = [mark for mark in ALWAYS if any(mark in value for value in values)]
        marks += [mark for mark in PERHAPS if _separates(mark, values)]

    def first(value: str) -> str:
        for mark in marks:
            pieces = [piece.strip() for piece in value.split(mark)]
            value = next((piece for piece in pieces if piece), value)
        return value

    return first


def _separates(mark: str, values: list[str]) -> bool:
    split = [{piece.strip() for piece in value.split(mark)} - {""} for value in values]
    joined = [pieces for pieces in split if len(pieces) > 1]
    if not joined:
        return False
    counts = Counter(piece for pieces in split for piece in pieces)
    pieces = set().union(*joined)
    shared = sum(counts[piece] > 1 for piece in pieces)
    return shared > SHARED * len(pieces)

"""Sentences that a corpus keeps in English, said in the reader's language.

Notes of a manifest, reasons in the quarantine and forms of times are stored as they were found: a
corpus is the same whoever imported it. They are made from forms, by which they are known again
where somebody reads them (``spoken``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import Formatter

from core import language
from core.language import mark, tr

LINE, LINE_REASON = "line", mark("line {reason}")
"""The field of a refusal that is about its whole row, and such a refusal."""
FILE_NOTE = mark("{file}: {note}")
FIELD_REASON = mark("{field} {reason}")
DEEPEST = 3
"""A note of a file, of a field in it, with its reason."""
INNER = ("kind", "was", "unit", "order", "why", "layout", "label")
"""Fields of forms that hold one of our own words."""
COUNTS = ("n", "all", "most", "left", "width")
"""Fields of forms that hold a number."""
LISTED = "listed"
"""A field that holds names as ``listing`` gives them."""
_MORE = re.compile(r"(?P<names>.+) and (?P<n>[0-9,]+) more", re.DOTALL)
_forms: dict[str, re.Pattern[str]] = {}


def form(english: str) -> str:
    """The form of a stored sentence, for ``str.format``: plain fields, a name each, no formats."""
    pattern = ""
    for text, name, _, _ in Formatter().parse(english):
        pattern += re.escape(text)
        if name is not None:
            pattern += f"(?P<{name}>{r'[0-9,]+' if name in COUNTS else '.+?'})"
    _forms[english] = re.compile(pattern, re.DOTALL)
    return english


def listing(names: Sequence[str], most: int, longest: int) -> str:
    """``a, b and 3 more``, for a stored sentence."""
    shown = ", ".join(name[:longest] for name in names[:most])
    more = len(names) - most
    return f"{shown} and {more} more" if more > 0 else shown  # no sentence


def spoken(sentence: str, depth: int = DEEPEST) -> str:
    """A stored sentence in the reader's language; as it is where it is none of ours.

    ``depth`` bounds how often a part of it is looked at for parts: words of files may be in it.
    """
    if not sentence or language.current() == language.ENGLISH:
        return sentence
    said = tr(sentence)
    if said != sentence:
        return said
    from core.corpus import appending as _all_forms  # noqa: F401

    for english in sorted(_forms, key=len, reverse=True):
        match = _forms[english].fullmatch(sentence)
        if match:
            fields = match.groupdict()
            return tr(english, **{name: _field(name, fields[name], depth) for name in fields})
    return _in_parts(sentence, depth - 1) if depth else sentence


def _field(name: str, value: str, depth: int) -> str:
    if name == LISTED:
        more = _MORE.fullmatch(value)
        return tr("{names} and {n} more", names=more["names"], n=more["n"]) if more else value
    return spoken(value, depth - 1) if name in INNER and depth else value


def _in_parts(sentence: str, depth: int) -> str:
    """A note of one file, a field with a reason, or several forms of times."""
    file, _, note = sentence.partition(": ")
    if note and (said := spoken(note, depth)) != note:
        return tr(FILE_NOTE, file=file, note=said)
    parts = sentence.split(", ")
    said_parts = [spoken(part, depth) for part in parts] if len(parts) > 1 else parts
    if all(said != part for said, part in zip(said_parts, parts, strict=True)):
        return tr(", ").join(said_parts)
    field, _, reason = sentence.partition(" ")
    if field.isidentifier() and reason and (said := spoken(reason, depth)) != reason:
        form_of_it = LINE_REASON if field == LINE else FIELD_REASON
        return tr(form_of_it, field=field, reason=said)
    return sentence

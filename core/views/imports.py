"""Data and models: how files would be read, what would be lost, and what to say about it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from core.corpus.manifest import Append, Manifest
from core.corpus.options import NO_QUOTE, SPOKEN_DELIMITERS
from core.corpus.previewing import FileReading, Preview
from core.views.wording import capital, count, listing, number, percent, short

FEW_MATCHED = 0.5
"""Below this share of known items the items file is probably another shop's."""
_SPOKEN = {mark: word for word, mark in SPOKEN_DELIMITERS.items()}
FIRST_LINE = {True: "names the columns", False: "is data"}


def spoken_delimiter(mark: str | None) -> str:
    """A delimiter as people say it: tab, comma, ``::``; a dash where the syntax has none."""
    return "–" if mark is None else _SPOKEN.get(mark, mark)


def readings_table(preview: Preview) -> pd.DataFrame:
    """How each file is read, a row each."""
    return pd.DataFrame([_reading(file) for file in preview.files])


def _reading(file: FileReading) -> dict[str, str]:
    quote = "–" if file.quote is None else file.quote
    return {
        "File": file.file,
        "Holds": file.table,
        "Read as": file.layout
        or ", ".join(name for name in (file.syntax, file.format) if name != "auto"),
        "Encoding": file.encoding,
        "Delimiter": spoken_delimiter(file.delimiter),
        "Quotes": "plain characters" if quote == NO_QUOTE else quote,
        "First line": FIRST_LINE[file.header] if file.delimiter is not None else "–",
        "Not used": ", ".join(file.unused) or "–",
    }


def column_examples(preview: Preview) -> dict[str, str]:
    """Columns without a name by their number and their first value: ``3 · 978300760``."""
    examples: dict[str, str] = {}
    for file in preview.files:
        values = file.lines[0].split(file.delimiter) if file.lines and file.delimiter else []
        if not file.header and len(values) == len(file.columns):
            pairs = zip(file.columns, values, strict=True)
            examples |= {name: f"{name} · {short(value, 24)}" for name, value in pairs}
    return examples


def reading_sentence(preview: Preview) -> str:
    """Format, time, ratings and kinds in one line."""
    said = [f"Format {preview.format}"]
    if preview.options.order_as_time:
        said.append("order of the rows as time")
    elif preview.timestamp_unit:
        said.append(f"time in {preview.timestamp_unit}")
    scale = preview.rating_scale
    said.append(f"ratings from {scale[0]:g} to {scale[1]:g}" if scale else "no ratings")
    kinds = [f"{number(n)} {kind}" for kind, n in preview.kinds.items()]
    return f"{'; '.join(said)}. {f'Kinds: {listing(kinds)}. ' if kinds else ''}".strip()


def loss_sentence(preview: Preview) -> str:
    """How many of the sampled rows and values would be lost."""
    said = (
        f"{count(preview.refused, 'row')} of the first {number(preview.sampled)} would be refused"
    )
    dropped = dropped_words(preview.dropped_fields)
    return f"{said}; {dropped}." if dropped else f"{said}."


def dropped_words(dropped: Mapping[str, int]) -> str:
    """``2 ratings and 1 title can't be read and are dropped; their events stay``; or nothing."""
    if not dropped:
        return ""
    fields = [count(n, field) for field, n in dropped.items()]
    return f"{listing(fields)} can't be read and are left out, their events stay"


def match_sentence(matched: float | None, unmatched: tuple[str, str] | None = None) -> str:
    """How many items the items file knows; empty without one."""
    if matched is None:
        return ""
    if matched >= FEW_MATCHED:
        return f"The items file has {percent(matched)} of the events' items."
    said = f"The items file has only {percent(matched)} of the events' items"
    if unmatched is not None:
        said += f": events have {short(unmatched[0])!r}, items {short(unmatched[1])!r}"
    return f"{said}. Is it the right file, and is its column of item ids right?"


def unused_sentence(unused: Mapping[str, tuple[str, ...]]) -> str:
    """Columns that no field takes, by file; empty where all are used."""
    files = [f"{', '.join(columns)} ({file})" for file, columns in unused.items() if columns]
    return f"Columns not used: {'; '.join(files)}." if files else ""


def import_cautions(manifest: Manifest) -> list[str]:
    """What an import left out or found odd."""
    dropped = dropped_words(manifest.dropped_fields)
    said = [
        f"{capital(dropped)}." if dropped else "",
        match_sentence(manifest.items_matched),
        unused_sentence(manifest.unused_columns),
        *manifest.notes,
    ]
    return [sentence for sentence in said if sentence]


def append_cautions(append: Append | None) -> list[str]:
    """What an append left out or found odd."""
    if append is None:
        return []
    dropped = dropped_words(append.dropped_fields)
    said = [f"{capital(dropped)}." if dropped else "", *map(capital, append.notes)]
    return [sentence for sentence in said if sentence]

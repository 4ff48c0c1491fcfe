"""Data and models: how files would be read, what would be lost, and what to say about it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from core.corpus.manifest import Append, Manifest
from core.corpus.options import NO_QUOTE
from core.corpus.previewing import FileReading, Preview
from core.corpus.spoken import spoken
from core.language import mark, tr, trc
from core.views.wording import capital, count, joined, listing, number, percent, short

FEW_MATCHED = 0.5
"""Below this share of known items the items file is probably another shop's."""
_SPOKEN = {
    "\t": mark("tab"),
    " ": mark("space"),
    ",": mark("comma"),
    ";": mark("semicolon"),
    "|": mark("pipe"),
}
TIME_NAMES = (
    *(mark("seconds"), mark("milliseconds"), mark("microseconds"), mark("nanoseconds")),
    *(mark("serial"), mark("day-first"), mark("month-first"), mark("year-first")),
)
"""The words among forms of time, for ``tr``."""

FIRST_LINE = {True: mark("names the columns"), False: mark("is data")}


def spoken_delimiter(sign: str | None) -> str:
    """A delimiter as people say it: tab, comma, ``::``; a dash where the syntax has none."""
    return "–" if sign is None else tr(_SPOKEN.get(sign, sign))


def readings_table(preview: Preview) -> pd.DataFrame:
    """How each file is read, a row each."""
    return pd.DataFrame([_reading(file) for file in preview.files])


def _reading(file: FileReading) -> dict[str, str]:
    quote = "–" if file.quote is None else file.quote
    return {
        mark("File"): file.file,
        mark("Holds"): _table_name(file.table),
        mark("Read as"): file.layout
        or tr(", ").join(name for name in (file.syntax, file.format) if name != "auto"),
        mark("Encoding"): file.encoding,
        mark("Delimiter"): spoken_delimiter(file.delimiter),
        mark("Quotes"): tr("plain characters") if quote == NO_QUOTE else quote,
        mark("First line"): tr(FIRST_LINE[file.header]) if file.delimiter is not None else "–",
        mark("Not used"): tr(", ").join(file.unused) or "–",
    }


def _table_name(table: str) -> str:
    names = {
        "events": trc("file", "events"),
        "items": trc("file", "items"),
        "users": trc("file", "users"),
    }
    return names.get(table, table)


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
    said = [tr("Format {name}", name=preview.format)]
    if preview.options.order_as_time:
        said.append(tr("order of the rows as time"))
    elif preview.timestamp_unit:
        said.append(tr("time in {unit}", unit=spoken(preview.timestamp_unit)))
    if scale := preview.rating_scale:
        said.append(tr("ratings from {low:g} to {high:g}", low=scale[0], high=scale[1]))
    else:
        said.append(tr("no ratings"))
    kinds = [tr("{n} {kind}", n=number(n), kind=tr(kind)) for kind, n in preview.kinds.items()]
    listed = tr("Kinds: {kinds}.", kinds=listing(kinds)) if kinds else ""
    return joined(tr("{clauses}.", clauses=tr("; ").join(said)), listed)


def loss_sentence(preview: Preview) -> str:
    """How many of the sampled rows and values would be lost."""
    said = tr(
        "{rows} of the first {n} would be refused",
        rows=count(preview.refused, "row"),
        n=number(preview.sampled),
    )
    clauses = filter(None, (said, dropped_words(preview.dropped_fields)))
    return tr("{clauses}.", clauses=tr("; ").join(clauses))


def dropped_words(dropped: Mapping[str, int]) -> str:
    """``2 ratings and 1 title can't be read and are dropped; their events stay``; or nothing."""
    if not dropped:
        return ""
    fields = [count(n, field) for field, n in dropped.items()]
    return tr("{values} can't be read and are left out, their events stay", values=listing(fields))


def match_sentence(matched: float | None, unmatched: tuple[str, str] | None = None) -> str:
    """How many items the items file knows; empty without one."""
    if matched is None:
        return ""
    share = percent(matched)
    if matched >= FEW_MATCHED:
        return tr("The items file has {share} of the events' items.", share=share)
    if unmatched is None:
        said = tr("The items file has only {share} of the events' items.", share=share)
    else:
        said = tr(
            "The items file has only {share} of the events' items: events have {event!r}, items "
            "{item!r}.",
            share=share,
            event=short(unmatched[0]),
            item=short(unmatched[1]),
        )
    return joined(said, tr("Is it the right file, and is its column of item ids right?"))


def unused_sentence(unused: Mapping[str, tuple[str, ...]]) -> str:
    """Columns that no field takes, by file; empty where all are used."""
    files = [
        tr("{what} ({where})", what=tr(", ").join(columns), where=file)
        for file, columns in unused.items()
        if columns
    ]
    return tr("Columns not used: {columns}.", columns=tr("; ").join(files)) if files else ""


def import_cautions(manifest: Manifest) -> list[str]:
    """What an import left out or found odd."""
    dropped = dropped_words(manifest.dropped_fields)
    said = [
        tr("{what}.", what=capital(dropped)) if dropped else "",
        match_sentence(manifest.items_matched),
        unused_sentence(manifest.unused_columns),
        *map(spoken, manifest.notes),
    ]
    return [sentence for sentence in said if sentence]


def append_cautions(append: Append | None) -> list[str]:
    """What an append left out or found odd."""
    if append is None:
        return []
    dropped = dropped_words(append.dropped_fields)
    said = [
        tr("{what}.", what=capital(dropped)) if dropped else "",
        *map(capital, map(spoken, append.notes)),
    ]
    return [sentence for sentence in said if sentence]

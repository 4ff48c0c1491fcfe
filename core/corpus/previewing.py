"""What a preview shows: how each file would be read, what is open, and what would be lost."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from core.corpus.options import ImportOptions, Scale
from core.corpus.quarantine import Refusal
from core.domain import DomainError


@dataclass(frozen=True)
class Question:
    """Something that only a person can say; until then nothing can be imported.

    ``option`` is the field of ``ImportOptions`` that answers it: "mapping", "header", "delimiter",
    "encoding", "time_format", "kinds" or "order_as_time". ``field`` is the field that lacks a
    column ("timestamp", "item.item_id") where ``option`` is "mapping". ``values`` are values of
    the file that the question is about (unknown words of a kind, dates that can be read two
    ways). ``proposals`` are values of the option that could be right, the likeliest first.
    ``error`` says all of it in words; an import with the same options raises it.
    """

    option: str
    error: DomainError
    field: str = ""
    values: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileReading:
    """How one file is read. ``table`` is "events" or "items".

    ``syntax`` in words ("CSV", "JSON lines", "Excel sheet", ...); ``delimiter`` and ``quote`` None
    where the syntax has none ("none" where quotes are plain characters); ``header`` False where
    the first line is data; ``layout`` the name of a published layout without a header, else None.
    ``mapping`` is field -> column; ``unused`` the columns that no field takes. ``lines`` are the
    first lines of the file as they stand (text only, cut), for a person who corrects the reading.
    """

    file: str
    table: str
    format: str
    syntax: str
    encoding: str
    delimiter: str | None
    quote: str | None
    header: bool
    layout: str | None
    columns: tuple[str, ...]
    mapping: dict[str, str]
    unused: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Preview:
    """How an import would read these files, judged by samples of each.

    ``question``: what must be answered first; None where an import can start. With a question
    ``rows`` may be empty. ``files``: each file's reading, the items file last.

    ``columns`` are all columns of the event files, ``item_columns`` those of the items file;
    ``mapping`` is field -> column as an import would use it, with ``item.`` before fields of the
    items file. ``rows`` holds the first 20 accepted events in ``Columns.EVENTS``, ``item_rows``
    the first 20 items in ``Columns.ITEMS``. ``problems`` are the first 50 refused rows,
    ``refused`` their number among the ``sampled`` rows; ``dropped_fields`` counts optional values
    that could not be read by field, ``dropped`` are the first 50 of them; their events stay.
    ``rating_scale`` is a guess where no option fixes it, since the import looks at every rating.
    ``items_matched``: share of the sampled events' items that the start of the items file has (a
    lower bound for large files), None without items; ``unmatched`` is one id of the events and one
    of the items where less than half match. ``kinds`` counts the sampled events by kind.
    ``kind_words``: words of the kind column -> kind, with None for unknown ones.

    ``options`` are the options asked for with everything filled in that was found: change a field
    (``options.model_copy(update=...)``) and ask for another preview to correct it. ``command`` is
    the command line that does the same.
    """

    question: Question | None
    files: tuple[FileReading, ...]
    format: str
    encoding: str
    timestamp_unit: str
    columns: tuple[str, ...]
    item_columns: tuple[str, ...]
    mapping: dict[str, str]
    unused_columns: dict[str, tuple[str, ...]]
    rating_scale: Scale | None
    sampled: int
    refused: int
    rows: pd.DataFrame
    item_rows: pd.DataFrame
    problems: tuple[Refusal, ...]
    dropped_fields: dict[str, int]
    dropped: tuple[Refusal, ...]
    items_matched: float | None
    unmatched: tuple[str, str] | None
    kinds: dict[str, int]
    kind_words: dict[str, str | None]
    notes: tuple[str, ...]
    options: ImportOptions
    command: str


# Under construction: ``preview(paths, items, options, name="mine") -> Preview`` and
# ``import_files(library, name, paths, items, options, progress, stop)`` in ``importing.py`` will
# take ``ImportOptions``; the manifest gets ``options``, ``unused_columns`` {file: columns},
# ``items_matched``, ``dropped_fields`` and ``order_as_time``.

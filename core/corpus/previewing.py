"""How an import would read files: what is found, what is open, and what would be lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from core.corpus.catalogue import Described, ItemReader, ItemRow, filled, first_categories
from core.corpus.kinds import kind_of
from core.corpus.options import ITEM_PREFIX, ImportOptions, Scale, split_mapping
from core.corpus.plan import EventFile, ItemFile, Plan
from core.corpus.planning import check_kinds, plan_import, resolve_folders
from core.corpus.quarantine import FIELDS, ITEM_FIELDS, Refusal
from core.corpus.questions import Asked, Question
from core.corpus.settling import SHARE, settle
from core.corpus.source import BadRow, SourceFile
from core.corpus.syntax import Rows, open_rows
from core.corpus.tables import EVENTS_SCHEMA, ITEMS_SCHEMA, batch_of, frame_from_table, frame_of
from core.corpus.texts import is_missing
from core.corpus.validate import ValidEvent
from core.domain import Columns

ROWS_SHOWN = 20
PROBLEMS_SHOWN = 50
LINES_SHOWN, LINE_SHOWN = 10, 500
ITEMS_READ = 20_000
WORDS_SHOWN = 200
MOST_TEXT = 2**25
SAMPLE_SCHEMA = pa.schema([*EVENTS_SCHEMA, pa.field(SHARE, pa.float32())])


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

    ``columns`` are all columns of the event files, ``item_columns`` those of the items
    file (without one, the same); ``mapping`` is field -> column as an import would use it, with
    ``item.`` before fields of items. ``rows`` holds the first 20 accepted events in
    ``Columns.EVENTS``, ``item_rows`` the first 20 items in ``Columns.ITEMS``. ``problems`` are the
    first 50 refused rows, ``refused`` their number among the ``sampled`` rows; ``dropped_fields``
    counts optional values that could not be read by field, ``dropped`` are the first 50 of them;
    their events stay.
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


def preview(
    paths: Sequence[Path],
    items: Path | None = None,
    options: ImportOptions | None = None,
    name: str = "mine",
) -> Preview:
    """Read samples of each file as ``import_files`` with the same arguments would.

    What an option can put right becomes the preview's ``question``; DomainError for anything else
    that would stop the import, such as a file that cannot be read at all. ``name`` only stands in
    the command line.
    """
    options = options or ImportOptions()
    question: Question | None = None
    try:
        plan = plan_import(paths, items, options)
    except Asked as asked:
        return _unplanned(paths, items, options, asked.question, name)
    try:
        check_kinds(plan)
    except Asked as asked:
        question = asked.question
    return _Sampled(plan).preview(question, paths, items, name)


class _Sampled:
    """The sampled rows of a plan, as an import would take them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.accepted: list[ValidEvent] = []
        self.problems: list[Refusal] = []
        self.dropped: list[Refusal] = []
        self.lost: list[Refusal] = []
        self.words: dict[str, str | None] = {}
        self.wholes: Counter[float] = Counter()
        self.size = 0
        self.described = Described()
        order: Counter[str] = Counter()
        for source in plan.events:
            self._read(source, order)

    def _read(self, source: EventFile, order: Counter[str]) -> None:
        said = self.plan.asked.kinds
        reader = source.events(said, order)
        about = source.about
        describe = self.described.reader(about) if about is not None else None
        places = [source.head.columns.index(column) for column in reader.wanted]
        for line, values in source.head.rows:
            event: ValidEvent | BadRow
            if isinstance(values, BadRow):
                wanted, event = (), values
            else:
                wanted = tuple([values[place] for place in places])
                event = reader.read(wanted)
            if isinstance(event, BadRow):
                self.problems.append(source.refusal(line, event))
            else:
                self.accepted.append(event)
                self.size += len(event.title or "") + len(event.text or "")
                if about is not None and describe is not None:
                    lost = describe(event.item, reader.further(wanted))
                    self.lost += [about.refusal(line, bad, ITEM_FIELDS) for bad in lost]
            self.dropped += [source.refusal(line, bad, FIELDS) for bad in reader.dropped]
            reader.dropped.clear()
            if self.size > MOST_TEXT:
                break
        self.wholes += reader.wholes
        if Columns.Kind in source.columns:
            for value in source.head.values(source.columns[Columns.Kind]):
                if len(self.words) < WORDS_SHOWN and not is_missing(value):
                    kind = kind_of(str(value), said)
                    self.words[str(value).strip()] = kind
        elif not source.rows.facts.kind:
            self.words[""] = said.get("")

    def preview(
        self, question: Question | None, paths: Sequence[Path], items: Path | None, name: str
    ) -> Preview:
        plan = self.plan
        table = pa.Table.from_batches([batch_of(self.accepted, SAMPLE_SCHEMA)])
        settled = settle(table, self.wholes, plan.scale)
        events = settled.events.select(list(Columns.EVENTS))
        catalogue, refused, lost = _items(plan.items, self.described.items)
        lost = [*self.lost, *lost]
        self.dropped += lost
        counts = Counter(refusal.field for refusal in self.dropped if refusal.table == FIELDS)
        counts.update(f"{ITEM_PREFIX}{refusal.field}" for refusal in lost)
        outside = pc.sum(settled.outside).as_py() or 0
        if outside:
            counts[Columns.Rating] += outside
        matched, unmatched = _matches(plan.items, events, catalogue)
        said = plan.asked.category_separator
        kinds = Counter(events[Columns.Kind].to_pylist())
        return Preview(
            question=question,
            files=tuple(_reading(source, plan) for source in plan.files),
            format=plan.format,
            encoding=plan.encoding,
            timestamp_unit=plan.timestamp_unit,
            columns=_columns(plan),
            item_columns=plan.items.head.columns if plan.items else _columns(plan),
            mapping=plan.mapping,
            unused_columns=plan.unused,
            rating_scale=settled.scale or plan.scale,
            sampled=len(self.accepted) + len(self.problems),
            refused=len(self.problems),
            rows=frame_from_table(events.slice(0, ROWS_SHOWN)),
            item_rows=frame_from_table(first_categories(catalogue, said).slice(0, ROWS_SHOWN)),
            problems=tuple([*self.problems, *refused][:PROBLEMS_SHOWN]),
            dropped_fields=dict(counts),
            dropped=tuple(self.dropped[:PROBLEMS_SHOWN]),
            items_matched=matched,
            unmatched=unmatched,
            kinds=dict(sorted(kinds.items())),
            kind_words=self.words,
            notes=(*plan.notes, *settled.notes),
            options=plan.options,
            command=plan.asked.command(paths, items, name),
        )


def _columns(plan: Plan) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for source in plan.events for name in source.head.columns))


def _items(
    source: ItemFile | None, described: dict[str, ItemRow]
) -> tuple[pa.Table, list[Refusal], list[Refusal]]:
    """The first items of a file, the rows that would be refused, and the values dropped.

    Without a file: the items as the events describe them.
    """
    rows: dict[str, ItemRow] = {}
    refused: list[Refusal] = []
    lost: list[Refusal] = []
    if source is not None:
        reader = ItemReader(source)
        for line, fields in islice(source.rows.records(), ITEMS_READ):
            item = reader.read(fields) if isinstance(fields, dict) else fields
            if isinstance(item, BadRow):
                refused.append(source.refusal(line, item))
            else:
                rows.setdefault(item[0], filled(item, described.get(item[0])))
            lost += [source.refusal(line, bad, ITEM_FIELDS) for bad in reader.dropped]
            reader.dropped.clear()
    shown = rows.values() if source is not None else described.values()
    return pa.Table.from_batches([batch_of(shown, ITEMS_SCHEMA)]), refused, lost


def _matches(
    source: ItemFile | None, events: pa.Table, items: pa.Table
) -> tuple[float | None, tuple[str, str] | None]:
    """The share of the events' items that are known, and an id of each side without a partner."""
    if source is None:
        return None, None
    used = set(events[Columns.Item].to_pylist())
    known = set(items[Columns.Item].to_pylist())
    matched = len(used & known) / max(len(used), 1)
    if matched >= 0.5 or not used - known or not known - used:
        return matched, None
    return matched, (min(used - known), min(known - used))


def _reading(source: ItemFile, plan: Plan) -> FileReading:
    return _reading_of(
        source.file, source.rows, source.table, source.reader.format, source.columns, source.unused
    )


def _reading_of(
    file: SourceFile,
    rows: Rows,
    table: str,
    format: str,
    mapping: dict[str, str],
    unused: tuple[str, ...],
) -> FileReading:
    facts = rows.facts
    return FileReading(
        file=file.name,
        table=table,
        format=format,
        syntax=facts.syntax,
        encoding=file.encoding,
        delimiter=facts.delimiter,
        quote=facts.quote,
        header=facts.has_header,
        layout=facts.layout,
        columns=rows.columns,
        mapping=mapping,
        unused=unused,
        lines=_first_lines(file),
    )


def _first_lines(file: SourceFile) -> tuple[str, ...]:
    if not file.is_text:
        return ()
    lines = islice(file.sample.start.splitlines(), LINES_SHOWN)
    return tuple(line[:LINE_SHOWN] for line in lines)


def _unplanned(
    paths: Sequence[Path],
    items: Path | None,
    options: ImportOptions,
    question: Question,
    name: str,
) -> Preview:
    """What can be said of files while a question is open."""
    files, listed = resolve_folders(paths)
    items_file = items or listed
    readings = [_bare(path, "events", options) for path in files]
    if items_file is not None:
        readings.append(_bare(items_file, "items", options))
    events = [reading for reading in readings if reading.table == "events"]
    mapping: dict[str, str] = {}
    for reading in reversed(readings):
        prefix = ITEM_PREFIX if reading.table == "items" else ""
        mapping.update({prefix + field: column for field, column in reading.mapping.items()})
    columns = dict.fromkeys(name for reading in events for name in reading.columns)
    return Preview(
        question=question,
        files=tuple(readings),
        format=options.format,
        encoding=", ".join(dict.fromkeys(reading.encoding for reading in events)),
        timestamp_unit="",
        columns=tuple(columns),
        item_columns=readings[-1].columns if items_file is not None else (),
        mapping=mapping,
        unused_columns={},
        rating_scale=options.rating_scale,
        sampled=0,
        refused=0,
        rows=frame_of([], EVENTS_SCHEMA),
        item_rows=frame_of([], ITEMS_SCHEMA),
        problems=(),
        dropped_fields={},
        dropped=(),
        items_matched=None,
        unmatched=None,
        kinds={},
        kind_words=dict.fromkeys(question.values if question.option == "kinds" else ()),
        notes=(),
        options=options,
        command=options.command(paths, items, name),
    )


def _bare(path: Path, table: str, options: ImportOptions) -> FileReading:
    """A file's reading without a plan; a first line that may be data is taken for data."""
    file = SourceFile(path, options.encoding)
    try:
        rows = open_rows(file, options)
    except Asked:
        rows = open_rows(file, options.model_copy(update={"header": False}))
    mapping = _guessed(rows, table, options)
    unused = tuple(column for column in rows.columns if column not in mapping.values())
    return _reading_of(file, rows, table, options.format, mapping, unused)


def _guessed(rows: Rows, table: str, options: ImportOptions) -> dict[str, str]:
    from core.corpus.readers import READERS
    from core.corpus.syntax import read_head

    head = read_head(rows)
    for reader in READERS:
        columns: dict[str, Any] | None = (
            reader.item_columns(head) if table == "items" else reader.event_columns(head)
        )
        if columns:
            said = split_mapping(options.mapping)[table == "items"]
            return {**columns, **{f: c for f, c in said.items() if c in head.columns}}
    return {}

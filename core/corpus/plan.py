"""What an import will do, decided before a row is kept: syntax, columns, unit of time, ratings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.corpus.column_names import guess
from core.corpus.kinds import kind_of, unknown_kinds
from core.corpus.options import ITEM_PREFIX, ImportOptions, Scale, split_mapping
from core.corpus.quarantine import EVENTS, ITEMS, Refusal
from core.corpus.questions import Asked
from core.corpus.ratings import RatingStyle
from core.corpus.readers import FORMATS, READERS
from core.corpus.readers.protocol import Reader
from core.corpus.source import BadRow, SourceFile, is_folder
from core.corpus.syntax import Head, Rows, open_rows, read_head
from core.corpus.syntax.parquet_rows import ParquetRows
from core.corpus.texts import MAX_ID, is_missing, is_scientific, is_whole_float
from core.corpus.timestamps import TimeUnit, find_unit
from core.corpus.validate import EventReader
from core.domain import Columns, DomainError

NEEDED = (Columns.User, Columns.Item, Columns.Time)
IDS = (Columns.User, Columns.Item)
OF_EVENTS = ("header", "delimiter", "quote")
"""Options that an items file takes only where it cannot be read without them."""


@dataclass(frozen=True)
class ItemFile:
    """The file of items and how its rows are read. ``columns`` is field -> file column."""

    file: SourceFile
    rows: Rows
    head: Head
    reader: Reader
    columns: dict[str, str]
    whole: frozenset[str]
    """Fields of ids whose whole numbers are written as floats (12.0)."""

    @property
    def table(self) -> str:
        """Which table its rows belong to."""
        return EVENTS if isinstance(self, EventFile) else ITEMS

    def refusal(self, line: int, bad: BadRow, table: str | None = None) -> Refusal:
        """Why a row or a value can't be used, in the file's words."""
        return Refusal.of(self.file.name, line, bad, self.columns, table or self.table)

    @property
    def unused(self) -> tuple[str, ...]:
        """Columns that no field takes; a nameless column without values is none."""
        used = set(self.columns.values())
        outer = {column.partition(".")[0] for column in used if "." in column}
        names = set(self.head.columns)
        return tuple(
            column
            for column in self.head.columns
            if column not in used
            and column not in outer
            and not ("." in column and column.partition(".")[0] in names)
            and not (column.startswith("column ") and self._is_empty(column))
        )

    def _is_empty(self, column: str) -> bool:
        return all(is_missing(value) for value in self.head.values(column))


@dataclass(frozen=True)
class EventFile(ItemFile):
    """One file of events and how its rows are read. ``unit`` None: their order is their time."""

    unit: TimeUnit | None
    style: RatingStyle

    def events(self, kinds: Mapping[str, str], order: Counter[str]) -> EventReader:
        """A reader of its rows."""
        kind = self.rows.facts.kind
        return EventReader(self.columns, self.unit, self.style, kinds, self.whole, order, kind)


@dataclass(frozen=True)
class Plan:
    """All files of one import."""

    events: tuple[EventFile, ...]
    items: ItemFile | None
    asked: ImportOptions

    @property
    def scale(self) -> Scale | None:
        """The rating scale asked for or fixed by the format; None: to be found from the values."""
        return self.asked.rating_scale or self.events[0].reader.rating_scale

    @property
    def files(self) -> tuple[ItemFile, ...]:
        """All files, the items last."""
        return (*self.events, *([self.items] if self.items is not None else []))

    @property
    def format(self) -> str:
        """The format of the event files."""
        return self.events[0].reader.format

    @property
    def encoding(self) -> str:
        """The encodings found, in words."""
        return _together(source.file.encoding for source in self.events)

    @property
    def timestamp_unit(self) -> str:
        """The units of time found, in words."""
        units = (source.unit for source in self.events)
        return _together("order of rows" if unit is None else unit.name for unit in units)

    @property
    def mapping(self) -> dict[str, str]:
        """Field -> file column; item fields are prefixed with ``item.``."""
        merged: dict[str, str] = {}
        for source in reversed(self.events):
            merged.update(source.columns)
        if self.items is not None:
            merged.update({ITEM_PREFIX + key: name for key, name in self.items.columns.items()})
        return merged

    @property
    def unused(self) -> dict[str, tuple[str, ...]]:
        """Columns that no field takes, by file."""
        return {source.file.name: source.unused for source in self.files if source.unused}

    @property
    def options(self) -> ImportOptions:
        """The options asked for, with what was found filled in."""
        first = self.events[0]
        facts = first.rows.facts
        found: dict[str, Any] = {"mapping": self.mapping}
        if facts.delimiter and facts.layout is None:
            found["delimiter"] = facts.delimiter
        if not facts.has_header and facts.layout is None:
            found["header"] = False
        if first.unit is not None and first.unit.said:
            found["time_format"] = first.unit.said
        return ImportOptions(**(self.asked.model_dump() | found))

    @property
    def notes(self) -> list[str]:
        """What a person may wonder about in how the files are read."""
        notes: list[str] = []
        for source in self.files:
            notes += [f"{source.file.name}: {note}" for note in source.rows.facts.notes]
            if source.whole:
                fields = " and ".join(source.columns[field] for field in sorted(source.whole))
                notes.append(
                    f"{source.file.name}: whole numbers written as floats in {fields} "
                    "were read as integers (12.0 as 12)"
                )
        return list(dict.fromkeys(notes))


def plan_import(paths: Sequence[Path], items: Path | None, options: ImportOptions) -> Plan:
    """Look at samples of every file; DomainError when they cannot be imported as asked.

    It is an ``Asked`` where an option would help.
    """
    if not paths:
        raise DomainError("no file was named", remedy="Name at least one file of events")
    readers = _readers(options.format)
    event_map, item_map = split_mapping(options.mapping)
    files, listed_items = resolve_folders(paths, readers)
    repeated = {path for path in files if files.count(path) > 1}
    if repeated:
        raise DomainError("a file was named twice", where=str(min(repeated)))
    events = tuple(_plan_events(path, readers, event_map, options) for path in files)
    formats = {source.reader.format for source in events}
    if len(formats) > 1:
        raise DomainError(
            f"the files have different formats: {', '.join(sorted(formats))}",
            remedy="Import them as separate corpora, or name one with --format",
        )
    items = items or listed_items
    plan_of_items = plan_items(items, item_map, options) if items is not None else None
    return Plan(events, plan_of_items, options)


def plan_items(path: Path, mapping: Mapping[str, str], options: ImportOptions) -> ItemFile:
    """Look at the file of items; options about the events' syntax help where it needs them."""
    neutral = options.model_copy(update=dict.fromkeys(OF_EVENTS))
    try:
        return _plan_items(path, mapping, neutral)
    except Asked:
        if all(getattr(options, name) is None for name in OF_EVENTS):
            raise
    return _plan_items(path, mapping, options)


def resolve_folders(
    paths: Sequence[Path], readers: Sequence[Reader] = READERS
) -> tuple[list[Path], Path | None]:
    """The files of events, and of items, that folders in known layouts stand for."""
    files: list[Path] = []
    items: Path | None = None
    for path in paths:
        if not is_folder(path):
            files.append(path)
            continue
        layout = next((seen for reader in readers if (seen := reader.folder_files(path))), None)
        if layout is None:
            raise DomainError(
                "this folder has no known layout",
                where=str(path),
                remedy="Name the file of events in it",
            )
        files.extend(layout[0])
        items = items or layout[1]
    return files, items


def column_values(rows: Rows, column: str) -> Iterator[Any]:
    """All values of one column, streamed."""
    for _, values in rows.read([column]):
        if not isinstance(values, BadRow):
            yield values[0]


def _readers(format: str) -> tuple[Reader, ...]:
    if format == "auto":
        return READERS
    chosen = tuple(reader for reader in READERS if reader.format == format)
    if not chosen:
        known = ", ".join(FORMATS)
        raise DomainError(
            f"there is no format {format!r}", where="--format", remedy=f"Choose one of {known}"
        )
    return chosen


def _plan_events(
    path: Path, readers: Sequence[Reader], mapping: Mapping[str, str], options: ImportOptions
) -> EventFile:
    file = SourceFile(path, options.encoding)
    rows = open_rows(file, options)
    head = read_head(rows)
    _check_columns(file, head, mapping)
    head = replace(head, claimed=frozenset(mapping.values()))
    if not head.columns or not any(not isinstance(values, BadRow) for _, values in head.rows):
        raise _no_rows(file, head)
    needed = [name for name in NEEDED if name != Columns.Time or not options.order_as_time]
    for reader in readers:
        guessed = reader.event_columns(head)
        if guessed is not None and all(name in guessed or name in mapping for name in needed):
            break
    else:
        raise _no_events(file, head, readers, needed, mapping)
    columns = _merged(guessed, mapping)
    if options.order_as_time:
        columns.pop(Columns.Time, None)
    if options.kinds and Columns.Kind not in columns:
        columns |= _said_kinds(head, columns, options)
    _check_ids(file, rows, head, columns)
    style = RatingStyle(decimal=options.decimal)
    if Columns.Rating in columns:
        style = RatingStyle.of(head.values(columns[Columns.Rating]), options.decimal)
    return EventFile(
        file,
        rows,
        head,
        reader,
        columns,
        _whole(head, columns),
        None if options.order_as_time else _time_unit(file, rows, head, columns, options),
        style,
    )


def _merged(guessed: Mapping[str, str], mapping: Mapping[str, str]) -> dict[str, str]:
    """The mapping that a person said, and the guess for other fields.

    A guess gives way where a person gave its column to another field, unless the field is needed.
    """
    said = set(mapping.values())
    columns = {
        field: column for field, column in guessed.items() if column not in said or field in NEEDED
    }
    columns.update(mapping)
    return {field: columns[field] for field in Columns.EVENTS if field in columns}


def _said_kinds(head: Head, columns: Mapping[str, str], options: ImportOptions) -> dict[str, str]:
    """The column that holds the words which a person explained."""
    for column in guess("events", head.columns).get(Columns.Kind, ()):
        words = {str(value).strip().lower() for value in head.values(column)}
        if column not in columns.values() and words & options.kinds.keys():
            return {Columns.Kind: column}
    return {}


def _time_unit(
    file: SourceFile, rows: Rows, head: Head, columns: Mapping[str, str], options: ImportOptions
) -> TimeUnit:
    time = columns[Columns.Time]
    return find_unit(
        head.values(time),
        where=f"{file.path}, column {time}",
        otherwise="choose another column with --map timestamp=COLUMN, or, if the file has no "
        "times, add --order-as-time",
        said=options.time_format,
        rest=lambda: column_values(rows, time),
    )


def check_kinds(plan: Plan) -> None:
    """Asked when a sample shows unknown words of a kind; it names those of the whole file."""
    for source in plan.events:
        column = source.columns.get(Columns.Kind)
        if column is None:
            continue
        said = plan.asked.kinds
        if not _unknown(source.head.values(column), said):
            continue
        words = _unknown(column_values(source.rows, column), said)
        raise asked_kinds(words, column, source.file)


def asked_kinds(words: Iterable[str], column: str, file: SourceFile) -> Asked:
    """The question what some words of a kind mean."""
    words = sorted(words)
    error = unknown_kinds(words, column, f"{file.path}, column {column}")
    return Asked(error.what, "kinds", where=error.where, remedy=error.remedy, values=tuple(words))


def _unknown(values: Iterable[Any], said: Mapping[str, str]) -> set[str]:
    words = {str(value).strip() for value in values if not is_missing(value)}
    return {word for word in words if kind_of(word, said) is None}


def _check_ids(file: SourceFile, rows: Rows, head: Head, columns: Mapping[str, str]) -> None:
    """Refuse ids that are no ids any more: bytes, and numbers without their last digits."""
    for field in (name for name in IDS if name in columns):
        column = columns[field]
        where = f"{file.path}, column {column}"
        if isinstance(rows, ParquetRows) and rows.is_binary(column):
            raise DomainError(
                f"the column {column!r} holds binary values, which cannot be a {field}",
                where=where,
                remedy="Write the ids as text or whole numbers",
            )
        values = [value for value in head.values(column) if not is_missing(value)]
        lost = [value for value in values if is_scientific(value)]
        if len(lost) * 2 > len(values):
            raise DomainError(
                f"the {field}s are in scientific notation, for example {lost[0]}: their last "
                "digits are lost",
                where=where,
                remedy="Export the file again with this column as text, not as a number",
            )


def _whole(head: Head, columns: Mapping[str, str]) -> frozenset[str]:
    """Fields of ids that hold whole numbers as floats, and no other numbers with a point."""
    fields = set()
    for field in (name for name in IDS if name in columns):
        values = [value for value in head.values(columns[field]) if not is_missing(value)]
        floats = sum(is_whole_float(value) or isinstance(value, float) for value in values)
        points = sum(_has_fraction(value) for value in values)
        if floats > points:
            fields.add(field)
    return frozenset(fields)


def _has_fraction(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > MAX_ID or is_whole_float(value):
        return False
    whole, point, part = value.strip().partition(".")
    return bool(point) and whole.isdecimal() and part.isdecimal()


def _no_rows(file: SourceFile, head: Head) -> DomainError:
    bad = next((row for _, row in head.rows if isinstance(row, BadRow)), None)
    first = f"; its first line {bad.reason}" if bad is not None else ""
    return DomainError(
        f"the file has no row that can be read{first}",
        where=str(file.path),
        remedy="Give a CSV with a header line, JSON lines, Parquet or an Excel sheet",
    )


def _no_events(
    file: SourceFile,
    head: Head,
    readers: Sequence[Reader],
    needed: Sequence[str],
    mapping: Mapping[str, str],
) -> DomainError:
    if any(reader.item_columns(head) for reader in READERS[:-1]):
        return DomainError(
            "this file lists items, not events",
            where=str(file.path),
            remedy=f"Name the events first, then --items {file.name}",
        )
    columns = {**(readers[-1].event_columns(head) or {}), **mapping}
    missing = [name for name in needed if name not in columns]
    remedy = [f"Say which it is: --map {missing[0]}=COLUMN"]
    if missing == [Columns.Time]:
        remedy.append(
            "If the file has no times, add --order-as-time: each user's rows in the order of the "
            "file, one a day"
        )
    elif head.source.facts.has_header and head.source.facts.delimiter:
        remedy.append("If the first line is no header, add --no-header")
    if len(head.columns) == 1 and head.source.facts.delimiter:
        remedy.insert(0, "Each line is one field: say what separates fields with --delimiter")
    return Asked(
        f"no column was found for {' and '.join(missing)}",
        "mapping",
        where=f"{file.path}, columns: {head.listed}",
        remedy=". ".join(remedy),
        field=missing[0],
        proposals=head.columns[:200],
    )


def _plan_items(path: Path, mapping: Mapping[str, str], options: ImportOptions) -> ItemFile:
    file = SourceFile(path, options.encoding)
    rows = open_rows(file, options)
    head = read_head(rows)
    _check_columns(file, head, mapping)
    head = replace(head, claimed=frozenset(mapping.values()))
    for reader in READERS:
        columns = reader.item_columns(head)
        if columns is not None and (Columns.Item in columns or Columns.Item in mapping):
            merged = {**columns, **mapping}
            _check_ids(file, rows, head, {Columns.Item: merged[Columns.Item]})
            ids = {Columns.Item: merged[Columns.Item]}
            return ItemFile(file, rows, head, reader, merged, _whole(head, ids))
    raise Asked(
        "no column was found for item_id",
        "mapping",
        where=f"{path}, columns: {head.listed}",
        remedy="Say which it is: --map item.item_id=COLUMN",
        field=ITEM_PREFIX + Columns.Item,
        proposals=head.columns[:200],
    )


def _check_columns(file: SourceFile, head: Head, mapping: Mapping[str, str]) -> None:
    names = set(head.columns)
    for name, column in mapping.items():
        if head.columns and column not in names:
            hint = ""
            if column.isdecimal() and head.source.facts.has_header:
                hint = "; columns are numbered where the first line is data: --no-header"
            raise Asked(
                f"there is no column {column!r} to use as {name}",
                "mapping",
                where=f"{file.path}, columns: {head.listed}",
                remedy=f"Map the field to one of these columns{hint}",
                field=name,
                proposals=head.columns[:200],
            )


def _together(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))

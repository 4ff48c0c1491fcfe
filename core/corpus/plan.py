"""What an import will do, decided before a row is kept: format, columns, unit of time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.corpus.quarantine import EVENTS, ITEMS, Refusal
from core.corpus.readers import FORMATS, READERS
from core.corpus.readers.protocol import Reader
from core.corpus.rows import Head, read_head
from core.corpus.source import BadRow, SourceFile, is_folder
from core.corpus.timestamps import TimeUnit, find_unit
from core.corpus.validate import EventReader, Scale
from core.domain import Columns, DomainError

NEEDED = (Columns.User, Columns.Item, Columns.Time)
SHORT_NAMES = {"user": Columns.User, "item": Columns.Item, "time": Columns.Time}
ITEM_PREFIX = "item."


@dataclass(frozen=True)
class ItemFile:
    """The file of items and how its rows are read."""

    file: SourceFile
    head: Head
    reader: Reader
    columns: dict[str, str]

    def refusal(self, line: int, bad: BadRow) -> Refusal:
        """Why a row can't be used, in the file's words."""
        table = EVENTS if isinstance(self, EventFile) else ITEMS
        return Refusal.of(self.file.name, line, bad, self.columns, table)


@dataclass(frozen=True)
class EventFile(ItemFile):
    """One file of events and how its rows are read."""

    unit: TimeUnit

    def events(self, scale: Scale | None) -> EventReader:
        """A reader of its rows; ``scale`` overrides that of the format."""
        return EventReader(
            self.columns, self.unit, scale or self.reader.rating_scale, self.reader.is_html
        )


@dataclass(frozen=True)
class Plan:
    """All files of one import."""

    events: tuple[EventFile, ...]
    items: ItemFile | None
    scale: Scale | None
    """The rating scale asked for or fixed by the format; None: to be found from the values."""

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
        return _together(source.unit.name for source in self.events)

    @property
    def mapping(self) -> dict[str, str]:
        """Field -> file column; item fields are prefixed with ``item.``."""
        merged: dict[str, str] = {}
        for source in reversed(self.events):
            merged.update(source.columns)
        if self.items is not None:
            merged.update({ITEM_PREFIX + key: name for key, name in self.items.columns.items()})
        return merged


def plan_import(
    paths: Sequence[Path],
    items: Path | None,
    format: str,
    mapping: Mapping[str, str],
    encoding: str | None,
    rating_scale: Scale | None,
) -> Plan:
    """Look at the start of every file; DomainError when they cannot be imported as asked.

    ``format`` "auto" and None mean: find out.
    """
    if not paths:
        raise DomainError("no file was named", remedy="Name at least one file of events")
    readers = _readers(format)
    event_map, item_map = _split_mapping(mapping)
    files, listed_items = _resolve_folders(paths, readers)
    repeated = {path for path in files if files.count(path) > 1}
    if repeated:
        raise DomainError("a file was named twice", where=str(min(repeated)))
    events = tuple(_plan_events(path, readers, event_map, encoding) for path in files)
    formats = {source.reader.format for source in events}
    if len(formats) > 1:
        raise DomainError(
            f"the files have different formats: {', '.join(sorted(formats))}",
            remedy="Import them as separate corpora, or name one with --format",
        )
    items = items or listed_items
    return Plan(
        events,
        _plan_items(items, item_map, encoding) if items is not None else None,
        rating_scale or events[0].reader.rating_scale,
    )


def parse_scale(text: str) -> Scale:
    """Read a rating scale such as 1-5; DomainError for anything else."""
    number = r"(-?\d{1,6}(?:\.\d{1,4})?)"
    match = re.fullmatch(rf"\s*{number}\s*-\s*{number}\s*", text)
    scale = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
    if scale[0] >= scale[1]:
        raise DomainError(
            f"{text!r} is not a rating scale",
            where="--rating-scale",
            remedy="Write lowest and highest, for example 1-5",
        )
    return scale


def parse_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """Read ``field=column`` pairs; DomainError for anything else."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not (name.strip() and equals and column.strip()):
            raise DomainError(
                f"{pair!r} is not field=column", where="--map", remedy="Write --map user_id=author"
            )
        mapping[name.strip()] = column.strip()
    return mapping


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


def _split_mapping(mapping: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    events: dict[str, str] = {}
    items: dict[str, str] = {}
    known = (*Columns.EVENTS, *(ITEM_PREFIX + field for field in Columns.ITEMS[:-1]))
    for name, column in mapping.items():
        prefix = ITEM_PREFIX if name.startswith(ITEM_PREFIX) else ""
        field = name.removeprefix(prefix)
        field = SHORT_NAMES.get(field, field)
        if prefix + field not in known:
            raise DomainError(
                f"there is no field {name!r}",
                where="--map",
                remedy=f"Map one of {', '.join(known)}",
            )
        (items if prefix else events)[field] = column
    return events, items


def _resolve_folders(
    paths: Sequence[Path], readers: Sequence[Reader]
) -> tuple[list[Path], Path | None]:
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


def _plan_events(
    path: Path, readers: Sequence[Reader], mapping: Mapping[str, str], encoding: str | None
) -> EventFile:
    file = SourceFile(path, encoding)
    head = read_head(file)
    _check_columns(file, head, mapping)
    for reader in readers:
        columns = reader.event_columns(head)
        if columns is not None and all(name in columns or name in mapping for name in NEEDED):
            break
    else:
        raise _no_events(file, head, readers)
    columns = {**columns, **mapping}
    time = columns[Columns.Time]
    otherwise = "choose another column with --map timestamp=COLUMN"
    unit = find_unit(head.values(time), where=f"{path}, column {time}", otherwise=otherwise)
    return EventFile(file, head, reader, columns, unit)


def _no_events(file: SourceFile, head: Head, readers: Sequence[Reader]) -> DomainError:
    if not head.columns:
        return DomainError(
            "the file has no row that can be read",
            where=str(file.path),
            remedy="Give a CSV with a header line, JSON lines, or Parquet",
        )
    if any(reader.item_columns(head) for reader in READERS[:-1]):
        return DomainError(
            "this file lists items, not events",
            where=str(file.path),
            remedy=f"Name the events first, then --items {file.name}",
        )
    columns = readers[-1].event_columns(head) or {}
    missing = [name for name in NEEDED if name not in columns]
    return DomainError(
        f"no column was found for {' and '.join(missing)}",
        where=f"{file.path}, columns: {head.listed}",
        remedy=f"Say which it is: --map {missing[0]}=COLUMN",
    )


def _plan_items(path: Path, mapping: Mapping[str, str], encoding: str | None) -> ItemFile:
    file = SourceFile(path, encoding)
    head = read_head(file)
    _check_columns(file, head, mapping)
    for reader in READERS:
        columns = reader.item_columns(head)
        if columns is not None and (Columns.Item in columns or Columns.Item in mapping):
            return ItemFile(file, head, reader, {**columns, **mapping})
    raise DomainError(
        "no column was found for item_id",
        where=f"{path}, columns: {head.listed}",
        remedy="Say which it is: --map item.item_id=COLUMN",
    )


def _check_columns(file: SourceFile, head: Head, mapping: Mapping[str, str]) -> None:
    for name, column in mapping.items():
        if head.columns and column not in head.columns:
            raise DomainError(
                f"there is no column {column!r} to use as {name}",
                where=f"{file.path}, columns: {head.listed}",
                remedy="Map the field to one of these columns",
            )


def _together(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))

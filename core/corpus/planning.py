"""Look at samples of files and decide how to read them, before a row is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from core.corpus.column_names import guess, is_stand_in, is_title
from core.corpus.described import clock_column, item_columns, quantity_column
from core.corpus.ids import check_ids, numeric_ids, whole_ids
from core.corpus.kinds import kind_of, unknown_kinds
from core.corpus.no_plan import columns_of, no_events, no_rows
from core.corpus.options import CLOCK, ITEM_PREFIX, QUANTITY, ImportOptions, split_mapping
from core.corpus.plan import EventFile, ItemFile, Plan
from core.corpus.questions import Asked
from core.corpus.ratings import RatingStyle
from core.corpus.readers import FORMATS, READERS
from core.corpus.readers.protocol import Reader
from core.corpus.source import BadRow, SourceFile, is_folder
from core.corpus.spoken import spoken
from core.corpus.syntax import Head, Rows, each_event, open_rows, read_head
from core.corpus.texts import is_missing, read_id
from core.corpus.timestamps import TimeUnit, find_unit
from core.domain import Columns, DomainError
from core.language import tr

SEVERAL = 5
"""Rows of one item from which an id is more likely that of something else."""
NEEDED = (Columns.User, Columns.Item, Columns.Time)
OF_EVENTS = ("header", "delimiter", "quote")
"""Options that an items file takes only where it cannot be read without them."""


def plan_import(paths: Sequence[Path], items: Path | None, options: ImportOptions) -> Plan:
    """Look at samples of every file; DomainError when they cannot be imported as asked.

    It is an ``Asked`` where an option would help.
    """
    if not paths:
        raise DomainError(tr("no file was named"), remedy=tr("Name at least one file of events"))
    if options.one_user:
        if Columns.User in split_mapping(options.mapping)[0]:
            raise DomainError(
                tr("a column of users and one user for all rows were named"),
                where="--one-user",
                remedy=tr("Leave one of them out"),
            )
        options = options.model_copy(update={"one_user": _one_user(options.one_user)})
    readers = _readers(options.format)
    event_map, item_map = split_mapping(options.mapping)
    files, listed_items = resolve_folders(paths, readers)
    repeated = {path for path in files if files.count(path) > 1}
    if repeated:
        raise DomainError(tr("a file was named twice"), where=str(min(repeated)))
    described = {} if items or listed_items else item_map
    events = tuple(_plan_events(path, readers, event_map, described, options) for path in files)
    formats = {source.reader.format for source in events}
    if len(formats) > 1:
        raise DomainError(
            tr("the files have different formats: {formats}", formats=", ".join(sorted(formats))),
            remedy=tr("Import them as separate corpora, or name one with --format"),
        )
    items = items or listed_items
    plan_of_items = plan_items(items, item_map, options) if items is not None else None
    return Plan(events, plan_of_items, options)


def _one_user(name: str) -> str:
    """The id of the user whose all rows are."""
    try:
        return read_id(Columns.User, name)
    except BadRow as bad:
        raise DomainError(
            tr("{name!r} can be no user id: it {reason}", name=name, reason=spoken(bad.reason)),
            where="--one-user",
            remedy=tr("Write a name such as me"),
        ) from None


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
                tr("this folder has no known layout"),
                where=str(path),
                remedy=tr("Name the file of events in it"),
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
        remedy = tr("Choose one of {names}", names=", ".join(FORMATS))
        what = tr("there is no format {name!r}", name=format)
        raise DomainError(what, where="--format", remedy=remedy)
    return chosen


def _plan_events(
    path: Path,
    readers: Sequence[Reader],
    mapping: Mapping[str, str],
    item_map: Mapping[str, str],
    options: ImportOptions,
) -> EventFile:
    file = SourceFile(path, options.encoding)
    spared = {Columns.Time: options.order_as_time, Columns.User: options.one_user}
    needed = [name for name in NEEDED if not spared.get(name)]
    claimed = frozenset([*mapping.values(), *item_map.values()])
    rows = open_rows(file, options)
    head = replace(read_head(rows), claimed=claimed)
    found = _read_by(readers, head, needed, mapping)
    spread = rows if _names_items(head, readers, found, mapping) else each_event(rows)
    if spread is not rows and claimed <= set(spread.columns):
        rows, head = spread, replace(read_head(spread), claimed=claimed)
        found = _read_by(readers, head, needed, mapping)
    _check_columns(file, head, mapping)
    _check_columns(file, head, {ITEM_PREFIX + field: name for field, name in item_map.items()})
    if not head.columns or not any(not isinstance(values, BadRow) for _, values in head.rows):
        raise no_rows(file, head)
    if found is None:
        raise no_events(file, head, readers, needed, mapping)
    reader, guessed = found
    columns = _merged(guessed, mapping)
    if options.one_user and (column := columns.pop(Columns.User, None)):
        _check_nobody(file, column)
    if options.order_as_time:
        columns.pop(Columns.Time, None)
        columns.pop(CLOCK, None)
    if options.kinds and Columns.Kind not in columns:
        columns |= _said_kinds(head, columns, options)
    check_ids(rows, head, columns, partial(_column, file))
    style = RatingStyle(decimal=options.decimal)
    if Columns.Rating in columns:
        style = RatingStyle.of(head.values(columns[Columns.Rating]), options.decimal)
    unit = None if options.order_as_time else _time_unit(file, rows, head, columns, options)
    if unit is not None and CLOCK not in columns and (clock := clock_column(head, columns, unit)):
        columns[CLOCK] = clock
    if QUANTITY not in columns and (quantity := quantity_column(head, columns)):
        columns[QUANTITY] = quantity
    whole, numbers = whole_ids(head, columns), numeric_ids(head, columns)
    about = {**item_columns(head, columns), **item_map, Columns.Item: columns[Columns.Item]}
    described = ItemFile(file, rows, head, READERS[-1], about, whole) if len(about) > 1 else None
    whose = options.one_user
    return EventFile(
        file, rows, head, reader, columns, whole, unit, style, described, whose, numbers
    )


def _read_by(
    readers: Sequence[Reader], head: Head, needed: Sequence[str], mapping: Mapping[str, str]
) -> tuple[Reader, dict[str, str]] | None:
    """The first reader that finds what is needed and not mapped, and its guess."""
    for reader in readers:
        guessed = reader.event_columns(head)
        if guessed is not None and all(name in guessed or name in mapping for name in needed):
            return reader, guessed
    return None


def _names_items(
    head: Head,
    readers: Sequence[Reader],
    found: tuple[Reader, dict[str, str]] | None,
    mapping: Mapping[str, str],
) -> bool:
    """Whether each row names an item itself, so that lists in it are about something else."""
    if not head.columns or not head.source.facts.has_header:
        return True
    if not head.claimed <= set(head.columns):
        return False
    if Columns.Item in mapping:
        return True
    guessed = found[1] if found is not None else readers[-1].event_columns(head) or {}
    item = guessed.get(Columns.Item)
    return item is not None and not (is_title(item) or _is_constant(head.values(item)))


def _check_nobody(file: SourceFile, column: str) -> None:
    """Refuse one user for all rows of a file that names users."""
    if not is_stand_in(column) and column.lower() != "author":
        raise DomainError(
            tr("the column {column!r} names users, so the rows are not all one's", column=column),
            where=_column(file, column),
            remedy=tr("Leave out --one-user, or say --map user_id=COLUMN"),
        )


def _is_constant(values: Sequence[Any]) -> bool:
    return len(values) >= SEVERAL and len(set(map(str, values))) == 1


def _merged(guessed: Mapping[str, str], mapping: Mapping[str, str]) -> dict[str, str]:
    """The mapping that a person said, and the guess for other fields.

    A guess gives way where a person gave its column to another field, unless the field is needed.
    """
    said = set(mapping.values())
    columns = {
        field: column for field, column in guessed.items() if column not in said or field in NEEDED
    }
    columns.update(mapping)
    return {
        field: columns[field] for field in (*Columns.EVENTS, CLOCK, QUANTITY) if field in columns
    }


def _said_kinds(head: Head, columns: Mapping[str, str], options: ImportOptions) -> dict[str, str]:
    """The column that holds the words which a person explained."""
    for column in guess("events", head.columns).get(Columns.Kind, ()):
        words = {str(value).strip().lower() for value in head.values(column)}
        if column not in columns.values() and words & (options.kinds.keys() - {""}):
            return {Columns.Kind: column}
    return {}


def _time_unit(
    file: SourceFile, rows: Rows, head: Head, columns: Mapping[str, str], options: ImportOptions
) -> TimeUnit:
    time = columns[Columns.Time]
    return find_unit(
        head.values(time),
        where=_column(file, time),
        otherwise=tr(
            "choose another column with --map timestamp=COLUMN, or, if the file has no times, add "
            "--order-as-time"
        ),
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
    error = unknown_kinds(words, column, _column(file, column))
    return Asked(error.what, "kinds", where=error.where, remedy=error.remedy, values=tuple(words))


def _unknown(values: Iterable[Any], said: Mapping[str, str]) -> set[str]:
    words = {str(value).strip() for value in values if not is_missing(value)}
    return {word for word in words if kind_of(word, said) is None}


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
            ids = {Columns.Item: merged[Columns.Item]}
            check_ids(rows, head, ids, partial(_column, file))
            return ItemFile(file, rows, head, reader, merged, whole_ids(head, ids))
    raise Asked(
        tr("no column was found for {fields}", fields=Columns.Item),
        "mapping",
        where=columns_of(file, head),
        remedy=tr("Say which it is: --map {field}=COLUMN", field="item.item_id"),
        field=ITEM_PREFIX + Columns.Item,
        proposals=head.columns[:200],
    )


def _check_columns(file: SourceFile, head: Head, mapping: Mapping[str, str]) -> None:
    names = set(head.columns)
    for name, column in mapping.items():
        if head.columns and column not in names:
            remedy = tr("Map the field to one of these columns")
            if column.isdecimal() and head.source.facts.has_header:
                remedy = tr(
                    "Map the field to one of these columns; columns are numbered where the first "
                    "line is data: --no-header"
                )
            raise Asked(
                tr("there is no column {column!r} to use as {field}", column=column, field=name),
                "mapping",
                where=columns_of(file, head),
                remedy=remedy,
                field=name,
                proposals=head.columns[:200],
            )


def _column(file: SourceFile, column: str) -> str:
    return tr("{path}, column {column}", path=file.path, column=column)

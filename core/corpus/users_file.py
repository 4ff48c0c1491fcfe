"""Read a users file: which column holds the ids, what each other column is, and what is odd.

Every column beside the ids is an attribute. It is numbers or days where all its values are, else
text, so that no value is lost; a column that is nearly one of them is said.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from core.corpus.attributes import DAY, FROM_FILE, NUMBER, TEXT, is_ours, write_attributes
from core.corpus.column_names import guess
from core.corpus.ids import whole_ids
from core.corpus.manifest import Source, UserAttributes
from core.corpus.options import USERS_ID, ImportOptions, users_column
from core.corpus.plan import ItemFile
from core.corpus.planning import OF_EVENTS
from core.corpus.quarantine import USERS, Quarantine, Refusal
from core.corpus.questions import Asked
from core.corpus.readers import READERS
from core.corpus.short_years import with_century, year_first
from core.corpus.source import BadRow, SourceFile
from core.corpus.spoken import form, listing
from core.corpus.syntax import open_rows, read_head
from core.corpus.syntax.json_rows import plain_value
from core.corpus.texts import MAX_RAW, clean_text, is_huge, is_missing, read_id
from core.corpus.time_forms import DAY_FIRST, MONTH_FIRST, read_form
from core.domain import Columns, DomainError
from core.language import mark, tr

MOST_COLUMNS = 500
MOST_VALUES = 50_000_000
LONGEST_NAME, LONGEST_VALUE = 100, 200
"""Characters of a column's name and of a value; longer ones are cut."""
NEARLY = 0.8
"""Share of numbers or days from which on a column of text is worth a sentence."""
TICK = 5_000
NAMED, LONGEST_NAMED = 5, 40
"""Columns or users that a sentence names, and characters of each."""
FURTHER_ROWS = form(mark("further rows of the users file about a user who has one: {n}"))
DIFFERING = form(
    mark(
        "further rows of the users file about a user who has one: {n}; those of {listed} differ, "
        "and the first values count"
    )
)
CUT = form(mark("values cut at {most} characters: {n}, of {listed}"))
TOO_WIDE = form(
    mark(
        "the users file has {n} columns beside the ids; the first {most} were read, {left} left out"
    )
)
OURS = form(mark("columns of the users file with a name of ours: {listed}; pages say {label}"))
NO_NUMBERS = form(
    mark(
        "the column {name} is read as text: {n} of its {all} values are no numbers, such as {value}"
    )
)
NO_DAYS = form(
    mark("the column {name} is read as text: {n} of its {all} values are no days, such as {value}")
)
OPEN_ORDER = form(
    mark(
        "the column {name} is read as text: its dates can be read as day/month and as month/day; "
        "write them as year-month-day"
    )
)
QUOTED_LABEL = form(mark("'{name} (users file)'"))
WITHOUT_VALUE = form(mark("columns of the users file without a value, left out: {listed}"))
OTHER_KIND = form(mark("the column {name} was {was} before and is {kind} with the new values"))
_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d{0,14}|(?=\.\d))(?:\.\d{1,15})?(?:[eE][+-]?\d{1,2})?")
_COMMA = re.compile(r"[+-]?(?:0|[1-9]\d{0,14}),\d{1,15}")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")
_ATOMIC = re.compile(r":(?:token|float)(?:_seq)?$")
"""How RecBole's files write a column's type behind its name."""
Raw = str | float | datetime
Column = list[Raw | None]


@dataclass
class UsersRead:
    """The rows of a users file: the ids, the attributes by name, and what was found odd."""

    ids: list[str] = field(default_factory=list)
    columns: dict[str, Column] = field(default_factory=dict)
    rows_read: int = 0
    refused: int = 0
    repeated: int = 0
    notes: list[str] = field(default_factory=list)
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class UsersPreview:
    """How an import would read a users file, judged by its first rows.

    ``columns`` are all of the file, ``user_column`` the one with the ids; ``rows`` hold each
    attribute's name, kind, number of values and some of them, of ``sampled`` rows.
    """

    columns: tuple[str, ...]
    user_column: str
    rows: tuple[tuple[str, str, int, str], ...]
    sampled: int
    notes: tuple[str, ...]


def plan_users(path: Path, options: ImportOptions) -> ItemFile:
    """Look at a users file; ``Asked`` where a person must say which column holds the ids."""
    neutral = options.model_copy(update=dict.fromkeys(OF_EVENTS))
    try:
        return _plan(path, neutral)
    except Asked:
        if all(getattr(options, name) is None for name in OF_EVENTS):
            raise
    return _plan(path, options)


def _plan(path: Path, options: ImportOptions) -> ItemFile:
    file = SourceFile(path, options.encoding)
    rows = open_rows(file, options)
    head = read_head(rows)
    said = users_column(options.mapping)
    guessed = guess("events", head.columns).get(Columns.User, ())
    plain = [name for name in head.columns if name.strip().casefold() == "id"]
    column = said if said in head.columns else next(iter([*guessed, *plain]), None)
    if column is None or (said is not None and said not in head.columns and not guessed):
        problem = tr("no column was found for user_id in the users file")
        if said:
            problem = tr("there is no column {column!r} in the users file", column=said)
        raise Asked(
            problem,
            "mapping",
            where=tr("{path}, columns: {columns}", path=path, columns=head.listed),
            remedy=tr("Say which column holds the user ids: --map {field}=COLUMN", field=USERS_ID),
            field=USERS_ID,
            proposals=head.columns[:200],
        )
    columns = {Columns.User: column}
    return ItemFile(file, rows, head, READERS[-1], columns, whole_ids(head, columns))


def read_users(
    source: ItemFile,
    quarantine: Quarantine | None = None,
    tick: Callable[[str, int], None] = lambda stage, done: None,
    most: int | None = None,
) -> UsersRead:
    """All rows of a users file, or the first ``most``; rows without a user go to the quarantine.

    The first row of a user counts; later ones fill its gaps. DomainError where the file holds more
    than ``MOST_VALUES``.
    """
    read = UsersRead()
    taken = _attributes(source, read.notes)
    read.columns = {name: [] for name in taken.values()}
    lists = list(read.columns.values())
    place: dict[str, int] = {}
    cut, differing = dict.fromkeys(taken.values(), 0), set[str]()
    whole = Columns.User in source.whole
    for line, values in source.rows.read([source.columns[Columns.User], *taken]):
        read.rows_read += 1
        if read.rows_read % TICK == 0:
            tick(mark("reading users"), source.file.bytes_read)
        try:
            if isinstance(values, BadRow):
                raise values
            user = read_id(Columns.User, values[0], whole=whole)
        except BadRow as bad:
            read.refused += 1
            if quarantine is not None:
                quarantine.add(source.refusal(line, bad, USERS))
            elif read.refused == 1:
                read.notes.append(str(Refusal.of(source.file.name, line, bad, source.columns)))
            continue
        row = [_value(value) for value in values[1:]]
        for at, name in enumerate(cut):
            value = row[at]
            if isinstance(value, str) and len(value) > LONGEST_VALUE:
                row[at] = value[: LONGEST_VALUE - 1] + "…"
                cut[name] += 1
        at_row = place.get(user)
        if at_row is None:
            place[user] = len(read.ids)
            read.ids.append(user)
            for column, value in zip(lists, row, strict=True):
                column.append(value)
            if len(read.ids) * len(lists) > MOST_VALUES:
                raise DomainError(
                    tr(
                        "the users file has more than {most:,} values ({columns} columns)",
                        most=MOST_VALUES,
                        columns=len(lists),
                    ),
                    where=str(source.file.path),
                    remedy=tr("Leave out columns or users that nobody asks for"),
                )
        else:
            read.repeated += 1
            for column, value in zip(lists, row, strict=True):
                if column[at_row] is None:
                    column[at_row] = value
                elif value not in (None, column[at_row]):
                    differing.add(user)
        if most is not None and read.rows_read >= most:
            break
    _note_rows(read, cut, differing)
    return read


def _note_rows(read: UsersRead, cut: dict[str, int], differing: set[str]) -> None:
    if read.repeated:
        n = f"{read.repeated:,}"
        if differing:
            read.notes.append(DIFFERING.format(n=n, listed=_named(sorted(differing))))
        else:
            read.notes.append(FURTHER_ROWS.format(n=n))
    wide = {name: n for name, n in cut.items() if n}
    if wide:
        n, listed = f"{sum(wide.values()):,}", _named(list(wide))
        read.notes.append(CUT.format(most=LONGEST_VALUE, n=n, listed=listed))


def _attributes(source: ItemFile, notes: list[str]) -> dict[str, str]:
    """The columns that are attributes, with the names they get."""
    names = set(source.head.columns)
    inner = {column.partition(".")[0] for column in names if "." in column} & names
    columns = [column for column in source.unused if column not in inner] + [
        column
        for column in source.head.columns
        if "." in column and column.partition(".")[0] in inner and column not in source.unused
    ]
    if len(columns) > MOST_COLUMNS:
        left = len(columns) - MOST_COLUMNS
        notes.append(TOO_WIDE.format(n=len(columns), most=MOST_COLUMNS, left=left))
    taken: dict[str, str] = {}
    for column in columns[:MOST_COLUMNS]:
        told = _ATOMIC.sub("", source.head.source.facts.aliases.get(column, column))
        name = clean_text(told).replace("\n", " ")[:LONGEST_NAME] or column[:LONGEST_NAME]
        while name in taken.values():
            name += "'"
        taken[column] = name
    renamed = [name for name in taken.values() if is_ours(name)]
    if renamed:
        label = repr(FROM_FILE.format(name=renamed[0]))
        notes.append(OURS.format(listed=_named(renamed), label=label))
    return taken


def _value(value: Any) -> Raw | None:
    """One cell as text, number or time; None for none."""
    if value.__class__ is str:
        return None if is_missing(value) else (clean_text(value[:MAX_RAW]) or None)
    value = plain_value(value)
    if is_missing(value) or value in ([], {}):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        try:
            aware = value if value.tzinfo is None else value.astimezone(UTC)
        except OverflowError:  # in UTC it is after the last year
            return value.isoformat()
        return aware.replace(tzinfo=None)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, int | float) and not is_huge(value) and math.isfinite(value):
        return float(value) if abs(value) < 10**15 else f"{value:.0f}"
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return clean_text(", ".join(value)[:MAX_RAW]) or None
    if isinstance(value, str):
        return clean_text(value[:MAX_RAW]) or None
    return clean_text(json.dumps(value, ensure_ascii=False, default=str)[:MAX_RAW]) or None


def settle(name: str, values: Sequence[Raw | None], notes: list[str]) -> tuple[str, Column]:
    """What a column is, by all its values, and the values as that: float, datetime or str."""
    known = [value for value in values if value is not None]
    comma = any(isinstance(value, str) and _COMMA.fullmatch(value) for value in known) and not any(
        isinstance(value, str) and ("." in value or _THOUSANDS.fullmatch(value)) for value in known
    )
    numbers = [_as_number(value, comma=comma) for value in values]
    n = sum(number is not None for number in numbers)
    if known and n == len(known):
        return NUMBER, list(numbers)
    days = [None] * len(values) if n else _as_days(name, values, notes)
    m = sum(day is not None for day in days)
    if known and m == len(known):
        return DAY, list(days)
    for problem, count, read in ((NO_NUMBERS, n, numbers), (NO_DAYS, m, days)):
        if count >= NEARLY * len(known) and count:
            odd = next(v for v, r in zip(values, read, strict=True) if v is not None and r is None)
            facts = {"n": f"{len(known) - count:,}", "all": f"{len(known):,}"}
            value = repr(_shown(odd))
            notes.append(problem.format(name=name, value=value, **facts))
    return TEXT, [None if value is None else _text(value) for value in values]


def _as_number(value: Raw | None, *, comma: bool) -> float | None:
    """A number; None for text with leading zeros, which is a code, and for all else."""
    if isinstance(value, float):
        return value
    if not isinstance(value, str) or len(value) > 40:
        return None
    if _NUMBER.fullmatch(value):
        return float(value)
    return float(value.replace(",", ".")) if comma and _COMMA.fullmatch(value) else None


def _as_days(name: str, values: Sequence[Raw | None], notes: list[str]) -> list[datetime | None]:
    """Each value as a day or time in UTC, None where it is none; none at all where that is open."""
    orders: set[str] = set()
    known = [value for value in values if value is not None]
    first_year = year_first(known)
    if first_year is None:
        notes.append(OPEN_ORDER.format(name=name))
        return [None] * len(values)
    if first_year:
        values = [with_century(value) if isinstance(value, str) else value for value in values]
    for value in values:
        if isinstance(value, str):
            try:
                orders.update(read_form(value, DAY_FIRST).orders)
            except ValueError:
                try:
                    orders.update(read_form(value, MONTH_FIRST).orders)
                except ValueError:
                    continue
    first, second = DAY_FIRST in orders, MONTH_FIRST in orders
    if (first and second) or ("ambiguous" in orders and not (first or second)):
        notes.append(OPEN_ORDER.format(name=name))
        return [None] * len(values)
    order = MONTH_FIRST if second else DAY_FIRST
    return [_as_day(value, order) for value in values]


def _as_day(value: Raw | None, order: str) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or value.isdecimal():
        return None
    try:
        moment = read_form(value, order).moment
        return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _text(value: Raw) -> str:
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime):
        whole = value == datetime(value.year, value.month, value.day)
        return f"{value:%Y-%m-%d}" if whole else value.isoformat(" ")
    return value


def _shown(value: Raw) -> str:
    text = _text(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def merged(known: pa.Table, facts: UserAttributes, new: UsersRead) -> UsersRead:
    """Earlier attributes with those of another file, which come first; their gaps stay filled."""
    ids = known[Columns.User].to_pylist()
    place = {user: at for at, user in enumerate(ids)}
    added = [user for user in new.ids if user not in place]
    for user in added:
        place[user] = len(ids)
        ids.append(user)
    columns: dict[str, Column] = {}
    for at, column in enumerate(facts.columns):
        columns[column.name] = [*known[str(at)].to_pylist(), *[None] * len(added)]
    for name, values in new.columns.items():
        whole = columns.setdefault(name, [None] * len(ids))
        for user, value in zip(new.ids, values, strict=True):
            if value is not None:
                whole[place[user]] = value
    return UsersRead(
        ids,
        columns,
        facts.rows_read + new.rows_read,
        facts.refused + new.refused,
        facts.repeated + new.repeated,
        new.notes,
        (*facts.sources, *new.sources),
    )


def save_users(
    folder: Path, read: UsersRead, user_ids: Sequence[str], earlier: UserAttributes | None = None
) -> UserAttributes:
    """Settle every column, write the table, and say what is odd about columns."""
    notes = list(read.notes)
    columns: dict[str, tuple[str, Column]] = {}
    empty = []
    for name, values in read.columns.items():
        kind, settled = settle(name, values, notes)
        if all(value is None for value in values):
            empty.append(name)
            continue
        columns[name] = kind, settled
    if empty:
        notes.append(WITHOUT_VALUE.format(listed=_named(empty)))
    was = {column.name: column.kind for column in earlier.columns} if earlier else {}
    for name, (kind, _) in columns.items():
        if was.get(name, kind) != kind:
            notes.append(OTHER_KIND.format(name=name, was=was[name], kind=kind))
    counts = {"rows_read": read.rows_read, "repeated": read.repeated, "refused": read.refused}
    return write_attributes(
        folder,
        read.ids,
        columns,
        user_ids,
        counts | {"sources": read.sources, "notes": tuple(dict.fromkeys(notes))},
    )


def preview_users(path: Path, options: ImportOptions, most: int = 2_000) -> UsersPreview:
    """How an import would read the first rows; ``Asked`` as ``plan_users``."""
    source = plan_users(path, options)
    read = read_users(source, most=most)
    notes = list(read.notes)
    rows = []
    for name, values in read.columns.items():
        kind, settled = settle(name, values, notes)
        known = [value for value in settled if value is not None]
        examples = list(dict.fromkeys(_shown(value) for value in known[:50]))[:3]
        rows.append((name, kind, len(known), ", ".join(examples)))
    columns, ids = source.head.columns, source.columns[Columns.User]
    return UsersPreview(columns, ids, tuple(rows), read.rows_read, tuple(dict.fromkeys(notes)))


def _named(names: Sequence[str]) -> str:
    """``a, b and 3 more``."""
    return listing(names, NAMED, LONGEST_NAMED)

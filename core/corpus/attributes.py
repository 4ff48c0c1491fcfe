"""User attributes: what a users file says of the users. Pages show it; no model reads it.

They lie beside the tables of a corpus as ``users.parquet``: the ids, then a column per attribute,
named by its place, since a file may call a column anything. Names and kinds are in the manifest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.arrays import BoolArray, DoubleArray, IntArray
from core.corpus.manifest import AttributeColumn, Manifest, UserAttributes
from core.corpus.tables import Fingerprint, write_parquet
from core.domain import Columns, DomainError
from core.files import Damaged, reason_of, verify
from core.language import mark, tr

USERS_FILE = "users.parquet"
NUMBER, DAY, TEXT = mark("number"), mark("day"), mark("text")
TYPES = {NUMBER: pa.float64(), DAY: pa.timestamp("us"), TEXT: pa.string()}
OWN = frozenset(
    {
        *("user", "user id", "events", "drift", "rank", "topics", "leading topic"),  # no sentence
        *("last seen", "hits", "sentiment trend", "share of last topic"),  # no sentence
        *("sentiment", "rating", "change", "change per event", "held-out rank"),  # no sentence
    }
)
"""What our own columns of users are called."""
FROM_FILE = mark("{name} (users file)")


def label_of(name: str) -> str:
    """What pages call an attribute: its name, told apart from our own columns of that name."""
    return tr(FROM_FILE, name=name) if is_ours(name) else name


def is_ours(name: str) -> bool:
    """Whether an attribute's name is that of one of our own columns."""
    return name.casefold().replace("_", " ").strip() in OWN


@dataclass(frozen=True, eq=False)
class Attributes:
    """The attributes of a corpus's users; treat it as read-only."""

    facts: UserAttributes
    table: pa.Table
    """``user_id``, then attributes by place: float64, timestamp[us] or string, null for none."""
    user_ids: tuple[str, ...]
    """The corpus's users; values are aligned with them."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The attributes' names, in the order of the file."""
        return tuple(column.name for column in self.facts.columns)

    def column(self, name: str) -> AttributeColumn:
        """The facts of one attribute; DomainError with similar names for an unknown one."""
        return self.facts.columns[self.place(name)]

    def place(self, name: str) -> int:
        """An attribute's place among all; DomainError with similar names for an unknown one."""
        if name in self.names:
            return self.names.index(name)
        close = get_close_matches(name[:80], self.names, n=3) or self.names[:12]
        raise DomainError(
            tr("there is no user attribute {name!r}", name=name[:80]),
            remedy=tr("Choose one of {names}", names=", ".join(close)),
        )

    @cached_property
    def _rows(self) -> pa.Array:
        """The row of each user of the corpus, null for none."""
        found = pc.index_in(pa.array(self.user_ids, pa.string()), self.table[Columns.User])
        return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found

    @cached_property
    def _kept(self) -> dict[str, npt.NDArray[Any]]:
        return {}

    @cached_property
    def _groups(self) -> dict[str, tuple[tuple[str, ...], IntArray]]:
        return {}

    def aligned(self, name: str) -> pa.Array:
        """One attribute of all users as Arrow, null for none."""
        return self.table[str(self.place(name))].combine_chunks().take(self._rows)

    def values(self, name: str) -> npt.NDArray[Any]:
        """One attribute of all users: float64 (NaN), datetime64[us] (NaT) or object (None)."""
        if name not in self._kept:
            column, kind = self.aligned(name), self.column(name).kind
            if kind == NUMBER:
                made = column.fill_null(float("nan")).to_numpy(zero_copy_only=False)
            elif kind == DAY:
                made = column.to_numpy(zero_copy_only=False).astype("datetime64[us]")
            else:
                made = np.array(column.to_pylist(), object)
            self._kept[name] = made
        return self._kept[name]

    def known(self, name: str) -> BoolArray:
        """Which users have a value, bool[n_users]."""
        values = self.values(name)
        if values.dtype == object:
            return np.asarray([value is not None for value in values], np.bool_)
        return np.asarray(~np.isnat(values) if values.dtype.kind == "M" else ~np.isnan(values))

    def numbers(self, name: str) -> DoubleArray:
        """A number or day of all users, float64[n_users]; days since 1970, NaN for none."""
        values = self.values(name)
        if values.dtype.kind != "M":
            return np.asarray(values, np.float64)
        days = values.astype(np.int64) / 86_400e6
        return np.where(np.isnat(values), np.nan, days)

    def groups(self, name: str) -> tuple[tuple[str, ...], IntArray]:
        """A text's distinct values, the commonest first, and which each user has; -1 for none."""
        if name not in self._groups:
            values = self.values(name)
            counted = Counter(value for value in values if value is not None)
            order = sorted(counted, key=lambda value: (-counted[value], value))
            place = {value: at for at, value in enumerate(order)}
            places = np.array([place.get(value, -1) for value in values], np.int64)
            self._groups[name] = tuple(order), places
        return self._groups[name]

    def of_user(self, user_id: str) -> dict[str, float | datetime | str]:
        """What is known of one user, by name; empty for nobody of the file."""
        row = pc.index(self.table[Columns.User], user_id).as_py()
        if row < 0:
            return {}
        values = {name: self.table[str(at)][row].as_py() for at, name in enumerate(self.names)}
        return {name: value for name, value in values.items() if value is not None}


Op = Literal["is", "least", "most"]
OPS: tuple[Op, ...] = ("is", "least", "most")
FORMS = {NUMBER: mark("a number"), DAY: mark("a day such as 2024-03-01")}


@dataclass(frozen=True, slots=True)
class Condition:
    """What an attribute has to be: a value (empty for none at all), at least or at most one.

    Of a day, ``is`` means any time of it, and ``most`` includes it.
    """

    op: Op
    name: str
    value: str

    def between(self, attributes: Attributes) -> tuple[Any, Any]:
        """The lowest value that fits and the first above it, None where there is no such end.

        Of a text both are the value; of a number the second one fits too. DomainError for an
        unknown attribute, and for a value that can't be one of it.
        """
        kind = attributes.column(self.name).kind
        if kind == TEXT:
            if self.op != "is":
                raise DomainError(
                    tr("{name} is text, which has no least and most", name=self.name[:80]),
                    remedy=tr("Ask for a value of it"),
                )
            return self.value, self.value
        try:
            if kind == NUMBER:
                number = float(self.value)
                if not isfinite(number):
                    raise ValueError
                return (
                    None if self.op == "most" else number,
                    None if self.op == "least" else number,
                )
            day = datetime.fromisoformat(self.value.strip())
            first = datetime(day.year, day.month, day.day)
            return (
                None if self.op == "most" else first,
                None if self.op == "least" else first + timedelta(days=1),
            )
        except (ValueError, OverflowError):
            raise DomainError(
                tr("{name} can't be {value!r}", name=self.name[:80], value=self.value[:80]),
                remedy=tr("Use {form}", form=tr(FORMS[kind])),
            ) from None

    def holds(self, attributes: Attributes) -> BoolArray:
        """For which users it holds, bool[n_users]."""
        if self.op == "is" and not self.value:
            return ~attributes.known(self.name)
        low, high = self.between(attributes)
        values = attributes.values(self.name)
        if values.dtype == object:
            return np.asarray(values == low, np.bool_)
        fits = attributes.known(self.name)
        if values.dtype.kind == "M":
            if low is not None:
                fits &= values >= np.datetime64(low)
            return fits if high is None else fits & (values < np.datetime64(high))
        if low is not None:
            fits &= values >= low
        return fits if high is None else fits & (values <= high)


def write_attributes(
    folder: Path,
    ids: Sequence[str],
    columns: Mapping[str, tuple[str, Sequence[Any]]],
    user_ids: Sequence[str],
    counts: Mapping[str, Any],
) -> UserAttributes:
    """Write ``users.parquet`` and return its facts.

    ``columns`` hold each attribute's kind and values by name, aligned with ``ids``; ``counts`` are
    further fields of the facts.
    """
    schema = pa.schema(
        [
            pa.field(Columns.User, pa.string(), nullable=False),
            *(pa.field(str(at), TYPES[kind]) for at, (kind, _) in enumerate(columns.values())),
        ]
    )
    arrays = [
        pa.array(ids, pa.string()),
        *(pa.array(values, TYPES[kind]) for kind, values in columns.values()),
    ]
    table = pa.Table.from_arrays(arrays, schema=schema)
    table = table.take(pc.sort_indices(table[Columns.User]))
    write_parquet(folder / USERS_FILE, [table], schema)
    known = table.filter(pc.is_in(table[Columns.User], pa.array(user_ids, pa.string())))
    described = tuple(
        AttributeColumn(
            name=name,
            kind=kind,  # type: ignore[arg-type]
            known=len(known) - known[str(at)].null_count,
            values=pc.count_distinct(known[str(at)]).as_py(),
        )
        for at, (name, (kind, _)) in enumerate(columns.items())
    )
    fingerprint = Fingerprint()
    fingerprint.add("users", _plain(table))
    return UserAttributes(
        attributes_id=fingerprint.hexdigest([(name, kind) for name, (kind, _) in columns.items()]),
        users=len(known),
        unknown=len(table) - len(known),
        columns=described,
        **counts,
    )


def _plain(table: pa.Table) -> pa.Table:
    """The table as it is fingerprinted: days as text, whose gaps count too."""
    for at, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            table = table.set_column(at, field.name, table[field.name].cast(pa.string()))
    return table


def load_users(folder: Path, manifest: Manifest) -> pa.Table | None:
    """The users table of a corpus folder, ``Damaged`` where it isn't as written; None without."""
    if manifest.attributes is None:
        return None
    remedy = tr("Import the corpus again")
    verify(folder, (USERS_FILE,), remedy=remedy)
    names = [Columns.User, *(str(at) for at in range(len(manifest.attributes.columns)))]
    kinds = [TEXT, *(column.kind for column in manifest.attributes.columns)]
    try:
        table = pq.read_table(folder / USERS_FILE, partitioning=None, memory_map=True)
        pairs = zip(names, kinds, strict=True)
        return table.select(names).cast(pa.schema([(name, TYPES[kind]) for name, kind in pairs]))
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise Damaged(
            tr("the users table of the corpus is damaged: {reason}", reason=reason_of(error)),
            where=str(folder / USERS_FILE),
            remedy=remedy,
        ) from None

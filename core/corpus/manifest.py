"""What a corpus is made of, in numbers: the manifest beside its two tables."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from core.corpus.options import ImportOptions
from core.domain import LATER_KINDS, EventKind
from core.files import Damaged, reason_of, verify
from core.language import tr

IMPORT_FIELDS = (
    *("options", "unused_columns", "items_matched", "dropped_fields", "order_as_time"),
    *("appends", "attributes"),
)
"""Facts that corpora of other origins, such as the demo, do not have."""


class Source(BaseModel):
    """One file that a corpus was made from: its name, the sha256 of its bytes, and their number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    sha256: str
    bytes: int


class AttributeColumn(BaseModel):
    """One column of the users file.

    ``kind`` is number, day or text; ``known`` counts the corpus's users who have a value,
    ``values`` the distinct ones among them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Literal["number", "day", "text"]
    known: int
    values: int


class UserAttributes(BaseModel):
    """What a users file says of the users; no model reads it, so it is no part of the corpus id.

    ``attributes_id`` stands for the columns and all values. ``users`` of the corpus have a row,
    ``unknown`` users of the file have no event in it (their rows wait for later ones); ``repeated``
    rows are about a user who had one already, ``refused`` ones have no user. ``sources`` are the
    files, the oldest first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    attributes_id: str
    rows_read: int
    users: int
    unknown: int
    repeated: int
    refused: int
    columns: tuple[AttributeColumn, ...]
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()


class Append(BaseModel):
    """Files that were added to a corpus: one step of its lineage.

    ``corpus_id`` is the content that they were added to. ``accepted`` counts the events that it did
    not have, ``duplicates`` rows that repeat one of it or of the files; ``accepted + quarantined +
    duplicates == rows_read``. ``users`` and ``items`` count new ones, ``corrected`` the items that
    it had and of which a value changed. ``first`` and ``last`` are the times of the files' events,
    None where there are none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    corpus_id: str
    created: datetime
    rows_read: int
    accepted: int
    quarantined: int
    duplicates: int
    users: int
    items: int
    corrected: int
    items_refused: int = 0
    first: datetime | None = None
    last: datetime | None = None
    sources: tuple[Source, ...] = ()
    dropped_fields: dict[str, int] = {}
    notes: tuple[str, ...] = ()


class Manifest(BaseModel):
    """The facts of one corpus. ``accepted + quarantined + duplicates == rows_read`` always holds.

    ``rating_scale`` is (lowest, highest) or None without ratings; ``kinds`` counts events by kind;
    ``with_text`` counts events that have words (a title or a text); ``mapping`` says which file
    column each field came from; ``items_refused`` counts refused rows of the items file, which are
    no part of ``rows_read``.

    ``options`` are those of the import with everything filled in that was found (``--like``).
    ``unused_columns`` are the columns of each file that no field took. ``items_matched``: share of
    the events' items that the items file has, None without such a file. ``dropped_fields`` counts
    optional values that could not be read by field; their events stayed. ``order_as_time``: the
    files had no times; an event's time is its place among the user's rows, one a day from
    1970-01-01. ``appends`` is the corpus's lineage, the oldest first: counts and sources are of
    import and appends together, ``created`` is when it was imported. ``attributes`` are those of
    the users file; None without one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    corpus_id: str
    format: str
    simulated: bool = False
    created: datetime
    rows_read: int
    accepted: int
    quarantined: int
    duplicates: int
    users: int
    items: int
    first: datetime | None
    last: datetime | None
    rating_scale: tuple[float, float] | None
    kinds: dict[str, int]
    with_text: int
    sources: tuple[Source, ...] = ()
    encoding: str | None = None
    timestamp_unit: str | None = None
    mapping: dict[str, str] = {}
    items_refused: int = 0
    notes: tuple[str, ...] = ()
    options: ImportOptions | None = None
    unused_columns: dict[str, tuple[str, ...]] = {}
    items_matched: float | None = None
    dropped_fields: dict[str, int] = {}
    order_as_time: bool = False
    appends: tuple[Append, ...] = ()
    attributes: UserAttributes | None = None

    def appends_since(self, corpus_id: str) -> tuple[Append, ...] | None:
        """What was added to that content to make this one; None where it is no ancestor."""
        if corpus_id == self.corpus_id:
            return ()
        for at, append in enumerate(self.appends):
            if append.corpus_id == corpus_id:
                return self.appends[at:]
        return None

    @property
    def known_kinds(self) -> tuple[EventKind, ...]:
        """Kinds that a model of this corpus knows: likes and carts only where it has any."""
        later = not self.kinds.keys().isdisjoint(LATER_KINDS)
        return tuple(kind for kind in EventKind if later or kind not in LATER_KINDS)

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Load a manifest; ``Damaged`` when the file is missing or isn't what was written."""
        remedy = tr("Import the corpus again")
        verify(path.parent, (path.name,), remedy=remedy)
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            what = tr("the corpus manifest is damaged")
            if isinstance(error, OSError):
                what = tr("the corpus manifest is damaged: {reason}", reason=reason_of(error))
            raise Damaged(what, where=str(path), remedy=remedy) from None

    def write(self, path: Path) -> None:
        """Write the manifest as indented JSON, without empty facts of imports."""
        values = {name: getattr(self, name) for name in IMPORT_FIELDS}
        empty = {
            name for name, value in values.items() if value in (None, {}, ()) or value is False
        }
        path.write_text(self.model_dump_json(indent=2, exclude=empty) + "\n", encoding="utf-8")

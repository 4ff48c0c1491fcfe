"""What a person can say about files to import: the same on the command line and on the page.

An import keeps its options in the manifest, with everything that was found out filled in, so that
``--like CORPUS`` reads the next file of the same shape without a question.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from core.domain import Columns, DomainError, EventKind
from core.language import tr

if TYPE_CHECKING:
    from core.corpus.manifest import Manifest

Scale = tuple[float, float]
ITEM_PREFIX = "item."
USERS_ID = "user.user_id"
"""The field of the users file's column of user ids; all its other columns are attributes."""
SHORT_NAMES = {"user": Columns.User, "item": Columns.Item, "time": Columns.Time}
CLOCK = "clock"
"""The column with the time of day, where that of the time holds days."""
QUANTITY = "quantity"
"""The column that says how many were bought: below zero they were given back."""
FIELDS = (*Columns.EVENTS, CLOCK, QUANTITY, *(ITEM_PREFIX + field for field in Columns.ITEMS[:-1]))
"""What a column of events or items can be mapped to."""
NONE = "none"
"""What a word of the kind column stands for whose rows are no events."""
MEANINGS = (*EventKind, NONE)
NO_QUOTE = "none"
QUOTES = ('"', "'", NO_QUOTE)
DECIMALS = (".", ",")
SPOKEN_DELIMITERS = {"tab": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|"}
TIME_WORDS = (
    "seconds", "milliseconds", "microseconds", "nanoseconds", "serial", "day-first", "month-first",
    "year-first",
)  # fmt: skip
"""What ``time_format`` may be besides a pattern such as %d/%m/%Y."""


class ImportOptions(BaseModel):
    """How files are to be read; None and empty mean: find out.

    ``format``: a reader's name or "auto". ``mapping``: field -> column (``item.`` before fields
    of the items file). ``header`` False: the first line is data and the columns are called 1, 2,
    3, ...; True: the first line names the columns, whatever it looks like. ``delimiter``: what
    stands between two fields, a tab as itself. ``quote``: the quote mark, or "none" where quotes
    are plain characters. ``decimal``: "." or ",". ``time_format``: a pattern of strptime or one of
    ``TIME_WORDS``. ``kinds``: word of the kind column (lower case) -> kind, "" for events without a
    word. ``rating_scale``:
    lowest and highest; a 0 below it means that no rating was given. ``category_separator``: what
    stands between several categories of an item, "none" where there is one. ``order_as_time``: no
    times; a user's rows in file order, one a day. ``one_user``: whose all rows are, where no column
    says it. ``item_text``: fields or columns of the items
    file that are the item's text, in this order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = "auto"
    mapping: dict[str, str] = {}
    encoding: str | None = None
    header: bool | None = None
    delimiter: str | None = None
    quote: str | None = None
    decimal: str | None = None
    time_format: str | None = None
    kinds: dict[str, str] = {}
    rating_scale: Scale | None = None
    category_separator: str | None = None
    order_as_time: bool = False
    one_user: str = ""
    item_text: tuple[str, ...] = ()

    def over(self, base: ImportOptions) -> ImportOptions:
        """These options, and those of ``base`` where these leave something open."""
        said = {name: getattr(self, name) for name in self.model_fields_set}
        merged = base.model_dump() | said
        merged["mapping"] = base.mapping | self.mapping
        merged["kinds"] = base.kinds | self.kinds
        users = {Columns.User, "user"}
        if self.one_user:
            merged["mapping"] = {k: v for k, v in merged["mapping"].items() if k not in users}
        elif users & self.mapping.keys():
            merged["one_user"] = ""
        return ImportOptions(**merged)

    def arguments(self) -> list[str]:
        """The same as arguments of ``python -m core import``."""
        return [word for pair in self._arguments() for word in pair]

    def command(
        self,
        paths: Sequence[Path],
        items: Path | None,
        name: str,
        *,
        append: bool = False,
        users: Path | None = None,
    ) -> str:
        """The whole command line, quoted for a shell."""
        words = ["import", *map(str, paths), "--name", name]
        words += ["--append"] * append
        if items is not None:
            words += ["--items", str(items)]
        if users is not None:
            words += ["--users", str(users)]
        return f"python -m core {shlex.join([*words, *self.arguments()])}"  # no sentence

    def _arguments(self) -> Iterator[tuple[str, ...]]:
        if self.format != "auto":
            yield "--format", self.format
        for field, column in self.mapping.items():
            yield "--map", f"{field}={column}"
        if self.encoding:
            yield "--encoding", self.encoding
        if self.header is not None:
            yield ("--header" if self.header else "--no-header",)
        if self.delimiter:
            spoken = {mark: word for word, mark in SPOKEN_DELIMITERS.items()}
            yield "--delimiter", spoken.get(self.delimiter, self.delimiter)
        for option, value in (
            ("--quote", self.quote),
            ("--decimal", self.decimal),
            ("--time-format", self.time_format),
        ):
            if value:
                yield option, value
        for word, kind in self.kinds.items():
            yield "--kind", f"{word}={kind}" if word else kind
        if self.rating_scale:
            low, high = self.rating_scale
            yield "--rating-scale", "-".join(f"{end!r}".removesuffix(".0") for end in (low, high))
        if self.category_separator:
            yield "--category-separator", self.category_separator
        if self.order_as_time:
            yield ("--order-as-time",)
        if self.one_user:
            yield "--one-user", self.one_user
        if self.item_text:
            yield "--item-text", ",".join(self.item_text)


def options_of(manifest: Manifest) -> ImportOptions:
    """The options that a corpus was imported with; DomainError where it knows none."""
    if manifest.options is None:
        raise DomainError(
            tr(
                "the corpus {name!r} was not imported from files that could be imitated",
                name=manifest.name,
            ),
            where="--like",
            remedy=tr("Name a corpus that this version imported"),
        )
    return manifest.options


def parse_scale(text: str) -> Scale:
    """Read a rating scale such as 1-5; DomainError for anything else."""
    number = r"(-?\d{1,6}(?:\.\d{1,4})?)"
    match = re.fullmatch(rf"\s*{number}\s*-\s*{number}\s*", text)
    scale = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
    if scale[0] >= scale[1]:
        raise DomainError(
            tr("{text!r} is not a rating scale", text=text),
            where="--rating-scale",
            remedy=tr("Write lowest and highest, for example 1-5"),
        )
    return scale


def parse_names(text: str) -> tuple[str, ...]:
    """Read names of columns from "title,brand"; DomainError for no name at all."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        remedy = tr("Give columns, such as title,brand")
        raise DomainError(tr("no column is named"), where="--item-text", remedy=remedy)
    return names


def parse_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """Read ``field=column`` pairs; DomainError for anything else."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not (name.strip() and equals and column.strip()):
            what = tr("{pair!r} is not field=column", pair=pair)
            raise DomainError(what, where="--map", remedy=tr("Write --map user_id=author"))
        mapping[name.strip()] = column.strip()
    return mapping


def parse_kinds(pairs: Sequence[str]) -> dict[str, str]:
    """Read ``word=kind`` pairs, or a kind alone; DomainError for a kind that there is not."""
    kinds: dict[str, str] = {}
    for pair in pairs:
        word, equals, kind = pair.rpartition("=")
        kind = kind.strip().lower()
        is_word = bool(word.strip())
        if kind not in (MEANINGS if is_word else tuple(EventKind)) or is_word != bool(equals):
            raise DomainError(
                tr("{pair!r} is neither word=kind nor a kind", pair=pair),
                where="--kind",
                remedy=tr(
                    "Write --kind hover=view, or --kind view for events without a word; the kinds "
                    "are {kinds}, and {none} leaves the rows of a word out",
                    kinds=", ".join(EventKind),
                    none=NONE,
                ),
            )
        kinds[word.strip().lower()] = kind
    return kinds


def parse_delimiter(text: str) -> str:
    """Read a delimiter: one to four characters, or tab, space, comma, semicolon or pipe."""
    plain = text.strip().lower() if text.strip() else text
    mark = SPOKEN_DELIMITERS.get(plain, text.replace("\\t", "\t").replace("\\x01", "\x01"))
    if not 1 <= len(mark) <= 4 or any(c in '"\r\n' or c.isalnum() for c in mark):
        raise DomainError(
            tr("{text!r} is not a delimiter", text=text),
            where="--delimiter",
            remedy=tr("Write the mark between two fields, for example ';', '::' or tab"),
        )
    return mark


def parse_choice(option: str, text: str, choices: Sequence[str]) -> str:
    """One of some values; DomainError for another."""
    if text not in choices:
        raise DomainError(
            tr("{text!r} is not possible here", text=text),
            where=option,
            remedy=tr("Choose one of {names}", names=" ".join(choices)),
        )
    return text


def users_column(mapping: Mapping[str, str]) -> str | None:
    """The column of user ids that a mapping names for the users file."""
    return mapping.get(USERS_ID) or mapping.get("user.user")


def split_mapping(mapping: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The mapping of events and that of items; DomainError for an unknown field."""
    events: dict[str, str] = {}
    items: dict[str, str] = {}
    for name, column in mapping.items():
        if name in (USERS_ID, "user.user"):
            continue
        prefix = ITEM_PREFIX if name.startswith(ITEM_PREFIX) else ""
        field = name.removeprefix(prefix)
        field = SHORT_NAMES.get(field, field)
        if prefix + field not in FIELDS:
            raise DomainError(
                tr("there is no field {name!r}", name=name),
                where="--map",
                remedy=tr("Map one of {names}", names=", ".join((*FIELDS, USERS_ID))),
            )
        (items if prefix else events)[field] = column
    return events, items

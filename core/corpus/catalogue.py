"""The items table: what the items file says, and every item that events mention."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from core.corpus.categories import first_listed, separator
from core.corpus.column_names import sequence_type
from core.corpus.plan import ItemFile
from core.corpus.quarantine import ITEM_FIELDS, Quarantine
from core.corpus.source import BadRow
from core.corpus.syntax.json_rows import plain_value
from core.corpus.syntax.protocol import Fields, Values
from core.corpus.tables import ITEMS_SCHEMA, batch_of
from core.corpus.texts import clean_text, is_missing, joined, read_id, read_text
from core.domain import Columns
from core.language import mark

CHUNK_ROWS = 5_000
MAX_DESCRIPTION = 10_000
MAX_EXTRA_VALUE = 1_000
MAX_EXTRA_LIST = 20
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_JOINED = re.compile(r"[|>,;/、；，›»]")

ItemRow = tuple[str, str | None, str | None, str | None, float | None, str | None]


@dataclass(frozen=True)
class Catalogue:
    """``items`` in ``ITEMS_SCHEMA``, the first ``listed`` those of the items file, without further
    order. ``matched``: share of the events' items that the
    items file has; ``unmatched``: an id of the events and one of the items that have no partner.
    """

    items: pa.Table
    matched: float | None
    unmatched: tuple[str, str] | None
    listed: int = 0


def collect_items(
    source: ItemFile | None,
    event_items: pa.ChunkedArray,
    quarantine: Quarantine,
    tick: Callable[[str, int], None],
    category_separator: str | None = None,
    described: Mapping[str, ItemRow] = MappingProxyType({}),
) -> Catalogue:
    """The whole catalogue; the first row of an item counts.

    ``event_items`` is string[n_events]; ``described`` is what events say of items (``Described``),
    for what the items file lacks. Rows that can't be used go to the quarantine as items,
    single values that can't be read as fields of items.
    """
    seen: set[str] = set()
    batches: list[pa.RecordBatch] = []
    rows: list[ItemRow] = []
    if source is not None:
        reader = ItemReader(source)
        for count, (line, fields) in enumerate(source.rows.records(), 1):
            item = reader.read(fields) if isinstance(fields, dict) else fields
            if isinstance(item, BadRow):
                quarantine.add(source.refusal(line, item))
            elif item[0] not in seen:
                seen.add(item[0])
                rows.append(filled(item, described.get(item[0])))
            for bad in reader.dropped:
                quarantine.add(source.refusal(line, bad, ITEM_FIELDS))
            reader.dropped.clear()
            if count % CHUNK_ROWS == 0:
                tick(mark("reading items"), source.file.bytes_read)
                batches.append(batch_of(rows, ITEMS_SCHEMA))
                rows.clear()
    used = event_items.unique().to_pylist()
    unknown = [item_id for item_id in used if item_id not in seen]
    nothing = None, None, None, None, None
    rows.extend(described.get(item_id) or (item_id, *nothing) for item_id in unknown)
    items = pa.Table.from_batches([*batches, batch_of(rows, ITEMS_SCHEMA)])
    matched, unmatched = None, None
    if source is not None:
        matched = 1 - len(unknown) / max(len(used), 1)
        foreign = next(iter(seen.difference(used)), None) if unknown else None
        if foreign is not None:
            unmatched = (min(unknown), min(seen.difference(used)))
    items = first_categories(items, category_separator)
    return Catalogue(items, matched, unmatched, items.num_rows - len(unknown))


def first_categories(items: pa.Table, said: str | None) -> pa.Table:
    """The items with one category each, where several are written into one value."""
    place = items.schema.get_field_index(Columns.Category)
    encoded = items[Columns.Category].combine_chunks().dictionary_encode()
    words = encoded.dictionary.to_pylist()
    first = separator(words, said)
    plain = pa.array([first(word) for word in words], pa.string())
    return items.set_column(place, items.schema.field(place), pc.take(plain, encoded.indices))


class ItemReader:
    """Reads rows of an items file; ``dropped`` are the values of the latest row that were lost."""

    def __init__(self, source: ItemFile) -> None:
        self._source = source
        self.dropped: list[BadRow] = []
        category = source.columns.get(Columns.Category, "")
        self._by_blanks = sequence_type(category)

    def read(self, fields: Fields) -> ItemRow | BadRow:
        """The row in ``ITEMS_SCHEMA``'s order, or why not; its category may still be several."""
        source = self._source
        fields = {name: plain_value(value) for name, value in fields.items()}
        values = source.reader.item(fields, source.columns)
        for field, column in source.columns.items():
            if "." in column and values.get(field) is None:
                outer, _, inner = column.partition(".")
                nested = fields.get(outer)
                values[field] = nested.get(inner) if isinstance(nested, dict) else None
        try:
            whole = Columns.Item in source.whole
            item_id = read_id(Columns.Item, values.get(Columns.Item), whole=whole)
        except BadRow as bad:
            return bad
        extra = dict(values.get(Columns.Extra) or {})
        given = values.get(Columns.Category)
        category = self._category(given)
        if isinstance(given, list) or (isinstance(given, str) and _JOINED.search(given)):
            extra.setdefault(source.columns.get(Columns.Category, Columns.Category), given)
        description = self._text(Columns.Description, _joined(values.get(Columns.Description)))
        return (
            item_id,
            self._text(Columns.Title, _joined(values.get(Columns.Title))),
            category,
            description[:MAX_DESCRIPTION] if description else None,
            read_price(values.get(Columns.Price)),
            _extra(extra),
        )

    def _category(self, value: Any) -> str | None:
        value = first_listed(value)
        if self._by_blanks and isinstance(value, str):
            value = next((word.strip(",;'\"") for word in value.split()), None)
        return self._text(Columns.Category, value)

    def _text(self, field: str, value: Any) -> str | None:
        try:
            return read_text(field, value)
        except BadRow as bad:
            self.dropped.append(bad)
            return None


class Described:
    """What the rows of events say of their items: of each field the first value that is one."""

    def __init__(self) -> None:
        self.items: dict[str, ItemRow] = {}

    def reader(self, source: ItemFile) -> Callable[[str, Values], list[BadRow]]:
        """A function that takes an item's id and the values of ``source``'s columns in one row.

        It answers with the values that can't be read.
        """
        read = ItemReader(source)
        fields = list(source.columns.items())
        columns = [column for _, column in fields]
        places = [
            (at, Columns.ITEMS.index(field))
            for at, (field, _) in enumerate(fields)
            if field != Columns.Item
        ]

        def add(item: str, values: Values) -> list[BadRow]:
            known = self.items.get(item)
            if known is not None:
                for at, place in places:
                    if known[place] is None and not is_missing(values[at]):
                        break
                else:  # nothing new
                    return []
            row = read.read(dict(zip(columns, values, strict=True)))
            if not isinstance(row, BadRow):
                self.items[item] = row if known is None else filled(known, row)
            dropped, read.dropped = read.dropped, []
            return dropped

        return add


def filled(item: ItemRow, other: ItemRow | None) -> ItemRow:
    """The item, with the other's values where it has none."""
    if other is None:
        return item
    both = zip(item, other, strict=True)
    return cast(ItemRow, tuple(mine if mine is not None else theirs for mine, theirs in both))


def read_price(value: Any) -> float | None:
    """A price as a number; the first one of "from $1,299.00"; None where there is none."""
    if isinstance(value, bool) or value is None:
        return None
    text = str(value)[:100].replace(",", "")
    match = _NUMBER.search(text)
    return float(match[0]) if match and not text.strip().startswith("-") else None


def _joined(value: Any) -> Any:
    if isinstance(value, list):
        return joined([part for part in value if isinstance(part, str)])
    return value


def _size(value: Any) -> int:
    """About how many characters a value has; counting stops at MAX_EXTRA_VALUE."""
    if isinstance(value, str):
        return len(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    size = 1
    for part in inner:
        size += _size(part)
        if size > MAX_EXTRA_VALUE:
            break
    return size


def _extra(fields: Fields) -> str | None:
    """Further facts as JSON with sorted keys.

    Texts and lists are cut at 1,000 characters, other values that are longer are left out.
    """
    kept: Fields = {}
    for name, value in fields.items():
        if value in (None, "", [], {}) or is_missing(value) or _size(value) > MAX_EXTRA_VALUE:
            continue
        if isinstance(value, str):
            value = value[:MAX_EXTRA_VALUE]
        elif isinstance(value, list):
            value = value[:MAX_EXTRA_LIST]
        try:
            plain = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
        except (ValueError, RecursionError):
            continue
        while len(plain) > MAX_EXTRA_VALUE and isinstance(value, list) and len(value) > 1:
            value = value[:-1]
            plain = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
        if len(plain) <= MAX_EXTRA_VALUE or isinstance(value, str):
            kept[name] = value
    if not kept:
        return None
    return clean_text(json.dumps(kept, ensure_ascii=False, sort_keys=True, default=str))

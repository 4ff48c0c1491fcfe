"""The items table: what the items file says, and every item that events mention."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from core.corpus.plan import ItemFile
from core.corpus.quarantine import Quarantine
from core.corpus.rows import Fields, read_rows
from core.corpus.source import BadRow
from core.corpus.tables import ITEMS_SCHEMA, batch_of
from core.corpus.validate import clean_text, read_id, read_text
from core.domain import Columns

CHUNK_ROWS = 5_000
MAX_DESCRIPTION = 10_000
MAX_EXTRA_VALUE = 1_000
_NUMBER = re.compile(r"\d+(?:\.\d+)?")

ItemRow = tuple[str, str | None, str | None, str | None, float | None, str | None]


def collect_items(
    source: ItemFile | None,
    event_items: pa.ChunkedArray,
    quarantine: Quarantine,
    tick: Callable[[str, int], None],
) -> pa.Table:
    """The whole catalogue in ``ITEMS_SCHEMA``, unordered; the first row of an item counts.

    ``event_items`` is string[n_events]. Rows that can't be used go to the quarantine as items.
    """
    seen: set[str] = set()
    batches: list[pa.RecordBatch] = []
    rows: list[ItemRow] = []

    if source is not None:
        for count, (line, fields) in enumerate(read_rows(source.file), 1):
            item = _read_item(source, fields) if isinstance(fields, dict) else fields
            if isinstance(item, BadRow):
                quarantine.add(source.refusal(line, item))
            elif item[0] not in seen:
                seen.add(item[0])
                rows.append(item)
            if count % CHUNK_ROWS == 0:
                tick("reading items", source.file.bytes_read)
                batches.append(batch_of(rows, ITEMS_SCHEMA))
                rows.clear()
    unknown = (item_id for item_id in event_items.unique().to_pylist() if item_id not in seen)
    rows.extend((item_id, None, None, None, None, None) for item_id in unknown)
    return pa.Table.from_batches([*batches, batch_of(rows, ITEMS_SCHEMA)])


def _read_item(source: ItemFile, fields: Fields) -> ItemRow | BadRow:
    values = source.reader.item(fields, source.columns)
    is_html = source.reader.is_html
    try:
        item_id = read_id(Columns.Item, values.get(Columns.Item))
        title = read_text(Columns.Title, _joined(values.get(Columns.Title)), is_html=is_html)
        category = read_text(Columns.Category, values.get(Columns.Category), is_html=is_html)
        words = _joined(values.get(Columns.Description))
        description = read_text(Columns.Description, words, is_html=is_html)
    except BadRow as bad:
        return bad
    return (
        item_id,
        title,
        category,
        description[:MAX_DESCRIPTION] if description else None,
        read_price(values.get(Columns.Price)),
        _extra(values.get(Columns.Extra) or {}),
    )


def read_price(value: Any) -> float | None:
    """A price as a number; the first one of "from $1,299.00"; None where there is none."""
    if isinstance(value, bool) or value is None:
        return None
    text = str(value)[:100].replace(",", "")
    match = _NUMBER.search(text)
    return float(match[0]) if match and not text.strip().startswith("-") else None


def _joined(value: Any) -> Any:
    if isinstance(value, list):
        return "\n".join(source for source in value if isinstance(source, str))
    return value


def _extra(fields: Fields) -> str | None:
    """Further facts as JSON with sorted keys, without single values of over 1,000 characters."""
    kept: Fields = {}
    for name, value in fields.items():
        if value in (None, "", [], {}):
            continue
        try:
            plain = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
        except (ValueError, RecursionError):
            continue
        if len(plain) <= MAX_EXTRA_VALUE:
            kept[name] = value
    if not kept:
        return None
    return clean_text(json.dumps(kept, ensure_ascii=False, sort_keys=True, default=str))

"""A corpus folder: two Parquet tables, a quarantine and a manifest, written and read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.corpus import tables
from core.corpus.attributes import Attributes, load_users
from core.corpus.corpus import Corpus
from core.corpus.events import REMEDY, StoredEvents, reading
from core.corpus.manifest import Manifest
from core.corpus.sorting import InOrder
from core.domain import Columns
from core.files import read_sums, verify, write_sums
from core.language import tr

MANIFEST_FILE, QUARANTINE_FILE = "manifest.json", "quarantine.jsonl"


def load_corpus(folder: Path, library: Path | None = None) -> Corpus:
    """Open a corpus folder; DomainError when its files aren't those that were written.

    Events are read when they are asked for. Without a list of hashes the tables are held to the
    corpus id, which is one of their content.
    """
    manifest = Manifest.read(folder / MANIFEST_FILE)
    if read_sums(folder) is None:
        load_tables(folder)
    items = tables.frame_from_table(_read_table(folder, tables.ITEMS_FILE, tables.ITEMS_SCHEMA))
    events = StoredEvents(folder / tables.EVENTS_FILE)
    users, attributes = load_users(folder, manifest), None
    if users is not None and manifest.attributes is not None:
        attributes = Attributes(manifest.attributes, users, events.user_ids)
    about = manifest.name, manifest.corpus_id
    return Corpus(*about, events, items, manifest, folder, library, attributes)


def load_tables(folder: Path) -> tuple[Manifest, pa.Table, pa.Table]:
    """The manifest, events and items of a corpus folder, verified as ``load_corpus`` does."""
    manifest = Manifest.read(folder / MANIFEST_FILE)
    events = _read_table(folder, tables.EVENTS_FILE, tables.EVENTS_SCHEMA)
    items = _read_table(folder, tables.ITEMS_FILE, tables.ITEMS_SCHEMA)
    if read_sums(folder) is None:
        with reading(folder):
            _check_content(manifest, events, items)
    return manifest, events, items


def _read_table(folder: Path, name: str, schema: pa.Schema) -> pa.Table:
    verify(folder, (name,), remedy=tr(REMEDY))
    with reading(folder):
        return pq.read_table(folder / name, partitioning=None, memory_map=True).cast(schema)


def _check_content(manifest: Manifest, events: pa.Table, items: pa.Table) -> None:
    """ValueError where tables are not those of a manifest."""
    fingerprint = tables.Fingerprint()
    fingerprint.add("events", events)
    fingerprint.add("items", items)
    if fingerprint.hexdigest(manifest.rating_scale) != manifest.corpus_id:
        raise ValueError(tr("their content doesn't give the corpus id"))
    counts = (events.num_rows, items.num_rows, pc.count_distinct(events[Columns.User]).as_py())
    if counts != (manifest.accepted, manifest.items, manifest.users):
        raise ValueError(tr("the manifest counts other rows"))


def save_corpus(
    folder: Path,
    name: str,
    events: pd.DataFrame,
    items: pd.DataFrame,
    *,
    rating_scale: tuple[float, float] | None,
    simulated: bool = False,
    notes: Sequence[str] = (),
    created: datetime | None = None,
) -> Manifest:
    """Write validated tables and their manifest into an existing folder.

    ``events`` needs ``Columns.EVENTS`` in any order, ``items`` needs ``Columns.ITEMS`` and every
    item of the events. The same content and ``created`` give the same bytes.
    """
    manifest = save_tables(
        folder,
        tables.table_from_frame(events, tables.EVENTS_SCHEMA),
        tables.table_from_frame(items, tables.ITEMS_SCHEMA),
        rows_read=len(events),
        rating_scale=rating_scale and (float(rating_scale[0]), float(rating_scale[1])),
        facts={
            "name": name,
            "format": "simulated" if simulated else "tables",
            "simulated": simulated,
            "notes": tuple(notes),
            "created": created or datetime.now(UTC),
        },
    )
    write_sums(folder)
    return manifest


def save_tables(
    folder: Path,
    events: pa.Table,
    items: pa.Table,
    *,
    rows_read: int,
    rating_scale: tuple[float, float] | None,
    facts: Mapping[str, Any],
    ordered: int = 0,
    duplicates: int = 0,
    tick: Callable[[int, int], None] = lambda done, total: None,
    release: Callable[[], object] = lambda: None,
) -> Manifest:
    """Order, count and write two Arrow tables; what neither is kept nor repeated was quarantined.

    ``facts`` are further fields of the manifest: at least name, format and created. The first
    ``ordered`` events are in contract order; ``duplicates`` of ``rows_read`` were left out earlier.
    ``tick`` hears how many of all are written, ``release`` is that of ``InOrder``.
    """
    tick(0, events.num_rows)
    sorting = InOrder(events, folder, ordered, release)
    fingerprint = tables.Fingerprint()
    kinds: dict[str, int] = {}
    with_text = 0

    def event_slices() -> Iterator[pa.Table]:
        nonlocal with_text
        for part in sorting.slices(tables.EVENTS_SCHEMA):
            fingerprint.add("events", part)
            for pair in part[Columns.Kind].value_counts():
                kind = pair["values"].as_py()
                kinds[kind] = kinds.get(kind, 0) + pair["counts"].as_py()
            words = pc.or_(part[Columns.Title].is_valid(), part[Columns.Text].is_valid())
            with_text += pc.sum(words).as_py() or 0
            yield part
            tick(sorting.read, events.num_rows)
        tick(sorting.read, events.num_rows)  # with those that repeat others

    tables.write_parquet(folder / tables.EVENTS_FILE, event_slices(), tables.EVENTS_SCHEMA)
    item_order = np.argsort(tables.codes_in_order(items[Columns.Item]))
    item_slices = list(tables.slices(items, item_order, tables.ITEMS_SCHEMA))
    for part in item_slices:
        fingerprint.add("items", part)
    tables.write_parquet(folder / tables.ITEMS_FILE, item_slices, tables.ITEMS_SCHEMA)
    span = pc.min_max(events[Columns.Time]).as_py()
    manifest = Manifest(
        corpus_id=fingerprint.hexdigest(rating_scale),
        rows_read=rows_read,
        accepted=events.num_rows - sorting.repeated,
        duplicates=duplicates + sorting.repeated,
        quarantined=rows_read - duplicates - events.num_rows,
        users=sorting.n_users,
        items=items.num_rows,
        first=span["min"],
        last=span["max"],
        kinds=dict(sorted(kinds.items())),
        with_text=with_text,
        rating_scale=rating_scale,
        **facts,
    )
    (folder / QUARANTINE_FILE).touch()
    manifest.write(folder / MANIFEST_FILE)
    return manifest

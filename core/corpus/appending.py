"""Add files to a corpus that is there: new events, users and items, and corrected items.

The result is the corpus that an import of all files at once would have made. Items are the
exception: what an items file says now counts more than what was known.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.corpus.attributes import load_users
from core.corpus.catalogue import Catalogue, ItemRow, filled
from core.corpus.earlier import as_before
from core.corpus.folder import MANIFEST_FILE, QUARANTINE_FILE, load_tables, save_tables
from core.corpus.importing import WAITING_SCHEMA, FilesRead, ImportSummary, attribute_facts
from core.corpus.manifest import Append, Manifest, UserAttributes
from core.corpus.options import ImportOptions, Scale, split_mapping
from core.corpus.plan import Plan
from core.corpus.planning import check_kinds, plan_import, plan_items
from core.corpus.store import IMPORT_AGAIN, Library
from core.corpus.tables import ITEMS_SCHEMA, batch_of
from core.corpus.timestamps import DAY_MICROS
from core.corpus.users_file import UsersRead, merged, plan_users, save_users
from core.domain import Columns, DomainError
from core.files import verify
from core.language import mark, tr
from core.progress import ProgressCallback, StopCallback

ANSWERS = ("kinds", "time_format", "category_separator", "rating_scale", "decimal")
"""Options that were asked for once and hold for later files."""
EXTRA = Columns.ITEMS.index(Columns.Extra)


@dataclass(frozen=True)
class AppendSummary(ImportSummary):
    """What an append added and refused; ``manifest`` is that of the whole corpus.

    ``append`` is None where the files held no new events and items: then those are as they were,
    and ``rows_read`` rows were known or refused. ``users_changed``: a users file had something new.
    """

    append: Append | None
    rows_read: int
    users_changed: bool = False

    def facts(self) -> dict[str, Any]:
        """The answer of ``python -m core import --append --json``."""
        whole = {"corpus": self.manifest.name, "corpus_id": self.manifest.corpus_id}
        whole |= attribute_facts(self.manifest) | {"attributes_changed": self.users_changed}
        if self.append is None:
            refused = sum(self.reasons.values())
            known = {"rows_read": self.rows_read, "accepted": 0, "quarantined": refused}
            return whole | known | {"duplicates": self.rows_read - refused, "appended": False}
        added = self.append.model_dump(exclude={"sources", "created", "corpus_id", "first", "last"})
        return whole | added | {"appended": True, "from_corpus_id": self.append.corpus_id}


def append_files(
    library: Library,
    name: str,
    paths: Sequence[Path],
    items: Path | None = None,
    options: ImportOptions | None = None,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    users: Path | None = None,
) -> AppendSummary:
    """Add files of events, or of items or users alone, to the corpus ``name``.

    They are read as its earlier files were (``earlier.as_before``); ``options`` come first. Rows
    that it has already are counted as duplicates, ratings are read on its scale. The corpus is
    replaced at the very end, and not at all where nothing is new. Raises as ``import_files`` does,
    and DomainError where there is no such corpus, or files that can't be added to it.
    """
    library.check_free(name)
    library.manifest(name)
    with library.writing(mark("import")), library.staging(name) as folder:
        old_folder = library.corpus_folder(name)
        manifest, events, known = load_tables(old_folder)
        asked, notes = as_before(manifest, paths, items, options or ImportOptions())
        plan = _plan(paths, items, asked, users)
        listed = plan_users(users, options or ImportOptions()) if users is not None else None
        earlier = load_users(old_folder, manifest)
        verify(old_folder, (QUARANTINE_FILE,), remedy=tr(IMPORT_AGAIN))
        shutil.copyfile(old_folder / QUARANTINE_FILE, folder / QUARANTINE_FILE)
        order = _rows_of_users(events) if manifest.order_as_time else None
        reading = FilesRead(plan, folder, progress, stop, order, goes_on=True)
        reading.notes.extend(notes)
        with reading.accepted(_scale(manifest, plan)) as (settled, catalogue):
            sources = tuple(file.facts() for file in reading.files)
            about_users = reading.users(listed) if listed is not None else None
            if manifest.order_as_time:
                _check_unknown(manifest, reading)
            merged = _merged_items(known, catalogue, from_file=plan.items is not None)
            new = settled.events.select(WAITING_SCHEMA.names)
            whole = pa.concat_tables([events.cast(WAITING_SCHEMA), new.cast(WAITING_SCHEMA)])
            appended = save_tables(
                folder,
                whole,
                merged.items,
                rows_read=manifest.rows_read + reading.rows_read,
                rating_scale=settled.scale if settled.scale is not None else manifest.rating_scale,
                facts=_facts(manifest, reading, options or ImportOptions()),
                ordered=manifest.accepted,
                duplicates=manifest.duplicates,
                tick=reading.tick_writing,
                release=reading.release,
            )
            span = pc.min_max(new[Columns.Time]).as_py()
            ids = whole[Columns.User].unique().to_pylist()
        attributes = _attributes(folder, manifest, earlier, about_users, ids)
        was = manifest.attributes.attributes_id if manifest.attributes is not None else None
        changed = attributes is not None and attributes.attributes_id != was
        if appended.corpus_id == manifest.corpus_id:
            if changed:
                manifest = manifest.model_copy(update={"attributes": attributes})
                manifest.write(folder / MANIFEST_FILE)
                library.publish(folder, manifest)
            summary = reading.summary(manifest, library)
            return AppendSummary(
                **vars(summary), append=None, rows_read=reading.rows_read, users_changed=changed
            )
        counts = ("accepted", "quarantined", "duplicates", "users", "items")
        append = Append(
            corpus_id=manifest.corpus_id,
            created=datetime.now(UTC),
            rows_read=reading.rows_read,
            corrected=merged.corrected,
            items_refused=appended.items_refused - manifest.items_refused,
            first=span["min"],
            last=span["max"],
            sources=sources,
            dropped_fields=dict(reading.quarantine.dropped),
            notes=tuple(reading.notes),
            **{field: getattr(appended, field) - getattr(manifest, field) for field in counts},
        )
        added = {"appends": (*manifest.appends, append), "attributes": attributes}
        appended = appended.model_copy(update=added)
        appended.write(folder / MANIFEST_FILE)
        library.publish(folder, appended)
    summary = reading.summary(appended, library)
    return AppendSummary(
        **vars(summary), append=append, rows_read=reading.rows_read, users_changed=changed
    )


def _attributes(
    folder: Path,
    manifest: Manifest,
    earlier: pa.Table | None,
    new: UsersRead | None,
    user_ids: Sequence[str],
) -> UserAttributes | None:
    """The users table of the grown corpus: earlier rows, corrected and filled by a file's."""
    facts = manifest.attributes
    if earlier is None or facts is None:
        return save_users(folder, new, user_ids) if new is not None else None
    if new is None:
        new = UsersRead(notes=list(facts.notes))
    return save_users(folder, merged(earlier, facts, new), user_ids, facts)


def _plan(
    paths: Sequence[Path], items: Path | None, asked: ImportOptions, users: Path | None
) -> Plan:
    if not paths and items is not None:
        return Plan((), plan_items(items, split_mapping(asked.mapping)[1], asked), asked)
    if not paths and users is not None:
        return Plan((), None, asked)
    plan = plan_import(paths, items, asked)
    check_kinds(plan)
    return plan


def _scale(manifest: Manifest, plan: Plan) -> Scale | None:
    """The corpus's scale, else what the files say; DomainError where they say another."""
    own, said = manifest.rating_scale, plan.scale if plan.events else None
    if own is not None and said is not None and own != said:
        (low, high), (other_low, other_high) = own, said
        raise DomainError(
            tr(
                "the corpus has ratings on {low:g}-{high:g}, not {other_low:g}-{other_high:g}",
                low=low,
                high=high,
                other_low=other_low,
                other_high=other_high,
            ),
            where=tr("corpus {name}", name=manifest.name),
            remedy=tr("Convert the ratings, or import all files together, on one scale"),
        )
    return own or said


def _rows_of_users(events: pa.Table) -> Counter[str]:
    """How many rows each user has had, where their order is their time."""
    last = events.select([Columns.User, Columns.Time]).group_by(Columns.User)
    table = last.aggregate([(Columns.Time, "max")])
    days = pc.add(pc.divide(table[f"{Columns.Time}_max"].cast(pa.int64()), DAY_MICROS), 1)
    return Counter(dict(zip(table[Columns.User].to_pylist(), days.to_pylist(), strict=True)))


def _check_unknown(manifest: Manifest, reading: FilesRead) -> None:
    """Without times a known row looks like a new one; a known file is known by its bytes."""
    known = {source.sha256 for source in manifest.sources}
    for file in reading.files:
        if file.facts().sha256 in known:
            raise DomainError(
                tr(
                    "this file is in the corpus already; without times its rows can't be told from "
                    "new ones"
                ),
                where=str(file.path),
                remedy=tr("Name a file that holds new rows only"),
            )


@dataclass(frozen=True)
class _MergedItems:
    items: pa.Table
    corrected: int


def _merged_items(known: pa.Table, found: Catalogue, *, from_file: bool) -> _MergedItems:
    """The whole catalogue. An items file corrects what was known, rows of events only fill gaps."""
    place = {item_id: row for row, item_id in enumerate(known[Columns.Item].to_pylist())}
    rows = list(zip(*(found.items[name].to_pylist() for name in Columns.ITEMS), strict=True))
    repeated = [place[row[0]] for row in rows if row[0] in place]
    old_rows = known.take(pa.array(repeated, pa.int64()))
    old = dict(
        zip(
            repeated,
            zip(*(old_rows[name].to_pylist() for name in Columns.ITEMS), strict=True),
            strict=True,
        )
    )
    changed = np.zeros(len(known), np.bool_)
    written: list[ItemRow] = []
    for number, row in enumerate(rows):
        at = place.get(row[0])
        if at is None:
            written.append(row)
            continue
        listed = from_file and number < found.listed
        now = _corrected(row, old[at]) if listed else filled(old[at], row)
        if now != old[at]:
            changed[at] = True
            written.append(now)
    kept = known.filter(pa.array(~changed))
    items = pa.concat_tables([kept, pa.Table.from_batches([batch_of(written, ITEMS_SCHEMA)])])
    return _MergedItems(items, int(changed.sum()))


def _corrected(new: ItemRow, old: ItemRow) -> ItemRow:
    """What the new row says, and the old one's values where it says nothing."""
    merged = list(filled(new, old))
    if new[EXTRA] and old[EXTRA]:
        extra = json.loads(str(old[EXTRA])) | json.loads(str(new[EXTRA]))
        merged[EXTRA] = json.dumps(extra, ensure_ascii=False, sort_keys=True)
    return tuple(merged)  # type: ignore[return-value]


def _facts(manifest: Manifest, reading: FilesRead, said: ImportOptions) -> dict[str, Any]:
    """The manifest's fields after an append; answers given now are kept for the next one."""
    kept = (
        *("name", "format", "simulated", "created", "encoding", "timestamp_unit", "mapping"),
        *("notes", "items_matched", "order_as_time", "appends"),
    )
    options = manifest.options
    if options is None:
        options = reading.plan.options if reading.plan.events else None
    else:
        answers = {name: getattr(said, name) for name in ANSWERS if getattr(said, name)}
        options = ImportOptions(**answers).over(options)
    dropped = Counter(manifest.dropped_fields) + reading.quarantine.dropped
    return {field: getattr(manifest, field) for field in kept} | {
        "sources": (*manifest.sources, *(file.facts() for file in reading.files)),
        "options": options,
        "items_refused": manifest.items_refused + reading.quarantine.rows["items"],
        "dropped_fields": dict(dropped),
        "unused_columns": manifest.unused_columns | reading.plan.unused,
    }

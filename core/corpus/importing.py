"""Turn files into a corpus: stream, validate, quarantine, order, write, and only then replace."""

from __future__ import annotations

import mmap
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from core.corpus.catalogue import Catalogue, Described, collect_items
from core.corpus.folder import MANIFEST_FILE, QUARANTINE_FILE, save_tables
from core.corpus.manifest import Manifest
from core.corpus.options import ImportOptions, Scale
from core.corpus.plan import EventFile, ItemFile, Plan
from core.corpus.planning import asked_kinds, check_kinds, plan_import
from core.corpus.quarantine import FIELDS, ITEM_FIELDS, ITEMS, Quarantine, Refusal
from core.corpus.settling import SHARE, Settled, settle
from core.corpus.source import BadRow
from core.corpus.spoken import form
from core.corpus.store import Library
from core.corpus.tables import EVENTS_SCHEMA, batch_of
from core.corpus.texts import MAX_TEXT
from core.corpus.users_file import UsersRead, plan_users, read_users, save_users
from core.corpus.validate import EventReader
from core.domain import Columns, DomainError
from core.language import mark, tr
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report

REPORT_ROWS = 5_000
SPILL_ROWS = 20_000
SPILL_TEXT = 16 * 2**20
SPILL_FILE = "rows.arrow"
FEW_MATCHED = 0.5
FILE, LINE = "file", "line"
FEW_KNOWN = form(mark("only {share} of the events' items are in the items file"))
FEW_KNOWN_SUCH_AS = form(
    mark(
        "only {share} of the events' items are in the items file: events have {event}, items {item}"
    )
)
SHORTENED = form(mark("{n} texts were cut at {most} characters"))
AS_UTC = mark("dates and times without a zone were read as UTC")
ORDER_AS_TIME = mark(
    "the order of the rows is taken as time (--order-as-time): a user's rows in file order, one a "
    "day from 1970-01-01"
)
READING, WRITING = mark("reading"), mark("writing")
WAITING_SCHEMA = pa.schema(
    [
        field.with_type(pa.large_string()) if field.type == pa.string() else field
        for field in EVENTS_SCHEMA
    ]
)
"""Events before they are put in order: columns of more than 2 GiB in one piece."""
SPILL_SCHEMA = pa.schema(
    [
        *WAITING_SCHEMA,
        pa.field(SHARE, pa.float32()),
        pa.field(FILE, pa.int32()),
        pa.field(LINE, pa.int64()),
    ]
)


@dataclass(frozen=True)
class ImportSummary:
    """What an import accepted and what it refused.

    ``reasons`` counts quarantined event rows by reason; ``refused`` holds the first 20 refused
    rows, ``dropped`` the first 20 values that were dropped from rows that stayed; ``quarantine`` is
    the file of all (see ``quarantine.read_quarantine``).
    """

    manifest: Manifest
    reasons: dict[str, int]
    refused: tuple[Refusal, ...]
    dropped: tuple[Refusal, ...]
    quarantine: Path

    def facts(self) -> dict[str, Any]:
        """The answer of ``python -m core import --json``."""
        fields = (
            "corpus_id", "rows_read", "accepted", "quarantined", "duplicates", "users", "items",
            "items_matched", "items_refused", "rating_scale", "kinds", "dropped_fields",
            "unused_columns", "order_as_time", "notes",
        )  # fmt: skip
        counted = {name: getattr(self.manifest, name) for name in fields}
        return {"corpus": self.manifest.name, **counted, **attribute_facts(self.manifest)}


def attribute_facts(manifest: Manifest) -> dict[str, Any]:
    """The users file in an answer; nothing for a corpus without one."""
    if manifest.attributes is None:
        return {}
    return {"attributes": manifest.attributes.model_dump(exclude={"sources"})}


def import_files(
    library: Library,
    name: str,
    paths: Sequence[Path],
    items: Path | None = None,
    options: ImportOptions | None = None,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    users: Path | None = None,
) -> ImportSummary:
    """Import files of events as the corpus ``name``, replacing an older one at the very end.

    ``users`` is a file of what is known of the users, any columns (``users_file``). Raises
    DomainError for what a person must change (``questions.Asked`` where one option answers it) and
    Stopped when ``stop`` answers True; in both cases the old corpus stays as it was. At most 20,000
    rows with their texts are in memory at a time; accepted rows wait in a file in the library until
    they are put in order.
    """
    library.check_free(name)
    plan = plan_import(paths, items, options or ImportOptions())
    check_kinds(plan)
    listed = plan_users(users, plan.asked) if users is not None else None
    with library.writing(mark("import")), library.staging(name) as folder:
        importing = FilesRead(plan, folder, progress, stop)
        with importing.accepted(plan.scale) as (events, catalogue):
            about_users = importing.users(listed) if listed is not None else None
            manifest = save_tables(
                folder,
                events.events,
                catalogue.items,
                rows_read=importing.rows_read,
                rating_scale=events.scale,
                facts=importing.facts(catalogue) | {"name": name, "created": datetime.now(UTC)},
                tick=importing.tick_writing,
                release=importing.release,
            )
            if about_users is not None:
                ids = events.events[Columns.User].unique().to_pylist()
                facts = {"attributes": save_users(folder, about_users, ids)}
                manifest = manifest.model_copy(update=facts)
                manifest.write(folder / MANIFEST_FILE)
        library.publish(folder, manifest)
    return importing.summary(manifest, library)


class FilesRead:
    """The files of a plan, read into a staging folder.

    ``order`` counts the rows of each user before these files, where their order is their time;
    ``goes_on``: the folder's quarantine has rows of earlier files. ``release`` gives back the
    memory into which the accepted events are mapped; they are read again when they are needed.
    """

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        progress: ProgressCallback | None,
        stop: StopCallback | None,
        order: Counter[str] | None = None,
        *,
        goes_on: bool = False,
    ) -> None:
        self.plan, self.folder = plan, folder
        self.progress, self.stop = progress, stop
        self.quarantine = Quarantine(folder / QUARANTINE_FILE, goes_on=goes_on)
        self.rows_read = 0
        self.order = order if order is not None else Counter[str]()
        self.described = Described()
        self.readers: list[EventReader] = []
        self.notes: list[str] = plan.notes
        self.started = time.monotonic()
        self.bytes_before = 0
        self.files = [source.file for source in plan.files]
        self.bytes_total = sum(file.size for file in self.files)
        self.release: Callable[[], object] = lambda: None

    @contextmanager
    def accepted(self, scale: Scale | None) -> Iterator[tuple[Settled, Catalogue]]:
        """The accepted events, on ``scale`` (None: to be found), and the items.

        They lie in a file that goes afterwards. DomainError where no row of events could be used.
        """
        spill = self.folder / SPILL_FILE
        with closing(self.quarantine):
            with pa.OSFile(str(spill), "wb") as sink, pa.ipc.new_file(sink, SPILL_SCHEMA) as writer:
                for number, source in enumerate(self.plan.events):
                    for rows in self._chunks(number, source):
                        writer.write_batch(rows)
                    self.bytes_before += source.file.size
            with spill.open("rb") as file:
                memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                self.release = partial(memory.madvise, mmap.MADV_DONTNEED)
                events = pa.ipc.open_file(pa.py_buffer(memory)).read_all()
                if events.num_rows == 0 and self.plan.events:
                    first = self.quarantine.first
                    raise DomainError(
                        tr("none of {n} rows could be used", n=self.rows_read),
                        where=str(first[0]) if first else tr("no rows"),
                        remedy=tr(
                            "Check the columns with --map field=column and the format with --format"
                        ),
                    )
                wholes = sum((reader.wholes for reader in self.readers), Counter[float]())
                settled = settle(events, wholes, scale)
                self.release()
                self.notes.extend(settled.notes)
                self._log_outside(events, settled.outside, settled.reason)
                said = self.plan.asked.category_separator
                ids = events[Columns.Item]
                catalogue = collect_items(
                    self.plan.items, ids, self.quarantine, self._tick, said, self.described.items
                )
                self._note_matches(catalogue)
                self._note_reading()
                self.release()
                yield settled, catalogue
        spill.unlink()

    def users(self, listed: ItemFile) -> UsersRead:
        """The rows of a users file; those without a user go to the quarantine."""
        found = read_users(listed, self.quarantine, self._tick)
        found.sources = (listed.file.facts(),)
        return found

    def summary(self, manifest: Manifest, library: Library) -> ImportSummary:
        """What was accepted and refused, once the corpus is published."""
        refused = self.quarantine
        path = library.corpus_folder(manifest.name) / QUARANTINE_FILE
        reasons = dict(refused.reasons.most_common())
        first = tuple(refused.first), tuple(refused.first_dropped)
        return ImportSummary(manifest, reasons, *first, path)

    def _log_outside(self, events: pa.Table, rows: pa.Array, reason: str) -> None:
        """Write down the ratings that their scale does not have."""
        if not pc.any(rows).as_py():
            return
        for row in events.filter(rows).select([Columns.Rating, SHARE, FILE, LINE]).to_pylist():
            value = row[Columns.Rating] if row[Columns.Rating] is not None else row[SHARE]
            problem = BadRow(Columns.Rating, reason, f"{value:g}")
            source = self.plan.events[row[FILE]]
            self.quarantine.add(source.refusal(row[LINE], problem, FIELDS))

    def _note_matches(self, catalogue: Catalogue) -> None:
        if catalogue.matched is None or catalogue.matched >= FEW_MATCHED:
            return
        pair = catalogue.unmatched
        share = f"{catalogue.matched:.0%}"
        if pair is None:
            self.notes.append(FEW_KNOWN.format(share=share))
        else:
            shown = {"event": repr(pair[0]), "item": repr(pair[1])}
            self.notes.append(FEW_KNOWN_SUCH_AS.format(share=share, **shown))

    def _note_reading(self) -> None:
        shortened = sum(reader.shortened for reader in self.readers)
        if shortened:
            self.notes.append(SHORTENED.format(n=shortened, most=f"{MAX_TEXT:,}"))
        units = [source.unit for source in self.plan.events if source.unit is not None]
        if any("date" in unit.name and not unit.has_zones for unit in units):
            self.notes.append(AS_UTC)
        if self.plan.asked.order_as_time:
            self.notes.append(ORDER_AS_TIME)

    def facts(self, catalogue: Catalogue) -> dict[str, Any]:
        """Fields of the manifest that the files decide."""
        return {
            "format": self.plan.format,
            "sources": tuple(file.facts() for file in self.files),
            "encoding": self.plan.encoding,
            "timestamp_unit": self.plan.timestamp_unit,
            "mapping": self.plan.mapping,
            "items_refused": self.quarantine.rows[ITEMS],
            "items_matched": catalogue.matched,
            "dropped_fields": dict(self.quarantine.dropped),
            "unused_columns": self.plan.unused,
            "order_as_time": self.plan.asked.order_as_time,
            "options": self.plan.options,
            "notes": tuple(self.notes),
        }

    def _chunks(self, number: int, source: EventFile) -> Iterator[pa.RecordBatch]:
        reader = source.events(self.plan.asked.kinds, self.order)
        self.readers.append(reader)
        kept: list[tuple[Any, ...]] = []
        waiting = 0
        read, dropped = reader.read, reader.dropped
        about = source.about
        describe = self.described.reader(about) if about is not None else None
        for line, values in source.rows.read(reader.wanted):
            self.rows_read += 1
            event = values if isinstance(values, BadRow) else read(values)
            if isinstance(event, BadRow):
                self.quarantine.add(source.refusal(line, event))
            else:
                kept.append((*event, number, line))
                waiting += len(event.text or "") + len(event.title or "")
                if about is not None and describe is not None:
                    for bad in describe(event.item, reader.further(values)):
                        self.quarantine.add(about.refusal(line, bad, ITEM_FIELDS))
            if dropped:
                self._drop(source, line, dropped)
            if self.rows_read % REPORT_ROWS == 0:
                self._tick(READING, source.file.bytes_read, rows=self.rows_read)
            if len(kept) >= SPILL_ROWS or waiting > SPILL_TEXT:
                yield batch_of(kept, SPILL_SCHEMA)
                kept, waiting = [], 0
        if reader.unknown:
            raise asked_kinds(reader.unknown, source.columns[Columns.Kind], source.file)
        if kept:
            yield batch_of(kept, SPILL_SCHEMA)
        self._tick(READING, source.file.size, rows=self.rows_read)

    def _drop(self, source: EventFile, line: int, dropped: list[BadRow]) -> None:
        for bad in dropped:
            self.quarantine.add(source.refusal(line, bad, FIELDS))
        dropped.clear()

    def _tick(self, stage: str, bytes_read: int, **figures: float) -> None:
        check_stop(self.stop)
        done = min(self.bytes_before + bytes_read, self.bytes_total)
        spent = time.monotonic() - self.started
        left = spent * (self.bytes_total - done) / done if done and spent > 1 else None
        report(self.progress, Progress(stage, done, self.bytes_total, left, figures))

    def tick_writing(self, done: int, total: int) -> None:
        """Tell how many of the events are written; Stopped where that is wanted."""
        check_stop(self.stop)
        report(self.progress, Progress(WRITING, done, total))

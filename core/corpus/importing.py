"""Turn files into a corpus: stream, validate, quarantine, order, write, and only then replace.

``preview`` shows how they would be read, before anything is imported.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from core.arrays import BoolArray
from core.corpus.catalogue import collect_items
from core.corpus.folder import QUARANTINE_FILE, save_tables
from core.corpus.manifest import Manifest
from core.corpus.plan import EventFile, Plan, plan_import
from core.corpus.quarantine import ITEMS, Quarantine, Refusal
from core.corpus.rows import read_rows
from core.corpus.source import BadRow
from core.corpus.store import Library
from core.corpus.tables import EVENTS_SCHEMA, batch_of, frame_of
from core.corpus.validate import MAX_TEXT, Scale, ValidEvent, infer_scale, outside
from core.domain import Columns, DomainError
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report

REPORT_ROWS = 5_000
SPILL_ROWS = 20_000
SPILL_TEXT = 16 * 2**20
SPILL_FILE = "rows.arrow"
ROWS_SHOWN = 20
PROBLEMS_SHOWN = 50
FILE, LINE = "file", "line"
SPILL_SCHEMA = pa.schema(
    [
        field.with_type(pa.large_string()) if field.type == pa.string() else field
        for field in EVENTS_SCHEMA
    ]
    + [pa.field(FILE, pa.int32()), pa.field(LINE, pa.int64())]
)


@dataclass(frozen=True)
class ImportSummary:
    """What an import accepted and what it refused.

    ``reasons`` counts quarantined event rows by reason; ``refused`` holds the first 20 refused
    rows, ``quarantine`` is the file of all (see ``quarantine.read_quarantine``).
    """

    manifest: Manifest
    reasons: dict[str, int]
    refused: tuple[Refusal, ...]
    quarantine: Path

    def facts(self) -> dict[str, Any]:
        """The answer of ``python -m core import --json``."""
        fields = ("corpus_id", "rows_read", "accepted", "quarantined", "duplicates", "users")
        counted = {name: getattr(self.manifest, name) for name in (*fields, "items")}
        return {"corpus": self.manifest.name, **counted}


def import_files(
    library: Library,
    name: str,
    paths: Sequence[Path],
    items: Path | None = None,
    format: str = "auto",
    mapping: Mapping[str, str] | None = None,
    encoding: str | None = None,
    rating_scale: Scale | None = None,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> ImportSummary:
    """Import files of events as the corpus ``name``, replacing an older one at the very end.

    ``mapping`` is field -> file column (``item.`` before a field of the items file). Raises
    DomainError for what a person must change and Stopped when ``stop`` answers True; in both cases
    the old corpus stays as it was. At most 20,000 rows with their texts are in memory at a time;
    accepted rows wait in a file in the library until they are put in order.
    """
    with library.writing("import"), library.staging(name) as folder:
        plan = plan_import(paths, items, format, mapping or {}, encoding, rating_scale)
        importing = _Import(plan, folder, progress, stop)
        manifest = importing.run(name)
        library.publish(folder, manifest)
    refused = importing.quarantine
    path = library.corpus_folder(name) / QUARANTINE_FILE
    reasons = dict(refused.reasons.most_common())
    return ImportSummary(manifest, reasons, tuple(refused.first), path)


class _Import:
    """One run of an import inside its staging folder."""

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        progress: ProgressCallback | None,
        stop: StopCallback | None,
    ) -> None:
        self.plan, self.folder = plan, folder
        self.progress, self.stop = progress, stop
        self.quarantine = Quarantine(folder / QUARANTINE_FILE)
        self.rows_read = 0
        self.shortened = 0
        self.notes: list[str] = []
        self.started = time.monotonic()
        self.bytes_before = 0
        self.files = [source.file for source in plan.events]
        if plan.items is not None:
            self.files.append(plan.items.file)
        self.bytes_total = sum(file.size for file in self.files)

    def run(self, name: str) -> Manifest:
        spill = self.folder / SPILL_FILE
        with closing(self.quarantine):
            with pa.OSFile(str(spill), "wb") as sink, pa.ipc.new_file(sink, SPILL_SCHEMA) as writer:
                for number, source in enumerate(self.plan.events):
                    for rows in self._chunks(number, source):
                        writer.write_batch(rows)
                    self.bytes_before += source.file.size
            with pa.memory_map(str(spill)) as stored:
                events = pa.ipc.open_file(stored).read_all()
                scale, usable = self._within_scale(events)
                if not usable.any():
                    raise DomainError(
                        f"none of {self.rows_read} rows could be used",
                        where=str(self.quarantine.first[0] if self.quarantine.first else "no rows"),
                        remedy="Check the columns with --map field=column and the format "
                        "with --format",
                    )
                ids = events[Columns.Item].filter(pa.array(usable))
                items = collect_items(self.plan.items, ids, self.quarantine, self._tick)
                manifest = save_tables(
                    self.folder,
                    events,
                    items,
                    usable=usable,
                    rows_read=self.rows_read,
                    rating_scale=scale,
                    facts=self._facts(name),
                    tick=self._tick_writing,
                )
        spill.unlink()
        return manifest

    def _facts(self, name: str) -> dict[str, Any]:
        if any(source.reader.is_html for source in self.plan.events):
            self.notes.append("HTML line breaks and entities in reviews became plain text")
        if self.shortened:
            self.notes.append(f"{self.shortened} texts were cut at {MAX_TEXT:,} characters")
        if any("date" in source.unit.name for source in self.plan.events):
            self.notes.append("dates and times without a zone were read as UTC")
        return {
            "name": name,
            "format": self.plan.format,
            "created": datetime.now(UTC),
            "sources": tuple(file.facts() for file in self.files),
            "encoding": self.plan.encoding,
            "timestamp_unit": self.plan.timestamp_unit,
            "mapping": self.plan.mapping,
            "items_refused": self.quarantine.rows[ITEMS],
            "notes": tuple(self.notes),
        }

    def _chunks(self, number: int, source: EventFile) -> Iterator[pa.RecordBatch]:
        events = source.events(self.plan.scale)
        kept: list[tuple[Any, ...]] = []
        waiting = 0
        for line, fields in read_rows(source.file):
            self.rows_read += 1
            event = events.read(fields) if isinstance(fields, dict) else fields
            if isinstance(event, BadRow):
                self.quarantine.add(source.refusal(line, event))
            else:
                kept.append((*event, number, line))
                waiting += len(event[-1] or "")
            if self.rows_read % REPORT_ROWS == 0:
                self._tick("reading", source.file.bytes_read, rows=self.rows_read)
            if len(kept) >= SPILL_ROWS or waiting > SPILL_TEXT:
                yield batch_of(kept, SPILL_SCHEMA)
                kept, waiting = [], 0
        if kept:
            yield batch_of(kept, SPILL_SCHEMA)
        self.shortened += events.shortened
        self._tick("reading", source.file.size, rows=self.rows_read)

    def _tick(self, stage: str, bytes_read: int, **figures: float) -> None:
        check_stop(self.stop)
        done = min(self.bytes_before + bytes_read, self.bytes_total)
        spent = time.monotonic() - self.started
        left = spent * (self.bytes_total - done) / done if done and spent > 1 else None
        report(self.progress, Progress(stage, done, self.bytes_total, left, figures))

    def _tick_writing(self, done: int, total: int) -> None:
        check_stop(self.stop)
        report(self.progress, Progress("writing", done, total))

    def _within_scale(self, events: pa.Table) -> tuple[Scale | None, BoolArray]:
        """The rating scale, and the rows whose rating it has, bool[n].

        A scale that could only be found from all ratings is held against them afterwards.
        """
        ratings = events[Columns.Rating].to_numpy()
        rated = ~np.isnan(ratings)
        everything = np.ones(len(ratings), np.bool_)
        if self.plan.scale is not None:
            return self.plan.scale if rated.any() else None, everything
        scale, how = infer_scale(ratings[rated])
        if scale is None:
            return None, everything
        self.notes.append(how)
        bad = rated & ((ratings < scale[0]) | (ratings > scale[1]))
        for row in events.filter(pa.array(bad)).to_pylist():
            reason = f"{outside(scale)}, inferred from the values (--rating-scale sets another)"
            problem = BadRow(Columns.Rating, reason, f"{row[Columns.Rating]:g}")
            self.quarantine.add(self.plan.events[row[FILE]].refusal(row[LINE], problem))
        return scale, ~bad


@dataclass(frozen=True)
class Preview:
    """How an import would read these files, judged by the start of each (up to 5,000 rows).

    ``columns`` are all columns of the event files; ``mapping`` is field -> column as an import
    would use it, with ``item.`` before fields of the items file; ``rows`` holds the first 20
    accepted events in ``Columns.EVENTS``; ``problems`` the first 50 refused rows, ``refused``
    their number among the ``sampled`` rows. ``rating_scale`` is a guess where the format does not
    fix it, since the import looks at every rating.
    """

    format: str
    encoding: str
    timestamp_unit: str
    columns: tuple[str, ...]
    item_columns: tuple[str, ...]
    mapping: dict[str, str]
    rating_scale: Scale | None
    sampled: int
    refused: int
    rows: pd.DataFrame
    problems: tuple[Refusal, ...]


def preview(
    paths: Sequence[Path],
    items: Path | None = None,
    format: str = "auto",
    mapping: Mapping[str, str] | None = None,
    encoding: str | None = None,
    rating_scale: Scale | None = None,
) -> Preview:
    """Read the start of each file as ``import_files`` with the same arguments would.

    DomainError for whatever would stop the import as a whole.
    """
    plan = plan_import(paths, items, format, mapping or {}, encoding, rating_scale)
    accepted: list[ValidEvent] = []
    problems: list[Refusal] = []
    for source in plan.events:
        reader = source.events(plan.scale)
        for line, fields in source.head.rows:
            event = reader.read(fields) if isinstance(fields, dict) else fields
            if isinstance(event, BadRow):
                problems.append(source.refusal(line, event))
            else:
                accepted.append(event)
    ratings = [rating for event in accepted if (rating := event[4]) is not None]
    columns = dict.fromkeys(name for source in plan.events for name in source.head.columns)
    return Preview(
        format=plan.format,
        encoding=plan.encoding,
        timestamp_unit=plan.timestamp_unit,
        columns=tuple(columns),
        item_columns=plan.items.head.columns if plan.items else (),
        mapping=plan.mapping,
        rating_scale=plan.scale or infer_scale(np.array(ratings, np.float32))[0],
        sampled=len(accepted) + len(problems),
        refused=len(problems),
        rows=frame_of(accepted[:ROWS_SHOWN], EVENTS_SCHEMA),
        problems=tuple(problems[:PROBLEMS_SHOWN]),
    )

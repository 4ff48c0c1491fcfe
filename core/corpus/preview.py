"""Show how files would be read, before anything is imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.corpus.plan import plan_import
from core.corpus.quarantine import Refusal
from core.corpus.source import BadRow
from core.corpus.tables import EVENTS_SCHEMA, frame_of
from core.corpus.validate import Scale, ValidEvent, infer_scale

ROWS_SHOWN = 20
PROBLEMS_SHOWN = 50


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

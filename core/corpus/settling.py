"""What only the whole of an import decides: one scale for all ratings, and open kinds of events."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.corpus.options import Scale
from core.corpus.ratings import OUTSIDE, OUTSIDE_INFERRED, scale_words, scaled
from core.corpus.validate import OPEN
from core.domain import Columns, EventKind

SHARE = "share"


@dataclass(frozen=True)
class Settled:
    """Events with final ratings and kinds.

    ``outside`` bool[n] marks ratings that were taken out since ``scale`` does not have them,
    ``reason`` says so; ``notes`` say what was done.
    """

    events: pa.Table
    scale: Scale | None
    outside: pa.Array
    reason: str
    notes: tuple[str, ...]


def settle(events: pa.Table, wholes: Counter[float], known: Scale | None) -> Settled:
    """Put the ratings on one scale and fill in the kinds that files left open.

    ``events`` has ``Columns.EVENTS`` and the share of ratings such as 3/5; ``wholes`` counts what
    these are of; ``known`` is the scale known beforehand. An event without a kind is a review with
    words, else a rating with a rating, else a view; a rating without one is a view.
    """
    numbers, shares = (
        pc.fill_null(events[name], np.nan).to_numpy().astype(np.float32)
        for name in (Columns.Rating, SHARE)
    )
    ratings = scaled(numbers, shares, wholes, known)
    rated = pa.array(~np.isnan(ratings.ratings))
    has_words = pc.or_(events[Columns.Title].is_valid(), events[Columns.Text].is_valid())
    kind = events[Columns.Kind]
    view = pa.scalar(EventKind.VIEW.value, kind.type)
    rating = pa.scalar(EventKind.RATING.value, kind.type)
    review = pa.scalar(EventKind.REVIEW.value, kind.type)
    open_kind = pc.if_else(has_words, review, pc.if_else(rated, rating, view))
    is_open = pc.or_(
        pc.equal(kind, OPEN), pc.and_(pc.equal(kind, EventKind.RATING.value), pc.invert(rated))
    )
    settled = _with(events, Columns.Rating, pa.array(ratings.ratings, from_pandas=True))
    settled = _with(settled, Columns.Kind, pc.if_else(is_open, open_kind, kind))
    reason = ""
    if ratings.scale is not None:
        problem = OUTSIDE if known is not None else OUTSIDE_INFERRED
        reason = problem.format(scale=scale_words(ratings.scale))
    return Settled(settled, ratings.scale, pa.array(ratings.outside), reason, ratings.notes)


def _with(events: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    place = events.schema.get_field_index(name)
    return events.set_column(place, events.schema.field(place), column)

"""What only the whole of an import decides: one scale for all ratings, and open kinds of events."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.arrays import BoolArray, FloatArray
from core.corpus.options import Scale
from core.corpus.ratings import OUTSIDE, OUTSIDE_INFERRED, scale_words, scaled
from core.corpus.validate import OPEN
from core.domain import Columns, EventKind
from core.language import mark

SHARE = "share"
ALL_VIEWS = mark(
    "nothing says of what kind these events are: they are taken for views; if they are purchases, "
    "add --kind purchase"
)


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
    numbers, shares = (_numbers(events[name]) for name in (Columns.Rating, SHARE))
    ratings = scaled(numbers, shares, wholes, known)
    del numbers, shares
    rated = ~np.isnan(ratings.ratings)
    settled = events
    if rated.any() or events[Columns.Rating].null_count < len(events):
        settled = _with(events, Columns.Rating, pa.array(ratings.ratings, from_pandas=True))
    settled = _with_kinds(settled, rated)
    notes = ratings.notes
    if events[Columns.Kind].unique().to_pylist() == [OPEN] and _are_views(settled):
        notes = (*notes, ALL_VIEWS)
    reason = ""
    if ratings.scale is not None:
        problem = OUTSIDE if known is not None else OUTSIDE_INFERRED
        reason = problem.format(scale=scale_words(ratings.scale))
    return Settled(settled, ratings.scale, pa.array(ratings.outside), reason, notes)


def _with(events: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    place = events.schema.get_field_index(name)
    return events.set_column(place, events.schema.field(place), column)


def _with_kinds(events: pa.Table, rated: BoolArray) -> pa.Table:
    """The events with the kinds that were left open; ``rated`` bool[n] says which have a rating."""
    column = events[Columns.Kind]
    words = column.unique()
    codes = np.asarray(pc.index_in(column, value_set=words).to_numpy(), np.int8)
    words = words.to_pylist()
    is_open = np.isin(codes, [at for at, word in enumerate(words) if word == OPEN])
    is_rating = np.isin(codes, [at for at, word in enumerate(words) if word == EventKind.RATING])
    is_open |= is_rating & ~rated
    if not is_open.any():
        return events
    has_words = pc.or_(events[Columns.Title].is_valid(), events[Columns.Text].is_valid())
    kinds = [EventKind.VIEW.value, EventKind.RATING.value, EventKind.REVIEW.value]
    found = np.where(has_words.to_numpy(), 2, np.where(rated, 1, 0)).astype(np.int8)
    codes = np.where(is_open, found + np.int8(len(words)), codes)
    known = pa.array([*words, *kinds], column.type)
    return _with(events, Columns.Kind, known.take(pa.array(codes)))


def _are_views(events: pa.Table) -> bool:
    return bool(events[Columns.Kind].unique().to_pylist() == [EventKind.VIEW.value])


def _numbers(column: pa.ChunkedArray) -> FloatArray:
    return np.asarray(pc.fill_null(column, np.nan).to_numpy(), np.float32)

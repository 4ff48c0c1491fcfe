"""Which events a model may learn from, which choose it, and which judge it.

Events are in contract order (``Corpus.events``): users sorted, each user's events together and in
time.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.arrays import IntArray, PartArray
from core.domain import Columns, Part

MIN_EVENTS_SCORED = 5
TEMPORAL_SHARES = (0.7, 0.8, 0.9)


def user_starts(events: pd.DataFrame) -> IntArray:
    """int64[n_users + 1]: row of each user's first event, then the number of rows."""
    users = events[Columns.User].to_numpy()
    if len(users) == 0:
        return np.zeros(1, np.int64)
    changes = np.flatnonzero(users[1:] != users[:-1]) + 1
    return np.concatenate(([0], changes, [len(users)])).astype(np.int64)


def leave_last_out(events: pd.DataFrame) -> PartArray:
    """The part of each event, int8[n_events] of ``Part``.

    Each user's last event is test, the one before it validation, the rest train; a user with one
    event has only a test event. Every user counts, however short the history.
    """
    return parts_of(user_starts(events))


def parts_of(starts: IntArray) -> PartArray:
    """``leave_last_out`` of users whose events begin at these rows, int64[n_users + 1]."""
    parts = np.full(int(starts[-1]), Part.TRAIN, np.int8)
    ends = starts[1:] - 1
    parts[ends[np.diff(starts) > 1] - 1] = Part.VALIDATION
    parts[ends] = Part.TEST
    return parts


def temporal_cuts(times: npt.NDArray[np.datetime64]) -> list[datetime]:
    """Three instants: 70, 80 and 90 % of all events happen at or before them.

    ``times`` datetime64[us][n_events], in any order. What lies strictly after a cut is hidden from
    a model trained for it.
    """
    if len(times) == 0:
        return []
    places = [max(int(np.ceil(share * len(times))) - 1, 0) for share in TEMPORAL_SHARES]
    cuts = np.sort(times)[places].astype("datetime64[us]")
    return [cut.replace(tzinfo=UTC) for cut in cuts.tolist()]

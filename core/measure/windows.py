"""Calendar windows: what was there before each, what is asked in it, what is held out of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pandas as pd

from core.arrays import BoolArray, IntArray
from core.corpus.corpus import Corpus
from core.corpus.split import MIN_EVENTS_SCORED
from core.domain import Columns, DomainError
from core.language import tr
from core.measure.cases import Case

WINDOWS = 6
LEAST_BEFORE = 0.4
"""Share of the events that come before the first window at least."""
LEAST_EVENTS = 30
"""Events of a typical window at least."""
HELD_OUT = 5
"""One in so many events of a window is never learned."""
MOST_CASES = 2_000
"""Cases of one window; of more, every second, third, ... is asked."""
UNITS = {"year": 12, "half-year": 6, "quarter": 3, "month": 1}
"""Calendar periods by their months; weeks and days come after them."""


@dataclass(frozen=True)
class Window:
    """Events from ``begin`` until before ``end`` (UTC)."""

    name: str
    begin: datetime
    end: datetime


def calendar_windows(corpus: Corpus) -> tuple[Window, ...]:
    """The corpus's last six calendar periods, of the longest kind that leaves enough before them.

    DomainError for a corpus without times, and where no kind of period leaves 40 % of the events
    before the first window and 30 events in the median one.
    """
    name = corpus.name
    if corpus.manifest.order_as_time:
        raise DomainError(
            tr("this corpus has no times, only the order of each user's events"),
            where=tr("corpus {name}", name=name),
            remedy=tr("Evaluate with --protocol leave-last-out"),
        )
    times = corpus.events[Columns.Time]
    for unit in (*UNITS, "week", "day"):
        windows = _last_periods(times.max(), unit)
        counts = [int(inside(corpus, window).sum()) for window in windows]
        before = float((times < windows[0].begin).mean())
        if before >= LEAST_BEFORE and float(np.median(counts)) >= LEAST_EVENTS:
            return windows
    raise DomainError(
        tr(
            "there are no {n} calendar periods with {events} events each after the first "
            "{share:.0%} of all events",
            n=WINDOWS,
            events=LEAST_EVENTS,
            share=LEAST_BEFORE,
        ),
        where=tr("corpus {name}", name=name),
        remedy=tr("Evaluate with --protocol temporal, or train on more users")
        if corpus.sample is not None
        else tr("Evaluate with --protocol temporal, or import a longer period"),
    )


def _last_periods(last: pd.Timestamp, unit: str) -> tuple[Window, ...]:
    """The last periods of a kind up to the one that holds an instant."""
    if unit in UNITS:
        months = UNITS[unit]
        number = (last.year * 12 + last.month - 1) // months
        begins = [_month((number - back) * months) for back in range(WINDOWS - 1, -2, -1)]
    else:
        days = 7 if unit == "week" else 1
        start = last.normalize() - pd.Timedelta(days=last.weekday() if unit == "week" else 0)
        begins = [
            (start - pd.Timedelta(days=days * back)).to_pydatetime().astimezone(UTC)
            for back in range(WINDOWS - 1, -2, -1)
        ]
    return tuple(Window(_name(begin, unit), begin, end) for begin, end in pairwise(begins))


def _month(number: int) -> datetime:
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _name(begin: datetime, unit: str) -> str:
    if unit == "year":
        return f"{begin.year}"
    if unit == "half-year":
        return f"{begin.year} H{(begin.month - 1) // 6 + 1}"
    if unit == "quarter":
        return f"{begin.year} Q{(begin.month - 1) // 3 + 1}"
    return f"{begin:%Y-%m}" if unit == "month" else f"{begin:%Y-%m-%d}"


def inside(corpus: Corpus, window: Window) -> BoolArray:
    """Which events are of a window, bool[n_events]."""
    times = corpus.events[Columns.Time]
    return np.asarray((times >= window.begin) & (times < window.end))


def held_out(corpus: Corpus, windows: tuple[Window, ...]) -> BoolArray:
    """Events of the windows that are never learned, bool[n_events]: a fifth, by a hash.

    The hash is of user, item and time, so that the choice doesn't depend on other events.
    """
    chosen = np.zeros(corpus.n_events, np.bool_)
    rows = np.flatnonzero(corpus.events[Columns.Time] >= windows[0].begin)
    events = corpus.events.iloc[rows]
    times = events[Columns.Time].to_numpy("datetime64[us]").astype(np.int64)
    for row, *key in zip(rows, events[Columns.User], events[Columns.Item], times, strict=True):
        digest = hashlib.sha256("\0".join(map(str, key)).encode("utf-8", "replace")).digest()
        chosen[row] = digest[0] % HELD_OUT == 0
    return chosen


def learned_before(corpus: Corpus, window: Window, unlearned: BoolArray) -> Corpus:
    """The corpus as it was before a window, without the events bool[n_events] never learned."""
    kept = np.asarray(corpus.events[Columns.Time] < window.begin) & ~unlearned
    events = corpus.events[kept].reset_index(drop=True)
    return Corpus(corpus.name, corpus.corpus_id, events, corpus.items, corpus.manifest)


def cases_at(corpus: Corpus, rows: IntArray) -> tuple[Case, ...]:
    """A case for each of these events with something before it, at most ``MOST_CASES``.

    ``rows`` int64[n] of ``corpus.events``. The history is all that the user did before the event.
    Only users with 5 or more events count.
    """
    starts = corpus.user_starts
    users = np.searchsorted(starts, rows, side="right") - 1
    steps = rows - starts[users]
    usable = np.flatnonzero((steps > 0) & (np.diff(starts)[users] >= MIN_EVENTS_SCORED))
    usable = usable[:: max(-(-len(usable) // MOST_CASES), 1)]
    found = []
    for at in usable.tolist():
        history = corpus.history(corpus.user_ids[int(users[at])])
        target = history.events[int(steps[at])]
        known = history.up_to(int(steps[at]))
        found.append(Case(known, target.item_id, target.timestamp))
    return tuple(found)

"""Calendar periods of a corpus: which unit it asks for, which are finished, which are current."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from core.arrays import BoolArray, IntArray
from core.corpus.corpus import Corpus
from core.domain import DomainError, read_utc
from core.language import mark_n, tr, trc, trn

FEWEST_BEFORE = 5
"""Finished periods that the reference needs."""
LEAST_WEEKS = 8
"""Finished weeks from which on a corpus is looked at by weeks instead of days."""
LEAST_MONTHS = 12
FEW_USERS = 10
"""Active users in a typical week below which months are taken, where there are enough."""
OPEN_END = 0.05
"""A period counts as finished where the data end in its last twentieth."""
DAY = np.timedelta64(1, "D")
Days = npt.NDArray[np.datetime64]


class Unit(StrEnum):
    """How long a period is. Weeks begin on Monday; all in UTC."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def one(self) -> str:
        """What one is called."""
        return {
            Unit.DAY: trc("calendar", "day"),
            Unit.WEEK: trc("calendar", "week"),
            Unit.MONTH: trc("calendar", "month"),
        }[self]

    @property
    def several(self) -> str:
        """What several are called."""
        return {
            Unit.DAY: trc("calendar", "days"),
            Unit.WEEK: trc("calendar", "weeks"),
            Unit.MONTH: trc("calendar", "months"),
        }[self]

    @property
    def rules(self) -> tuple[tuple[int, ...], ...]:
        """Which earlier periods may say what is expected of one, counted back from it.

        The newest few, or the same day of earlier weeks, the same weeks or month of earlier years.
        """
        return {
            Unit.DAY: (_newest(7), _newest(14), (7, 14, 21, 28)),
            Unit.WEEK: (_newest(4), _newest(8), _newest(12), (51, 52, 53)),
            Unit.MONTH: (_newest(3), _newest(6), _newest(12), (12, 24, 36)),
        }[self]

    @property
    def before(self) -> int:
        """Periods before the reference that forecasts of it may need."""
        return max(max(rule) for rule in self.rules if rule[0] == 1)

    @property
    def reference(self) -> int:
        """Periods before the current ones that say how far usual ones are from what is expected."""
        return {Unit.DAY: 28, Unit.WEEK: 52, Unit.MONTH: 24}[self]


FINISHED = {
    Unit.DAY: mark_n("{n} finished day", "{n} finished days"),
    Unit.WEEK: mark_n("{n} finished week", "{n} finished weeks"),
    Unit.MONTH: mark_n("{n} finished month", "{n} finished months"),
}


@dataclass(frozen=True, eq=False)
class Calendar:
    """The periods of a corpus, from its first event to its last.

    ``edges`` datetime64[D][n + 1]: period p has the days from ``edges[p]`` until before
    ``edges[p + 1]``. ``of_event`` int64[n_events]: the period of each row of ``corpus.events``.
    ``finished``: how many periods are over; the data may end within one more.
    """

    unit: Unit
    edges: Days
    of_event: IntArray
    finished: int

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def days(self) -> IntArray:
        """Days of each period, int64[n]."""
        return np.diff(self.edges).astype(np.int64)

    def first_day(self, period: int) -> datetime:
        """The first day of a period, UTC."""
        return _instant(self.edges[period])

    def last_day(self, period: int) -> datetime:
        """The last day of a period, UTC."""
        return _instant(self.edges[period + 1] - DAY)

    def current(self, since: str | None = None) -> range:
        """The finished periods from the one with the day ``since`` on; None: the newest alone.

        DomainError where they are too few, or before them.
        """
        first = self.finished - 1 if since is None else self._period_of(since)
        if first - FEWEST_BEFORE < 0:
            before = tr("the newest one")
            remedy = tr("Wait for more data, or choose shorter periods (--period day)")
            if since is not None:
                before, remedy = tr("the one with {day}", day=since), tr("Choose a later --since")
            few = max(first, 0)
            raise DomainError(
                tr(
                    "only {few} before {before}, and {needed} are needed to tell what is usual",
                    few=trn(*FINISHED[self.unit], few, n=few),
                    before=before,
                    needed=FEWEST_BEFORE,
                ),
                where=tr(
                    "{n} {units} from {first:%Y-%m-%d} to {last:%Y-%m-%d}",
                    n=len(self),
                    units=self.unit.several,
                    first=self.first_day(0),
                    last=self.last_day(len(self) - 1),
                ),
                remedy=remedy,
            )
        return range(first, self.finished)

    def _period_of(self, since: str) -> int:
        try:
            day = np.datetime64(read_utc(since).replace(tzinfo=None), "D")
        except (ValueError, OverflowError):
            raise DomainError(
                tr("{since!r} is no day", since=since),
                where="--since",
                remedy=tr("Use a day such as 2024-11-25"),
            ) from None
        first = int(np.searchsorted(self.edges, day, "right")) - 1
        if first >= self.finished:
            raise DomainError(
                tr("no {unit} from {since} on is finished", unit=self.unit.one, since=since),
                where=tr(
                    "the data end on {day:%Y-%m-%d} with the last finished {unit}",
                    day=_instant(self.edges[self.finished] - DAY),
                    unit=self.unit.one,
                ),
                remedy=tr("Choose an earlier --since"),
            )
        return first


def calendar_of(
    corpus: Corpus, unit: Unit | None = None, counted: BoolArray | None = None
) -> Calendar:
    """The periods of a corpus; ``unit`` None takes what its span asks for.

    ``counted`` bool[n_users]: who has to be active in a typical week; None for anybody. DomainError
    for a corpus without times or without events.
    """
    if corpus.manifest.order_as_time or not corpus.n_events:
        raise DomainError(
            tr(
                "this corpus has no times, only the order of each user's events, so it has no "
                "periods that could differ"
            )
            if corpus.n_events
            else tr("this corpus has no events"),
            where=tr("corpus {name}", name=corpus.name),
            remedy=tr("Import events with a time to monitor them"),
        )
    times = corpus.times
    if unit is not None:
        return _cut(times, unit)
    weeks, months = _cut(times, Unit.WEEK), _cut(times, Unit.MONTH)
    if weeks.finished < LEAST_WEEKS:
        return _cut(times, Unit.DAY)
    users = np.repeat(np.arange(len(corpus.user_ids)), np.diff(corpus.user_starts))
    places = users * len(weeks) + weeks.of_event
    blocks = np.unique(places if counted is None else places[counted[users]]) % len(weeks)
    active = np.bincount(blocks, minlength=len(weeks))[: weeks.finished][-Unit.WEEK.reference :]
    return months if np.median(active) < FEW_USERS and months.finished > LEAST_MONTHS else weeks


def read_unit(text: str | None) -> Unit | None:
    """The unit that ``--period`` names; None for None or ``auto``."""
    if text in (None, "auto"):
        return None
    try:
        return Unit(str(text))
    except ValueError:
        raise DomainError(
            tr("there is no period {text!r}", text=text),
            where="--period",
            remedy=tr("Use auto, day, week or month"),
        ) from None


def _cut(times: npt.NDArray[Any], unit: Unit) -> Calendar:
    days = times.astype("datetime64[D]")
    if unit is Unit.MONTH:
        numbers = days.astype("datetime64[M]").astype(np.int64)
    else:
        length = 7 if unit is Unit.WEEK else 1
        numbers = (days.astype(np.int64) + 3) // length  # day -3 was a Monday
    first, last = int(numbers.min()), int(numbers.max())
    span = np.arange(first, last + 2)
    if unit is Unit.MONTH:
        edges = span.astype("datetime64[M]").astype("datetime64[D]")
    else:
        edges = (span * length - 3).astype("datetime64[D]")
    end = times.max()
    if (times == days).all():  # whole days: the last one is over
        end = end + DAY
    left = (edges[-1] - end) / (edges[-1] - edges[-2])
    return Calendar(unit, edges, numbers - first, len(span) - 1 - int(left > OPEN_END))


def _newest(n: int) -> tuple[int, ...]:
    return tuple(range(1, n + 1))


def _instant(day: np.datetime64) -> datetime:
    moment: datetime = day.astype("datetime64[us]").item()
    return moment.replace(tzinfo=UTC)

"""The window of the simulation: whole seconds since its start, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

WINDOW_START = datetime(2022, 1, 1, tzinfo=UTC)
HOUR = 3600
DAY = 24 * HOUR
WINDOW_END = (datetime(2024, 12, 31, tzinfo=UTC) - WINDOW_START).days * DAY


def instant(seconds: int) -> datetime:
    """The moment that many seconds into the window."""
    return WINDOW_START + timedelta(seconds=seconds)


def seconds_at(year: int, month: int, day: int = 1) -> int:
    """Seconds from the window's start to the beginning of a day."""
    return (datetime(year, month, day, tzinfo=UTC) - WINDOW_START).days * DAY

"""Where a step stands on the time axis: at its real time, or evenly spaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from core.arrays import DoubleArray, IntArray
from core.language import tr
from core.views.timeline.rows import TimelineView

Spacing = Literal["time", "even"]

DAY = 86_400_000.0
"""Milliseconds."""
TURN, NEAR = 10, 5
"""A chart of the surroundings shows so many steps, and so many more on each side of them; it turns
to the next ones when the selected step leaves the middle, so that most steps redraw no axis."""
TICKS, FEW_TICKS = 9, 4
"""Ticks of dates at most, and of days with hours, whose words are wider."""
ALONE = 3
"""Days on either side of a single instant."""
FAN = 0.011
"""Share of the axis between events of one instant, so that they don't hide each other."""
WIDEST_FAN = 0.06
"""Share of the axis that all events of one instant may take."""


@dataclass(frozen=True, slots=True, eq=False)
class TimeScale:
    """Positions of all steps on one axis, as numbers.

    A plotly date axis reads milliseconds since 1970 as UTC, and an array of numbers is many times
    lighter than one of dates.
    """

    spacing: Spacing
    """Real time, or evenly spaced."""
    x: DoubleArray
    """Each step's position, float64[n]: milliseconds since 1970, or the step number."""
    low: float
    """Left end of the axis, in the same unit."""
    high: float
    """Right end of the axis, in the same unit."""

    @property
    def width(self) -> float:
        """Length of the axis."""
        return self.high - self.low

    @property
    def visible(self) -> IntArray:
        """0-based indices of the steps within the axis, int64[n_visible]."""
        return np.flatnonzero((self.x >= self.low) & (self.x <= self.high))

    def fanned(self, rows: Sequence[int]) -> DoubleArray:
        """Positions float64[n] with steps of the same row and instant set a little apart."""
        keys = list(zip(rows, self.x.tolist(), strict=True))
        size, seen = Counter(keys), Counter[tuple[int, float]]()
        positions = []
        for key in keys:
            apart = min(FAN, WIDEST_FAN / size[key]) * self.width
            positions.append(key[1] + (seen[key] - (size[key] - 1) / 2) * apart)
            seen[key] += 1
        return np.array(positions)

    def edges(self) -> tuple[DoubleArray, DoubleArray]:
        """Where each state begins and ends, float64[n] each: it holds until the next event."""
        if self.spacing == "even":
            return self.x - 0.5, self.x + 0.5
        return self.x, np.append(self.x[1:], max(self.high, self.x[-1]))

    def axis(self) -> dict[str, Any]:
        """Range and tick format."""
        if self.spacing == "even":
            return {
                "range": [self.low, self.high],
                "type": "linear",
                "tickformat": "d",
                "tickmode": "auto",
                "nticks": 12,
                "minallowed": self.low,
                "maxallowed": self.high,
            }
        return {
            "range": [self.low, self.high],
            "type": "date",
            "nticks": TICKS if self.width > TICKS * DAY else FEW_TICKS,
            "tickangle": 0,
            "tickformatstops": [
                {"dtickrange": [None, 86_400_000], "value": tr("%H:%M\n%-d %b %Y")},
                {"dtickrange": [86_400_000, "M1"], "value": tr("%-d %b\n%Y")},
                {"dtickrange": ["M1", "M12"], "value": tr("%b\n%Y")},
                {"dtickrange": ["M12", None], "value": tr("%Y")},
            ],
        }


def time_scale(view: TimelineView, spacing: Spacing, around: int | None = None) -> TimeScale:
    """The axis for a user; ``around`` a 1-based step shows only its surroundings.

    Evenly spaced where only the order of the events is known.
    """
    n = len(view.steps)
    first, last = (1, n) if around is None else _surroundings(around, n)
    times = [row.timestamp for row in view.steps if row.timestamp is not None]
    if spacing == "even" or len(times) < n:
        x = np.array([float(row.step) for row in view.steps])
        return TimeScale("even", x, first - 0.6, last + 0.6)
    x = np.array([time.timestamp() * 1000 for time in times])
    low, high = float(x[first - 1]), float(x[last - 1])
    if low == high:  # an instant: hours would say more than is known
        return TimeScale(spacing, x, low - ALONE * DAY, high + ALONE * DAY)
    span = max(high - low, DAY)
    return TimeScale(spacing, x, low - 0.015 * span, high + 0.03 * span)


def _surroundings(step: int, n: int) -> tuple[int, int]:
    """First and last of the steps shown around a 1-based one."""
    begins = (step - 1) // TURN * TURN + 1
    return max(1, begins - NEAR), min(n, begins + TURN - 1 + NEAR)

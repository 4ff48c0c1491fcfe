"""Where a step stands on the time axis: at its real time, or evenly spaced."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from core.views.timeline import TimelineView

Spacing = Literal["time", "even"]

NEAR = 10
"""Steps shown on each side of the selected one when a chart shows its surroundings."""
FAN = 0.011
"""Share of the axis between events of one instant, so that they don't hide each other."""
EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Positions of all steps on one axis. Times are UTC without a zone, as plotly draws them."""

    spacing: Spacing
    """Real time, or evenly spaced."""
    x: tuple[float, ...]
    """Each step's position: milliseconds since 1970, or the step number."""
    low: float
    """Left end of the axis, in the same unit."""
    high: float
    """Right end of the axis, in the same unit."""

    @property
    def width(self) -> float:
        """Length of the axis."""
        return self.high - self.low

    @property
    def visible(self) -> list[int]:
        """0-based indices of the steps within the axis."""
        return [at for at, x in enumerate(self.x) if self.low <= x <= self.high]

    def draw(self, position: float) -> Any:
        """A position as plotly wants it."""
        if self.spacing == "even":
            return position
        return EPOCH + timedelta(milliseconds=position)

    def drawn(self) -> list[Any]:
        """Every step's position as plotly wants it."""
        return [self.draw(x) for x in self.x]

    def fanned(self, rows: list[int]) -> list[Any]:
        """Like ``drawn``, with steps of the same row and instant set a little apart."""
        keys = list(zip(rows, self.x, strict=True))
        size, seen = Counter(keys), Counter[tuple[int, float]]()
        positions = []
        for key in keys:
            offset = seen[key] - (size[key] - 1) / 2
            seen[key] += 1
            positions.append(self.draw(key[1] + offset * FAN * self.width))
        return positions

    def edges(self) -> tuple[list[float], list[float]]:
        """Where each state begins and ends: it holds until the next event."""
        if self.spacing == "even":
            return [x - 0.5 for x in self.x], [x + 0.5 for x in self.x]
        return list(self.x), [*self.x[1:], max(self.high, self.x[-1])]

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
            "range": [self.draw(self.low), self.draw(self.high)],
            "type": "date",
            "nticks": 9,
            "tickformatstops": [
                {"dtickrange": [None, 86_400_000], "value": "%H:%M\n%-d %b %Y"},
                {"dtickrange": [86_400_000, "M1"], "value": "%-d %b\n%Y"},
                {"dtickrange": ["M1", "M12"], "value": "%b\n%Y"},
                {"dtickrange": ["M12", None], "value": "%Y"},
            ],
        }


def time_scale(view: TimelineView, spacing: Spacing, around: int | None = None) -> TimeScale:
    """The axis for a user; ``around`` a 1-based step shows only its surroundings."""
    n = len(view.steps)
    first, last = (1, n) if around is None else (max(1, around - NEAR), min(n, around + NEAR))
    if spacing == "even":
        x = tuple(float(row.step) for row in view.steps)
        return TimeScale(spacing, x, first - 0.6, last + 0.6)
    x = tuple(milliseconds(row.timestamp) for row in view.steps)
    low, high = x[first - 1], x[last - 1]
    span = max(high - low, 86_400_000.0)
    return TimeScale(spacing, x, low - 0.015 * span, high + 0.03 * span)


def milliseconds(when: datetime) -> float:
    """Milliseconds since 1970, UTC."""
    return when.timestamp() * 1000

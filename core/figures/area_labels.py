"""Where a name fits on a stacked area, so that no legend has to be looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.arrays import DoubleArray, FloatArray

COLUMNS = 160
"""Places tried along the axis."""
NOMINAL_WIDTH = 860
"""Pixels assumed for the chart; a wider one only leaves more room."""
LETTER = 7.2
LINE = 15
PLOT_HEIGHT = 190


@dataclass(frozen=True, slots=True)
class LabelPlace:
    """A label's centre, in the axis's unit and as a share of the height."""

    topic: int
    """Column of the profile."""
    x: float
    """Position on the time axis."""
    y: float
    """0 at the bottom, 1 on top."""


def place_labels(
    profile: FloatArray,
    starts: DoubleArray,
    ends: DoubleArray,
    shown: tuple[float, float],
    labels: Sequence[str],
) -> list[LabelPlace]:
    """Find, for each topic, the roomiest place for its name; none where it doesn't fit.

    ``profile`` is float32[n_steps, n_topics]; a state covers ``starts`` to ``ends``; ``shown`` is
    the visible part of the axis. Pure geometry: a name is a box that must lie inside its area.
    """
    low, high = shown
    grid = low + (np.arange(COLUMNS) + 0.5) * (high - low) / COLUMNS
    state = np.searchsorted(starts, grid, side="right") - 1
    inside = (state >= 0) & (grid <= ends[-1])
    if not inside.any():
        return []
    tops = np.cumsum(profile, axis=1)[state.clip(0)]
    bottoms = tops - profile[state.clip(0)]
    places = []
    for topic, label in enumerate(labels):
        half = int(np.ceil(min(len(label), 24) * LETTER / NOMINAL_WIDTH * COLUMNS / 2)) + 1
        best, chosen = LINE / PLOT_HEIGHT, None
        for at in range(half, COLUMNS - half):
            window = slice(at - half, at + half + 1)
            if not inside[window].all():
                continue
            floor = float(bottoms[window, topic].max())
            ceiling = float(tops[window, topic].min())
            if ceiling - floor > best:
                best, chosen = ceiling - floor, LabelPlace(topic, grid[at], (floor + ceiling) / 2)
        if chosen is not None:
            places.append(chosen)
    return places

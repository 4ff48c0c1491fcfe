"""Where a name fits on a stacked area, so that no legend has to be looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view as windows

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
        floors = windows(bottoms[:, topic], 2 * half + 1).max(axis=1)
        ceilings = windows(tops[:, topic], 2 * half + 1).min(axis=1)
        room = np.where(windows(inside, 2 * half + 1).all(axis=1), ceilings - floors, 0.0)
        best = int(room.argmax())
        if room[best] > LINE / PLOT_HEIGHT:
            middle = (float(floors[best]) + float(ceilings[best])) / 2
            places.append(LabelPlace(topic, grid[best + half], middle))
    return places

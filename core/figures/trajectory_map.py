"""The map: the crowd of all states, topic names, and one user's path up to now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.arrays import FloatArray
from core.figures.palette import Palette, mix, rgba
from core.figures.style import UNFADED, canvas, halo, hover, note, plain, ring, swatch
from core.views import wording
from core.views.interest_map import Landmark, MapView
from core.views.timeline.rows import ListRow, MomentView, StepRow, TimelineView

LOWEST, HEIGHT = 360, 500
"""Least and greatest height of the map in pixels."""
WIDTH = 600
"""Pixels assumed for its width; a wider one only leaves more room."""
OUTERMOST = 0.025
"""Share of states at each side that may lie outside the first view."""
LINE = 18
LETTER = 6.4
"""Pixels of a name's line and letter, to keep names apart."""


def trajectory_map(
    map_view: MapView,
    crowd: dict[str, Any],
    view: TimelineView,
    moment: MomentView,
    palette: Palette,
) -> go.Figure:
    """The path up to a moment; dashed where the flat map misleads; a ring marks now.

    Numbers are the items of the list at that moment. ``crowd`` is the picture that ``crowd_image``
    makes of ``map_view``. Steps still to come are faint open dots, so that they can be picked.
    """
    step = moment.row.step
    low, high = window(map_view, view)
    past, future = view.steps[:step], view.steps[step:]
    figure = canvas(
        palette,
        height_of(high - low),
        (4, 4, 4, 4),
        dragmode="pan",
        hovermode="closest",
        annotations=landmark_labels(map_view, low, high, palette),
        images=[crowd],
    )
    for misleading, dash in ((False, "solid"), (True, "dot")):
        x, y = segments(past, misleading)
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line={"width": 1.75, "color": rgba(palette.text, 0.65), "dash": dash},
            hoverinfo="skip",
            name="dashed path" if misleading else "path",
        )
    figure.add_scatter(**dots(future, palette, open_dots=True))
    figure.add_scatter(**dots(past, palette, open_dots=False))
    figure.add_scatter(**listed(moment.items, palette))
    now = view.steps[step - 1]
    figure.add_scatter(**ring(now.x, now.y, palette.accent, 20, 3, "now"))
    figure.update_xaxes(visible=False, range=[low[0], high[0]])
    figure.update_yaxes(visible=False, range=[low[1], high[1]], scaleanchor="x", scaleratio=1)
    return figure


def height_of(extent: FloatArray) -> int:
    """Height in pixels at which a map of this ``extent``, float32[2], fills its width."""
    return int(np.clip(WIDTH * extent[1] / max(float(extent[0]), 1e-6), LOWEST, HEIGHT))


def segments(
    past: Sequence[StepRow], misleading: bool
) -> tuple[list[float | None], list[float | None]]:
    """Lines between consecutive states, with gaps, for the steps that mislead or don't."""
    x: list[float | None] = []
    y: list[float | None] = []
    for before, after in pairwise(past):
        if after.misleading == misleading:
            x += [before.x, after.x, None]
            y += [before.y, after.y, None]
    return x, y


def dots(rows: Sequence[StepRow], palette: Palette, *, open_dots: bool) -> dict[str, Any]:
    """One pickable dot per state; older ones are paler."""
    if open_dots:
        inks = [mix(palette.muted, palette.background, 0.35)] * len(rows)
    else:
        ages = np.linspace(0.6, 0.0, max(len(rows), 1))
        inks = [mix(palette.text, palette.background, float(age)) for age in ages[: len(rows)]]
    return {
        "x": [row.x for row in rows],
        "y": [row.y for row in rows],
        "mode": "markers",
        "marker": {
            "symbol": "circle-open" if open_dots else "circle",
            "size": 6 if open_dots else 8,
            "color": inks,
            "line": {"width": 1, "color": inks if open_dots else palette.background},
            "opacity": 1,
        },
        "customdata": [row.step for row in rows],
        "name": "still to come" if open_dots else "states",
        **hover(
            [
                f"<b>step {row.step}</b> · {wording.day(row.timestamp)}<br>{plain(row.item, 60)}"
                for row in rows
            ]
        ),
        **UNFADED,
    }


def listed(items: Sequence[ListRow], palette: Palette) -> dict[str, Any]:
    """The list's items as their ranks."""
    return {
        "x": [row.x for row in items],
        "y": [row.y for row in items],
        "mode": "markers+text",
        "marker": {
            "symbol": "square",
            "size": 15,
            "color": palette.background,
            "line": {"width": 1, "color": palette.accent},
            "opacity": 0.9,
        },
        "text": [str(row.rank) for row in items],
        "textfont": {"size": 10, "color": palette.accent},
        "selected": {"marker": {"opacity": 0.9}},
        "unselected": {"marker": {"opacity": 0.9}},
        "name": "list",
        **hover([f"<b>{row.rank}</b> {plain(row.item, 60)}" for row in items]),
    }


def window(map_view: MapView, view: TimelineView) -> tuple[FloatArray, FloatArray]:
    """Lower left and upper right corner of what is shown at first, each float32[2].

    All but the outermost states, and the whole path; the rest comes into sight by dragging.
    """
    path = np.array([[row.x, row.y] for row in view.steps], np.float32)
    low = np.minimum(np.quantile(map_view.crowd, OUTERMOST, axis=0), path.min(axis=0))
    high = np.maximum(np.quantile(map_view.crowd, 1 - OUTERMOST, axis=0), path.max(axis=0))
    border = 0.05 * float((high - low).max() or 1)
    return low - border, high + border


def landmark_labels(
    map_view: MapView, low: FloatArray, high: FloatArray, palette: Palette
) -> list[dict[str, Any]]:
    """Topic names with a square of their hue; one that would cover another is left out."""
    inside = [
        mark
        for mark in map_view.landmarks
        if low[0] < mark.x < high[0] and low[1] < mark.y < high[1]
    ]
    return [
        note(swatch(palette.topic(mark.topic), mark.label), mark.x, mark.y, palette.text)
        | {"bgcolor": halo(palette), "borderpad": 1}
        for mark in uncovered(inside, high - low)
    ]


def uncovered(landmarks: Sequence[Landmark], extent: FloatArray) -> list[Landmark]:
    """Landmarks whose names don't overlap on a map of this ``extent``, float32[2].

    Earlier ones stay where they are; later ones give way by up to a line and a half, or are left
    out.
    """
    unit = float(max(extent[0] / WIDTH, extent[1] / HEIGHT))
    kept: list[Landmark] = []
    for mark in landmarks:
        for lines in (0.0, -1.0, 1.0, -1.5, 1.5):
            moved = replace(mark, y=mark.y + lines * LINE * unit)
            if not any(covers(moved, other, unit) for other in kept):
                kept.append(moved)
                break
    return kept


def covers(mark: Landmark, other: Landmark, unit: float) -> bool:
    """Whether two names overlap where a pixel is ``unit`` long."""
    letters = sum(min(len(label), 24) + 3 for label in (mark.label, other.label)) / 2
    width = letters * LETTER * unit
    return abs(mark.y - other.y) < 0.99 * LINE * unit and abs(mark.x - other.x) < width

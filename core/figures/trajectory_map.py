"""The map: the crowd of all states, topic names, and one user's path up to now.

The crowd is a picture, drawn once per model and theme, not at every pick. Where the browser has no
graphics card, redrawing 8,000 WebGL marks took longer than all other charts of the page together.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import convolve

from core.arrays import BoolArray, FloatArray, IntArray
from core.figures.chart import MOVING, Chart
from core.figures.palette import HUES, Palette, channels, mix, rgba
from core.figures.style import (
    canvas,
    halo,
    hover,
    in_full,
    legend,
    note,
    picks,
    ring,
    swatch,
)
from core.language import tr
from core.views import wording
from core.views.interest_map import Landmark, MapView
from core.views.timeline.rows import ListRow, MomentView, StepRow, TimelineView
from core.word_breaks import columns

LOWEST, HEIGHT = 360, 500
"""Least and greatest height of the map in pixels."""
BESIDE = 260, 300
"""The same where the profile stands above it on one screen."""
WIDTH = 600
"""Pixels assumed for its width; a wider one only leaves more room."""
OUTERMOST = 0.025
"""Share of states at each side that may lie outside the first view."""
LINE = 18
LETTER = 6.4
"""Pixels of a name's line and letter, to keep names apart."""
SIDE = 800
"""Pixels of the longer side."""
RADIUS = 2
"""Of one state's dot, in these pixels."""
BORDER = 2 * RADIUS


def trajectory_map(
    map_view: MapView,
    crowd: dict[str, Any],
    view: TimelineView,
    moment: MomentView,
    palette: Palette,
) -> Chart:
    """The path up to a moment; dashed where the flat map misleads; a ring marks now.

    Numbers are the items of the list at that moment. ``crowd`` is the picture that ``crowd_image``
    makes of ``map_view``. Steps still to come are faint open dots, so that they can be picked.
    """
    step = moment.row.step
    past, future = view.steps[:step], view.steps[step:]
    path = np.array([[row.x, row.y] for row in view.steps], np.float32)
    figure = map_canvas(map_view, crowd, path, palette, BESIDE, top=20)
    is_misleading = np.array([row.misleading for row in past])
    line = {"width": 1.75, "color": rgba(palette.text, 0.65)}
    add_path(figure, path[:step], is_misleading, line, ("path", "dashed path"))  # no sentence
    figure.add_scatter(**dots(future, palette, open_dots=True))
    figure.add_scatter(**dots(past, palette, open_dots=False))
    figure.add_scatter(**listed(moment.items, step, palette))
    now = view.steps[step - 1]
    figure.add_scatter(**ring(now.x, now.y, palette.accent, 20, 3, "now"))
    figure.add_annotation(
        legend(meanings(bool(is_misleading.any()), len(future) > 0, palette), palette)
        | {"name": MOVING}
    )
    return figure


def meanings(misleads: bool, goes_on: bool, palette: Palette) -> list[tuple[str, str, str]]:
    """What the map's marks are, of those that it has."""
    marks = [("◯", palette.accent, tr("now")), ("●", palette.text, tr("earlier step"))]
    if goes_on:
        marks.append(("○", mix(palette.muted, palette.background, 0.35), tr("still to come")))
    if misleads:
        marks.append(("┄", palette.text, tr("move drawn too long or too short")))
    return [*marks, ("□", palette.accent, tr("listed item"))]


def map_canvas(
    map_view: MapView,
    crowd: dict[str, Any] | None,
    path: FloatArray,
    palette: Palette,
    heights: tuple[int, int] = (LOWEST, HEIGHT),
    top: int = 4,
) -> Chart:
    """The crowd (if any) and the topic names behind a ``path``, float32[n_steps, 2].

    At first all but the outermost states and the whole path are seen; the rest comes into sight by
    dragging. ``top`` is the margin there.
    """
    low = np.minimum(
        np.quantile(map_view.crowd, OUTERMOST, axis=0), path.min(axis=0, initial=np.inf)
    )
    high = np.maximum(
        np.quantile(map_view.crowd, 1 - OUTERMOST, axis=0), path.max(axis=0, initial=-np.inf)
    )
    border = 0.05 * float((high - low).max() or 1)
    low, high = low - border, high + border
    extent = high - low
    height = int(np.clip(WIDTH * extent[1] / max(float(extent[0]), 1e-6), *heights))
    figure = canvas(
        palette,
        height,
        (4, 4, top, 4),
        dragmode="pan",
        hovermode="closest",
        annotations=landmark_labels(map_view, low, high, palette, height),
        images=[crowd] if crowd else [],
    )
    figure.update_xaxes(visible=False, range=[low[0], high[0]])
    figure.update_yaxes(visible=False, range=[low[1], high[1]], scaleanchor="x", scaleratio=1)
    return figure


def add_path(
    figure: Chart,
    path: FloatArray,
    is_misleading: BoolArray,
    line: dict[str, Any],
    names: tuple[str, str],
) -> None:
    """Lines between consecutive states of a ``path``, float32[n, 2]; dotted where one misleads.

    ``is_misleading`` bool[n] is about the move to each state; ``names`` are those of the two lines.
    """
    for name, dash, misleads in zip(names, ("solid", "dot"), (False, True), strict=True):
        starts = np.flatnonzero(is_misleading[1:] == misleads)
        x, y = (
            [end for at in starts for end in (*column[at : at + 2], None)]
            for column in path.T.tolist()
        )
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line=line | {"dash": dash},
            hoverinfo="skip",
            name=name,
            meta=MOVING,
        )


def dots(rows: Sequence[StepRow], palette: Palette, *, open_dots: bool) -> dict[str, Any]:
    """One pickable dot per state; older ones are paler."""
    if open_dots:
        inks = [mix(palette.muted, palette.background, 0.35)] * len(rows)
    else:
        ages = np.linspace(0.6, 0.0, max(len(rows), 1))
        inks = [mix(palette.text, palette.background, float(age)) for age in ages[: len(rows)]]
    words = [
        "<br>".join((f"<b>{step}</b> · {wording.day(row.timestamp)}", in_full(row.item)))
        for row in rows
        for step in [tr("step {step}", step=row.step)]
    ]
    name = "still to come" if open_dots else "states"  # no sentence
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
        "meta": MOVING,
        **picks([row.step for row in rows], words, name),
    }


def listed(items: Sequence[ListRow], step: int, palette: Palette) -> dict[str, Any]:
    """The list's items as their ranks; each carries the step and its id, for Explain."""
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
        "customdata": [[step, row.item_id] for row in items],
        "name": "list",
        "meta": MOVING,
        **hover([f"<b>{row.rank}</b> {in_full(row.item)}" for row in items]),
    }


def landmark_labels(
    map_view: MapView, low: FloatArray, high: FloatArray, palette: Palette, height: int
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
        for mark in uncovered(inside, high - low, height)
    ]


def uncovered(landmarks: Sequence[Landmark], extent: FloatArray, height: int) -> list[Landmark]:
    """Landmarks whose names don't overlap on a map of this ``extent``, float32[2], and ``height``.

    Earlier ones stay where they are; later ones give way by up to a line and a half, or are left
    out.
    """
    unit = float(max(extent[0] / WIDTH, extent[1] / height))
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
    letters = sum(min(columns(label), 24) + 3 for label in (mark.label, other.label)) / 2
    width = letters * LETTER * unit
    return abs(mark.y - other.y) < 0.99 * LINE * unit and abs(mark.x - other.x) < width


def crowd_image(view: MapView, palette: Palette) -> dict[str, Any]:
    """A plotly layout image in map coordinates: a dot per state, in the hue of its topic."""
    inks = (*palette.topics, palette.other)
    return dots_image(
        view.crowd, view.crowd_topics.clip(0, HUES), inks, dot_opacity(len(view.crowd))
    )


def dots_image(
    positions: FloatArray,
    groups: IntArray,
    inks: Sequence[str],
    opacity: float,
    frame: FloatArray | None = None,
) -> dict[str, Any]:
    """A plotly layout image in map coordinates: a dot per position float32[n, 2].

    ``groups`` int[n] say which of the ``inks`` each has. Overlapping dots mix their hues and add up
    to more opacity. Dots are as large as those of ``frame`` float32[m, 2], of which they are some.
    """
    frame = positions if frame is None else frame
    low = frame.min(axis=0)
    extent = np.maximum(np.ptp(frame, axis=0), 1e-6)
    scale = (SIDE - 2 * BORDER) / float(extent.max())
    width, height = (int(np.ceil(side * scale)) + 2 * BORDER for side in extent)
    columns, rows = np.rint((positions - low) * scale).astype(int).T + BORDER
    counts = np.zeros((len(inks), height, width), np.float32)
    np.add.at(counts, (groups, rows, columns), 1)
    offsets = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    disc = np.clip(RADIUS + 0.5 - np.hypot(*offsets), 0, 1).astype(np.float32)
    covers = np.stack([convolve(count, disc, mode="constant") for count in counts])
    total = covers.sum(axis=0)
    hues = np.array([channels(ink) for ink in inks], np.float32)
    colours = np.einsum("thw,tc->hwc", covers, hues) / np.maximum(total, 1e-6)[..., None]
    visible = 1 - (1 - opacity) ** total
    pixels = (np.dstack([colours, visible[..., None]])[::-1] * 255).round().astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels, "RGBA").quantize(255, method=Image.Quantize.FASTOCTREE).save(out, "PNG")
    return {
        "source": f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}",
        "xref": "x",
        "yref": "y",
        "x": float(low[0]) - BORDER / scale,
        "y": float(low[1]) - BORDER / scale + height / scale,
        "sizex": width / scale,
        "sizey": height / scale,
        "sizing": "stretch",
        "layer": "below",
    }


def dot_opacity(n: int) -> float:
    """Fainter dots for larger crowds, so that density shows and nothing shouts."""
    return float(np.clip(60 / max(n, 1) ** 0.6, 0.12, 0.5))

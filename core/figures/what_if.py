"""The fork: two paths on the map, two profiles, two rows of real step sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.figures.chart import Chart
from core.figures.palette import Palette, rgba
from core.figures.style import (
    MARGIN,
    SIZE,
    at_ends,
    axis,
    bars,
    canvas,
    halo,
    in_full,
    names_axis,
    note,
    picks,
    ring,
    stems,
    swatch,
)
from core.figures.time_scale import DAY, TimeScale
from core.figures.trajectory_map import add_path, map_canvas
from core.language import mark, tr, trc
from core.views import wording
from core.views.interest_map import MapView
from core.views.what_if.build import ForkView, PathView, ProfileRow

ORIGINAL, EDITED = mark("original"), mark("edited")
"""The two paths: what their traces are called, and marked for their hover texts."""
SIZES_HEIGHT = 170
BESIDE = 0.003
"""Share of the axis by which the two paths' stems stand apart."""


def fork_map(map_view: MapView, crowd: dict[str, Any], view: ForkView, palette: Palette) -> Chart:
    """The original path solid grey, the edited one solid accent from where they part.

    Dotted where the flat map misleads. Rings mark both ends. ``crowd`` is the picture that
    ``crowd_image`` makes of ``map_view``.
    """
    both = [np.column_stack([path.states.x, path.states.y]) for path in (view.before, view.after)]
    figure = map_canvas(map_view, crowd, np.concatenate(both), palette)
    parted = view.fork_step
    first = max(parted - 2, 0) if parted is not None else len(view.after)
    _add_states(figure, view.before, 0, rgba(palette.muted, 0.9), ORIGINAL, palette)
    _add_states(figure, view.after, first, palette.accent, EDITED, palette)
    for path, ink, name, words, shift in (
        (view.before, palette.muted, ORIGINAL, trc("edits", "before"), -20),
        (view.after, palette.accent, EDITED, trc("edits", "after"), 20),
    ):
        if not len(path) or (parted is None and path is view.after):
            continue
        x, y = float(path.states.x[-1]), float(path.states.y[-1])
        figure.add_scatter(**ring(x, y, ink, 18, 3, f"{name}, end"))  # no sentence
        behind = {"bgcolor": halo(palette), "borderpad": 1}
        figure.add_annotation(note(words, x, y, palette.text, SIZE, yshift=shift, **behind))
    return figure


def _add_states(
    figure: Chart, path: PathView, first: int, ink: str, name: str, palette: Palette
) -> None:
    """Lines and dots of a path from its 0-based state ``first`` on."""
    line, names = {"width": 2, "color": ink}, (name, f"{name}, misleading")  # no sentence
    x, y = path.states.x[first:], path.states.y[first:]
    is_misleading = path.states.misleading[first:]
    add_path(figure, np.column_stack([x, y]), is_misleading, line, names)
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"size": 7, "color": ink, "line": {"width": 1, "color": palette.background}},
        **picks(path.marks[first:], _hovers(path, name)[first:], f"{name} states"),  # no sentence
    )


def _hovers(path: PathView, name: str) -> list[str]:
    named = tr(name)
    return [
        f"<b>{named}</b> · {in_full(title)}<br>{wording.day(event.date)}"  # no sentence
        + (f" · {_moved(size)}" if np.isfinite(size) else "")
        for title, event, size in zip(
            path.names, path.states.history.events, path.states.step_size, strict=True
        )
    ]


def _moved(size: float) -> str:
    return tr("moved {size:.2f}", size=size)


def profiles_figure(rows: Sequence[ProfileRow], palette: Palette) -> Chart:
    """The largest topics before (grey) and after (accent), with the change."""
    shown = rows[::-1]
    at = np.arange(len(shown), dtype=np.float64)
    size = 38 * len(shown) + 12
    figure = canvas(palette, size, (176, 96, 2, 2), bargap=0.3, barmode="overlay")
    before, after = [row.before for row in shown], [row.after for row in shown]
    changes = [f"{wording.percent(row.after)} ({wording.points(row.change)})" for row in shown]
    for name, shift, ink, shares, texts in (
        ("before", 0.2, palette.muted, before, list(map(wording.percent, before))),
        ("after", -0.2, palette.accent, after, changes),
    ):
        figure.add_bar(
            **bars(shares, ink, y=at + shift, width=0.34, name=name),
            **at_ends(texts, palette.text if name == "after" else palette.muted),
        )
    most = max([*before, *after], default=0.0)
    figure.update_xaxes(visible=False, range=[0, max(most * 1.05, 0.2)], fixedrange=True)
    names = [swatch(palette.topic(row.topic), row.label) for row in shown]
    figure.update_yaxes(names_axis(palette, names))
    return figure


def sizes_figure(view: ForkView, palette: Palette) -> Chart:
    """How far each event moved the state: original grey, edited accent from the fork on."""
    timed = view.before.states.history.timed
    unit = 1 if timed else DAY  # without times, places in the order: one a day
    before, after = (
        [event.timestamp.timestamp() * 1000 / unit for event in path.states.history.events]
        for path in (view.before, view.after)
    )
    times = before + after
    low, high = min(times, default=0.0), max(times, default=1.0)
    span = max(high - low, DAY / unit)
    figure = canvas(palette, SIZES_HEIGHT, MARGIN)
    parted = view.fork_step if view.fork_step is not None else len(view.after) + 1
    top = 0.1
    for path, moments, name, ink, side, first in (
        (view.before, before, ORIGINAL, palette.muted, -1, 0),
        (view.after, after, EDITED, palette.accent, 1, parted - 1),
    ):
        step_size, words = path.states.step_size, _hovers(path, name)
        chosen = [at for at in range(max(first, 0), len(path)) if np.isfinite(step_size[at])]
        sizes = step_size[chosen].astype(np.float64)
        top = max(top, float(sizes.max(initial=0)))
        figure.add_scatter(
            x=[moments[at] + side * BESIDE * span for at in chosen],
            y=sizes,
            mode="markers",
            marker={"size": 7, "color": ink, "symbol": "circle" if side < 0 else "diamond"},
            error_y=stems(sizes, rgba(ink, 0.6)),
            **picks([path.marks[at] for at in chosen], [words[at] for at in chosen], name),
        )
    scale = TimeScale(
        "time" if timed else "even", np.array(times), low - 0.015 * span, high + 0.03 * span
    )
    ticks = {"nticks": 6, "fixedrange": True, "tickangle": 0}
    figure.update_xaxes(axis(palette, **scale.axis() | ticks))
    figure.update_yaxes(axis(palette, range=[0, top * 1.15], nticks=4, fixedrange=True))
    return figure

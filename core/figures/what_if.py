"""The fork: two paths on the map, two profiles, two rows of real step sizes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.arrays import FloatArray
from core.figures.palette import Palette, rgba
from core.figures.style import MARGIN, SIZE, axis, halo, layout, plain, swatch
from core.figures.time_scale import TimeScale
from core.figures.trajectory_map import OUTERMOST, height_of, landmark_labels
from core.views import wording
from core.views.interest_map import MapView
from core.views.what_if.build import ForkView, PathView, ProfileRow

SIZES_HEIGHT = 170
BESIDE = 0.003
"""Share of the axis by which the two paths' stems stand apart."""


def fork_map(
    map_view: MapView, crowd: dict[str, Any], view: ForkView, palette: Palette
) -> go.Figure:
    """The original path solid grey, the edited one solid accent from where they part.

    Dotted where the flat map misleads. Rings mark both ends. ``crowd`` is the picture that
    ``crowd_image`` makes of ``map_view``.
    """
    low, high = _window(map_view, view)
    figure = go.Figure(
        layout=layout(
            palette,
            height=height_of(high - low),
            margin={"l": 4, "r": 4, "t": 4, "b": 4},
            dragmode="pan",
            hovermode="closest",
            annotations=landmark_labels(map_view, low, high, palette),
            images=[crowd],
        )
    )
    parted = view.fork_step
    first = max(parted - 2, 0) if parted is not None else len(view.after)
    _add_path(figure, view.before, 0, rgba(palette.muted, 0.9), "original", palette)
    _add_path(figure, view.after, first, palette.accent, "edited", palette)
    for path, ink, name in (
        (view.before, palette.muted, "original, end"),
        (view.after, palette.accent, "edited, end"),
    ):
        if len(path) and (parted is not None or path is view.before):
            figure.add_scatter(
                x=path.x[-1:],
                y=path.y[-1:],
                mode="markers",
                marker={
                    "symbol": "circle-open",
                    "size": 18,
                    "color": ink,
                    "line": {"width": 3, "color": ink},
                },
                hoverinfo="skip",
                name=name,
            )
            figure.add_annotation(
                x=float(path.x[-1]),
                y=float(path.y[-1]),
                text="after" if path is view.after else "before",
                showarrow=False,
                yshift=20 if path is view.after else -20,
                font={"size": SIZE, "color": palette.text},
                bgcolor=halo(palette),
                borderpad=1,
            )
    figure.update_xaxes(visible=False, range=[low[0], high[0]])
    figure.update_yaxes(visible=False, range=[low[1], high[1]], scaleanchor="x", scaleratio=1)
    return figure


def _add_path(
    figure: go.Figure, path: PathView, first: int, ink: str, name: str, palette: Palette
) -> None:
    """Lines and dots of a path from its 0-based state ``first`` on."""
    for misleading, dash in ((False, "solid"), (True, "dot")):
        x: list[float | None] = []
        y: list[float | None] = []
        for one, two in pairwise(range(first, len(path))):
            if bool(path.misleading[two]) == misleading:
                x += [float(path.x[one]), float(path.x[two]), None]
                y += [float(path.y[one]), float(path.y[two]), None]
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line={"width": 2, "color": ink, "dash": dash},
            hoverinfo="skip",
            name=f"{name}, misleading" if misleading else name,
        )
    figure.add_scatter(
        x=path.x[first:],
        y=path.y[first:],
        mode="markers",
        marker={"size": 7, "color": ink, "line": {"width": 1, "color": palette.background}},
        hovertext=_hovers(path, name)[first:],
        hovertemplate="%{hovertext}<extra></extra>",
        name=f"{name} states",
    )


def _hovers(path: PathView, name: str) -> list[str]:
    return [
        f"<b>{name}</b> · {plain(event, 60)}<br>{wording.day(when)}"
        + (f" · moved {size:.2f}" if np.isfinite(size) else "")
        for event, when, size in zip(path.names, path.times, path.step_size, strict=True)
    ]


def _window(map_view: MapView, view: ForkView) -> tuple[FloatArray, FloatArray]:
    """Lower left and upper right corner of what is shown at first, each float32[2]."""
    both = [np.column_stack([path.x, path.y]) for path in (view.before, view.after)]
    path = np.concatenate(both)
    low = np.quantile(map_view.crowd, OUTERMOST, axis=0)
    high = np.quantile(map_view.crowd, 1 - OUTERMOST, axis=0)
    if len(path):
        low, high = np.minimum(low, path.min(axis=0)), np.maximum(high, path.max(axis=0))
    border = 0.05 * float((high - low).max() or 1)
    return low - border, high + border


def profiles_figure(rows: Sequence[ProfileRow], palette: Palette) -> go.Figure:
    """The largest topics before (grey) and after (accent), with the change."""
    shown = rows[::-1]
    places = np.arange(len(shown), dtype=np.float64)
    figure = go.Figure(
        layout=layout(
            palette,
            height=38 * len(shown) + 12,
            margin={"l": 176, "r": 96, "t": 2, "b": 2},
            bargap=0.3,
            barmode="overlay",
        )
    )
    for name, shift, ink, shares in (
        ("before", 0.2, palette.muted, [row.before for row in shown]),
        ("after", -0.2, palette.accent, [row.after for row in shown]),
    ):
        figure.add_bar(
            x=shares,
            y=places + shift,
            width=0.34,
            orientation="h",
            marker={"color": ink},
            text=[_share_text(name, row) for row in shown],
            textposition="outside",
            textfont={"color": palette.text if name == "after" else palette.muted},
            cliponaxis=False,
            hoverinfo="skip",
            name=name,
        )
    most = max((max(row.before, row.after) for row in shown), default=0.0)
    figure.update_xaxes(visible=False, range=[0, max(most * 1.05, 0.2)], fixedrange=True)
    figure.update_yaxes(
        **axis(
            palette,
            tickvals=places,
            ticktext=[swatch(palette.topic(row.topic), row.label) for row in shown],
            ticks="",
            tickfont={"size": SIZE, "color": palette.text},
            fixedrange=True,
        )
    )
    return figure


def _share_text(name: str, row: ProfileRow) -> str:
    if name == "before":
        return wording.percent(row.before)
    return f"{wording.percent(row.after)} ({wording.points(row.after - row.before)})"


def sizes_figure(view: ForkView, palette: Palette) -> go.Figure:
    """How far each event moved the state: original grey, edited accent from the fork on."""
    times = [when.timestamp() * 1000 for path in (view.before, view.after) for when in path.times]
    low, high = min(times, default=0.0), max(times, default=1.0)
    span = max(high - low, 86_400_000.0)
    figure = go.Figure(layout=layout(palette, height=SIZES_HEIGHT, margin=MARGIN))
    parted = view.fork_step if view.fork_step is not None else len(view.after) + 1
    top = 0.1
    for path, name, ink, side, first in (
        (view.before, "original", palette.muted, -1, 0),
        (view.after, "edited", palette.accent, 1, parted - 1),
    ):
        chosen = [at for at in range(max(first, 0), len(path)) if np.isfinite(path.step_size[at])]
        sizes = path.step_size[chosen].astype(np.float64)
        top = max(top, float(sizes.max(initial=0)))
        figure.add_scatter(
            x=[path.times[at].timestamp() * 1000 + side * BESIDE * span for at in chosen],
            y=sizes,
            mode="markers",
            marker={"size": 7, "color": ink, "symbol": "circle" if side < 0 else "diamond"},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": np.zeros(len(chosen)),
                "arrayminus": sizes,
                "color": rgba(ink, 0.6),
                "thickness": 1.5,
                "width": 0,
            },
            hovertext=[_hovers(path, name)[at] for at in chosen],
            hovertemplate="%{hovertext}<extra></extra>",
            name=name,
        )
    scale = TimeScale("time", np.array(times), low - 0.015 * span, high + 0.03 * span)
    figure.update_xaxes(
        **axis(palette, **scale.axis() | {"nticks": 6, "fixedrange": True, "tickangle": 0})
    )
    figure.update_yaxes(**axis(palette, range=[0, top * 1.15], nticks=4, fixedrange=True))
    return figure

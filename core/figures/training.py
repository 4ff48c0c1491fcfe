"""The curve of a training while it runs."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures.palette import Palette
from core.figures.style import axis, layout

POINTS = 300
"""A longer curve is thinned to about this many points."""


def training_figure(curve: Sequence[dict[str, float]], palette: Palette) -> go.Figure:
    """One small panel per figure that the training reports, over its steps.

    ``curve`` holds one mapping per report: ``done`` is the step, the rest are figures.
    """
    curve = curve[:: max(len(curve) // POINTS, 1)]
    names = list(dict.fromkeys(name for point in curve for name in point if name != "done"))
    figure = make_subplots(
        rows=1, cols=max(len(names), 1), subplot_titles=names, horizontal_spacing=0.08
    )
    for column, name in enumerate(names, start=1):
        points = [point for point in curve if name in point]
        figure.add_scatter(
            x=[point["done"] for point in points],
            y=[point[name] for point in points],
            mode="lines+markers",
            line={"width": 1.75, "color": palette.accent},
            marker={"size": 4, "color": palette.accent},
            row=1,
            col=column,
            hovertemplate="step %{x}<br>%{y:.4g}<extra></extra>",
        )
    figure.update_layout(layout(palette, height=190, margin={"l": 48, "r": 12, "t": 28, "b": 28}))
    figure.update_annotations(font={"size": 12, "color": palette.text})
    figure.update_xaxes(axis(palette, nticks=5))
    figure.update_yaxes(axis(palette, nticks=4, showgrid=True, gridcolor=palette.faint))
    return figure

"""The model against its baselines: a dot and an interval for each."""

from __future__ import annotations

import plotly.graph_objects as go

from core.figures.intervals import ROW, WIDE, add_interval, add_number, set_measure
from core.figures.palette import Palette
from core.figures.style import canvas, names_axis
from core.views.overview import VerdictView


def verdict_figure(view: VerdictView, palette: Palette) -> go.Figure:
    """NDCG@10 with 95 % intervals, best on top; the model in the accent colour and in bold."""
    rows = view.rows[::-1]
    figure = canvas(palette, ROW * len(rows) + 44, WIDE)
    for at, row in enumerate(rows):
        ink = palette.accent if row.is_model else palette.muted
        add_interval(figure, row.interval, at, ink, palette, bold=row.is_model)
        add_number(figure, f"{row.ndcg:.3f}", row.high, at, palette)
    set_measure(figure, palette, "NDCG@10 on held-out test events, with 95 % interval")
    names = [f"<b>{row.recommender}</b>" if row.is_model else row.recommender for row in rows]
    figure.update_yaxes(names_axis(palette, names, range=[-0.6, len(rows) - 0.4]))
    return figure

"""The model against its baselines: a dot and an interval for each."""

from __future__ import annotations

import plotly.graph_objects as go

from core.figures.palette import Palette
from core.figures.style import SIZE, SMALL, axis, layout
from core.views.overview import VerdictView

ROW = 30


def verdict_figure(view: VerdictView, palette: Palette) -> go.Figure:
    """NDCG@10 with 95 % intervals, best on top; the model in the accent colour and in bold."""
    rows = view.rows[::-1]
    inks = [palette.accent if row.is_model else palette.muted for row in rows]
    figure = go.Figure(
        layout=layout(
            palette,
            height=ROW * len(rows) + 44,
            margin={"l": 150, "r": 64, "t": 4, "b": 40},
        )
    )
    for at, (row, ink) in enumerate(zip(rows, inks, strict=True)):
        figure.add_scatter(
            x=[row.low, row.high],
            y=[at, at],
            mode="lines",
            line={"width": 4 if row.is_model else 2.5, "color": ink},
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=[row.ndcg for row in rows],
        y=list(range(len(rows))),
        mode="markers",
        marker={"size": 11, "color": inks, "line": {"width": 1.5, "color": palette.background}},
        customdata=[[row.low, row.high] for row in rows],
        hovertemplate="%{x:.4f} [%{customdata[0]:.4f}, %{customdata[1]:.4f}]<extra></extra>",
        name="scores",
    )
    for at, row in enumerate(rows):
        figure.add_annotation(
            x=row.high,
            y=at,
            text=f"{row.ndcg:.3f}",
            showarrow=False,
            xanchor="left",
            xshift=8,
            font={"size": SIZE, "color": palette.text},
        )
    figure.update_xaxes(
        **axis(
            palette,
            rangemode="tozero",
            title={
                "text": "NDCG@10 on held-out test events, with 95 % interval",
                "standoff": 8,
                "font": {"size": SMALL},
            },
            nticks=6,
            fixedrange=True,
        )
    )
    figure.update_yaxes(
        **axis(
            palette,
            tickvals=list(range(len(rows))),
            ticktext=[f"<b>{r.recommender}</b>" if r.is_model else r.recommender for r in rows],
            ticks="",
            tickfont={"size": SIZE, "color": palette.text},
            range=[-0.6, len(rows) - 0.4],
            fixedrange=True,
        )
    )
    return figure

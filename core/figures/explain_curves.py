"""Deletion and insertion curves of an explanation against its rivals."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures.palette import Palette
from core.figures.style import SMALL, axis, layout
from core.views.explain import ScorecardView

NAMES = {"explanation": "explanation", "recent-first": "recent first", "random": "random"}
HEIGHT = 210


def curves_figure(view: ScorecardView, palette: Palette) -> go.Figure:
    """How fast the score falls when events go, and rises when they come, by order."""
    figure = go.Figure(
        layout=layout(palette, height=HEIGHT, margin={"l": 44, "r": 92, "t": 22, "b": 34})
    )
    styles: dict[str, dict[str, Any]] = {
        "explanation": {"color": palette.accent, "width": 2.5},
        "recent-first": {"color": palette.text, "width": 1.5},
        "random": {"color": palette.muted, "width": 1.5, "dash": "dash"},
    }
    for number, (title, curves) in enumerate(
        (("events taken away", view.deletion), ("events brought in", view.insertion)), start=1
    ):
        for order, line in styles.items():
            curve = curves[order]
            figure.add_scatter(
                x=np.linspace(0, 1, len(curve)),
                y=curve,
                mode="lines",
                line=line,
                xaxis=f"x{number}" if number > 1 else "x",
                hovertemplate=f"{NAMES[order]} %{{y:.2f}} at %{{x:.0%}}<extra></extra>",
                name=f"{title} {order}",
            )
        figure.add_annotation(
            x=0.5,
            y=1.0,
            xref=f"x{number} domain" if number > 1 else "x domain",
            yref="paper",
            yanchor="bottom",
            text=title,
            showarrow=False,
            font={"size": SMALL, "color": palette.text},
        )
    for order, y in _label_places(view).items():
        figure.add_annotation(
            x=1.0,
            y=y,
            xref="paper",
            yref="paper",
            xanchor="left",
            xshift=6,
            text=f"{'┄' if order == 'random' else '━'} {NAMES[order]}",
            showarrow=False,
            font={"size": SMALL, "color": styles[order]["color"]},
        )
    shared = axis(palette, range=[0, 1], tickvals=[0, 1], tickformat=".0%", fixedrange=True)
    figure.update_layout(
        xaxis=shared | {"domain": [0, 0.45]},
        xaxis2=shared | {"domain": [0.58, 1.0], "anchor": "y"},
        yaxis=axis(palette, nticks=4, fixedrange=True),
    )
    return figure


def _label_places(view: ScorecardView) -> dict[str, float]:
    """Heights of the three names at the right edge, in the order of the insertion areas."""
    ranked = sorted(NAMES, key=lambda order: -float(view.insertion[order].mean()))
    return {order: 0.85 - 0.22 * at for at, order in enumerate(ranked)}

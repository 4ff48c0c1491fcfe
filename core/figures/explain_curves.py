"""Deletion and insertion curves of an explanation against its rivals."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures.palette import Palette
from core.figures.style import axis, canvas, note
from core.views.explain.rows import ScorecardView

NAMES = {"explanation": "explanation", "recent-first": "recent first", "random": "random"}


def curves_figure(view: ScorecardView, palette: Palette) -> go.Figure:
    """How fast the score falls when events are removed, and rises when they are added, by order."""
    figure = canvas(palette, 210, (44, 92, 22, 34))
    styles: dict[str, dict[str, Any]] = {
        "explanation": {"color": palette.accent, "width": 2.5},
        "recent-first": {"color": palette.text, "width": 1.5},
        "random": {"color": palette.muted, "width": 1.5, "dash": "dash"},
    }
    for x, name, curves in (
        ("x", "events removed", view.deletion),
        ("x2", "events added", view.insertion),
    ):
        for order, line in styles.items():
            curve = curves[order]
            figure.add_scatter(
                x=np.linspace(0, 1, len(curve)),
                y=curve,
                mode="lines",
                line=line,
                xaxis=x,
                hovertemplate=f"{NAMES[order]} %{{y:.2f}} at %{{x:.0%}}<extra></extra>",
                name=f"{name} {order}",
            )
        above = {"xref": f"{x} domain", "yref": "paper", "yanchor": "bottom"}
        figure.add_annotation(note(name, 0.5, 1.0, palette.text) | above)
    ranked = sorted(NAMES, key=lambda order: -float(view.insertion[order].mean()))
    beside = {"xref": "paper", "yref": "paper", "xanchor": "left", "xshift": 6}
    for at, order in enumerate(ranked):
        name = f"{'┄' if order == 'random' else '━'} {NAMES[order]}"
        figure.add_annotation(note(name, 1.0, 0.85 - 0.22 * at, styles[order]["color"]) | beside)
    shared = axis(palette, range=[0, 1], tickvals=[0, 1], tickformat=".0%", fixedrange=True)
    figure.update_layout(
        xaxis=shared | {"domain": [0, 0.45]},
        xaxis2=shared | {"domain": [0.58, 1.0], "anchor": "y"},
        yaxis=axis(palette, nticks=4, fixedrange=True),
    )
    return figure

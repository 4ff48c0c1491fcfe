"""How fast lists change: overlap against what lies between them."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.compare.turnover import Bin
from core.figures.palette import Palette
from core.figures.style import SIZE, SMALL, axis, layout
from core.views.turnover import TurnoverView


def turnover_figure(view: TurnoverView, palette: Palette) -> go.Figure:
    """Mean overlap of two lists by events and by days between: all users grey, this one accent."""
    figure = go.Figure(
        layout=layout(
            palette,
            height=250,
            margin={"l": 48, "r": 84, "t": 10, "b": 56},
            xaxis=_categories(view.by_events, "event", palette, [0, 0.45]),
            xaxis2=_categories(view.by_days, "day", palette, [0.55, 1]),
            yaxis=axis(
                palette,
                range=[0, 1.02],
                tickvals=[0, 0.5, 1],
                fixedrange=True,
                title={"text": "overlap (RBO)", "font": {"size": SMALL}},
            ),
        )
    )
    for bins, x in ((view.by_events, "x"), (view.by_days, "x2")):
        _add_curve(figure, bins, x, palette.muted, "all users")
    for bins, x in ((view.own_by_events, "x"), (view.own_by_days, "x2")):
        _add_curve(figure, bins, x, palette.accent, "this user")
    return figure


def _add_curve(figure: go.Figure, bins: Sequence[Bin], x: str, ink: str, name: str) -> None:
    known = [(at, b) for at, b in enumerate(bins) if b.overlap is not None]
    if not known:
        return
    figure.add_scatter(
        x=[at for at, _ in known],
        y=[b.overlap for _, b in known],
        xaxis=x,
        yaxis="y",
        mode="lines+markers",
        line={"color": ink, "width": 2},
        marker={"color": ink, "size": 7},
        hovertext=[f"{name}: {b.overlap:.2f} ({b.users} users)" for _, b in known],
        hovertemplate="%{hovertext}<extra></extra>",
        name=name,
    )
    at, last = known[-1]
    figure.add_annotation(
        x=at,
        y=last.overlap,
        xref=x,
        text=name,
        showarrow=False,
        xanchor="left",
        xshift=8,
        font={"size": SIZE, "color": ink},
    )


def _categories(
    bins: Sequence[Bin], noun: str, palette: Palette, domain: list[float]
) -> dict[str, object]:
    return axis(
        palette,
        domain=domain,
        tickvals=list(range(len(bins))),
        ticktext=[_tick(b) for b in bins],
        range=[-0.3, len(bins) - 0.4],
        fixedrange=True,
        title={"text": f"{noun}s between the two lists", "font": {"size": SMALL}},
    )


def _tick(one: Bin) -> str:
    if one.high is None:
        return f"{one.low}+"
    return str(one.low) if one.low == one.high else f"{one.low}\u2013{one.high}"

"""From no history to the score: a waterfall of events, each bar split into its parts beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from core.explain import wording
from core.explain.parts import PART_NAMES
from core.figures.palette import Palette
from core.figures.style import SIZE, SMALL, axis, layout, plain
from core.views.explain import AnswerView, EventBar, PartsView
from core.views.wording import day, rating

ROW = 27
SHOWN = 14
"""Bars drawn one by one; the rest is one bar."""
WATERFALL = (0.0, 0.55)
PANELS = (0.57, 1.0)
"""Shares of the width: the waterfall, and the four panels of parts."""
BARS = 0.42
"""Share of a panel that its bars may take; numbers stand right of them."""
LABEL = 36


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the waterfall: from where to where it goes, and its parts."""

    label: str
    value: float
    stderr: float
    start: float
    hover: str
    step: int | None
    parts: tuple[float, ...] | None


def waterfall_figure(
    answer: AnswerView, parts: PartsView | None, palette: Palette, chosen: int | None = None
) -> go.Figure:
    """Base, the strongest events in order of time, all others, score; parts in panels beside it.

    The four panels share one scale, so that item, rating, text and time can be compared. ``chosen``
    is the step whose row is marked.
    """
    rows = _rows(answer, parts)
    n = len(rows)
    figure = go.Figure(
        layout=layout(
            palette,
            height=ROW * (n + 2) + 64,
            margin={"l": 236, "r": 12, "t": 26, "b": 44},
            bargap=0.3,
        )
    )
    ys = [n - at for at in range(n)]
    _add_ends(figure, answer, n, palette)
    figure.add_bar(
        x=[row.value for row in rows],
        base=[row.start for row in rows],
        y=ys,
        orientation="h",
        marker={"color": [_ink(row.value, palette) for row in rows]},
        error_x=_error_bars(rows, palette),
        customdata=[row.step for row in rows],
        hovertext=[row.hover for row in rows],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        name="events",
    )
    _add_numbers(figure, rows, ys, palette)
    _add_connectors(figure, rows, ys, palette)
    _add_panels(figure, rows, ys, palette)
    low, high = _extent(answer, rows)
    figure.update_layout(
        xaxis=axis(
            palette,
            domain=list(WATERFALL),
            range=[low, high],
            fixedrange=True,
            nticks=6,
            title={
                "text": f"{plain(answer.unit, 50)} (nats)",
                "font": {"size": SMALL},
                "standoff": 4,
            },
        ),
        yaxis=axis(
            palette,
            range=[-0.6, n + 1.6],
            tickvals=[n + 1, *ys, 0],
            ticktext=["no history", *(_tick(row, chosen) for row in rows), "<b>with history</b>"],
            ticks="",
            tickfont={"size": SIZE, "color": palette.text},
            fixedrange=True,
        ),
    )
    return figure


def _rows(answer: AnswerView, parts: PartsView | None) -> list[_Row]:
    """The strongest bars in order of time, and what is left."""
    shown = answer.strongest(SHOWN)
    place = {bar.step: at for at, bar in enumerate(answer.bars)}
    rows: list[_Row] = []
    at = answer.base
    others = [bar for bar in answer.bars if bar not in shown]
    if others:
        value = sum(bar.value for bar in others)
        split = None
        if parts is not None:
            split = tuple(parts.values[[place[bar.step] for bar in others]].sum(0).tolist())
        name = f"{len(others)} weaker events together"
        rows.append(
            _Row(name, value, 0.0, at, f"<b>{name}</b><br>{wording.nats(value)}", None, split)
        )
        at += value
    for bar in shown:
        split = None if parts is None else tuple(parts.values[place[bar.step]].tolist())
        rows.append(_Row(bar.label, bar.value, bar.stderr, at, _hover(bar), bar.step, split))
        at += bar.value
    if abs(answer.residual) > 5e-4:
        rows.append(_Row("unexplained", answer.residual, 0.0, at, "unexplained", None, None))
    return rows


def _hover(bar: EventBar) -> str:
    """One event in words."""
    about = " · ".join(
        text
        for text in (
            bar.kind.value if bar.kind else "",
            f"rated {rating(bar.rating)}" if bar.rating is not None else "",
            day(bar.timestamp),
        )
        if text
    )
    error = f" ± {bar.stderr:.2f}" if bar.stderr else ""
    return f"<b>{plain(bar.label, 70)}</b><br>{about}<br>{wording.nats(bar.value)}{error} nats"


def _tick(row: _Row, chosen: int | None) -> str:
    text = plain(row.label, LABEL)
    return f"<b>{text}</b>" if chosen is not None and row.step == chosen else text


def _ink(value: float, palette: Palette) -> str:
    return palette.positive if value >= 0 else palette.negative


def _error_bars(rows: list[_Row], palette: Palette) -> dict[str, object]:
    """Standard errors where values are sampled."""
    return {
        "type": "data",
        "array": [row.stderr for row in rows],
        "visible": any(row.stderr for row in rows),
        "color": palette.text,
        "thickness": 1,
        "width": 3,
    }


def _add_ends(figure: go.Figure, answer: AnswerView, n: int, palette: Palette) -> None:
    """Where it starts and where it ends, as marks with their numbers."""
    figure.add_scatter(
        x=[answer.base, answer.score],
        y=[n + 1, 0],
        mode="markers+text",
        marker={"symbol": "diamond", "size": 11, "color": palette.text},
        text=[f" {wording.plain_nats(answer.base)}", f" {wording.plain_nats(answer.score)}"],
        textposition="middle right",
        textfont={"color": palette.text, "size": SIZE},
        cliponaxis=False,
        hoverinfo="skip",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        name="ends",
    )


def _add_numbers(figure: go.Figure, rows: list[_Row], ys: list[int], palette: Palette) -> None:
    """Each row's value beyond the end of its bar and of its error."""
    ends = [row.start + row.value + np.copysign(row.stderr, row.value) for row in rows]
    figure.add_scatter(
        x=ends,
        y=ys,
        mode="text",
        text=[
            f" ▲ {wording.nats(row.value)}" if row.value >= 0 else f"▼ {wording.nats(row.value)} "
            for row in rows
        ],
        textposition=["middle right" if row.value >= 0 else "middle left" for row in rows],
        textfont={"color": palette.text, "size": SMALL},
        cliponaxis=False,
        hoverinfo="skip",
        selected={"textfont": {"color": palette.text}},
        unselected={"textfont": {"color": palette.text}},
        name="numbers",
    )


def _add_connectors(figure: go.Figure, rows: list[_Row], ys: list[int], palette: Palette) -> None:
    """Thin lines that carry the sum from bar to bar."""
    xs: list[float | None] = []
    lines: list[float | None] = []
    ends = [(rows[0].start, len(rows) + 1)] if rows else []
    ends += [(row.start + row.value, y) for row, y in zip(rows, ys, strict=True)]
    for x, y in ends:
        xs += [x, x, None]
        lines += [y + 0.0, y - 1.0, None]
    figure.add_scatter(
        x=xs,
        y=lines,
        mode="lines",
        line={"color": palette.other, "width": 1},
        hoverinfo="skip",
        name="sum",
    )


def _add_panels(figure: go.Figure, rows: list[_Row], ys: list[int], palette: Palette) -> None:
    """Item, rating, text and time of each row, on one scale."""
    known = [row for row in rows if row.parts is not None]
    values = [value for row in known for value in row.parts or ()]
    low, high = min([0.0, *values]), max([0.0, *values])
    width = (PANELS[1] - PANELS[0]) / len(PART_NAMES)
    edge = low + ((high - low) or 1.0) / BARS
    for at, name in enumerate(PART_NAMES):
        left = PANELS[0] + at * width
        _add_panel(figure, rows, ys, at, edge, palette)
        figure.update_layout(
            {
                f"xaxis{at + 2}": axis(
                    palette,
                    domain=[left + 0.012, left + width],
                    range=[low, edge],
                    tickvals=[0],
                    ticktext=[""],
                    showgrid=True,
                    gridcolor=palette.faint,
                    ticks="",
                    fixedrange=True,
                    anchor="y",
                )
            }
        )
        figure.add_annotation(
            x=left + width,
            y=1.0,
            xref="paper",
            yref="paper",
            xanchor="right",
            yanchor="bottom",
            text=name if known else f"{name} …",
            showarrow=False,
            font={"size": SMALL, "color": palette.muted},
        )


def _add_panel(
    figure: go.Figure, rows: list[_Row], ys: list[int], at: int, edge: float, palette: Palette
) -> None:
    """One part of all rows: bars, and their numbers in a column at ``edge``."""
    name, values = PART_NAMES[at], [row.parts[at] if row.parts else 0.0 for row in rows]
    figure.add_bar(
        x=values,
        y=ys,
        orientation="h",
        xaxis=f"x{at + 2}",
        marker={"color": [_ink(value, palette) for value in values]},
        customdata=[row.step for row in rows],
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        hovertext=[
            f"{plain(row.label, 60)}<br>{name} {wording.nats(value)}"
            for row, value in zip(rows, values, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        name=name,
    )
    figure.add_scatter(
        x=[edge] * len(rows),
        y=ys,
        mode="text",
        xaxis=f"x{at + 2}",
        text=[wording.nats(value) if abs(value) >= 0.005 else "" for value in values],
        textposition="middle left",
        textfont={"color": palette.muted, "size": 11},
        cliponaxis=False,
        hoverinfo="skip",
        selected={"textfont": {"color": palette.muted}},
        unselected={"textfont": {"color": palette.muted}},
        name=f"{name} numbers",
    )


def _extent(answer: AnswerView, rows: list[_Row]) -> tuple[float, float]:
    """The range of the waterfall's axis, with room for the numbers."""
    points = [answer.base, answer.score]
    points += [row.start + row.value for row in rows] + [row.start for row in rows]
    low, high = float(np.min(points)), float(np.max(points))
    room = max(high - low, 0.2)
    return low - 0.2 * room, high + 0.24 * room

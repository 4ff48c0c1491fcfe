"""A dot and its 95 % interval, in rows: the form of every chart that shows how sure a figure is."""

from __future__ import annotations

from core.figures.chart import Chart
from core.figures.palette import Palette
from core.figures.style import SIZE, axis, note, title
from core.measure.metrics import Interval
from core.views.wording import between

ROW = 30
"""Pixels of a row."""
WIDE = (150, 64, 4, 40)
"""Margins: names to the left, numbers to the right."""


def add_interval(
    figure: Chart,
    interval: Interval,
    y: float,
    ink: str,
    palette: Palette,
    *,
    x: str = "x",
    bold: bool = False,
    hollow: bool = False,
    words: str = "",
) -> None:
    """Draw one interval on the axis ``x``; nothing where there were no cases.

    ``words`` appear over it (default: its numbers).
    """
    if interval.mean != interval.mean:
        return
    figure.add_scatter(
        x=[interval.low, interval.high],
        y=[y, y],
        xaxis=x,
        mode="lines",
        line={"width": 4 if bold else 2.5, "color": ink},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[interval.mean],
        y=[y],
        xaxis=x,
        mode="markers",
        cliponaxis=False,
        marker={
            "size": 11,
            "color": palette.background if hollow else ink,
            "line": {"width": 1.5, "color": ink if hollow else palette.background},
        },
        hovertemplate=f"{words or between(interval)}<extra></extra>",
    )


def add_number(
    figure: Chart, text: str, at: float, y: float, palette: Palette, x: str = "x"
) -> None:
    """Write a number to the right of the end ``at`` of an interval."""
    figure.add_annotation(note(text, at, y, palette.text, SIZE, xref=x, xanchor="left", xshift=8))


def set_measure(
    figure: Chart, palette: Palette, text: str, x: str = "x", rangemode: str | None = "tozero"
) -> None:
    """Title and ticks of the axis ``x`` that intervals are measured on."""
    measure = axis(palette, title=title(text, 8), nticks=6, fixedrange=True, rangemode=rangemode)
    figure.update_layout(**{x.replace("x", "xaxis"): measure})

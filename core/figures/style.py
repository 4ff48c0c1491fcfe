"""What all figures share: canvas, axes, notes, hover texts, the rule at the selected time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from core.arrays import DoubleArray
from core.figures.chart import MOVING, Chart
from core.figures.palette import Palette, rgba
from core.views.wording import short
from core.word_breaks import columns, lines

FONT = '"Source Sans", system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif'  # no sentence
"""Streamlit brings the first along; a file opened elsewhere falls back on the system's own."""
SIZE = 13
SMALL = 12
HOVER_LINE = 64
"""Characters of a line of what appears over a mark."""
KEPT_WORDS = 4096
"""Words over marks that are kept in lines: where they break takes longest of a figure."""
MARGIN = {"l": 72, "r": 24, "t": 10, "b": 36}
"""Of charts over time, so that they line up."""
UNFADED: dict[str, Any] = {
    "selected": {"marker": {"opacity": 1}},
    "unselected": {"marker": {"opacity": 1}},
}
"""A pick must not fade the other marks."""

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
    "toImageButtonOptions": {"format": "svg", "filename": "tastelines"},
}
"""Plotly's own menu: zoom, pan, reset, and an SVG of the chart."""

REGIONS = CONFIG | {
    "modeBarButtonsToRemove": ["autoScale2d", "zoom2d"],
    "scrollZoom": True,
    "displayModeBar": True,
}
"""The same with lasso and box; the wheel zooms, so that the mouse is free to draw."""


def canvas(
    palette: Palette, height: int, margin: tuple[int, int, int, int] | dict[str, int], **more: Any
) -> Chart:
    """The empty figure that every one starts from: clear ground, quiet hover labels.

    ``margin`` is left, right, top, bottom in pixels.
    """
    layout = {
        "height": height,
        "margin": margin if isinstance(margin, dict) else dict(zip("lrtb", margin, strict=True)),
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": SIZE, "color": palette.muted},
        "hoverlabel": {
            "bgcolor": palette.background,
            "bordercolor": palette.faint,
            "font": {"family": FONT, "size": SIZE, "color": palette.text},
            "align": "left",
        },
        "showlegend": False,
        "dragmode": "zoom",
        "clickmode": "event+select",
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": palette.muted, "orientation": "h"},
        "uirevision": "keep",
    }
    return Chart(layout | more)


def axis(palette: Palette, **more: Any) -> dict[str, Any]:
    """A thin axis without grid."""
    return {
        "showgrid": False,
        "zeroline": False,
        "showline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": palette.faint,
        "tickfont": {"size": SMALL, "color": palette.muted},
        "automargin": False,
    } | more


def names_axis(palette: Palette, names: Sequence[str], **more: Any) -> dict[str, Any]:
    """An axis with a name for each of the rows 0, 1, 2, ...; names are plotly text."""
    rows = {
        "tickvals": list(range(len(names))),
        "ticktext": list(names),
        "ticks": "",
        "tickfont": {"size": SIZE, "color": palette.text},
        "fixedrange": True,
    }
    return axis(palette, **rows | more)


def names_above(
    figure: Chart, names: Sequence[str], ys: Sequence[int], palette: Palette, shift: int = 17
) -> None:
    """Put the names of rows ``shift`` pixels above their marks: for narrow screens."""
    place = {"xref": "paper", "xanchor": "left", "yshift": shift, "bgcolor": halo(palette)}
    for name, y in zip(names, ys, strict=True):
        figure.add_annotation(note(name, 0, y, palette.text) | place)
    figure.update_layout(yaxis={"showticklabels": False})


def title(text: str, standoff: int | None = None) -> dict[str, Any]:
    """An axis title, ``standoff`` pixels from its ticks."""
    more = {} if standoff is None else {"standoff": standoff}
    return {"text": text, "font": {"size": SMALL}, **more}


def note(text: str, x: Any, y: Any, color: str, size: int = SMALL, **more: Any) -> dict[str, Any]:
    """Words in a figure, without an arrow; ``text`` is plotly text."""
    font = {"size": size, "color": color}
    return {"text": text, "x": x, "y": y, "showarrow": False, "font": font, **more}


def hover(texts: Sequence[str]) -> dict[str, Any]:
    """The words that appear over each mark of a trace, as plotly text."""
    return {"hovertext": list(texts), "hovertemplate": "%{hovertext}<extra></extra>"}


def picks(values: Any, texts: Sequence[str], name: str) -> dict[str, Any]:
    """Marks that can be picked, each with its value as customdata, and words over each."""
    return {"customdata": values, "name": name, **hover(texts), **UNFADED}


def bars(values: Sequence[float], inks: str | Sequence[str], **more: Any) -> dict[str, Any]:
    """A trace of horizontal bars in the rows 0, 1, 2, ..., or in those that ``y`` names."""
    rows = {"y": list(range(len(values))), "orientation": "h", "marker": {"color": inks}}
    return {"x": values, **rows, **more}


def at_ends(texts: Sequence[str], ink: str) -> dict[str, Any]:
    """The numbers at the ends of a trace's bars; they say what a hover text would."""
    font = {"color": ink}
    look = {"textposition": "outside", "textfont": font, "cliponaxis": False, "hoverinfo": "skip"}
    return {"text": list(texts), **look}


def dotted_line(ink: str, width: float, size: int | Sequence[int]) -> dict[str, Any]:
    """The look of a line with marks of these sizes on it, all in one colour."""
    line, marker = {"width": width, "color": ink}, {"size": size, "color": ink}
    return {"mode": "lines+markers", "line": line, "marker": marker}


def ring(x: float, y: float, color: str, size: int, width: int, name: str) -> dict[str, Any]:
    """A trace that circles one position."""
    return {
        "x": [x],
        "y": [y],
        "mode": "markers",
        "marker": {
            "symbol": "circle-open",
            "size": size,
            "color": color,
            "line": {"width": width, "color": color},
        },
        "hoverinfo": "skip",
        "name": name,
        "meta": MOVING,
    }


def errors(stderr: list[float], color: str, thickness: float) -> dict[str, Any]:
    """Standard errors at the ends of bars; nothing where all values are exact."""
    look = {"color": color, "thickness": thickness, "width": 3}
    return {"type": "data", "array": stderr, "visible": any(stderr), **look}


def stems(heights: DoubleArray, color: str) -> dict[str, Any]:
    """Lines from marks down to zero, as their error bars."""
    return {
        "type": "data",
        "symmetric": False,
        "array": np.zeros(len(heights)),
        "arrayminus": heights,
        "color": color,
        "thickness": 1.5,
        "width": 0,
    }


def rule(palette: Palette, x: Any, *, edge: bool = False) -> dict[str, Any]:
    """The one thin vertical rule at the selected time, through the whole figure.

    ``edge`` makes the wider line of the page's colour that goes behind it on filled areas.
    """
    return {
        "type": "line",
        "name": MOVING,
        "xref": "x",
        "yref": "paper",
        "x0": x,
        "x1": x,
        "y0": 0,
        "y1": 1,
        "line": {
            "color": palette.background if edge else palette.accent,
            "width": 4.5 if edge else 1.5,
        },
        "layer": "above",
    }


def signed_inks(values: Sequence[float], palette: Palette) -> list[str]:
    """The colour of each contribution."""
    return [palette.positive if value >= 0 else palette.negative for value in values]


def plain(text: str, limit: int = 0) -> str:
    """Words of a person as plotly text: no tags, in at most ``limit`` characters if given."""
    if limit:
        text = short(text, limit)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def swatch(color: str, text: str) -> str:
    """A name with a square of its hue before it, as plotly text; the words stay in ink."""
    return f'<span style="color:{color}">■</span> {plain(text, 24)}'  # no sentence


@lru_cache(KEPT_WORDS)
def in_full(text: str) -> str:
    """Words of a person in full, as lines of plotly text, for what appears over a mark."""
    if columns(text) <= HOVER_LINE:
        return plain(text)
    return "<br>".join(plain(line) for line in lines(text, HOVER_LINE))


def legend(
    marks: Sequence[tuple[str, str, str]], palette: Palette, *, below: bool = False
) -> dict[str, Any]:
    """What marks mean, above or below a chart's left end: triples of glyph, colour and words."""
    words = "   ".join(
        f'<span style="color:{ink}">{glyph}</span> {plain(meaning)}'  # no sentence
        if glyph
        else plain(meaning)
        for glyph, ink, meaning in marks
    )
    place: dict[str, Any] = {"xref": "paper", "yref": "paper", "xanchor": "left"}
    place |= {"yanchor": "top", "yshift": -6} if below else {"yanchor": "bottom"}
    return note(words, 0, 0 if below else 1, palette.muted, 11, **place)


def halo(palette: Palette) -> str:
    """The page's colour, nearly opaque, for labels over dense marks."""
    return rgba(palette.background, 0.72)

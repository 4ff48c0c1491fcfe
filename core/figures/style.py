"""What all figures share: type, axes, the rule at the selected time, and the export."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from core.figures.palette import Palette, rgba

FONT = '"Source Sans", system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif'
"""Streamlit brings the first along; a file opened elsewhere falls back on the system's own."""
SIZE = 13
SMALL = 12
MARGIN = {"l": 72, "r": 24, "t": 10, "b": 36}
"""Of charts over time, so that they line up."""

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
    "toImageButtonOptions": {"format": "svg", "filename": "tastelines"},
}
"""Plotly's own menu: zoom, pan, reset, and an SVG of the chart."""


def layout(palette: Palette, *, height: int, **more: Any) -> dict[str, Any]:
    """The layout every figure starts from: clear ground, thin axes, quiet hover labels."""
    return {
        "height": height,
        "margin": {"l": 64, "r": 16, "t": 8, "b": 28},
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
    } | more


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


def rule(palette: Palette, x: Any, *, edge: bool = False) -> dict[str, Any]:
    """The one thin vertical rule at the selected time, through the whole figure.

    ``edge`` makes the wider line of the page's colour that goes behind it on filled areas.
    """
    return {
        "type": "line",
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


def plain(text: str, limit: int = 0) -> str:
    """Words of a person as plotly text: no tags, cut after ``limit`` characters if given."""
    if limit and len(text) > limit:
        text = text[: limit - 1].rstrip() + "…"
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def swatch(color: str, text: str) -> str:
    """A name with a square of its hue before it, as plotly text; the words stay in ink."""
    return f'<span style="color:{color}">■</span> {plain(text, 24)}'


def halo(palette: Palette) -> str:
    """The page's colour, nearly opaque, for labels over dense marks."""
    return rgba(palette.background, 0.72)


def as_html(figures: Sequence[tuple[str, go.Figure]], palette: Palette, title: str) -> str:
    """One HTML file that opens anywhere: each figure under its sentence, plotly inside the file."""
    parts = [
        f"<p>{plain(sentence)}</p>"
        + figure.to_html(full_html=False, include_plotlyjs=number == 0, config=CONFIG)
        for number, (sentence, figure) in enumerate(figures)
    ]
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{plain(title)}</title>"
        f"<style>body{{background:{palette.background};color:{palette.text};font-family:{FONT};"
        "max-width:1200px;margin:2rem auto;padding:0 1rem}h1{font-size:1.4rem}</style></head>"
        f"<body><h1>{plain(title)}</h1>{''.join(parts)}</body></html>"
    )

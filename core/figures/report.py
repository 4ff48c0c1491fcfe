"""One HTML file to read without the app: sentences, charts, tables, reviews, nothing loaded.

All text is escaped. A policy in the file itself lets the browser run exactly the two scripts that
are written here, and load nothing.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from core.figures.palette import Palette
from core.figures.style import CONFIG, FONT

SHORT = 14
"""Characters of a cell that stay on one line."""
_DRAW = """
const figures = JSON.parse(document.getElementById("figures").textContent);
const settings = JSON.parse(document.getElementById("settings").textContent);
figures.forEach((figure, number) =>
  Plotly.newPlot("figure" + number, figure.data, figure.layout, settings));
"""


@dataclass(frozen=True, eq=False)
class Section:
    """One part of a report, shown in this order; what is empty is left out."""

    title: str
    """Its heading."""
    sentences: tuple[str, ...] = ()
    """What there is to say, a paragraph each."""
    figure: go.Figure | None = None
    """A chart."""
    table: pd.DataFrame | None = None
    """A table; NaN and None are empty cells."""
    quotes: tuple[tuple[str, str], ...] = ()
    """Words of persons, each under a heading of its own."""

    @property
    def has_content(self) -> bool:
        """Whether there is anything under the heading."""
        filled = self.table is not None and len(self.table) > 0
        return bool(self.sentences or self.quotes or self.figure is not None or filled)


def write_report(
    title: str, facts: Sequence[str], sections: Sequence[Section], palette: Palette
) -> str:
    """The file's content; ``facts`` are quiet lines under the title."""
    figures = [section.figure for section in sections if section.figure is not None]
    library = get_plotlyjs().replace("\r\n", "\n").replace("\r", "\n") if figures else ""
    scripts = [library, _DRAW] if figures else []
    allowed = " ".join(_hash(script) for script in scripts) or "'none'"
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {allowed}",
            "style-src 'unsafe-inline'",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    body: list[str] = []
    number = 0
    for section in sections:
        if not section.has_content:
            continue
        body.append(f"<section><h2>{html.escape(section.title)}</h2>")
        body += [f"<p>{html.escape(sentence)}</p>" for sentence in section.sentences]
        if section.figure is not None:
            body.append(f'<div class="figure" id="figure{number}"></div>')
            number += 1
        if section.table is not None and len(section.table):
            body.append(_table(section.table))
        for heading, text in section.quotes:
            body.append(f"<h3>{html.escape(heading)}</h3><blockquote>{html.escape(text)}")
            body.append("</blockquote>")
        body.append("</section>")
    return "".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(title)}</title><style>{_style(palette)}</style></head><body>",
            f"<header><h1>{html.escape(title)}</h1>",
            *(f'<p class="fact">{html.escape(fact)}</p>' for fact in facts),
            "</header><main>",
            *body,
            "</main>",
            *_data(figures),
            *(f"<script>{script}</script>" for script in scripts),
            "</body></html>\n",
        )
    )


def _hash(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _data(figures: Sequence[go.Figure]) -> list[str]:
    """Figures and settings as JSON that no HTML parser can take for markup."""
    if not figures:
        return []
    drawn = f"[{','.join(str(figure.to_json()) for figure in figures)}]"
    settings = json.dumps(CONFIG | {"responsive": True})
    return [
        f'<script type="application/json" id="{name}">{_inert(content)}</script>'
        for name, content in (("figures", drawn), ("settings", settings))
    ]


def _inert(content: str) -> str:
    return content.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _table(table: pd.DataFrame) -> str:
    head = "".join(f'<th scope="col">{html.escape(str(name))}</th>' for name in table.columns)
    rows = "".join(
        "<tr>" + "".join(_cell(value) for value in row) + "</tr>"
        for row in table.astype(object).itertuples(index=False, name=None)
    )
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="wide">{whole}</div>'


def _cell(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return "<td></td>"
    if isinstance(value, bool):
        return f"<td>{'yes' if value else ''}</td>"
    if isinstance(value, int | float):
        whole = isinstance(value, int) or value.is_integer()
        text = f"{value:.0f}" if whole else f"{value:.3f}"
        return f'<td class="number">{text}</td>'
    kind = ' class="short"' if len(str(value)) <= SHORT else ""
    return f"<td{kind}>{html.escape(str(value))}</td>"


def _style(palette: Palette) -> str:
    return (
        f":root{{color-scheme:{palette.name}}}"
        f"body{{background:{palette.background};color:{palette.text};font:15px/1.5 {FONT};"
        "max-width:1200px;margin:2rem auto;padding:0 1.25rem}"
        "h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}"
        "h3{font-size:.95rem;margin:1rem 0 .25rem}p{margin:.25rem 0;max-width:75ch}"
        f".fact{{color:{palette.muted}}}.wide{{overflow-x:auto}}"
        "table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.5rem 0}"
        f"th,td{{text-align:left;padding:.25rem .75rem .25rem 0;"
        f"border-bottom:1px solid {palette.faint};vertical-align:top}}"
        f"th{{color:{palette.muted};font-weight:600}}.number{{text-align:right}}"
        ".short{white-space:nowrap}"
        f"blockquote{{margin:0;padding:.25rem .75rem;border-left:3px solid {palette.faint};"
        "white-space:pre-wrap;overflow-wrap:anywhere}"
    )

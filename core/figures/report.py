"""One HTML file to read without the app: sentences, charts, tables, reviews, nothing loaded.

The template escapes all text. A policy in the file itself lets the browser run exactly the two
scripts that are written here, and load nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from plotly.offline import get_plotlyjs

from core import language
from core.figures.chart import Chart
from core.figures.palette import Palette
from core.figures.style import CONFIG, FONT
from core.language import tr
from core.word_breaks import columns, language_of

if TYPE_CHECKING:
    from jinja2 import Template

SHORT = 16
"""Columns of a cell that stay on one line."""
LANGUAGE_FONTS = {
    "zh": '"PingFang SC", "Microsoft YaHei", '  # no sentence
    '"Noto Sans CJK SC", "Source Han Sans SC"',
    "ja": '"Hiragino Sans", "Yu Gothic", "Meiryo", '  # no sentence
    '"Noto Sans CJK JP", "Source Han Sans JP"',
    "ko": '"Apple SD Gothic Neo", "Malgun Gothic", '  # no sentence
    '"Noto Sans CJK KR", "Source Han Sans KR"',
    "th": '"Thonburi", "Leelawadee UI", "Noto Sans Thai"',  # no sentence
}
"""The systems' fonts: Chinese and Japanese share characters that they write differently."""
DRAW = """
const figures = JSON.parse(document.getElementById("figures").textContent);
const settings = JSON.parse(document.getElementById("settings").textContent);
document.querySelectorAll(".figure").forEach((place, number) =>
  Plotly.newPlot(place, figures[number].data, figures[number].layout, settings));
"""  # no sentence


@dataclass(frozen=True, eq=False)
class Section:
    """One section of a report, shown in this order; what is empty is left out."""

    title: str
    """Its heading; empty for none."""
    sentences: tuple[str, ...] = ()
    """What there is to say, a paragraph each."""
    figure: Chart | None = None
    """A chart."""
    table: pd.DataFrame | None = None
    """A table; NaN and None are empty cells."""
    quotes: tuple[tuple[str, str], ...] = ()
    """Words of persons, each under a heading of its own."""
    link: str = ""
    """Address of the page that it comes from."""

    @property
    def cells(self) -> list[list[tuple[str, str]]]:
        """The table's rows, each cell its class and its text."""
        if self.table is None:
            return []
        rows = self.table.astype(object).itertuples(index=False, name=None)
        return [[cell(value) for value in row] for row in rows]

    @property
    def words_drawn(self) -> str:
        """What the chart's labels say."""
        layout = self.figure.to_dict()["layout"] if self.figure is not None else {}
        texts = [note.get("text") for note in layout.get("annotations", ())]
        for name, look in layout.items():
            texts += look.get("ticktext", ()) if "axis" in name else ()
        return " ".join(text for text in texts if isinstance(text, str))

    @property
    def has_content(self) -> bool:
        """Whether there is anything under the heading."""
        return bool(self.sentences or self.quotes or self.figure is not None or self.cells)


def write_report(
    title: str, facts: Sequence[str], sections: Sequence[Section], palette: Palette
) -> str:
    """The file's content; ``facts`` are quiet lines under the title."""
    from jinja2.utils import htmlsafe_json_dumps

    figures = [section.figure for section in sections if section.figure is not None]
    scripts = _scripts() if figures else {}
    return _template().render(
        spoken=language.current(),
        open_page=tr("Open the page"),
        title=title,
        facts=facts,
        sections=[section for section in sections if section.has_content],
        palette=palette,
        font=FONT,
        allowed=" ".join(scripts.values()) or "'none'",
        scripts=list(scripts),
        figures=htmlsafe_json_dumps(figures, dumps=_figures_json),
        settings=CONFIG | {"responsive": True},
        fonts={name: _before_generic(fonts) for name, fonts in LANGUAGE_FONTS.items()},
    )


def _before_generic(fonts: str) -> str:
    """The page's fonts with further ones before the last, generic one."""
    own, _, generic = FONT.rpartition(", ")
    return f"{own}, {fonts}, {generic}"


def as_html(figures: Sequence[tuple[str, Chart]], palette: Palette, title: str) -> str:
    """Charts as one HTML file, each under its sentence."""
    sections = [Section("", (sentence,), figure) for sentence, figure in figures]
    return write_report(title, (), sections, palette)


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["language"] = language_of
    environment.filters["tr"] = tr
    return environment.get_template("report.html.jinja")


def cell(value: object) -> tuple[str, str]:
    """A table cell's class and text."""
    if (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and value != value)
    ):
        return "", ""
    if isinstance(value, bool):
        return "", tr("yes") if value else ""
    if isinstance(value, int | float):
        whole = isinstance(value, int) or value.is_integer()
        return "number", f"{value:.0f}" if whole else f"{value:.3f}"
    text = f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)
    return "short" if columns(text) <= SHORT else "", text


@cache
def _scripts() -> dict[str, str]:
    """The scripts of a file with charts, each with what allows it in the policy."""
    library = get_plotlyjs().replace("\r\n", "\n").replace("\r", "\n")
    digests = {script: hashlib.sha256(script.encode()).digest() for script in (library, DRAW)}
    return {
        script: f"'sha256-{base64.b64encode(digest).decode()}'"
        for script, digest in digests.items()
    }


def _figures_json(figures: Sequence[Chart]) -> str:
    return f"[{','.join(str(figure.to_json()) for figure in figures)}]"

"""How a view leaves the tool: as a permalink, as tables, as a page of charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode

import streamlit as st
from pandas import DataFrame
from plotly.graph_objects import Figure

from core import language
from core.figures.report import as_html
from core.language import tr, trc
from core.views.tables import as_csv
from pages._shared import state
from pages._shared.drawing import palette

MIME = {"csv": "text/csv", "html": "text/html", "json": "application/json", "md": "text/markdown"}
File = tuple[str, Callable[[], str | DataFrame]]
"""The end of its name, and what makes it when it is asked for."""


def share(**values: str | int | None) -> None:
    """A permalink to what is on the screen."""
    base = (st.context.url or "").split("?")[0]
    with st.popover(trc("button", "Share"), icon=":material/link:"):
        st.caption(tr("Opens this view in another browser."))
        st.code(f"{base}?{urlencode(state.link(**values))}", language=None, wrap_lines=True)


def export(name: str, files: Mapping[str, File], *, has_charts: bool = True) -> None:
    """A menu of files by label, each made when it is asked for."""
    spoken = language.current()  # a download has a thread of its own
    with st.popover(tr("Export"), icon=":material/download:"):
        for label, (ending, make) in files.items():
            st.download_button(
                label,
                lambda make=make: content(make, spoken),  # type: ignore[misc]
                file_name=f"{name}{ending}",
                mime=MIME[ending.rpartition(".")[2]],
                on_click="ignore",
                width="stretch",
            )
        if has_charts:
            st.caption(tr("One chart as SVG: the camera in its upper right corner."))


def content(make: Callable[[], str | DataFrame], spoken: str) -> str:
    """A file's text, in a language."""
    with language.speaking(spoken):
        made = make()
        return as_csv(made) if isinstance(made, DataFrame) else made


def charts(figures: Sequence[tuple[str, Figure]], title: str, ending: str = ".html") -> File:
    """All charts, each with its sentence, as one HTML file."""
    ink = palette()
    return ending, lambda: as_html(figures, ink, title)

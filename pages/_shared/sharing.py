"""How a view leaves the tool: as a permalink, a table, a page of charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlencode

import streamlit as st
from pandas import DataFrame
from plotly.graph_objects import Figure

from core.figures.report import as_html
from core.views.tables import as_csv
from pages._shared import controls, state


def share(**values: str | int | None) -> None:
    """A permalink to what is on the screen."""
    base = (st.context.url or "").split("?")[0]
    with st.popover("Share", icon=":material/link:"):
        st.caption("Opens this corpus, model, user and time in another browser.")
        st.code(f"{base}?{urlencode(state.link(**values))}", language=None, wrap_lines=True)


def export(
    name: str,
    label: str,
    table: Callable[[], DataFrame],
    charts: Sequence[tuple[str, Figure]],
    title: str,
) -> None:
    """A menu with a table as CSV and charts as one HTML file, both made when asked for."""
    ink = controls.palette()
    with st.popover("Export", icon=":material/download:"):
        st.download_button(
            label,
            lambda: as_csv(table()),
            file_name=f"{name}.csv",
            mime="text/csv",
            on_click="ignore",
            width="stretch",
        )
        st.download_button(
            "Charts (HTML)",
            lambda: as_html(charts, ink, title),
            file_name=f"{name}.html",
            mime="text/html",
            on_click="ignore",
            width="stretch",
        )
        st.caption("One chart as SVG: the camera in its upper right corner.")

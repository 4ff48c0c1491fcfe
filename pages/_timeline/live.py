"""Charts of which a step redraws only what moves: the rule, rings, the path, the list's items.

Streamlit (1.67) builds a chart anew when anything in it has changed, 40 to 60 ms each. So it draws
what stays (``Chart.split``), and a component of its own kind (``st.components.v2``), which draws
nothing itself, has plotly.js put in what moves. A click on a mark comes back through it too: as a
widget, a chart that stays would take a second click on the same mark for a deselection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from core.figures.chart import Chart
from pages._shared import state

KEY = "live"
_redraw = st.components.v2.component(
    "tastelines_live",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    css=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def draw(
    charts: Mapping[str, Chart],
    on_pick: Callable[[list[Any]], None],
    parts: Mapping[str, tuple[str, ...]],
    said: Mapping[str, str],
) -> dict[str, Chart]:
    """What stays of each chart, by the key under which the page then draws it.

    ``on_pick`` gets what a clicked mark carries; ``parts`` name what of a layout moves too,
    ``said`` holds text alternatives that do.
    """
    split = {key: chart.split(*parts.get(key, ())) for key, chart in charts.items()}

    def picked() -> None:
        data = (state.get(KEY) or {}).get("picked")
        if data:
            on_pick(data)

    moving = {key: part | {"said": said.get(key)} for key, (_, part) in split.items()}
    _redraw(key=KEY, data={"charts": moving}, on_picked_change=picked)
    return {key: still for key, (still, _) in split.items()}

"""Whether the window is narrow, as on a phone, and how much room the page has.

Streamlit tells a script nothing of the window's width. A component of its own kind
(``st.components.v2``) does: it draws nothing and speaks only when what it says has changed.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages._shared import state

KEY = "screen"
ROOM = 920
"""Pixels across the page in a window of 1280 with the sidebar open: the browser need not say so."""
GAP = 32
"""Pixels between two columns of a page."""
SMALL_GAP = 16
"""Pixels between two cells of a grid with a small gap."""
_watch = st.components.v2.component(
    "tastelines_screen",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    css=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def watch() -> None:
    """Have the browser say when its window or the page's room changes; once on every page."""
    _watch(key=KEY, on_narrow_change=lambda: None, on_room_change=lambda: None)


def is_narrow() -> bool:
    """Whether the window has at most 640 pixels."""
    return bool((state.get(KEY) or {}).get("narrow"))


def room(share: float = 1.0) -> int:
    """Pixels across the page, or across a column that has a ``share`` of it."""
    whole = int((state.get(KEY) or {}).get("room") or ROOM)
    return whole if share == 1 or is_narrow() else int(whole * share - GAP / 2)


def cell(most: int, least: int, gap: int = GAP, frame: int = 0) -> int:
    """Pixels of a cell of a grid with at most ``most`` columns of ``least`` pixels or more.

    ``frame``: pixels of the page that a border around the grid takes.
    """
    whole = room() - frame
    columns = max(1, min(most, (whole + gap) // (least + gap)))
    return (whole - (columns - 1) * gap) // columns

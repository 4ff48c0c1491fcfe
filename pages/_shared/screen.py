"""Whether the window is narrow, as on a phone, where charts need another layout.

Streamlit tells a script nothing of the window's width. A component of its own kind
(``st.components.v2``) does: it draws nothing and speaks only when the width passes the bound.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages._shared import state

KEY = "screen"
_watch = st.components.v2.component(
    "tastelines_screen",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    css=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def watch() -> None:
    """Have the browser say when its window becomes narrow or wide; once on every page."""
    _watch(key=KEY, on_narrow_change=lambda: None)


def is_narrow() -> bool:
    """Whether the window has at most 640 pixels."""
    return bool((state.get(KEY) or {}).get("narrow"))

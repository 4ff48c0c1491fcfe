"""Tastelines: the page menu, the shared sidebar, the guard before the server, nothing else."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parent))

from core.domain import DomainError
from pages._shared import controls, keys, notices, screen, state, tray

HOME = Path(__file__).resolve().parent
ICON = str(HOME / "pages/_shared/icon.svg")
PAGE_WIDTH = 1600


def main() -> None:
    """One run of the workbench's script."""
    # A new page is one line here, one script in pages/ and one view in core/views.
    menu = {
        "Start": [
            st.Page("pages/overview.py", title="Overview", icon=":material/home:", default=True),
            st.Page("pages/users.py", title="Users", icon=":material/group:"),
            st.Page("pages/quality.py", title="Quality", icon=":material/verified:"),
        ],
        "One user": [
            st.Page("pages/timeline.py", title="Timeline", icon=":material/timeline:"),
            st.Page("pages/explain.py", title="Explain", icon=":material/rule:"),
            st.Page("pages/what_if.py", title="What-if", icon=":material/call_split:"),
            st.Page("pages/compare.py", title="Compare", icon=":material/compare_arrows:"),
        ],
        "Library": [
            st.Page("pages/notebook.py", title="Notebook", icon=":material/bookmarks:"),
            st.Page("pages/corpora.py", title="Data and models", icon=":material/database:"),
        ],
    }

    st.set_page_config(
        page_title="Tastelines",
        page_icon=ICON,
        layout="wide",
        initial_sidebar_state=280,
    )
    st.logo(str(HOME / "pages/_shared/logo.svg"), icon_image=ICON, size="large")
    page = st.navigation(menu)
    state.put(state.PAGE, (page.url_path, page.title))
    everything = list(chain.from_iterable(menu.values()))
    keys.hear(everything, plays=page.title == "Timeline")
    state.adopt_url()
    with st.sidebar:
        screen.watch()
        tray.draw()
    try:
        controls.draw_sidebar(plays=page.title == "Timeline", lists=page in menu["One user"])
        with st.sidebar:
            keys.listen(everything, plays=page.title == "Timeline")
    except DomainError as error:
        notices.show_error(error)
        st.stop()
    with st.container(horizontal_alignment="center"), st.container(width=PAGE_WIDTH):
        notices.show_notices()
        with notices.guarded():
            page.run()


if __name__ == "__main__":
    main()
else:  # `streamlit run` imports this module for its server, which runs it as a script
    from starlette.middleware import Middleware
    from streamlit.starlette import App

    from pages._server import Guard, opened

    app = App(__file__, middleware=[Middleware(Guard)], lifespan=opened)

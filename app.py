"""Tastelines: the page menu, the shared sidebar, the guard before the server, nothing else."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parent))

from core import access
from core.domain import DomainError
from core.jobs import in_front
from core.language import tr
from pages._shared import (
    controls,
    in_turn,
    keys,
    memory,
    notices,
    screen,
    signing,
    speaking,
    state,
    tray,
)

HOME = Path(__file__).resolve().parent
ICON = str(HOME / "pages/_shared/icon.svg")
PAGE_WIDTH = 1600


def main() -> None:
    """One run of the workbench's script."""
    spoken = speaking.adopt()
    # A new page is one line here, one script in pages/ and one view in core/views.
    menu = {
        tr("Start"): [
            st.Page(
                "pages/overview.py", title=tr("Overview"), icon=":material/home:", default=True
            ),
            st.Page("pages/users.py", title=tr("Users"), icon=":material/group:"),
            st.Page("pages/cohorts.py", title=tr("Cohorts"), icon=":material/groups:"),
            st.Page("pages/quality.py", title=tr("Quality"), icon=":material/verified:"),
            st.Page("pages/monitor.py", title=tr("Monitor"), icon=":material/monitor_heart:"),
        ],
        tr("One user"): [
            st.Page("pages/timeline.py", title=tr("Timeline"), icon=":material/timeline:"),
            st.Page("pages/explain.py", title=tr("Explain"), icon=":material/rule:"),
            st.Page("pages/what_if.py", title=tr("What-if"), icon=":material/call_split:"),
            st.Page("pages/compare.py", title=tr("Compare"), icon=":material/compare_arrows:"),
        ],
        tr("Library"): [
            st.Page("pages/notebook.py", title=tr("Notebook"), icon=":material/bookmarks:"),
            st.Page("pages/corpora.py", title=tr("Data and models"), icon=":material/database:"),
        ],
    }

    st.set_page_config(
        page_title=tr("Tastelines"),
        page_icon=ICON,
        layout="wide",
        initial_sidebar_state=280,
    )
    st.logo(str(HOME / "pages/_shared/logo.svg"), icon_image=ICON, size="large")
    is_known = access.current().role is not access.Role.STRANGER
    page = st.navigation(menu, position="sidebar" if is_known else "hidden")
    signing.stop_strangers()
    state.put(state.PAGE, (page.url_path, page.title))
    everything = list(chain.from_iterable(menu.values()))
    keys.hear(everything, plays=page.url_path == "timeline")
    state.adopt_url()
    if speaking.adopt() != spoken:  # the menu is drawn already
        st.rerun()
    with st.sidebar:
        screen.watch()
        tray.draw()
    held = state.held()
    try:
        controls.draw_sidebar(plays=page.url_path == "timeline", lists=page.url_path in state.LISTS)
        with st.sidebar:
            keys.listen(everything, plays=page.url_path == "timeline")
            speaking.draw()
            signing.draw()
    except DomainError as error:
        notices.show_error(error)
        state.told(held)
        st.stop()
    try:
        with st.container(horizontal_alignment="center"), st.container(width=PAGE_WIDTH):
            notices.show_notices()
            with notices.guarded():
                page.run()
    finally:
        state.told(held)


if __name__ == "__main__":
    memory.share_processors()
    with in_turn.turn(), in_front():  # who waits for a turn is not in front
        main()
else:  # `streamlit run` imports this module for its server, which runs it as a script
    from starlette.middleware import Middleware
    from streamlit.starlette import App

    from pages._server import Guard, check_who_gets_in, opened

    check_who_gets_in()
    memory.share_arenas()
    app = App(__file__, middleware=[Middleware(Guard)], lifespan=opened)

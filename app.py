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
from core.language import mark, tr
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
HOME_PAGE = "overview"
ICON = str(HOME / "pages/_shared/icon.svg")
PAGE_WIDTH = 1600
# A new page is one line here, one script in pages/ and one view in core/views.
MENU = {
    mark("Start"): (
        ("overview", mark("Overview"), "home"),
        ("users", mark("Users"), "group"),
        ("cohorts", mark("Cohorts"), "groups"),
        ("quality", mark("Quality"), "verified"),
        ("monitor", mark("Monitor"), "monitor_heart"),
    ),
    mark("One user"): (
        ("timeline", mark("Timeline"), "timeline"),
        ("explain", mark("Explain"), "rule"),
        ("what_if", mark("What-if"), "call_split"),
        ("compare", mark("Compare"), "compare_arrows"),
    ),
    mark("Library"): (
        ("notebook", mark("Notebook"), "bookmarks"),
        ("corpora", mark("Data and models"), "database"),
    ),
}
"""The pages by section: script, title and icon."""
TITLES = {name: title for pages in MENU.values() for name, title, _ in pages}


def entry(name: str, title: str, icon: str) -> st.Page:
    """A page in the menu."""
    icon, is_home = f":material/{icon}:", name == HOME_PAGE
    return st.Page(f"pages/{name}.py", title=tr(title), icon=icon, default=is_home)


def main() -> None:
    """One run of the workbench's script."""
    spoken = speaking.adopt()
    menu = {tr(section): [entry(*page) for page in pages] for section, pages in MENU.items()}

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
    state.put(state.PAGE, (page.url_path, TITLES[page.url_path or HOME_PAGE]))
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

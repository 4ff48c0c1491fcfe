"""The sidebar's pickers, and the notices that pages show instead of a traceback."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import streamlit as st
from pandas import DataFrame
from plotly.graph_objects import Figure
from streamlit.runtime.pages_manager import PagesManager

from core.corpus.store import Corpus, Manifest
from core.domain import DomainError
from core.figures.palette import PALETTES, Palette
from core.figures.style import as_html
from core.views import wording
from core.views.tables import as_csv
from pages._shared import loaders, state
from pages._shared.state import CORPUS, MODEL, PLAYING, TIME, USER, Selection

if TYPE_CHECKING:
    from core.engine import Engine

PLAY_SECONDS = 0.9
LISTED_USERS = 20_000
"""Above this many users an id is typed instead of chosen from a list."""


def escape(text: str) -> str:
    """Data as literal text inside Streamlit's Markdown."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:^@&])", r"\\\1", text).replace("\n", " ")


def say(sentence: str) -> None:
    """A sentence above a chart. It may hold words from files, so it is never Markdown."""
    st.text(sentence)


def caution(sentence: str) -> None:
    """A quiet line below a chart."""
    st.caption(escape(sentence))


def palette() -> Palette:
    """The colours of the theme that the browser shows."""
    return PALETTES["dark" if st.context.theme.type == "dark" else "light"]


def draw_sidebar(*, plays: bool) -> Selection:
    """Draw all pickers, settle what is chosen, write it to the URL, and return it."""
    if not plays:
        state.put(PLAYING, None)
    with st.sidebar:
        name = _pick_corpus()
        folders = loaders.model_folders(name) if name else []
        model_id = _pick_model(folders, name)
        corpus = loaders.corpus(name) if name else None
        user_id = _pick_user(corpus) if corpus is not None else None
        step = _pick_step(corpus, user_id, plays) if corpus is not None and user_id else None
    settled = Selection(name, model_id, user_id, step)
    state.publish_url(settled, folders[0].name if folders else None)
    return settled


def _pick_corpus() -> str | None:
    manifests = {manifest.name: manifest for manifest in loaders.corpora()}
    if not manifests:
        state.put(CORPUS, None)
        return None
    names = list(manifests)
    asked = state.get(CORPUS)
    if asked not in manifests:
        if asked is not None:
            state.add_notice(CORPUS, f"There is no corpus {asked!r} in this library.")
        state.put(CORPUS, names[0])
        state.put(MODEL, None)
    return str(
        st.selectbox(
            "Corpus",
            names,
            key=CORPUS,
            format_func=lambda name: corpus_label(manifests[name]),
            on_change=_forget,
            args=(MODEL, USER, TIME, PLAYING),
        )
    )


def corpus_label(manifest: Manifest) -> str:
    """A corpus's name; a simulated one says so."""
    return f"{manifest.name} (simulated)" if manifest.simulated else manifest.name


def _pick_model(folders: Sequence[Path], corpus: str | None) -> str | None:
    labels = {folder.name: loaders.model_label(folder) for folder in folders}
    ids = list(labels)
    if not ids:
        if state.get(MODEL) is not None:
            state.add_notice(MODEL, f"Corpus {corpus!r} has no trained model yet.")
            state.put(MODEL, None)
        if corpus:
            st.caption("No trained model yet")
        return None
    asked = state.get(MODEL)
    if asked not in ids:
        if asked is not None:
            state.add_notice(MODEL, f"There is no model {asked!r}; this is the newest one.")
        state.put(MODEL, ids[0])
    labels = {
        folder.name: loaders.model_label(folder) for folder in loaders.model_folders(corpus or "")
    }
    return str(
        st.selectbox(
            "Model", ids, key=MODEL, format_func=lambda i: labels.get(i, i), on_change=_forget
        )
    )


def _pick_user(corpus: Corpus) -> str | None:
    asked = state.get(USER)
    if asked is not None and loaders.unknown_user(corpus, asked):
        close = difflib.get_close_matches(asked, corpus.user_ids[:LISTED_USERS], n=3, cutoff=0.5)
        hint = f" Did you mean {', '.join(close)}?" if close else ""
        state.add_notice(USER, f"There is no user {asked!r} in corpus {corpus.name!r}.{hint}")
        state.put(USER, None)
        state.put(TIME, None)
    if len(corpus.user_ids) > LISTED_USERS:
        st.text_input(
            "User", key=USER, placeholder="Type an id", on_change=_forget, args=(TIME, PLAYING)
        )
        chosen = state.get(USER) or None
    else:
        chosen = st.selectbox(
            "User",
            corpus.user_ids,
            index=None,
            key=USER,
            placeholder=f"Search {wording.count(len(corpus.user_ids), 'user')}",
            on_change=_forget,
            args=(TIME, PLAYING),
        )
    with st.container(horizontal=True, gap="xsmall"):
        for label, move in (("Prev. user", -1), ("Next user", 1)):
            st.button(
                label,
                key=f"user{move:+d}",
                on_click=_move_user,
                args=(corpus, move),
                width="stretch",
            )
    return chosen


def _pick_step(corpus: Corpus, user_id: str, plays: bool) -> int:
    history = corpus.history(user_id)
    n = len(history)
    asked = state.get(TIME)
    try:
        step = history.resolve_step(asked)
    except DomainError:
        step = n
        state.add_notice(
            TIME, f"Time {asked!r} does not exist for {user_id}; this is the last of {n} steps."
        )
    state.put(TIME, step)
    if n > 1:
        st.slider(f"Time (step of {n})", 1, n, key=TIME, on_change=_forget, args=(PLAYING,))
    st.caption(wording.day(history.events[step - 1].timestamp))
    with st.container(horizontal=True, gap="xsmall"):
        for label, move, at_end in (
            ("Prev. event", -1, step <= 1),
            ("Next event", 1, step >= n),
        ):
            st.button(
                label,
                key=f"step{move:+d}",
                on_click=move_step,
                args=(move, n),
                disabled=at_end,
                width="stretch",
            )
    if plays:
        playing = bool(state.get(PLAYING))
        st.button(
            "Pause" if playing else "Play",
            key="play",
            icon=":material/pause:" if playing else ":material/play_arrow:",
            on_click=_toggle_play,
            args=(n,),
            disabled=n < 2,
            width="stretch",
        )
    return step


def _forget(*keys: str) -> None:
    state.clear_notices()
    for key in keys:
        state.put(key, None)


def _move_user(corpus: Corpus, move: int) -> None:
    ids = corpus.user_ids
    here = ids.index(state.get(USER)) if state.get(USER) in ids else -1 if move > 0 else 0
    state.put(USER, ids[(here + move) % len(ids)])
    _forget(TIME, PLAYING)


def choose_corpus(name: str) -> None:
    """Make a corpus the current one; for callbacks, also inside a fragment."""
    state.put(CORPUS, name)
    _forget(MODEL, USER, TIME, PLAYING)
    st.rerun()


def choose_model(corpus: str, model_id: str) -> None:
    """Make a model the current one and show what it is worth; for callbacks."""
    if state.get(CORPUS) != corpus:
        _forget(USER, TIME, PLAYING)
    state.put(CORPUS, corpus)
    state.put(MODEL, model_id)
    st.switch_page("pages/overview.py")


def open_page(page: str, **values: str | int | None) -> None:
    """Switch to a page with another user or time; for callbacks."""
    st.switch_page(page, query_params=state.link(**({"time": None} | values)))


def move_step(move: int, n: int) -> None:
    """Go some events on or back, within the history."""
    state.put(TIME, min(max(int(state.get(TIME) or n) + move, 1), n))
    _forget(PLAYING)


def _toggle_play(n: int) -> None:
    starts = not state.get(PLAYING)
    _forget()
    state.put(PLAYING, starts or None)
    if starts and int(state.get(TIME) or n) >= n:
        state.put(TIME, 1)


def pick(chart_key: str) -> None:
    """Select the time of the point that was picked in a chart."""
    step = state.picked_step(chart_key)
    if step is not None:
        state.put(TIME, step)
        _forget(PLAYING)


def play(n: int) -> None:
    """Advance the selected time while Play is on: one step per tick, then a rerun of everything."""

    @st.fragment(run_every=PLAY_SECONDS if state.get(PLAYING) else None)
    def tick() -> None:
        if not state.get(PLAYING):
            return
        if state.get("_ticked"):
            step = int(state.get(TIME) or 1)
            state.put(TIME, min(step + 1, n))
            if step + 1 >= n:
                state.put(PLAYING, None)
            state.put("_ticked", None)
            st.rerun()
        state.put("_ticked", True)

    tick()


def run(main: Callable[[], None]) -> None:
    """Run a page inside the app.

    Because of the folder's name, a fresh server whose first visitor follows a link to a page runs
    that page without app.py. Declaring a menu ends that for the whole server; then the rerun goes
    through app.py, on the same page and with the same query.
    """
    if not state.is_settled():
        PagesManager.uses_pages_directory = False
        st.rerun()
    main()


@contextmanager
def guarded() -> Iterator[None]:
    """Turn a DomainError inside a page into a notice with its remedy."""
    try:
        yield
    except DomainError as error:
        show_error(error)


def show_error(error: DomainError) -> None:
    """What happened, where, and what to do."""
    with st.container(border=True):
        st.markdown(f":material/error: **{escape(error.what[:1].upper() + error.what[1:])}.**")
        if error.where:
            st.caption(escape(error.where))
        if error.remedy:
            st.markdown(escape(error.remedy + "."))


def show_notices() -> None:
    """Wishes of the URL that could not be met."""
    for notice in state.notices():
        st.info(escape(notice.text), icon=":material/link_off:")


def empty(title: str, text: str, *, page: str | None = None, label: str = "") -> None:
    """A designed empty state: what is missing and the next step."""
    with st.container(border=True, horizontal_alignment="left"):
        st.subheader(escape(title), anchor=False)
        st.markdown(escape(text))
        if page:
            st.page_link(page, label=label, icon=":material/arrow_forward:")


def need_engine() -> Engine:
    """The engine of the selection; stops the page with an empty state where there is none."""
    chosen = state.selection()
    if chosen.corpus is None:
        empty(
            "The library is empty",
            "Import a file of reviews or behaviour, or restore the demo with: python -m core demo",
            page="pages/corpora.py",
            label="Data and models",
        )
        st.stop()
    if chosen.model_id is None:
        empty(
            f"No model has been trained on {chosen.corpus}",
            "A timeline shows what a model makes of a history, so it needs one.",
            page="pages/corpora.py",
            label="Train a model",
        )
        st.stop()
    return loaders.engine(chosen.corpus, chosen.model_id)


def need_user(corpus: Corpus) -> None:
    """The empty state of a page about one user: some to start with."""
    empty(
        "Choose a user",
        "Search an id in the sidebar, or start from the lists on the overview.",
        page="pages/overview.py",
        label="Overview",
    )
    counts = corpus.user_starts[1:] - corpus.user_starts[:-1]
    busiest = counts.argsort(kind="stable")[::-1][:6]
    with st.container(horizontal=True, gap="small"):
        for at in busiest:
            user = corpus.user_ids[at]
            st.page_link(
                "pages/timeline.py",
                label=escape(f"{user} · {wording.count(int(counts[at]), 'event')}"),
                icon=":material/person:",
                query_params=state.link(user=user, time=None),
            )


def export(
    name: str,
    label: str,
    table: Callable[[], DataFrame],
    charts: Sequence[tuple[str, Figure]],
    title: str,
) -> None:
    """A menu with a table as CSV and charts as one HTML file, both made when asked for."""
    ink = palette()
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


def share(**values: str | int | None) -> None:
    """A permalink to what is on the screen."""
    base = (st.context.url or "").split("?")[0]
    with st.popover("Share", icon=":material/link:"):
        st.caption("Opens this corpus, model, user and time in another browser.")
        st.code(f"{base}?{urlencode(state.link(**values))}", language=None, wrap_lines=True)

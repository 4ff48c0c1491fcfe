"""The sidebar's pickers, and what a click changes."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from core.corpus.store import Corpus, Manifest
from core.domain import DomainError
from core.figures.palette import PALETTES, Palette
from core.views import wording
from pages._shared import loaders, state
from pages._shared.state import CORPUS, ITEM, MODEL, PLAYING, TIME, USER, Selection

PLAY_SECONDS = 0.9
LISTED_USERS = 20_000
"""Above this many users an id is typed instead of chosen from a list."""


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
    state.hold(CORPUS)
    return str(
        st.selectbox(
            "Corpus",
            names,
            key=CORPUS,
            format_func=lambda name: corpus_label(manifests[name]),
            on_change=_forget,
            args=(MODEL, USER, TIME, ITEM, PLAYING),
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
    state.hold(MODEL)
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
    typed = len(corpus.user_ids) > LISTED_USERS
    state.hold(USER, typed=typed)
    if typed:
        st.text_input(
            "User",
            key=USER,
            placeholder="Type an id",
            on_change=_forget,
            args=(TIME, ITEM, PLAYING),
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
            args=(TIME, ITEM, PLAYING),
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
    _forget(TIME, ITEM, PLAYING)


def choose_corpus(name: str) -> None:
    """Make a corpus the current one; for callbacks, also inside a fragment."""
    state.put(CORPUS, name)
    _forget(MODEL, USER, TIME, ITEM, PLAYING)
    st.rerun()


def choose_model(corpus: str, model_id: str) -> None:
    """Make a model the current one and show what it is worth; for callbacks."""
    if state.get(CORPUS) != corpus:
        _forget(USER, TIME, ITEM, PLAYING)
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

"""The sidebar's pickers, and what a click changes."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from core.corpus.models import Models, sample_of
from core.corpus.store import Corpus
from core.domain import DomainError
from core.language import mark, tr
from core.recommend.registry import NAMES
from core.views import wording
from pages._shared import drawing, finding, loaders, notices, own, state
from pages._shared.state import CORPUS, MODEL, PLAYING, RECOMMENDER, TIME, USER, Selection

PLAY_SECONDS = 0.9
LISTED_ITEMS, LISTED_USERS = 20_000, 5_000
"""Above this many an item's id is typed, a user found by a part of it, instead of listed.

A browser makes every option of a list, shown or not: 20,000 users took it 4 of the 8 seconds until
the first page was drawn."""


def draw_sidebar(*, plays: bool, lists: bool) -> Selection:
    """Draw all pickers, settle what is chosen, write it to the URL, and return it.

    The pickers persist: where another page is clicked before the browser has drawn them anew it
    names none of them, and Streamlit would forget what they hold.
    ``plays``: whether the page can be played; ``lists``: whether it shows a user's lists.
    """
    if not plays:
        state.put(PLAYING, None)
    if state.page() != "cohorts":
        state.put(state.PLAYING_CALENDAR, None)
    with st.sidebar:
        name = _pick_corpus()
        models = loaders.library().models(name) if name else Models((), {})
        model_id = _pick_model(models, name)
        corpus = _open_corpus(name) if name else None
        user_id = step = None
        if corpus is not None:
            try:
                user_id = _pick_user(corpus)
                step = _pick_step(corpus, user_id) if user_id else None
            except DomainError as error:
                _say_unopened(corpus.name, error)
                loaders.drop_corpus(corpus.name, model_id)
                corpus = user_id = step = None
        recommender = _pick_recommender(corpus, model_id) if lists and corpus and model_id else None
    settled = Selection(name, model_id, user_id, step, recommender)
    state.publish_url(settled)
    return settled


def _pick_corpus() -> str | None:
    readable, damaged = loaders.library().survey()
    manifests = {manifest.name: manifest for manifest in readable}
    notices.say_damaged(CORPUS, "corpus", damaged)
    if not manifests:
        state.put(CORPUS, None)
        return None
    names = list(manifests)
    missing = mark("There is no corpus {!r} in this library.")
    if not drawing.settle(CORPUS, names, names[0], missing):
        state.forget_about(CORPUS)

    def label(name: str) -> str:
        simulated = manifests[name].simulated
        return tr("{corpus} (simulated)", corpus=name) if simulated else name

    return str(
        st.selectbox(
            tr("Corpus"),
            names,
            key=CORPUS,
            format_func=label,
            on_change=_change,
            args=(CORPUS,),
            persist_state="session",
        )
    )


def _open_corpus(name: str) -> Corpus | None:
    """The corpus; None where it is damaged, which is said here, for pages that do without it."""
    try:
        return loaders.corpus(name)
    except DomainError as error:
        _say_unopened(name, error)
        return None


def _say_unopened(name: str, error: DomainError) -> None:
    said = tr("The corpus {name!r} can't be opened: {problem}.", name=name, problem=error.what)
    notices.caution(said)


def _pick_model(models: Models, corpus: str | None) -> str | None:
    labels = {folder.name: loaders.model_label(folder) for folder in models.folders}
    ids = list(labels)
    notices.say_damaged(MODEL, "model", models.damaged)
    if not ids:
        if state.get(MODEL) is not None:
            said = tr("Corpus {corpus!r} has no trained model yet.", corpus=corpus)
            state.add_notice(MODEL, said)
            state.put(MODEL, None)
        if corpus and not models.damaged:
            st.caption(tr("No trained model yet"))
        return None
    drawing.settle(MODEL, ids, ids[0], mark("There is no model {!r}; this is the newest one."))
    chosen = str(
        st.selectbox(
            tr("Model"),
            ids,
            key=MODEL,
            format_func=lambda i: labels.get(i, i),
            on_change=_change,
            args=(MODEL,),
            persist_state="session",
        )
    )
    sample = sample_of(next(folder for folder in models.folders if folder.name == chosen))
    if sample is not None:
        st.caption(sample.sentence)
    return chosen


def _pick_recommender(corpus: Corpus, model_id: str) -> str | None:
    """Whose lists are shown; None where the model can't be opened, which the page then says."""
    try:
        engine = loaders.engine(corpus.name, model_id)
        names, usual = list(engine.recommenders), engine.recommender().id
    except DomainError:
        return None
    cause = engine.failures.get(str(state.get(RECOMMENDER)))
    missing, told = mark("There is no recommender {!r} in this model; this is {}."), [usual]
    if cause:
        missing = mark("There is no recommender {!r} in this model; this is {}. {}")
        told.append(str(cause))
    drawing.settle(RECOMMENDER, names, usual, missing, *told)
    about = tr("Whose lists Timeline, Explain, What-if, Compare and Cohorts show.")
    return draw_recommenders(tr("Recommender"), RECOMMENDER, names, help=about)


def draw_recommenders(label: str, key: str, names: Sequence[str], **look: Any) -> str:
    """A picker of one recommender, kept over page switches; ``settle`` its choice first."""
    look |= {"persist_state": "session", "format_func": recommender_label, "on_change": _change}
    return str(st.selectbox(label, names, key=key, args=(key,), **look))


def recommender_label(name: str) -> str:
    """What a recommender is called in a picker."""
    label = tr(NAMES.get(name, name)).removeprefix("the ")
    return wording.capital(label)


def _pick_user(corpus: Corpus) -> str | None:
    asked = state.get(USER)
    if asked is not None and not corpus.knows(asked):
        close = difflib.get_close_matches(asked, corpus.user_ids[:LISTED_USERS], n=3, cutoff=0.5)
        said = tr(
            "There is no user {asked!r} in corpus {corpus!r}.", asked=asked, corpus=corpus.name
        )
        hint = tr("Did you mean {users}?", users=tr(", ").join(close)) if close else ""
        state.add_notice(USER, wording.joined(said, hint))
        state.choose(USER, None)
        state.forget_about(USER)
    chosen: str | None
    if len(corpus.user_ids) > LISTED_USERS:
        finding.draw(corpus, choose_user)
        chosen = state.get(USER)
    else:
        chosen = _list_users(corpus, state.get(USER))
    own.draw(corpus)
    with st.container(horizontal=True, gap="xsmall"):
        for label, move in ((tr("Prev. user"), -1), (tr("Next user"), 1)):
            key = f"user{move:+d}"
            drawing.button(label, key, move_user, corpus, move, width="stretch")
    walk = state.walk(corpus.user_ids)
    if walk is not corpus.user_ids:
        at = wording.number(walk.index(chosen) + 1)
        st.caption(tr("{at} of {n} in the list you left", at=at, n=len(walk)))
    return chosen


def _list_users(corpus: Corpus, asked: str | None) -> str | None:
    """All users to choose from."""
    state.hold(USER)
    users = corpus.user_ids
    called: Callable[[str], str] = str
    if asked is not None and asked not in corpus.user_index and corpus.knows(asked):
        users, called = (asked, *users), partial(own.label, corpus)
    chosen: str | None = st.selectbox(
        tr("User"),
        users,
        index=None,
        key=USER,
        placeholder=tr("Search {users}", users=wording.count(len(corpus.user_ids), "user")),
        format_func=called,
        on_change=_change,
        args=(USER,),
        persist_state="session",
    )
    return chosen


def _pick_step(corpus: Corpus, user_id: str) -> int:
    history = corpus.history(user_id)
    n = len(history)
    if not n:
        st.caption(tr("No events yet"))
        state.put(TIME, None)
        return 0
    asked = state.get(TIME)
    try:
        step = history.resolve_step(asked)
    except DomainError:
        step = n
        missing = mark("Time {asked!r} does not exist for {user}; this is the last of {n} steps.")
        state.add_notice(TIME, tr(missing, asked=asked, user=user_id, n=n))
    state.put(TIME, step)
    state.hold(TIME)
    if state.page() == "compare" and state.has_own_columns():
        st.caption(tr("Each column has a step of its own."))
        return step
    if n > 1:
        label = tr("Time (step of {n})", n=n)
        st.slider(label, 1, n, key=TIME, on_change=_change, args=(TIME,), persist_state="session")
    st.caption(wording.day(history.events[step - 1].date))
    with st.container(horizontal=True, gap="xsmall"):
        ends = (tr("Prev. event"), -1, step <= 1), (tr("Next event"), 1, step >= n)
        for label, move, at_end in ends:
            drawing.button(
                label, f"step{move:+d}", move_step, move, n, disabled=at_end, width="stretch"
            )
    return step


def play_button(n: int) -> None:
    """Play or Pause, for a history of ``n`` events."""
    playing = state.get(PLAYING)
    label, icon = (tr("Pause"), "pause") if playing else (tr("Play"), "play_arrow")
    drawing.button(label, "play", toggle_play, n, icon=icon, disabled=n < 2)


def _change(key: str) -> None:
    """The browser reports another value of a picker. For callbacks."""
    if state.is_choice(key):
        _forget(key)


def _forget(changed: str = "") -> None:
    """After a choice Play stops, and what was about the former choice is forgotten."""
    state.has_chosen()
    state.stop_playing()
    if changed:
        state.forget_about(changed)


def move_user(corpus: Corpus, move: int) -> None:
    """Go some users on or back in the list that the person came from. For callbacks."""
    ids, chosen = state.walk(corpus.user_ids), state.get(USER)
    now = -1 if move > 0 else 0
    if ids is corpus.user_ids:
        now = corpus.user_index.get(chosen, now)
    elif chosen in ids:
        now = ids.index(chosen)
    state.put(USER, ids[(now + move) % len(ids)])
    _forget(USER)


def choose_user(user_id: str) -> None:
    """Make a user the current one; for callbacks, also inside a fragment."""
    state.put(finding.SAID, None)  # the field says the id, also where that was chosen already
    state.put(USER, user_id)
    _forget(USER)
    st.rerun()


def choose_first(corpus: Corpus) -> None:
    """Make the first user that was found the current one. For callbacks."""
    chooses, user_id = finding.first(corpus)
    if chooses:
        state.put(finding.SAID, None)  # the field says the id, also where that was chosen already
        state.put(USER, user_id)
        _forget(USER)


def choose_corpus(name: str) -> None:
    """Make a corpus the current one; for callbacks, also inside a fragment."""
    state.put(CORPUS, name)
    _forget(CORPUS)
    st.rerun()


def choose_model(corpus: str, model_id: str) -> None:
    """Make a model the current one and show what it is worth; for callbacks."""
    _forget(MODEL if state.get(CORPUS) == corpus else CORPUS)
    state.put(CORPUS, corpus)
    state.put(MODEL, model_id)
    st.switch_page("pages/overview.py")


def open_page(page: str, **values: str | int | None) -> None:
    """Switch to a page, at the last event unless told otherwise; for callbacks."""
    state.go(page, **({TIME: None} | values))


def open_listed(user_ids: Sequence[str], at: int, page: str, **values: str | int | None) -> None:
    """Open a user of a list; the next and the previous one are then those of the list.

    For callbacks.
    """
    state.put(state.WALK, (state.get(CORPUS), tuple(user_ids)))
    open_page(page, user=user_ids[at], **values)


def move_step(move: int, n: int) -> None:
    """Go some events on or back, within the history."""
    state.put(TIME, min(max(int(state.get(TIME) or n) + move, 1), n))
    _forget()


def toggle_play(n: int) -> None:
    """Play the Timeline, from its start if it is at its end, or pause. For callbacks."""
    starts = not state.get(PLAYING)
    _forget()
    state.put(PLAYING, starts or None)
    if starts and int(state.get(TIME) or n) >= n:
        state.put(TIME, 1)


def pick(chart_key: str) -> None:
    """Select the time of the point that was picked in a chart."""
    step = state.picked_step(chart_key)
    if step is not None:
        choose_step(step)


def choose_step(step: int) -> None:
    """Select a time; for callbacks."""
    state.put(TIME, step)
    _forget()


def play(n: int) -> None:
    """Advance the selected time while Play is on: one step per tick, then a rerun of everything."""

    is_drawn = False

    @st.fragment(run_every=PLAY_SECONDS if state.get(PLAYING) else None)
    def tick() -> None:
        nonlocal is_drawn
        if is_drawn and state.get(PLAYING):  # a run of the whole page is no tick
            step = int(state.get(TIME) or 1)
            state.put(TIME, min(step + 1, n))
            if step + 1 >= n:
                state.put(PLAYING, None)
            st.rerun()
        is_drawn = True

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

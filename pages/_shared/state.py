"""What a person has chosen, kept in the session and in the URL. No other module touches either.

The URL is written by hand instead of with ``bind="query-params"``: with Streamlit 1.67 a bound
parameter makes ``st.switch_page`` raise, makes ``st.page_link(query_params=...)`` append a second
value that is then ignored, and a value set by code before the widget never reaches the URL. Written
by hand, links, back and forward, page switches and code all work (tests/browser).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

CORPUS, MODEL, USER, TIME, ITEM = "corpus", "model", "user", "time", "item"
RECOMMENDER = "recommender"
"""Whose lists the pages about a user show."""
COLUMNS = "columns"
"""What Compare shows: a preset's name or columns in the notation of ``core.compare.columns``."""
SCENARIO = "scenario"
"""Which saved scenario What-if shows."""
EDITS = "edits"
"""Unsaved edits of What-if (``core.scenario.unsaved``); other pages carry them."""
GOAL = "goal"
"""Whether What-if's search brings the item ``in`` or ``out``."""
PROTOCOL, USUAL_PROTOCOL = "protocol", "leave-last-out"
SUBJECT, USUAL_SUBJECT = "about", "joint"
"""Which recommender Quality is about."""
ABOUT_USER = (ITEM, RECOMMENDER, COLUMNS, SCENARIO, EDITS, GOAL)
"""In the URL once a user is chosen."""
LEFT_WITH_USER = (TIME, ITEM, SCENARIO, EDITS, GOAL)
"""What another user makes meaningless."""
USUAL = {PROTOCOL: USUAL_PROTOCOL, SUBJECT: USUAL_SUBJECT}
"""In the URL unless they have this value."""
IN_URL = (CORPUS, MODEL, USER, TIME, *ABOUT_USER, *USUAL)
PLAYING = "playing"
PAGE = "page"
"""Which page is open: its name in the address, and its title."""
WALK = "walk"
"""Users in the order in which the previous and the next one are found."""
TOLD = 3
"""From which run on a typed value is no longer told to the browser."""
_WRITTEN = "_written_to_url"
_NOTICES = "_notices"
_SELECTION = "_selection"
_ASKED = "_asked_by_url"


@dataclass(frozen=True, slots=True)
class Selection:
    """What the sidebar settled on; None where nothing is chosen or nothing exists.

    ``step`` counts from 1; ``recommender`` is None on pages that show no user's lists.
    """

    corpus: str | None
    model_id: str | None
    user_id: str | None
    step: int | None
    recommender: str | None = None


def get(key: str) -> Any:
    """A value of this session; None when unset."""
    return st.session_state.get(key)


def put(key: str, value: Any) -> None:
    """Set a value before its widget is drawn, or in a callback; None forgets it."""
    if value is None:
        st.session_state.pop(key, None)
    else:
        st.session_state[key] = value


def hold(key: str, *, typed: bool = False) -> None:
    """Tell the browser a value of this session again, just before its widget is drawn.

    Streamlit sends a value set by code once. A busy browser may skip the elements of that run when
    those of the next are there; it then starts the widget empty and reports that as a choice.
    ``typed`` is for text fields: from the third run on they are left to the person, or what is
    being typed would be lost.
    """
    if key not in st.session_state:
        return
    value = st.session_state[key]
    if typed:
        last, told = st.session_state.get(f"_told_{key}", (None, 0))
        told = told + 1 if last == value else 1
        st.session_state[f"_told_{key}"] = (value, told)
        if told >= TOLD:
            return
    st.session_state[key] = value


def choose(key: str, value: Any) -> None:
    """Set a widget before it is drawn; None empties it, where ``put`` leaves the browser's."""
    st.session_state[key] = value


def adopt_url() -> None:
    """Take what the URL asks for, if it isn't what this session wrote there.

    A wish replaces everything below it: a corpus forgets model, user and what is about the user; a
    user forgets what is about another one. Edits, a scenario and a goal that it doesn't name are
    none.
    """
    asked = {key: st.query_params[key] for key in IN_URL if key in st.query_params}
    if not asked or asked == st.session_state.get(_WRITTEN):
        return
    clear_notices()
    put(_ASKED, frozenset(asked))
    is_other_corpus = asked.get(CORPUS, get(CORPUS)) != get(CORPUS)
    is_other_user = asked.get(USER, get(USER)) != get(USER)
    gone = [COLUMNS, PROTOCOL, SUBJECT, PLAYING, SCENARIO, EDITS, GOAL]
    if is_other_corpus:
        gone += [MODEL, USER]
    if is_other_user or TIME in asked:
        gone.append(TIME)
    if is_other_corpus or is_other_user:
        gone += LEFT_WITH_USER
    for key in gone:
        put(key, None)
    for key, value in asked.items():
        put(key, value)


def is_asked(key: str) -> bool:
    """Whether the URL that was opened last named a key."""
    return key in (get(_ASKED) or ())


def publish_url(selection: Selection, newest_model: str | None) -> None:
    """Write the selection to the URL; the newest model needs no mention.

    While Play is on the URL waits, or Back would have to walk through every step played.
    """
    st.session_state[_SELECTION] = selection
    if get(PLAYING):
        return
    values = {
        CORPUS: selection.corpus,
        MODEL: selection.model_id if selection.model_id != newest_model else None,
        USER: selection.user_id,
        TIME: selection.step,
    }
    if selection.user_id is not None:
        values |= {key: get(key) for key in ABOUT_USER}
    values |= {key: get(key) for key, usual in USUAL.items() if get(key) != usual}
    wanted = {key: str(value) for key, value in values.items() if value is not None}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)
    st.session_state[_WRITTEN] = wanted


def publish_again() -> None:
    """Write what a page has changed since to the URL; also inside a fragment."""
    values = {key: get(key) for key in ABOUT_USER}
    kept = {key: value for key, value in (get(_WRITTEN) or {}).items() if key not in ABOUT_USER}
    wanted = kept | {key: str(value) for key, value in values.items() if value is not None}
    if wanted != get(_WRITTEN) and selection().user_id is not None and not get(PLAYING):
        st.query_params.from_dict(wanted)
        st.session_state[_WRITTEN] = wanted


def walk(user_ids: Sequence[str]) -> Sequence[str]:
    """The list of users that the person came from, else ``user_ids``, all of the corpus."""
    listed = get(WALK) or ()
    return listed if get(USER) in listed and set(listed) <= set(user_ids) else user_ids


def is_settled() -> bool:
    """Whether the sidebar has been drawn in this session."""
    return _SELECTION in st.session_state


def selection() -> Selection:
    """What the sidebar settled on in this run."""
    settled: Selection = st.session_state[_SELECTION]
    return settled


def link(**values: str | int | None) -> dict[str, str]:
    """Query parameters of a permalink: the current selection with some values replaced.

    What-if's edits go with the same user to every page.
    """
    now = selection()
    whose = values.get(CORPUS, now.corpus), values.get(USER, now.user_id)
    with_edits = (SCENARIO, EDITS, GOAL) if whose == (now.corpus, now.user_id) else ()
    merged: dict[str, str | int | None] = {
        CORPUS: now.corpus,
        MODEL: (get(_WRITTEN) or {}).get(MODEL),
        USER: now.user_id,
        TIME: now.step,
        RECOMMENDER: get(RECOMMENDER),
        **{key: get(key) for key in with_edits},
        **values,
    }
    return {key: str(value) for key, value in merged.items() if value is not None}


def add_notice(about: str, text: str) -> None:
    """Remember that a wish of the URL could not be met; shown until something is chosen."""
    st.session_state[_NOTICES] = notices() | {about: text}


def notices() -> dict[str, str]:
    """Wishes that could not be met, by key of the URL; plain text."""
    return get(_NOTICES) or {}


def clear_notices() -> None:
    """Forget them: the person has chosen something."""
    put(_NOTICES, None)


def picked_data(chart_key: str) -> list[Any] | None:
    """What the point picked in a chart carries; None when a pick was undone."""
    event = st.session_state.get(chart_key) or {}
    for point in event.get("selection", {}).get("points", ()):
        data = point.get("customdata")
        values = list(data) if isinstance(data, list | tuple) else [data]
        if values and values[0] is not None:
            return values
    return None


def picked_step(chart_key: str) -> int | None:
    """The step of the point picked in a chart; None when a pick was undone."""
    data = picked_data(chart_key)
    return int(data[0]) if data else None

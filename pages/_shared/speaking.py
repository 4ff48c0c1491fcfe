"""In which language the pages speak: the browser's, until another one is chosen or linked to."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from core import language
from core.language import ENGLISH, LANGUAGES
from pages._shared import state
from pages._shared.state import LANGUAGE

LABEL = "Language · 语言"
"""In both, for who can't read the one that is on."""  # no sentence
PICKER, SPOKEN = "language", "_spoken"
"""The picker, and the language of the run before."""


def adopt() -> str:
    """Say what this run says in the language of who reads it; which one that is."""
    asked = state.get(LANGUAGE) or (None if state.is_settled() else st.query_params.get(LANGUAGE))
    if asked not in LANGUAGES:
        asked = language.matched(st.context.locale) or ENGLISH
    language.choose(asked)
    if state.get(SPOKEN) not in (None, asked):
        state.renamed()
    state.put(SPOKEN, asked)
    return asked


def of_session() -> str | None:
    """The language of this thread's session; None in a thread of none.

    Callbacks and fragments run before the script, or without it, in a thread of their own.
    """
    return None if get_script_run_ctx(suppress_warning=True) is None else state.get(SPOKEN)


def draw() -> None:
    """The picker, at the sidebar's end."""
    state.put(PICKER, language.current())
    st.selectbox(
        LABEL, list(LANGUAGES), key=PICKER, format_func=LANGUAGES.__getitem__, on_change=_pick
    )


def _pick() -> None:
    state.put(LANGUAGE, state.get(PICKER))
    state.has_chosen()


language.ask_with(of_session)

"""One of the users' attributes, picked by its name."""

from __future__ import annotations

import streamlit as st

from core.corpus.attributes import Attributes, label_of
from core.language import tr
from pages._shared import notices, state


def pick_attribute(label: str, key: str, attributes: Attributes) -> str | None:
    """The attribute that ``key`` holds, as a list; None for none."""
    asked = state.get(key)
    if asked is not None and asked not in attributes.names:
        notices.miss(key, tr("There is no user attribute {asked!r} in this corpus.", asked=asked))
        state.choose(key, None)
    state.hold(key)
    picked = st.selectbox(
        label,
        attributes.names,
        index=None,
        key=key,
        placeholder=tr("None"),
        format_func=label_of,
        persist_state="session",
        on_change=_chosen,
        args=(key,),
        width=220,
    )
    return str(picked) if picked is not None else None


def say_missing(key: str) -> None:
    """Where an address asks for an attribute of a corpus that has none: that, once."""
    asked = state.get(key)
    if asked is not None:
        said = tr("This corpus has no user attributes, so none is called {asked!r}.", asked=asked)
        notices.miss(key, said)
        state.choose(key, None)


def _chosen(key: str) -> None:
    """What was asked of another attribute is forgotten. For callbacks."""
    state.has_chosen()
    state.forget_about(key)

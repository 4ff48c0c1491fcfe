"""The picker of one user among very many: type a part of an id or of an attribute, take a hit."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.corpus.finding import SHOWN, UserFinder, UserHit
from core.corpus.store import Corpus
from core.language import mark, tr
from core.views.jump import hit_label
from pages._shared import drawing, loaders, notices, own, state

BOX, QUERY, SAID = "find_user", "find_user_query", "find_user_said"
"""The container, in which ``keys.js`` moves by arrows; what is typed; which user the field says."""
PAUSE = "120ms"
"""The pause in typing after which hits are looked up."""


@loaders.kept(4, mark("Reading the users …"), speaks=False)
def finder(corpus: Corpus) -> UserFinder:
    """What finds the users of a corpus."""
    return UserFinder.of(corpus)


def draw(corpus: Corpus, choose: Callable[[str], None]) -> None:
    """A field and, while something else than the chosen id stands in it, the hits below.

    ``choose`` is called with the id of the hit that was taken. Typing reruns nothing else.
    """
    chosen = state.get(state.USER)
    if state.get(SAID) != chosen:
        state.put(SAID, chosen)
        state.choose(QUERY, chosen or "")
    state.hold(QUERY, typed=True)

    @st.fragment
    def field() -> None:
        with st.container(key=BOX, gap="xsmall"):
            hint = tr("Part of an id")
            if corpus.attributes is not None:
                hint = tr("Part of an id or attribute")
            query = st.text_input(
                tr("User"), key=QUERY, live=PAUSE, autocomplete="off", placeholder=hint
            )
            typed = (query or "").strip()
            if not typed or typed == state.get(state.USER):
                return
            hits = found(corpus, typed)
            for number, hit in enumerate(hits):
                called = hit._replace(user_id=own.label(corpus, hit.user_id))
                label = notices.escape(hit_label(called))
                key = f"{BOX}_{number}"
                drawing.button(label, key, choose, hit.user_id, icon="person", type="tertiary")
            if hits:
                st.caption(tr("Enter: the first. ↓ ↑ or Tab: the others."))
            else:
                st.caption(tr("Nobody is called like that."))

    field()


def found(corpus: Corpus, typed: str) -> list[UserHit]:
    """The users that answer to what was typed, the best first; an own history by its whole id."""
    hits = finder(corpus).find(typed)
    if typed not in corpus.user_index and corpus.knows(typed):
        return [UserHit(typed), *hits][:SHOWN]
    return hits


def first(corpus: Corpus) -> tuple[bool, str | None]:
    """Whether Enter chooses in the field, and whom: its first hit, nobody where it is empty."""
    typed = str(state.get(QUERY) or "").strip()
    hits = found(corpus, typed)
    return bool(hits) or not typed, hits[0].user_id if hits else None

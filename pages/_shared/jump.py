"""The palette: type a few letters of a user, an item, a page or a command, and go there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import streamlit as st

from core.corpus.store import Corpus
from core.domain import DomainError
from core.language import tr
from core.views.jump import Names, build_names, find, hit_label
from pages._shared import drawing, finding, loaders, notices, state
from pages._shared.state import ITEM, PLAYING, USER

DIALOG, GO, HELP = "dialog", "go", "help"
"""Which dialog is open, and the two there are."""
GOING = "going"
"""The page to open next."""
QUERY, BOX = "jump_query", "jump"
MOST = 5
"""Hits of each kind."""


class Act(NamedTuple):
    """Something that a key or a hit does, in a callback."""

    label: str
    icon: str
    do: Callable[[], None]


@loaders.kept(4, speaks=False)
def names(corpus: Corpus) -> Names:
    """What can be typed to find an item."""
    return build_names(corpus)


def open_dialog(which: str) -> None:
    """Open a dialog, the palette with nothing typed; Play stops. For callbacks."""
    state.put(QUERY, None)
    state.put(PLAYING, None)
    state.put(DIALOG, which)


def close() -> None:
    """Close whichever dialog is open. For callbacks."""
    state.put(DIALOG, None)


def follow(hit: Act) -> None:
    """Close the palette and go there. For callbacks in it."""
    close()
    hit.do()
    st.rerun()


def follow_first(pages: Sequence[st.Page], acts: Sequence[Act]) -> None:
    """Close the palette and go to its first hit, if there is one. For callbacks."""
    for hit in hits(pages, acts, str(state.get(QUERY) or "")):
        close()
        hit.do()
        return


def draw(pages: Sequence[st.Page], acts: Sequence[Act]) -> None:
    """The palette: typing reruns nothing but this dialog."""

    @st.dialog(tr("Go to"), on_dismiss=close)
    def dialog() -> None:
        with st.container(key=BOX, gap="xsmall"):
            query = st.text_input(
                tr("User, item, page or command"), key=QUERY, live=finding.PAUSE, autocomplete="off"
            )
            found = list(hits(pages, acts, query or ""))
            for number, hit in enumerate(found):
                drawing.button(
                    notices.escape(hit.label),
                    f"jump_{number}",
                    follow,
                    hit,
                    icon=hit.icon,
                    type="tertiary",
                )
            if not found:
                st.text(tr("Nothing is called like that."))
            st.caption(tr("Enter: the first. ↓ ↑ or Tab: the others."))

    dialog()


def hits(pages: Sequence[st.Page], acts: Sequence[Act], query: str) -> Iterator[Act]:
    """What a query finds, a few of each kind; without one, all pages."""
    for at in find([page.title for page in pages], query, len(pages) if not query else MOST):
        yield Act(pages[at].title, "arrow_forward", partial(open_page, script_of(pages[at])))
    if not query:
        return
    acts = [act._replace(label=tr(act.label)) for act in acts]
    yield from (acts[at] for at in find([act.label for act in acts], query, MOST))
    corpus = state.selection().corpus
    if corpus is not None:
        with suppress(DomainError):  # the sidebar says why the corpus can't be read
            yield from _hits_in(loaders.corpus(corpus), query)


def _hits_in(corpus: Corpus, query: str) -> Iterator[Act]:
    """Users and items that a query finds."""
    known = names(corpus)
    for hit in finding.finder(corpus).find(query, MOST):
        yield Act(
            tr("User {user}", user=hit_label(hit)),
            "person",
            partial(open_page, drawing.TIMELINE, **{USER: hit.user_id}),
        )
    for at in find(known.items, query, MOST):
        yield Act(
            tr("Item {item}", item=known.items[at]),
            "sell",
            partial(open_page, drawing.EXPLAIN, **{ITEM: known.item_ids[at]}),
        )


def script_of(page: st.Page) -> str:
    """The script of a page of the menu."""
    return f"pages/{page.url_path or 'overview'}.py"


def open_page(script: str, **about: str) -> None:
    """Open a page as its entry in the menu does, or about something else. For callbacks.

    Not at once: a callback that switches pages ends a run in which no widget was drawn, and
    Streamlit forgets the values of those.
    """
    state.put(GOING, (script, about))


def go_on() -> None:
    """Open the page that a key or a hit asked for; once the sidebar is drawn."""
    going = state.get(GOING)
    state.put(GOING, None)
    if going is not None:
        script, about = going
        state.go(script, **about)

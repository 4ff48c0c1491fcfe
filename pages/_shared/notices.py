"""Words on a page: sentences, cautions, errors, and what is shown where something is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import streamlit as st

from core.corpus.store import Corpus
from core.domain import DomainError
from core.files import Damaged
from core.language import mark, tr
from core.model.metrics import Metrics, read_metrics
from core.views import wording
from pages._shared import loaders, state

if TYPE_CHECKING:
    from core.engine import Engine

T = TypeVar("T")
WORD_JOINER = "\u2060"
MISSED = ":material/link_off:"
DAMAGED = {
    "corpus": mark("The corpus {name!r} is damaged: {problem}"),
    "model": mark("The model {name!r} is damaged: {problem}"),
}
"""How a thing of a kind is called damaged."""


def escape(text: str) -> str:
    """Data as literal text inside Streamlit's Markdown.

    Streamlit makes links of bare addresses after it has read the escapes, so an invisible word
    joiner breaks them up.
    """
    text = re.sub(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)", WORD_JOINER, text, flags=re.IGNORECASE)
    text = re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:^@&=])", r"\\\1", text)
    return re.sub(r"[\r\n]", " ", text)


def say(sentence: str) -> None:
    """A sentence above a chart. It may hold words from files, so it is never Markdown."""
    st.text(sentence)


def caution(sentence: str) -> None:
    """A quiet line below a chart."""
    st.caption(escape(sentence))


@contextmanager
def guarded() -> Iterator[None]:
    """Turn a DomainError inside a page into a notice with its remedy."""
    try:
        yield
    except DomainError as error:
        show_error(error)


def show_error(error: DomainError) -> None:
    with st.container(border=True):
        what = tr("{clauses}.", clauses=escape(wording.capital(error.what)))
        st.markdown(f":material/error: **{what}**")  # no sentence
        if error.where:
            st.caption(escape(error.where))
        if error.remedy:
            st.markdown(escape(tr("{clauses}.", clauses=error.remedy)))


def show_damaged(kind: str, damaged: Mapping[str, DomainError]) -> None:
    """Corpora or models that can't be read, by name, with the way out."""
    for name, error in damaged.items():
        problem = tr(DAMAGED[kind], name=name, problem=error.what)
        show_error(DomainError(problem, where=error.where, remedy=error.remedy))


def say_damaged(key: str, kind: str, damaged: Mapping[str, DomainError]) -> None:
    """A line in the sidebar, and a notice where the URL asks for one of them."""
    if damaged:
        names = tr(", ").join(damaged)
        st.caption(escape(tr("Damaged: {names}. See Data and models.", names=names)))
    asked = state.get(key)
    if asked in damaged:
        state.add_notice(key, tr(DAMAGED[kind], name=asked, problem=damaged[asked]))
        state.put(key, None)


def find(read: Callable[[], T | None]) -> tuple[T | None, str]:
    """A stored result, and what is wrong with it; None and no words where there is none."""
    try:
        return read(), ""
    except Damaged as error:
        return None, wording.capital(tr("{clauses}.", clauses=error.what))


def metrics_of(engine: Engine) -> Metrics | None:
    """The metrics of a model; what is damaged is said, and the page goes on without."""
    try:
        return read_metrics(engine.folder)
    except DomainError as error:
        show_error(error)
        return None


def wrong(problem: DomainError, about: str = "") -> None:
    """What is wrong with a value, at its field."""
    remedy = tr("{clauses}.", clauses=problem.remedy) if problem.remedy else ""
    words = wording.capital(problem.what)
    if about:
        words = tr("{about}: {problem}", about=about, problem=problem.what)
    said = wording.joined(tr("{clauses}.", clauses=words), remedy)
    st.markdown(f":material/error: {escape(said)}")  # no sentence


def show_notices() -> None:
    """Wishes of the URL that could not be met."""
    for text in state.notices().values():
        st.info(escape(text), icon=MISSED)


def miss(about: str, text: str) -> None:
    """Say that a wish of the URL could not be met, now and until something is chosen."""
    if state.notices().get(about) == text:
        return  # it stands above the page already
    state.add_notice(about, text)
    st.info(escape(text), icon=MISSED)


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
    library = loaders.library()
    is_damaged = library.damaged() if chosen.corpus is None else {}
    if chosen.corpus is not None and chosen.model_id is None:
        is_damaged = library.models(chosen.corpus).damaged
    if is_damaged:
        show_damaged("corpus" if chosen.corpus is None else "model", is_damaged)
        st.stop()
    if chosen.corpus is None:
        text = tr(
            "Import a file of reviews or other events, or restore the demo: {command}",
            command="python -m core demo",  # no sentence
        )
        title, label = tr("The library is empty"), tr("Data and models")
        empty(title, text, page="pages/corpora.py", label=label)
        st.stop()
    if chosen.model_id is None:
        title = tr("No model has been trained on {corpus}", corpus=chosen.corpus)
        text = tr("This page shows what a model computes from a history. Train a model first.")
        empty(title, text, page="pages/corpora.py", label=tr("Train a model"))
        st.stop()
    return loaders.engine(chosen.corpus, chosen.model_id)


class Moment(NamedTuple):
    """What a page about a user is about."""

    engine: Engine
    user_id: str
    step: int
    recommender: str


def need_user() -> Moment:
    """The chosen user and step; stops the page with some users to start with where none is."""
    engine, chosen = need_engine(), state.selection()
    if chosen.user_id is not None and chosen.step is not None:
        recommender = chosen.recommender or engine.recommender().id
        if not chosen.step:
            title = tr("This history has no events")
            text = tr("Add events in What-if, and take them into the history there.")
            empty(title, text, page="pages/what_if.py", label=tr("What-if"))
            st.stop()
        return Moment(engine, chosen.user_id, chosen.step, recommender)
    offer_users(engine.corpus)
    st.stop()


def say_sample(engine: Engine) -> None:
    """Where a page is about all users: whom the model was trained on, if not on all."""
    if engine.corpus.sample is not None:
        caution(wording.about_everybody(engine.corpus.sample))


def offer_users(corpus: Corpus) -> None:
    title, text = tr("Choose a user"), tr("Pick a user in the sidebar or start from Overview.")
    empty(title, text, page="pages/overview.py", label=tr("Overview"))
    counts = corpus.user_starts[1:] - corpus.user_starts[:-1]
    busiest = counts.argsort(kind="stable")[::-1][:6]
    with st.container(horizontal=True, gap="small"):
        for at in busiest:
            user = corpus.user_ids[at]
            st.page_link(
                "pages/timeline.py",
                label=escape(f"{user} · {wording.count(int(counts[at]), 'event')}"),
                icon=":material/person:",
                query_params=state.link("pages/timeline.py", user=user),
            )

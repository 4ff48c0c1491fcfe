"""A question about a whole cohort: a pattern of edits, the form that makes it, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core import jobs
from core.arrays import BoolArray
from core.cohorts.listed import MOST, Listed
from core.cohorts.pattern import Act, Editor, Pattern
from core.cohorts.patterns import PatternStore, SavedPattern
from core.cohorts.store import Cohort
from core.cohorts.what_if import CohortWhatIf, K, make_what_if, read_what_if, stored_path
from core.domain import DomainError
from core.jobs import Work
from core.language import mark, tr, trc
from core.views.cohorts.rows import WhatIfView
from core.views.cohorts.what_if import build_what_if
from core.views.what_if.history_table import find_item, item_label
from core.views.wording import count
from pages._shared import cohorts, controls, drawing, loaders, notices, state
from pages._shared.loaders import Fingerprint, kept
from pages._shared.state import COHORTS_PATTERN, PATTERN_SAVED

if TYPE_CHECKING:
    from core.corpus.corpus import Corpus
    from core.engine import Engine

ACTS = {
    Act.DELETE: mark("Delete the events"),
    Act.NEGATIVE: mark("Make reviews negative"),
    Act.POSITIVE: mark("Make reviews positive"),
    Act.TEXT: mark("Replace reviews by a text"),
    Act.SHIFT: mark("Raise or lower ratings"),
}
FIELDS = ("do", "kind", "item", "topic", "last", "text", "by")
ANSWER, FILLED = "pattern_answer", "pattern_filled"
"""What became of the last question or save; the pattern that the form was filled with."""
PICK = "pattern_pick"


@dataclass(frozen=True, eq=False)
class Asked:
    """A cohort and the recommender whose lists are asked for."""

    engine: Engine
    name: str
    users: BoolArray
    cohort: Cohort
    """The same users as a saved what-if holds them: a rule, or a list."""
    recommender: str

    @property
    def user_ids(self) -> tuple[str, ...]:
        """Ids, in the corpus's order."""
        return cohorts.ids(self.engine, self.users)

    def work(self, pattern: Pattern, k: int = K) -> Work[CohortWhatIf]:
        """The measuring, for a job."""
        library, about = loaders.library(), (self.user_ids, pattern, self.recommender, k)

        def run(progress: Any, stop: Any) -> CohortWhatIf:
            return make_what_if(library, self.engine, *about, progress=progress, stop=stop)

        return run

    @property
    def link(self) -> dict[str, str | None]:
        """What the address says of whom the page describes, for a job that is about them."""
        return {key: state.get(key) for key in (*state.COHORTS_SOURCES, state.COHORTS_AT)}

    def target(self, pattern: Pattern, k: int = K) -> str:
        """What a job is about."""
        about = self.engine, self.user_ids, pattern, self.recommender, k
        where = stored_path(loaders.library(), *about)
        corpus, model = self.engine.corpus.name, self.engine.model_id
        return f"{corpus} {model} {self.recommender} {pattern.to_text()} {where.stem}"


def _file(
    engine: Engine, users: BoolArray, pattern: Pattern, recommender: str, k: int
) -> Fingerprint:
    library, ids = loaders.library(), cohorts.ids(engine, users)
    path = stored_path(library, engine, ids, pattern, recommender, k)
    return tuple(map(loaders.stamp, library.places(path)))


@kept(8, also=_file)
def answered(
    engine: Engine, users: BoolArray, pattern: Pattern, recommender: str, k: int
) -> WhatIfView | None:
    """What was measured; None where nothing was, ``Damaged`` where it is damaged."""
    ids = cohorts.ids(engine, users)
    found = read_what_if(loaders.library(), engine, ids, pattern, recommender, k)
    if found is None:
        return None
    topics = [engine.topics.names[topic] for topic in engine.topics.item_topic]
    return build_what_if(engine.corpus, topics, found)


def store() -> PatternStore:
    """The store of the library's saved patterns."""
    return PatternStore.open(loaders.library())


@kept(8, speaks=False)
def _listed(patterns: PatternStore, corpus: str) -> list[SavedPattern]:
    return patterns.entries(corpus)


def whose(pattern_id: str) -> SavedPattern:
    """The saved what-if whose users the address means; DomainError where there is none.

    Also one that was deleted since: no shorter address has its users.
    """
    try:
        return store().load(pattern_id)
    except DomainError:
        if revisions := store().revisions(pattern_id):
            return revisions[-1]
        raise


def saved(corpus: str) -> list[SavedPattern]:
    """A corpus's saved patterns, the one saved last first."""
    return _listed(store(), corpus)


def draw_form(asked: Asked) -> None:
    """Which events, and what becomes of them."""
    engine = asked.engine
    corpus = engine.corpus
    fill(corpus)
    manifest = corpus.manifest
    kinds = [str(kind) for kind, n in manifest.kinds.items() if n]
    acts = [str(act) for act in ACTS if act is not Act.SHIFT or manifest.rating_scale]
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            if state.get("pattern_do") not in acts:
                state.choose("pattern_do", acts[0])
            st.selectbox(
                trc("verb", "Change"),
                acts,
                key="pattern_do",
                format_func=lambda act: tr(ACTS[Act(act)]),
                width=230,
            )
            do = Act(state.get("pattern_do"))
            pick("kind", tr("Of kind"), [] if len(kinds) < 2 else kinds, 130, tr)
            pick("topic", tr("In the topic"), engine.topics.names, 190)
            draw_item(corpus)
            st.number_input(
                tr("Newest"), 1, value=None, key="pattern_last", width=110, placeholder=tr("All")
            )
            if do is Act.SHIFT:
                scale = manifest.rating_scale
                by = trc("amount", "By")
                if scale:
                    by = tr("By (scale {low:g} to {high:g})", low=scale[0], high=scale[1])
                st.number_input(
                    by,
                    value=None,
                    key="pattern_by",
                    step=1.0,
                    width=150,
                )
        if do is Act.TEXT:
            st.text_area(tr("Text of the review"), key="pattern_text", height=80)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            n = count(int(asked.users.sum()), "user")
            label = tr("See what changes for {users}", users=n)
            drawing.button(label, "ask_pattern", ask, asked, type="primary")
            own = saved(corpus.name)
            if own:
                draw_saved(own)
        answer = state.get(ANSWER)
        if isinstance(answer, DomainError):
            notices.wrong(answer)


def pick(
    name: str,
    label: str,
    options: Sequence[str],
    width: int,
    words: Callable[[str], str] = str,
) -> None:
    key, usual = f"pattern_{name}", tr("Any")
    if state.get(key) not in (None, *options):
        state.choose(key, None)
    if options:
        st.selectbox(
            label,
            options,
            index=None,
            key=key,
            format_func=words,
            placeholder=usual,
            width=width,
        )


def draw_item(corpus: Corpus) -> None:
    """One item by its title; typed where there are too many to list."""
    if len(corpus.item_ids) > controls.LISTED_ITEMS:
        usual = tr("Any: id or title")
        st.text_input(tr("Of the item"), key="pattern_item", placeholder=usual, width=230)
        return
    if state.get("pattern_item") not in (None, *corpus.item_ids):
        state.choose("pattern_item", None)
    st.selectbox(
        tr("Of the item"),
        corpus.item_ids,
        index=None,
        key="pattern_item",
        format_func=lambda item: item_label(corpus, item),
        placeholder=tr("Any"),
        width=230,
    )


def draw_saved(own: Sequence[SavedPattern]) -> None:
    names = {
        entry.pattern_id: " · ".join(filter(None, (entry.name, entry.cohort.name, entry.owner)))
        for entry in own
    }
    asked = state.get(PATTERN_SAVED)
    is_open = asked in names and not state.get(COHORTS_PATTERN)
    state.choose(PICK, asked if is_open else None)
    st.selectbox(
        tr("Saved what-if"),
        list(names),
        index=None,
        key=PICK,
        format_func=lambda id: names.get(id, id),
        placeholder=tr("Open a saved what-if"),
        label_visibility="collapsed",
        width=260,
        on_change=choose_saved,
    )


def choose_saved() -> None:
    """Open a saved what-if with its cohort and recommender. For callbacks."""
    chosen = state.get(PICK)
    state.has_chosen()
    state.choose(PATTERN_SAVED, chosen)
    state.put(ANSWER, None)
    if chosen:
        try:
            open_saved(store().load(str(chosen)))
        except DomainError as problem:
            state.put(ANSWER, problem)


def open_saved(entry: SavedPattern) -> None:
    """Whom it is about and whose lists; for callbacks."""
    for key in (
        *(state.COHORTS_RULE, state.COHORTS_AREA, state.COHORTS_USERS, state.COHORT_SAVED),
    ):
        state.choose(key, None)
    state.choose(COHORTS_PATTERN, None)
    state.put(state.RECOMMENDER, entry.recommender)


def fill(corpus: Corpus) -> None:
    """Put the pattern of the address into the fields, before they are drawn."""
    text = str(state.get(COHORTS_PATTERN) or "")
    wanted = state.get(PATTERN_SAVED)
    if wanted and not text:
        text = next(
            (e.pattern.to_text() for e in saved(corpus.name) if e.pattern_id == wanted), text
        )
    if state.get(FILLED) == text:
        return
    try:
        given = {
            name: str(value) if name in ("do", "kind") else value
            for name, value in Pattern.from_text(text).given.items()
        }
    except DomainError:
        given = {}
    if given or state.get(FILLED):
        for name in FIELDS:
            state.choose(f"pattern_{name}", given.get(name, "" if name == "text" else None))
    state.put(FILLED, text)


def ask(asked: Asked) -> None:
    """Make the form a pattern and ask for the lists. For callbacks."""
    values = {name: state.get(f"pattern_{name}") for name in FIELDS}
    do = values["do"]
    values |= {"text": values["text"] if do == Act.TEXT else None}
    values |= {"by": values["by"] if do == Act.SHIFT else None}
    try:
        if values["item"] and values["item"] not in asked.engine.corpus.item_index:
            values["item"] = find_item(asked.engine.corpus, str(values["item"]))
        pattern = Pattern.from_values(values)
        Editor(asked.engine, pattern)
    except DomainError as problem:
        state.put(ANSWER, problem)
        return
    state.has_chosen()
    state.put(ANSWER, None)
    if state.get(PATTERN_SAVED):
        keep_cohort(asked)
    state.choose(COHORTS_PATTERN, pattern.to_text())
    state.put(FILLED, pattern.to_text())
    answer, _ = notices.find(
        lambda: answered(asked.engine, asked.users, pattern, asked.recommender, K)
    )
    if answer is None:
        try:
            about = asked.target(pattern), asked.work(pattern)
            jobs.start("what_if", *about, link=asked.link)
        except DomainError as problem:
            state.put(ANSWER, problem)


def keep_cohort(asked: Asked) -> bool:
    """Go on with the cohort of a saved what-if, without it; whether that can be. For callbacks.

    A list that no saved cohort has and that is too long for an address stays that of the what-if.
    """
    corpus, rule = asked.engine.corpus, asked.cohort.rule
    same = [each for each in cohorts.saved(corpus.name) if is_same(each, asked)]
    if rule is not None:
        link = state.cohort_of(state.COHORTS_RULE, rule.to_text())
    elif same:
        link = state.cohort_of(state.COHORT_SAVED, same[0].cohort_id)
    elif asked.users.sum() <= MOST:
        places = tuple(np.flatnonzero(asked.users).tolist())
        code = Listed(asked.name, places).to_code(corpus)
        link = state.cohort_of(state.COHORTS_USERS, code)
    else:
        return False
    del link[state.COHORT_AGAINST]
    for key, value in link.items():
        state.choose(key, value)
    return True


def is_same(cohort: Cohort, asked: Asked) -> bool:
    """Whether a saved cohort lists the same users."""
    return cohort.rule is None and cohort.user_ids == asked.cohort.user_ids

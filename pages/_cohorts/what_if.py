"""A cohort's what-if: what becomes of the lists of its users under one pattern of edits."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import streamlit as st
from streamlit import column_config as col

from core.cohorts.pattern import Editor, Pattern
from core.cohorts.patterns import SavedPattern, outcome_of
from core.cohorts.what_if import K
from core.domain import DomainError
from core.figures.cohort_what_if import items_figure
from core.language import tr
from core.scenario.unsaved import Unsaved, to_address
from core.views.cohorts.rows import ItemRow, ListedTopic, WhatIfView
from core.views.cohorts.what_if_sentences import pattern_words, saved_words
from core.views.tables import table
from core.views.wording import capital, count, joined
from pages._cohorts.asking import (
    ANSWER,
    Asked,
    answered,
    draw_form,
    keep_cohort,
    open_saved,
    store,
    whose,
)
from pages._shared import controls, drawing, loaders, notices, screen, sharing, state, working
from pages._shared.drawing import Charts
from pages._shared.state import COHORTS_PATTERN, PATTERN_SAVED

if TYPE_CHECKING:
    from core.engine import Engine

NAME, NOTES = "pattern_name", "pattern_notes"
TABLE_HEIGHT = 360


def draw(asked: Asked) -> tuple[WhatIfView | None, Charts]:
    """The question, its progress or its answer; the answer and its charts, for export."""
    engine = asked.engine
    st.subheader(tr("What if their histories were different?"), anchor=False)
    if problem := loaders.problem_of(store()):
        notices.caution(problem)
    draw_form(asked)
    pattern, entry = read(asked)
    if pattern is None:
        return None, {}
    k = entry.k if entry is not None else K
    find = functools.partial(answered, engine, asked.users, pattern, asked.recommender, k)
    view, problem = notices.find(find)
    if view is None:
        words = capital(pattern_words(pattern, engine.corpus))
        if working.is_drawn("what_if", asked.target(pattern, k), words):
            return None, {}
        if problem:
            notices.caution(problem)
        notices.caution(
            tr(
                "{pattern}: not asked for {users} and {recommender} yet.",
                pattern=words,
                users=count(int(asked.users.sum()), "user"),
                recommender=asked.recommender,
            )
        )
        target, work = asked.target(pattern, k), asked.work(pattern, k)
        working.offer("what_if", target, tr("Ask for the lists"), work, link=asked.link)
        return None, {}
    return view, draw_answer(asked, view, entry)


def draw_waiting(engine: Engine) -> None:
    """A pattern in the address while nobody is described: it waits for a cohort."""
    text = state.get(COHORTS_PATTERN)
    if not text:
        return
    try:
        pattern = Pattern.from_text(str(text))
        pattern.check(engine)
    except DomainError as problem:
        notices.miss(COHORTS_PATTERN, str(problem))
        state.choose(COHORTS_PATTERN, None)
        return
    words = capital(pattern_words(pattern, engine.corpus))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        notices.say(
            tr("{pattern}: choose the cohort whose lists this would change.", pattern=words)
        )
        drawing.button(tr("Drop it"), "pattern_drop", drop, icon="close")


def drop() -> None:
    """Forget a pattern that waits for a cohort. For callbacks."""
    state.has_chosen()
    state.choose(COHORTS_PATTERN, None)


def read(asked: Asked) -> tuple[Pattern | None, SavedPattern | None]:
    """The pattern of the address, and the saved one that it is; what can't be is said.

    Beside a saved one the address may have another pattern, which is then asked of its cohort.
    """
    entry, wanted, text = None, state.get(PATTERN_SAVED), state.get(COHORTS_PATTERN)
    try:
        if text:
            pattern = Pattern.from_text(str(text))
        elif wanted:
            entry = whose(str(wanted))
            if entry.deleted:  # the page says so; its users stay
                return None, None
            pattern = entry.pattern
        else:
            return None, None
        pattern.check(asked.engine)
    except DomainError as problem:
        if entry is None:
            notices.miss(COHORTS_PATTERN, str(problem))
            state.choose(COHORTS_PATTERN, None)
        else:
            notices.wrong(problem, tr("{name} can't be asked", name=entry.name))
            drawing.button(tr("Delete"), "pattern_delete", delete, entry, asked, icon="delete")
        return None, None
    return pattern, entry


def draw_answer(asked: Asked, view: WhatIfView, entry: SavedPattern | None) -> Charts:
    """How many lists change, which items win and lose, and whose lists change most."""
    engine, manifest = asked.engine, asked.engine.corpus.manifest
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        notices.say(view.sentence)
        st.space("stretch")
        if entry is None:
            save_form(asked, view)
        else:
            drawing.button(tr("Delete"), "pattern_delete", delete, entry, asked, icon="delete")
    if entry is not None:
        notices.caution(saved_words(entry, view.found, manifest))
        if entry.notes:
            notices.caution(entry.notes)
    charts: Charts = {}
    if view.items:
        figure = items_figure(view, drawing.palette(), narrow=screen.is_narrow())
        charts["what_if"] = (view.items_sentence, figure)
        name = tr("Items that win and lose lists")
        drawing.chart("what_if", figure, view.items_sentence, name=name)
    if view.found.affected.any():
        draw_users(engine, view)
        if view.topics:
            draw_topics(view)
    notices.caution(joined(*view.cautions))
    return charts


def draw_topics(view: WhatIfView) -> None:
    """How many items of a list are of each topic, before and after."""
    columns = {
        "topic": col.TextColumn(tr("Topic")),
        "before": col.NumberColumn(tr("Items before"), format="%.2f", width=100),
        "after": col.NumberColumn(tr("After"), format="%.2f", width=70),
        "words": col.TextColumn(tr("More [95 %]"), width=150),
        "chance": col.TextColumn("q", width=64, alignment="right"),
    }
    drawing.table(
        table(view.topics, " ".join(columns)),
        tr("Items of a list by topic, on average."),
        columns,
        grows=("topic",),
        room=screen.room(),
    )
    notices.caution(
        tr("Items of a list by topic, on average over the users whose history changes.")
    )


def draw_users(engine: Engine, view: WhatIfView) -> None:
    """The users whose lists change most; each opens What-if with the pattern's edits."""
    found, editor = view.found, Editor(engine, view.found.pattern)
    ids = view.users["user_id"].tolist()

    def open_user(at: int) -> None:
        edits = editor.edits(engine.corpus.history(ids[at]))
        try:
            code = to_address(Unsaved(edits), loaders.library())
        except DomainError as problem:
            state.put(ANSWER, problem)
            return
        controls.open_listed(
            ids, at, drawing.WHAT_IF, **{state.EDITS: code, state.RECOMMENDER: found.recommender}
        )

    columns = {
        "user_id": drawing.buttons(
            tr("User in What-if"),
            "open_edited",
            open_user,
            alignment="left",
            width=max(drawing.id_width(ids), 120),
        ),
        "edits": col.NumberColumn(tr("Edits"), format="localized", width=60),
        "change": col.NumberColumn(
            tr("Change"),
            format="%.2f",
            width=76,
            help=tr("1 \u2212 RBO of both lists: 0 is the same list"),
        ),
        "new": col.NumberColumn(tr("New items"), width=88),
        "first_before": col.TextColumn(tr("First item before")),
        "first_after": col.TextColumn(tr("First item after")),
    }
    with st.container(key="edited_users"):
        drawing.table(
            view.users,
            joined(tr("Users whose lists change most."), view.sentence),
            columns,
            height=min(TABLE_HEIGHT, 38 + 35 * len(ids)),
            grows=("first_before", "first_after"),
            room=screen.room(),
            marked=[user == state.selection().user_id for user in ids],
        )
    notices.caution(tr("Lists that change most first; a user opens What-if with these edits."))


def save_form(asked: Asked, view: WhatIfView) -> None:
    label, icon = tr("Save what-if"), ":material/save:"
    with st.popover(label, icon=icon, key="pattern_save", width="content"):
        answer = state.get(ANSWER)
        if isinstance(answer, DomainError):
            notices.show_error(answer)
        with st.form("save_pattern", border=False):
            st.text_input(tr("Name of the what-if"), key=NAME, max_chars=100)
            st.text_area(tr("Notes on it"), key=NOTES, height=80)
            st.caption(tr("Keeps the cohort, the pattern, the recommender and what came out."))
            label, about = tr("Save it"), (asked, view)
            st.form_submit_button(label, type="primary", on_click=save, args=about)


def save(asked: Asked, view: WhatIfView) -> None:
    """Keep it and open what was kept. For callbacks."""
    found = view.found
    try:
        entry = store().save(
            SavedPattern(
                str(state.get(NAME) or ""),
                asked.cohort,
                found.pattern,
                found.recommender,
                found.k,
                outcome_of(found),
                str(state.get(NOTES) or ""),
            )
        )
    except DomainError as problem:
        state.put(ANSWER, problem)
        return
    state.has_chosen()
    state.put(ANSWER, None)
    open_saved(entry)
    state.choose(PATTERN_SAVED, entry.pattern_id)


def delete(entry: SavedPattern, asked: Asked | None = None) -> None:
    """Take a saved what-if off the list; its revisions stay, and the page its cohort and pattern.

    For callbacks.
    """
    state.has_chosen()
    try:
        store().delete(entry)
    except DomainError as problem:
        state.put(ANSWER, problem)
        return
    if asked is not None:
        state.choose(COHORTS_PATTERN, entry.pattern.to_text())
        if not keep_cohort(asked):
            return
    state.choose(PATTERN_SAVED, None)


def files(view: WhatIfView) -> dict[str, sharing.File]:
    """Its tables, for export."""
    return {
        tr("What-if: items (CSV)"): (".csv", lambda: table(view.items, ItemRow.COLUMNS)),
        tr("What-if: topics (CSV)"): (".csv", lambda: table(view.topics, ListedTopic.COLUMNS)),
        tr("What-if: users (CSV)"): (".csv", lambda: view.users),
    }

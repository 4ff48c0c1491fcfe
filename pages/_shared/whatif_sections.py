"""Two sections of What-if: the search for the smallest edit, and another scenario beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from pandas import DataFrame

from core.compare.columns import ColumnSpec
from core.compare.presets import with_scenario
from core.domain import DomainError, History
from core.scenario.fork import Fork
from core.scenario.store import Scenario
from core.views.what_if.build import build_comparison
from core.views.what_if.history import NEW, item_label
from core.views.what_if.sentences import edit_words, saved_words, search_words
from pages._shared import drafting, history_forms, loaders, notices, state
from pages._shared.drafting import Draft
from pages._shared.searching import Searching

if TYPE_CHECKING:
    from core.engine import Engine

SEARCH, WANTED, GOAL, OTHER = "whatif_search", "whatif_wanted", "whatif_goal", "whatif_other"
GOALS = {"Into the top 10": "in", "Out of the top 10": "out"}
POLL_SECONDS = 0.5


def draw_search(engine: Engine, base: History, recommender: str) -> None:
    """The fewest edits that bring an item into the list, or take it out."""
    st.subheader("The smallest edit", anchor=False)
    search = state.get(SEARCH)
    if isinstance(search, Searching) and search.asked != (
        engine.corpus.corpus_id,
        engine.model_id,
        base,
        recommender,
    ):
        search.stop()
        state.put(SEARCH, None)
        search = None
    busy = isinstance(search, Searching) and search.busy

    @st.fragment(run_every=POLL_SECONDS if busy else None)
    def section() -> None:
        corpus, found = engine.corpus, state.get(SEARCH)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            if len(corpus.item_ids) > history_forms.LISTED_ITEMS:
                st.text_input("Item id", key=WANTED, width=390)
            else:
                st.selectbox(
                    "That brings this item",
                    corpus.item_ids,
                    index=None,
                    key=WANTED,
                    format_func=lambda item: item_label(corpus, item),
                    placeholder="Search a title",
                    width=390,
                )
            st.segmented_control(
                "Where to", list(GOALS), default="Into the top 10", required=True, key=GOAL
            )
            if isinstance(found, Searching) and found.busy:
                st.button("Stop", key="stop_search", on_click=found.stop)
            else:
                st.button(
                    "Search",
                    key="search",
                    icon=":material/search:",
                    disabled=not state.get(WANTED),
                    on_click=begin,
                    args=(engine, base, recommender),
                )
        if isinstance(found, Searching):
            draw_found(engine, base, found)
            if busy and not found.busy:
                st.rerun()

    section()


def begin(engine: Engine, base: History, recommender: str) -> None:
    """Start a search. For callbacks."""
    goal = GOALS[state.get(GOAL) or "Into the top 10"]
    state.put(SEARCH, Searching(engine, base, str(state.get(WANTED)), goal, recommender))
    st.rerun()


def draw_found(engine: Engine, base: History, search: Searching) -> None:
    """Where a search stands, or what it found."""
    if search.error is not None:
        notices.show_error(search.error)
    elif search.busy:
        report = search.progress
        share = min(report.done / report.total, 1.0) if report and report.total else 0.0
        st.progress(share, text=notices.escape(report.stage if report else "Searching"))
    elif search.result is None:
        st.caption("Stopped before anything was found." if search.stopped else "Nothing found.")
    else:
        result = search.result
        notices.say(search_words(engine.corpus, result))
        for number in range(1, len(result.edits) + 1):
            st.text(f"{number}. {edit_words(engine.corpus, base, result.edits, number)}")
        if result.edits:
            st.button(
                "Make these edits",
                key="use_found",
                icon=":material/check:",
                on_click=use_found,
                args=(engine, base, search),
            )
            if drafting.get().edits:
                notices.caution("They were verified on the history without your other edits.")


def use_found(engine: Engine, base: History, search: Searching) -> None:
    """Add the edits that a search found to the draft. For callbacks."""
    assert search.result is not None
    history_forms.make(engine, base, NEW, *search.result.edits)
    st.rerun()


def draw_comparison(engine: Engine, draft: Draft, fork: Fork) -> None:
    """Another saved scenario's list beside this one's."""
    own = draft.saved.scenario_id if draft.saved else None
    try:
        saved = loaders.scenario_store().scenarios(engine.corpus.name)
    except DomainError:  # said above, in the bar
        return
    others = {one.scenario_id: one for one in saved if one.scenario_id != own}
    if not others and own is None:
        return
    st.subheader("Beside another scenario", anchor=False)
    if draft.saved is not None:
        compare_link(draft.saved, others.get(str(state.get(OTHER))))
    if not others:
        notices.caution("This is the only saved scenario of this corpus.")
        return
    if state.get(OTHER) not in others:
        state.put(OTHER, None)
    picked = st.selectbox(
        "Scenario to compare with",
        list(others),
        index=None,
        key=OTHER,
        format_func=lambda one: f"{others[one].capsule.user} · {saved_words(others[one])}",
        placeholder="Choose a saved scenario",
        width=420,
    )
    if picked is None:
        return
    capsule = others[picked].capsule
    try:
        user, edits = capsule.user, capsule.changes
        step = len(drafting.base_of(engine.corpus, drafting.of_capsule(capsule)))
        other = loaders.fork(engine, user, step, edits, capsule.recommender)
    except DomainError as error:
        notices.show_error(error)
        return
    sentence, table = build_comparison(fork, other)
    notices.say(sentence)
    draw_beside(table, draft.name or "This scenario", capsule.name, sentence)


def compare_link(saved: Scenario, other: Scenario | None) -> None:
    """A way to Compare: the original, this scenario, and the other one if there is one."""
    about = saved.capsule
    specs = with_scenario(about.user, about.steps, saved.scenario_id)
    if other is not None:
        specs.append(ColumnSpec(other.capsule.user, scenario=other.scenario_id))
    st.page_link(
        "pages/compare.py",
        label="Original and scenario on Compare",
        icon=":material/compare_arrows:",
        query_params=state.link(**{state.COLUMNS: ";".join(map(str, specs))}),
    )


def draw_beside(table: DataFrame, this: str, other: str, sentence: str) -> None:
    """Both scenarios' lists, place by place."""
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        alt=sentence,
        column_config={
            "rank": st.column_config.NumberColumn("#", width=34),
            "this": st.column_config.TextColumn(this, width=260),
            "other": st.column_config.TextColumn(other, width=260),
            "move": st.column_config.TextColumn("From this to that", width=120),
        },
    )

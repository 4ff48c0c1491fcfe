"""Two sections of What-if: the search for the smallest change, and another scenario beside it."""

from __future__ import annotations

import streamlit as st
from streamlit import column_config as col

from core import jobs
from core.compare.columns import ColumnSpec, with_scenario
from core.compare.fork import Fork
from core.domain import DomainError, History
from core.engine import Engine
from core.progress import ProgressCallback, StopCallback
from core.scenario.draft import Draft
from core.scenario.search import SmallestChange, search_edits
from core.scenario.store import Scenario
from core.views.what_if.build import build_beside
from core.views.what_if.edits import edit_words
from core.views.what_if.history_table import NEW, find_item
from core.views.what_if.sentences import saved_words, search_words
from pages._shared import drawing, loaders, notices, reading, state, working
from pages._what_if import drafting, forms

SEARCH, WANTED, GOAL, OTHER = "whatif_search", "whatif_wanted", "whatif_goal", "whatif_other"
INTO = "Into the top 10"
GOALS = {INTO: "in", "Out of the top 10": "out"}


def draw_search(engine: Engine, base: History, recommender: str) -> None:
    """The smallest change that brings an item into the list, or takes it out."""
    st.subheader("Smallest change", anchor=False)
    about = f"{engine.model_id} {base.user_id} {len(base)} {recommender}"
    job: jobs.Job[SmallestChange] | None = state.get(SEARCH)
    if job is not None and not job.target.startswith(f"{about} "):
        job.stop()
        state.put(SEARCH, None)
        job = None

    @st.fragment
    def form() -> None:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            forms.pick_item(engine.corpus, WANTED, width=390)
            st.segmented_control("Goal", list(GOALS), default=INTO, required=True, key=GOAL)
            waits = not state.get(WANTED) or (job is not None and job.state == "running")
            question = (engine, base, recommender, about)
            drawing.button("Search", "search", begin, *question, icon="search", disabled=waits)

    form()
    if job is None:
        return
    if job.state == "running":
        working.draw_job(job, "Searching for the smallest change")
        return
    working.draw_end(job)
    if job.result is not None:
        draw_result(engine, base, job.result)


def begin(engine: Engine, base: History, recommender: str, about: str) -> None:
    """Start a search. For callbacks."""
    wanted, goal = str(state.get(WANTED)), GOALS[state.get(GOAL) or INTO]

    def search(progress: ProgressCallback, stop: StopCallback) -> SmallestChange:
        item = find_item(engine.corpus, wanted)
        return search_edits(engine, base, item, goal, recommender, progress=progress, stop=stop)

    # A job of this session alone: another one that asks the same must not stop it.
    target, wanted_by = f"{about} {goal} {wanted}", reading.reader().is_there
    state.put(SEARCH, jobs.Job("search", target, search, wanted=wanted_by))
    st.rerun()


def draw_result(engine: Engine, base: History, result: SmallestChange) -> None:
    notices.say(search_words(engine.corpus, result))
    for number in range(1, len(result.edits) + 1):
        st.text(f"{number}. {edit_words(engine.corpus, base, result.edits, number)}")
    if result.edits:
        drawing.button(
            "Apply these edits", "use_found", use_result, engine, base, result, icon="check"
        )
        if drafting.get().edits:
            notices.caution("These edits were verified without your other edits.")


def use_result(engine: Engine, base: History, result: SmallestChange) -> None:
    """Add the edits that a search found to the draft. For callbacks."""
    forms.make(engine, base, NEW, *result.edits)
    st.rerun()


def draw_comparison(engine: Engine, draft: Draft, fork: Fork) -> None:
    """Another saved scenario's list beside this one's."""
    own = draft.saved.scenario_id if draft.saved else None
    try:
        saved = loaders.scenario_store().scenarios(engine.corpus.name)
    except DomainError:  # said above, in the bar
        return
    others = {each.scenario_id: each for each in saved if each.scenario_id != own}
    if not others and own is None:
        return
    st.subheader("Compare with another scenario", anchor=False)
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
        format_func=lambda key: f"{others[key].capsule.user} · {saved_words(others[key])}",
        placeholder="Choose a saved scenario",
        width=420,
    )
    if picked is None:
        return
    capsule = others[picked].capsule
    with notices.guarded():
        step = len(Draft.of_capsule(capsule).base(engine.corpus))
        other = loaders.fork(engine, capsule.user, step, capsule.changes, capsule.recommender)
        sentence, table = build_beside(fork, other)
        notices.say(sentence)
        drawing.table(
            table,
            sentence,
            {
                "rank": col.NumberColumn("#", width=34),
                "this": col.TextColumn(draft.name or "This scenario", width=260),
                "other": col.TextColumn(capsule.name, width=260),
                "move": col.TextColumn("Move", width=120),
            },
        )


def compare_link(saved: Scenario, other: Scenario | None) -> None:
    """A way to Compare: the original, this scenario, and the other one if there is one."""
    about = saved.capsule
    specs = with_scenario(about.user, about.steps, saved.scenario_id)
    if other is not None:
        specs.append(ColumnSpec(other.capsule.user, scenario=other.scenario_id))
    label = "Original and scenario on Compare"
    drawing.link(drawing.COMPARE, label, columns=";".join(map(str, specs)))

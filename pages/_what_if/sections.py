"""Sections of What-if: the smallest change, another scenario beside it, the same for a cohort."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit import column_config as col

from core import jobs
from core.cohorts.from_edits import patterns_of
from core.cohorts.pattern import Pattern
from core.compare.columns import ColumnSpec, with_edits, with_scenario
from core.compare.fork import Fork
from core.corpus.corpus import Corpus
from core.domain import DomainError, History
from core.engine import Engine
from core.language import mark, tr
from core.progress import ProgressCallback, StopCallback
from core.scenario.draft import Draft
from core.scenario.edits import Edit
from core.scenario.search import SmallestChange, search_edits
from core.scenario.store import Scenario
from core.views.cohorts.what_if_sentences import pattern_words
from core.views.what_if.build import build_beside
from core.views.what_if.edits import edit_words
from core.views.what_if.history_table import NEW, find_item
from core.views.what_if.sentences import saved_words, search_words
from core.views.wording import capital, joined
from pages._shared import controls, drawing, loaders, notices, reading, screen, state, working
from pages._shared.loaders import kept
from pages._shared.state import COHORTS_PATTERN, EDITS, GOAL, ITEM
from pages._what_if import drafting, forms

SEARCH, WANTED, AIM, OTHER = "whatif_search", "whatif_wanted", "whatif_goal", "whatif_other"
SHOWN = "whatif_wanted_by_address"
GOALS = {mark("Into the top 10"): "in", mark("Out of the top 10"): "out"}
INTO, OUT = GOALS


def draw_search(engine: Engine, base: History, recommender: str) -> None:
    """The smallest change that brings an item into the list, or takes it out."""
    st.subheader(tr("Smallest change"), anchor=False)
    about = f"{engine.model_id} {base.user_id} {len(base)} {recommender}"
    job: jobs.Job[SmallestChange] | None = state.get(SEARCH)
    if job is not None and not job.target.startswith(f"{about} "):
        job.stop()
        state.put(SEARCH, None)
        job = None

    follow_address(engine.corpus)

    @st.fragment
    def form() -> None:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            change: dict[str, Any] = {"on_change": tell_address, "args": (engine.corpus,)}
            forms.pick_item(engine.corpus, WANTED, width=390, **change)
            goals: dict[str, Any] = {"format_func": tr, "required": True, "key": AIM}
            st.segmented_control(tr("Goal"), list(GOALS), **goals, **change)
            waits = not state.get(WANTED) or (job is not None and job.state == "running")
            question = (engine, base, recommender, about)
            look: dict[str, Any] = {"icon": "search", "disabled": waits}
            drawing.button(tr("Search"), "search", begin, *question, **look)
            if (item := state.get(ITEM)) is not None and item == state.get(WANTED):
                drawing.link(drawing.EXPLAIN, tr("Explain this item"), item=item)

    form()
    if job is None:
        return
    if job.state == "running":
        working.draw_job(job, tr("Searching for the smallest change"))
        return
    working.draw_end(job)
    if job.result is not None:
        draw_result(engine, base, job.result)


def follow_address(corpus: Corpus) -> None:
    """Take item and goal from the address where another page, or a link, has set them."""
    asked = (state.get(ITEM), state.get(GOAL))
    if state.get(SHOWN) != asked:
        state.put(SHOWN, asked)
        if asked[0] in corpus.item_index:
            state.put(WANTED, asked[0])
        state.put(AIM, OUT if asked[1] == GOALS[OUT] else INTO)
    if state.get(AIM) is None:
        state.put(AIM, INTO)
    typed = len(corpus.item_ids) > controls.LISTED_ITEMS
    state.hold(WANTED, typed=typed)
    state.hold(AIM)


def tell_address(corpus: Corpus) -> None:
    """Have the address, and the other pages, know the item and the goal. For callbacks."""
    item, goal = state.get(WANTED), GOALS[state.get(AIM) or INTO]
    state.put(ITEM, item if item in corpus.item_index else None)
    state.put(GOAL, goal if goal != GOALS[INTO] else None)
    state.put(SHOWN, (state.get(ITEM), state.get(GOAL)))
    state.publish_again()


def begin(engine: Engine, base: History, recommender: str, about: str) -> None:
    """Start a search. For callbacks."""
    wanted, goal = str(state.get(WANTED)), GOALS[state.get(AIM) or INTO]

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
    draft = drafting.get()
    if not result.edits:
        return
    if all(edit in draft.edits for edit in result.edits):
        notices.caution(tr("These edits are made already."))
        return
    about = (engine, base, result)
    drawing.button(tr("Apply these edits"), "use_found", use_result, *about, icon="check")
    for refused in draft.refused:
        if refused.at_form and refused.handle == NEW:
            notices.wrong(refused.problem)
    if draft.edits:
        notices.caution(tr("These edits were verified without your other edits."))


def use_result(engine: Engine, base: History, result: SmallestChange) -> None:
    """Add the edits that a search found to the draft. For callbacks."""
    forms.make(engine, base, NEW, *result.edits)
    st.rerun()


@kept(64)
def _patterns(
    engine: Engine, user_id: str, step: int, edits: Sequence[Edit]
) -> tuple[Pattern, ...] | DomainError:
    """What these edits are as a pattern, or why they are none."""
    try:
        return patterns_of(engine, engine.corpus.history(user_id).up_to(step), edits)
    except DomainError as problem:
        return problem


def draw_patterns(engine: Engine, draft: Draft) -> None:
    """The same change for every user of a cohort, where a pattern can say it."""
    if not draft.edits:
        return
    step = len(draft.base(engine.corpus))
    found = _patterns(engine, draft.user_id, step, draft.edits)
    st.subheader(tr("Ask it of a whole cohort"), anchor=False)
    if isinstance(found, DomainError):
        said = tr("{problem}, so it can't be asked.", problem=capital(found.what))
        notices.caution(joined(said, tr("{sentence}.", sentence=found.remedy)))
        return
    notices.caution(
        tr("As a pattern this change is one of these; Cohorts asks it of whole histories.")
    )
    with st.container(horizontal=True, gap="small"):
        for pattern in found:
            words = capital(pattern_words(pattern, engine.corpus))
            drawing.link(drawing.COHORTS, words, **{COHORTS_PATTERN: pattern.to_text()})


def draw_comparison(engine: Engine, draft: Draft, fork: Fork) -> None:
    """Another saved scenario's list beside this one's."""
    own = draft.saved.scenario_id if draft.saved else None
    try:
        saved = loaders.scenario_store().scenarios(engine.corpus.name)
    except DomainError:  # said above, in the bar
        return
    others = {each.scenario_id: each for each in saved if each.scenario_id != own}
    if not others and own is None and not draft.edits:
        return
    st.subheader(tr("Compare with another scenario"), anchor=False)
    if draft.saved is not None or draft.edits:
        compare_link(draft, others.get(str(state.get(OTHER))))
    if not others:
        said = tr("This is the only saved scenario of this corpus.")
        notices.caution(said if own else tr("No scenario of this corpus is saved."))
        return
    if state.get(OTHER) not in others:
        state.put(OTHER, None)
    picked = st.selectbox(
        tr("Scenario to compare with"),
        list(others),
        index=None,
        key=OTHER,
        format_func=lambda key: f"{others[key].capsule.user} · {saved_words(others[key])}",
        placeholder=tr("Choose a saved scenario"),
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
                "this": col.TextColumn(draft.name or tr("This scenario")),
                "other": col.TextColumn(capsule.name),
                "move": col.TextColumn(tr("Move"), width=120),
            },
            grows=("this", "other"),
            room=screen.room(),
        )


def compare_link(draft: Draft, other: Scenario | None) -> None:
    """A way to Compare: the original, these edits, and another scenario if there is one."""
    edits = state.get(EDITS)
    if edits is not None:
        specs = with_edits(draft.user_id, draft.step, edits)
    elif draft.saved is not None:
        specs = with_scenario(draft.user_id, draft.step, draft.saved.scenario_id)
    else:  # too long for an address that could not be kept, which is said above
        return
    if other is not None:
        specs.append(ColumnSpec(other.capsule.user, scenario=other.scenario_id))
    label = tr("Original and edited on Compare")
    drawing.link(drawing.COMPARE, label, columns=";".join(map(str, specs)))

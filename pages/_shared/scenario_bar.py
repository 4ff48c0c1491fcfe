"""The bar of What-if: which scenario, undo, redo, save, details, and what two sessions did."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.domain import DomainError
from core.scenario.capsule import corpus_of, make_capsule, read_capsule
from core.scenario.fork import Fork
from core.scenario.store import Scenario, ScenarioConflict
from core.views import wording
from core.views.what_if.sentences import edit_words, saved_words, status_words
from pages._shared import controls, drafting, loaders, notices, state
from pages._shared.drafting import Draft
from pages._shared.state import CORPUS, MODEL, RECOMMENDER, SCENARIO, TIME, USER

if TYPE_CHECKING:
    from core.engine import Engine

WHAT_IF = "pages/what_if.py"
PICK, NAME, NOTES, UPLOAD = "whatif_pick", "whatif_name", "whatif_notes", "whatif_upload"
CONFLICT, ERROR = "whatif_conflict", "whatif_error"
NEW = ""
"""Stands for a scenario that isn't saved yet."""


def pick_recommender(engine: Engine) -> str:
    """Whose list: a choice kept in the address."""
    names = list(engine.recommenders)
    wished = state.get(RECOMMENDER)
    if wished not in names:
        if wished is not None:
            st.info(
                notices.escape(f"There is no recommender {wished!r} in this model: {names[0]}."),
                icon=":material/link_off:",
            )
        state.put(RECOMMENDER, names[0])
    state.hold(RECOMMENDER)
    return str(
        st.selectbox("Recommender", names, key=RECOMMENDER, persist_state="session", width=130)
    )


def draw_bar(engine: Engine, draft: Draft) -> str:
    """The whole bar; the recommender that is chosen in it."""
    saved: dict[str, Scenario] = {}
    unreadable = 0
    try:
        store = loaders.scenario_store()
        found = store.scenarios(draft.corpus, draft.user_id)
        saved = {one.scenario_id: one for one in found}
        unreadable = store.count_unreadable(draft.corpus, draft.user_id)
    except DomainError as error:
        notices.show_error(error)
    current = draft.saved.scenario_id if draft.saved else NEW
    if draft.saved is not None and current not in saved:
        saved = {current: draft.saved, **saved}
    state.put(PICK, current)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Scenario",
            [NEW, *saved],
            key=PICK,
            format_func=lambda one: saved_words(saved[one]) if one else "New scenario",
            on_change=open_picked,
            width=260,
        )
        recommender = pick_recommender(engine)
        changed = draft.would_save(recommender)
        st.button(
            "Undo",
            key="undo",
            icon=":material/undo:",
            disabled=not draft.edits,
            on_click=lambda: drafting.put(drafting.get().undo()),
        )
        st.button(
            "Redo",
            key="redo",
            icon=":material/redo:",
            disabled=not draft.undone,
            on_click=lambda: drafting.put(drafting.get().redo()),
        )
        st.button(
            "Save",
            key="save",
            icon=":material/save:",
            type="primary" if changed else "secondary",
            disabled=not changed,
            on_click=save,
            args=(engine,),
        )
        draw_details(engine, draft)
    st.text(status_words(draft.user_id, draft.step, len(draft.edits), changed, draft.saved))
    if unreadable:
        left_out = wording.count(unreadable, "saved scenario")
        notices.caution(f"{left_out} of {draft.user_id} can't be read: not in the list.")
    draw_kept()
    draw_conflict(engine)
    draw_error()
    return recommender


def draw_error() -> None:
    """What went wrong last."""
    error = state.get(ERROR)
    if isinstance(error, DomainError):
        notices.show_error(error)


def draw_details(engine: Engine, draft: Draft) -> None:
    """Name, notes, copies, deletion and capsules."""
    state.put(NAME, draft.name)
    state.put(NOTES, draft.notes)
    with st.popover("More", icon=":material/more_horiz:"):
        st.text_input(
            "Name",
            key=NAME,
            max_chars=100,
            placeholder=default_name(engine, draft),
            on_change=note,
        )
        st.text_area(
            "Notes",
            key=NOTES,
            height=100,
            on_change=note,
        )
        with st.container(horizontal=True, gap="small"):
            st.button(
                "Save a copy",
                key="duplicate",
                icon=":material/content_copy:",
                on_click=save,
                args=(engine, True),
            )
            st.button(
                "Delete",
                key="delete_scenario",
                icon=":material/delete:",
                disabled=draft.saved is None,
                on_click=delete,
            )
        if draft.saved is not None:
            notices.caution(f"Revision {draft.saved.revision}; every saved revision is kept.")
        st.file_uploader("Open a capsule (JSON)", type="json", key=UPLOAD, on_change=open_capsule)


def note() -> None:
    """Take over the name and the notes. For callbacks."""
    name, notes = str(state.get(NAME) or ""), str(state.get(NOTES) or "")
    drafting.put(replace(drafting.get(), name=name, notes=notes))


def default_name(engine: Engine, draft: Draft) -> str:
    """What a scenario is called that nobody named: its first edit."""
    if draft.name:
        return draft.name
    if not draft.edits:
        return "What if"
    base = drafting.base_of(engine.corpus, draft)
    said = wording.short(edit_words(engine.corpus, base, draft.edits, 1), 60)
    return said[:1].upper() + said[1:]


def open_draft(draft: Draft | None, recommender: str | None = None) -> None:
    """Show a draft, whoever's it is; None begins a new one. For callbacks."""
    chosen = state.selection()
    if draft is None:
        assert chosen.corpus and chosen.user_id and chosen.step is not None
        draft = Draft(chosen.corpus, chosen.user_id, chosen.step)
    drafting.put(draft)
    for key in (drafting.SEEN, CONFLICT, ERROR):
        state.put(key, None)
    if draft.corpus != chosen.corpus:
        state.put(MODEL, None)
    for key, value in where(draft, recommender).items():
        state.put(key, value)
    st.rerun()


def follow(draft: Draft, recommender: str) -> None:
    """Open the page anew for the user and the time that a draft is about."""
    controls.open_page(WHAT_IF, **where(draft, recommender))


def where(draft: Draft, recommender: str | None) -> dict[str, str | int | None]:
    """What sidebar and address say when a draft is shown."""
    return {
        CORPUS: draft.corpus,
        USER: draft.user_id,
        TIME: draft.step,
        SCENARIO: draft.saved.scenario_id if draft.saved else None,
        RECOMMENDER: recommender or state.get(RECOMMENDER),
    }


def open_picked() -> None:
    """Open the scenario of the picker."""
    picked = state.get(PICK)
    if not picked:
        open_draft(None)
        return
    try:
        found = loaders.scenario_store().load(picked)
    except DomainError as error:
        state.put(ERROR, error)
        return
    open_draft(drafting.of_scenario(found), found.capsule.recommender)


def open_capsule() -> None:
    """Open the capsule that was dropped."""
    file = state.get(UPLOAD)
    if file is None:
        return
    try:
        capsule = read_capsule(file.getvalue(), file.name)
        corpus = corpus_of(capsule, loaders.library())
    except DomainError as error:
        state.put(ERROR, error)
        return
    open_draft(replace(drafting.of_capsule(capsule), corpus=corpus), capsule.recommender)


def save(engine: Engine, as_copy: bool = False) -> None:
    """Save the draft, or a copy of it under another name. For callbacks."""
    draft = drafting.get()
    state.put(ERROR, None)
    try:
        mine = scenario_of(engine, draft)
        store = loaders.scenario_store()
        if as_copy:
            saved = store.duplicate(mine, None if draft.saved else mine.name)
        else:
            saved = store.save(mine)
    except ScenarioConflict as conflict:
        state.put(CONFLICT, conflict)
        return
    except DomainError as error:
        state.put(ERROR, error)
        return
    settle_saved(saved)


def settle_saved(saved: Scenario) -> None:
    """Go on with the version that is on disk now."""
    table = drafting.get().table
    state.put(CONFLICT, None)
    state.put(drafting.DRAFT, replace(drafting.of_scenario(saved), table=table))
    state.put(SCENARIO, saved.scenario_id)
    st.rerun()


def scenario_of(engine: Engine, draft: Draft) -> Scenario:
    """The draft as it is saved; DomainError where its edits can't be made."""
    capsule = make_capsule(fork_of(engine, draft), default_name(engine, draft))
    if draft.saved is None:
        return Scenario(capsule, draft.notes, draft.undone)
    return replace(draft.saved, capsule=capsule, notes=draft.notes, undone=draft.undone)


def fork_of(engine: Engine, draft: Draft) -> Fork:
    """What the draft's edits do, by the recommender of the bar."""
    recommender = state.get(RECOMMENDER) or next(iter(engine.recommenders))
    step = len(drafting.base_of(engine.corpus, draft))
    return loaders.fork(engine, draft.user_id, step, draft.edits, recommender)


def delete() -> None:
    """Take the scenario off the list; what it was stays on the screen, unsaved. For callbacks."""
    draft = drafting.get()
    if draft.saved is None:
        return
    try:
        loaders.scenario_store().delete(draft.saved)
    except ScenarioConflict as conflict:
        state.put(CONFLICT, conflict)
        return
    except DomainError as error:
        state.put(ERROR, error)
        return
    state.put(drafting.DRAFT, replace(draft, saved=None, capsule=None))
    state.put(SCENARIO, None)
    st.rerun()


def draw_kept() -> None:
    """Edits that were put aside when something else was opened, the newest first."""
    for number, one in enumerate(drafting.kept()):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            edits = wording.count(len(one.edits), "edit")
            notices.caution(f"Kept aside: {edits} of {one.name or 'a scenario'} ({one.user_id}).")
            st.button(
                "Bring them back", key=f"bring_back_{number}", on_click=bring_back, args=(one,)
            )
            st.button("Drop them", key=f"drop_kept_{number}", on_click=drafting.drop, args=(one,))


def bring_back(kept: Draft) -> None:
    """Go on with edits that were put aside; unsaved other ones are kept aside. For callbacks."""
    drafting.drop(kept)
    open_draft(kept)


def draw_conflict(engine: Engine) -> None:
    """Two sessions saved one scenario: both versions, and a choice that loses neither."""
    conflict = state.get(CONFLICT)
    if not isinstance(conflict, ScenarioConflict):
        return
    mine, theirs = conflict.mine, conflict.theirs
    with st.container(border=True, gap="xsmall"):
        did = "deleted" if theirs.deleted else "saved"
        st.markdown(
            f":material/call_split: **{notices.escape(mine.name)} was {did} in another session "
            "since you opened it. Yours is not saved yet.**"
        )
        left, right = st.columns(2)
        with left:
            st.markdown(f"**Yours**, based on revision {mine.revision}")
            draw_version(engine, drafting.get())
        with right:
            st.markdown(f"**Theirs**, revision {theirs.revision}")
            draw_version(engine, drafting.of_scenario(theirs))
        with st.container(horizontal=True, gap="small"):
            st.button(
                "Keep mine as a copy",
                key="keep_mine",
                type="primary",
                on_click=keep_mine,
                args=(engine,),
            )
            if theirs.deleted:
                st.button("Let it go", key="take_theirs", on_click=open_draft, args=(None,))
            else:
                st.button("Take theirs", key="take_theirs", on_click=take_theirs)


def draw_version(engine: Engine, draft: Draft) -> None:
    """One side of a conflict: its name, edits and notes."""
    base = drafting.base_of(engine.corpus, draft)
    with st.container(gap="xxsmall"):
        st.text(draft.name)
        for number in range(1, len(draft.edits) + 1):
            st.text(f"{number}. {edit_words(engine.corpus, base, draft.edits, number)}")
        if draft.notes:
            st.caption(notices.escape(f"Notes: {wording.short(draft.notes, 200)}"))


def keep_mine(engine: Engine) -> None:
    """Save my version as a scenario of its own. For callbacks."""
    try:
        copy = loaders.scenario_store().duplicate(scenario_of(engine, drafting.get()))
    except DomainError as error:
        state.put(ERROR, error)
        return
    settle_saved(copy)


def take_theirs() -> None:
    """Go on with their version; mine can still be brought back. For callbacks."""
    conflict = state.get(CONFLICT)
    assert isinstance(conflict, ScenarioConflict)
    mine = replace(drafting.get(), saved=None, capsule=None)
    theirs = drafting.of_scenario(conflict.theirs)
    drafting.put_aside(mine)
    state.put(drafting.DRAFT, theirs)
    open_draft(theirs, conflict.theirs.capsule.recommender)

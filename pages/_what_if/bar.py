"""The bar of What-if: which scenario, undo, redo, save, details, and what two sessions did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit import column_config as col

from core.compare.replay import make_capsule
from core.corpus.own import is_own
from core.domain import DomainError
from core.engine import Engine
from core.language import tr
from core.scenario.capsule import corpus_of, read_capsule
from core.scenario.draft import Draft
from core.scenario.edits import apply_edits
from core.scenario.store import Scenario, ScenarioConflict
from core.views import wording
from core.views.what_if.build import revisions_table
from core.views.what_if.edits import edit_words
from core.views.what_if.sentences import saved_words, status_words
from pages._shared import drawing, loaders, notices, own, state
from pages._shared.state import CORPUS, EDITS, MODEL, RECOMMENDER, SCENARIO, TIME, USER
from pages._what_if import drafting

PICK, NAME, NOTES, UPLOAD = "whatif_pick", "whatif_name", "whatif_notes", "whatif_upload"
CONFLICT, ERROR = "whatif_conflict", "whatif_error"
OPENED = "whatif_revision"
NEW = ""
"""Stands for a scenario that isn't saved yet."""


def draw_bar(engine: Engine, draft: Draft, recommender: str) -> None:
    saved: dict[str, Scenario] = {}
    problem = ""
    try:
        store = loaders.scenario_store()
        saved = {each.scenario_id: each for each in store.scenarios(draft.corpus, draft.user_id)}
        problem = loaders.problem_of(store)
    except DomainError as error:
        notices.show_error(error)
    current = draft.saved.scenario_id if draft.saved else NEW
    if draft.saved is not None:
        saved.setdefault(current, draft.saved)
    state.put(PICK, current)
    changed = draft.would_save(recommender)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            tr("Scenario"),
            [NEW, *saved],
            key=PICK,
            format_func=lambda key: saved_words(saved[key]) if key else new_words(draft),
            on_change=state.acting(open_picked),
            width=260,
        )
        is_new = draft.unsaved is None and draft.saved is None
        drawing.button(tr("New"), "new", open_draft, None, icon="add", disabled=is_new)
        change, undo, redo = drafting.change, not draft.edits, not draft.undone
        drawing.button(tr("Undo"), "undo", change, Draft.undo, icon="undo", disabled=undo)
        drawing.button(tr("Redo"), "redo", change, Draft.redo, icon="redo", disabled=redo)
        look: dict[str, Any] = {
            "type": "primary" if changed else "secondary",
            "disabled": not changed,
        }
        drawing.button(tr("Save"), "save", save, engine, icon="save", **look)
        stays = not draft.is_changed
        drawing.button(tr("Discard"), "discard", discard, icon="close", disabled=stays)
        draw_revisions(engine, draft)
        draw_details(engine, draft)
    draw_taking(engine, draft)
    st.text(status_words(draft.user_id, draft.step, len(draft.edits), changed, draft.saved))
    if problem:
        notices.caution(problem)
    unsaid = state.get(drafting.UNSAID)
    if isinstance(unsaid, DomainError):
        notices.show_error(unsaid)
    draw_kept(engine)
    draw_conflict(engine)
    draw_error()


def draw_taking(engine: Engine, draft: Draft) -> None:
    """A way to Timeline and Explain of the edited history, as one of somebody's own."""
    if not draft.edits:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        notices.caution(tr("Timeline and Explain show the history without these edits."))
        own_already = is_own(draft.user_id)
        name = tr("Take them into the history") if own_already else tr("Take as own history")
        drawing.button(name, "take_edits", take_edits, engine, icon="person_add")


def take_edits(engine: Engine) -> None:
    """Open the edited history as an own one; the edits are kept aside. For callbacks."""
    draft, corpus = drafting.get(), engine.corpus
    with reported():
        edited = apply_edits(draft.base(corpus), draft.edits, corpus)
        drafting.put_aside(draft)
        edits = wording.count(len(draft.edits), "edit")
        said = tr("Made of {user} with {edits}.", user=draft.user_id, edits=edits)
        own.open_events(corpus, edited.history.events, (said,), drawing.TIMELINE)


def new_words(draft: Draft) -> str:
    """What the picker calls a scenario that isn't saved."""
    if draft.saved is not None or not draft.is_changed:
        return tr("New scenario")
    name = draft.name or tr("Unsaved")
    return f"{name} · {wording.count(len(draft.edits), 'edit')}"


def discard() -> None:
    """Take back what isn't saved; it is kept aside. For callbacks."""
    draft = drafting.get()
    open_draft(draft.discarded, draft.saved.capsule.recommender if draft.saved else None)


def draw_revisions(engine: Engine, draft: Draft) -> None:
    """Every saved version, the newest first; opening one makes its edits the draft's."""
    if draft.saved is None:
        return
    with st.popover(tr("Revisions"), icon=":material/history:"):
        with notices.guarded():
            versions = loaders.scenario_store().revisions(draft.saved.scenario_id)[::-1]
            count = wording.count(len(versions), "saved revision")
            drawing.table(
                revisions_table(engine.corpus, versions).assign(open=tr("Open")),
                tr("{revisions} of {scenario}", revisions=count, scenario=draft.name),
                {
                    "revision": col.NumberColumn("#", width=30),
                    "open": drawing.buttons(
                        "", OPENED, lambda row: restore(versions[row]), width=62
                    ),
                    "saved": col.DatetimeColumn(tr("Saved (UTC)"), format="YYYY-MM-DD HH:mm"),
                    "edits": col.TextColumn(tr("Edits"), width=160),
                    "name": col.TextColumn(tr("Name"), width=150),
                },
            )
        notices.caution(tr("Opening one changes nothing saved: Save makes it the next revision."))


def restore(revision: Scenario) -> None:
    """Make the edits of a saved revision the draft's. For callbacks."""
    draft = drafting.get()
    assert draft.saved is not None
    open_draft(draft.restored(revision), revision.capsule.recommender)


def draw_error() -> None:
    error = state.get(ERROR)
    if isinstance(error, DomainError):
        notices.show_error(error)


def draw_details(engine: Engine, draft: Draft) -> None:
    state.put(NAME, draft.name)
    state.put(NOTES, draft.notes)
    with st.popover(tr("More"), icon=":material/more_horiz:"):
        hint = default_name(engine, draft)
        st.text_input(tr("Name"), key=NAME, max_chars=100, placeholder=hint, on_change=note)
        st.text_area(tr("Notes"), key=NOTES, height=100, on_change=note)
        with st.container(horizontal=True, gap="small"):
            drawing.button(tr("Save a copy"), "duplicate", save, engine, True, icon="content_copy")
            is_new = draft.saved is None
            drawing.button(tr("Delete"), "delete_scenario", delete, icon="delete", disabled=is_new)
        if draft.saved is not None:
            revision = draft.saved.revision
            notices.caution(
                tr("Revision {revision}. Every saved revision is kept.", revision=revision)
            )
        label = tr("Open a capsule (JSON)")
        st.file_uploader(label, type="json", key=UPLOAD, on_change=open_capsule)


def note() -> None:
    """Take over the name and the notes. For callbacks."""
    name, notes = str(state.get(NAME) or ""), str(state.get(NOTES) or "")
    drafting.put(replace(drafting.get(), name=name, notes=notes))


def default_name(engine: Engine, draft: Draft) -> str:
    """What a scenario is called that nobody named: its first edit."""
    if draft.name or not draft.edits:
        return draft.name or tr("What if")
    base = draft.base(engine.corpus)
    words = wording.short(edit_words(engine.corpus, base, draft.edits, 1), 60)
    return words[:1].upper() + words[1:]


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


def where(draft: Draft, recommender: str | None) -> dict[str, str | int | None]:
    """What sidebar and URL say when a draft is shown."""
    return {
        CORPUS: draft.corpus,
        USER: draft.user_id,
        TIME: draft.step,
        SCENARIO: draft.scenario_id,
        EDITS: state.get(EDITS),
        RECOMMENDER: recommender or state.get(RECOMMENDER),
    }


def open_picked() -> None:
    picked = state.get(PICK)
    if not picked:
        open_draft(None)
        return
    with reported():
        scenario = loaders.scenario_store().load(picked)
        open_draft(Draft.of_scenario(scenario), scenario.capsule.recommender)


def open_capsule() -> None:
    file = state.get(UPLOAD)
    if file is None:
        return
    with reported():
        capsule = read_capsule(file.getvalue(), file.name)
        corpus = corpus_of(capsule, loaders.library())
        open_draft(replace(Draft.of_capsule(capsule), corpus=corpus), capsule.recommender)


@contextmanager
def reported() -> Iterator[None]:
    """Keep what goes wrong in a callback, so that the page can say it."""
    state.put(ERROR, None)
    try:
        yield
    except ScenarioConflict as conflict:
        state.put(CONFLICT, conflict)
    except DomainError as error:
        state.put(ERROR, error)


def save(engine: Engine, as_copy: bool = False) -> None:
    """Save the draft, or a copy of it under another name. For callbacks."""
    with reported():
        draft = drafting.get()
        mine, store = scenario_of(engine, draft), loaders.scenario_store()
        if as_copy:  # whose name needs a mark where there is another version
            same_name = draft.saved is None and state.get(CONFLICT) is None
            saved = store.duplicate(mine, mine.name if same_name else None)
        else:
            saved = store.save(mine)
        state.put(CONFLICT, None)
        drafting.show(replace(Draft.of_scenario(saved), table=draft.table))
        st.rerun()


def scenario_of(engine: Engine, draft: Draft) -> Scenario:
    """The draft as it is saved, by the sidebar's recommender; DomainError for a wrong edit."""
    recommender = state.get(RECOMMENDER) or engine.recommender().id
    step = len(draft.base(engine.corpus))
    fork = loaders.fork(engine, draft.user_id, step, draft.edits, recommender)
    capsule = make_capsule(fork, default_name(engine, draft))
    if draft.saved is None:
        return Scenario(capsule, draft.notes, draft.undone)
    return replace(draft.saved, capsule=capsule, notes=draft.notes, undone=draft.undone)


def delete() -> None:
    """Take the scenario off the list; what it was stays on the screen, unsaved. For callbacks."""
    draft = drafting.get()
    if draft.saved is None:
        return
    with reported():
        loaders.scenario_store().delete(draft.saved)
        drafting.show(replace(draft, saved=None, capsule=None))
        st.rerun()


def draw_kept(engine: Engine) -> None:
    """Edits that were put aside when something else was opened, the newest first."""
    for number, draft in enumerate(drafting.kept()):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            edits = wording.count(len(draft.edits), "edit")
            said = tr(
                "Kept aside: {edits} of {scenario} ({user}).",
                edits=edits,
                scenario=draft.name or tr("a scenario"),
                user=draft.user_id,
            )
            notices.caution(said)
            drawing.button(tr("Restore"), f"bring_back_{number}", bring_back, draft)
            drawing.button(tr("Discard"), f"drop_kept_{number}", drafting.drop, draft)


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
        name = notices.escape(mine.name)
        if theirs.deleted:
            said = tr(
                "{name} was deleted in another session since you opened it. Yours is not saved "
                "yet.",
                name=name,
            )
        else:
            said = tr(
                "{name} was saved in another session since you opened it. Yours is not saved yet.",
                name=name,
            )
        st.markdown(f":material/call_split: **{said}**")  # no sentence
        left, right = st.columns(2)
        with left:
            st.markdown(tr("**Yours**, based on revision {revision}", revision=mine.revision))
            draw_version(engine, drafting.get())
        with right:
            st.markdown(tr("**Theirs**, revision {revision}", revision=theirs.revision))
            draw_version(engine, Draft.of_scenario(theirs))
        with st.container(horizontal=True, gap="small"):
            label = tr("Keep mine as a copy")
            drawing.button(label, "keep_mine", save, engine, True, type="primary")
            if theirs.deleted:
                drawing.button(tr("Discard mine"), "take_theirs", open_draft, None)
            else:
                drawing.button(tr("Take theirs"), "take_theirs", take_theirs)


def draw_version(engine: Engine, draft: Draft) -> None:
    """One side of a conflict: its name, edits and notes."""
    base = draft.base(engine.corpus)
    with st.container(gap="xxsmall"):
        st.text(draft.name)
        for number in range(1, len(draft.edits) + 1):
            st.text(f"{number}. {edit_words(engine.corpus, base, draft.edits, number)}")
        if draft.notes:
            notices.caution(tr("Notes: {notes}", notes=wording.short(draft.notes, 200)))


def take_theirs() -> None:
    """Go on with their version; mine can still be brought back. For callbacks."""
    conflict = state.get(CONFLICT)
    assert isinstance(conflict, ScenarioConflict)
    theirs = Draft.of_scenario(conflict.theirs)
    drafting.put_aside(replace(drafting.get(), saved=None, capsule=None))
    drafting.show(theirs)
    open_draft(theirs, conflict.theirs.capsule.recommender)

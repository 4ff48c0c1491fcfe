"""Own histories: of somebody who is not in the corpus, begun blank or uploaded; in the sidebar."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from core.corpus.corpus import Corpus
from core.corpus.own import is_own
from core.corpus.own_reading import OwnReading, UnknownItem, read_own_file
from core.domain import DomainError, Event
from core.language import tr
from core.scenario.own import keep_own, saved_own
from core.scenario.store import Scenario
from core.views import wording
from pages._shared import drawing, loaders, notices, state
from pages._shared.state import FORM, SCENARIO, TIME, USER

LARGEST_MB = 10
ROUND, READ, WRONG, SAID = "own_round", "own_read", "own_wrong", "own_said"
"""Which uploader it is, a file that leaves a choice, what went wrong, what was read of whom."""
NO_MATCH = ""
LISTED = 5
_ENDINGS = re.compile(r"(\.[A-Za-z0-9]{1,12}){0,2}$")


def draw(corpus: Corpus) -> None:
    """A button to a history of one's own, and below it what the present one is."""

    @st.dialog(tr("Own history"))
    def dialog() -> None:
        notices.caution(
            tr(
                "The history of somebody who is not in the corpus. It stays unsaved until you save "
                "it as a scenario in What-if."
            )
        )
        drawing.button(tr("Start from a blank history"), "own_blank", start_blank, corpus)
        key = f"own_upload_{state.get(ROUND) or 0}"
        st.file_uploader(
            tr("Upload a history: one person's events, in any form that an import reads"),
            key=key,
            max_upload_size=LARGEST_MB,
            on_change=upload,
            args=(corpus, key),
        )
        problem = state.get(WRONG)
        if isinstance(problem, DomainError):
            notices.wrong(problem)
        draw_choices(corpus)
        draw_saved(corpus)

    icon = ":material/person_add:"
    if st.button(tr("Own history"), key="own_history", icon=icon, width="stretch"):
        state.put(READ, None)
        state.put(WRONG, None)
        dialog()
    draw_mark(corpus)


def draw_choices(corpus: Corpus) -> None:
    """Items of the file that may be others of the corpus."""
    name, data, reading = state.get(READ) or ("", b"", None)
    if not isinstance(reading, OwnReading):
        return
    notices.say(reading.summary)

    def label(item_id: str) -> str:
        return corpus.label(item_id) if item_id else tr("Keep its text only")

    for at, item in enumerate(reading.undecided):
        st.selectbox(
            notices.escape(wording.short(item.name, 60)),
            [NO_MATCH, *item.choices],
            key=f"own_match_{at}",
            format_func=label,
        )
    asked = corpus, name, data, reading
    drawing.button(tr("Open the history"), "own_open", open_matched, *asked, type="primary")


def draw_saved(corpus: Corpus) -> None:
    """Scenarios that were saved of own histories."""
    try:
        saved = saved_own(loaders.library(), corpus.name)[:LISTED]
    except DomainError:  # What-if says what is wrong with the store
        return
    for at, scenario in enumerate(saved):
        name = notices.escape(tr("Open {name}", name=wording.short(scenario.name, 40)))
        drawing.button(name, f"own_saved_{at}", open_saved, scenario, icon="save")


def draw_mark(corpus: Corpus) -> None:
    """That the chosen user is not of the corpus, whether it is saved, and what was read."""
    user = state.get(USER)
    if not isinstance(user, str) or not is_own(user):
        return
    names = []
    try:
        saved = saved_own(loaders.library(), corpus.name)
        names = [scenario.name for scenario in saved if scenario.capsule.user == user]
    except DomainError:
        pass
    mark = tr("Saved as {name}", name=names[0]) if names else tr("Not saved")
    mark = tr("{clauses}.", clauses=wording.short(mark, 60))
    notices.caution(wording.joined(tr("Own history, not in the corpus."), mark))
    whose, lines = state.get(SAID) or ("", ())
    if whose == user:
        for line in lines:
            notices.caution(line)


def label(corpus: Corpus, user: str) -> str:
    """What the picker calls a user."""
    if not is_own(user) or user in corpus.user_index:
        return user
    events = wording.count(len(corpus.history(user)), "event")
    return tr("Own history · {events}", events=events)


def start_blank(corpus: Corpus) -> None:
    """Open What-if on a history without events. For callbacks."""
    open_events(corpus, (), (), drawing.WHAT_IF, {FORM: "add"})


def upload(corpus: Corpus, key: str) -> None:
    """Read the uploaded file; open it at once where no item leaves a choice. For callbacks."""
    file = state.get(key)
    state.put(READ, None)
    state.put(WRONG, None)
    if file is None:
        return
    data: bytes = file.getvalue()
    endings = _ENDINGS.search(file.name)
    name = f"history{endings[0] if endings else ''}"
    try:
        reading = read(name, data, corpus, {})
    except DomainError as problem:
        state.put(WRONG, problem)
        return
    if reading.undecided:
        state.put(READ, (name, data, reading))
        return
    open_reading(corpus, reading)


def read(name: str, data: bytes, corpus: Corpus, matches: dict[str, str]) -> OwnReading:
    """The file's history; DomainError where it can't be read."""
    with TemporaryDirectory(prefix="tastelines-own-") as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return read_own_file([path], corpus, matches)


def open_matched(corpus: Corpus, name: str, data: bytes, reading: OwnReading) -> None:
    """Open a file with the items that were chosen. For callbacks."""
    matches = {
        item.item_id: str(state.get(f"own_match_{at}") or NO_MATCH)
        for at, item in enumerate(reading.undecided)
    }
    open_reading(corpus, read(name, data, corpus, matches))


def open_reading(corpus: Corpus, reading: OwnReading) -> None:
    lines = [reading.summary, *(tr("{clauses}.", clauses=note) for note in reading.notes)]
    lines += [_said(corpus, item) for item in reading.unknown[:LISTED]]
    open_events(corpus, reading.history.events, lines)


def _said(corpus: Corpus, item: UnknownItem) -> str:
    name = wording.short(item.name, 30)
    if item.taken:
        return tr("{name} is taken for {item}.", name=name, item=corpus.label(item.taken))
    return tr("{name}: its text only.", name=name)


def open_saved(scenario: Scenario) -> None:
    """Open a saved scenario of an own history. For callbacks."""
    about: dict[str, str | int | None] = {
        USER: scenario.capsule.user,
        TIME: scenario.capsule.steps,
        SCENARIO: scenario.scenario_id,
    }
    state.go(drawing.WHAT_IF, **about)


def open_events(
    corpus: Corpus,
    events: Sequence[Event],
    lines: Sequence[str],
    page: str = "",
    more: Mapping[str, str] = {},
) -> None:
    """Show an own history of these events, on a page or, without one, here. For callbacks."""
    try:
        user = keep_own(loaders.library(), corpus.name, events)
    except DomainError as problem:
        state.put(WRONG, problem)
        return
    state.put(ROUND, (state.get(ROUND) or 0) + 1)  # an empty uploader
    state.put(READ, None)
    state.put(WRONG, None)
    state.put(SAID, (user, tuple(lines)))
    state.has_chosen()
    if not page and state.page() not in state.ONE_USER:
        page = drawing.TIMELINE
    if page:
        state.go(page, **{USER: user, TIME: None, **more})
    state.put(USER, user)
    state.forget_about(USER)
    st.rerun()

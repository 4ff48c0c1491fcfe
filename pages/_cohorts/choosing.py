"""The time, and whom the page describes: a region, a rule, a saved cohort or an alarm's users."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.arrays import BoolArray
from core.cohorts.area import Area
from core.cohorts.listed import read_listed
from core.cohorts.patterns import SavedPattern
from core.cohorts.rule import READERS, Rule, members, query_of
from core.cohorts.store import LONGEST_NAME, Cohort, left_out_of, members_of
from core.corpus.attributes import Attributes
from core.domain import DomainError
from core.language import tr
from core.views.cohorts.build import Everyone
from core.views.cohorts.rows import UsersMap
from core.views.cohorts.sentences import TREND_WORDS, TURN_WORDS, rule_words, saved_sentence
from core.views.wording import capital, count, day, grown_since, joined
from pages._cohorts import asking
from pages._cohorts import attributes as conditions
from pages._shared import cohorts, drawing, notices, state
from pages._shared.state import (
    COHORT_AGAINST,
    COHORT_SAVED,
    COHORTS_AREA,
    COHORTS_AT,
    COHORTS_RULE,
    COHORTS_SOURCES,
    PLAYING_CALENDAR,
)

if TYPE_CHECKING:
    from core.engine import Engine

END = "end"
SECONDS = 1.0
"""Between two months of Play."""
MAP = "users_map"
ANSWER, FILLED = "cohort_answer", "rule_filled"
"""What became of the last save; the rule that the form was filled with."""
PICK, OTHER, NAME, NOTES = "cohort_pick", "cohort_other", "cohort_name", "cohort_notes"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whom the page describes, and what it was made of."""

    name: str
    users: BoolArray
    rule: Rule | None = None
    area: Area | None = None
    saved: Cohort | None = None
    note: str = ""
    pattern: SavedPattern | None = None
    problem: DomainError | None = None
    """Why what is saved can't be opened; then nobody is chosen."""

    def cohort(self, engine: Engine) -> Cohort:
        """The same users as they are kept: a rule as a rule, all else as a list."""
        corpus, size = engine.corpus, int(self.users.sum())
        listed = () if self.rule else cohorts.ids(engine, self.users)
        about = corpus.name, corpus.corpus_id, engine.model_id, size
        return Cohort(self.name[:LONGEST_NAME], *about, self.rule, listed)


def pick_time(everyone: Everyone) -> int:
    """The place of the chosen time among ``everyone.times``; Play goes through all."""
    times = everyone.times
    if len(times) < 2:
        return 0
    options = [*(f"{at:%Y-%m-%d}" for at in times[:-1]), END]
    asked = state.get(COHORTS_AT)
    if asked not in options and asked is not None:
        at = bisect_right(options[:-1], str(asked)) - 1
        if not at >= 0 or not is_day(str(asked)):
            missing = tr("There is no time {asked!r} here; this is the last one.", asked=asked)
            notices.miss(COHORTS_AT, missing)
        state.put(COHORTS_AT, options[at] if at >= 0 and is_day(str(asked)) else END)
    elif asked is None:
        state.put(COHORTS_AT, END)
    playing = bool(state.get(PLAYING_CALENDAR))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        label, icon = (tr("Pause"), "pause") if playing else (tr("Play"), "play_arrow")
        drawing.button(label, "play_calendar", toggle, options, icon=icon)
        state.hold(COHORTS_AT)
        picked = st.select_slider(
            tr("Time"),
            options,
            key=COHORTS_AT,
            format_func=lambda at: day(times[-1]) if at == END else day(times[options.index(at)]),
            persist_state="session",
            on_change=choose_time,
        )
    return options.index(picked) if picked in options else len(options) - 1


def is_day(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def toggle(options: Sequence[str]) -> None:
    """Play the calendar, from its start if it is at its end, or pause. For callbacks."""
    starts = not state.get(PLAYING_CALENDAR)
    state.has_chosen()
    state.put(PLAYING_CALENDAR, starts or None)
    if starts and state.get(COHORTS_AT) == END:
        state.put(COHORTS_AT, options[0])


def play(everyone: Everyone) -> None:
    """Go on by a month per tick while Play is on."""
    if not state.get(PLAYING_CALENDAR) or len(everyone.times) < 2:
        return
    options = [*(f"{at:%Y-%m-%d}" for at in everyone.times[:-1]), END]
    is_drawn = False

    @st.fragment(run_every=SECONDS)
    def tick() -> None:
        nonlocal is_drawn
        now = state.get(COHORTS_AT)
        if is_drawn and state.get(PLAYING_CALENDAR) and now in options:
            following = options[min(options.index(now) + 1, len(options) - 1)]
            state.put(COHORTS_AT, following)
            if following == END:
                state.put(PLAYING_CALENDAR, None)
            st.rerun()
        is_drawn = True

    tick()


def choose_time() -> None:
    """The browser reports another time. For callbacks."""
    if state.is_choice(COHORTS_AT):
        chose()


def chose() -> None:
    """After a choice Play stops. For callbacks."""
    state.has_chosen()
    state.put(PLAYING_CALENDAR, None)


def describe_only(key: str, value: str | None) -> None:
    """Describe what one of ``COHORTS_SOURCES`` says; None for nobody. For callbacks."""
    chose()
    for each, wanted in state.cohort_of(key, value).items():
        state.choose(each, wanted)
    state.put(ANSWER, None)


def draw_region() -> None:
    """Describe whom a region was drawn around. For callbacks."""
    corners = state.drawn_region(MAP)
    area = Area.drawn(*corners) if corners else None
    if area is not None:
        describe_only(COHORTS_AREA, area.to_text())


def settle(everyone: Everyone, shown: UsersMap) -> Chosen | None:
    """Whom the address asks for; None for nobody. What can't be is said."""
    readers = (of_pattern, of_saved, of_rule, of_area, of_users)
    for key, read in zip(COHORTS_SOURCES, readers, strict=True):
        asked = state.get(key)
        if not asked:
            continue
        try:
            return read(everyone, shown, str(asked))
        except DomainError as problem:
            notices.miss(key, str(problem))
            state.choose(key, None)
    return None


def of_saved(everyone: Everyone, shown: UsersMap, cohort_id: str) -> Chosen:
    cohort = cohorts.store().load(cohort_id)
    corpus = everyone.engine.corpus
    if cohort.corpus != corpus.name:
        about = {"name": cohort.name, "corpus": cohort.corpus}
        raise DomainError(tr("the cohort {name!r} is of the corpus {corpus!r}", **about))
    return replace(of_kept(everyone, cohort), saved=cohort)


def of_kept(everyone: Everyone, cohort: Cohort) -> Chosen:
    """A saved cohort's users now; a problem where its rule can't be asked any more."""
    corpus = everyone.engine.corpus
    try:
        users = members_of(cohort, everyone.people)
    except DomainError as problem:
        nobody = np.zeros(len(corpus.user_ids), np.bool_)
        return Chosen(cohort.name, nobody, cohort.rule, problem=problem)
    since = grown_since(corpus.manifest, cohort.corpus_id)
    outside = left_out_of(cohort, corpus)
    note = saved_sentence(cohort.size, int(users.sum()), since, outside)
    return Chosen(cohort.name, users, cohort.rule, note=note)


def of_pattern(everyone: Everyone, shown: UsersMap, pattern_id: str) -> Chosen:
    """Whom a saved what-if is about."""
    entry = asking.whose(pattern_id)
    if entry.cohort.corpus != everyone.engine.corpus.name:
        other = entry.cohort.corpus
        raise DomainError(tr("this what-if is of the corpus {corpus!r}", corpus=other))
    chosen = of_kept(everyone, entry.cohort)
    if entry.deleted:
        gone = tr(
            "The users of the deleted what-if {name!r}; no saved cohort has them.", name=entry.name
        )
        return replace(chosen, note=joined(gone, chosen.note))
    return replace(chosen, pattern=entry)


def of_rule(everyone: Everyone, shown: UsersMap, text: str) -> Chosen:
    rule = Rule.from_text(text)
    if rule.is_empty:
        raise DomainError(tr("the rule has no condition"), remedy=tr("Give it one"))
    return Chosen(capital(rule_words(rule)), members(rule, everyone.people), rule)


def of_area(everyone: Everyone, shown: UsersMap, text: str) -> Chosen:
    area = Area.from_text(text)
    users = np.zeros(len(everyone.engine.corpus.user_ids), np.bool_)
    users[shown.places[area.holds(shown.positions)]] = True
    name = tr("Users in the drawn region")
    if shown.at:
        name = tr("Users in the drawn region on {day}", day=day(shown.at))
    return Chosen(name, users, None, area)


def of_users(everyone: Everyone, shown: UsersMap, code: str) -> Chosen:
    corpus = everyone.engine.corpus
    listed = read_listed(code, corpus)
    note = tr("These users, by the link; not saved.")
    return Chosen(listed.name, listed.mask(corpus), note=note)


def rule_form(everyone: Everyone) -> None:
    """A small form that makes a rule, with the query that it becomes."""
    text = str(state.get(COHORTS_RULE) or "")
    known = everyone.engine.corpus.attributes
    if state.get(FILLED) != text:
        fill(text, known)
    conditions.pick(known)
    topics = everyone.people.topics
    turns, timed = everyone.people.turns is not None, bool(everyone.times)
    with st.form("rule", border=False):
        if not turns:
            why = cohorts.turns_problem(everyone.engine) or tr(
                "Turning points were not measured for this model yet."
            )
            notices.caution(joined(why, tr("Overview measures them.")))
        with st.container(horizontal=True, gap="small"):
            pick("turned_to", tr("Turned to"), topics, disabled=not turns)
            pick("turned_from", tr("Turned away from"), topics, disabled=not turns)
            pick("kind", tr("Kind of turning point"), TURN_WORDS, disabled=not turns)
        with st.container(horizontal=True, gap="small"):
            pick_day("since", tr("Turned since"), disabled=not (turns and timed))
            pick_day("until", tr("Turned until"), disabled=not (turns and timed))
            pick("topic", tr("Leading topic now"), topics)
        with st.container(horizontal=True, gap="small"):
            type_number("least_events", tr("Events at least"), 1)
            type_number("most_events", tr("Events at most"), 1)
            type_number("least_drift", tr("Drift at least"), 0.1)
        with st.container(horizontal=True, gap="small"):
            pick("sentiment", tr("Sentiment"), TREND_WORDS)
            pick_day("active_since", tr("Last seen since"), disabled=not timed)
            pick_day("quiet_since", tr("Not seen since"), disabled=not timed)
            type_number("least_rank", tr("Held-out rank at least"), 1)
        conditions.draw(known)
        st.form_submit_button(tr("Find them"), type="primary", on_click=ask)
    answer = state.get(ANSWER)
    if isinstance(answer, DomainError):
        notices.wrong(answer)
    if text:
        try:
            query = query_of(Rule.from_text(text), known)
            st.code(query.shown, language="sql", wrap_lines=True)
        except DomainError:
            return


def pick(name: str, label: str, options: Sequence[str] | Mapping[str, str], **look: Any) -> None:
    """One of some names, or of some marked words by their names."""
    key, words = f"rule_{name}", options if isinstance(options, Mapping) else {}
    look |= {"placeholder": tr("Any"), "width": 190}
    if state.get(key) not in (None, *options):
        state.choose(key, None)
    st.selectbox(
        label,
        list(options),
        index=None,
        key=key,
        format_func=lambda each: tr(words[each]) if each in words else each,
        **look,
    )


def pick_day(name: str, label: str, **look: Any) -> None:
    look |= {"min_value": date(1900, 1, 1), "max_value": date(2200, 1, 1)}
    st.date_input(label, None, key=f"rule_{name}", format="YYYY-MM-DD", width=150, **look)


def type_number(name: str, label: str, step: float) -> None:
    least = 1 if name == "least_rank" else 0 if step == 1 else 0.0
    st.number_input(label, least, value=None, key=f"rule_{name}", step=step, width=150)


def fill(text: str, known: Attributes | None) -> None:
    """Put a rule into the form's fields, before they are drawn."""
    try:
        rule = Rule.from_text(text)
    except DomainError:
        rule = Rule()
    conditions.fill(rule.attributes, known)
    given = rule.given
    for name in READERS:
        value = given.get(name)
        state.choose(f"rule_{name}", value if name != "least_rank" or value is None else int(value))
    state.put(FILLED, text)


def ask() -> None:
    """Make the form a rule. For callbacks."""
    try:
        values = {name: state.get(f"rule_{name}") for name in READERS}
        rule = Rule.from_values(values, attributes=conditions.asked())
        if rule.is_empty:
            raise DomainError(tr("the rule has no condition"), remedy=tr("Give it one"))
    except DomainError as problem:
        state.put(ANSWER, problem)
        return
    describe_only(COHORTS_RULE, rule.to_text())
    state.put(FILLED, rule.to_text())


def against(everyone: Everyone, saved: Sequence[Cohort]) -> tuple[str, BoolArray] | None:
    """The saved cohort that the open one is held against; None for all others."""
    asked = state.get(COHORT_AGAINST)
    if asked is None:
        return None
    for cohort in saved:
        if cohort.cohort_id == asked:
            try:
                return cohort.name, members_of(cohort, everyone.people)
            except DomainError as problem:
                notices.miss(COHORT_AGAINST, str(problem))
                return None
    notices.miss(COHORT_AGAINST, tr("There is no saved cohort {asked!r}.", asked=asked))
    state.choose(COHORT_AGAINST, None)
    return None


def save_form(everyone: Everyone, chosen: Chosen) -> None:
    """Save whom the page describes under a name: a rule as a rule, a region as its users."""
    kept = tr("Keeps its rule, which is asked again when it is opened.")
    if not chosen.rule:
        kept = tr("Keeps a list of {users}.", users=count(int(chosen.users.sum()), "user"))
    with st.popover(tr("Save"), icon=":material/save:", key="cohort_save"):
        answer = state.get(ANSWER)
        if isinstance(answer, DomainError):
            notices.show_error(answer)
        with st.form("save_cohort", border=False):
            st.text_input(tr("Name"), key=NAME, max_chars=100)
            st.text_area(tr("Notes"), key=NOTES, height=80)
            st.caption(kept)
            label, about = tr("Save"), (everyone, chosen)
            st.form_submit_button(label, type="primary", on_click=save, args=about)


def save(everyone: Everyone, chosen: Chosen) -> None:
    """Keep it and open what was kept. For callbacks."""
    name, notes = str(state.get(NAME) or ""), str(state.get(NOTES) or "")
    try:
        kept = replace(chosen.cohort(everyone.engine), name=name, notes=notes)
        cohort = cohorts.store().save(kept)
    except DomainError as problem:
        state.put(ANSWER, problem)
        return
    describe_only(COHORT_SAVED, cohort.cohort_id)


def delete(cohort: Cohort) -> None:
    """Take a saved cohort off the list; its revisions stay. For callbacks."""
    try:
        cohorts.store().delete(cohort)
    except DomainError as problem:
        state.put(ANSWER, problem)
        return
    describe_only(COHORT_SAVED, None)

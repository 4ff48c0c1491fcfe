"""What Compare compares: presets made from the sidebar's choice, or a person's own columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.compare import columns
from core.compare.columns import (
    FEWEST,
    MOST,
    ColumnSpec,
    moment_of,
    read_column,
    wrong_number,
)
from core.compare.models import comparable
from core.domain import DomainError, is_step
from core.language import mark, tr
from core.views.wording import ORDER_ONLY, about_everybody, capital, joined, short
from pages._shared import controls, drawing, loaders, notices, state
from pages._shared.notices import Moment
from pages._shared.state import COLUMNS, TIME, USER

if TYPE_CHECKING:
    from core.engine import Engine

PRESETS = {
    (EVENT := "event"): mark("Before and after this event"),
    (MONTHS := "months"): mark("Month by month"),
    (PARTS := "parts"): mark("Joint and its components"),
    (USERS := "users"): mark("Two users"),
    (SCENARIO := "scenario"): mark("Scenario"),
    (SERVED := "served"): mark("Served list"),
    (MODELS := "models"): mark("Two models"),
}
"""What a preset is called in the address, and on the page."""
PRESET, LENGTH, OF = "compare_preset", "compare_length", "_columns_of"
LENGTHS = (10, 20)
Missing = tuple[str, str]
"""A title and what to do about it."""
FIELDS = ("user", "step", "by", "scenario")
LISTED_USERS = 5_000
"""Above so many users an id is typed."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What to compare: columns and the length of their lists; or what is missing for it."""

    specs: tuple[ColumnSpec, ...]
    """As the address names them: without a recommender where the sidebar's decides."""
    k: int
    recommender: str
    """The sidebar's."""
    missing: Missing | None = None

    @property
    def columns(self) -> tuple[ColumnSpec, ...]:
        """The columns to compare, each with its recommender."""
        return tuple(
            replace(spec, recommender=spec.recommender or self.recommender) for spec in self.specs
        )


def address(specs: Sequence[ColumnSpec], k: int) -> str:
    """Columns for the address, separated by ``;``; ``read_address`` gives exactly these."""
    return _with_length(";".join(map(str, specs)), k)


def _with_length(what: str, k: int | None) -> str:
    """Columns or a preset, the length first where it isn't 10."""
    return what if k in (None, LENGTHS[0]) else f"{k};{what}"


def read_address(text: str) -> tuple[str | tuple[ColumnSpec, ...], int]:
    """A preset's name or columns, and the length of the lists; DomainError for anything else."""
    parts = [part for part in text.split(";") if part.strip()]
    k = LENGTHS[0]
    if parts and parts[0].isdigit():
        length = parts.pop(0)
        if length not in map(str, LENGTHS):
            what = tr("lists of {length} aren't compared", length=short(length, 9))
            raise DomainError(what, remedy=tr("Use 10 or 20"))
        k = int(length)
    if len(parts) == 1 and parts[0] in PRESETS:
        return parts[0], k
    if not parts:
        return EVENT, k
    if not FEWEST <= len(parts) <= MOST:
        raise DomainError(wrong_number(len(parts)))
    return tuple(read_column(part) for part in parts), k


def choose(moment: Moment) -> Choice:
    """What the address or the person asks for, with the pickers to change it."""
    asked, k = _asked()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        state.choose(PRESET, asked if isinstance(asked, str) else None)
        st.pills(
            tr("Compare"),
            list(PRESETS),
            key=PRESET,
            format_func=lambda preset: tr(PRESETS[preset]),
            on_change=_pick_preset,
            label_visibility="collapsed",
        )
        st.space("stretch")
        state.put(LENGTH, k)
        st.segmented_control(
            tr("Length of the lists"),
            LENGTHS,
            key=LENGTH,
            required=True,
            format_func=lambda n: tr("Top {n}", n=n),
            on_change=_pick_length,
            label_visibility="collapsed",
        )
    if not isinstance(asked, str):
        return Choice(asked, k, moment.recommender)
    specs, missing = _preset(moment, asked)
    return Choice(tuple(specs), k, moment.recommender, missing)


def _asked() -> tuple[str | tuple[ColumnSpec, ...], int]:
    text = state.get(COLUMNS)
    if not text:
        return EVENT, LENGTHS[0]
    try:
        asked, k = read_address(str(text))
    except DomainError as error:
        said = tr("The columns in the address can't be read: {problem}", problem=error)
        notices.miss(COLUMNS, said)
        return EVENT, LENGTHS[0]
    return asked, k


def _preset(moment: Moment, name: str) -> tuple[list[ColumnSpec], Missing | None]:
    engine, user, step, _ = moment
    if name == EVENT:
        return columns.before_and_after(user, step), None
    if name == MONTHS:
        specs = columns.month_by_month(engine, user, step)
        if engine.corpus.manifest.order_as_time:
            choose_other = tr("Choose another comparison.")
            return specs, (tr("No months"), joined(tr(ORDER_ONLY), choose_other))
        return specs, None if len(specs) >= FEWEST else (
            tr("One month only"),
            tr(
                "All events up to the selected time are in one month. Choose a later time, or "
                "another comparison."
            ),
        )
    if name == PARTS:
        return columns.joint_and_parts(engine, user, step), None
    if name == USERS:
        specs = columns.two_users(engine, user, step)
        if specs:
            notices.say_sample(engine)
        own = tr("No other user has an item of this history. Choose a user in your own columns.")
        return specs, None if specs else (
            tr("No user shares an item"),
            joined(own, about_everybody(engine.corpus.sample)),
        )
    if name == SCENARIO:
        saved = loaders.scenario_store().scenarios(engine.corpus.name, user)
        if saved:
            return columns.with_scenario(user, saved[0].capsule.steps, saved[0].scenario_id), None
        return [], (
            tr("No scenario is saved"),
            tr(
                "Edit the history of {user} on the page What-if and save it; it can then be "
                "compared with the original.",
                user=user,
            ),
        )
    if name == MODELS:
        other = _other_model(engine)
        return columns.two_models(user, step, other) if other else [], None if other else (
            tr("Only one model"),
            tr(
                "Append events and update the model, or train another one; its lists can then be "
                "compared with those of the open model."
            ),
        )
    lists = loaders.served_lists(engine.corpus.name)
    if lists:
        return columns.with_served(user, step, lists[0].name), None
    return [], (
        tr("No served lists are imported"),
        tr(
            "Import the lists that your own system served: {command}",
            command=f"python -m core import-lists FILE --name {engine.corpus.name}",  # no sentence
        ),
    )


def _other_model(engine: Engine) -> str | None:
    """The model to compare the open one with: the one it was updated from, else the newest."""
    kin = comparable(loaders.library(), engine.corpus.manifest, engine.model_id)
    parent = engine.config.parent
    if parent is not None and parent.model_id in kin:
        return parent.model_id
    return next(iter(kin), None)


def _pick_preset() -> None:
    _set(state.get(PRESET) or EVENT, state.get(LENGTH))


def _pick_length() -> None:
    text = str(state.get(COLUMNS) or EVENT)
    parts = [part for part in text.split(";") if not part.isdigit()]
    _set(";".join(parts), state.get(LENGTH))


def _set(what: str, k: int | None) -> None:
    state.has_chosen()
    state.put(COLUMNS, _with_length(what, k))


def draw_columns(engine: Engine, choice: Choice) -> None:
    """One popover per column to change it, and a button for one more."""
    names = [*engine.recommenders, *(m.name for m in loaders.served_lists(engine.corpus.name))]
    several = len({spec.user for spec in choice.specs}) > 1
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        for at, spec in enumerate(choice.specs):
            with st.popover(notices.escape(f"{at + 1} · {_label(spec, several)}")):
                _edit(engine, choice, at, names)
        if len(choice.specs) < MOST:
            drawing.button(tr("Column"), "add_column", _add, engine, choice, icon="add")


def _label(spec: ColumnSpec, with_user: bool) -> str:
    words = [short(spec.user, 16)] if with_user else []
    if spec.at is None:
        words.append(tr("last step"))
    else:
        words.append(tr("step {step}", step=spec.at) if is_step(spec.at) else spec.at)
    words += [controls.recommender_label(spec.recommender)] if spec.recommender else []
    words += [tr("model {id}", id=spec.model[:8])] if spec.model else []
    words += [tr("scenario")] if spec.scenario else [tr("edits")] if spec.edits else []
    return " · ".join(words)


def _edit(engine: Engine, choice: Choice, at: int, names: Sequence[str]) -> None:
    spec, users = choice.specs[at], engine.corpus.whole.user_ids
    whole = engine.corpus.history(spec.user)
    user, step, by, scenario = (f"column_{field}_{at}" for field in FIELDS)
    state.put(user, spec.user)
    state.put(step, len(moment_of(whole, spec.at)))
    state.put(by, spec.recommender or choice.recommender)
    change: dict[str, Any] = {"on_change": _change, "args": (engine, choice, at)}
    if len(users) > LISTED_USERS:
        st.text_input(tr("User"), key=user, **change)
    else:
        listed = users if spec.user in engine.corpus.whole.user_index else (spec.user, *users)
        st.selectbox(tr("User"), listed, key=user, **change)
    label = tr("Step (0 to {last})", last=len(whole))
    st.number_input(label, 0, len(whole), key=step, step=1, **change)
    called = controls.recommender_label
    st.selectbox(tr("Recommender"), names, key=by, format_func=called, **change)
    saved = []
    try:
        store = loaders.scenario_store()
        saved = store.scenarios(engine.corpus.name, spec.user)
        problem = loaders.problem_of(store)
    except DomainError as error:
        problem = tr("{problem} ({place}).", problem=capital(error.what), place=error.where)
    if problem:
        notices.caution(problem)
    if saved:
        titles = {each.scenario_id: each.name for each in saved}
        same = next((i for i, name in titles.items() if spec.scenario in (i, name)), None)
        state.choose(scenario, same)
        st.selectbox(
            tr("Scenario"),
            list(titles),
            index=None,
            key=scenario,
            placeholder=tr("The original"),
            format_func=lambda key: titles.get(key, key),
            **change,
        )
    else:
        state.put(scenario, None)
    drawing.link(
        drawing.WHAT_IF,
        tr("Edit this history in What-if"),
        user=spec.user,
        time=len(moment_of(whole, spec.at)),
        recommender=spec.recommender if spec.recommender in engine.recommenders else None,
        scenario=spec.scenario,
        edits=spec.edits,
    )
    if len(choice.specs) > FEWEST:
        others = [*choice.specs[:at], *choice.specs[at + 1 :]]
        drawing.button(tr("Remove"), f"column_remove_{at}", _own, others, choice.k)


def _change(engine: Engine, choice: Choice, at: int) -> None:
    old = choice.specs[at]
    user, step, by, scenario = (state.get(f"column_{field}_{at}") for field in FIELDS)
    user = str(user or old.user).strip()
    by = None if by == choice.recommender else by
    if user == old.user:
        edits = None if scenario else old.edits
        new = ColumnSpec(user, str(step), by, scenario, edits, old.model)
    else:
        known = engine.corpus.knows(user)
        end = str(len(engine.corpus.history(user))) if known else None
        new = ColumnSpec(user, end, by, model=old.model)
    _own([*choice.specs[:at], new, *choice.specs[at + 1 :]], choice.k)


def _own(specs: Sequence[ColumnSpec], k: int) -> None:
    """Take a person's own columns; the sidebar follows where its user is in none of them."""
    if state.get(USER) not in {spec.user for spec in specs}:
        state.put(USER, specs[0].user)
        state.put(TIME, None)
    _set(address(specs, LENGTHS[0]), k)


def _add(engine: Engine, choice: Choice) -> None:
    """One more column: the last one's user a step further, or at its end by another recommender."""
    last = choice.specs[-1]
    whole = engine.corpus.history(last.user)
    step = len(moment_of(whole, last.at))
    if step < len(whole):
        new = ColumnSpec(last.user, str(step + 1), last.recommender)
    else:
        used = {spec.recommender for spec in choice.columns}
        others = (name for name in engine.recommenders if name not in used)
        new = ColumnSpec(last.user, str(step), next(others, None))
    _own([*choice.specs, new], choice.k)

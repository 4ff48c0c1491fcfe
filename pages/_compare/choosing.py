"""What Compare compares: presets made from the sidebar's choice, or a person's own columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.compare import presets
from core.compare.columns import FEWEST, MOST, ColumnSpec, moment_of, read_column
from core.domain import DomainError, is_step
from core.views.wording import short
from pages._shared import loaders, notices, state
from pages._shared.state import COLUMNS, TIME, USER

if TYPE_CHECKING:
    from core.engine import Engine

EVENT, MONTHS, PARTS, USERS, SCENARIO, SERVED = (
    "event",
    "months",
    "parts",
    "users",
    "scenario",
    "served",
)
PRESETS = {
    EVENT: "Before and after this event",
    MONTHS: "Month by month",
    PARTS: "Joint and its parts",
    USERS: "Two users",
    SCENARIO: "Scenario",
    SERVED: "Served list",
}
"""What a preset is called in the address, and on the page."""
PRESET, LENGTH, OF = "compare_preset", "compare_length", "_columns_of"
LENGTHS = (10, 20)
Missing = tuple[str, str]
"""A title and what to do about it."""
LISTED_USERS = 5_000
"""Above so many users an id is typed."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What to compare: columns and the length of their lists; or what is missing for it."""

    specs: tuple[ColumnSpec, ...]
    k: int
    preset: str | None
    """None for a person's own columns."""
    missing: Missing | None = None

    @property
    def address(self) -> str:
        """The columns as the address holds them; reads back as exactly these."""
        return address(self.specs, self.k)


def address(specs: Sequence[ColumnSpec], k: int) -> str:
    """Columns for the address, separated by ``;``, the length first where it isn't 10."""
    parts = [str(spec) for spec in specs]
    return ";".join([*([] if k == LENGTHS[0] else [str(k)]), *parts])


def read_address(text: str) -> tuple[str | tuple[ColumnSpec, ...], int]:
    """A preset's name or columns, and the length of the lists; DomainError for anything else."""
    parts = [part for part in text.split(";") if part.strip()]
    k = LENGTHS[0]
    if parts and parts[0].isdigit():
        length = parts.pop(0)
        if length not in map(str, LENGTHS):
            raise DomainError(f"lists of {short(length, 9)} aren't compared", remedy="Use 10 or 20")
        k = int(length)
    if len(parts) == 1 and parts[0] in PRESETS:
        return parts[0], k
    if not parts:
        return EVENT, k
    if not FEWEST <= len(parts) <= MOST:
        raise DomainError(f"a comparison has {FEWEST} to {MOST} columns, not {len(parts)}")
    return tuple(read_column(part) for part in parts), k


def choose(engine: Engine, user: str, step: int) -> Choice:
    """What the address or the person asks for, with the pickers to change it."""
    asked, k = _asked(user)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if isinstance(asked, str):
            state.put(PRESET, asked)
        else:
            state.choose_nothing(PRESET)
        st.pills(
            "Compare",
            list(PRESETS),
            key=PRESET,
            format_func=PRESETS.__getitem__,
            on_change=_pick_preset,
            label_visibility="collapsed",
        )
        st.space("stretch")
        state.put(LENGTH, k)
        st.segmented_control(
            "Length of the lists",
            LENGTHS,
            key=LENGTH,
            required=True,
            format_func=lambda n: f"Top {n}",
            on_change=_pick_length,
            label_visibility="collapsed",
        )
    if not isinstance(asked, str):
        return Choice(asked, k, None)
    specs, missing = _preset(engine, asked, user, step)
    return Choice(tuple(specs), k, asked, missing)


def _asked(user: str) -> tuple[str | tuple[ColumnSpec, ...], int]:
    text = state.get(COLUMNS)
    if not text:
        return EVENT, LENGTHS[0]
    try:
        asked, k = read_address(str(text))
    except DomainError as error:
        state.add_notice(COLUMNS, f"The columns in the address can't be read: {error}")
        st.info(notices.escape(f"The columns in the address can't be read: {error}"))
        return EVENT, LENGTHS[0]
    if not isinstance(asked, str) and user not in {spec.user for spec in asked}:
        state.put(COLUMNS, None)
        return EVENT, k
    return asked, k


def _preset(
    engine: Engine, name: str, user: str, step: int
) -> tuple[list[ColumnSpec], Missing | None]:
    if name == EVENT:
        return presets.before_and_after(user, step), None
    if name == MONTHS:
        specs = presets.month_by_month(engine, user, step)
        return specs, None if len(specs) >= FEWEST else (
            "One month only",
            "All events up to the selected time lie in one month. Choose a later time, or another "
            "comparison.",
        )
    if name == PARTS:
        return presets.joint_and_parts(engine, user, step), None
    if name == USERS:
        specs = presets.two_users(engine, user, step)
        return specs, None if specs else (
            "Nobody shares an item",
            "No other user has an item of this history. Choose a user in your own columns.",
        )
    if name == SCENARIO:
        saved = loaders.scenarios(engine.corpus.name, user)
        if saved:
            return presets.with_scenario(user, saved[0].capsule.steps, saved[0].scenario_id), None
        return [], (
            "No scenario is saved",
            f"Edit the history of {user} on the page What-if and save it; it can then be compared "
            "with the original.",
        )
    lists = loaders.served_lists(engine.corpus.name)
    if lists:
        return presets.with_served(user, step, lists[0].name), None
    return [], (
        "No served lists are imported",
        "Import the lists that your own system served: python -m core import-lists FILE --name "
        f"{engine.corpus.name}",
    )


def _pick_preset() -> None:
    _set(state.get(PRESET) or EVENT, state.get(LENGTH))


def _pick_length() -> None:
    text = str(state.get(COLUMNS) or EVENT)
    parts = [part for part in text.split(";") if not part.isdigit()]
    _set(";".join(parts), state.get(LENGTH))


def _set(what: str, k: int | None) -> None:
    state.clear_notices()
    state.put(COLUMNS, what if k in (None, LENGTHS[0]) else f"{k};{what}")


def draw_columns(engine: Engine, choice: Choice) -> None:
    """One popover per column to change it, and a button for one more."""
    names = [*engine.recommenders, *(m.name for m in loaders.served_lists(engine.corpus.name))]
    several = len({spec.user for spec in choice.specs}) > 1
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        for at, spec in enumerate(choice.specs):
            with st.popover(notices.escape(f"{at + 1} · {_label(spec, several)}")):
                _edit(engine, choice, at, spec, names)
        if len(choice.specs) < MOST:
            st.button(
                "Column",
                icon=":material/add:",
                key="add_column",
                on_click=_add,
                args=(engine, choice),
            )


def _label(spec: ColumnSpec, with_user: bool) -> str:
    steps = "last step" if spec.at is None else f"step {spec.at}" if is_step(spec.at) else spec.at
    parts = [short(spec.user, 16)] if with_user else []
    parts += [steps, *([spec.recommender] if spec.recommender else [])]
    return " · ".join([*parts, *(["scenario"] if spec.scenario else [])])


def _edit(engine: Engine, choice: Choice, at: int, spec: ColumnSpec, names: Sequence[str]) -> None:
    users = engine.corpus.user_ids
    whole = engine.corpus.history(spec.user)
    keys = {part: f"column_{part}_{at}" for part in ("user", "step", "by", "scenario")}
    state.put(keys["user"], spec.user)
    state.put(keys["step"], len(moment_of(whole, spec.at)))
    state.put(keys["by"], spec.recommender or engine.recommender().id)
    change: dict[str, Any] = {"on_change": _change, "args": (engine, choice, at)}
    if len(users) > LISTED_USERS:
        st.text_input("User", key=keys["user"], **change)
    else:
        st.selectbox("User", users, key=keys["user"], **change)
    st.number_input(f"Step (0 to {len(whole)})", 0, len(whole), key=keys["step"], step=1, **change)
    st.selectbox("Recommender", names, key=keys["by"], **change)
    try:
        saved = loaders.scenarios(engine.corpus.name, spec.user)
    except DomainError:  # the page compares without them; What-if says what is wrong
        saved = []
    if saved:
        titles = {one.scenario_id: one.name for one in saved}
        same = next((i for i, name in titles.items() if spec.scenario in (i, name)), None)
        state.choose_nothing(keys["scenario"])
        if same is not None:
            state.put(keys["scenario"], same)
        st.selectbox(
            "Scenario",
            list(titles),
            index=None,
            key=keys["scenario"],
            placeholder="The original",
            format_func=lambda one: titles.get(one, one),
            **change,
        )
    else:
        state.put(keys["scenario"], None)
    if len(choice.specs) > FEWEST:
        st.button("Remove", key=f"column_remove_{at}", on_click=_remove, args=(choice, at))


def _change(engine: Engine, choice: Choice, at: int) -> None:
    old = choice.specs[at]
    user = str(state.get(f"column_user_{at}") or old.user).strip()
    by = state.get(f"column_by_{at}")
    new_user = user != old.user
    known = loaders.unknown_user(engine.corpus, user) is None
    end = str(len(engine.corpus.history(user))) if known else None
    spec = ColumnSpec(
        user,
        end if new_user else str(state.get(f"column_step_{at}")),
        None if by == engine.recommender().id else by,
        None if new_user else state.get(f"column_scenario_{at}"),
    )
    _own([*choice.specs[:at], spec, *choice.specs[at + 1 :]], choice.k)


def _own(specs: Sequence[ColumnSpec], k: int) -> None:
    """Take a person's own columns; the sidebar follows where its user is in none of them."""
    if state.get(USER) not in {spec.user for spec in specs}:
        state.put(USER, specs[0].user)
        state.put(TIME, None)
    _set(address(specs, LENGTHS[0]), k)


def _remove(choice: Choice, at: int) -> None:
    _own([*choice.specs[:at], *choice.specs[at + 1 :]], choice.k)


def _add(engine: Engine, choice: Choice) -> None:
    """One more column: the last one's user a step further, or at its end by another recommender."""
    last = choice.specs[-1]
    whole = engine.corpus.history(last.user)
    step = len(moment_of(whole, last.at))
    used = {spec.recommender for spec in choice.specs}
    others = [n for n in engine.recommenders if n not in used and n != engine.recommender().id]
    if step < len(whole):
        new = ColumnSpec(last.user, str(step + 1), last.recommender)
    else:
        new = ColumnSpec(last.user, str(step), others[0] if others else None)
    _own([*choice.specs, new], choice.k)

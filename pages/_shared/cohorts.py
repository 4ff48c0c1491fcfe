"""All users as rules ask them, and saved cohorts: what Cohorts, Quality and Compare share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.arrays import BoolArray
from core.cohorts.opening import ids_of
from core.cohorts.second_map import read_second
from core.cohorts.second_map import stored_path as second_path
from core.cohorts.states import read_states, stored_path
from core.cohorts.store import Cohort, CohortStore, members_of
from core.domain import DomainError
from core.language import mark, tr
from core.turns.stored import read_turns
from core.turns.stored import stored_path as turns_path
from core.views.cohorts.build import Everyone
from pages._shared import drawing, loaders, notices, state
from pages._shared.loaders import Fingerprint, kept
from pages._shared.state import COHORT_SAVED

if TYPE_CHECKING:
    from core.engine import Engine


def files(engine: Engine, *rest: object) -> Fingerprint:
    """The stored states, turning points and second map."""
    library = loaders.library()
    places = (
        *library.places(stored_path(library, engine)),
        *library.places(turns_path(library, engine)),
        *library.places(second_path(library, engine)),
    )
    return tuple(map(loaders.stamp, places))


@kept(2, mark("Reading all users' states …"), also=files, speaks=False)
def stored(engine: Engine) -> Everyone | None:
    """All users, where their states were measured; ``Damaged`` if they are."""
    library = loaders.library()
    states = read_states(library, engine)
    if states is None:
        return None
    turns, _ = notices.find(lambda: read_turns(library, engine))
    second, _ = notices.find(lambda: read_second(library, engine))
    return Everyone(engine, states, turns, second)


@kept(2, also=files)
def turns_problem(engine: Engine) -> str:
    """What is wrong with the stored turning points; empty where nothing is."""
    return notices.find(lambda: read_turns(loaders.library(), engine))[1]


def store() -> CohortStore:
    """The store of the library's cohorts."""
    return CohortStore.open(loaders.library())


@kept(8, speaks=False)
def _listed(store: CohortStore, corpus: str) -> list[Cohort]:
    return store.cohorts(corpus)


def saved(corpus: str) -> list[Cohort]:
    """A corpus's saved cohorts, the one saved last first; read again when the file changes."""
    return _listed(store(), corpus)


@kept(16, also=files, speaks=False)
def users_of(engine: Engine, cohort: Cohort) -> BoolArray:
    """A saved cohort's users, bool[n_users]; DomainError where its rule can't be asked."""
    everyone = stored(engine)
    if everyone is None:
        raise DomainError(
            tr("the states of all users were not measured yet"),
            remedy=tr("Open Cohorts to measure them"),
        )
    return members_of(cohort, everyone.people)


def pick(
    cohorts: Sequence[Cohort],
    label: str,
    key: str,
    by: str,
    act: Any = None,
    **look: Any,
) -> None:
    """A list of saved cohorts; the address holds the id under ``by``, the list shows the name.

    ``act`` is called with the id that is chosen (default: the address takes it).
    """
    names = {
        cohort.cohort_id: " · ".join(filter(None, (cohort.name, cohort.owner)))
        for cohort in cohorts
    }
    state.choose(key, state.get(by) if state.get(by) in names else None)

    def choose() -> None:
        state.has_chosen()
        if act is None:
            state.choose(by, state.get(key))
        else:
            act(state.get(key))

    st.selectbox(
        label,
        list(names),
        index=None,
        key=key,
        format_func=lambda id: names.get(id, id),
        on_change=choose,
        **look,
    )


def picked(engine: Engine, key: str) -> tuple[Cohort, BoolArray] | None:
    """Draw the picker of a page about other things; the cohort in its address and its users.

    None where none is chosen, or it can't be opened, which is said.
    """
    cohorts = saved(engine.corpus.name)
    problem = loaders.problem_of(store())
    if problem:
        notices.caution(problem)
    asked = state.get(COHORT_SAVED)
    if not cohorts and asked is None:
        return None
    look = {"placeholder": tr("All users"), "width": 240}
    pick(cohorts, tr("Saved cohort"), key, COHORT_SAVED, **look)
    if asked is None:
        return None
    for cohort in cohorts:
        if cohort.cohort_id == asked:
            try:
                users = users_of(engine, cohort)
            except DomainError as problem:
                words = {"name": cohort.name, "why": problem}
                notices.caution(tr("The cohort {name!r} can't be opened: {why}", **words))
                drawing.link(drawing.COHORTS, tr("Open it in Cohorts"), cohort=cohort.cohort_id)
                return None
            if not users.any():
                notices.caution(tr("Nobody is in the cohort {name!r} now.", name=cohort.name))
                return None
            return cohort, users
    notices.miss(COHORT_SAVED, tr("There is no saved cohort {asked!r}.", asked=asked))
    state.choose(COHORT_SAVED, None)
    return None


def ids(engine: Engine, users: BoolArray) -> tuple[str, ...]:
    """Ids of chosen users."""
    return ids_of(engine.corpus, users)

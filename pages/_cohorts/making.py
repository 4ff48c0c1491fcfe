"""What the page asks of all users and of one cohort, made once per model."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from core.arrays import BoolArray
from core.cohorts.area import Area
from core.cohorts.rule import Rule
from core.cohorts.states import make_states
from core.corpus.store import Library
from core.figures.chart import Chart
from core.figures.cohorts import users_map as draw_users
from core.figures.palette import PALETTES, ThemeName
from core.language import mark, tr
from core.views.cohorts.build import Everyone, build_cohort, build_flow, build_users_map
from core.views.cohorts.rows import CohortView, FlowView, UsersMap
from core.views.wording import joined
from pages._cohorts import mapping
from pages._shared import cohorts, judging, loaders, notices, working
from pages._shared.loaders import Fingerprint, kept
from pages._shared.state import USUAL_PROTOCOL

if TYPE_CHECKING:
    from core.engine import Engine

JOB = "states"
AT_ONCE = 20_000
"""Events up to which nobody has to ask for the states."""


@kept(2, mark("Following every user's interest …"), also=cohorts.files, speaks=False)
def measured(engine: Engine, library: Library) -> bool:
    """Measure a small corpus's states, once for all sessions that wait."""
    make_states(library, engine)
    return True


def everyone(engine: Engine) -> Everyone | None:
    """All users; None where a person has to ask for it, which is then offered."""
    found, problem = notices.find(lambda: cohorts.stored(engine))
    if found is not None:
        return found
    if engine.corpus.n_events <= AT_ONCE and not problem:
        measured(engine, loaders.library())
        found = cohorts.stored(engine)
        if found is not None:
            return found
    target = f"{engine.corpus.name} {engine.model_id}"
    if working.is_drawn(JOB, target, tr("Following every user's interest")):
        return None
    why = problem or tr("The states of all users were not measured yet.")
    once = tr("Every history is run once; the result is stored with the model.")
    notices.caution(joined(why, once))
    work = functools.partial(make_states, loaders.library(), engine)
    working.offer(JOB, target, tr("Follow all users"), work)
    return None


@kept(64, also=cohorts.files)
def users_map(engine: Engine, at: int, by: str, attribute: str | None = None) -> UsersMap:
    """All users at one of the page's times; the last one is after every event."""
    known = cohorts.stored(engine)
    assert known is not None
    times = known.times
    return build_users_map(known, times[at] if at < len(times) - 1 else None, by, attribute)


@kept(32)
def flow(engine: Engine, at: int) -> FlowView:
    """The flow of all users up to one of the page's times."""
    import numpy as np

    known = cohorts.stored(engine)
    assert known is not None
    everybody = np.ones(len(engine.corpus.user_ids), np.bool_)
    return build_flow(known, everybody, known.times[at] if known.times else None)


@kept(16, also=cohorts.files)
def picture(
    engine: Engine,
    at: int,
    by: str,
    attribute: str | None,
    theme: ThemeName,
    users: BoolArray | None,
    area: Area | None,
) -> Chart:
    """The map of all users, with a cohort before the others."""
    known = cohorts.stored(engine)
    assert known is not None
    shown, behind = users_map(engine, at, by, attribute), loaders.interest_map(engine)
    second = mapping.overlay(known, by)
    return draw_users(shown, behind, PALETTES[theme], users, area, second)


def _cohort_files(engine: Engine, *rest: object) -> Fingerprint:
    return cohorts.files(engine), judging.files(engine, USUAL_PROTOCOL)


@kept(16, also=_cohort_files)
def cohort(
    engine: Engine,
    name: str,
    users: BoolArray,
    at: int,
    against: str | None,
    others: BoolArray | None,
    recommender: str,
    rule: Rule | None,
) -> CohortView:
    """Users described, held against all others or a cohort; DomainError for nobody."""
    known = cohorts.stored(engine)
    assert known is not None
    report, _ = notices.find(lambda: judging.report(engine, USUAL_PROTOCOL))
    return build_cohort(
        known,
        name,
        users,
        known.times[at] if known.times else None,
        report,
        (against, others) if against is not None and others is not None else None,
        recommender,
        rule,
    )

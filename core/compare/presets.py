"""Comparisons worth starting from, made of one user and one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.compare.columns import MOST, ColumnSpec
from core.domain import Columns
from core.recommend.joint import Joint

if TYPE_CHECKING:
    from core.engine import Engine


def before_and_after(user: str, step: int) -> list[ColumnSpec]:
    """The list before the event of a step, and after it."""
    return [ColumnSpec(user, str(step - 1)), ColumnSpec(user, str(step))]


def month_by_month(engine: Engine, user: str, step: int) -> list[ColumnSpec]:
    """The ends of the last calendar months with events, up to a step; the step itself is last.

    Fewer than two columns where all events up to then lie in one month.
    """
    events = engine.corpus.history(user).events[:step]
    last_in = {(e.timestamp.year, e.timestamp.month): n for n, e in enumerate(events, start=1)}
    return [ColumnSpec(user, str(at)) for at in sorted(last_in.values())[-MOST:]]


def joint_and_parts(engine: Engine, user: str, step: int) -> list[ColumnSpec]:
    """The joint and the components that weigh most at this moment; without a joint, all."""
    default = engine.recommender()
    if isinstance(default, Joint):
        weights = default.weights([engine.corpus.history(user).up_to(step)])[0]
        parts = [default.components[at].id for at in np.argsort(-np.abs(weights), kind="stable")]
    else:
        parts = [name for name in engine.recommenders if name != default.id]
    return [ColumnSpec(user, str(step), name) for name in (default.id, *parts[: MOST - 1])]


def two_users(engine: Engine, user: str, step: int) -> list[ColumnSpec]:
    """This moment beside the last list of the user who has most items in common with this one."""
    events = engine.corpus.events
    own = {event.item_id for event in engine.corpus.history(user).events[:step]}
    alike = events[events[Columns.Item].isin(own) & (events[Columns.User] != user)]
    shared = alike.groupby(Columns.User, observed=True)[Columns.Item].nunique()
    if not len(shared):
        return []
    other = str(shared[shared == shared.max()].index.min())
    return [
        ColumnSpec(user, str(step)),
        ColumnSpec(other, str(len(engine.corpus.history(other)))),
    ]


def with_scenario(user: str, step: int, scenario: str) -> list[ColumnSpec]:
    """The original beside what a saved scenario makes of it."""
    return [ColumnSpec(user, str(step)), ColumnSpec(user, str(step), None, scenario)]


def with_served(user: str, step: int, served: str) -> list[ColumnSpec]:
    """A list that was served beside the model's own."""
    return [ColumnSpec(user, str(step), served), ColumnSpec(user, str(step))]

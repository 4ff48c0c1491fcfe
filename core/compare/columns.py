"""What is compared: columns, each a list with its moment, and columns worth starting from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import numpy as np

from core.compare.models import of_model
from core.corpus.store import Library
from core.domain import Columns, DomainError, History, RecommendationList, is_step, parse_instant
from core.evaluate.served import served_list, served_manifests
from core.language import mark, tr
from core.recommend.joint import Joint
from core.recommend.protocol import Recommender
from core.scenario.edits import EditedHistory, apply_edits
from core.scenario.store import Scenario, ScenarioStore
from core.scenario.unsaved import from_address

if TYPE_CHECKING:
    from core.engine import Engine

FEWEST, MOST = 2, 6
"""Columns of one comparison."""
NOTATION = mark(
    "Write user=U,at=T,recommender=R,scenario=S,edits=E,model=M; a comma inside a value is %2C"
)
UNSAVED, EDITED = mark("unsaved edits"), mark("edited")
"""What a column of edits without a name is called: of an address, and of a what-if."""


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column as a person names it; None means the default.

    ``at`` is a step, an ISO time, or 0 for the moment before the first event. ``recommender`` is an
    id of the model, or the name of served lists; ``scenario`` a saved scenario of the user;
    ``edits`` unsaved ones as an address has them (``core.scenario.unsaved``); ``model`` another
    model of the corpus, also one of content that it grew from.
    """

    user: str
    at: str | None = None
    recommender: str | None = None
    scenario: str | None = None
    edits: str | None = None
    model: str | None = None

    def __str__(self) -> str:
        """The notation of ``--column``, which ``read_column`` reads back."""
        named = ((field.name, getattr(self, field.name)) for field in fields(self))
        return ",".join(f"{key}={_quoted(value)}" for key, value in named if value is not None)


def read_column(text: str) -> ColumnSpec:
    """Read ``user=U,at=T,recommender=R,scenario=S,edits=E,model=M``; else DomainError."""
    keys = [field.name for field in fields(ColumnSpec)]
    values: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value:
            raise _unreadable(tr("{part!r} is not key=value", part=part.strip()), text)
        if key not in keys:
            raise _unreadable(tr("{key!r} is no key of a column", key=key), text)
        if key in values:
            raise _unreadable(tr("{key!r} is given twice", key=key), text)
        values[key] = unquote(value)
    if "user" not in values:
        raise _unreadable(tr("a column needs user="), text)
    if {"scenario", "edits"} <= values.keys():
        raise _unreadable(tr("a column has a scenario or edits, not both"), text)
    return ColumnSpec(**values)


def _quoted(value: str) -> str:
    return re.sub(r"[%,;\s]", lambda hit: quote(hit[0]), value)


def _unreadable(what: str, text: str) -> DomainError:
    return DomainError(what, where=tr("column {text!r}", text=text), remedy=tr(NOTATION))


@dataclass(frozen=True, eq=False)
class Column:
    """A list to compare: what a recommender makes of a history, or a list that was served.

    ``following`` is the item that the user really took next, None where nothing is known after
    this moment.
    """

    spec: ColumnSpec
    step: int
    """How many of the user's own events this moment has seen; 0 is before the first."""
    history: History
    """The events themselves, edited where the column has a scenario."""
    source: str
    """Id of the recommender, with another model's id, or name of the served lists."""
    recommender: Recommender | None
    """None for a served list."""
    served: RecommendationList | None = None
    """A list as it was served; None for a recommender's."""
    following: str | None = None
    edited: EditedHistory | None = None
    """What the scenario's edits did; None without a scenario."""
    scenario: str | None = None
    """What the scenario is called."""
    model: str | None = None
    """Id of the model where it isn't the open one."""
    saved: Scenario | None = None
    """The saved scenario whose edits it has."""

    @property
    def scenario_name(self) -> str:
        """What the scenario is called, in the reader's language; empty without one."""
        return tr(self.scenario) if self.scenario in (UNSAVED, EDITED) else self.scenario or ""

    @property
    def source_name(self) -> str:
        """The source in the reader's language."""
        if self.model is None or self.recommender is None:
            return self.source
        name = self.recommender.id
        return tr("{recommender}, model {model}", recommender=name, model=self.model[:8])

    @property
    def moment(self) -> datetime | None:
        """When the list is asked for; None where only the order of events is known."""
        return self.history.at if self.history.timed else None

    @property
    def is_plain(self) -> bool:
        """A list of a recommender of the open model after the user's own, unedited events."""
        return self.recommender is not None and self.edited is None and self.model is None


def open_column(engine: Engine, spec: ColumnSpec, library: Library) -> Column:
    """Find what a column names; DomainError for an unknown user, time, recommender, scenario.

    A scenario without a time is the one of its own base history.
    """
    whole = engine.corpus.history(spec.user)
    scenario = _scenario(engine, spec, library) if spec.scenario is not None else None
    if scenario is not None and spec.at is None:
        history = whole.up_to(min(scenario.capsule.steps, len(whole)))
    else:
        history = moment_of(whole, spec.at)
    step = len(history)
    following = whole.events[step].item_id if step < len(whole) else None
    edited = name = None
    if scenario is not None:
        name = scenario.name
        edited = apply_edits(history, scenario.capsule.changes, engine.corpus)
        history = edited.history
    elif spec.edits is not None:
        unsaved = from_address(spec.edits, library)
        name = unsaved.name or UNSAVED
        edited = apply_edits(history, unsaved.edits, engine.corpus)
        history = edited.history
    if spec.model is not None and spec.model != engine.model_id:
        other = of_model(engine, library, spec.model, spec.recommender)
        source = f"{other.id}, model {spec.model[:8]}"  # no sentence
        made = (None, following, edited, name, spec.model, scenario)
        return Column(spec, step, history, source, other, *made)
    if spec.recommender is not None and spec.recommender not in engine.recommenders:
        served = _served(engine, spec, library, whole, step)
        return Column(spec, step, history, spec.recommender, None, served, following, edited, name)
    chosen = engine.recommender(spec.recommender)
    about = (None, following, edited, name, None, scenario)
    return Column(spec, step, history, chosen.id, chosen, *about)


def open_columns(
    engine: Engine, specs: Sequence[ColumnSpec | Column], library: Library | None
) -> tuple[Column, ...]:
    """All columns of a comparison, two to six; those that are open already stay as they are."""
    if not FEWEST <= len(specs) <= MOST:
        raise DomainError(wrong_number(len(specs)), remedy=tr("Name each with --column or --at"))
    return tuple(
        spec if isinstance(spec, Column) else open_column(engine, spec, library or Library.open())
        for spec in specs
    )


def wrong_number(n: int) -> str:
    """That a comparison can't have so many columns."""
    return tr("a comparison has {fewest} to {most} columns, not {n}", fewest=FEWEST, most=MOST, n=n)


def moment_of(whole: History, at: str | None) -> History:
    """A user's history at ``at``; ``0`` is the moment of the first event without it."""
    if at is not None and at.strip() == "0" and whole.events:
        return whole.up_to(0).at_clock(whole.events[0].timestamp)
    return whole.up_to(whole.resolve_step(at))


def _served(
    engine: Engine, spec: ColumnSpec, library: Library, whole: History, step: int
) -> RecommendationList:
    """The list served last at the column's time; at a step, last before the next event."""
    name = str(spec.recommender)
    known = [manifest.name for manifest in served_manifests(engine.corpus.name, library)]
    if name not in known:
        raise DomainError(
            tr("there is no recommender and there are no imported lists {name!r}", name=name),
            where=tr("model {id}", id=engine.model_id),
            remedy=tr("Choose one of {names}", names=tr(", ").join([*engine.recommenders, *known])),
        )
    if spec.at is not None and not is_step(spec.at):
        until = parse_instant(spec.at)
    elif step < len(whole):
        until = whole.events[step].timestamp - timedelta(microseconds=1)
    else:
        until = datetime.max.replace(tzinfo=UTC)
    served = served_list(engine.corpus, library, name, spec.user, until)
    return served or RecommendationList(spec.user, step, name, ())


def _scenario(engine: Engine, spec: ColumnSpec, library: Library) -> Scenario:
    """A saved scenario of the user by its id, else the last saved of that name."""
    store = ScenarioStore.open(library)
    with suppress(DomainError):  # not an id: perhaps a name
        scenario = store.load(str(spec.scenario))
        if (scenario.capsule.corpus, scenario.capsule.user) == (engine.corpus.name, spec.user):
            return scenario
    saved = store.scenarios(engine.corpus.name, spec.user)
    for scenario in saved:
        if scenario.name == spec.scenario:
            return scenario
    names = tr(", ").join(scenario.name for scenario in saved)
    choose, save = tr("Choose one of {names}", names=names), tr("Save one on the page What-if")
    raise DomainError(
        tr("there is no scenario {name!r}", name=spec.scenario),
        where=tr("user {user}", user=spec.user),
        remedy=choose if names else save,
    )


def before_and_after(user: str, step: int) -> list[ColumnSpec]:
    """The list before the event of a step, and after it."""
    return [ColumnSpec(user, str(step - 1)), ColumnSpec(user, str(step))]


def month_by_month(engine: Engine, user: str, step: int) -> list[ColumnSpec]:
    """The ends of the last calendar months with events, up to a step; the step itself is last.

    Fewer than two columns where all events up to then lie in one month, or have no times.
    """
    dates = [(n, e.date) for n, e in enumerate(engine.corpus.history(user).events[:step], start=1)]
    last_in = {(date.year, date.month): n for n, date in dates if date is not None}
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


def with_edits(user: str, step: int, edits: str) -> list[ColumnSpec]:
    """The original beside what unsaved edits make of it."""
    return [ColumnSpec(user, str(step)), ColumnSpec(user, str(step), edits=edits)]


def two_models(user: str, step: int, model: str) -> list[ColumnSpec]:
    """The list by another model, then by the open one."""
    return [ColumnSpec(user, str(step), model=model), ColumnSpec(user, str(step))]


def with_served(user: str, step: int, served: str) -> list[ColumnSpec]:
    """A list that was served beside the model's own."""
    return [ColumnSpec(user, str(step), served), ColumnSpec(user, str(step))]

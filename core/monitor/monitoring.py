"""The monitor: every measure in every period, and which changes are beyond chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from core.arrays import BoolArray, IntArray
from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.domain import DomainError
from core.files import Damaged
from core.language import mark, tr
from core.measure.chances import q_values
from core.monitor.band import Series, Test, judge
from core.monitor.carriers import Carried, carried_by
from core.monitor.measures import Measure, Watched, corpus_measures, topics_of
from core.monitor.periods import Unit, calendar_of
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report

if TYPE_CHECKING:
    from core.engine import Engine
    from core.monitor.ageing import Age

LEVEL = 0.05
"""False discovery rate: of all alarms, at most this share is expected to be false."""
STAGE = mark("shuffle periods")


@dataclass(frozen=True, eq=False)
class Judged:
    """A measure with its tests of the current periods, and their q-values."""

    measure: Measure
    series: Series
    tests: tuple[Test, ...]
    q: tuple[float, ...]

    @property
    def alarms(self) -> list[tuple[Test, float]]:
        """Tests that left the band, beyond chance among all of them, with their q."""
        pairs = zip(self.tests, self.q, strict=True)
        return [(test, q) for test, q in pairs if test.is_outside and q <= LEVEL]


@dataclass(frozen=True, eq=False)
class Alarm:
    """A measure that left its band: in the period where it is surest, and in which others."""

    judged: Judged
    test: Test
    q: float
    periods: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Monitored:
    """What the monitor found.

    ``current`` are the tested periods, ``reference`` those before. ``topics``: names and each
    item's; None where there are none. ``notes`` say what was left out, and why. ``by_age``: quality
    by the age of a model, empty where it was not evaluated over time.
    """

    watched: Watched
    current: range
    reference: range
    judged: tuple[Judged, ...]
    topics: tuple[tuple[str, ...], IntArray] | None
    notes: tuple[str, ...]
    model_id: str | None
    by_age: tuple[Age, ...] = ()
    cohort: str | None = None
    """The name of the cohort whose users were watched; None for everybody."""

    @property
    def tests(self) -> int:
        """How many tests the false discovery rate is about."""
        return sum(len(each.tests) for each in self.judged)

    @cached_property
    def alarms(self) -> tuple[Alarm, ...]:
        """One for each measure that left its band, the surest first."""
        found = []
        for judged in self.judged:
            if judged.alarms:
                test, q = min(judged.alarms, key=lambda pair: (pair[1], pair[0].p))
                periods = tuple(each.period for each, _ in judged.alarms)
                found.append(Alarm(judged, test, q, periods))
        return tuple(sorted(found, key=lambda alarm: (alarm.q, alarm.test.p)))

    def carried(self, alarm: Alarm) -> Carried:
        """Who and what carries an alarm."""
        judged = alarm.judged
        return carried_by(
            self.watched, judged.measure, judged.series, alarm.test, self.current, self.topics
        )


def monitor(
    corpus: Corpus,
    library: Library | None = None,
    engine: Engine | None = None,
    *,
    unit: Unit | None = None,
    since: str | None = None,
    cohort: tuple[str, BoolArray] | None = None,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Monitored:
    """Judge the current periods of a corpus: with a model, and with imported lists of a library.

    ``cohort``: a name and bool[n_users], whose events alone are watched, on the days of all; weeks
    or months go by what its users do. DomainError for a corpus without times, with too few periods,
    a wrong ``since``, or a cohort of nobody.
    """
    name, users = cohort or (None, None)
    if users is not None and not users.any():
        raise DomainError(
            tr("nobody is in this cohort"),
            where=str(name),
            remedy=tr("Choose another, or all users"),
        )
    calendar = calendar_of(corpus, unit, users)
    current = calendar.current(since)
    reference = range(max(current.start - calendar.unit.reference, 0), current.start)
    watched = Watched(corpus, calendar, users)
    topics = topics_of(corpus)
    if engine is not None:
        topics = engine.topics.names, engine.topics.item_topic.astype(np.int64)
    measures = list(corpus_measures(watched, topics))
    by_age: tuple[Age, ...] = ()
    notes: list[str] = []
    if corpus.sample is not None:
        said = tr("The events of these users are watched.")
        notes.append(tr("{first} {then}", first=corpus.sample.sentence, then=said))
    if cohort is not None:
        notes.append(
            tr(
                "If the cohort was chosen by what its users did in these periods, that alone can "
                "raise alarms."
            )
        )
        if unit is None and calendar.unit is not (usual := calendar_of(corpus).unit):
            notes.append(
                tr(
                    "By {units}, as too few of its users are active in a {usual}; all users "
                    "together are watched by {usual_units}.",
                    units=calendar.unit.several,
                    usual=usual.one,
                    usual_units=usual.several,
                )
            )
    if topics is None:
        notes.append(tr("Topics need a category for most items, or a model."))
    shown = range(max(reference.start - calendar.unit.before, 0), current.stop)
    if engine is None:
        notes.append(tr("Sentiment, lists and their quality need a model."))
    else:
        measures += _of_model(watched, engine, library, shown, notes, progress, stop)
        by_age = _by_age(engine, library, users, notes)
    if library is not None:
        measures += _of_lists(watched, library, shown, notes)
    tests = len(measures) * len(current)
    found = []
    for at, measure in enumerate(measures):
        check_stop(stop)
        report(progress, Progress(STAGE, at, len(measures)))
        found.append((measure, *judge(watched, measure, current, tests)))
    q = q_values([test.p for _, _, own in found for test in own])
    judged = tuple(
        Judged(measure, series, tuple(own), tuple(q(test.p) or 0.0 for test in own))
        for measure, series, own in found
    )
    model_id = None if engine is None else engine.model_id
    facts = (topics, tuple(notes), model_id, by_age, name)
    return Monitored(watched, current, reference, judged, *facts)


def _by_age(
    engine: Engine, library: Library | None, users: BoolArray | None, notes: list[str]
) -> tuple[Age, ...]:
    from core.monitor.ageing import quality_by_age

    try:
        found = quality_by_age(engine, library, users) if library is not None else ()
    except Damaged as error:
        notes.append(str(error))
        return ()
    if not found:
        note = tr("Quality by age of the model needs its evaluation over time (page Quality).")
        if users is not None:
            note = tr(
                "Quality by age of the model needs its evaluation over time (page Quality), with "
                "targets of these users."
            )
        notes.append(note)
    return found


def _of_model(
    watched: Watched,
    engine: Engine,
    library: Library | None,
    shown: range,
    notes: list[str],
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> Iterator[Measure]:
    from core.evaluate.protocols import find_report
    from core.monitor.of_model import model_measures

    judged, problem = None, ""
    if library is not None:
        try:
            judged = find_report(watched.corpus, library, engine.folder)
        except Damaged as error:
            problem = str(error)
    if judged is None:
        needs = tr("Lists and their quality need the model's evaluation (page Quality).")
        notes.append(tr("{first} {then}", first=problem, then=needs) if problem else needs)
    yield from model_measures(watched, engine, judged, shown, progress, stop)


def _of_lists(
    watched: Watched, library: Library, shown: range, notes: list[str]
) -> Iterator[Measure]:
    from core.evaluate.served import load_lists, served_names
    from core.monitor.of_model import served_measures

    for name in served_names(watched.corpus.name, library):
        try:
            served = load_lists(watched.corpus, library, name)
        except DomainError as error:
            notes.append(str(error))
            continue
        yield from served_measures(watched, served, shown)

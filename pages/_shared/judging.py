"""Evaluations: what pages read of them, kept like everything in ``loaders``, and how to make them.

A key holds the size and time of the files that an answer comes from, so that what a job or the
command line has just computed is seen at once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import tasks
from core.arrays import BoolArray
from core.language import mark
from core.processes import Task
from core.views.cohorts.build import served_beside
from core.views.cohorts.rows import ServedView
from core.views.quality.build import (
    build_ablation,
    build_never,
    build_quality,
    build_verdict,
    list_cautions,
    strategies_of,
)
from core.views.quality.cases import CasesView, build_cases
from core.views.quality.rows import OF_COHORT, AblationView, NeverView, QualityView
from core.views.starting import Starts, build_groups
from pages._shared import loaders
from pages._shared.loaders import Fingerprint, kept, stamp
from pages._shared.state import USUAL_PROTOCOL

if TYPE_CHECKING:
    from core.engine import Engine
    from core.evaluate.importing_lists import ListsSummary
    from core.evaluate.protocols import Judged
    from core.evaluate.report import EvaluationReport
    from core.figures.palette import Palette
    from core.jobs import Work


OTHERS = "other user"  # no sentence
"""What is called so among cohorts beside a saved one."""


@dataclass(frozen=True, eq=False)
class Group:
    """A saved cohort as a group of targets: what it is called among others, and its users."""

    name: str
    users: BoolArray

    @property
    def group(self) -> str:
        """Its name among the cohorts of an evaluation, unlike all of those."""
        return f"{OF_COHORT}{self.name}"

    def __repr__(self) -> str:
        """What stands for it in a key: all of it."""
        return repr((self.name, loaders.fingerprint(self.users)))


def files(engine: Engine, protocol: str, *about: str | None) -> Fingerprint:
    """The files of a report, of own recommenders' evaluations and of imported lists."""
    from core.evaluate.protocols import own_places, report_key, report_places
    from core.evaluate.served import lists_path

    library, corpus = loaders.library(), engine.corpus
    key = report_key(corpus, engine.folder, protocol)
    places = [*report_places(library, engine.folder, key), *own_places(engine, library, protocol)]
    served = lists_path(library, corpus.name, "any").parent.glob("*.parquet")
    return tuple(stamp(path) for path in (*places, *sorted(served)))


def _ablation_file(engine: Engine, recommender: str) -> Fingerprint:
    from core.evaluate.ablations import ablation_path

    library = loaders.library()
    return tuple(map(stamp, library.places(ablation_path(engine, library, recommender))))


@kept(8, mark("Reading the evaluation …"), also=files)
def _judged(engine: Engine, protocol: str) -> Judged | None:
    from core.evaluate.protocols import read_judged

    return read_judged(engine, loaders.library(), protocol)


def _judged_with(engine: Engine, protocol: str, cohort: Group | None) -> Judged:
    """The same of a report that is there, with a saved cohort and all others among its cohorts."""
    judged = _judged(engine, protocol)
    assert judged is not None
    if cohort is None:
        return judged
    who = _cases_of(engine, judged.report, cohort)
    named = judged.report.with_cohort(cohort.group, who, OTHERS)
    return judged._replace(report=named)


def _cases_of(engine: Engine, report: EvaluationReport, cohort: Group) -> BoolArray:
    index = engine.corpus.user_index
    places = np.array([index[user] for user in report.users], np.int64)
    return np.asarray(cohort.users[places])


def served(engine: Engine, protocol: str, subject: str, cohort: Group) -> ServedView:
    """NDCG of a recommender on a saved cohort's targets and on all others, of a report there is."""
    report = _judged_with(engine, protocol, None).report
    return served_beside(report, _cases_of(engine, report, cohort), subject)


def report(engine: Engine, protocol: str) -> EvaluationReport | None:
    """What was computed for a protocol, with imported lists; None where nothing was."""
    judged = _judged(engine, protocol)
    return judged.report if judged else None


@kept(8, also=lambda engine: files(engine, USUAL_PROTOCOL))
def verdict(engine: Engine) -> str | None:
    """The default recommender against the best baseline, paired; None where nothing was judged."""
    judged = _judged(engine, USUAL_PROTOCOL)
    if judged is None:
        return None
    subject, strategies = engine.recommender().id, strategies_of(engine)
    return build_verdict(judged.report, judged.served, subject, strategies)


@kept(4, also=lambda engine: files(engine, USUAL_PROTOCOL))
def groups(engine: Engine) -> Starts:
    """Groups of users that are served worst."""
    return build_groups(engine, report(engine, USUAL_PROTOCOL))


@kept(32, mark("Drawing samples of users …"), also=files)
def quality(
    engine: Engine, protocol: str, subject: str, cohort: Group | None = None
) -> QualityView:
    """The view of a report that is there, with a saved cohort among its cohorts."""
    judged = _judged_with(engine, protocol, cohort)
    return build_quality(
        engine, judged.report, judged.served, subject, judged.damaged, judged.failures
    )


@kept(32, also=files)
def never(engine: Engine, protocol: str, subject: str) -> NeverView:
    """The items that a report's lists never hold."""
    judged = _judged(engine, protocol)
    assert judged is not None
    return build_never(engine, judged.report, subject)


@kept(32, also=files)
def targets(
    engine: Engine,
    protocol: str,
    subject: str,
    rival: str | None,
    group: str,
    cohort: Group | None = None,
) -> CasesView:
    """The targets of one period or cohort of a report, or of a saved cohort."""
    judged = _judged_with(engine, protocol, cohort)
    return build_cases(engine, judged.report, subject, rival, group)


@kept(16, also=_ablation_file)
def uses(engine: Engine, recommender: str) -> AblationView | None:
    """The ablation of a recommender over the corpus; None where it was not measured yet."""
    from core.evaluate.ablations import find_ablation

    measured = find_ablation(engine, loaders.library(), recommender)
    return build_ablation(measured) if measured is not None else None


@kept(64, mark("Measuring the ablation …"))
def uses_of_user(engine: Engine, recommender: str, user_id: str) -> AblationView:
    """The ablation of a recommender over one user's steps."""
    from core.evaluate.ablations import ablation_of_user

    measured, trained = ablation_of_user(engine, user_id, recommender)
    return build_ablation(measured, user_id, trained)


def model_report(engine: Engine, subject: str, ink: Palette) -> str:
    """The model as one HTML file, under each protocol that was evaluated."""
    from core.figures.model_report import model_report

    return model_report(engine, loaders.library(), subject, ink)[0]


def cautions_of_lists(corpus: str, among: Collection[str] | None = None) -> list[str]:
    """Imported lists of a corpus that are damaged, or of other content; read anew every time.

    ``among``: only those of these names.
    """
    return list_cautions(loaders.library(), corpus, among)


def judging(engine: Engine, protocol: str) -> Task:
    """The evaluation of a model and own recommenders under a protocol, as background work.

    It ends with the first error of an own recommender, after all others are stored.
    """
    facts = {"corpus": engine.corpus.name, "model": engine.model_id, "protocol": protocol}
    return Task(tasks.evaluate, loaders.library().root, facts)


def measuring(engine: Engine, recommender: str) -> Work[Any]:
    """The ablation of a recommender over the corpus, as background work."""
    from core.evaluate.ablations import ablation_of_model

    return partial(ablation_of_model, engine, loaders.library(), recommender)


def importing(corpus: str, path: Path, name: str) -> Work[ListsSummary]:
    """An import of served lists, as background work."""
    from core.evaluate.importing_lists import import_lists

    return partial(import_lists, loaders.corpus(corpus), loaders.library(), path, name)

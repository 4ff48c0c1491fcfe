"""Evaluations: what pages read of them, kept like everything in ``loaders``, and how to make them.

A key holds the size and time of the files that an answer comes from, so that what a job or the
command line has just computed is seen at once.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from core.views.quality.build import (
    build_ablation,
    build_never,
    build_quality,
    build_verdict,
    list_cautions,
)
from core.views.quality.cases import CasesView, build_cases
from core.views.quality.rows import AblationView, NeverView, QualityView
from pages._shared import loaders
from pages._shared.loaders import Fingerprint, kept, stamp
from pages._shared.state import USUAL_PROTOCOL

if TYPE_CHECKING:
    from core.domain import DomainError
    from core.engine import Engine
    from core.evaluate.importing_lists import ListsSummary
    from core.evaluate.report import EvaluationReport
    from core.evaluate.served import ListsJudged
    from core.jobs import Work
    from core.progress import ProgressCallback, StopCallback


class Judged(NamedTuple):
    """A report with all that is stored about imported lists and own recommenders."""

    report: EvaluationReport
    served: tuple[ListsJudged, ...]
    damaged: tuple[str, ...]
    """Names of imported lists that could not be read."""
    failures: dict[str, DomainError]
    """Why own recommenders are left out, by id."""


def _files(engine: Engine, protocol: str, *about: str | None) -> Fingerprint:
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


@kept(8, "Reading the evaluation …", also=_files)
def _judged(engine: Engine, protocol: str) -> Judged | None:
    from core.evaluate.protocols import find_report, with_own, with_served

    library = loaders.library()
    report = find_report(engine.corpus, library, engine.folder, protocol)
    if report is None:
        return None
    stored, failures = with_own(report, engine, library, compute=False)
    return Judged(*with_served(stored, engine.corpus, library, engine.folder), failures)


def report(engine: Engine, protocol: str) -> EvaluationReport | None:
    """What was computed for a protocol, with imported lists; None where nothing was."""
    judged = _judged(engine, protocol)
    return judged.report if judged else None


@kept(8, also=lambda engine: _files(engine, USUAL_PROTOCOL))
def verdict(engine: Engine) -> str | None:
    """The default recommender against the best baseline, paired; None where nothing was judged."""
    judged = _judged(engine, USUAL_PROTOCOL)
    return build_verdict(judged.report, judged.served, engine.recommender().id) if judged else None


@kept(32, "Drawing samples of users …", also=_files)
def quality(engine: Engine, protocol: str, subject: str) -> QualityView:
    """The view of a report that is there."""
    judged = _judged(engine, protocol)
    assert judged is not None
    return build_quality(
        engine, judged.report, judged.served, subject, judged.damaged, judged.failures
    )


@kept(32, also=_files)
def never(engine: Engine, protocol: str, subject: str) -> NeverView:
    """The items that a report's lists never hold."""
    judged = _judged(engine, protocol)
    assert judged is not None
    return build_never(engine, judged.report, subject)


@kept(32, also=_files)
def targets(
    engine: Engine, protocol: str, subject: str, rival: str | None, group: str
) -> CasesView:
    """The targets of one period or cohort of a report."""
    judged = _judged(engine, protocol)
    assert judged is not None
    return build_cases(engine, judged.report, subject, rival, group)


@kept(16, also=_ablation_file)
def uses(engine: Engine, recommender: str) -> AblationView | None:
    """The ablation of a recommender over the corpus; None where it was not measured yet."""
    from core.evaluate.ablations import find_ablation

    measured = find_ablation(engine, loaders.library(), recommender)
    return build_ablation(measured) if measured is not None else None


@kept(64, "Measuring the ablation …")
def uses_of_user(engine: Engine, recommender: str, user_id: str) -> AblationView:
    """The ablation of a recommender over one user's steps."""
    from core.evaluate.ablations import ablation_of_user

    measured, trained = ablation_of_user(engine, user_id, recommender)
    return build_ablation(measured, user_id, trained)


def cautions_of_lists(corpus: str, among: Collection[str] | None = None) -> list[str]:
    """Imported lists of a corpus that are damaged, or of other content; read anew every time.

    ``among``: only those of these names.
    """
    return list_cautions(loaders.library(), corpus, among)


def judging(engine: Engine, protocol: str) -> Work[Any]:
    """The evaluation of a model and own recommenders under a protocol, as background work.

    It ends with the first error of an own recommender, after all others are stored.
    """
    from core.evaluate.protocols import with_own
    from core.training.training import evaluate_model

    library = loaders.library()

    def work(progress: ProgressCallback, stop: StopCallback) -> EvaluationReport:
        report = evaluate_model(
            engine.corpus, library, engine.folder, protocol, progress=progress, stop=stop
        )
        report, failures = with_own(report, engine, library, progress, stop)
        for error in failures.values():
            raise error
        return report

    return work


def measuring(engine: Engine, recommender: str) -> Work[Any]:
    """The ablation of a recommender over the corpus, as background work."""
    from core.evaluate.ablations import ablation_of_model

    return partial(ablation_of_model, engine, loaders.library(), recommender)


def importing(corpus: str, path: Path, name: str) -> Work[ListsSummary]:
    """An import of served lists, as background work."""
    from core.evaluate.importing_lists import import_lists

    return partial(import_lists, loaders.corpus(corpus), loaders.library(), path, name)

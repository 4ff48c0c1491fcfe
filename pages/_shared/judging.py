"""Evaluations: what pages read of them, kept like everything in ``loaders``, and how to make them.

A key holds the size and time of the files that an answer comes from, so that what a job or the
command line has just computed is seen at once.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.views.quality.build import (
    build_ablation,
    build_never,
    build_quality,
    build_verdict,
    list_cautions,
)
from core.views.quality.rows import AblationView, NeverView, QualityView
from pages._shared import loaders
from pages._shared.loaders import Fingerprint, kept, stamp
from pages._shared.state import USUAL_PROTOCOL

if TYPE_CHECKING:
    from core.engine import Engine
    from core.evaluate.importing_lists import ListsSummary
    from core.evaluate.report import EvaluationReport
    from core.evaluate.served import ListsJudged
    from core.jobs import Work

Judged = tuple["EvaluationReport", tuple["ListsJudged", ...], tuple[str, ...]]
"""A report, the imported lists in it, and the names of damaged ones."""


def _files(engine: Engine, protocol: str, subject: str = "") -> Fingerprint:
    """Everything that a report is made of: its own files and those of imported lists."""
    from core.evaluate.protocols import report_key, report_places
    from core.evaluate.served import lists_path

    library, corpus = loaders.library(), engine.corpus
    key = report_key(corpus, engine.folder, protocol)
    places = report_places(library, engine.folder, key)
    served = lists_path(library, corpus.name, "any").parent.glob("*.parquet")
    return tuple(stamp(path) for path in (*places, *sorted(served)))


def _ablation_file(engine: Engine, recommender: str) -> Fingerprint:
    from core.evaluate.ablations import ablation_path

    return stamp(ablation_path(engine, loaders.library(), recommender))


@kept(8, "Reading the evaluation …", also=_files)
def _judged(engine: Engine, protocol: str) -> Judged | None:
    from core.evaluate.protocols import find_report, with_own, with_served

    library = loaders.library()
    report = find_report(engine.corpus, library, engine.folder, protocol)
    if report is None:
        return None
    return with_served(with_own(report, engine, library), engine.corpus, library, engine.folder)


def report(engine: Engine, protocol: str) -> EvaluationReport | None:
    """What was computed for a protocol, with imported lists; None where nothing was."""
    judged = _judged(engine, protocol)
    return judged[0] if judged else None


@kept(8, also=lambda engine: _files(engine, USUAL_PROTOCOL))
def verdict(engine: Engine) -> str | None:
    """The default recommender against the best baseline, paired; None where nothing was judged."""
    judged = _judged(engine, USUAL_PROTOCOL)
    return build_verdict(*judged[:2], engine.recommender().id) if judged else None


@kept(32, "Drawing samples of users …", also=_files)
def quality(engine: Engine, protocol: str, subject: str) -> QualityView:
    """The view of a report that is there."""
    judged = _judged(engine, protocol)
    assert judged is not None
    report, served, damaged = judged
    return build_quality(engine, report, served, subject, damaged)


@kept(32, also=_files)
def never(engine: Engine, protocol: str, subject: str) -> NeverView:
    """The items that a report's lists never hold."""
    judged = _judged(engine, protocol)
    assert judged is not None
    return build_never(engine, judged[0], subject)


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
    """The evaluation of a model under a protocol, as background work."""
    from core.training.training import evaluate_model

    return partial(evaluate_model, engine.corpus, loaders.library(), engine.folder, protocol, 10)


def measuring(engine: Engine, recommender: str) -> Work[Any]:
    """The ablation of a recommender over the corpus, as background work."""
    from core.evaluate.ablations import ablation_of_model

    return partial(ablation_of_model, engine, loaders.library(), recommender)


def importing(corpus: str, path: Path, name: str) -> Work[ListsSummary]:
    """An import of served lists, as background work."""
    from core.evaluate.importing_lists import import_lists

    return partial(import_lists, loaders.corpus(corpus), loaders.library(), path, name)

"""Judge a model's recommenders under a protocol, fitting anew what the protocol demands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.encode.library import open_encoder
from core.engine import Engine
from core.evaluate.protocols import (
    data_of_split,
    find_report,
    judged_cases,
    report_key,
    report_place,
)
from core.evaluate.report import EvaluationReport, evaluate, pooled
from core.evaluate.stored import load_report, save_report
from core.progress import ProgressCallback, StopCallback
from core.training.training import fit_recommenders


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A whole evaluation, and whether it was computed now or read."""

    report: EvaluationReport
    reused: bool


def evaluate_model(
    corpus: Corpus,
    library: Library,
    model_folder: Path,
    protocol: str = "leave-last-out",
    k: int = 10,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Evaluation:
    """Judge a model's recommenders under a protocol.

    Leave-last-out asks the model as it is; its report of lists of 10 is made in training. Temporal
    fits the same settings anew on what lay before each of three cuts. Reports are kept in the
    library under the fingerprints of corpus, model, protocol and k.
    """
    kept = find_report(corpus, library, model_folder, protocol, k)
    if kept is not None:
        return Evaluation(kept, reused=True)
    engine = Engine.open(corpus, model_folder, library)
    if protocol == "leave-last-out":
        found = _leave_last_out(engine, library, k, progress, stop)
    else:
        found = _temporal(engine, library, k, progress, stop)
    key = report_key(corpus, model_folder, protocol, k)
    save_report(found, key, report_place(library, key))
    return Evaluation(load_report(report_place(library, key), key) or found, reused=False)


def _leave_last_out(
    engine: Engine,
    library: Library,
    k: int,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> EvaluationReport:
    ((judged, parts),) = judged_cases(engine.corpus, "leave-last-out")
    return evaluate(
        list(engine.recommenders.values()),
        judged,
        data_of_split(engine.corpus, parts, library, engine.folder, progress, stop),
        k,
        "leave-last-out",
        progress,
        stop,
    )


def _temporal(
    engine: Engine,
    library: Library,
    k: int,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> EvaluationReport:
    corpus = engine.corpus
    config = engine.config.settings
    encoder = open_encoder(library, engine.config.encoder.name)
    reports = []
    for judged, parts in judged_cases(corpus, "temporal"):
        trained = fit_recommenders(corpus, parts, library, config, encoder, progress, stop)
        reports.append(
            evaluate(trained.recommenders, judged, trained.data, k, "temporal", progress, stop)
        )
    return pooled(reports)

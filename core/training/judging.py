"""Judge a model's recommenders under a protocol, fitting anew what the protocol demands."""

from __future__ import annotations

from pathlib import Path

from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.domain import Part
from core.encode.library import open_encoder
from core.engine import Engine
from core.evaluate.protocols import data_of_split, find_report, report_key, splits
from core.evaluate.report import EvaluationReport, evaluate, pooled
from core.evaluate.stored import load_report, save_report
from core.measure.cases import cases
from core.progress import ProgressCallback, StopCallback
from core.training.training import fit_recommenders


def evaluate_model(
    corpus: Corpus,
    library: Library,
    model_folder: Path,
    protocol: str = "leave-last-out",
    k: int = 10,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> EvaluationReport:
    """Judge a model's recommenders under a protocol.

    Leave-last-out judges the model as it is; its report of lists of 10 is made in training.
    Temporal fits the same settings anew on what lay before each of three cuts. Reports are kept in
    the library under the fingerprints of corpus, model, protocol and k.
    """
    kept = find_report(corpus, library, model_folder, protocol, k)
    if kept is not None:
        return kept
    engine = Engine.open(corpus, model_folder, library)
    reports = []
    for parts in splits(corpus, protocol):
        if protocol == "temporal":
            encoder = open_encoder(library, engine.config.encoder.name)
            trained = fit_recommenders(
                corpus, parts, library, engine.config.settings, encoder, progress, stop
            )
            recommenders, data = trained.recommenders, trained.data
        else:
            recommenders = list(engine.model_recommenders.values())
            data = data_of_split(corpus, parts, library, engine.folder, progress, stop)
        test = cases(corpus, parts, Part.TEST)
        reports.append(evaluate(recommenders, test, data, k, protocol, progress, stop))
    report = pooled(reports)
    key = report_key(corpus, model_folder, protocol, k)
    save_report(report, key, key.path(library))
    return load_report(key.path(library), key) or report

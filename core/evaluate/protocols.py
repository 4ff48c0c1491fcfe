"""A corpus under a protocol: fit what the protocol allows to be known, judge it, remember it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from core.arrays import PartArray
from core.corpus.corpus import Corpus
from core.corpus.split import leave_last_out
from core.corpus.store import Library
from core.domain import DomainError, Part
from core.encode.library import open_cache, open_encoder
from core.engine import Engine
from core.evaluate.cases import Case, cases, temporal_folds
from core.evaluate.report import EvaluationReport, Result, evaluate, pooled
from core.evaluate.served import ListsJudged, load_lists, served_names
from core.evaluate.stored import ReportKey, load_report, save_report
from core.evaluate.uses import Uses, load_uses, measure_uses, save_uses, steps_of, uses_place
from core.model.config import InterestConfig
from core.model.folder import EVALUATION, read_config
from core.model.preparing import item_text_of
from core.model.training import fit_recommenders
from core.progress import ProgressCallback, StopCallback
from core.recommend.own import Registered
from core.recommend.training_data import TrainingData

Protocol = Literal["leave-last-out", "temporal"]
PROTOCOLS: tuple[Protocol, ...] = ("leave-last-out", "temporal")
K_OF_USES = 10


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
    key = _key(corpus, model_folder, protocol, k)
    save_report(found, key, _place(library, key))
    return Evaluation(load_report(_place(library, key), key) or found, reused=False)


def find_report(
    corpus: Corpus,
    library: Library,
    model_folder: Path,
    protocol: str = "leave-last-out",
    k: int = 10,
) -> EvaluationReport | None:
    """What was computed before, in the library or in training; None where nothing was."""
    key = _key(corpus, model_folder, protocol, k)
    places = report_places(corpus, library, model_folder, protocol, k)
    found = (load_report(path, key) for path in places)
    return next((report for report in found if report is not None), None)


def report_places(
    corpus: Corpus, library: Library, model_folder: Path, protocol: str, k: int = 10
) -> tuple[Path, ...]:
    """Where a report may lie; whoever caches it watches these files."""
    key = _key(corpus, model_folder, protocol, k)
    return _place(library, key), model_folder / EVALUATION


def uses_of_model(
    engine: Engine,
    library: Library,
    recommender: str | None = None,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Uses:
    """What a recommender of a model uses, over the test cases; kept in the library."""
    chosen = engine.recommender(recommender)
    kept = find_uses(engine, library, chosen.id)
    if kept is not None:
        return kept
    ((judged, _),) = judged_cases(engine.corpus, "leave-last-out")
    key = _uses_key(engine, chosen.id)
    found = measure_uses(chosen, judged, engine.corpus, K_OF_USES, progress, stop)
    save_uses(found, uses_place(library, key), key)
    return found


def uses_over_steps(
    engine: Engine, user_id: str, recommender: str | None = None
) -> tuple[Uses, int]:
    """What a recommender uses over one user's steps, and how many had a training event as target.

    DomainError for an unknown user.
    """
    corpus = engine.corpus
    steps = steps_of(corpus, user_id)
    parts = leave_last_out(corpus.events)[corpus.user_rows(user_id)]
    trained = sum(parts[len(case.history)] == Part.TRAIN for case in steps)
    return measure_uses(engine.recommender(recommender), steps, corpus, K_OF_USES), int(trained)


def find_uses(engine: Engine, library: Library, recommender: str) -> Uses | None:
    """What ``uses_of_model`` found before; None where it hasn't been asked."""
    return load_uses(place_of_uses(engine, library, recommender), _uses_key(engine, recommender))


def place_of_uses(engine: Engine, library: Library, recommender: str) -> Path:
    """Where ``uses_of_model`` keeps its answer; whoever caches it watches this file."""
    return uses_place(library, _uses_key(engine, recommender))


def _uses_key(engine: Engine, recommender: str) -> str:
    made_by = engine.fingerprint(recommender)
    return f"{engine.corpus.corpus_id}/{made_by}/uses/{recommender}/{K_OF_USES}"


def judged_cases(corpus: Corpus, protocol: str) -> Iterator[tuple[tuple[Case, ...], PartArray]]:
    """The test cases of a protocol with the split they belong to, in the order of its reports."""
    if protocol == "leave-last-out":
        parts = leave_last_out(corpus.events)
        yield cases(corpus, parts, Part.TEST), parts
    else:
        for fold in temporal_folds(corpus):
            yield cases(corpus, fold.parts, Part.TEST), fold.parts


def with_served(
    report: EvaluationReport, corpus: Corpus, library: Library, model_folder: Path | None = None
) -> tuple[EvaluationReport, tuple[ListsJudged, ...], tuple[str, ...]]:
    """The report with all lists that were imported for this corpus as further recommenders.

    Then those lists, and the names of damaged ones, which are left out. Their diversity needs the
    encoder of a model.
    """
    found, damaged = [], []
    folds = None
    for name in served_names(corpus.name, library):
        try:
            served = load_lists(corpus, library, name)
        except DomainError:
            damaged.append(name)
            continue
        folds = folds or [
            (judged, _data(corpus, parts, library, model_folder))
            for judged, parts in judged_cases(corpus, report.protocol)
        ]
        parts = [served.judge(judged, data, report.k) for judged, data in folds]
        found.append(ListsJudged.pooled(parts, report.k))
    results = (*report.results, *(judged.result for judged in found))
    return replace(report, results=results), tuple(found), tuple(damaged)


def with_own(
    report: EvaluationReport,
    engine: Engine,
    library: Library,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> EvaluationReport:
    """The report with the engine's installed and registered recommenders as further ones.

    Their results are kept in the library under their fingerprints. The temporal protocol fits
    installed ones anew on each cut. Why one is left out is then in ``engine.failures``.
    """
    results = []
    served = served_names(engine.corpus.name, library)
    for own in engine.registered:
        try:
            if own.id in served:
                raise DomainError(f"imported lists and a recommender are both called {own.id!r}")
            results.append(_own_result(own, report, engine, library, progress, stop))
        except DomainError as error:
            engine.failures[own.id] = error
    return replace(report, results=(*report.results, *results))


def _own_result(
    own: Registered,
    report: EvaluationReport,
    engine: Engine,
    library: Library,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> Result:
    made_by = f"{engine.fingerprint(own.id)}-{own.id}"
    key = ReportKey(engine.corpus.corpus_id, made_by, report.protocol, report.k)
    kept = load_report(_place(library, key), key)
    if kept is None:
        judged = []
        for targets, parts in judged_cases(engine.corpus, report.protocol):
            data = _data(engine.corpus, parts, library, engine.folder, progress, stop)
            rival = own if report.protocol == "leave-last-out" else own.fitted_on(data)
            judged.append(
                evaluate([rival], targets, data, report.k, report.protocol, progress, stop)
            )
        kept = pooled(judged)
        save_report(kept, key, _place(library, key))
    return kept.result(own.id)


def _key(corpus: Corpus, model_folder: Path, protocol: str, k: int) -> ReportKey:
    if protocol not in PROTOCOLS:
        raise DomainError(
            f"unknown protocol {protocol!r}",
            where="--protocol",
            remedy=f"Use one of {', '.join(PROTOCOLS)}",
        )
    return ReportKey(corpus.corpus_id, read_config(model_folder)["model_id"], protocol, k)


def _place(library: Library, key: ReportKey) -> Path:
    name = hashlib.sha256(str(key).encode()).hexdigest()[:16]
    return library.root / "evaluations" / f"{name}.safetensors"


def _data(
    corpus: Corpus,
    parts: PartArray,
    library: Library,
    model_folder: Path | None,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> TrainingData:
    """What a model learned from under a split; without a model no item has text."""
    if model_folder is None:
        return TrainingData.of(corpus, parts)
    encoder = open_encoder(library, read_config(model_folder)["encoder"]["name"])
    text = item_text_of(corpus, parts, encoder, open_cache(library), progress, stop)
    return TrainingData.of(corpus, parts, text if text.any() else None)


def _leave_last_out(
    engine: Engine,
    library: Library,
    k: int,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> EvaluationReport:
    ((judged, parts),) = judged_cases(engine.corpus, "leave-last-out")
    return evaluate(
        list(engine.model_recommenders.values()),
        judged,
        _data(engine.corpus, parts, library, engine.folder, progress, stop),
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
    config = InterestConfig.from_json(engine.config["interest"])
    encoder = open_encoder(library, engine.config["encoder"]["name"])
    reports = []
    for judged, parts in judged_cases(corpus, "temporal"):
        trained = fit_recommenders(corpus, parts, library, config, encoder, progress, stop)
        reports.append(
            evaluate(trained.recommenders, judged, trained.data, k, "temporal", progress, stop)
        )
    return pooled(reports)

"""A corpus under a protocol: its test cases, and what the library remembers of an evaluation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from core.arrays import PartArray
from core.corpus.corpus import Corpus
from core.corpus.split import leave_last_out
from core.corpus.store import Library
from core.domain import DomainError, Part
from core.encode.item_text import item_text_of
from core.encode.library import open_cache, open_encoder
from core.evaluate.report import EvaluationReport
from core.evaluate.served import ListsJudged, load_lists, served_names
from core.evaluate.stored import ReportKey, load_report
from core.measure.cases import Case, cases, temporal_folds
from core.model.folder import EVALUATION, read_config
from core.progress import ProgressCallback, StopCallback
from core.recommend.training_data import TrainingData

Protocol = Literal["leave-last-out", "temporal"]
PROTOCOLS: tuple[Protocol, ...] = ("leave-last-out", "temporal")


def find_report(
    corpus: Corpus,
    library: Library,
    model_folder: Path,
    protocol: str = "leave-last-out",
    k: int = 10,
) -> EvaluationReport | None:
    """What was computed before, in the library or in training; None where nothing was."""
    key = report_key(corpus, model_folder, protocol, k)
    places = report_places(corpus, library, model_folder, protocol, k)
    found = (load_report(path, key) for path in places)
    return next((report for report in found if report is not None), None)


def report_places(
    corpus: Corpus, library: Library, model_folder: Path, protocol: str, k: int = 10
) -> tuple[Path, ...]:
    """Where a report may lie; whoever caches it watches these files."""
    key = report_key(corpus, model_folder, protocol, k)
    return report_place(library, key), model_folder / EVALUATION


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
            (judged, data_of_split(corpus, parts, library, model_folder))
            for judged, parts in judged_cases(corpus, report.protocol)
        ]
        parts = [served.judge(judged, data, report.k) for judged, data in folds]
        found.append(ListsJudged.pooled(parts, report.k))
    results = (*report.results, *(judged.result for judged in found))
    return replace(report, results=results), tuple(found), tuple(damaged)


def report_key(corpus: Corpus, model_folder: Path, protocol: str, k: int) -> ReportKey:
    if protocol not in PROTOCOLS:
        raise DomainError(
            f"unknown protocol {protocol!r}",
            where="--protocol",
            remedy=f"Use one of {', '.join(PROTOCOLS)}",
        )
    return ReportKey(corpus.corpus_id, read_config(model_folder).model_id, protocol, k)


def report_place(library: Library, key: ReportKey) -> Path:
    name = hashlib.sha256(str(key).encode()).hexdigest()[:16]
    return library.root / "evaluations" / f"{name}.safetensors"


def data_of_split(
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
    encoder = open_encoder(library, read_config(model_folder).encoder.name)
    text = item_text_of(corpus, parts, encoder, open_cache(library), progress, stop)
    return TrainingData.of(corpus, parts, text if text.any() else None)

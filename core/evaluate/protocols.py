"""A corpus under a protocol: fit what the protocol allows to be known, judge it, remember it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.corpus.corpus import Corpus
from core.corpus.split import leave_last_out
from core.corpus.store import Library
from core.domain import DomainError, Part
from core.encode.library import open_encoder
from core.engine import Engine
from core.evaluate.cases import cases, temporal_folds
from core.evaluate.report import EvaluationReport, evaluate, pooled
from core.files import replace_text
from core.model.config import InterestConfig
from core.model.training import fit_recommenders
from core.progress import ProgressCallback, StopCallback
from core.recommend.training_data import TrainingData

Protocol = Literal["leave-last-out", "temporal"]
PROTOCOLS: tuple[Protocol, ...] = ("leave-last-out", "temporal")


@dataclass(frozen=True)
class Evaluation:
    """An answer of the verb ``evaluate`` and whether it was computed now or read."""

    facts: dict[str, Any]
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

    Leave-last-out asks the model as it is. Temporal fits the same settings anew on what lay before
    each of three cuts. Answers are kept in the library under the fingerprints of corpus, model,
    protocol and k.
    """
    if protocol not in PROTOCOLS:
        raise DomainError(
            f"unknown protocol {protocol!r}",
            where="--protocol",
            remedy=f"Use one of {', '.join(PROTOCOLS)}",
        )
    engine = Engine.open(corpus, model_folder, library)
    key = f"{corpus.corpus_id}/{engine.model_id}/{protocol}/{k}"
    place = library.root / "evaluations" / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
    if place.is_file():
        try:
            kept = json.loads(place.read_text("utf-8"))
            if kept["key"] == key:
                return Evaluation(kept["facts"], reused=True)
        except (ValueError, KeyError, TypeError):
            place.unlink(missing_ok=True)
    if protocol == "leave-last-out":
        report = _leave_last_out(engine, k, progress, stop)
    else:
        report = _temporal(engine, library, k, progress, stop)
    facts = {**report.to_json(), "excluded_targets": report.excluded_targets}
    replace_text(place, json.dumps({"key": key, "facts": facts}, indent=1))
    return Evaluation(facts, reused=False)


def _leave_last_out(
    engine: Engine, k: int, progress: ProgressCallback | None, stop: StopCallback | None
) -> EvaluationReport:
    corpus = engine.corpus
    parts = leave_last_out(corpus.events)
    return evaluate(
        list(engine.recommenders.values()),
        cases(corpus, parts, Part.TEST),
        TrainingData.of(corpus, parts),
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
    for fold in temporal_folds(corpus):
        trained = fit_recommenders(corpus, fold.parts, library, config, encoder, progress, stop)
        judged = cases(corpus, fold.parts, Part.TEST)
        reports.append(
            evaluate(trained.recommenders, judged, trained.data, k, "temporal", progress, stop)
        )
    return pooled(reports)

"""The same model with the validation events counted in after the choice, judged on test events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.engine import Engine
from core.evaluate.protocols import (
    data_of_split,
    find_report,
    folds,
    folds_of,
    report_key,
    same_cases,
)
from core.evaluate.report import EvaluationReport, evaluate
from core.evaluate.stored import ReportKey, first_report, save_report
from core.files import kept_or_none
from core.progress import ProgressCallback, StopCallback
from core.recommend.protocol import Recommender
from core.recommend.refit import refit, with_validation
from core.recommend.registry import INTEREST

PROTOCOL = "leave-last-out, validation events counted in"  # no sentence
WITH_INTEREST = f"{PROTOCOL}, interest model too"  # no sentence


def refitted_report(
    corpus: Corpus,
    library: Library,
    model_folder: Path,
    k: int = 10,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    refit_interest: Callable[[], Recommender] | None = None,
) -> EvaluationReport:
    """A model's baselines and joint with what they chose, refitted, on the test cases of its
    stored report.

    ``refit_interest`` makes the interest model, where nothing is kept yet; without it that model
    stays as it was trained: it is in the joint but has no result of its own. Kept in the
    library under the fingerprints of corpus, model and k.
    """
    chosen = report_key(corpus, model_folder, "leave-last-out", k)
    protocol = WITH_INTEREST if refit_interest else PROTOCOL
    key = ReportKey(chosen.corpus_id, chosen.model_id, protocol, k)
    kept = kept_or_none(lambda: first_report(library.places(key.path(library)), key))
    beside = kept_or_none(lambda: find_report(corpus, library, model_folder, k=k))
    if kept is not None and (beside is None or same_cases(kept, beside)):
        return kept
    engine = Engine.open(corpus, model_folder, library)
    corpus = engine.corpus
    parts = corpus.parts
    grown = with_validation(parts)
    data = data_of_split(corpus, grown, library, engine.folder, progress, stop)
    learned = {INTEREST: refit_interest()} if refit_interest else {}
    made = refit(engine.model_recommenders.values(), data, learned, progress, stop)
    (judged,) = folds(corpus, chosen.protocol) if beside is None else folds_of(beside, corpus)
    ordered = [made[name] for name in engine.model_recommenders if name in made]
    report = evaluate(ordered, judged.cases, data, k, protocol, progress, stop)
    library.keep(key.path(library), lambda path: save_report(report, key, path))
    return report

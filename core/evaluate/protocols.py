"""A corpus under a protocol: its test cases, and what the library remembers of an evaluation."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from core.arrays import PartArray
from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.domain import DomainError, Part
from core.encode.cache import open_cache, open_encoder
from core.encode.item_text import item_text_of
from core.engine import Engine
from core.evaluate.report import EvaluationReport, Result, evaluate, pooled
from core.evaluate.served import ListsJudged, lists_path, load_lists, served_names
from core.evaluate.stored import ReportKey, first_report, save_report
from core.files import kept_or_none
from core.language import tr
from core.measure.cases import (
    Case,
    Sample,
    case_count,
    cases,
    cases_at,
    most_cases,
    scored,
    temporal_splits,
)
from core.model.folder import EVALUATION, read_config
from core.progress import ProgressCallback, StopCallback, part_of
from core.recommend.own import Registered
from core.recommend.training_data import TrainingData

Protocol = Literal["leave-last-out", "temporal"]
PROTOCOLS: tuple[Protocol, ...] = ("leave-last-out", "temporal")


def report_key(corpus: Corpus, model_folder: Path, protocol: str, k: int = 10) -> ReportKey:
    """The key of a model's report; DomainError for an unknown protocol."""
    if protocol not in PROTOCOLS:
        raise DomainError(
            tr("unknown protocol {name!r}", name=protocol),
            where="--protocol",
            remedy=tr("Use one of {names}", names=", ".join(PROTOCOLS)),
        )
    return ReportKey(corpus.corpus_id, read_config(model_folder).model_id, protocol, k)


def report_places(library: Library, model_folder: Path, key: ReportKey) -> tuple[Path, ...]:
    """Where a report may be, in the library or the model; whoever caches it watches these files."""
    return *library.places(key.path(library)), model_folder / EVALUATION


def find_report(
    corpus: Corpus,
    library: Library,
    model_folder: Path,
    protocol: str = "leave-last-out",
    k: int = 10,
) -> EvaluationReport | None:
    """The stored report, from the library or the training; None where there is none.

    ``Damaged`` where only a damaged one is there.
    """
    key = report_key(corpus, model_folder, protocol, k)
    return first_report(report_places(library, model_folder, key), key)


def splits(corpus: Corpus, protocol: str) -> list[PartArray]:
    """The splits of a protocol, in the order of its reports: int8[n_events] of ``Part`` each.

    Those of the temporal protocol need training events and targets; DomainError where none has.
    """
    if protocol != "temporal":
        return [corpus.parts]
    if corpus.manifest.order_as_time:
        raise DomainError(
            tr("this corpus has no times, only the order of each user's events"),
            where=tr("corpus {name}", name=corpus.name),
            remedy=tr("Evaluate with --protocol leave-last-out"),
        )
    usable = [
        parts
        for parts in temporal_splits(corpus)
        if (parts == Part.TRAIN).any() and case_count(corpus, parts, Part.TEST)
    ]
    if not usable:
        raise DomainError(
            tr(
                "nobody can be scored over time: no user with five or more events has one before "
                "and one after a cut at 70, 80 or 90 % of all events"
            ),
            where=tr("corpus {name}", name=corpus.name),
            remedy=tr("Evaluate with --protocol leave-last-out, or train on more users")
            if corpus.sample is not None
            else tr("Evaluate with --protocol leave-last-out, or import a longer period"),
        )
    return usable


class Fold(NamedTuple):
    """A split, int8[n_events] of ``Part``, and those of its test cases that are ranked."""

    parts: PartArray
    cases: tuple[Case, ...]


def folds(corpus: Corpus, protocol: str) -> list[Fold]:
    """The ``splits`` of a protocol with the cases that an evaluation takes now.

    Where there are too many, each split has the same share of its own.
    """
    cuts = splits(corpus, protocol)
    counts = [case_count(corpus, parts, Part.TEST) for parts in cuts]
    n = max(sum(counts), 1)
    most = min(most_cases(corpus) * len(cuts), n)
    return [
        Fold(parts, cases(corpus, parts, Part.TEST, count * most // n))
        for parts, count in zip(cuts, counts, strict=True)
    ]


def folds_of(report: EvaluationReport, corpus: Corpus) -> list[Fold]:
    """The ``splits`` with a report's own cases, whichever an evaluation would take now."""
    cuts = splits(corpus, report.protocol)
    users = np.array([corpus.user_index[user] for user in report.users], np.int64)
    found = []
    for parts, rows in zip(cuts, _rows_of(cuts, report, corpus), strict=True):
        found.append(Fold(parts, cases_at(corpus, users[rows], report.steps[rows])))
    return found


def _rows_of(cuts: list[PartArray], report: EvaluationReport, corpus: Corpus) -> list[slice]:
    """A report's rows of each cut: it holds the cuts one by one, each by ascending users."""
    target = np.full((len(cuts), len(corpus.user_ids)), -1, np.int64)
    for own, parts in zip(target, cuts, strict=True):
        users, steps = scored(corpus, parts, Part.TEST)
        own[users] = steps
    ends, cut, before = [0], 0, -1
    for row, (name, step) in enumerate(zip(report.users, report.steps.tolist(), strict=True)):
        user = corpus.user_index[name]
        while cut < len(cuts) - 1 and (user <= before or target[cut, user] != step):
            cut, before = cut + 1, -1
            ends.append(row)
        before = user
    ends += [len(report.users)] * (len(cuts) - cut)
    return [slice(begin, end) for begin, end in pairwise(ends)]


def same_cases(one: EvaluationReport, other: EvaluationReport) -> bool:
    """Whether two reports are about the same cases."""
    return one.users == other.users and np.array_equal(one.steps, other.steps)


def sample_of(report: EvaluationReport, corpus: Corpus) -> Sample | None:
    """What a report is a sample of; None where it is about all cases of its protocol."""
    cuts = splits(corpus, report.protocol)
    n = sum(case_count(corpus, parts, Part.TEST) for parts in cuts)
    return Sample(len(report.users), n) if len(report.users) < n else None


def with_served(
    report: EvaluationReport, corpus: Corpus, library: Library, model_folder: Path | None = None
) -> tuple[EvaluationReport, tuple[ListsJudged, ...], tuple[str, ...]]:
    """The report with all lists that were imported for this corpus as further recommenders.

    Then those lists, and the names of damaged ones, which are left out. Their diversity needs the
    encoder of a model.
    """
    judged, damaged = [], []
    judged_on = None
    for name in served_names(corpus.name, library):
        try:
            served = load_lists(corpus, library, name)
        except DomainError:
            damaged.append(name)
            continue
        judged_on = judged_on or [
            (fold.cases, data_of_split(corpus, fold.parts, library, model_folder))
            for fold in folds_of(report, corpus)
        ]
        of_folds = [served.judge(asked, data, report.k) for asked, data in judged_on]
        judged.append(ListsJudged.pooled(of_folds, report.k))
    results = (*report.results, *(lists.result for lists in judged))
    return replace(report, results=results), tuple(judged), tuple(damaged)


class Judged(NamedTuple):
    """A report with all that is stored about imported lists and own recommenders."""

    report: EvaluationReport
    served: tuple[ListsJudged, ...]
    damaged: tuple[str, ...]
    """Names of imported lists that could not be read."""
    failures: dict[str, DomainError]
    """Why own recommenders are left out, by id."""


def read_judged(engine: Engine, library: Library, protocol: str) -> Judged | None:
    """What is stored of a model under a protocol; None where it was not evaluated.

    ``Damaged`` where only a damaged evaluation is there. Nothing is computed.
    """
    report = find_report(engine.corpus, library, engine.folder, protocol)
    if report is None:
        return None
    stored, failures = with_own(report, engine, library, compute=False)
    return Judged(*with_served(stored, engine.corpus, library, engine.folder), failures)


def with_own(
    report: EvaluationReport,
    engine: Engine,
    library: Library,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    *,
    compute: bool = True,
) -> tuple[EvaluationReport, dict[str, DomainError]]:
    """The report with the engine's installed and registered recommenders as further ones.

    They are judged on the report's own cases. Then why some are left out, by id. Their results are
    kept in the library under their fingerprints; without ``compute`` those not kept yet are left
    out. The temporal protocol fits installed ones anew on each cut, and leaves out strategies,
    which adjust one model.
    """
    results: list[Result] = []
    failures: dict[str, DomainError] = {}
    served = served_names(engine.corpus.name, library)
    for own in engine.registered:
        if own.follows_model and report.protocol != "leave-last-out":
            continue
        try:
            if own.id in served:
                raise DomainError(
                    tr("imported lists and a recommender are both called {name!r}", name=own.id),
                    where=str(lists_path(library, engine.corpus.name, own.id)),
                    remedy=tr(
                        "Give the recommender another id, or delete that file and import the "
                        "lists under another name"
                    ),
                )
            key = _own_key(own, engine, report.protocol, report.k)
            find = partial(first_report, library.places(key.path(library)), key)
            kept = kept_or_none(find) if compute else find()
            if kept is not None and not same_cases(kept, report):
                kept = None
            if kept is None and compute:
                kept = _evaluate_own(own, key, report, engine, library, progress, stop)
            if kept is not None:
                results.append(kept.result(own.id))
        except DomainError as error:
            failures[own.id] = error
    return replace(report, results=(*report.results, *results)), failures


def own_places(engine: Engine, library: Library, protocol: str, k: int = 10) -> list[Path]:
    """Where the library keeps the evaluations of the engine's own recommenders."""
    places: list[Path] = []
    for own in engine.registered:
        with suppress(DomainError):  # one without a fingerprint is evaluated nowhere
            places += library.places(_own_key(own, engine, protocol, k).path(library))
    return places


def _own_key(own: Registered, engine: Engine, protocol: str, k: int) -> ReportKey:
    made_by = f"{engine.fingerprint(own.id)}-{own.id}"
    return ReportKey(engine.corpus.corpus_id, made_by, protocol, k)


def _evaluate_own(
    own: Registered,
    key: ReportKey,
    beside: EvaluationReport,
    engine: Engine,
    library: Library,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> EvaluationReport:
    reports, judged_on = [], folds_of(beside, engine.corpus)
    for number, (parts, test) in enumerate(judged_on, start=1):
        fold = tr("Fold {n} of {all}", n=number, all=len(judged_on))
        within = part_of(progress, fold) if len(judged_on) > 1 else progress
        data = data_of_split(engine.corpus, parts, library, engine.folder, within, stop)
        rival = own if key.protocol == "leave-last-out" else own.fitted_on(data)
        reports.append(evaluate([rival], test, data, key.k, key.protocol, within, stop))
    report = pooled(reports)
    library.keep(key.path(library), lambda path: save_report(report, key, path))
    return report


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
    config = read_config(model_folder)
    encoder, cache = open_encoder(library, config.encoder.name), open_cache(library)
    text = item_text_of(corpus, parts, config.item_text, encoder, cache, progress, stop)
    return TrainingData.of(corpus, parts, text)

"""One call from a corpus to a finished model folder, and one to judge a model under a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.arrays import FloatArray, IntArray, PartArray
from core.cluster import HERE, Machines
from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.domain import Columns
from core.encode.cache import VectorCache, open_cache, open_encoder, shipped_sentiment
from core.encode.encoder import TextEncoder
from core.engine import Engine
from core.evaluate.on_nodes import asking
from core.evaluate.protocols import data_of_split, find_report, folds, report_key
from core.evaluate.report import EvaluationReport, evaluate, pooled
from core.evaluate.stored import save_report
from core.files import Damaged, kept_or_none
from core.interest_map.projection import InterestMap, fit_map_of
from core.language import mark, tr
from core.model.config import InterestConfig
from core.model.fitting import Fit, fit_network
from core.model.interest import InterestModel
from core.model.profile import Topics, assign_topics, profile_of
from core.model.start import item_tower
from core.progress import Progress, ProgressCallback, StopCallback, part_of, report
from core.recommend.baseline import fit_baselines
from core.recommend.joint import fit_joint
from core.recommend.training_data import TrainingData, check_training_events
from core.threads import one_openmp_thread, use_one_blas_thread
from core.training.preparing import Prepared, prepare
from core.training.writing import FITTING, Laps, Place, Trained, finish


def fit_recommenders(
    corpus: Corpus,
    parts: PartArray,
    library: Library,
    config: InterestConfig,
    encoder: TextEncoder,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    cache: VectorCache | None = None,
    item_text: Sequence[str] | None = None,
) -> Trained:
    """Fit every recommender on the training part of ``parts`` int8[n_events].

    ``item_text`` names the columns that describe an item (None: all that hold words). The same
    content, settings and seed give the same numbers on one processor with one count of torch's
    threads, whatever else runs.
    """
    use_one_blas_thread()
    cache, sentiment = cache or open_cache(library), shipped_sentiment(library)
    prepared = prepare(corpus, parts, encoder, cache, sentiment, progress, stop, item_text)
    data = TrainingData.of(corpus, parts, prepared.item_text)
    fit, interest = fit_interest(prepared, config, progress, stop)
    baselines = fit_baselines(data, progress, stop)
    joint = fit_joint([interest, *baselines.values()], data, progress, stop)
    return Trained(prepared, fit, interest, data, baselines, joint)


def fit_interest(
    prepared: Prepared,
    config: InterestConfig,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    *,
    epochs: int | None = None,
    cold_offset: float = 0.0,
    repeat_offset: float = 0.0,
) -> tuple[Fit, InterestModel]:
    """Fit the interest model alone.

    With ``epochs`` given nobody is judged: that many are trained, and the offsets are those that an
    earlier fit chose (see ``Fit``).
    """
    corpus = prepared.corpus
    users, items = prepared.train_users, prepared.train_items
    tower = item_tower(users, items, prepared.title, prepared.reviews, config)
    fit = fit_network(
        prepared.fitting, tower, config, progress, stop, prepared.device, prepared.half, epochs
    )
    vectors, bias = fit.item_vectors.numpy(), fit.item_bias.numpy().astype(np.float32)
    if epochs is not None:
        bias = np.where(prepared.counts == 0, bias + np.float32(cold_offset), bias)
        fit = replace(fit, cold_offset=cold_offset, repeat_offset=repeat_offset)
    parts = (config, fit.network, corpus.item_ids, vectors, bias, prepared.encoder)
    return fit, InterestModel(*parts, fit.repeat_offset)


def train(
    corpus: Corpus,
    library: Library,
    options: InterestConfig | None = None,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    *,
    encoder: TextEncoder | None = None,
    cache: VectorCache | None = None,
    item_text: Sequence[str] | None = None,
    target: Path | None = None,
    created: datetime | None = None,
    why: str = "",
) -> Path:
    """Train on a corpus and return the new model's folder.

    The folder appears whole at the end; a stopped or killed training leaves none. The encoder's
    device trains too. Of a sample of users (``core.corpus.sampling``) everything is fitted and
    measured on them; items that none of them had are as new ones. Defaults: the shipped encoder on
    the best device, the library's vector cache, as ``item_text`` all columns of the items that hold
    words, the library's model folders as ``target``. With ``created`` given no wall-clock time is
    written, so that the same corpus gives the same bytes. ``why`` goes to the log. DomainError
    where there is no place for the model, before anything is computed; where that is found out at
    the end, or the corpus was imported anew meanwhile, it says where the model is.
    """
    options = options or InterestConfig.usual(corpus.n_events)
    place = Place.of(corpus, library, options, target)
    laps = Laps(stop)
    parts = corpus.parts
    check_training_events(corpus, parts)
    text_encoder = encoder or open_encoder(library, device="auto")
    trained = fit_recommenders(
        corpus, parts, library, options, text_encoder, progress, stop, cache, item_text
    )
    laps.end(FITTING)
    prepared, interest = trained.prepared, trained.interest
    report(progress, Progress(mark("Naming topics"), 0, 1))
    with one_openmp_thread():
        topics = assign_topics(
            list(corpus.items[Columns.Category]),
            prepared.counts,
            interest.item_vectors,
            prepared.item_words,
            options.seed,
        )
        report(progress, Progress(mark("Drawing the map"), 0, 1))
        _ = corpus.has_derived_titles  # made now, so that no page waits for them
        interest_map = _draw_map(trained, topics, options.seed)
    laps.end("map")
    written = (trained, topics, interest_map, text_encoder, place, laps, created, progress)
    return finish(*written, why=why)


def _draw_map(trained: Trained, topics: Topics, seed: int) -> InterestMap:
    """Fit the map on the states after every event of every user, of many a sample."""
    corpus, interest = trained.prepared.corpus, trained.interest
    starts, n = corpus.user_starts, corpus.n_events
    steps = np.setdiff1d(np.arange(n), starts[:-1])

    def queries_of(rows: IntArray) -> FloatArray:
        users = np.unique(np.searchsorted(starts, rows, side="right") - 1).tolist()
        histories = (corpus.history(corpus.user_ids[user]) for user in users)
        queries = np.empty((len(rows), interest.config.dim), np.float32)
        for user, states in zip(users, interest.states_of(histories, n), strict=True):
            first, last = np.searchsorted(rows, starts[user : user + 2])
            queries[first:last] = states.queries[rows[first:last] - starts[user]]
        return queries

    def leading(chosen: FloatArray) -> npt.NDArray[np.int16]:
        return np.asarray(profile_of(interest, topics, chosen).argmax(1), np.int16)

    return fit_map_of(queries_of, n, steps, leading, interest.item_vectors, seed)


def evaluate_model(
    corpus: Corpus,
    library: Library,
    model_folder: Path,
    protocol: str = "leave-last-out",
    k: int = 10,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    device: str = "auto",
    machines: Machines = HERE,
) -> EvaluationReport:
    """Judge a model's recommenders under a protocol.

    Leave-last-out judges the model as it is, on ``machines``; its report of lists of 10 is made in
    training. Temporal fits the same settings anew on what lay before each of three cuts, here.
    Reports are kept in the library under the fingerprints of corpus, model, protocol and k.
    """
    find = partial(find_report, corpus, library, model_folder, protocol, k)
    kept = kept_or_none(find)
    if kept is not None:
        return kept
    engine = Engine.open(corpus, model_folder, library)
    corpus = engine.corpus
    reports, judged_on = [], folds(corpus, protocol)
    ask = asking(machines, engine, k) if protocol == "leave-last-out" else None
    for number, (parts, test) in enumerate(judged_on, start=1):
        fold = tr("Fold {number} of {n}", number=number, n=len(judged_on))
        within = part_of(progress, fold) if len(judged_on) > 1 else progress
        if protocol == "temporal":
            encoder = open_encoder(library, engine.config.encoder.name, device=device)
            trained = fit_recommenders(
                corpus,
                parts,
                library,
                engine.config.settings,
                encoder,
                within,
                stop,
                item_text=engine.config.item_text,
            )
            recommenders, data = trained.recommenders, trained.data
        else:
            recommenders = list(engine.model_recommenders.values())
            data = data_of_split(corpus, parts, library, engine.folder, within, stop)
        reports.append(evaluate(recommenders, test, data, k, protocol, within, stop, ask))
    report = pooled(reports)
    key = report_key(corpus, model_folder, protocol, k)
    library.keep(key.path(library), lambda path: save_report(report, key, path))
    with suppress(Damaged):
        return find() or report
    return report

"""One call from a corpus to a finished model folder, and one to judge a model under a protocol."""

from __future__ import annotations

import importlib.metadata
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.arrays import FloatArray, PartArray
from core.corpus.corpus import Corpus
from core.corpus.manifest import Manifest
from core.corpus.models import put_in_place, staging
from core.corpus.split import leave_last_out
from core.corpus.store import Library
from core.domain import Columns, DomainError, Part
from core.encode.cache import VectorCache, open_cache, open_encoder, shipped_sentiment
from core.encode.encoder import TextEncoder
from core.encode.item_text import LONGEST, TITLE_AND_CATEGORY
from core.encode.unknown import unknown_in
from core.engine import Engine
from core.evaluate.protocols import data_of_split, find_report, report_key, splits
from core.evaluate.report import EvaluationReport, evaluate, pooled
from core.evaluate.stored import ReportKey, save_report
from core.files import Damaged, kept_or_none, need_space, reason_of, replace_text
from core.interest_map.projection import InterestMap, fit_map
from core.measure.cases import cases
from core.model.config import InterestConfig
from core.model.fitting import Fit, fit_network
from core.model.folder import (
    BASELINES,
    CARD,
    EVALUATION,
    USERS,
    EncoderFacts,
    ModelConfig,
    ModelParts,
    SentimentOrigin,
    TopicFacts,
    weights_of,
    write_parts,
)
from core.model.interest import InterestModel
from core.model.metrics import Epoch, Metrics
from core.model.profile import Topics, assign_topics, profile_of, summarise_users
from core.model.start import item_tower
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, part_of, report
from core.recommend.baseline import Baseline, fit_baselines, save_baselines
from core.recommend.joint import Joint, fit_joint
from core.recommend.protocol import Recommender
from core.recommend.registry import NAMES
from core.recommend.scorers import MOST_ITEMS
from core.recommend.training_data import TrainingData, check_training_events
from core.threads import one_openmp_thread, use_one_blas_thread
from core.training.preparing import Prepared, prepare

DEFAULT_DIM = 384
"""Numbers of a text vector, for a guess of sizes."""
SMALLEST_MODEL = 2_000_000
VERSIONS = ("torch", "transformers", "numpy", "scikit-learn", "umap-learn")


@dataclass(frozen=True, eq=False)
class Trained:
    """What was learned from one corpus under one split, before anything is written."""

    prepared: Prepared
    fit: Fit
    interest: InterestModel
    data: TrainingData
    baselines: dict[str, Baseline]
    joint: Joint

    @property
    def recommenders(self) -> list[Recommender]:
        """The joint recommender, the interest model and the baselines."""
        return [self.joint, self.interest, *self.baselines.values()]


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
) -> tuple[Fit, InterestModel]:
    """Fit the interest model alone.

    With ``epochs`` given nobody is judged: that many are trained, and ``cold_offset`` is what an
    earlier fit chose to add to the bias of items without a training event.
    """
    corpus = prepared.corpus
    users, items = prepared.train_users, prepared.train_items
    tower = item_tower(users, items, len(corpus.user_ids), prepared.title, prepared.reviews, config)
    fit = fit_network(
        prepared.fitting, tower, config, progress, stop, prepared.device, prepared.half, epochs
    )
    vectors, bias = fit.item_vectors.numpy(), fit.item_bias.numpy().astype(np.float32)
    if epochs is not None:
        bias = np.where(prepared.counts == 0, bias + np.float32(cold_offset), bias)
    events = prepared.encoder
    return fit, InterestModel(config, fit.network, corpus.item_ids, vectors, bias, events)


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
) -> Path:
    """Train on a corpus and return the new model's folder.

    The folder appears whole at the end; a stopped or killed training leaves none. The encoder's
    device trains too. Defaults: the shipped encoder on the best device, the library's vector cache,
    as ``item_text`` all columns of the items that hold words, the library's model folders as
    ``target``. With ``created`` given no wall-clock time is written, so that the same corpus gives
    the same bytes. DomainError where there is no place for the model, before anything is computed;
    where that is found out at the end, or the corpus was imported anew meanwhile, it says where the
    model is.
    """
    options = options or InterestConfig()
    home = target or library.models_root(corpus.name)
    need_space(home, _size_at_most(corpus, options), "model")
    is_current = _current_id(library, corpus.name) == corpus.corpus_id
    laps: dict[str, float] = {}
    last = time.monotonic()

    def lap(stage: str) -> None:
        nonlocal last
        laps[stage] = round(time.monotonic() - last, 1)
        last = time.monotonic()
        check_stop(stop)

    parts = leave_last_out(corpus.events)
    check_training_events(corpus, parts)
    text_encoder = encoder or open_encoder(library, device="auto")
    trained = fit_recommenders(
        corpus, parts, library, options, text_encoder, progress, stop, cache, item_text
    )
    lap("encode and fit")
    prepared, interest = trained.prepared, trained.interest
    report(progress, Progress("Naming topics", 0, 1))
    with one_openmp_thread():
        topics = assign_topics(
            list(corpus.items[Columns.Category]),
            prepared.counts,
            interest.item_vectors,
            prepared.item_words,
            options.seed,
        )
        report(progress, Progress("Drawing the map", 0, 1))
        _ = corpus.has_derived_titles  # made now, so that no page waits for them
        interest_map = _draw_map(trained, topics, options.seed)
    lap("map")
    test_cases = cases(corpus, parts, Part.TEST)
    judged = evaluate(trained.recommenders, test_cases, trained.data, progress=progress, stop=stop)
    lap("evaluation")
    weights = weights_of(trained.fit.network, interest.item_vectors, interest.item_bias)
    joint_weights = {f"joint.{name}": values for name, values in trained.joint.tensors.items()}
    config = _config(trained, text_encoder, topics).identified(
        weights | joint_weights, created or datetime.now(UTC)
    )
    metrics = _metrics(judged, trained, interest_map, text_encoder, None if created else laps)
    contents = (interest, prepared.encoder.sentiment, topics, interest_map, prepared.counts)
    model = ModelParts(config, *contents)
    users = summarise_users(corpus, interest, topics, parts)

    def write(home: Path) -> Path:
        with staging(home) as folder:
            write_parts(folder, model, weights)
            users.to_parquet(folder / USERS, index=False, compression="zstd")
            save_baselines(trained.baselines, folder / BASELINES)
            trained.joint.save(folder / BASELINES)
            key = ReportKey(corpus.corpus_id, config.model_id)
            save_report(judged, key, folder / EVALUATION, sealed=False)
            metrics.write(folder)
            replace_text(folder / CARD, model_card(corpus.manifest, config, metrics))
            put_in_place(folder, home / config.model_id)
        return home / config.model_id

    try:
        place = write(home)
    except (OSError, pa.ArrowException) as error:
        raise _kept_aside(write, home, corpus.name, error) from None
    corpus_id = _current_id(library, corpus.name)
    if is_current and corpus_id != corpus.corpus_id:
        raise DomainError(
            f"the corpus {corpus.name!r} was imported again while the model was trained "
            f"(id {corpus.corpus_id} became {corpus_id})",
            where=f"the model is kept for the old content: {place}",
            remedy=f"Train again on the new one: python -m core train {corpus.name}",
        )
    return place


def _size_at_most(corpus: Corpus, options: InterestConfig) -> int:
    """Bytes that a model and the new vectors of its texts may take, about."""
    n_items, n_events, n_users = len(corpus.item_ids), len(corpus.events), len(corpus.user_ids)
    ease = 4 * n_items * min(n_users, n_items) if n_items <= MOST_ITEMS else 0
    per_item, per_event = 4 * (options.dim + DEFAULT_DIM), 2 * DEFAULT_DIM + 100
    return SMALLEST_MODEL + ease + n_items * per_item + n_events * per_event


def _kept_aside(
    write: Callable[[Path], Path], home: Path, corpus: str, error: Exception
) -> DomainError:
    """Write a model that found no place in the library elsewhere, and say where."""
    problem = f"the model could not be written: {reason_of(error)}"
    try:
        place = write(Path(tempfile.mkdtemp(prefix="tastelines-")))
    except (OSError, pa.ArrowException):
        remedy = f"Make space, then train again: python -m core train {corpus}"
        return DomainError(problem, where=str(home), remedy=remedy)
    remedy = f"It is kept: make space, then move {place} to {home / place.name}"
    return DomainError(problem, where=str(home), remedy=remedy)


def _current_id(library: Library, name: str) -> str | None:
    """Id of a corpus as it is now; None where the library has none of that name."""
    with suppress(DomainError):
        return library.manifest(name).corpus_id
    return None


def _draw_map(trained: Trained, topics: Topics, seed: int) -> InterestMap:
    """Fit the map on the states after every event of every user."""
    corpus, interest = trained.prepared.corpus, trained.interest
    states = [interest.states(corpus.history(user))[1:] for user in corpus.user_ids]
    queries = np.concatenate(states)
    steps = np.setdiff1d(np.arange(len(queries)), corpus.user_starts[:-1])

    def leading(chosen: FloatArray) -> npt.NDArray[np.int16]:
        return np.asarray(profile_of(interest, topics, chosen).argmax(1), np.int16)

    return fit_map(queries, steps, leading, interest.item_vectors, seed)


def model_card(manifest: Manifest, config: ModelConfig, metrics: Metrics) -> str:
    """What a model was made from, how good it is, where it ends: Markdown by ``card.md.jinja``."""
    from jinja2 import Environment, StrictUndefined

    text = (Path(__file__).parent / "card.md.jinja").read_text("utf-8")
    environment = Environment(undefined=StrictUndefined, trim_blocks=True)
    environment.keep_trailing_newline = True
    template = environment.from_string(text)
    return template.render(
        manifest=manifest,
        config=config,
        metrics=metrics,
        names=NAMES,
        told=config.item_text != TITLE_AND_CATEGORY,
        longest=LONGEST,
    )


def _config(trained: Trained, encoder: TextEncoder, topics: Topics) -> ModelConfig:
    corpus, device = trained.prepared.corpus, trained.fit.device
    accelerator = {} if device == "cpu" else {"device": device}
    return ModelConfig(
        corpus=corpus.name,
        corpus_id=corpus.corpus_id,
        encoder=EncoderFacts.model_validate(encoder, from_attributes=True),
        interest=trained.interest.config.to_json(),
        rating_scale=corpus.manifest.rating_scale,
        topics=TopicFacts(names=topics.names, source=topics.source),
        item_text=trained.prepared.item_columns,
        cold_offset=trained.fit.cold_offset,
        sentiment=SentimentOrigin(fitted_on=trained.prepared.encoder.sentiment.fitted_on),
        versions={name: importlib.metadata.version(name) for name in VERSIONS} | accelerator,
    )


def _metrics(
    judged: EvaluationReport,
    trained: Trained,
    interest_map: InterestMap,
    encoder: TextEncoder,
    seconds: dict[str, float] | None,
) -> Metrics:
    """The metrics; without ``seconds`` no time is written at all."""
    timed: dict[str, Any] = {}
    curve = trained.fit.curve
    if seconds is None:
        curve = tuple(Epoch(**epoch.model_dump(exclude={"seconds"})) for epoch in curve)
    else:
        timed["seconds"] = seconds
        unknown = unknown_in(trained.prepared.corpus, encoder.folder, encoder.name)
        timed |= {"unknown": round(unknown.share, 4), "unknown_scripts": unknown.scripts}
    return Metrics(
        protocol=judged.protocol,
        users=len(set(judged.users)),
        targets=len(judged.users),
        excluded_targets=judged.excluded_targets,
        results=tuple(judged.scores),
        unseen_targets=int((~judged.seen_targets).sum()),
        training=curve,
        best_epoch=trained.fit.best_epoch,
        sentiment=trained.prepared.sentiment_quality,
        trustworthiness=round(interest_map.trustworthiness, 4),
        **timed,
    )


def evaluate_model(
    corpus: Corpus,
    library: Library,
    model_folder: Path,
    protocol: str = "leave-last-out",
    k: int = 10,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    device: str = "auto",
) -> EvaluationReport:
    """Judge a model's recommenders under a protocol.

    Leave-last-out judges the model as it is; its report of lists of 10 is made in training.
    Temporal fits the same settings anew on what lay before each of three cuts. Reports are kept in
    the library under the fingerprints of corpus, model, protocol and k.
    """
    find = partial(find_report, corpus, library, model_folder, protocol, k)
    kept = kept_or_none(find)
    if kept is not None:
        return kept
    engine = Engine.open(corpus, model_folder, library)
    reports, folds = [], splits(corpus, protocol)
    for number, parts in enumerate(folds, start=1):
        within = part_of(progress, f"Fold {number} of {len(folds)}") if len(folds) > 1 else progress
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
        test = cases(corpus, parts, Part.TEST)
        reports.append(evaluate(recommenders, test, data, k, protocol, within, stop))
    report = pooled(reports)
    key = report_key(corpus, model_folder, protocol, k)
    library.keep(key.path(library), lambda path: save_report(report, key, path))
    with suppress(Damaged):
        return find() or report
    return report

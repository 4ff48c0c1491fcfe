"""One call from a corpus to a finished model folder."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from core.arrays import FloatArray, PartArray
from core.corpus.corpus import Corpus
from core.corpus.split import leave_last_out
from core.corpus.store import Library
from core.domain import Columns, DomainError, Part
from core.encode.cache import VectorCache
from core.encode.encoder import TextEncoder
from core.encode.library import open_cache, open_encoder, shipped_sentiment
from core.evaluate.report import EvaluationReport, evaluate
from core.evaluate.stored import ReportKey, save_report
from core.files import replace_text
from core.interest_map.projection import InterestMap, fit_map
from core.measure.cases import Case, cases
from core.model.config import InterestConfig
from core.model.fitting import Fit, fit_network
from core.model.folder import (
    BASELINES,
    CARD,
    EVALUATION,
    FORMAT,
    METRICS,
    USERS,
    fingerprint,
    weights_of,
    write_parts,
)
from core.model.interest import InterestModel
from core.model.start import item_start
from core.model.steps import summarise_users
from core.model.topics import Topics, assign_topics
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.recommend.baseline import Baseline
from core.recommend.fitting import fit_baselines, save_baselines
from core.recommend.joining import fit_joint
from core.recommend.joint import Joint
from core.recommend.protocol import Recommender
from core.recommend.training_data import TrainingData
from core.training.card import model_card
from core.training.preparing import Prepared, prepare

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
) -> Trained:
    """Fit every recommender on the training part of ``parts`` int8[n_events]."""
    cache = cache or open_cache(library)
    prepared = prepare(corpus, parts, encoder, cache, shipped_sentiment(library), progress, stop)
    if len(prepared.train_items) == 0:
        raise DomainError(
            "there are no events to learn from",
            where=f"corpus {corpus.name}",
            remedy="A user needs three events for one of them to be a training event",
        )
    fit, interest = fit_interest(prepared, config, progress, stop)
    text = prepared.item_text
    data = TrainingData.of(corpus, parts, text if text.any() else None)
    baselines = fit_baselines(data, progress, stop)
    joint = fit_joint([interest, *baselines.values()], data, progress, stop)
    return Trained(prepared, fit, interest, data, baselines, joint)


def fit_interest(
    prepared: Prepared,
    config: InterestConfig,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> tuple[Fit, InterestModel]:
    """Fit the interest model alone."""
    corpus = prepared.corpus
    fit = fit_network(
        prepared.fitting,
        item_start(
            prepared.train_users,
            prepared.train_items,
            len(corpus.user_ids),
            prepared.title,
            prepared.reviews,
            config,
        ),
        config,
        progress,
        stop,
    )
    interest = InterestModel(
        config,
        fit.network,
        corpus.item_ids,
        fit.item_vectors.numpy(),
        fit.item_bias.numpy().astype(np.float32),
        prepared.encoder,
    )
    return fit, interest


def train(
    corpus: Corpus,
    library: Library,
    options: InterestConfig | None = None,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    *,
    encoder: TextEncoder | None = None,
    cache: VectorCache | None = None,
    target: Path | None = None,
    created: datetime | None = None,
) -> Path:
    """Train on a corpus and return the new model's folder.

    The folder appears whole at the end; a stopped or killed training leaves none. Defaults: the
    shipped encoder, the library's vector cache, the library's model folders as ``target``. With
    ``created`` given no wall-clock time is written, so that the same corpus gives the same bytes.
    """
    config = options or InterestConfig()
    clock = _Clock()
    text_encoder = encoder or open_encoder(library)
    trained = fit_recommenders(
        corpus, leave_last_out(corpus.events), library, config, text_encoder, progress, stop, cache
    )
    clock.lap("encode and fit")
    prepared, fit = trained.prepared, trained.fit
    report(progress, Progress("Naming topics", 0, 1))
    topics = assign_topics(
        list(corpus.items[Columns.Category]),
        prepared.counts,
        trained.interest.item_vectors,
        prepared.item_words,
        config.seed,
    )
    check_stop(stop)
    report(progress, Progress("Drawing the map", 0, 1))
    interest_map = _draw_map(trained, topics, config.seed)
    clock.lap("map")
    check_stop(stop)
    judged = _evaluate(trained, progress, stop)
    clock.lap("evaluation")
    users = summarise_users(corpus, trained.interest, topics, prepared.parts)
    weights = weights_of(fit.network, trained.interest.item_vectors, trained.interest.item_bias)
    choices = _choices(corpus, text_encoder, config, topics, trained)
    model_id = fingerprint(
        choices, weights | {f"joint.{name}": t for name, t in trained.joint.tensors.items()}
    )
    made = created or datetime.now(UTC)
    facts = {**choices, "model_id": model_id, "created": made.isoformat(timespec="seconds")}
    metrics = _metrics(judged, trained, interest_map, None if created else clock.laps)
    home = target or library.models_root(corpus.name)
    home.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".training-", dir=home))
    try:
        write_parts(
            folder,
            facts,
            weights,
            corpus,
            topics,
            prepared.sentiment,
            interest_map,
            prepared.counts,
        )
        users.to_parquet(folder / USERS, index=False, compression="zstd")
        save_baselines(trained.baselines, folder / BASELINES)
        trained.joint.save(folder / BASELINES)
        save_report(judged, ReportKey(corpus.corpus_id, model_id), folder / EVALUATION)
        replace_text(folder / METRICS, json.dumps(metrics, indent=1) + "\n")
        replace_text(folder / CARD, model_card(corpus.manifest, facts, metrics))
        folder.chmod(0o755)
        place, former = home / model_id, home / f".former-{model_id}-{folder.name}"
        if place.exists():
            os.replace(place, former)  # noqa: PTH105
        os.replace(folder, place)  # noqa: PTH105
        shutil.rmtree(former, ignore_errors=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return place


class _Clock:
    """Seconds spent by stage."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self.laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = time.monotonic()
        self.laps[stage] = round(now - self._last, 1)
        self._last = now


def _draw_map(trained: Trained, topics: Topics, seed: int) -> InterestMap:
    """Fit the map on the states after every event of every user."""
    corpus, interest = trained.prepared.corpus, trained.interest
    states: list[FloatArray] = []
    steps: list[int] = []
    row = 0
    for user in corpus.user_ids:
        queries = interest.states(corpus.history(user))[1:]
        states.append(queries)
        steps.extend(range(row + 1, row + len(queries)))
        row += len(queries)
    queries = np.concatenate(states)
    leading = np.concatenate(
        [
            topics.shares(np.exp(interest.log_probabilities_of(part))).argmax(1)
            for part in np.array_split(queries, max(1, len(queries) // 2048))
        ]
    )
    return fit_map(
        queries,
        np.array(steps, np.int64),
        leading.astype(np.int16),
        interest.item_vectors,
        seed,
    )


def _evaluate(
    trained: Trained, progress: ProgressCallback | None, stop: StopCallback | None
) -> EvaluationReport:
    judged = _test_cases(trained)
    return evaluate(trained.recommenders, judged, trained.data, progress=progress, stop=stop)


def _choices(
    corpus: Corpus,
    encoder: TextEncoder,
    config: InterestConfig,
    topics: Topics,
    trained: Trained,
) -> dict[str, Any]:
    scale = corpus.manifest.rating_scale
    return {
        "format": FORMAT,
        "corpus": corpus.name,
        "corpus_id": corpus.corpus_id,
        "encoder": {
            "name": encoder.name,
            "encoder_id": encoder.encoder_id,
            "weights_sha256": encoder.weights_sha256,
            "dim": encoder.dim,
            "max_tokens": encoder.max_tokens,
        },
        "interest": config.to_json(),
        "rating_scale": list(scale) if scale else None,
        "topics": {"names": list(topics.names), "source": topics.source},
        "cold_offset": trained.fit.cold_offset,
        "sentiment": {"fitted_on": trained.prepared.sentiment.fitted_on},
        "versions": {name: importlib.metadata.version(name) for name in VERSIONS},
    }


def _metrics(
    judged: EvaluationReport,
    trained: Trained,
    interest_map: InterestMap,
    laps: dict[str, float] | None,
) -> dict[str, Any]:
    fit = trained.fit
    counts = trained.prepared.counts
    targets = [case.target for case in _test_cases(trained)]
    index = trained.prepared.corpus.item_index
    unseen = sum(counts[index[target]] == 0 for target in targets)
    metrics: dict[str, Any] = {
        **judged.to_json(),
        "unseen_targets": int(unseen),
        "training": [
            {name: _number(value) for name, value in asdict(line).items()} for line in fit.curve
        ],
        "best_epoch": fit.best_epoch,
        "sentiment": trained.prepared.sentiment_quality,
        "trustworthiness": round(interest_map.trustworthiness, 4),
    }
    if laps is None:
        for line in metrics["training"]:
            line.pop("seconds")
    else:
        metrics["seconds"] = laps
    return metrics


def _test_cases(trained: Trained) -> tuple[Case, ...]:
    return cases(trained.prepared.corpus, trained.prepared.parts, Part.TEST)


def _number(value: float) -> float | None:
    return None if value != value else value

"""What was learned becomes a model folder: judged, described, and put in place whole."""

from __future__ import annotations

import importlib.metadata
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from core import access
from core.corpus.corpus import Corpus
from core.corpus.manifest import Manifest
from core.corpus.models import put_in_place, staging
from core.corpus.store import Library
from core.domain import DomainError, Part
from core.encode.encoder import TextEncoder
from core.encode.item_text import LONGEST, TITLE_AND_CATEGORY
from core.encode.unknown import unknown_in
from core.evaluate.report import EvaluationReport, evaluate
from core.evaluate.stored import ReportKey, save_report
from core.files import need_space, reason_of, replace_text
from core.interest_map.projection import InterestMap
from core.language import ENGLISH, mark, speaking, tr
from core.measure.cases import case_count, cases, evenly
from core.model.candidates import drawn_of
from core.model.config import InterestConfig
from core.model.fitting import MOST_JUDGED, Fit
from core.model.folder import (
    BASELINES,
    CARD,
    EVALUATION,
    USERS,
    EncoderFacts,
    ModelConfig,
    ModelParts,
    ParentFacts,
    SentimentOrigin,
    TopicFacts,
    weights_of,
    write_parts,
)
from core.model.interest import InterestModel
from core.model.metrics import Epoch, Metrics, SampleFacts, UpdateFacts
from core.model.profile import Topics, summarise_users
from core.model.warm import TowerParts
from core.progress import ProgressCallback, StopCallback, check_stop
from core.recommend import factors
from core.recommend.baseline import Baseline, save_baselines
from core.recommend.joint import Joint
from core.recommend.protocol import Recommender
from core.recommend.registry import NAMES
from core.recommend.scorers import MOST_ITEMS
from core.recommend.sparse_ease import NEIGHBOURS
from core.recommend.training_data import TrainingData
from core.strategy.log import note_model
from core.training.preparing import Prepared
from core.training.update_words import update_sentences

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


FITTING = "encode and fit"  # no sentence
"""A stage, as stored metrics name it."""


@dataclass
class Laps:
    """Seconds of each stage of a training; between two stages it may be stopped."""

    stop: StopCallback | None
    seconds: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.monotonic)

    def end(self, stage: str) -> None:
        """Note the end of a stage; raises Stopped."""
        self.seconds[stage] = round(time.monotonic() - self._last, 1)
        self._last = time.monotonic()
        check_stop(self.stop)


@dataclass(frozen=True)
class Place:
    """Where a model of a corpus will be, and whether the corpus was the library's own."""

    corpus: Corpus
    library: Library
    home: Path
    is_current: bool

    @classmethod
    def of(
        cls, corpus: Corpus, library: Library, options: InterestConfig, target: Path | None = None
    ) -> Place:
        """The library's place, or ``target``; DomainError for no room, and for all but editors."""
        access.need_editor(mark("training"))
        home = target or library.models_root(corpus.name)
        need_space(home, _size_at_most(corpus, options), mark("model"))
        is_current = _current_id(library, corpus.name) == corpus.corpus_id
        return cls(corpus, library, home, is_current)


Ancestry = tuple[ParentFacts, Callable[[EvaluationReport], UpdateFacts]]
"""The model that was updated, and what the update was worth, given the new evaluation."""


def finish(
    trained: Trained,
    topics: Topics,
    interest_map: InterestMap,
    encoder: TextEncoder,
    place: Place,
    laps: Laps,
    created: datetime | None = None,
    progress: ProgressCallback | None = None,
    ancestry: Ancestry | None = None,
    why: str = "",
) -> Path:
    """Judge what was learned on the test events, write its folder, and note it in the log."""
    prepared, interest, stop = trained.prepared, trained.interest, laps.stop
    corpus, library = place.corpus, place.library
    test_cases = cases(corpus, prepared.parts, Part.TEST)
    judged = evaluate(trained.recommenders, test_cases, trained.data, progress=progress, stop=stop)
    update = ancestry[1](judged) if ancestry else None
    laps.end("evaluation")
    weights = weights_of(trained.fit.network, interest.item_vectors, interest.item_bias)
    joint_weights = {f"joint.{name}": values for name, values in trained.joint.tensors.items()}
    config = _config(trained, encoder, topics, ancestry[0] if ancestry else None).identified(
        weights | joint_weights, created or datetime.now(UTC)
    )
    timed = None if created else laps.seconds
    metrics = _metrics(judged, trained, interest_map, encoder, timed, update)
    contents = (interest, prepared.encoder.sentiment, topics, interest_map, prepared.counts)
    model = ModelParts(config, *contents)
    users = summarise_users(corpus, interest, topics, prepared.parts, progress, stop)

    def write(home: Path) -> Path:
        with staging(home) as folder:
            write_parts(folder, model, weights)
            if created is None:  # the demo can't grow, so nothing goes on from its model
                TowerParts.of(trained.fit.tower).save(folder)
            users.to_parquet(folder / USERS, index=False, compression="zstd")
            save_baselines(trained.baselines, folder / BASELINES)
            trained.joint.save(folder / BASELINES)
            key = ReportKey(corpus.corpus_id, config.model_id)
            save_report(judged, key, folder / EVALUATION, sealed=False)
            metrics.write(folder)
            replace_text(folder / CARD, model_card(corpus.manifest, config, metrics))
            put_in_place(folder, home / config.model_id)
        return home / config.model_id

    home = place.home
    try:
        written = write(home)
    except (OSError, pa.ArrowException) as error:
        raise _kept_aside(write, home, corpus.name, error) from None
    if created is None and home == library.models_root(corpus.name):
        what = f"updated from {ancestry[0].model_id}" if ancestry else "trained"  # no sentence
        note_model(library, corpus.name, config.model_id, what, why)
    corpus_id = _current_id(library, corpus.name)
    if place.is_current and corpus_id != corpus.corpus_id:
        raise DomainError(
            tr(
                "the corpus {name!r} was imported again while the model was trained (id {before} "
                "became {now})",
                name=corpus.name,
                before=corpus.corpus_id,
                now=corpus_id,
            ),
            where=tr("the model is kept for the old content: {path}", path=written),
            remedy=tr(
                "Train again on the new one: {command}",
                command=f"python -m core train {corpus.name}",  # no sentence
            ),
        )
    return written


def _size_at_most(corpus: Corpus, options: InterestConfig) -> int:
    """Bytes that a model and the new vectors of its texts may take, about."""
    n_items, n_events, n_users = len(corpus.item_ids), corpus.n_events, len(corpus.user_ids)
    few = n_items <= MOST_ITEMS
    ease = n_items * (4 * min(n_users, n_items) if few else 8 * NEIGHBOURS)
    per_item, per_event = 4 * (options.dim + DEFAULT_DIM), 2 * DEFAULT_DIM + 100
    return SMALLEST_MODEL + ease + n_items * per_item + n_events * per_event


def _kept_aside(
    write: Callable[[Path], Path], home: Path, corpus: str, error: Exception
) -> DomainError:
    """Write a model that found no place in the library elsewhere, and say where."""
    problem = tr("the model could not be written: {reason}", reason=reason_of(error))
    try:
        place = write(Path(tempfile.mkdtemp(prefix="tastelines-")))
    except (OSError, pa.ArrowException):
        command = f"python -m core train {corpus}"  # no sentence
        remedy = tr("Make space, then train again: {command}", command=command)
        return DomainError(problem, where=str(home), remedy=remedy)
    to = home / place.name
    remedy = tr("It is kept: make space, then move {place} to {to}", place=place, to=to)
    return DomainError(problem, where=str(home), remedy=remedy)


def _current_id(library: Library, name: str) -> str | None:
    """Id of a corpus as it is now; None where the library has none of that name."""
    with suppress(DomainError):
        return library.manifest(name).corpus_id
    return None


def model_card(manifest: Manifest, config: ModelConfig, metrics: Metrics) -> str:
    """What a model was made from, how good it is, where it ends: Markdown by ``card.md.jinja``."""
    from jinja2 import Environment, StrictUndefined

    text = (Path(__file__).parent / "card.md.jinja").read_text("utf-8")
    environment = Environment(undefined=StrictUndefined, trim_blocks=True)
    environment.keep_trailing_newline = True
    template = environment.from_string(text)
    with speaking(ENGLISH):
        return template.render(
            manifest=manifest,
            config=config,
            metrics=metrics,
            names=NAMES,
            told=config.item_text != TITLE_AND_CATEGORY,
            longest=LONGEST,
            update=update_sentences(metrics.update) if metrics.update else (),
        )


def _config(
    trained: Trained, encoder: TextEncoder, topics: Topics, parent: ParentFacts | None
) -> ModelConfig:
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
        repeat_offset=trained.fit.repeat_offset,
        sentiment=SentimentOrigin(fitted_on=trained.prepared.encoder.sentiment.fitted_on),
        sample=corpus.sample,
        parent=parent,
        versions={name: importlib.metadata.version(name) for name in VERSIONS} | accelerator,
    )


def _metrics(
    judged: EvaluationReport,
    trained: Trained,
    interest_map: InterestMap,
    encoder: TextEncoder,
    seconds: dict[str, float] | None,
    update: UpdateFacts | None,
) -> Metrics:
    """The metrics; without ``seconds`` no time is written at all."""
    timed: dict[str, Any] = {}
    curve = trained.fit.curve
    if seconds is None:
        left_out = {"seconds", "validation_loss"}  # as in the models that a rebuild has to equal
        curve = tuple(Epoch(**epoch.model_dump(exclude=left_out)) for epoch in curve)
    else:
        timed["seconds"] = seconds
        unknown = unknown_in(trained.prepared.corpus, encoder.folder, encoder.name)
        timed |= {"unknown": round(unknown.share, 4), "unknown_scripts": unknown.scripts}
    if update is not None:
        timed["update"] = update
    if (sample := _sample(judged, trained, update is not None)) is not None:
        timed["sample"] = sample
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


def _sample(judged: EvaluationReport, trained: Trained, updated: bool) -> SampleFacts | None:
    """What was looked at by a sample; None where nothing was."""
    prepared, facts = trained.prepared, {}
    all_cases = case_count(prepared.corpus, prepared.parts, Part.TEST)
    if len(judged.users) < all_cases:
        facts["test"] = all_cases
    validation = prepared.fitting.judged
    looked_at = evenly(len(validation), MOST_JUDGED // len(prepared.counts))
    if len(looked_at) < len(validation):
        facts |= {"validation": len(validation), "validation_judged": len(looked_at)}
    met = int((prepared.counts > 0).sum())
    drawn = drawn_of(met, trained.interest.config.negatives)
    if drawn < met:
        facts["negatives"] = drawn
    if factors.is_large(trained.data) and not updated:
        facts["strengths"] = len(factors.FEW_STRENGTHS)
    return SampleFacts(**facts) if facts else None

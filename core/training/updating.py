"""A model goes on with a corpus that has grown: the new events are learned, the old ones kept.

Known items start with the vectors they had, new ones are folded in (``core.model.warm``), training
is by new events and replayed exemplars (``core.model.continuing``). Baselines keep the settings
and curves that validation chose for the parent, the joint is weighed anew. The map, the topics and
the sentiment stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from core import access
from core.arrays import FloatArray, IntArray
from core.corpus.corpus import Corpus
from core.corpus.sampling import among
from core.corpus.store import Library, created_at
from core.domain import Columns, DomainError, Part
from core.encode.cache import (
    VectorCache,
    check_encoder,
    open_cache,
    open_encoder,
    shipped_sentiment,
)
from core.encode.encoder import TextEncoder
from core.evaluate.report import EvaluationReport, evaluate
from core.files import is_held, verify
from core.interest_map.projection import InterestMap
from core.language import tr
from core.measure.cases import cases
from core.model.continuing import Lesson, adaptive_strength, teacher_of
from core.model.fitting import Fit, fit_network
from core.model.folder import (
    BASELINES,
    USERS,
    ModelParts,
    ParentFacts,
    read_alone,
    read_config,
)
from core.model.interest import InterestModel
from core.model.metrics import UpdateFacts
from core.model.sequences import kind_rows, kinds_within
from core.model.warm import Former, TowerParts, warm_tower, widened
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.recommend.baseline import Baseline, fit_baselines, load_baselines
from core.recommend.earlier import Earlier
from core.recommend.joint import FACTS, Joint, fit_joint
from core.recommend.pool import Pool
from core.recommend.protocol import Recommender
from core.recommend.refit import refit_baseline
from core.recommend.registry import INTEREST, SUCCESSORS
from core.recommend.training_data import TrainingData, check_training_events
from core.threads import use_one_blas_thread
from core.training.growing import grown_map, grown_topics
from core.training.preparing import Prepared, prepare
from core.training.writing import FITTING, Laps, Place, Trained, finish

FEW_FOLDS = 2
"""Folds of the joint's fit: its weights come from all cases, the folds only say how sure it is."""


MOST_MOVED = 300
"""Users whose states are looked at for how far they moved on the map."""


@dataclass(frozen=True)
class UpdateSettings:
    """How an update learns; the defaults were chosen on validation cases (``docs/trials.md``)."""

    epochs: int = 6
    """Passes over the new events at most."""
    patience: int = 2
    """Epochs without a better validation NDCG before it ends."""
    learning_rate: float = 5e-4
    """Peak step size."""
    replay: float = 1.0
    """Known events replayed in each epoch, per new event."""
    distillation: float = 1.0
    """Weight of the old model's distribution, before it is adapted to the share of what is new."""


@dataclass(frozen=True, eq=False)
class Parent:
    """What an update goes on from: a model over the catalogue that it was made with.

    ``counts`` int64[n_items] are its training events of each item.
    """

    interest: InterestModel
    counts: IntArray
    tower: TowerParts
    baselines: dict[str, Baseline]
    joint: Joint

    @classmethod
    def of(cls, trained: Trained) -> Parent:
        """What was just learned."""
        counts, tower = trained.prepared.counts, TowerParts.of(trained.fit.tower)
        return cls(trained.interest, counts, tower, trained.baselines, trained.joint)

    @classmethod
    def read(cls, folder: Path, parts: ModelParts) -> Parent:
        """The rest of a model folder; DomainError where it is damaged or can't be gone on from."""
        config, interest = parts.config, parts.interest
        item_ids = interest.item_ids
        tower = TowerParts.load(folder, len(item_ids), config.encoder.dim, config.settings.dim)
        if tower is None or not is_held(folder, f"{BASELINES}/{FACTS}"):
            raise DomainError(
                tr(
                    "the model {model} was made by an earlier version, which did not keep what an "
                    "update needs (its text projections)",
                    model=config.model_id,
                ),
                where=str(folder),
                remedy=tr(
                    "Train once more: {command}; later updates go on from that model",
                    command=f"python -m core train {config.corpus}",  # no sentence
                ),
            )
        baselines = load_baselines(folder / BASELINES, item_ids)
        joint = Joint.load(folder / BASELINES, {INTEREST: interest, **baselines}, item_ids)
        return cls(interest, parts.training_counts, tower, baselines, joint)

    def over(self, corpus: Corpus) -> Earlier:
        """Its joint over the catalogue as it is now."""
        kinds = kinds_within(len(self.interest.network.kind_in.weight))
        return Earlier(corpus.item_ids, self.joint, self.interest.item_ids, kinds)


def find_parent(library: Library, corpus: Corpus, model_id: str | None = None) -> Path:
    """The newest model made from content that the corpus grew from.

    DomainError where there is none, or one that knows all events already.
    """
    name = corpus.name
    folders = library.model_folders(name)
    if model_id is not None:
        folders = [library.model_folder(name, model_id)]
    dated = []
    for folder in folders:
        config = read_config(folder)
        added = corpus.manifest.appends_since(config.corpus_id)
        if added == ():
            command = f"python -m core import FILE --append --name {name}"  # no sentence
            raise DomainError(
                tr(
                    "the model {model} knows all of {corpus} already",
                    model=folder.name,
                    corpus=name,
                ),
                remedy=tr("Append events first: {command}", command=command),
            )
        if added:
            made = created_at(folder)
            dated.append((len(added), -made.timestamp() if made else 0.0, folder))
    if not dated:
        problem = tr("no model was made from content that {corpus} grew from", corpus=name)
        if model_id:
            problem = tr(
                "the model {model} was not made from content that {corpus} grew from",
                model=model_id,
                corpus=name,
            )
        command = f"python -m core train {name}"  # no sentence
        raise DomainError(
            problem,
            where=tr("corpus {name}", name=name),
            remedy=tr("Train one: {command}", command=command),
        )
    return min(dated)[2]


def known_events(folder: Path, corpus: Corpus) -> IntArray:
    """How many events of each user a model's corpus had, int64[n_users] of the corpus as it is now.

    Appended events are taken for the later ones of a user.
    """
    verify(folder, (USERS,))
    users = pd.read_parquet(folder / USERS, columns=[Columns.User, "events"])
    known = np.zeros(len(corpus.user_ids), np.int64)
    for user, events in zip(users[Columns.User], users["events"], strict=True):
        if (at := corpus.user_index.get(user)) is not None:
            known[at] = events
    return np.minimum(known, np.diff(corpus.user_starts))


def update(
    corpus: Corpus,
    library: Library,
    model_id: str | None = None,
    settings: UpdateSettings | None = None,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    *,
    encoder: TextEncoder | None = None,
    cache: VectorCache | None = None,
    why: str = "",
) -> Path:
    """Make a model of a corpus from the newest one of what it grew from; returns its folder.

    ``model_id`` names another parent. The parent stays as it is; a stopped or killed update leaves
    nothing. ``why`` goes to the log. DomainError where there is no parent, or one that can't be
    gone on from, ``Refused`` for all but editors.
    """
    access.need_editor("training")
    settings = settings or UpdateSettings()
    use_one_blas_thread()
    folder = find_parent(library, corpus, model_id)
    config = read_config(folder)
    corpus = among(corpus, config.sample)
    place = Place.of(corpus, library, config.settings)
    laps = Laps(stop)
    encoder = encoder or open_encoder(library, config.encoder.name, device="auto")
    check_encoder(encoder, config.encoder.encoder_id, corpus.name)
    cache = cache or open_cache(library)
    parts_then = read_alone(folder, lambda texts: cache.vectors(texts, encoder))
    parent = Parent.read(folder, parts_then)
    known = known_events(folder, corpus)
    parts = corpus.parts
    check_training_events(corpus, parts)
    prepared = prepare(
        *(corpus, parts, encoder, cache, shipped_sentiment(library), progress, stop),
        item_text=config.item_text,
        sentiment=parts_then.sentiment,
    )
    learned = np.maximum(known - 2, 0)  # leave-last-out: the last two of each user were held out
    trained, lesson = go_on(prepared, parent, learned, settings, progress, stop)
    laps.end(FITTING)
    topics = grown_topics(parts_then.topics, corpus, parent.interest.item_ids, trained)
    interest_map = grown_map(parts_then, trained.interest)
    laps.end("map")
    facts = ParentFacts(model_id=config.model_id, corpus_id=config.corpus_id)
    moved = _moved(parent, parts_then.map, corpus, known, trained.interest)
    worth = partial(_worth, parent, corpus, known, moved, trained, lesson, progress, stop)
    return finish(
        *(trained, topics, interest_map, encoder, place, laps),
        progress=progress,
        ancestry=(facts, worth),
        why=why,
    )


def go_on(
    prepared: Prepared,
    parent: Parent,
    learned: IntArray,
    settings: UpdateSettings,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> tuple[Trained, Lesson]:
    """Fit every recommender of the parent on what there is now.

    Where the corpus has outgrown a baseline, its successor takes its place, also in the joint.
    ``learned`` int64[n_users]: how many of each user's training events the parent has learned.
    """
    fit, interest, lesson = _fit_interest(prepared, parent, learned, settings, progress, stop)
    data = TrainingData.of(prepared.corpus, prepared.parts, prepared.item_text)
    baselines: dict[str, Baseline] = {}
    for done, (name, baseline) in enumerate(parent.baselines.items()):
        check_stop(stop)
        report(progress, Progress(tr("refit {name}", name=name), done, len(parent.baselines)))
        moved = replace(baseline, item_ids=data.item_ids)
        try:
            baselines[name] = refit_baseline(moved, data, stop)
        except DomainError:  # its setting is no longer tried
            made = fit_baselines(data, stop=stop, only=[name])
            if not made and name in SUCCESSORS:
                made = fit_baselines(data, stop=stop, only=[SUCCESSORS[name]])
            baselines |= made
    chosen, start = _components_now(parent.joint, {INTEREST: interest, **baselines})
    joint = fit_joint(chosen, data, progress, stop, folds=FEW_FOLDS, start=start)
    return Trained(prepared, fit, interest, data, baselines, joint), lesson


def _components_now(
    joint: Joint, made: Mapping[str, Recommender]
) -> tuple[list[Recommender], Pool]:
    """A joint's components as they are now, with the weights of whom they follow."""
    chosen, numbers = [], []
    for number, each in enumerate(joint.components):
        found = made.get(each.id) or made.get(SUCCESSORS.get(each.id, each.id))
        if found is not None:
            chosen.append(found)
            numbers.append(number)
    return chosen, joint.pool.of_components(numbers)


def _fit_interest(
    prepared: Prepared,
    parent: Parent,
    learned: IntArray,
    settings: UpdateSettings,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> tuple[Fit, InterestModel, Lesson]:
    config = parent.interest.config
    former = former_of(parent, prepared.corpus)
    tower = warm_tower(
        *(former, prepared.train_users, prepared.train_items, prepared.title, prepared.reviews)
    )
    data, device = prepared.fitting, prepared.device
    network = widened(former.network, kind_rows(data.events.kind))
    vectors, bias, met = map(torch.from_numpy, (former.vectors, former.bias, former.met))
    lengths = data.train_lengths
    learned = np.minimum(learned, lengths)
    new, old = int((lengths - learned).sum()), int(learned.sum())
    exemplars = min(round(settings.replay * new), old)
    n_old, n_now = int(former.met.sum()), int((prepared.counts > 0).sum())
    lesson = Lesson(
        data=data,
        network=network,
        teacher=teacher_of(network, vectors, bias, met, device),
        known=learned,
        exemplars=exemplars,
        strength=adaptive_strength(settings.distillation, n_old, n_now, exemplars, new),
    )
    learning = replace(
        config,
        epochs=settings.epochs if new else 1,
        patience=settings.patience,
        learning_rate=settings.learning_rate,
    )
    fit = fit_network(data, tower, learning, progress, stop, device, prepared.half, lesson=lesson)
    made = fit.item_vectors.numpy(), fit.item_bias.numpy().astype(np.float32)
    parts = (prepared.corpus.item_ids, *made, prepared.encoder, fit.repeat_offset)
    interest = InterestModel(config, fit.network, *parts)
    return fit, interest, lesson


def former_of(parent: Parent, corpus: Corpus) -> Former:
    """The parent over the catalogue as it is now; DomainError where an item of it is gone."""
    interest, n = parent.interest, len(corpus.item_ids)
    places = np.array([corpus.index_of(item) for item in interest.item_ids], np.int64)
    counts = np.zeros(n, np.int64)
    counts[places] = parent.counts

    def placed(values: FloatArray) -> FloatArray:
        whole = np.zeros((n, *values.shape[1:]), np.float32)
        whole[places] = values
        return whole

    return Former(
        config=interest.config,
        network=interest.network,
        vectors=placed(interest.item_vectors),
        bias=placed(interest.item_bias.astype(np.float32)),
        counts=counts,
        tower=replace(parent.tower, lengths=placed(parent.tower.lengths)),
    )


def _moved(
    parent: Parent, frozen: InterestMap, corpus: Corpus, known: IntArray, interest: InterestModel
) -> float | None:
    """``UpdateFacts.moved``, over the last known states of at most ``MOST_MOVED`` users."""
    users = np.flatnonzero(known)
    users = users[:: max(-(-len(users) // MOST_MOVED), 1)]
    step = float(frozen.flat_steps[len(frozen.flat_steps) // 2])
    if not len(users) or step <= 0:
        return None
    last = [corpus.history(corpus.user_ids[user]).up_to(int(known[user])) for user in users]
    read_then = map(parent.over(corpus).as_then, last)  # appended events may lie between known ones
    then, now = (
        frozen.place(np.stack([model.states(history)[-1] for history in histories]))
        for model, histories in ((parent.interest, read_then), (interest, last))
    )
    return round(float(np.median(np.linalg.norm(now - then, axis=1))) / step, 3)


def _worth(
    parent: Parent,
    corpus: Corpus,
    known: IntArray,
    moved: float | None,
    trained: Trained,
    lesson: Lesson,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
    judged: EvaluationReport,
) -> UpdateFacts:
    """What the update learned and forgot, by the test cases of parent and update."""
    events = np.diff(corpus.user_starts)
    test = cases(corpus, trained.prepared.parts, Part.TEST)
    facts = UpdateFacts(
        new_events=int((events - known).sum()),
        new_users=int((known == 0).sum()),
        new_items=len(corpus.item_ids) - len(parent.interest.item_ids),
        new_targets=lesson.new_targets,
        replayed=lesson.exemplars,
        strength=round(lesson.strength, 4),
        moved=moved,
    )
    compared = lesson.compared(trained.interest.config)
    if compared is not None:
        facts = facts.model_copy(update={"compared": compared})
    if not test:
        return facts
    earlier = parent.over(corpus)
    before = evaluate([earlier], test, trained.data, progress=progress, stop=stop)
    owner = np.array([corpus.user_index[user] for user in judged.users], np.int64)
    kept = events[owner] == known[owner]
    gains = [each.ndcg(each.names[0]) for each in (before, judged)]
    means = [round(float(gain.mean()), 4) for gain in gains]
    still = [round(float(gain[kept].mean()), 4) if kept.any() else None for gain in gains]
    return facts.model_copy(
        update={
            "before": means[0],
            "after": means[1],
            "kept_targets": int(kept.sum()),
            "kept_before": still[0],
            "kept_after": still[1],
        }
    )

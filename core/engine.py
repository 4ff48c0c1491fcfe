"""One door for pages and the command line: a history in; states, profile, map and lists out."""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from dataclasses import InitVar, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, cast
from weakref import ref

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.arrays import BoolArray, FloatArray
from core.corpus.corpus import Corpus
from core.corpus.sampling import among
from core.corpus.store import DEMO, Library
from core.domain import DomainError, History, Part, RecommendationList, RecommendedItem
from core.encode.cache import VectorCache, check_encoder, open_cache, open_encoder
from core.encode.encoder import TextEncoder
from core.files import Damaged, is_held
from core.html_table import html_table
from core.interest_map.projection import unit
from core.language import tr
from core.model.folder import BASELINES, ModelParts, read_config, read_parts, read_users
from core.model.profile import drift_of, profile_of
from core.ranking import excluded_mask, top_k
from core.recommend.baseline import load_baselines
from core.recommend.joint import FACTS, Joint
from core.recommend.own import Registered, build, installed
from core.recommend.protocol import Recommender, next_ranks
from core.recommend.registry import INTEREST, JOINT
from core.recommend.training_data import TrainingData
from core.strategy.store import Strategy, StrategyStore
from core.threads import once_each, use_one_blas_thread

_KEPT_RANKS = 256
"""Pairs of a history and a recommender whose ranks are kept: about 100 bytes a step."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """How one user's interest evolved: arrays over the n steps of ``history``, read-only.

    x, y float32[n] map position; step_size float32[n] cosine distance of the query vector to the
    one before (NaN at the first step); sentiment float32[n] in [-1, 1] (NaN without text); profile
    float32[n, n_topics], rows sum to 1; part int8[n] of ``Part``; misleading bool[n] where the 2-D
    step to here looks much longer or shorter than it is. ``Engine.next_ranks`` adds the ranks.
    """

    user_id: str
    history: History
    x: FloatArray
    y: FloatArray
    step_size: FloatArray
    sentiment: FloatArray
    profile: FloatArray
    part: npt.NDArray[np.int8]
    misleading: BoolArray
    drift: float
    """Cosine distance between the state in the middle of the history and the last one."""

    def __len__(self) -> int:
        return len(self.history)

    def _repr_html_(self) -> str:
        """A row per step, for Jupyter."""
        measured = (self.sentiment, self.step_size, self.x, self.y, self.profile.max(1))

        numbers = zip(*(values.tolist() for values in measured), strict=True)
        rows = zip(self.history.events, self.part.tolist(), numbers, strict=True)
        return html_table(
            tr(
                "{user}: {n} steps, drift {drift:.3f}",
                user=self.user_id,
                n=len(self),
                drift=self.drift,
            ),
            tr(
                "step, time, kind, item, rating, sentiment, step size, x, y, "
                "largest topic's share, event"
            ),
            (
                (
                    *(step, event.date, event.kind.value, event.item_id, event.rating),
                    *values,
                    Part(part).name.lower(),
                )
                for step, (event, part, values) in enumerate(rows, start=1)
            ),
        )


@dataclass(eq=False, repr=False)
class Engine:
    """A corpus with a trained model. Shared between sessions: its arrays are read-only."""

    corpus: Corpus
    """Of a model of a sample it has the sample's users; ``history`` knows the others, too."""
    parts: InitVar[ModelParts]
    folder: Path
    encoder: TextEncoder
    vectors: VectorCache
    library: Library | None = None
    """Where strategies are looked for; None: there are none."""

    def __post_init__(self, parts: ModelParts) -> None:
        self.sentiment = parts.sentiment
        self.model_id = parts.config.model_id
        self.config = parts.config
        self.interest = parts.interest
        self.topics = parts.topics
        self.map = parts.map
        self.training_counts = parts.training_counts
        self._begin()

    def _begin(self) -> None:
        """Nothing is known yet of recommenders beside the model's."""
        self.failures: dict[str, DomainError] = {}
        item_index = self.corpus.item_index
        engine = ref(self)  # a cycle would keep an engine that nobody uses until a full collection

        @lru_cache(_KEPT_RANKS)
        def kept_ranks(history: History, recommender: str) -> FloatArray:
            chosen = cast(Engine, engine()).recommender(recommender)
            return _frozen(next_ranks(chosen, history, item_index))

        self._next_ranks = kept_ranks

    def forget(self) -> None:
        """Drop what only makes the next answer quick: states, ranks, vectors, histories."""
        self.interest.forget()
        self.corpus.forget()
        self.vectors.forget()
        self._next_ranks.cache_clear()

    @classmethod
    def open(cls, corpus: Corpus, model_folder: Path, library: Library) -> Engine:
        """Read a model folder; DomainError where it is damaged or was made from other content.

        What is about all users is then about those whom it was trained on. The text encoder is
        loaded only when a text is met whose vector is not yet known.
        """
        use_one_blas_thread()
        config = read_config(model_folder)
        made_with, corpus = config.encoder, among(corpus, config.sample)
        encoder = open_encoder(library, made_with.name)
        check_encoder(encoder, made_with.encoder_id, corpus.name)
        cache = open_cache(library)
        parts = read_parts(model_folder, corpus, lambda texts: cache.vectors(texts, encoder))
        return cls(corpus, parts, model_folder, encoder, cache, library)

    def place(self) -> EnginePlace:
        """What a node of a cluster opens it by; vectors that are known so far are written down."""
        assert self.library is not None
        self.vectors.settle()
        root, corpus = self.library.root.absolute(), self.corpus
        return EnginePlace(root, corpus.name, corpus.corpus_id, self.folder.name)

    def renewed(self) -> Engine:
        """The same model, with strategies read anew; registered recommenders are left out."""
        model = self.model_recommenders
        other = copy(self)
        for name in [name for name in vars(other) if "recommenders" in name]:
            del vars(other)[name]
        vars(other)["model_recommenders"] = model
        other._begin()
        return other

    @once_each
    def model_recommenders(self) -> dict[str, Recommender]:
        """The recommenders that the model folder holds, by id, the default first."""
        folder, item_ids = self.folder / BASELINES, self.corpus.item_ids
        components: dict[str, Recommender] = {INTEREST: self.interest}
        components |= load_baselines(folder, item_ids)
        if is_held(self.folder, f"{BASELINES}/{FACTS}"):
            return {JOINT: Joint.load(folder, components, item_ids), **components}
        return components

    @once_each
    def recommenders(self) -> dict[str, Recommender]:
        """Every recommender by id, the default first: the model's, installed ones, strategies,
        registered ones.

        Why one of them could not be made is in ``failures``.
        """
        recommenders = dict(self.model_recommenders)
        for point in installed():
            try:
                if point.name in recommenders:
                    where = tr("entry point {name}", name=point.value)
                    raise _id_taken(point.name, where)
                data = TrainingData.of(self.corpus, self._split)
                recommenders[point.name] = build(point, self.corpus, data)
            except DomainError as error:
                self.failures[point.name] = error
        joint = recommenders.get(JOINT)
        for strategy in self._strategies:
            if not isinstance(joint, Joint):
                break
            try:
                if strategy.name in recommenders:
                    raise _id_taken(strategy.name, StrategyStore.file_name)
                made = strategy.recommender(self.corpus, joint, self.interest.item_vectors)
                recommenders[strategy.name] = made
            except DomainError as error:
                self.failures[strategy.name] = error
        return recommenders

    @property
    def _strategies(self) -> list[Strategy]:
        """Those of this model, in order of their names; what can't be read is in ``failures``."""
        if self.library is None:
            return []
        store = StrategyStore.open(self.library)
        try:
            saved = store.strategies(self.corpus.name)
            if problem := store.problem():
                raise Damaged(problem)
        except DomainError as error:
            self.failures[StrategyStore.file_name] = error
            if not isinstance(error, Damaged):
                return []
        return sorted(
            (each for each in saved if each.model_id == self.model_id), key=lambda each: each.name
        )

    def register(self, recommender: Recommender) -> None:
        """Let every page, verb and evaluation ask a custom recommender by its id.

        Register before other threads use the engine. DomainError for an id that is taken, and for
        a recommender that does not answer as ``Recommender`` says.
        """
        own = Registered(self.corpus, recommender)
        if own.id in self.recommenders:
            raise _id_taken(own.id, tr("model {id}", id=self.model_id))
        self.recommenders[own.id] = own

    @property
    def registered(self) -> tuple[Registered, ...]:
        """The custom recommenders, installed or registered."""
        return tuple(own for own in self.recommenders.values() if isinstance(own, Registered))

    def fingerprint(self, recommender: str) -> str:
        """Key of a recommender's stored answers: the model's id, and what a custom one answers."""
        chosen = self.recommender(recommender)
        own = f"-{chosen.fingerprint}" if isinstance(chosen, Registered) else ""
        return self.model_id + own

    def recommender(self, name: str | None = None) -> Recommender:
        """One recommender by id; None means the joint, or the interest model in one without.

        The interest model is there at once, the others are made when first asked for.
        """
        if name == INTEREST:
            return self.interest
        if name is None:
            return next(iter(self.model_recommenders.values()))
        known = self.model_recommenders if name in self.model_recommenders else self.recommenders
        if name in known:
            return known[name]
        raise (
            self.failures.get(name)
            or self._of_other_model(name)
            or DomainError(
                tr("there is no recommender {name!r} in this model", name=name),
                where=tr("model {id}", id=self.model_id),
                remedy=tr("Choose one of {names}", names=tr(", ").join(self.recommenders)),
            )
        )

    def _of_other_model(self, name: str) -> DomainError | None:
        """That a strategy belongs to another model of the corpus; None where there is none."""
        with suppress(DomainError):
            store = StrategyStore.open(self.library) if self.library is not None else None
            saved = store.named(self.corpus.name, name) if store is not None else None
            if saved is not None:
                return DomainError(
                    tr(
                        "the strategy {name!r} adjusts model {model}",
                        name=name,
                        model=saved.model_id,
                    ),
                    where=tr("model {id}", id=self.model_id),
                    remedy=tr("Choose that model, or save the strategy again for this one"),
                )
        return None

    def query_vectors(self, history: History) -> FloatArray:
        """Query vectors after 0..n events, float32[n + 1, dim]; row 0 is the start state."""
        return self.interest.states(history)

    def profile(self, history: History) -> FloatArray:
        """Interest profile after the history, float32[n_topics], sums to 1."""
        last = self.interest.states(history)[-1:]
        return np.asarray(profile_of(self.interest, self.topics, last)[0])

    def recommend(
        self, history: History, k: int = 10, recommender: str | None = None
    ) -> RecommendationList:
        """The first k items after a history; equal scores rank by item id."""
        chosen = self.recommender(recommender)
        scores = chosen.log_probabilities([history])[0]
        return self.top(history, scores, k, chosen.id)

    def top(
        self, history: History, scores: FloatArray, k: int, recommender: str
    ) -> RecommendationList:
        """The first k of a catalogue scored float32[n_items], without the excluded items."""
        best = top_k(scores, excluded_mask(history, self.corpus.item_index), k)
        ids = self.corpus.item_ids
        return RecommendationList(
            user_id=history.user_id,
            step=len(history),
            recommender=recommender,
            items=tuple(
                RecommendedItem(rank, ids[i], self.corpus.title(ids[i]), float(scores[i]))
                for rank, i in enumerate(best.tolist(), start=1)
            ),
        )

    def trajectory(self, history: History) -> Trajectory:
        """Everything about a history step by step."""
        steps = len(history)
        queries = self.interest.states(history)[1:]
        directions = unit(queries)
        step_size = np.full(steps, np.nan, np.float32)
        step_size[1:] = np.maximum(1.0 - (directions[1:] * directions[:-1]).sum(1), 0.0)
        positions = self.map.place(queries)
        return Trajectory(
            user_id=history.user_id,
            history=history,
            x=_frozen(positions[:, 0]),
            y=_frozen(positions[:, 1]),
            step_size=_frozen(step_size),
            sentiment=_frozen(self.interest.sentiments(history)),
            profile=_frozen(profile_of(self.interest, self.topics, queries)),
            part=_frozen(self._parts_of(history)),
            misleading=_frozen(self.map.misleading(positions, step_size)),
            drift=drift_of(queries),
        )

    def next_ranks(self, history: History, recommender: str | None = None) -> FloatArray:
        """Rank of the next event's item in a recommender's list after each step, float32[n].

        None means the default recommender. Ties count half; NaN at the last step, and where the
        next item was excluded already. Kept for the histories asked for last; read-only.
        """
        return self._next_ranks(history, self.recommender(recommender).id)

    @cached_property
    def users(self) -> pd.DataFrame:
        """One row per user, computed when the model was trained (``summarise_users``)."""
        return read_users(self.folder, self.corpus)

    def _parts_of(self, history: History) -> npt.NDArray[np.int8]:
        """Part of each event; events of an edited history that the corpus lacks count as test."""
        try:
            rows = self.corpus.user_rows(history.user_id)
        except DomainError:
            return np.full(len(history), 2, np.int8)
        own = self.corpus.history(history.user_id).events
        if history.events == own[: len(history)]:
            return self._split[rows][: len(history)]
        part = dict(zip(own, self._split[rows].tolist(), strict=True))
        return np.array([part.get(event, 2) for event in history.events], np.int8)

    @cached_property
    def _split(self) -> npt.NDArray[np.int8]:
        return self.corpus.parts


@dataclass(frozen=True)
class CorpusPlace:
    """What a node of a cluster opens a corpus by: its name and id in a library that it reads."""

    root: Path
    corpus: str
    corpus_id: str

    def library(self) -> Library:
        """The library; DomainError on a node that doesn't see it, or another one at its place."""
        library = Library.open(self.root)
        if self.corpus != DEMO and not self.root.is_dir():
            problem = tr("a node of the cluster does not see the library")
        elif library.manifest(self.corpus).corpus_id != self.corpus_id:
            problem = tr("a node of the cluster sees another library")
        else:
            return library
        remedy = tr("Put the library into a folder that every node mounts at the same path")
        raise DomainError(problem, where=str(self.root), remedy=remedy)


@dataclass(frozen=True)
class EnginePlace(CorpusPlace):
    """The same of an engine."""

    model_id: str

    def open(self) -> Engine:
        """The engine, kept for the next piece of work."""
        return _opened(self)

    def with_recommender(self, name: str, fingerprint: str) -> Engine:
        """The engine; DomainError where its recommender of that name is another one."""
        engine = self.open()
        if engine.fingerprint(name) != fingerprint:
            raise DomainError(
                tr("the recommender {name!r} is another one on a node", name=name),
                where=tr("model {id}", id=self.model_id),
                remedy=tr("Install the same packages on every node"),
            )
        return engine


@lru_cache(1)
def _opened(place: EnginePlace) -> Engine:
    library = place.library()
    corpus = library.corpus(place.corpus)
    return Engine.open(corpus, library.model_folder(place.corpus, place.model_id), library)


def _id_taken(name: str, where: str) -> DomainError:
    return DomainError(
        tr("there is a recommender {name!r} already", name=name),
        where=where,
        remedy=tr("Give yours another id, for example with a version: als-2"),
    )


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array = np.ascontiguousarray(array)
    array.setflags(write=False)
    return array

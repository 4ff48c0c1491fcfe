"""Ablations: the same cases with text, ratings, order or time gaps removed from the histories.

Only the histories change: item vectors, which were learned with titles and training reviews, stay.
A loss near zero means that the recommender doesn't need that part of a history. Inputs are removed
at test time, so a model trained without one could have made up for some of the loss.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.arrays import BoolArray, DoubleArray, IntArray, check_array
from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.domain import History, Part
from core.evaluate.report import CELLS_PER_BATCH
from core.evaluate.stored import (
    Arrays,
    arrays_of,
    evaluation_path,
    fields_from,
    read_stored,
    save_stored,
)
from core.files import first_kept, kept_or_none
from core.language import mark, tr
from core.measure.cases import Case, leave_last_out_cases, targets_of
from core.measure.metrics import Interval, PairedTest, bootstrap, compare_paired, ndcg
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.ranking import ExcludedItems, target_ranks
from core.recommend.protocol import Recommender, batches

if TYPE_CHECKING:
    from core.engine import Engine

HEADER = "uses"
"""Name of the header in stored files, as in the first version."""
K = 10
SEED = 0
LATEST_STEPS = 100
"""Steps of one user that are judged: the latest."""


def _without(**values: Any) -> Callable[[History], History]:
    """The same events with fields set to nothing."""
    return lambda history: history.same_moment(replace(event, **values) for event in history.events)


def shuffled(history: History) -> History:
    """The same times with the events in random order, seeded by user and length."""
    events = history.events
    seed = (SEED, zlib.crc32(history.user_id.encode("utf-8", "replace")), len(events))
    order = np.random.default_rng(seed).permutation(len(events)).tolist()
    return history.same_moment(
        replace(events[source], timestamp=event.timestamp)
        for event, source in zip(events, order, strict=True)
    )


VARIANTS: dict[str, Callable[[History], History]] = {
    mark("text"): _without(title=None, text=None),
    mark("ratings"): _without(rating=None),
    mark("order"): shuffled,
    mark("time gaps"): _without(timed=False),
}
"""What is removed, by name. Without time gaps, the events keep their order and the clock stays."""


@dataclass(frozen=True, eq=False)
class Answer:
    """Results of one variant.

    ``rank`` float64[n] of the target; ``log_probability`` float64[n] its score in nats;
    ``changed`` bool[n] where the variant changes the history at all.
    """

    rank: DoubleArray
    log_probability: DoubleArray
    changed: BoolArray


@dataclass(frozen=True, eq=False)
class Ablation:
    """One recommender on the same cases with whole histories, and without each input.

    ``users`` and ``steps`` int64[n] name the cases.
    """

    recommender: str
    k: int
    users: tuple[str, ...]
    steps: IntArray
    whole: Answer
    without: dict[str, Answer]

    def loss(self, name: str) -> PairedTest:
        """NDCG with whole histories against NDCG without one input; positive is a loss."""
        return compare_paired(
            ndcg(self.whole.rank, self.k), ndcg(self.without[name].rank, self.k), self._drawn
        )

    def nats(self, name: str) -> Interval:
        """Mean fall of the target's log-probability without one input; positive is a loss."""
        fall = self.whole.log_probability - self.without[name].log_probability
        return bootstrap(fall, self._drawn)

    @property
    def whole_ndcg(self) -> float:
        """Mean NDCG with whole histories; NaN without cases."""
        values = ndcg(self.whole.rank, self.k)
        return float(values.mean()) if len(values) else float("nan")

    @property
    def _drawn(self) -> Sequence[str]:
        """What the bootstrap draws: users, or the steps of a single one."""
        if len(set(self.users)) == 1:
            return [str(step) for step in self.steps]
        return self.users


def ablate(
    recommender: Recommender,
    cases: Sequence[Case],
    corpus: Corpus,
    k: int = K,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Ablation:
    """Rank every case's target five times: whole, and without each of ``VARIANTS``."""
    variants: dict[str, Callable[[History], History]] = {"": lambda history: history, **VARIANTS}
    n = len(cases)
    targets = targets_of(cases, corpus.item_index)
    answers = {name: Answer(np.empty(n), np.empty(n), np.zeros(n, np.bool_)) for name in variants}
    for number, (name, change) in enumerate(variants.items()):
        answer = answers[name]
        stage = tr("without {input}", input=tr(name)) if name else mark("whole histories")
        for rows in batches(n, len(corpus.item_ids), CELLS_PER_BATCH):
            check_stop(stop)
            report(progress, Progress(stage, number * n + rows.start, len(variants) * n))
            whole = [case.history for case in cases[rows]]
            histories = [change(history) for history in whole]
            scores = recommender.log_probabilities(histories)
            excluded = ExcludedItems.of(whole, corpus.item_index)
            answer.rank[rows] = target_ranks(scores, targets[rows], excluded)
            answer.log_probability[rows] = scores[np.arange(len(whole)), targets[rows]]
            answer.changed[rows] = [
                before.events != after.events
                for before, after in zip(whole, histories, strict=True)
            ]
    return Ablation(
        recommender=recommender.id,
        k=k,
        users=tuple(case.history.user_id for case in cases),
        steps=np.fromiter((len(case.history) for case in cases), np.int64, n),
        whole=answers.pop(""),
        without=answers,
    )


def steps_of(corpus: Corpus, user_id: str) -> tuple[Case, ...]:
    """The steps of one user as cases: after each event, the next one is the target.

    The latest ``LATEST_STEPS``, without those whose target the user already had. Most targets are
    training events, which the model has learned from. DomainError for an unknown user.
    """
    history = corpus.history(user_id)
    cases = []
    for step in range(max(1, len(history) - LATEST_STEPS), len(history)):
        known, target = history.up_to(step), history.events[step]
        if target.item_id not in known.excluded_items():
            cases.append(Case(known, target.item_id, target.timestamp))
    return tuple(cases)


def ablation_of_model(
    engine: Engine,
    library: Library,
    recommender: str | None = None,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Ablation:
    """Ablation of a model's recommender over the test cases; kept in the library."""
    chosen = engine.recommender(recommender)
    kept = kept_or_none(lambda: find_ablation(engine, library, chosen.id))
    if kept is not None:
        return kept
    cases = leave_last_out_cases(engine.corpus, Part.TEST)
    ablation = ablate(chosen, cases, engine.corpus, K, progress, stop)
    key = _ablation_key(engine, chosen.id)
    path = ablation_path(engine, library, chosen.id)
    library.keep(path, lambda place: save_ablation(ablation, place, key))
    return ablation


def ablation_of_user(
    engine: Engine, user_id: str, recommender: str | None = None
) -> tuple[Ablation, int]:
    """Ablation over one user's steps, and how many of these have a training event as target.

    DomainError for an unknown user.
    """
    corpus = engine.corpus
    steps = steps_of(corpus, user_id)
    trained = 0
    if not corpus.leaves_out(user_id):
        parts = corpus.parts[corpus.user_rows(user_id)]
        trained = sum(parts[len(case.history)] == Part.TRAIN for case in steps)
    return ablate(engine.recommender(recommender), steps, corpus), int(trained)


def find_ablation(engine: Engine, library: Library, recommender: str) -> Ablation | None:
    """The stored result of ``ablation_of_model``; None where there is none, ``Damaged`` where it is
    damaged.
    """
    key = _ablation_key(engine, recommender)
    places = library.places(ablation_path(engine, library, recommender))
    return first_kept(places, lambda path: load_ablation(path, key), mark("ablation"))


def ablation_path(engine: Engine, library: Library, recommender: str) -> Path:
    """Where ``ablation_of_model`` keeps its result; whoever caches it watches this file."""
    return evaluation_path(library, _ablation_key(engine, recommender), "uses-")


def _ablation_key(engine: Engine, recommender: str) -> str:
    made_by = engine.fingerprint(recommender)
    return f"{engine.corpus.corpus_id}/{made_by}/uses/{recommender}/{K}"


def save_ablation(ablation: Ablation, path: Path, key: str) -> None:
    """Write one safetensors file whole; ``key`` says which question it answers."""
    arrays: dict[str, npt.NDArray[Any]] = {"steps": ablation.steps}
    for name, answer in {"": ablation.whole, **ablation.without}.items():
        arrays |= arrays_of(answer, f"{name}/")
    facts = {
        "recommender": ablation.recommender,
        "k": ablation.k,
        "users": list(ablation.users),
        "without": list(ablation.without),
    }
    save_stored(path, HEADER, key, facts, arrays)


def load_ablation(path: Path, key: str) -> Ablation | None:
    """Read what ``save_ablation`` wrote; as ``read_stored``."""

    def build(header: dict[str, Any], arrays: Arrays) -> Ablation:
        n = len(header["users"])
        check_array("steps", arrays["steps"], np.int64, (n,), low=0)
        for name in arrays:
            check_array(name, arrays[name], arrays[name].dtype, (n,), nan=True)
        without = {name: Answer(**fields_from(arrays, f"{name}/")) for name in header["without"]}
        whole = Answer(**fields_from(arrays, "/"))
        users = tuple(header["users"])
        return Ablation(header["recommender"], header["k"], users, arrays["steps"], whole, without)

    return read_stored(path, HEADER, key, build)

"""Does a recommender use what it is given? The same cases with text, ratings, order or gaps gone.

Only the histories change: item vectors, which were learned with titles and training reviews, stay.
A loss near zero means that the recommendations don't need that part of a history. Removing is the
ablation of an input at test time, so a model trained without it could have made up for some of it.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from core.arrays import BoolArray, DoubleArray, IntArray
from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.domain import History
from core.evaluate.cases import Case, targets_of
from core.evaluate.intervals import Interval, PairedTest, bootstrap, compare_paired
from core.evaluate.metrics import ndcg
from core.evaluate.report import CELLS_PER_BATCH
from core.files import save_arrays
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.ranking import ExcludedItems, target_ranks
from core.recommend.protocol import Recommender

FORMAT = 1
HEADER = "uses"
SEED = 0
LATEST_STEPS = 100
"""Steps of one user that are looked at; longer histories from their end."""


def without_text(history: History) -> History:
    """The same events without a word in them."""
    return _same_moment(
        history, [replace(event, title=None, text=None) for event in history.events]
    )


def without_ratings(history: History) -> History:
    """The same events without their ratings."""
    return _same_moment(history, [replace(event, rating=None) for event in history.events])


def shuffled(history: History) -> History:
    """The same times, the events dealt over them anew; seeded by user and length."""
    events = history.events
    seed = (SEED, zlib.crc32(history.user_id.encode("utf-8", "replace")), len(events))
    order = np.random.default_rng(seed).permutation(len(events))
    return _same_moment(
        history,
        [
            replace(events[taken], timestamp=event.timestamp)
            for event, taken in zip(events, order.tolist(), strict=True)
        ],
    )


def without_gaps(history: History) -> History:
    """The same events in the same order, their times unknown; the clock stays."""
    return _same_moment(history, [replace(event, timed=False) for event in history.events])


VARIANTS: dict[str, Callable[[History], History]] = {
    "text": without_text,
    "ratings": without_ratings,
    "order": shuffled,
    "time gaps": without_gaps,
}
"""What is taken away, by name."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What came of the cases in one variant.

    ``rank`` float64[n] of the target; ``log_probability`` float64[n] its score in nats;
    ``changed`` bool[n] where the history differs from the whole one at all.
    """

    rank: DoubleArray
    log_probability: DoubleArray
    changed: BoolArray


@dataclass(frozen=True, eq=False)
class Uses:
    """One recommender on the same cases with everything, and without each part.

    ``users`` and ``steps`` int64[n] name the cases.
    """

    recommender: str
    k: int
    users: tuple[str, ...]
    steps: IntArray
    whole: Answer
    without: dict[str, Answer]

    def loss(self, part: str) -> PairedTest:
        """NDCG with everything against NDCG without ``part``; a positive difference is a loss."""
        return compare_paired(
            ndcg(self.whole.rank, self.k), ndcg(self.without[part].rank, self.k), self._drawn
        )

    def nats(self, part: str) -> Interval:
        """Mean fall of the target's log-probability without ``part``; positive is a loss."""
        fall = self.whole.log_probability - self.without[part].log_probability
        return bootstrap(fall, self._drawn)

    @property
    def whole_ndcg(self) -> float:
        """Mean NDCG with everything; NaN without cases."""
        values = ndcg(self.whole.rank, self.k)
        return float(values.mean()) if len(values) else float("nan")

    @property
    def _drawn(self) -> Sequence[str]:
        """What the bootstrap draws: users, or the steps of a single one."""
        if len(set(self.users)) == 1:
            return [str(step) for step in self.steps]
        return self.users


def measure_uses(
    recommender: Recommender,
    cases: Sequence[Case],
    corpus: Corpus,
    k: int = 10,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Uses:
    """Ask a recommender about every case five times: whole, and without each of ``VARIANTS``."""
    variants: dict[str, Callable[[History], History]] = {"": lambda history: history, **VARIANTS}
    answers = {}
    for at, (name, change) in enumerate(variants.items()):
        tell = Progress(f"without {name}" if name else "with everything", at, len(variants))
        answers[name] = _ask(recommender, cases, change, corpus, tell, progress, stop)
    return Uses(
        recommender=recommender.id,
        k=k,
        users=tuple(case.history.user_id for case in cases),
        steps=np.fromiter((len(case.history) for case in cases), np.int64, len(cases)),
        whole=answers.pop(""),
        without=answers,
    )


def steps_of(corpus: Corpus, user_id: str) -> tuple[Case, ...]:
    """The steps of one user as cases: after each event, the next one is the target.

    The latest ``LATEST_STEPS``, without those whose target the user already had. Most targets are
    training events, which the model has learned from. DomainError for an unknown user.
    """
    history = corpus.history(user_id)
    found = []
    for step in range(max(1, len(history) - LATEST_STEPS), len(history)):
        known, target = history.up_to(step), history.events[step]
        if target.item_id not in known.excluded_items():
            found.append(Case(known, target.item_id, target.timestamp))
    return tuple(found)


def save_uses(uses: Uses, path: Path, key: str) -> None:
    """Write one safetensors file whole; ``key`` says which question it answers."""
    tensors: dict[str, npt.NDArray[Any]] = {"steps": uses.steps.astype(np.int32)}
    for name, answer in {"": uses.whole, **uses.without}.items():
        tensors[f"{name}/rank"] = answer.rank.astype(np.float32)
        tensors[f"{name}/log_probability"] = answer.log_probability.astype(np.float32)
        tensors[f"{name}/changed"] = answer.changed.astype(np.uint8)
    header = {
        "format": FORMAT,
        "key": key,
        "recommender": uses.recommender,
        "k": uses.k,
        "users": list(uses.users),
        "without": list(uses.without),
    }
    save_arrays(path, tensors, {HEADER: json.dumps(header)})


def load_uses(path: Path, key: str) -> Uses | None:
    """Read what ``save_uses`` wrote; None where there is nothing usable for this key."""
    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {})[HEADER])
            if header["format"] != FORMAT or header["key"] != key:
                return None
            answers = {
                name: Answer(
                    file.get_tensor(f"{name}/rank").astype(np.float64),
                    file.get_tensor(f"{name}/log_probability").astype(np.float64),
                    file.get_tensor(f"{name}/changed").astype(np.bool_),
                )
                for name in ("", *header["without"])
            }
            return Uses(
                recommender=header["recommender"],
                k=header["k"],
                users=tuple(header["users"]),
                steps=file.get_tensor("steps").astype(np.int64),
                whole=answers.pop(""),
                without=answers,
            )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        return None


def uses_place(library: Library, key: str) -> Path:
    """Where the answer for a key is kept in the library."""
    name = hashlib.sha256(key.encode()).hexdigest()[:16]
    return library.root / "evaluations" / f"uses-{name}.safetensors"


def _ask(
    recommender: Recommender,
    cases: Sequence[Case],
    change: Callable[[History], History],
    corpus: Corpus,
    tell: Progress,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> Answer:
    targets = targets_of(cases, corpus.item_index)
    rank, log_probability = np.empty(len(cases)), np.empty(len(cases))
    changed = np.zeros(len(cases), np.bool_)
    batch = max(CELLS_PER_BATCH // max(len(corpus.item_ids), 1), 1)
    for start in range(0, len(cases), batch):
        check_stop(stop)
        report(
            progress,
            replace(
                tell, done=tell.done * len(cases) + start, total=tell.total * max(len(cases), 1)
            ),
        )
        rows = slice(start, start + batch)
        whole = [case.history for case in cases[rows]]
        asked = [change(history) for history in whole]
        scores = recommender.log_probabilities(asked)
        rank[rows] = target_ranks(scores, targets[rows], ExcludedItems.of(whole, corpus.item_index))
        log_probability[rows] = scores[np.arange(len(asked)), targets[rows]]
        changed[rows] = [one.events != two.events for one, two in zip(whole, asked, strict=True)]
    return Answer(rank, log_probability, changed)


def _same_moment(history: History, events: Sequence[Any]) -> History:
    """Other events at the same clock, the same items excluded."""
    return History(
        history.user_id, tuple(events), clock=history.at, consumed=history.excluded_items()
    )

"""One setting of the interest model, tried here or on a node of a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import optuna

from core.corpus.split import leave_last_out
from core.corpus.store import Library
from core.domain import Stopped
from core.encode.cache import open_cache, shipped_sentiment
from core.encode.encoder import TextEncoder
from core.encode.on_nodes import EncoderPlace
from core.engine import CorpusPlace
from core.model.config import InterestConfig
from core.model.fitting import VALIDATION_NDCG
from core.progress import Progress, StopCallback
from core.training.preparing import Prepared, prepare
from core.training.training import fit_interest

State = Literal["done", "behind", "cut"]


@dataclass(frozen=True, slots=True)
class TunedTrial:
    """One setting that was tried.

    ``ndcg`` is its best validation NDCG@10; ``state`` says whether it ran to its end, fell behind
    earlier ones, or was cut off by the end of the time (then it might have become better).
    """

    setting: dict[str, Any]
    ndcg: float
    epochs: int
    seconds: float
    state: State
    seed: int = 0


def attempt(
    setting: Mapping[str, Any],
    config: InterestConfig,
    prepared: Prepared,
    watched: Callable[[Sequence[float]], None],
    ends: StopCallback,
) -> TunedTrial:
    """Train with one setting until its end, or until ``ends`` says so.

    ``watched`` hears validation NDCG@10 after each epoch; optuna.TrialPruned from it ends the
    trial as one that falls behind.
    """
    values: list[float] = []
    started = time.monotonic()

    def watch(now: Progress) -> None:
        judged = now.figures.get(VALIDATION_NDCG)
        if judged is None:  # it waits, or has told something else
            return
        epoch = now.done * config.epochs // max(now.total, 1)
        if len(values) <= epoch:
            values.append(judged)
        watched(values)

    state: State = "done"
    try:
        fit, _ = fit_interest(prepared, config, watch, ends)
        values = [epoch.validation_ndcg or 0.0 for epoch in fit.curve]
    except optuna.TrialPruned:
        state = "behind"
    except Stopped:
        state = "cut"
    seconds = round(time.monotonic() - started, 1)
    epochs = max(len(values) - 1, 0)
    return TunedTrial(dict(setting), max(values, default=0.0), epochs, seconds, state, config.seed)


@dataclass(frozen=True)
class Round:
    """What nodes of a cluster try settings on, and for how many seconds from when they begin."""

    corpus: CorpusPlace
    encoder: EncoderPlace
    half: bool
    seconds: float

    @classmethod
    def of(
        cls, prepared: Prepared, library: Library, encoder: TextEncoder, seconds: float
    ) -> Round:
        """The same as is prepared here. The vectors have to be in the library's file."""
        corpus = prepared.corpus
        place = CorpusPlace(library.root.absolute(), corpus.name, corpus.corpus_id)
        return cls(place, EncoderPlace.of(encoder), prepared.half, seconds)


def try_on_node(round_: Round, asked: tuple[Mapping[str, Any], InterestConfig]) -> TunedTrial:
    """``attempt`` on a node, with what it has at the same place; nobody watches."""
    deadline = time.monotonic() + round_.seconds
    prepared = replace(_prepared(round_.corpus, round_.encoder), half=round_.half)
    return attempt(*asked, prepared, lambda values: None, lambda: time.monotonic() > deadline)


@lru_cache(1)
def _prepared(place: CorpusPlace, encoder: EncoderPlace) -> Prepared:
    library = place.library()
    corpus = library.corpus(place.corpus)
    parts, sentiment = leave_last_out(corpus.events), shipped_sentiment(library)
    return prepare(corpus, parts, encoder.open(), open_cache(library), sentiment)

"""Custom recommenders: found as entry points or registered, and checked whenever they answer."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import EntryPoint, entry_points
from threading import RLock
from typing import ClassVar

import numpy as np

from core import language
from core.arrays import FloatArray
from core.corpus.corpus import Corpus
from core.domain import DomainError, History, Stopped
from core.language import tr
from core.recommend.protocol import Recommender
from core.recommend.training_data import TrainingData

GROUP = "tastelines.recommenders"
"""Entry points of this group are called ``ID`` and give a ``Builder``."""
Builder = Callable[[Corpus, TrainingData], Recommender]
"""Fits a recommender on the training part of a corpus, which is all that it may learn from."""
FINGERPRINT_USERS = 8


_asking = RLock()
"""Held while an own recommender answers: it may keep things of its own between questions."""


@dataclass(frozen=True, eq=False)
class Registered:
    """A custom ``Recommender``, whose mistakes become a ``DomainError``.

    ``builder`` fits it to other training data; None where it was registered ready-made.
    """

    corpus: Corpus
    recommender: Recommender
    builder: Builder | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.recommender, Recommender):
            raise DomainError(
                tr("a {kind} is no recommender", kind=type(self.recommender).__name__),
                remedy=tr("Give it an id and log_probabilities; see docs/own_recommender.md"),
            )
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", str(self.id)):
            raise DomainError(
                tr("{id!r} cannot be the id of a recommender", id=self.id),
                remedy=tr("Use up to 64 of a-z, 0-9, - and _, beginning with a letter or digit"),
            )
        self.log_probabilities([History("", ())])

    follows_model: ClassVar[bool] = False
    """Whether it adjusts one model, so that no evaluation that fits models anew can judge it."""

    @property
    def id(self) -> str:
        """The recommender's own id."""
        return self.recommender.id

    @property
    def fingerprint(self) -> str:
        """8 hex digits of what it answers about the first users: changes when the model does.

        DomainError where it fails, which is remembered too.
        """
        spoken = language.current()
        if spoken not in self._outcomes:
            self._outcomes[spoken] = self._outcome()
        outcome = self._outcomes[spoken]
        if isinstance(outcome, DomainError):
            raise DomainError(outcome.what, where=outcome.where, remedy=outcome.remedy) from None
        return outcome

    @cached_property
    def _outcomes(self) -> dict[str, str | DomainError]:
        """By the language in which errors are told."""
        return {}

    def _outcome(self) -> str | DomainError:
        histories = [self.corpus.history(user) for user in self.corpus.user_ids[:FINGERPRINT_USERS]]
        try:
            answers = self.log_probabilities(histories).round(3)
        except DomainError as error:
            return DomainError(error.what, where=error.where, remedy=error.remedy)
        return hashlib.sha256(answers.tobytes()).hexdigest()[:8]

    def log_probabilities(self, histories: Sequence[History]) -> FloatArray:
        """What the recommender answers, float32[n_histories, n_items].

        DomainError where it fails, or answers something else than logs of probabilities.
        """
        try:
            with _asking:
                answers = np.array(self.recommender.log_probabilities(histories), np.float32)
        except (DomainError, Stopped):
            raise
        except Exception as error:
            raise self._mistake(f"{type(error).__name__}: {error}") from error
        shape = (len(histories), len(self.corpus.item_ids))
        if answers.shape != shape:
            raise self._mistake(
                tr(
                    "log_probabilities gave the shape {given}, not {shape}",
                    given=answers.shape,
                    shape=shape,
                )
            )
        with np.errstate(over="ignore"):
            sums = np.exp(answers).sum(axis=1, dtype=np.float64)
        if not (np.isfinite(answers).all() and (np.abs(sums - 1.0) < 0.01).all()):
            raise self._mistake(tr("its answers are no logs of probabilities that add up to 1"))
        return answers

    def fitted_on(self, data: TrainingData) -> Registered:
        """The same recommender with other training data; DomainError without a builder."""
        builder = self.builder
        if builder is None:
            raise DomainError(
                tr(
                    "{id} was registered ready-made and can't be fitted on other training data",
                    id=self.id,
                ),
                remedy=tr("Install it as an entry point of {group}", group=GROUP),
            )
        return _made(lambda: builder, self.corpus, data, self.id)

    def _mistake(self, what: str) -> DomainError:
        return DomainError(
            what,
            where=tr("recommender {id}", id=self.id),
            remedy=tr("Correct the recommender; docs/own_recommender.md says what it must answer"),
        )


def installed() -> tuple[EntryPoint, ...]:
    """The entry points of ``GROUP`` by name."""
    return _installed(tuple(sys.path))


@cache
def _installed(places: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Looking through all installed packages takes 15 ms: once for each ``sys.path``."""
    return tuple(sorted(entry_points(group=GROUP), key=lambda point: point.name))


def build(point: EntryPoint, corpus: Corpus, data: TrainingData) -> Registered:
    """The recommender of an entry point; DomainError where it can't be made."""
    return _made(point.load, corpus, data, point.name)


def _made(load: Callable[[], Builder], corpus: Corpus, data: TrainingData, name: str) -> Registered:
    try:
        builder = load()
        own = Registered(corpus, builder(corpus, data), builder)
        if own.id != name:
            raise ValueError(f"its id is {own.id!r}")
    except Stopped:
        raise
    except Exception as error:
        raise DomainError(
            tr(
                "the recommender {name!r} could not be made: {kind}: {error}",
                name=name,
                kind=type(error).__name__,
                error=error,
            ),
            where=tr("entry point of {group}", group=GROUP),
            remedy=tr("Correct or uninstall its package"),
        ) from error
    return own

"""The slower pieces of an explanation, computed one after the other beside the page."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from core.domain import DomainError, History, Stopped
from core.explain.explanation import Explanation
from core.explain.export import as_facts
from core.explain.shapley import ENOUGH
from core.explain.word_values import Method
from core.explain.words import split_words
from core.views.explain.build import (
    build_answer,
    build_change,
    build_parts,
    build_scorecard,
    build_words,
)
from core.views.explain.rows import AnswerView, ChangeView, PartsView, ScorecardView, WordsView

if TYPE_CHECKING:
    from core.engine import Engine

PARTS, CHANGE, SCORECARD = "parts", "change", "scorecard"
METHODS: tuple[Method, ...] = ("leave-one-out", "quick", "shap")
"""How the words of a review are looked at, one after the other."""
LONG_REVIEW = 80
"""Words above which leaving each one out reads more text than the first SHAP values do."""
Piece = TypeVar("Piece")
FIRST_SECONDS, REFINED_SECONDS = 0.7, 6.0
"""The first answer samples no longer than this; what it lacks comes with the parts."""


class Explaining:
    """One question: its first answer at once, the other pieces when they are ready.

    Shared between sessions and threads. A piece that is asked for waits its turn; ``stop`` drops
    what isn't finished, and asking again, here or in another session, goes on.
    """

    answer: AnswerView
    explanation: Explanation

    def __init__(
        self, engine: Engine, history: History, item_id: str, recommender: str, margin: bool
    ) -> None:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._waiting: deque[str] = deque()
        self._found: dict[str, object] = {}
        self._errors: dict[str, DomainError] = {}
        self._thread: threading.Thread | None = None
        self._default_step: int | None = None
        self._is_refined = False
        self.explanation = Explanation(
            engine,
            history,
            item_id,
            recommender,
            margin=margin,
            seconds=FIRST_SECONDS,
            stop=self._is_dropped,
        )
        self.answer = build_answer(self.explanation)

    @property
    def busy(self) -> bool:
        """Whether pieces are still being made."""
        with self._lock:
            return self._thread is not None

    @property
    def arrived(self) -> int:
        """How many pieces are there, or failed."""
        return len(self._found) + len(self._errors)

    @property
    def parts(self) -> PartsView | None:
        """The parts of each event, when they are there."""
        return self._get(PARTS, PartsView)

    @property
    def change(self) -> ChangeView | None:
        """The smallest change, when it is there."""
        return self._get(CHANGE, ChangeView)

    @property
    def scorecard(self) -> ScorecardView | None:
        """The scorecard, when it is there."""
        return self._get(SCORECARD, ScorecardView)

    @property
    def default_step(self) -> int | None:
        """The step whose review is most worth reading; None before the parts are there."""
        return self._default_step

    def words(self, step: int) -> WordsView | None:
        """The words of one review by the best method that is there; None before the first."""
        found = (self._get(f"{method} {step}", WordsView) for method in reversed(METHODS))
        return next((view for view in found if view is not None), None)

    def error(self, step: int | None = None) -> DomainError | None:
        """Why a piece could not be made: of the words of a step, or any of the others."""
        names = [PARTS, CHANGE, SCORECARD]
        if step is not None:
            names = [f"{method} {step}" for method in METHODS]
        return next((self._errors[name] for name in names if name in self._errors), None)

    def ask(self, *names: str) -> None:
        """Have pieces made, in this order; those that are there or waiting are left alone."""
        with self._lock:
            for name in names:
                known = name in self._found or name in self._errors
                if not known and name not in self._waiting:
                    self._waiting.append(name)
            if self._waiting:
                self._stop.clear()
            if self._waiting and self._thread is None:
                self._thread = threading.Thread(target=self._work, name="explain", daemon=True)
                self._thread.start()

    def ask_all(self, step: int | None) -> None:
        """Have everything made, quick pieces first; ``step`` is the review to read."""
        words: list[str] = []
        if step is not None:
            is_long = len(split_words(self.explanation.event(step).words)) > LONG_REVIEW
            words = [f"{method} {step}" for method in METHODS[is_long:]]
        self.ask(*words[:1], CHANGE, SCORECARD, *words[1:])

    def stop(self) -> None:
        """Drop what isn't finished."""
        with self._lock:
            self._waiting.clear()
            self._stop.set()

    def facts(self) -> dict[str, Any]:
        """The JSON of the verb ``explain``; what isn't made yet is made here, whatever is stopped.

        DomainError where a piece cannot be made.
        """
        with self._making:
            self._refine()
            step = self.explanation.step_of_words()
            words = [self.explanation.words(step)] if step is not None else []
            return as_facts(self.explanation, words)

    def _is_dropped(self) -> bool:
        """Stop is for the thread that works beside the page, and for no other."""
        return self._stop.is_set() and threading.current_thread() is self._thread

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                name = self._waiting[0]
            try:
                with self._making:
                    self._found[name] = self._make(name)
            except Stopped:
                continue
            except DomainError as error:
                self._errors[name] = error
            except Exception:
                logging.getLogger(__name__).exception("the piece %s failed", name)
                self._errors[name] = DomainError(
                    "this part of the explanation ended with an unexpected error",
                    remedy="The terminal that runs the app has the details",
                )
            with self._lock:
                if self._waiting and self._waiting[0] == name:
                    self._waiting.popleft()

    def _make(self, name: str) -> object:
        explanation = self.explanation
        makers: dict[str, Callable[[], object]] = {
            PARTS: self._make_parts,
            CHANGE: lambda: build_change(explanation, explanation.counterfactual),
            SCORECARD: lambda: build_scorecard(explanation, explanation.scorecard),
        }
        if name in makers:
            return makers[name]()
        method = next(method for method in METHODS if name.startswith(method))
        step = int(name.removeprefix(method))
        return build_words(explanation, explanation.words(step, method))

    def _make_parts(self) -> PartsView:
        self._refine()
        view = build_parts(self.answer, self.explanation.parts)
        self._default_step = self.explanation.step_of_words()
        return view

    def _refine(self) -> None:
        """Sample the events for longer, once, before anything is made of them."""
        if not self._is_refined and self.explanation.events.error > ENOUGH:
            self.explanation.refine(REFINED_SECONDS)
            self.answer = build_answer(self.explanation)
        self._is_refined = True

    def _get(self, name: str, kind: type[Piece]) -> Piece | None:
        found = self._found.get(name)
        return found if isinstance(found, kind) else None

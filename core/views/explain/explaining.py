"""The slower pieces of an explanation, computed one after the other beside the page."""

from __future__ import annotations

import logging
import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

from core import access, language
from core.compare.models import earlier_answer
from core.corpus.store import Library
from core.domain import DomainError, History, Stopped
from core.explain.explanation import Explanation
from core.explain.export import as_facts
from core.explain.word_values import Method, split_words
from core.jobs import Job
from core.language import tr
from core.pool import Pool
from core.progress import ProgressCallback, StopCallback
from core.recommend.protocol import Recommender
from core.shapley.engine import ENOUGH
from core.views.explain.build import (
    build_answer,
    build_change,
    build_parts,
    build_scorecard,
    build_words,
)
from core.views.explain.ladder import LadderView, build_ladder
from core.views.explain.rows import (
    AnswerView,
    ChangeView,
    ExplanationReport,
    PartsView,
    ScorecardView,
    WordsView,
)
from core.views.explain.sentences import earlier_words

if TYPE_CHECKING:
    from core.engine import Engine

PARTS, CHANGE, SCORECARD, EARLIER = "parts", "change", "scorecard", "earlier"
METHODS: tuple[Method, ...] = ("leave-one-out", "quick", "shap")
"""How the words of a review are read, one after the other."""
LONG_REVIEW = 80
"""Words above which leaving each one out reads more text than the first SHAP values do."""
FIRST_SECONDS, REFINED_SECONDS = 0.7, 6.0
"""The first answer samples no longer than this; what it lacks comes with the parts."""
_pool = Pool(2)
"""Makes the pieces of all questions, by turns: 50 sessions are no 50 threads."""


class Reader(Protocol):
    """Somebody who waits for answers."""

    @property
    def session_id(self) -> str:
        """Whose turn it is where several wait."""

    def reads(self, question: Explaining) -> bool:
        """Whether it is this one; called by other threads."""


class Explaining:
    """One question: its first answer at once, the other pieces when they are ready.

    Shared between sessions and threads. A piece that is asked for waits its turn; ``stop`` drops
    what isn't finished, and so does the last reader who goes. Asking again, here or in another
    session, goes on.
    """

    answer: AnswerView
    explanation: Explanation
    ladder: LadderView | None
    """Why the item is not in the list, at once too; None where it is."""
    default_step: int | None = None
    """The step whose review is most worth reading; None before the parts are there."""
    parts: PartsView | None = None
    """The parts of each event, when they are there; so the pieces below."""
    change: ChangeView | None = None
    scorecard: ScorecardView | None = None
    earlier: str = ""
    """What the model before the update said of the item; empty without one."""

    def __init__(
        self,
        engine: Engine,
        history: History,
        item_id: str,
        recommender: str,
        margin: bool,
        library: Library | None = None,
        answered_by: Recommender | None = None,
    ) -> None:
        """``library`` holds the model before an update, where there is one.

        ``answered_by`` as in ``Explanation``.
        """
        self._library = library
        self._language = language.current()
        about = {"item": item_id, "user": history.user_id, "step": len(history)}
        self._target = tr("{item} for {user} at step {step}", **about)
        self._lock, self._making = threading.RLock(), threading.Lock()
        self._waiting: deque[str] = deque()
        self._made: set[str] = set()
        self._words: dict[str, WordsView] = {}
        self._errors: dict[str, DomainError] = {}
        self._job: Job[None] | None = None
        self._worker: int | None = None
        self._readers: set[Reader] | None = None
        self._asked_by, self._whose = access.current(), self._target
        self._is_refined = False
        self.explanation = Explanation(
            engine,
            history,
            item_id,
            recommender,
            margin=margin,
            seconds=FIRST_SECONDS,
            answered_by=answered_by,
            stop=self._is_dropped,
        )
        self.answer = build_answer(self.explanation)
        self.ladder = build_ladder(self.explanation)

    @property
    def busy(self) -> bool:
        """Whether pieces are still being made."""
        with self._lock:
            return self._job is not None

    @property
    def arrived(self) -> int:
        """How many pieces are there, or failed."""
        return len(self._made) + len(self._errors)

    def words(self, step: int) -> WordsView | None:
        """The words of one review by the best method that is there; None before the first."""
        names = [f"{method} {step}" for method in reversed(METHODS)]
        return next((self._words[name] for name in names if name in self._words), None)

    def error(self, step: int | None = None) -> DomainError | None:
        """Why a piece could not be made: of the words of a step, or any of the others."""
        names = [PARTS, CHANGE, SCORECARD, EARLIER]
        if step is not None:
            names = [f"{method} {step}" for method in METHODS]
        return next((self._errors[name] for name in names if name in self._errors), None)

    def ask(self, *names: str, reader: Reader | None = None) -> None:
        """Have pieces made, in this order; those that are there or waiting are left alone.

        Without any ``reader`` they are made in any case.
        """
        with self._lock:
            self._asked_by = access.current()
            if reader is not None:
                self._readers = (self._readers or set()) | {reader}
                self._whose = reader.session_id
            known = {*self._made, *self._errors, *self._waiting}
            self._waiting.extend(name for name in names if name not in known)
            self._begin()

    def _begin(self) -> None:
        """Have the next piece made, for whoever asked last."""
        if not self._waiting or self._job is not None:
            return
        with access.acting(self._asked_by), language.speaking(self._language):
            self._job = Job(
                "explanation",
                self._target,
                self._work,
                pool=_pool,
                wanted=self.is_wanted,
                whose=self._whose,
            )
        self._job.future.add_done_callback(self._go_on)

    def ask_all(self, step: int | None) -> None:
        """Have everything made, quick pieces first; ``step`` is the review to read."""
        words: list[str] = []
        if step is not None:
            is_long = len(split_words(self.explanation.event(step).words)) > LONG_REVIEW
            words = [f"{method} {step}" for method in METHODS[is_long:]]
        has_parent = self._library is not None and self.explanation.engine.config.parent is not None
        self.ask(*words[:1], *[EARLIER] * has_parent, CHANGE, SCORECARD, *words[1:])

    def stop(self) -> None:
        """Drop what isn't finished."""
        with self._lock:
            self._waiting.clear()
            if self._job is not None:
                self._job.stop()

    def settled(self) -> Explanation:
        """The explanation with its events refined and its parts made, whatever is stopped."""
        with self._making:
            self._refine()
            assert self.explanation.parts is not None
            return self.explanation

    def facts(self) -> dict[str, Any]:
        """The JSON of the verb ``explain``; what isn't made yet is made here, whatever is stopped.

        DomainError where a piece cannot be made.
        """
        with self._making:
            self._refine()
            step = self.explanation.step_of_words()
            words = [self.explanation.words(step)] if step is not None else []
            return as_facts(self.explanation, words)

    def report(self) -> ExplanationReport:
        """All pieces; what isn't made yet is made here, whatever is stopped."""
        with self._making:
            self._refine()
            explanation = self.explanation
            answer, step = build_answer(explanation), explanation.step_of_words()
            return ExplanationReport(
                answer,
                build_parts(answer, explanation.parts),
                None if step is None else build_words(explanation, explanation.words(step)),
                build_change(explanation, explanation.counterfactual),
                build_scorecard(explanation, explanation.scorecard),
                self.ladder,
            )

    def _is_dropped(self) -> bool:
        """Stop is for the thread that works beside the page, and for no other."""
        job = self._job
        return job is not None and threading.get_ident() == self._worker and job.should_stop()

    def is_wanted(self) -> bool:
        """Whether somebody still reads this."""
        with self._lock:
            if self._readers is not None:
                self._readers = {reader for reader in self._readers if reader.reads(self)}
            return self._readers is None or bool(self._readers)

    def _go_on(self, ended: Future[None]) -> None:
        """The next piece is another job: other questions have their turns in between."""
        with self._lock:
            self._job = None
            if not self.is_wanted():
                self._waiting.clear()
            self._begin()

    def _work(self, progress: ProgressCallback, stop: StopCallback) -> None:
        """Make the piece that has waited longest."""
        self._worker = threading.get_ident()
        with self._lock:
            if not self._waiting:
                return
            name = self._waiting[0]
        try:
            with self._making:
                self._make(name)
            self._made.add(name)
        except DomainError as error:
            self._errors[name] = error
        except Stopped:
            return
        except Exception:
            logging.getLogger(__name__).exception("the piece %s failed", name)
            self._errors[name] = DomainError(
                tr("this part of the explanation ended with an unexpected error"),
                remedy=tr("The terminal that runs the app has the details"),
            )
        with self._lock:
            if self._waiting and self._waiting[0] == name:
                self._waiting.popleft()

    def _make(self, name: str) -> None:
        explanation = self.explanation
        if name == PARTS:
            self._refine()
            parts = build_parts(self.answer, explanation.parts)
            self.default_step = explanation.step_of_words()
            self.parts = parts
        elif name == EARLIER:
            self.earlier = self._ask_earlier()
        elif name == CHANGE:
            self.change = build_change(explanation, explanation.counterfactual)
        elif name == SCORECARD:
            self.scorecard = build_scorecard(explanation, explanation.scorecard)
        else:
            method = next(method for method in METHODS if name.startswith(method))
            step = int(name.removeprefix(method))
            self._words[name] = build_words(explanation, explanation.words(step, method))

    def _ask_earlier(self) -> str:
        assert self._library is not None
        asked = self.explanation
        about = asked.history, asked.item_id, asked.recommender.id
        earlier = earlier_answer(asked.engine, self._library, *about)
        return earlier_words(earlier) if earlier else ""

    def _refine(self) -> None:
        """Sample the events for longer, once, before anything is made of them."""
        if not self._is_refined and self.explanation.events.error > ENOUGH:
            self.explanation.refine(REFINED_SECONDS)
            self.answer = build_answer(self.explanation)
        self._is_refined = True

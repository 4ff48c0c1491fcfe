"""One question, "why this item, for this user, at this time?", and its answers piece by piece.

Each piece is computed when first asked for and kept, so that a page can show the first answer at
once and the slower ones as they come.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from core.arrays import BoolArray, FloatArray
from core.domain import DomainError, Event, History, RecommendedItem
from core.explain.game import EventGame, Goal, explain_events
from core.explain.ladder import Ladder, make_ladder
from core.explain.parts import TEXT, PartValues, explain_parts
from core.explain.scorecard import STABILITY_SECONDS, Scorecard, make_scorecard
from core.explain.word_model import ROUNDS
from core.explain.word_values import (
    Game,
    Method,
    Review,
    WordValues,
    leave_one_out,
    open_review,
    score_game,
    sentiment_game,
    shap_words,
)
from core.html_table import html_table
from core.language import tr
from core.progress import ProgressCallback, StopCallback
from core.ranking import excluded_mask, rank_of
from core.recommend.joint import BASE, Joint
from core.recommend.protocol import Recommender
from core.scenario.candidates import step_edits
from core.scenario.search import (
    ChangeSearch,
    SmallestChange,
    counterfactual_effort,
    search_edits,
)
from core.shapley.engine import EXACT_UP_TO, ShapleyValues
from core.strategy.adjusted import RERANKING, adjusted_of, joint_of

if TYPE_CHECKING:
    from core.engine import Engine

K = 10


@dataclass(frozen=True, eq=False)
class WordsOfReview:
    """The words of one event's review and what they gave."""

    step: int
    review: Review
    sentiment: WordValues
    """To the review's sentiment in [-1, 1]."""
    score: WordValues
    """To the goal, in nats."""


@dataclass(eq=False, repr=False)
class Explanation:
    """Why one item, at the moment of one history.

    ``margin`` explains the item's margin over the list's k-th item instead of its score. Events
    are sampled for at most ``seconds`` where there are more than ``exact_up_to``; with infinite
    ``seconds`` until all of them are within 5 % of the change in 95 % of samples. ``answered_by``
    is a recommender that the engine does not hold, such as another model's. ``stop`` is asked
    between batches; a stopped piece raises ``Stopped`` and can be asked for again.
    DomainError for an unknown item or recommender.
    """

    engine: Engine
    history: History
    item_id: str
    recommender_id: str | None = None
    _: KW_ONLY
    margin: bool = False
    seconds: float = 5.0
    exact_up_to: int = EXACT_UP_TO
    answered_by: Recommender | None = None
    progress: ProgressCallback | None = None
    stop: StopCallback | None = None
    k = K

    def __post_init__(self) -> None:
        self.item = self.engine.corpus.index_of(self.item_id)
        self.recommender: Recommender = self.answered_by or self.engine.recommender(
            self.recommender_id
        )

    def _repr_html_(self) -> str:
        """What each event contributes, for Jupyter; computes it where that hasn't been done yet."""
        values, title = self.events, self.engine.corpus.title
        rows = []
        for at, steps in enumerate(self.game.players):
            event = self.event(steps[-1])
            alone = len(steps) == 1
            name = self.engine.corpus.event_title(event) if alone else tr("grouped events")
            span = str(steps[0]) if alone else f"{steps[0]}–{steps[-1]}"
            kind = tr(event.kind.value) if alone else None
            numbers = float(values.values[at]), float(values.stderr[at])
            rows.append((span, event.date, kind, name, *numbers))
        told = {
            "item": title(self.item_id),
            "rank": self.rank,
            "user": self.history.user_id,
            "recommender": self.recommender.id,
            "base": float(values.base),
            "score": float(values.whole),
        }
        if self.rival is None:
            caption = tr(
                "{item}: rank {rank} for {user} by {recommender}; base {base:.3f}, score "
                "{score:.3f} nats",
                **told,
            )
        else:
            caption = tr(
                "{item}: rank {rank} for {user} by {recommender}, margin over {other}; base "
                "{base:.3f}, score {score:.3f} nats",
                **told,
                other=title(self.rival.item_id),
            )
        columns = tr("step, time, kind, item, contribution (nats), standard error")
        return html_table(caption, columns, rows)

    @cached_property
    def scores(self) -> FloatArray:
        """The whole catalogue scored at this moment, float32[n_items] in nats."""
        scores: FloatArray = self.recommender.log_probabilities([self.history])[0]
        return scores

    @cached_property
    def excluded(self) -> BoolArray:
        """Items that the list leaves out, bool[n_items]."""
        return excluded_mask(self.history, self.engine.corpus.item_index)

    @property
    def is_excluded(self) -> bool:
        """Whether the item is left out of lists because the user already has it."""
        return bool(self.excluded[self.item])

    @cached_property
    def rank(self) -> int:
        """The item's rank among all that may be in the list; as if it could be, where it can't."""
        if self.is_excluded and self.ladder is not None:
            return self.ladder.rank
        return rank_of(self.item, self.scores, self.excluded)

    @cached_property
    def rival(self) -> RecommendedItem | None:
        """The list's k-th item, the next where that is the item itself; None without a margin."""
        if not self.margin:
            return None
        listed = self.engine.top(self.history, self.scores, self.k + 1, self.recommender.id).items
        others = [item for item in listed if item.item_id != self.item_id]
        return next((o for o in others if o.rank >= self.k), others[-1] if others else None)

    @cached_property
    def components(self) -> dict[str, float] | None:
        """What each component of the joint gives the item, in nats; None for other recommenders.

        Of a strategy its joint's, and what re-ranking added.

        Above an average item of the catalogue; for a margin above the rival (``Joint.shares``).
        """
        joint = joint_of(self.recommender)
        if joint is None:
            return None
        shares = self._shares(joint, self.item_id)
        if self.rival is not None:
            over = self._shares(joint, self.rival.item_id)
            shares = {name: value - over[name] for name, value in shares.items()}
        return {name: value for name, value in shares.items() if name != BASE}

    def _shares(self, joint: Joint, item_id: str) -> dict[str, float]:
        """Contributions that add up to an item's score, also to one that re-ranking changed."""
        shares = joint.shares(self.history, item_id)
        if self.before_reranking is not None:
            item = self.engine.corpus.item_index[item_id]
            shares[RERANKING] = float(self.scores[item] - self.before_reranking[item])
        return shares

    @cached_property
    def before_reranking(self) -> FloatArray | None:
        """``scores`` before a strategy re-ranked them; None where none does."""
        adjusted = adjusted_of(self.recommender)
        if adjusted is None or not adjusted.settings.reranks:
            return None
        scores: FloatArray = adjusted.joint.log_probabilities([self.history])[0]
        return scores

    @property
    def moved_from(self) -> int | None:
        """The item's rank before re-ranking, where that was another one; else None."""
        if self.before_reranking is None or self.is_excluded:
            return None
        before = rank_of(self.item, self.before_reranking, self.excluded)
        return before if before != self.rank else None

    @cached_property
    def goal(self) -> Goal:
        """The item's score, or its margin over its rival."""
        index = self.engine.corpus.item_index
        return Goal(self.item, index[self.rival.item_id] if self.rival else None)

    @cached_property
    def game(self) -> EventGame:
        """The game over the history's events."""
        return EventGame(self.recommender, self.history, self.goal, self.stop)

    @cached_property
    def events(self) -> ShapleyValues:
        """Which events made it."""
        return self._sample(self.seconds)

    def refine(self, seconds: float) -> None:
        """Sample the events for longer; what was made of the former values is made anew."""
        self.events = self._sample(seconds)
        for made in ("parts", "counterfactual", "scorecard"):
            self.__dict__.pop(made, None)

    def _sample(self, seconds: float) -> ShapleyValues:
        return explain_events(
            self.game,
            seconds=seconds,
            sure=seconds == math.inf,
            exact_up_to=self.exact_up_to,
            progress=self.progress,
        )

    @cached_property
    def parts(self) -> PartValues:
        """What of each event."""
        return explain_parts(self.game, self.events, progress=self.progress)

    @cached_property
    def counterfactual(self) -> SmallestChange:
        """The smallest change that takes the item out of the first k, or brings it in.

        Out by removals and re-ratings: clock and exclusions stay those of the full history, as in
        the Shapley values, since an item that returned because its own event was removed could only
        push the explained item further down. In, for an item outside the list, as What-if searches.
        """
        if self.is_excluded or self.rank > self.k:
            return search_edits(
                self.engine,
                self.history,
                self.item_id,
                "in",
                self.recommender,
                self.k,
                progress=self.progress,
                stop=self.stop,
            )
        search = ChangeSearch(
            self.recommender,
            self.history,
            self.item_id,
            step_edits(self.history, self.engine.corpus.manifest.rating_scale),
            self.engine.corpus.item_index,
            "out",
            self.k,
            "kept",
            self.progress,
            self.stop,
        )
        weights = [abs(weight) for weight in self.weights.values()]
        return search.smallest(weights, counterfactual_effort(len(self.history)))

    @cached_property
    def ladder(self) -> Ladder | None:
        """Why the item is not among the first k, step by step; None where it is."""
        index = self.engine.corpus.item_index
        return make_ladder(self.recommender, self.history, self.item_id, index, self.k)

    @cached_property
    def scorecard(self) -> Scorecard:
        """Whether the explanation is any good."""
        clock = STABILITY_SECONDS if self.seconds < math.inf else math.inf
        return make_scorecard(
            self.game, self.events, stability_seconds=clock, progress=self.progress
        )

    @property
    def weights(self) -> dict[int, float]:
        """What each step gave; a group's value is shared equally among its steps."""
        return {
            step: float(value) / len(steps)
            for steps, value in zip(self.game.players, self.events.values, strict=True)
            for step in steps
        }

    def event(self, step: int) -> Event:
        """The event of a step; DomainError outside the history."""
        if not 1 <= step <= len(self.history):
            raise DomainError(
                tr("step {step} is not part of what is explained", step=step),
                where=tr("user {user}, {n} events", user=self.history.user_id, n=len(self.history)),
                remedy=tr("Choose a step from 1 to {n}", n=len(self.history)),
            )
        return self.history.events[step - 1]

    def step_of_words(self) -> int | None:
        """The step whose review is most worth reading: with text, and the largest text part."""
        events = self.history.events
        with_text = {
            player: step
            for player, steps in enumerate(self.game.players)
            for step in steps
            if events[step - 1].words
        }
        if not with_text:
            return None
        return with_text[max(with_text, key=lambda at: (abs(self.parts.values[at, TEXT]), at))]

    def text_part(self, step: int) -> tuple[float, float] | None:
        """The text part of one event in nats and its standard error; None within a group."""
        if (step,) not in self.game.players:
            return None
        at = self.game.players.index((step,))
        return float(self.parts.values[at, TEXT]), float(self.parts.stderr[at, TEXT])

    def review(self, step: int) -> Review:
        """The review of one event as a text of words; DomainError as for ``words``."""
        text = self.event(step).words
        if not text:
            raise DomainError(
                tr("the event at step {step} has no review text", step=step),
                where=tr("user {user}", user=self.history.user_id),
                remedy=tr("Choose a step with a review"),
            )
        return open_review(text, self.engine.encoder)

    def words(self, step: int, method: Method = "shap") -> WordsOfReview:
        """What the words of one review gave to its sentiment and to the goal.

        DomainError for a step outside the history or an event without text.
        """
        review = self.review(step)
        sentiment = sentiment_game(review, self.engine.sentiment, self.stop)
        alone = (step,) in self.game.players
        total = float(self.events.values[self.game.players.index((step,))]) if alone else None
        score = score_game(self.game, step, review, self.engine.vectors, total)

        def explain(game: Game) -> WordValues:
            if method == "leave-one-out":
                return leave_one_out(game, len(review.words))
            return shap_words(game, review, ROUNDS if method == "shap" else 1, self.stop)

        return WordsOfReview(step, review, explain(sentiment), explain(score))

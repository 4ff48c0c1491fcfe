"""The Explain page: why this item, for this user, at this time; and one item over users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.arrays import DoubleArray
from core.domain import EventKind
from core.explain import wording
from core.explain.explanation import Explanation, WordsOfReview
from core.explain.over_corpus import Receiver
from core.explain.parts import PART_NAMES, PartValues
from core.explain.scorecard import Scorecard
from core.explain.word_values import Method, WordValues
from core.scenario.search import MOST_EDITS, SmallestChange
from core.views.wording import count, day, short

if TYPE_CHECKING:
    from core.engine import Engine

TITLE = 40
"""Longer titles are cut in sentences and labels."""
DOUBT = 2.0
"""Standard errors within which a value may be nothing."""


@dataclass(frozen=True, slots=True)
class EventBar:
    """One event, or a group of older ones, and what it gave."""

    step: int
    """1-based step; a group's last."""
    first_step: int
    """The same step; a group's first."""
    timestamp: datetime
    """When it happened, UTC; a group's last event."""
    item: str
    """Title of the item; of a group, how many events."""
    item_id: str
    """Item id; empty for a group."""
    kind: EventKind | None
    """What the user did; None for a group."""
    rating: float | None
    """On the corpus's own scale; None without, and for a group."""
    has_text: bool
    """Whether there is a review."""
    value: float
    """Contribution in nats."""
    stderr: float
    """Its standard error in nats; 0 where exact."""

    @property
    def label(self) -> str:
        """``step 12 · Title``."""
        if self.first_step < self.step:
            return f"steps {self.first_step}–{self.step} · {self.item}"
        return f"step {self.step} · {self.item}"


@dataclass(frozen=True, slots=True)
class AnswerView:
    """The first answer: where the item stands, and which events made it so."""

    item_id: str
    """Which item."""
    item: str
    """Its title, or its id."""
    standing: str
    """Where it is in the list."""
    summary: str
    """The history's effect and its leaders, in words."""
    trust: str
    """Exact or sampled, error, residual."""
    recommender: str
    """Which recommender is explained."""
    unit: str
    """What the values are about: the score, or the lead over another item."""
    base: float
    """Value of the empty history, nats."""
    score: float
    """Value of the full history, nats."""
    residual: float
    """What the events leave unexplained, nats."""
    bars: tuple[EventBar, ...]
    """All events in order of time."""
    voices: str = ""
    """Which parts of the joint speak for the item; empty for other recommenders."""

    def strongest(self, shown: int) -> tuple[EventBar, ...]:
        """The bars with the largest values either way, in order of time."""
        kept = sorted(self.bars, key=lambda bar: (-abs(bar.value), -bar.step))[:shown]
        return tuple(sorted(kept, key=lambda bar: bar.step))


@dataclass(frozen=True, slots=True)
class PartsView:
    """The parts of each event."""

    sentence: str
    """Reads the strongest event's parts."""
    bars: tuple[EventBar, ...]
    """The events, in order of time, as in the answer."""
    values: DoubleArray
    """float64[n_bars, 4]: item, rating, text, time, in nats."""
    stderr: DoubleArray
    """Standard errors float64[n_bars, 4], in nats."""


@dataclass(frozen=True, slots=True)
class MarkedWord:
    """A piece of a review: a word with what follows it up to the next."""

    text: str
    """As it stands in the review."""
    word: str
    """The word alone."""
    sentiment: float
    """What it gave to the sentiment."""
    score: float
    """What it gave to the item, nats."""


@dataclass(frozen=True, slots=True)
class WordsView:
    """One review, word by word."""

    step: int
    """Whose event."""
    head: str
    """Text before the first word, if any."""
    words: tuple[MarkedWord, ...]
    """All words that the model reads."""
    sentiment_sentence: str
    """Which words made the sentiment."""
    score_sentence: str
    """Which words made the item's score."""
    sum_sentence: str
    """Word to review to score, as one sum."""
    method: Method
    """How far it is."""
    sentiment_doubt: float = 0.0
    """A word that gave less to the sentiment may have given nothing: twice the standard error."""
    score_doubt: float = 0.0
    """The same for the item's score, nats."""

    def is_longer_than(self, characters: int) -> bool:
        """Whether what the model reads has more characters."""
        return sum(len(word.text) for word in self.words) > characters


@dataclass(frozen=True, slots=True)
class ChangeView:
    """The smallest change that takes the item out of the list."""

    sentence: str
    """The answer in words."""
    steps: tuple[int, ...]
    """Steps that the change is about."""
    found: bool
    """Whether there is one."""
    tried: int
    """Sets of edits asked about."""


@dataclass(frozen=True, slots=True)
class ScorecardView:
    """Whether the explanation is any good."""

    sentence: str
    """The verdict in words."""
    stability: str
    """Whether seeds agree."""
    beats_recent: bool
    """Deletion better than most recent first."""
    deletion: dict[str, DoubleArray]
    """Curves float64[n + 1] by order, nats."""
    insertion: dict[str, DoubleArray]
    """Curves float64[n + 1] by order, nats."""


@dataclass(frozen=True, slots=True)
class ReceiversView:
    """Who gets an item now, and which of their events brought it."""

    sentence: str
    """How many users."""
    rows: tuple[Receiver, ...]
    """The best-placed users."""
    brought_by: tuple[str, ...]
    """By row: the event, or the group of events; empty without one."""


def build_answer(explanation: Explanation) -> AnswerView:
    """The first answer to one question."""
    values = explanation.events
    base, score, residual = float(values.base), float(values.whole), float(values.residual)
    bars = event_bars(explanation)
    item = title(explanation.engine, explanation.item_id)
    rival = explanation.rival
    over = None if rival is None else title(explanation.engine, rival.item_id)
    placed = None if rival is None else f"{over} (number {rival.rank})"
    grouped = sum(bar.step - bar.first_step + 1 for bar in bars if bar.first_step < bar.step)
    return AnswerView(
        item_id=explanation.item_id,
        item=item,
        standing=wording.standing(item, explanation.rank, explanation.k, explanation.is_excluded),
        summary=wording.summary(score, base, [(bar.label, bar.value) for bar in bars], placed),
        trust=wording.trust(values.exact, values.error, values.rounds, grouped, residual),
        recommender=explanation.recommender.id,
        unit=f"lead over {over}" if over else "log p",
        base=base,
        score=score,
        residual=residual,
        bars=bars,
        voices="" if explanation.voices is None else wording.voices(explanation.voices, over),
    )


def event_bars(explanation: Explanation) -> tuple[EventBar, ...]:
    """The players of the game as bars."""
    values = explanation.events
    bars = []
    for at, steps in enumerate(explanation.game.players):
        event = explanation.event(steps[-1])
        alone = len(steps) == 1
        bars.append(
            EventBar(
                step=steps[-1],
                first_step=steps[0],
                timestamp=event.timestamp,
                item=title(explanation.engine, event.item_id)
                if alone
                else count(len(steps), "event"),
                item_id=event.item_id if alone else "",
                kind=event.kind if alone else None,
                rating=event.rating if alone else None,
                has_text=any(explanation.event(step).words for step in steps),
                value=float(values.values[at]),
                stderr=float(values.stderr[at]),
            )
        )
    return tuple(bars)


def build_parts(answer: AnswerView, parts: PartValues) -> PartsView:
    """The parts of each event."""
    if not answer.bars:
        return PartsView("There is no event to split.", (), parts.values, parts.stderr)
    first = max(range(len(answer.bars)), key=lambda at: abs(answer.bars[at].value))
    named = dict(zip(PART_NAMES, parts.values[first].tolist(), strict=True))
    sentence = wording.part_sentence(named, answer.bars[first].label)
    return PartsView(sentence, answer.bars, parts.values, parts.stderr)


def typical_error(values: WordValues) -> float:
    """Root mean square of the words' standard errors."""
    return float(np.sqrt((values.stderr**2).mean())) if len(values.stderr) else 0.0


def build_words(explanation: Explanation, words: WordsOfReview) -> WordsView:
    """One review, word by word."""
    review = words.review
    labels = [review.label(word) for word in review.words]
    item = title(explanation.engine, explanation.item_id)

    def sentence(target: str, values: WordValues) -> str:
        pairs = list(zip(labels, values.values.tolist(), strict=True))
        how = wording.WordsRead(
            values.method, values.asked, typical_error(values), values.fit, values.residual
        )
        return wording.words_sentence(target, pairs, how, review.unread)

    return WordsView(
        step=words.step,
        head=review.text[: review.words[0].start] if review.words else "",
        words=tuple(
            MarkedWord(review.text[w.start : w.until], label, float(feeling), float(worth))
            for w, label, feeling, worth in zip(
                review.words, labels, words.sentiment.values, words.score.values, strict=True
            )
        ),
        sentiment_sentence=sentence("its sentiment", words.sentiment),
        score_sentence=sentence(item, words.score),
        sum_sentence=wording.sum_sentence(
            words.step,
            None if words.score.method == "leave-one-out" else float(words.score.values.sum()),
            explanation.text_part(words.step),
            words.sentiment.whole,
        ),
        method=words.score.method,
        sentiment_doubt=DOUBT * typical_error(words.sentiment),
        score_doubt=DOUBT * typical_error(words.score),
    )


def build_change(explanation: Explanation, found: SmallestChange) -> ChangeView:
    """The smallest change in words."""
    engine = explanation.engine
    newcomer = found.replaced_by
    return ChangeView(
        sentence=wording.counterfactual(
            title(engine, explanation.item_id),
            found.k,
            explanation.rank,
            [
                (e.op, step, title(engine, explanation.event(step).item_id), e.rating)
                for e, step in zip(found.edits, found.steps, strict=True)
            ],
            found.verified_rank,
            None if newcomer is None else title(engine, _id(explanation, newcomer)),
            found.proven,
            found.tried.complete_up_to,
            min(MOST_EDITS, len(explanation.history)),
            explanation.is_excluded,
            found.tried.among,
            len(explanation.history),
        ),
        steps=() if explanation.is_excluded else found.steps,
        found=bool(found.edits),
        tried=found.tried.sets,
    )


def build_scorecard(explanation: Explanation, card: Scorecard) -> ScorecardView:
    """The verdict on the explanation on screen."""
    return ScorecardView(
        sentence=wording.scorecard(
            card.area("deletion", "explanation"),
            card.area("deletion", "recent-first"),
            card.area("deletion", "random"),
            card.beats("recent-first"),
            card.beats("random"),
            len(explanation.game.players),
        ),
        stability=wording.stability(card.stability, explanation.events.exact),
        beats_recent=card.beats("recent-first"),
        deletion=card.deletion,
        insertion=card.insertion,
    )


def build_receivers(
    engine: Engine, item_id: str, lists: int, rows: Sequence[Receiver], k: int
) -> ReceiversView:
    """Who gets an item now."""
    users = len(engine.corpus.user_ids)
    return ReceiversView(
        wording.receivers(title(engine, item_id), lists, users, k, len(rows)),
        tuple(rows),
        tuple(_brought_by(engine, row) for row in rows),
    )


def _brought_by(engine: Engine, row: Receiver) -> str:
    """``step 12 · Title``; ``steps 1–20 · 20 events`` for a group; empty without an event."""
    if row.step is None or row.first_step is None:
        return ""
    if row.first_step < row.step:
        several = count(row.step - row.first_step + 1, "event")
        return f"steps {row.first_step}\u2013{row.step} \u00b7 {several}"
    event = engine.corpus.history(row.user_id).events[row.step - 1]
    return f"step {row.step} \u00b7 {title(engine, event.item_id)}"


def tell(explanation: Explanation, words: Sequence[WordsOfReview]) -> list[str]:
    """An explanation in lines, for a terminal."""
    answer = build_answer(explanation)
    parts = explanation.parts.values
    lines = [answer.standing, answer.summary, answer.trust, ""]
    ranked = sorted(range(len(answer.bars)), key=lambda at: -abs(answer.bars[at].value))
    for at in ranked[:15]:
        bar = answer.bars[at]
        split = ", ".join(
            f"{name} {wording.nats(value)}"
            for name, value in zip(PART_NAMES, parts[at].tolist(), strict=True)
            if abs(value) >= 5e-4
        )
        lines.append(
            f"{wording.nats(bar.value):>7}  {day(bar.timestamp):<12} {bar.label}  ({split})"
        )
    if len(ranked) > 15:
        lines.append(f"... and {len(ranked) - 15} smaller ones (--json lists all)")
    lines.append("")
    for review in words:
        view = build_words(explanation, review)
        lines += [f"Words of step {review.step}: {view.sentiment_sentence}", view.score_sentence]
        lines.append(view.sum_sentence)
    lines.append(build_change(explanation, explanation.counterfactual).sentence)
    card = build_scorecard(explanation, explanation.scorecard)
    return [*lines, card.sentence, card.stability, wording.CAUTION]


def events_table(answer: AnswerView, parts: PartsView | None) -> pd.DataFrame:
    """The table twin: one row per event, with its parts where they are known."""
    table = pd.DataFrame(
        {
            "first_step": [bar.first_step for bar in answer.bars],
            "step": [bar.step for bar in answer.bars],
            "timestamp": [bar.timestamp for bar in answer.bars],
            "item_id": [bar.item_id for bar in answer.bars],
            "item": [bar.item for bar in answer.bars],
            "kind": [bar.kind.value if bar.kind else "" for bar in answer.bars],
            "value": [bar.value for bar in answer.bars],
            "stderr": [bar.stderr for bar in answer.bars],
        }
    )
    if parts is not None:
        for at, name in enumerate(PART_NAMES):
            table[f"{name}_part"] = parts.values[:, at]
    return table


def title(engine: Engine, item_id: str) -> str:
    """An item's title, cut; its id without one."""
    return short(engine.corpus.title(item_id), TITLE) if item_id else "no item"


def _id(explanation: Explanation, index: int) -> str:
    return explanation.engine.corpus.item_ids[index]

"""Which words of a review made its sentiment, and which made the item's score.

First each word's loss when it alone is left out, then SHAP with words as players
(``shap.explainers.Partition``: Owen values over phrases, halved again and again). In the score, a
review is the text part of its event: a set of words is worth the mean gain it brings over the same
coalitions of other events and parts, the third level of Owen's value (docs/contracts.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from core.domain import DomainError, Event
from core.encode.cache import VectorCache
from core.encode.sentiment import SentimentModel
from core.explain.game import DoubleArray, EventGame, Masks, ask, shortened
from core.explain.parts import outer_coalitions, variant
from core.explain.shapley import run_shap
from core.explain.words import Review

EVALUATIONS = 500
"""Partial texts that SHAP looks at."""
BATCH = 64
OUTER_PAIRS = 4

Method = Literal["leave-one-out", "shap"]


@dataclass(frozen=True, eq=False)
class WordValues:
    """What each word of a review gave to one number.

    ``values`` float64[n_words]. For SHAP ``base + values.sum() + residual`` is ``whole``; leaving
    words out one by one does not add up, which its residual shows.
    """

    method: Method
    values: DoubleArray
    base: float
    """The number without any word."""
    whole: float
    """The number with all words."""

    @property
    def residual(self) -> float:
        """What the words' values leave unexplained."""
        return self.whole - self.base - float(self.values.sum())


Game = Callable[[Masks], DoubleArray]


def sentiment_game(review: Review, sentiment: SentimentModel) -> Game:
    """Sentiment in [-1, 1] of partial texts; no word at all is neutral, as the model reads it."""

    def values(masks: Masks) -> DoubleArray:
        read = sentiment.predict(review.vectors(masks)).astype(np.float64)
        return np.where(masks.any(1), read, 0.0)

    return values


def score_game(
    game: EventGame, step: int, review: Review, cache: VectorCache, seed: int = 0
) -> Game:
    """Mean gain in the goal by partial texts of one event over sampled outer coalitions.

    An outer coalition is what comes before the text in a random order: other players, and parts of
    the event itself.
    """
    player = next((at for at, steps in enumerate(game.players) if step in steps), None)
    if player is None:
        raise DomainError(
            f"step {step} is beyond the moment that is explained",
            where=f"step {len(game.history)}",
            remedy=f"Choose a step from 1 to {len(game.history)}",
        )
    event = game.history.events[step - 1]
    random = np.random.default_rng(seed)
    outer = outer_coalitions(len(game.players), OUTER_PAIRS, seed)[:, player]
    first = random.random((OUTER_PAIRS, 3)) < random.random((OUTER_PAIRS, 1))
    inner = np.stack([first, ~first], 1).reshape(2 * OUTER_PAIRS, 3)
    mates = [other for other in game.players[player] if other != step]

    def gains(variants: list[list[Event | None]]) -> DoubleArray:
        histories = []
        for texts in variants:
            for before, changed in zip(outer, texts, strict=True):
                steps = {s for at in np.flatnonzero(before) for s in game.players[at]} | {*mates}
                kept = [
                    changed if s == step else game.history.events[s - 1]
                    for s in sorted(steps | {step})
                ]
                histories.append(shortened(game.history, [e for e in kept if e is not None]))
        worth = ask(game.recommender, histories, game.goal, game.stop)
        return worth.reshape(len(variants), len(outer))

    beside = [(bool(item), bool(rating), bool(time)) for item, rating, time in inner]
    bare = [variant(event, (item, rating, False, time)) for item, rating, time in beside]
    without = gains([bare])[0]

    def values(masks: Masks) -> DoubleArray:
        review.hold(masks[masks.any(1)], cache)
        variants = []
        for mask in masks:
            if not mask.any():
                variants.append(bare)
                continue
            text = review.without(mask)
            made = {kept: _with_text(event, kept, text) for kept in set(beside)}
            variants.append([made[kept] for kept in beside])
        mean: DoubleArray = (gains(variants) - without).mean(1)
        return mean

    return values


def _with_text(event: Event, kept: tuple[bool, bool, bool], text: str) -> Event:
    """The event with some of item, rating and time, and with this text."""
    item, rating, time = kept
    return replace(
        event,
        item_id=event.item_id if item else "",
        rating=event.rating if rating else None,
        title=None,
        text=text,
        timed=event.timed and time,
    )


def leave_one_out(game: Game, words: int) -> WordValues:
    """What the number loses when a word alone is left out."""
    masks = np.concatenate([np.ones((1, words), np.bool_), ~np.eye(words, dtype=np.bool_)])
    found = game(np.concatenate([masks, np.zeros((1, words), np.bool_)]))
    return WordValues("leave-one-out", found[0] - found[1:-1], float(found[-1]), float(found[0]))


def shap_words(
    game: Game, review: Review, evaluations: int = EVALUATIONS, seed: int = 0
) -> WordValues:
    """SHAP values of the words, by shap's Partition explainer; one word or none needs none."""
    words = len(review.words)
    ends = game(np.stack([np.zeros(words, np.bool_), np.ones(words, np.bool_)]))
    if words == 0:
        values = np.zeros(0)
    elif words == 1:
        values = ends[1:] - ends[:1]
    else:
        values = run_shap(
            "Partition",
            game,
            words,
            seed,
            review.tree(),
            max_evals=evaluations,
            batch_size=BATCH,
        )
    return WordValues("shap", values, float(ends[0]), float(ends[1]))

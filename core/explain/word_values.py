"""Which words of a review made its sentiment, and which made the item's score.

Words, not word pieces; those of scripts without spaces by ``word_breaks``. An emoji is a word.
Punctuation belongs to the word before it.

First each word's loss when it alone is left out, then SHAP values with words as players: exact
for few words (``shap.explainers.Exact``), from a model learned of partial texts for more
(``word_model``). In the score, a review is the text part of its event: a set of words is worth the
mean gain it brings over the same coalitions of other events and parts, the third level of Owen's
value (docs/contracts.md).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import product
from math import factorial
from operator import le
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from core.domain import Event
from core.encode.cache import VectorCache
from core.encode.encoder import TextEncoder
from core.encode.sentiment import SentimentModel
from core.explain.game import EventGame
from core.explain.parts import has_parts, outer_coalitions, weights_of_orders, with_parts
from core.explain.word_model import ROUNDS, WordVectors, learn, partial_texts
from core.progress import StopCallback
from core.shapley.engine import all_coalitions, values_by_shap
from core.shapley.game import Masks, at_once
from core.word_breaks import RUN, UNSPACED, word_spans

_WORD = re.compile(rf"(?:(?![{UNSPACED}])[^\W_])+(?:['’\-](?:(?![{UNSPACED}])[^\W_])+)*")
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
KEPT_TEXTS = 64
"""Reviews whose partial texts stay encoded in memory."""
EXACT_UP_TO = 10
"""Words up to which all partial texts are read."""
FEWEST, MOST = 8, 24
"""Coalitions in which each partial text is asked."""
EVENTS_ASKED = 400
"""Events of those coalitions, about; so a long history has fewer."""

Method = Literal["leave-one-out", "quick", "shap"]
"""Each word left out alone; SHAP values from few partial texts; from enough of them."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: ``text[start:end]``; ``until`` is where the next word begins."""

    start: int
    end: int
    until: int


def split_words(text: str) -> tuple[Word, ...]:
    """The words of a text in order; mere punctuation is one word, a blank text has none."""
    starts: list[tuple[int, int]] = []
    at = 0
    while at < len(text):
        if run := RUN.match(text, at):
            starts += [(at + begin, at + end) for begin, end in word_spans(run[0])]
            at = run.end()
            if starts and starts[-1][1] == at:
                at = _with_marks(text, at)
                starts[-1] = (starts[-1][0], at)
            continue
        match = _WORD.match(text, at)
        end = match.end() if match else at + 1
        if match or _is_symbol(text[at]):
            end = _with_marks(text, end)
            starts.append((at, end))
        at = end
    if not starts and text.strip():
        starts = [(len(text) - len(text.lstrip()), len(text.rstrip()))]
    untils = [start for start, _ in starts[1:]] + [len(text)]
    return tuple(
        Word(start, end, until) for (start, end), until in zip(starts, untils, strict=False)
    )


def _is_symbol(character: str) -> bool:
    """Emoji and other pictures; not punctuation, not modifiers."""
    return unicodedata.category(character) == "So" or 0x1F1E6 <= ord(character) <= 0x1FAFF


def _with_marks(text: str, end: int) -> int:
    """Past combining marks, and past what an emoji is joined with."""
    if _FLAG.match(text, end - 1):
        end += 1
    while end < len(text):
        character = text[end]
        if character == "\u200d" and end + 1 < len(text):
            end += 2
        elif unicodedata.category(character).startswith("M") or "🏻" <= character <= "🏿":
            end += 1
        else:
            break
    return end


@dataclass(eq=False)
class Review:
    """One text as the players of a game: its words as far as the encoder reads.

    Vectors of partial texts are kept, so that a second question about a review costs no encoding.
    """

    text: str
    words: tuple[Word, ...]
    """Those that the encoder reads."""
    unread: int
    """Words after the encoder's limit; nothing depends on them."""
    encoder: TextEncoder
    _vectors: dict[bytes, npt.NDArray[np.float16]] = field(default_factory=dict)

    def without(self, mask: BoolArray) -> str:
        """The text with only the words of a mask bool[n_words]."""
        if mask.all():
            return self.text
        begins = [0, *(word.start for word in self.words[1:])]
        return "".join(
            self.text[begin : word.until]
            for begin, word, keep in zip(begins, self.words, mask, strict=True)
            if keep
        ).strip()

    @property
    def labels(self) -> list[str]:
        """The words themselves."""
        return [self.text[word.start : word.end] for word in self.words]

    def vectors(self, masks: Masks, stop: StopCallback | None = None) -> FloatArray:
        """Vectors of partial texts, bool[n, n_words] to float32[n, dim]; no word gives zeros."""
        keys = [mask.tobytes() for mask in masks]
        new = {
            key: self.without(mask)
            for key, mask in zip(keys, masks, strict=True)
            if key not in self._vectors and mask.any()
        }
        if new:
            encoded = self.encoder.encode(list(new.values()), stop=stop).astype(np.float16)
            self._vectors.update(zip(new, encoded, strict=True))
        vectors = np.zeros((len(masks), self.encoder.dim), np.float32)
        for row, key in enumerate(keys):
            if key in self._vectors:
                vectors[row] = self._vectors[key]
        return vectors

    def hold(self, masks: Masks, cache: VectorCache, stop: StopCallback | None = None) -> None:
        """Make recommenders find the vectors of these partial texts without encoding them."""
        vectors = self.vectors(masks, stop)
        cache.hold([self.without(mask) for mask in masks], vectors, self.encoder)

    @cached_property
    def word_vectors(self) -> WordVectors:
        """What the encoder makes of each word, in the whole text and as a text of its own."""
        rows, begins = self.encoder.token_vectors(self.text)
        starts = np.array([0, *(word.start for word in self.words[1:])])
        owner = np.searchsorted(starts, begins, side="right") - 1
        in_context = np.zeros((len(self.words), self.encoder.dim))
        np.add.at(in_context, owner[begins >= 0], rows[begins >= 0].astype(np.float64))
        frame = rows[begins < 0].sum(0).astype(np.float64)
        alone = self.vectors(np.eye(len(self.words), dtype=np.bool_)).astype(np.float64)
        return WordVectors(in_context, frame, alone)


@lru_cache(KEPT_TEXTS)
def open_review(text: str, encoder: TextEncoder) -> Review:
    """The review of a text, with what is already encoded of it."""
    words = split_words(text)
    read = _read_by(text, words, encoder)
    cut = text if read == len(words) else text[: words[read - 1].until].rstrip()
    return Review(cut, words[:read], len(words) - read, encoder)


def _read_by(text: str, words: Sequence[Word], encoder: TextEncoder) -> int:
    """How many words fit into what the encoder reads."""
    if not words:
        return 0
    pieces = encoder.piece_counts([text[word.start : word.until] for word in words])
    return max(int((pieces.cumsum() <= encoder.room).sum()), 1)


@dataclass(frozen=True, eq=False)
class WordValues:
    """What each word of a review gave to one number.

    ``values`` float64[n_words]. For SHAP ``base + values.sum() + residual`` is ``whole``; leaving
    words out one by one does not add up, which its residual shows. ``stderr`` float64[n_words] are
    the standard errors of SHAP values that come from a learned model, zeros otherwise.
    """

    method: Method
    values: DoubleArray
    base: float
    """The number without any word."""
    whole: float
    """The number with all words."""
    stderr: DoubleArray
    fit: float | None = None
    """Share of the differences between partial texts that the learned model predicts for one it
    has not seen; none where no model was needed."""
    asked: int = 0
    """Partial texts that were read."""

    @property
    def residual(self) -> float:
        """What the words' values leave unexplained."""
        return self.whole - self.base - float(self.values.sum())


Game = Callable[[Masks], DoubleArray]
Context = tuple[BoolArray, tuple[bool, bool, bool]]
"""Players before the event, bool[n_players], and whether its item, rating and time are there."""


def sentiment_game(
    review: Review, sentiment: SentimentModel, stop: StopCallback | None = None
) -> Game:
    """Sentiment in [-1, 1] of partial texts; no word at all is neutral, as the model reads it."""

    def values(masks: Masks) -> DoubleArray:
        read = sentiment.predict(review.vectors(masks, stop)).astype(np.float64)
        return np.where(masks.any(1), read, 0.0)

    return values


def score_game(
    game: EventGame,
    step: int,
    review: Review,
    cache: VectorCache,
    total: float | None = None,
) -> Game:
    """Mean gain in the goal by partial texts of one event over the coalitions of its text part.

    Those are the outer orders of ``explain_parts``, each with every set of the
    event's other parts by its Shapley weight; with the player's own value ``total`` the orders
    count as they do there. Words are asked in a few of them, one from each of equal strata by the
    gain of the whole text, so that their sum stays close to the text part.
    """
    player = next(at for at, steps in enumerate(game.players) if step in steps)
    event = game.history.events[step - 1]
    mates = [other for other in game.players[player] if other != step]

    @lru_cache(None)
    def around(before: bytes) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
        """Events of a context before and after the one whose text it is about."""
        players = np.flatnonzero(np.frombuffer(before, np.bool_))
        steps = sorted({s for at in players for s in game.players[at]} | {*mates})
        events = game.history.events
        return (
            tuple(events[s - 1] for s in steps if s < step),
            tuple(events[s - 1] for s in steps if s > step),
        )

    def worth(questions: Sequence[tuple[Context, Event | None]]) -> DoubleArray:
        histories = []
        for (before, _), changed in questions:
            first, last = around(before.tobytes())
            own = () if changed is None else (changed,)
            histories.append(game.moment.same_moment((*first, *own, *last)))
        return game.ask(histories)

    beside, weights = _beside(event)
    outer = outer_coalitions(game)[:, player]
    contexts: list[Context] = [(before, kept) for before in outer for kept in beside]
    bare = {kept: with_parts(event, (*kept[:2], False, kept[2])) for kept in beside}
    full = {kept: with_parts(event, (*kept[:2], True, kept[2])) for kept in beside}
    without = worth([(context, bare[context[1]]) for context in contexts])
    gains = worth([(context, full[context[1]]) for context in contexts]) - without
    # ``beside`` begins with none of the other parts and ends with all.
    whole = (gains + without).reshape(len(outer), -1)[:, -1] - without.reshape(len(outer), -1)[:, 0]
    orders = weights_of_orders(whole, float(whole.mean()) if total is None else total)
    count = int(np.clip(EVENTS_ASKED // max(len(game.history), 1), FEWEST, MOST))
    picked = representatives(gains, np.outer(orders, weights).ravel(), count)
    chosen = [contexts[at] for at in picked]

    def values(masks: Masks) -> DoubleArray:
        review.hold(masks[masks.any(1)], cache, game.stop)
        texts = max(at_once(game.stop) // len(chosen), 1)
        parts = [masks[start : start + texts] for start in range(0, len(masks), texts)]
        return np.concatenate([of_some(some) for some in parts])

    def of_some(masks: Masks) -> DoubleArray:
        questions: list[tuple[Context, Event | None]] = []
        for mask in masks:
            changed = bare
            if mask.any():
                text = review.without(mask)
                changed = {
                    kept: event and replace(event, title=None, text=text)
                    for kept, event in full.items()
                }
            questions += [(context, changed[context[1]]) for context in chosen]
        gains = worth(questions).reshape(len(masks), len(chosen)) - without[picked]
        mean: DoubleArray = gains.mean(1)
        return mean

    return values


def _beside(event: Event) -> tuple[list[tuple[bool, bool, bool]], DoubleArray]:
    """Sets of the event's item, rating and time that may come before its text; their weights."""
    item, rating, _, time = has_parts(event)
    own = (item, rating, time)
    parts = sum(own) + 1
    sets = [kept for kept in product((False, True), repeat=3) if all(map(le, kept, own))]
    weights = [factorial(sum(k)) * factorial(parts - 1 - sum(k)) / factorial(parts) for k in sets]
    return [(a, b, c) for a, b, c in sets], np.array(weights)


def representatives(gains: DoubleArray, weights: DoubleArray, count: int) -> IntArray:
    """Of each of ``count`` equal strata of the gains the one nearest to its mean, int64[count].

    ``gains`` and ``weights`` float64[n]; the weights add up to 1.
    """
    order = np.argsort(gains, kind="stable")
    ends = np.concatenate([[0.0], np.cumsum(weights[order])])
    edges = np.linspace(0.0, 1.0, count + 1)
    overlap = np.minimum(ends[1:], edges[1:, None]) - np.maximum(ends[:-1], edges[:-1, None])
    share = np.maximum(overlap, 0.0)
    means = share @ gains[order] / share.sum(1)
    distance = np.where(share > 1e-12, np.abs(gains[order] - means[:, None]), np.inf)
    nearest: IntArray = order[distance.argmin(1)]
    return nearest


def leave_one_out(game: Game, words: int) -> WordValues:
    """What the number loses when a word alone is left out."""
    alone = np.eye(words, dtype=np.bool_)
    masks = np.concatenate([np.ones((1, words), np.bool_), ~alone, np.zeros((1, words), np.bool_)])
    whole, *others, base = game(masks).tolist()
    losses = whole - np.array(others)
    return WordValues("leave-one-out", losses, base, whole, np.zeros(words), asked=len(masks))


def read_partial_texts(review: Review, stop: StopCallback | None = None) -> None:
    """Encode what ``shap_words`` reads, so that it only has to ask."""
    words = len(review.words)
    if words > EXACT_UP_TO:
        review.vectors(partial_texts(words, rounds=ROUNDS), stop)
        _ = review.word_vectors
    else:
        review.vectors(all_coalitions(words), stop)


def shap_words(
    game: Game, review: Review, rounds: int = ROUNDS, stop: StopCallback | None = None
) -> WordValues:
    """SHAP values of the words; every game reads the same partial texts."""
    words = len(review.words)
    if words <= EXACT_UP_TO:
        base, whole = game(np.array([np.zeros(words), np.ones(words)], np.bool_)).tolist()
        exact = values_by_shap("Exact", game, words) if words > 1 else np.full(words, whole - base)
        return WordValues("shap", exact, base, whole, np.zeros(words), asked=2**words)
    masks = partial_texts(words, rounds=rounds)
    values = game(masks)
    read = review.vectors(masks).astype(np.float64)
    learned = learn(masks, values, read, review.word_vectors, stop)
    base, whole = values[:2].tolist()
    method: Method = "shap" if rounds >= ROUNDS else "quick"
    return WordValues(method, learned.values, base, whole, learned.stderr, learned.fit, len(masks))

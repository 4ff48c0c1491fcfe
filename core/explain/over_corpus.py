"""Explanations of many users: how good they are on a corpus, and who gets one item and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.domain import DomainError
from core.explain.explanation import Explanation, K
from core.explain.game import EventGame, Goal, explain_events
from core.explain.scorecard import ORDERS, Scorecard, make_scorecard
from core.language import mark, tr
from core.measure.metrics import bootstrap
from core.progress import Progress, ProgressCallback, report
from core.ranking import excluded_mask, rank_of
from core.shapley.engine import EXACT_UP_TO

if TYPE_CHECKING:
    from core.engine import Engine

FEWEST_EVENTS = 8
SECONDS_PER_USER = 2.0
USERS_PER_BATCH = 256


@dataclass(frozen=True, eq=False)
class CorpusScorecard:
    """Scorecards of the first recommendation of a sample of users."""

    user_ids: tuple[str, ...]
    cards: tuple[Scorecard, ...]

    def facts(self) -> dict[str, Any]:
        """The averages as JSON: areas in nats, gains with 95 % intervals, shares of users.

        A tie beats nobody. ``stability`` is that of the sampled explanations, None without any.
        """
        facts: dict[str, Any] = {"users": len(self.cards)}
        for kind in ("deletion", "insertion"):
            facts[kind] = {
                order: float(np.mean([card.area(kind, order) for card in self.cards]))
                for order in ORDERS
            }
        for rival in ORDERS[1:]:
            gains = np.array([card.gain("deletion", rival) for card in self.cards])
            gain, name = bootstrap(gains, self.user_ids), rival.replace("-", "_")
            facts |= {
                f"better_than_{name}": float(np.mean([card.beats(rival) for card in self.cards])),
                f"equal_to_{name}": float(np.mean([card.equals(rival) for card in self.cards])),
                f"gain_over_{name}": {"mean": gain.mean, "ci": [gain.low, gain.high]},
            }
        sampled = [
            card.stability
            for card in self.cards
            if card.stability is not None and len(card.deletion["random"]) - 1 > EXACT_UP_TO
        ]
        return facts | {"stability": float(np.mean(sampled)) if sampled else None}


def sample_users(engine: Engine, users: int) -> list[str]:
    """Users with 8 or more events, the same at each call; all where there are fewer."""
    corpus = engine.corpus
    counts = corpus.user_starts[1:] - corpus.user_starts[:-1]
    able = np.flatnonzero(counts >= FEWEST_EVENTS)
    drawn = np.random.default_rng(0).permutation(able)[:users]
    return [corpus.user_ids[int(at)] for at in drawn]


def judge_corpus(
    engine: Engine,
    users: int = 100,
    recommender: str | None = None,
    *,
    with_stability: bool = False,
    seconds: float = SECONDS_PER_USER,
    progress: ProgressCallback | None = None,
) -> CorpusScorecard:
    """Explain the first item of each sampled user's list after the last event, and judge it.

    Each explanation is sampled for ``seconds``, half as long for each seed of the stability.
    """
    chosen = engine.recommender(recommender)
    user_ids = sample_users(engine, users)
    if not user_ids:
        raise DomainError(
            tr("no user has {n} or more events", n=FEWEST_EVENTS),
            where=tr("corpus {name}", name=engine.corpus.name),
            remedy=tr("Choose a corpus with longer histories"),
        )
    judged, cards = [], []
    for done, user in enumerate(user_ids):
        report(progress, Progress(mark("judge explanations"), done, len(user_ids)))
        history = engine.corpus.history(user)
        first = engine.recommend(history, 1, chosen.id).items
        if not first:
            continue
        item = engine.corpus.item_index[first[0].item_id]
        game = EventGame(chosen, history, Goal(item))
        values = explain_events(game, seconds=seconds)
        judged.append(user)
        card = make_scorecard(
            game, values, with_stability=with_stability, stability_seconds=seconds / 2
        )
        cards.append(card)
    return CorpusScorecard(tuple(judged), tuple(cards))


@dataclass(frozen=True, slots=True)
class Receiver:
    """A user whose list holds the item now, and the event that contributes most to it."""

    user_id: str
    rank: int
    score: float
    step: int | None
    """The event that contributes most, a group's last; None where nothing contributes."""
    first_step: int | None
    """The same step; a group's first."""
    value: float
    """Its contribution in nats."""
    share: float
    """Its share of all positive contributions."""


def find_receivers(
    engine: Engine,
    item_id: str,
    recommender: str | None = None,
    *,
    explained: int = 20,
) -> tuple[int, tuple[Receiver, ...]]:
    """How many users have an item in their list now, and those who have it highest, explained."""
    item = engine.corpus.index_of(item_id)
    chosen = engine.recommender(recommender)
    users = engine.corpus.user_ids
    listed: list[tuple[int, float, str]] = []
    for start in range(0, len(users), USERS_PER_BATCH):
        batch = users[start : start + USERS_PER_BATCH]
        histories = [engine.corpus.history(user) for user in batch]
        scores = chosen.log_probabilities(histories)
        for history, row in zip(histories, scores, strict=True):
            if item_id in history.excluded_items():
                continue
            rank = rank_of(item, row, excluded_mask(history, engine.corpus.item_index))
            if rank <= K:
                listed.append((rank, -float(row[item]), history.user_id))
    receivers = []
    for rank, negative, user in sorted(listed)[:explained]:
        history = engine.corpus.history(user)
        explanation = Explanation(engine, history, item_id, chosen.id, seconds=0.3)
        values = explanation.events.values
        total = float(values[values > 0].sum())
        cause: tuple[int | None, int | None, float, float] = (None, None, 0.0, 0.0)
        if total > 0:
            steps, value = explanation.game.players[int(values.argmax())], float(values.max())
            cause = (steps[-1], steps[0], value, value / total)
        receivers.append(Receiver(user, rank, -negative, *cause))
    return len(listed), tuple(receivers)

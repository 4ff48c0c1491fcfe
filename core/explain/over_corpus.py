"""Explanations of many users: how good they are on a corpus, and who gets one item and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.domain import DomainError, History
from core.evaluate.intervals import bootstrap
from core.explain.explanation import Explanation, K, find_item
from core.explain.game import EventGame, Goal, explain_events
from core.explain.scorecard import SAME, Scorecard, make_scorecard
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
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

    def share_better(self, rival: str) -> float:
        """Share of users whose deletion area beats a rival's; a tie beats nobody."""
        return float(np.mean([card.beats(rival) for card in self.cards]))

    def share_equal(self, rival: str) -> float:
        """Share of users whose deletion area equals a rival's."""
        return float(np.mean([abs(gain) <= SAME for gain in self.gains("deletion", rival)]))

    @property
    def stability(self) -> float | None:
        """Mean stability of the sampled explanations; None where all are exact."""
        sampled = [
            card.stability
            for card in self.cards
            if card.stability is not None and len(card.deletion["random"]) - 1 > EXACT_UP_TO
        ]
        return float(np.mean(sampled)) if sampled else None

    def gains(self, kind: str, rival: str) -> list[float]:
        """By how much each user's area is better, in nats."""
        return [card.gain(kind, rival) for card in self.cards]


def sample_users(engine: Engine, users: int, seed: int = 0) -> list[str]:
    """Users with 8 or more events, drawn by seed; all where there are fewer."""
    corpus = engine.corpus
    counts = corpus.user_starts[1:] - corpus.user_starts[:-1]
    able = np.flatnonzero(counts >= FEWEST_EVENTS)
    drawn = np.random.default_rng(seed).permutation(able)[:users]
    return [corpus.user_ids[int(at)] for at in drawn]


def judge_corpus(
    engine: Engine,
    users: int = 100,
    recommender: str | None = None,
    *,
    with_stability: bool = False,
    seed: int = 0,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> CorpusScorecard:
    """Explain the first item of each sampled user's list after the last event, and judge it."""
    chosen = engine.recommender(recommender)
    user_ids = sample_users(engine, users, seed)
    if not user_ids:
        raise DomainError(
            f"no user has {FEWEST_EVENTS} or more events",
            where=f"corpus {engine.corpus.name}",
            remedy="Choose a corpus with longer histories",
        )
    judged, cards = [], []
    for done, user in enumerate(user_ids):
        check_stop(stop)
        report(progress, Progress("judge explanations", done, len(user_ids)))
        history = engine.corpus.history(user)
        first = engine.recommend(history, 1, chosen.id).items
        if not first:
            continue
        item = engine.corpus.item_index[first[0].item_id]
        game = EventGame(chosen, history, Goal(item), stop)
        values = explain_events(game, seed=seed, seconds=SECONDS_PER_USER)
        judged.append(user)
        cards.append(make_scorecard(game, values, with_stability=with_stability))
    return CorpusScorecard(tuple(judged), tuple(cards))


@dataclass(frozen=True, slots=True)
class Receiver:
    """A user whose list holds the item now, and the event that brought it most."""

    user_id: str
    rank: int
    score: float
    step: int | None
    """The event with the largest value, a group's last; None without any that speaks for it."""
    first_step: int | None
    """The same step; a group's first."""
    value: float
    """That event's value in nats."""
    share: float
    """Its share of all that speaks for the item."""


def find_receivers(
    engine: Engine,
    item_id: str,
    recommender: str | None = None,
    *,
    k: int = K,
    explained: int = 20,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> tuple[int, tuple[Receiver, ...]]:
    """Who gets an item now: how many users have it among the first k, and the best-placed of them.

    Each of those is explained by the event that brought it most, after the user's last event.
    """
    item = find_item(engine, item_id)
    chosen = engine.recommender(recommender)
    users = engine.corpus.user_ids
    found: list[tuple[int, float, str]] = []
    for start in range(0, len(users), USERS_PER_BATCH):
        check_stop(stop)
        report(progress, Progress("look through all lists", start, len(users)))
        batch = users[start : start + USERS_PER_BATCH]
        histories = [engine.corpus.history(user) for user in batch]
        scores = chosen.log_probabilities(histories)
        for history, row in zip(histories, scores, strict=True):
            if item_id in history.excluded_items():
                continue
            rank = rank_of(item, row, excluded_mask(history, engine.corpus.item_index))
            if rank <= k:
                found.append((rank, float(row[item]), history.user_id))
    found.sort(key=lambda one: (one[0], -one[1], one[2]))
    receivers = []
    for done, (rank, score, user) in enumerate(found[:explained]):
        check_stop(stop)
        report(progress, Progress("explain those who get it", done, min(len(found), explained)))
        history = engine.corpus.history(user)
        receivers.append(_receiver(engine, history, item_id, chosen.id, rank, score, stop))
    return len(found), tuple(receivers)


def _receiver(
    engine: Engine,
    history: History,
    item_id: str,
    recommender: str,
    rank: int,
    score: float,
    stop: StopCallback | None,
) -> Receiver:
    explanation = Explanation(engine, history, item_id, recommender, seconds=0.3, stop=stop)
    values, players = explanation.events.values, explanation.game.players
    total = float(values[values > 0].sum())
    if total <= 0:
        return Receiver(history.user_id, rank, score, None, None, 0.0, 0.0)
    best = int(values.argmax())
    return Receiver(
        history.user_id,
        rank,
        score,
        players[best][-1],
        players[best][0],
        float(values[best]),
        float(values[best]) / total,
    )


def summarise(card: CorpusScorecard) -> dict[str, object]:
    """The averages as JSON: areas in nats, gains with 95 % intervals, shares of users."""
    orders = ("explanation", "recent-first", "random")

    def gain(kind: str, rival: str) -> dict[str, object]:
        gains = card.gains(kind, rival)
        found = bootstrap(np.asarray(gains, np.float64), card.user_ids)
        return {"mean": found.mean, "ci": [found.low, found.high]}

    def areas(kind: str) -> dict[str, float]:
        return {o: float(np.mean([one.area(kind, o) for one in card.cards])) for o in orders}

    return {
        "users": len(card.cards),
        "deletion": areas("deletion"),
        "insertion": areas("insertion"),
        "better_than_recent_first": card.share_better("recent-first"),
        "better_than_random": card.share_better("random"),
        "equal_to_recent_first": card.share_equal("recent-first"),
        "equal_to_random": card.share_equal("random"),
        "gain_over_recent_first": gain("deletion", "recent-first"),
        "gain_over_random": gain("deletion", "random"),
        "stability": card.stability,
    }

"""What of each event: its item, its rating, its text, its time. Owen values with events as unions.

In Owen's value (1977) the events enter in a random order, and inside an event its parts do. Here
outer orders are sampled, forward and backward, and the inner orders of at most four parts are
enumerated. An event's gain is known better than the sample tells (``explain_events``); by
regression on that known mean (a control variate) each part's estimate gets its share of the
difference, so that parts add up to their event.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from core.arrays import BoolArray, DoubleArray, IntArray
from core.domain import Event, History
from core.explain.game import EventGame
from core.language import mark
from core.progress import Progress, ProgressCallback, report
from core.shapley.engine import ShapleyValues, exact_values
from core.shapley.game import Masks

ITEM, RATING, TEXT, TIME = 0, 1, 2, 3
PART_NAMES = ("item", "rating", "text", "time")
ASKED_AT_MOST = 24_000
"""Histories asked about; the number of outer orders follows from it."""
FEWEST_PAIRS, MOST_PAIRS = 2, 16


@dataclass(frozen=True, eq=False)
class PartValues:
    """Owen values of the parts of each player, in nats.

    ``values`` and ``stderr`` float64[n_players, 4] in the order of ``PART_NAMES``; zeros where an
    event lacks a part. Each row sums to the player's own value.
    """

    values: DoubleArray
    stderr: DoubleArray


@lru_cache(maxsize=4096)
def with_parts(event: Event, kept: tuple[bool, ...]) -> Event | None:
    """The event with only some of (item with kind, rating, text, time); None without any left.

    The same object for the same question: recommenders encode it once.
    """
    own = has_parts(event)
    if not any(k and o for k, o in zip(kept, own, strict=True)):
        return None
    return replace(
        event,
        item_id=event.item_id if kept[ITEM] else "",
        rating=event.rating if kept[RATING] else None,
        title=event.title if kept[TEXT] else None,
        text=event.text if kept[TEXT] else None,
        timed=event.timed and kept[TIME],
    )


def has_parts(event: Event) -> tuple[bool, bool, bool, bool]:
    """Which parts an event has."""
    return bool(event.item_id), event.rating is not None, bool(event.words), event.timed


def explain_parts(
    game: EventGame,
    events: ShapleyValues,
    *,
    progress: ProgressCallback | None = None,
) -> PartValues:
    """Owen values of the parts of every player, adding up to ``events.values``."""
    players = len(game.players)
    values, errors = np.zeros((players, 4)), np.zeros((players, 4))
    outer = outer_coalitions(game)
    for player in range(players):
        report(progress, Progress(mark("split events into parts"), player, players))
        gains = _part_gains(game, player, outer[:, player])
        values[player], errors[player] = add_up(gains, float(events.values[player]))
    return PartValues(values, errors)


def _part_gains(game: EventGame, player: int, before: Masks) -> DoubleArray:
    """Shapley values of a player's parts within each outer order, float64[n_orders, 4].

    ``before`` bool[n_orders, n_players] holds the players that came before.
    """
    own = _own_parts(game, player)

    def worth(subsets: Masks) -> DoubleArray:
        kept = np.zeros((len(subsets), 4), np.bool_)
        kept[:, own] = subsets
        histories = [
            _history(game, mask, player, subset)
            for subset in map(tuple, kept.tolist())
            for mask in before
        ]
        return game.ask(histories).reshape(len(subsets), len(before))

    gains = np.zeros((len(before), 4))
    gains[:, own] = exact_values(worth, len(own)).T
    return gains


def outer_coalitions(game: EventGame) -> Masks:
    """Who came before each player in random orders and their reverses, fewer of a long history.

    Returns bool[n_orders, n_players, n_players]: in order o, ``[o, p]`` is the set before p.
    """
    players = len(game.players)
    inner = sum(2 ** len(_own_parts(game, player)) for player in range(players))
    pairs = int(np.clip(ASKED_AT_MOST // max(2 * inner, 1), FEWEST_PAIRS, MOST_PAIRS))
    random = np.random.default_rng(0)
    place = np.stack([random.permutation(players) for _ in range(pairs)])
    both = np.stack([place, players - 1 - place], 1).reshape(2 * pairs, players)
    earlier: Masks = both[:, None, :] < both[:, :, None]
    return earlier


def add_up(gains: DoubleArray, total: float) -> tuple[DoubleArray, DoubleArray]:
    """Means of part gains float64[n_orders, 4] that add up to ``total``, with standard errors.

    Orders 2k and 2k + 1 are each other's reverse and count as one sample.
    """
    sample = gains.reshape(len(gains) // 2, 2, -1).mean(1)
    means, whole = sample.mean(0), sample.sum(1)
    spread = float(((whole - whole.mean()) ** 2).sum())
    if spread > 1e-18:
        slope = ((whole - whole.mean())[:, None] * (sample - means)).sum(0) / spread
    else:
        weight = np.abs(means) + 1e-12 * (np.abs(gains).sum(0) > 0)
        slope = weight / weight.sum() if weight.sum() > 0 else np.full(len(means), 0.25)
    adjusted = sample + slope * (total - whole)[:, None]
    freedom = max(len(sample) - 2, 1)
    spread_left = ((adjusted - adjusted.mean(0)) ** 2).sum(0) / freedom
    return adjusted.mean(0), np.sqrt(spread_left / len(sample))


def weights_of_orders(whole: DoubleArray, total: float) -> DoubleArray:
    """What each outer order counts in the means of ``add_up``, float64[n_orders], sum 1.

    ``whole`` float64[n_orders] is the event's gain in each. A mean that is corrected by regression
    on a known mean is a weighted mean (Glasserman 2003, 4.1); weights are kept above zero.
    """
    sample = whole.reshape(-1, 2).mean(1)
    centred = sample - sample.mean()
    spread = float((centred**2).sum())
    weights = np.full(len(sample), 1 / len(sample))
    if spread > 1e-18:
        weights += centred * (total - sample.mean()) / spread
    weights = np.maximum(weights, 0.0)
    return np.repeat(weights / weights.sum() / 2, 2)


def _own_parts(game: EventGame, player: int) -> IntArray:
    """The parts that at least one of a player's events has, as indices."""
    return np.flatnonzero(np.any([has_parts(event) for event in game.events_of(player)], axis=0))


def _history(
    game: EventGame,
    before: BoolArray,
    player: int,
    subset: tuple[bool, ...],
) -> History:
    """The events of the players before one, and that player's events with some of their parts."""
    mask = before.copy()
    mask[player] = True
    events = (
        with_parts(event, subset) if other == player else event
        for other in np.flatnonzero(mask)
        for event in game.events_of(int(other))
    )
    return game.moment.same_moment(event for event in events if event is not None)

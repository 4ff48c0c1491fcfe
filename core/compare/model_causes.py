"""Why two models of a corpus score an item differently: Shapley values over what changed.

Players (``core.shapley``) are the components that both models have: the catalogue, the interest
network, the item vectors, each baseline and the joint's weights. A coalition takes these from the
second model and the rest from the first, so no player is the first model and all are the second.
A component that only one model has enters and goes with the joint's weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.arrays import BoolArray, DoubleArray, IntArray
from core.compare.causes import SECONDS, Changes
from core.domain import History
from core.model.interest import InterestModel
from core.model.sequences import EventEncoder, kinds_within
from core.progress import StopCallback, check_stop
from core.ranking import ExcludedItems
from core.recommend.calibration import normalise
from core.recommend.earlier import UNKNOWN_SHARE, Earlier
from core.recommend.joint import Joint
from core.recommend.protocol import Recommender, batches
from core.recommend.registry import INTEREST
from core.shapley.engine import EXACT_UP_TO, shapley_values
from core.shapley.game import Masks

CATALOGUE, NETWORK, ITEMS, WEIGHTS = "catalogue", "network", "items", "weights"
"""Players beside the recommenders' ids: items that only one model knows, the interest network, its
item vectors and biases, and the joint's weights."""
MOST_CELLS = 60_000_000
"""Scores of all coalitions up to which they are all asked."""
CELLS = 2_000_000
"""Scores held at once."""


def explain_models(
    first: Recommender,
    second: Recommender,
    catalogue: tuple[str, ...],
    history: History,
    items: IntArray,
    *,
    kin: bool,
    seconds: float = SECONDS,
    stop: StopCallback | None = None,
) -> Changes:
    """Shapley values of what differs between two models' recommenders of one id.

    For ``items`` int64[n] of the ``catalogue``. ``kin``: one interest model went on from the other,
    or both from a third; only then network and item vectors have meaning across the models.
    """
    blend = _Blend(_over(first, catalogue), _over(second, catalogue), history, kin)
    players = len(blend.players)

    def worth(masks: Masks) -> DoubleArray:
        parts = []
        for rows in batches(len(masks), len(catalogue), CELLS):
            check_stop(stop)
            parts.append(blend.scores(masks[rows])[:, items])
        return np.concatenate(parts)

    affordable = 2**players * len(catalogue) <= MOST_CELLS
    exact_up_to = max(players, EXACT_UP_TO) if affordable else EXACT_UP_TO
    shares = shapley_values(worth, players, seconds=seconds, exact_up_to=exact_up_to, stop=stop)
    return Changes(**vars(shares), items=items, players=(), components=blend.players)


def _over(recommender: Recommender, catalogue: tuple[str, ...]) -> Earlier:
    if isinstance(recommender, Earlier):
        return recommender
    return Earlier(catalogue, recommender, catalogue)


@dataclass(frozen=True, eq=False)
class _Weighing:
    """How one model's joint makes scores of its components' log-probabilities.

    ``weights`` float64[n_items] by component, ``offset`` float64[n_items], ``repeat`` as in
    ``Joint``; None where there is one recommender alone.
    """

    weights: Mapping[str, DoubleArray]
    offset: DoubleArray
    repeat: float | None

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Weighing)
            and self.repeat == other.repeat
            and self.weights.keys() == other.weights.keys()
            and np.array_equal(self.offset, other.offset)
            and all(np.array_equal(own, other.weights[name]) for name, own in self.weights.items())
        )


class _Blend:
    """Two models of which each part is taken from either.

    ``players`` names the parts that differ, in the order of masks.
    """

    def __init__(self, first: Earlier, second: Earlier, history: History, kin: bool) -> None:
        self._history = history
        self._ids = first.item_ids
        sides = (first, second)
        self._known: list[BoolArray] = []
        for side in sides:
            known = np.zeros(len(side.item_ids), np.bool_)
            known[side.places] = True
            self._known.append(known)
        components = [_components(side.recommender) for side in sides]
        self._weighings = [_weighing(side, history) for side in sides]
        self._variants: dict[str, DoubleArray] = {}  # float64[n_variants, n_items]
        self._parts: dict[str, tuple[str, ...]] = {}
        players = [] if np.array_equal(self._known[0], self._known[1]) else [CATALOGUE]
        for name in dict.fromkeys([*components[0], *components[1]]):
            pairs = [
                (side, own[name])
                for side, own in zip(sides, components, strict=True)
                if name in own
            ]
            parts: tuple[str, ...] = (name,)
            models = [own for _, own in pairs if isinstance(own, InterestModel)]
            if len(models) == 2 and kin and models[0].config.dim == models[1].config.dim:
                parts = (NETWORK, ITEMS)
                pairs = [
                    (sides[vectors], _hybrid(models[network], models[vectors]))
                    for vectors in (0, 1)
                    for network in (0, 1)
                ]
            rows = [_log_p(side, own, history) for side, own in pairs]
            if len(rows) == 1 or all(np.array_equal(rows[0], row) for row in rows[1:]):
                rows, parts = rows[:1], ()
            self._variants[name], self._parts[name] = np.stack(rows), parts
            players += parts
        if self._weighings[0] != self._weighings[1]:
            players.append(WEIGHTS)
        self.players = tuple(players)

    def scores(self, masks: Masks) -> DoubleArray:
        """Log-probabilities float64[n, n_items] of coalitions bool[n, n_players]."""
        scores = np.empty((len(masks), len(self._ids)))
        catalogue, weights = self._taken(masks, CATALOGUE), self._taken(masks, WEIGHTS)
        for known in (0, 1):
            for weighing in (0, 1):
                rows = np.flatnonzero((catalogue == known) & (weights == weighing))
                if len(rows):
                    scores[rows] = self._scored(masks[rows], known, self._weighings[weighing])
        return scores

    def _taken(self, masks: Masks, player: str) -> IntArray:
        """Which model each coalition takes a part from, int64[n] of 0 and 1."""
        if player not in self.players:
            return np.zeros(len(masks), np.int64)
        return masks[:, self.players.index(player)].astype(np.int64)

    def _scored(self, masks: Masks, known: int, weighing: _Weighing) -> DoubleArray:
        logits = np.tile(weighing.offset, (len(masks), 1))
        for name, weight in weighing.weights.items():
            choice = np.zeros(len(masks), np.int64)
            for place, part in enumerate(self._parts[name]):
                choice += self._taken(masks, part) << place
            logits += weight * self._variants[name][choice]
        inside = np.flatnonzero(self._known[known])
        index = {self._ids[item]: at for at, item in enumerate(inside)}
        one = ExcludedItems.of([self._history], index)
        n, taken = len(masks), len(one.items)
        rows = np.repeat(np.arange(n), taken)
        consumed = ExcludedItems(rows, np.tile(one.items, n))
        if weighing.repeat is None:
            consumed = ExcludedItems(rows[:0], consumed.items[:0])
        kept = logits[:, inside].astype(np.float32)
        own = normalise(kept, consumed, weighing.repeat or 0.5).astype(np.float64)
        missing = len(self._ids) - len(inside)
        if not missing:
            return own
        scores = np.full((n, len(self._ids)), np.log(UNKNOWN_SHARE / missing))
        scores[:, inside] = own + np.log1p(-UNKNOWN_SHARE)
        return scores


def _components(recommender: Recommender) -> dict[str, Recommender]:
    parts = recommender.components if isinstance(recommender, Joint) else (recommender,)
    return {part.id: part for part in parts}


def _weighing(side: Earlier, history: History) -> _Weighing:
    own, n = side.recommender, len(side.item_ids)
    if not isinstance(own, Joint):
        return _Weighing({own.id: np.ones(n)}, np.zeros(n), None)
    counts = np.zeros(n, np.int64)
    counts[side.places] = own.item_counts
    joint = replace(own, item_ids=side.item_ids, item_counts=counts)
    weights, offset = joint.weights_of_items(side.as_then(history))
    return _Weighing(weights, offset, own.repeat)


def _log_p(side: Earlier, component: Recommender, history: History) -> DoubleArray:
    """A component's log-probabilities over the whole catalogue, float64[n_items]."""
    kinds = side.kinds
    if isinstance(component, InterestModel):
        kinds = kinds_within(len(component.network.kind_in.weight))
    whole = replace(side, recommender=component, kinds=kinds)
    log_p: DoubleArray = whole.log_probabilities([history])[0].astype(np.float64)
    return log_p


def _hybrid(network: InterestModel, vectors: InterestModel) -> InterestModel:
    """One model's network, sentiment and constant for own items over another's item vectors."""
    if network is vectors:
        return network
    reads, then = network.events, vectors.events
    events = EventEncoder(
        then.item_index, reads.rating_scale, reads.sentiment, reads.text_vectors, reads.text_dim
    )
    return InterestModel(
        network.config,
        network.network,
        vectors.item_ids,
        vectors.item_vectors,
        vectors.item_bias,
        events,
        network.repeat_offset,
    )


def is_separated(changes: Changes) -> bool:
    """Whether interest network and item vectors are players of their own, or neither plays."""
    return INTEREST not in changes.components

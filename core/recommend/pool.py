"""How components become one distribution: a gated log-linear pool, fitted on validation cases.

The logit of item i after history h is  sum_c w_c(h) log p_c(i | h) + b(i), with weights
w(h) = W z(h) linear in what is known at that moment and b(i) by how often i was seen in training:
a logarithmic opinion pool (Genest & Zidek 1986) whose weights depend on the case, as the gate of
Jacobs et al. (1991).

Items without training events are another problem than known ones, and what serves one hurts the
other (Barkan et al. 2021, arXiv 2112.07615). Their logits are  sum_c (w_c(h) + u_c) log p_c + b(0)
+ v z(h): components may count otherwise for them, and how likely a new item is depends on the case.

b(i) also learns how the catalogue came about. Where it lists only items that some user had, an item
without training events must be a held-out event, so b is high for it; in a shop's whole catalogue,
b is low.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from core.domain import History
from core.recommend.training_data import EncodedHistories

FEATURES = (
    "events",
    "days between the last two events",  # no sentence
    "training events of the last item",  # no sentence
    "mean training events of the items",  # no sentence
    "share of items hardly seen in training",  # no sentence
    "share of events with text",  # no sentence
)
"""Counts and days enter as log(1 + x); hardly seen means at most one training event."""
FURTHEST = 2.5
"""Standard deviations at which a feature is cut off, so that no weight runs away."""
BUCKET_STARTS = (1, 2, 4, 8, 16, 32, 128)
"""Training events at which the next bucket of items begins; bucket 0 are the unseen ones."""
N_BUCKETS = len(BUCKET_STARTS) + 1
MOST_ITERATIONS = 100
GATE_PENALTY, CONSTANT_PENALTY, UNMET_PENALTY = 1.0, 0.1, 1.0
"""Relative strength of the penalty on what depends on the case, on what doesn't, and on weights of
items without training events that differ from those of others."""


@dataclass(frozen=True, eq=False)
class Gate:
    """Standardises the features by their ``mean`` and ``spread`` float64[n_features]."""

    mean: DoubleArray
    spread: DoubleArray

    @classmethod
    def of(cls, features: DoubleArray) -> Gate:
        """Learn mean and spread from float64[n, n_features] with NaN for unknown."""
        known = ~np.isnan(features)
        n = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, features, 0.0).sum(axis=0) / n
        spread = np.sqrt((np.where(known, features - mean, 0.0) ** 2).sum(axis=0) / n)
        return cls(mean, spread)

    def __call__(self, features: DoubleArray) -> DoubleArray:
        """A leading 1 and the standardised features, float64[n, 1 + n_features]; unknown is 0."""
        usable = self.spread > 1e-6
        scaled = np.where(usable, (features - self.mean) / np.where(usable, self.spread, 1.0), 0.0)
        scaled = np.clip(np.nan_to_num(scaled, nan=0.0), -FURTHEST, FURTHEST)
        return np.hstack([np.ones((len(features), 1)), scaled])


def features_of(
    histories: Sequence[History], encoded: EncodedHistories, item_counts: IntArray
) -> DoubleArray:
    """The ``FEATURES`` of each history, float64[n, n_features], NaN where unknown.

    ``encoded`` are the same histories; ``item_counts`` int64[n_items] training events. Parts that
    an explainer removed are unknown.
    """
    n = len(histories)
    features = np.full((n, len(FEATURES)), np.nan)
    # Histories of one question are made of the same few events, and many of the same items.
    events = [event for history in histories for event in history.events]
    keys = list(map(id, events))
    with_text = {key: bool(event.words) for key, event in zip(keys, events, strict=True)}
    length = np.array([len(history) for history in histories], np.int64)
    some, starts = length > 0, np.cumsum(length) - length
    features[:, 0] = np.log1p(length)
    texts = np.fromiter(map(with_text.__getitem__, keys), np.int64, len(keys))
    features[some, 5] = _sums(texts, starts[some]) / length[some]
    days: dict[tuple[int, int], float] = {}
    for row in np.flatnonzero(length > 1).tolist():
        before, last = histories[row].events[-2:]
        if before.timed and last.timed:
            pair = id(before), id(last)
            if pair not in days:
                seconds = (last.timestamp - before.timestamp).total_seconds()
                days[pair] = np.log1p(max(seconds, 0.0) / 86_400)
            features[row, 1] = days[pair]
    bounds = np.searchsorted(encoded.row, np.arange(n + 1))
    known = np.diff(bounds)
    some = known > 0
    counts = np.log1p(item_counts[encoded.item])
    features[some, 2] = counts[bounds[1:][some] - 1]
    sums: dict[bytes, float] = {}
    for row in np.flatnonzero(some).tolist():
        own = slice(bounds[row], bounds[row + 1])
        items = encoded.item[own].tobytes()
        if items not in sums:
            sums[items] = counts[own].sum()
        features[row, 3] = sums[items]
    features[some, 3] /= known[some]
    rare = _sums((counts < 0.7).astype(np.int64), bounds[:-1][some])
    features[some, 4] = rare / known[some]
    return features


def _sums(values: IntArray, starts: IntArray) -> IntArray:
    """Sums of pieces of int64[m] that begin at ``starts`` int64[n], none empty."""
    return np.add.reduceat(values, starts) if len(starts) else np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Pool:
    """``weights`` float64[n_components, 1 + n_features] and ``offsets`` float64[N_BUCKETS].

    Added for items without training events: ``unmet`` float64[n_components] to the weights and
    ``unmet_gate`` float64[n_features], times the features, to the offset.
    """

    weights: DoubleArray
    offsets: DoubleArray
    unmet: DoubleArray
    unmet_gate: DoubleArray

    @classmethod
    def equal(cls, n_components: int, n_features: int) -> Pool:
        """All components alike, whatever the case and the item."""
        weights = np.zeros((n_components, 1 + n_features))
        weights[:, 0] = 1.0 / n_components
        nothing = np.zeros(N_BUCKETS), np.zeros(n_components), np.zeros(n_features)
        return cls(weights, *nothing)

    @classmethod
    def of(cls, point: DoubleArray, n_components: int, n_features: int) -> Pool:
        """From the numbers that ``vector`` gave."""
        sizes = np.cumsum([n_components * (1 + n_features), N_BUCKETS, n_components])
        weights, offsets, unmet, unmet_gate = np.split(point, sizes)
        return cls(weights.reshape(n_components, 1 + n_features), offsets, unmet, unmet_gate)

    @property
    def vector(self) -> DoubleArray:
        """All numbers in a row, float64[n]."""
        return np.concatenate([self.weights.ravel(), self.offsets, self.unmet, self.unmet_gate])

    def of_components(self, numbers: Sequence[int]) -> Pool:
        """The same of some components alone."""
        rows = np.array(numbers, np.int64)
        return Pool(self.weights[rows], self.offsets, self.unmet[rows], self.unmet_gate)

    def scaled(self, factor: float) -> Pool:
        """All logits times ``factor``: the same order, surer or less sure."""
        n_components, n_gate = self.weights.shape
        return Pool.of(self.vector * factor, n_components, n_gate - 1)


@dataclass(frozen=True, eq=False)
class Contenders:
    """Cases reduced to the items that matter: n cases with K items each, the target in column 0.

    ``log_p`` float32[C, n, K]: what each component says; ``offset`` float32[n, K]: the log of how
    many items each stands for (-inf: none); ``bucket`` int64[n, K]; ``gate`` float64[n, 1 +
    n_features] with a leading 1.
    """

    log_p: FloatArray
    offset: FloatArray
    bucket: IntArray
    gate: DoubleArray

    def __len__(self) -> int:
        return len(self.offset)

    def take(self, rows: BoolArray) -> Contenders:
        """The cases that bool[n] marks."""
        return Contenders(
            np.ascontiguousarray(self.log_p[:, rows]),
            self.offset[rows],
            self.bucket[rows],
            self.gate[rows],
        )

    def logits(self, pool: Pool) -> FloatArray:
        """Logits by one pool, float32[n, K]; ``offset`` is part of them."""
        return self.offset + self.own(pool)

    def own(self, pool: Pool) -> FloatArray:
        """Logits of the items themselves by one pool, float32[n, K]; equal for equal items."""
        weights = (self.gate @ pool.weights.T).astype(np.float32)
        own = pool.offsets.astype(np.float32)[self.bucket]
        for weight, log_p in zip(weights.T, self.log_p, strict=True):
            own += weight[:, None] * log_p
        case, place = self.unmet
        own[case, place] += (self.gate[:, 1:] @ pool.unmet_gate).astype(np.float32)[case]
        for further, log_p in zip(pool.unmet.astype(np.float32), self.log_p, strict=True):
            own[case, place] += further * log_p[case, place]
        return own

    @cached_property
    def unmet(self) -> tuple[IntArray, IntArray]:
        """Cases and columns of the items without training events, both int64[m]."""
        case, place = np.nonzero((self.bucket == 0) & np.isfinite(self.offset))
        return case, place


def buckets_of(counts: IntArray) -> IntArray:
    """The bucket of each item by its training events, int64[n_items]."""
    return np.searchsorted(BUCKET_STARTS, counts, side="right").astype(np.int64)


def choose_contenders(
    log_p: FloatArray, target: int, eligible: BoolArray, most: int, seed: int
) -> tuple[IntArray, FloatArray]:
    """The items of one case that a fit looks at: the target, all leaders, a sample of the rest.

    ``log_p`` float32[C, n_items], ``eligible`` bool[n_items]. Returns int64[K] and the log of how
    many items each stands for, float32[K], with K = min(most, n_items); a catalogue of at most
    ``most`` items is taken whole.
    """
    n_items = log_p.shape[1]
    size = min(most, n_items)
    rest = np.flatnonzero(eligible & (np.arange(n_items) != target))
    stands_for = np.zeros(len(rest), np.float32)
    if len(rest) >= size:
        lead = max(3 * (size - 1) // (4 * len(log_p)), 1)
        leaders = np.unique(np.argpartition(log_p[:, rest], -lead, axis=1)[:, -lead:])
        others = np.delete(rest, leaders)
        room = size - 1 - len(leaders)
        sample = np.random.default_rng(seed).choice(others, room, replace=False)
        rest = np.concatenate([rest[leaders], sample])
        stands_for = np.zeros(len(rest), np.float32)
        stands_for[len(leaders) :] = np.log(len(others) / room)
    items = np.full(size, target, np.int64)
    offset = np.full(size, -np.inf, np.float32)
    items[1 : 1 + len(rest)] = rest
    offset[0] = 0.0
    offset[1 : 1 + len(rest)] = stands_for
    return items, offset


def fit_pool(
    cases: Contenders,
    power: float,
    penalty: float,
    centre: Pool | None = None,
    start: Pool | None = None,
) -> Pool:
    """The pool under which the targets of ``cases`` do best.

    ``power`` says what best means: 0 is the mean log-likelihood, q > 0 the mean of p ** q / q with
    p the target's probability. The latter cares less about targets that are out of reach anyway,
    as a list of ten does (the generalised cross-entropy of Zhang & Sabuncu, NeurIPS 2018).
    ``penalty`` pulls towards ``centre``, by default equal constant weights without gate or offsets
    (ridge). The search begins at ``start``, by default the centre.
    """
    n_components, n = len(cases.log_p), len(cases)
    n_features = cases.gate.shape[1] - 1
    centre = centre or Pool.equal(n_components, n_features)
    even = np.full_like(centre.vector, penalty * GATE_PENALTY)
    strength = Pool.of(even, n_components, n_features)
    strength.weights[:, 0] = strength.offsets[:] = penalty * CONSTANT_PENALTY
    strength.unmet[:] = penalty * UNMET_PENALTY
    pull_back, middle = strength.vector, centre.vector
    case, place = cases.unmet

    def loss(point: DoubleArray) -> tuple[float, DoubleArray]:
        chance = cases.logits(Pool.of(point, n_components, n_features))
        chance -= chance.max(axis=1, keepdims=True)
        log_target = chance[:, 0].copy()
        np.exp(chance, out=chance)
        total = chance.sum(axis=1)
        log_target = log_target.astype(np.float64) - np.log(total)
        pull = np.exp(power * log_target)
        value = -pull.mean() / power if power else -log_target.mean()
        slope = chance * (pull / total / n).astype(np.float32)[:, None]
        slope[:, 0] -= (pull / n).astype(np.float32)
        by_case = np.stack([np.einsum("nk,nk->n", slope, log_p) for log_p in cases.log_p])
        of_unmet = slope[case, place].astype(np.float64)
        gradient = Pool(
            by_case.astype(np.float64) @ cases.gate,
            np.bincount(cases.bucket.ravel(), slope.ravel(), N_BUCKETS).astype(np.float64),
            cases.log_p[:, case, place] @ of_unmet,
            np.bincount(case, of_unmet, minlength=n) @ cases.gate[:, 1:],
        )
        off = point - middle
        return float(value + (pull_back * off * off).sum()), gradient.vector + 2 * pull_back * off

    from scipy.optimize import minimize

    first = middle if start is None else start.vector
    optimum = minimize(
        loss, first, jac=True, method="L-BFGS-B", options={"maxiter": MOST_ITERATIONS}
    )
    return Pool.of(optimum.x, n_components, n_features)

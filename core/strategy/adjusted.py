"""A joint with settings of its own: refitted weights, a share for new items, diverse lists.

The first ``PLACES`` places are filled one after the other. Each takes the candidate with the best
maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998): ``1 - diversity`` times its score,
scaled to 0..1 among the candidates, less ``diversity`` times its largest cosine with an item placed
before. Where the new items placed so far are fewer than their share, only new items may take the
place. An item's score is then the probability of the place that it was given: re-ranking exchanges
scores, so that their sum stays, and lists, ranks and explanations need to know nothing of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.arrays import BoolArray, FloatArray, IntArray
from core.corpus.corpus import Corpus
from core.domain import DomainError, History
from core.interest_map.projection import unit
from core.language import mark, tr
from core.ranking import ExcludedItems
from core.recommend.joint import Joint
from core.recommend.own import Registered
from core.recommend.pool import Pool
from core.recommend.protocol import Recommender
from core.recommend.training_data import TrainingData

PLACES = 20
"""Places that are filled one after the other; below them items stay in order of their scores."""
CANDIDATES = 100
"""Items with the best scores among which each place chooses, beside new ones."""
NEW_UP_TO = 1
"""Training events of a new item at most."""
MOST_SHARE, MOST_DIVERSITY = 0.5, 0.9
RERANKING = mark("re-ranking")
"""What a component of the score is called that re-ranking added."""
ROWS = 256
"""Lists that are re-ranked together."""
MOST_TABLED = 1_500
"""Candidates of lists that are re-ranked together, up to which all their cosines are made at once:
partial histories of one user have nearly the same."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``new_share`` of a list's places goes to new items at least; ``diversity`` as in the module.

    DomainError outside 0..0.5 and 0..0.9.
    """

    new_share: float = 0.0
    diversity: float = 0.0

    def __post_init__(self) -> None:
        for name, value, most in (
            (mark("share for new items"), self.new_share, MOST_SHARE),
            (mark("diversity"), self.diversity, MOST_DIVERSITY),
        ):
            if not 0.0 <= value <= most:
                raise DomainError(
                    tr("the {name} can't be {value:g}", name=tr(name), value=value),
                    remedy=tr("Give a number from 0 to {most:g}", most=most),
                )

    @property
    def reranks(self) -> bool:
        """Whether lists are not simply in order of the joint's scores."""
        return self.new_share > 0 or self.diversity > 0


@dataclass(frozen=True, eq=False)
class Adjusted:
    """Satisfies ``Recommender``: ``joint`` with a strategy's settings.

    ``directions`` float32[n_items, d]: item vectors of unit length.
    """

    id: str
    joint: Joint
    settings: Settings
    directions: FloatArray

    @classmethod
    def of(
        cls, id: str, joint: Joint, settings: Settings, item_vectors: FloatArray, pool: Pool | None
    ) -> Adjusted:
        """``joint`` with other weights, unless ``pool`` is None; ``item_vectors`` of any length.

        DomainError where the weights belong to another joint.
        """
        if pool is not None:
            if pool.weights.shape != joint.pool.weights.shape:
                raise DomainError(
                    tr(
                        "the strategy {id!r} has weights of {given} components, the joint has "
                        "{needed}",
                        id=id,
                        given=len(pool.weights),
                        needed=len(joint.components),
                    ),
                    remedy=tr("Refit its weights: python -m core reweigh"),
                )
            joint = replace(joint, pool=pool)
        return cls(id, joint, settings, unit(item_vectors))

    @property
    def new_items(self) -> BoolArray:
        """Items with at most one training event, bool[n_items]."""
        return self.joint.item_counts <= NEW_UP_TO

    def log_probabilities(self, histories: Sequence[History]) -> FloatArray:
        """As ``Recommender``, float32[n_histories, n_items]."""
        scores = self.joint.log_probabilities(histories)
        if not self.settings.reranks:
            return scores
        for start in range(0, len(histories), ROWS):
            part = slice(start, start + ROWS)
            excluded = ExcludedItems.of(histories[part], self.joint.item_index)
            rerank(scores[part], excluded, self.new_items, self.directions, self.settings)
        return scores


class Strategic(Registered):
    """A strategy as the engine holds it."""

    recommender: Adjusted
    follows_model = True

    @property
    def fingerprint(self) -> str:
        """8 hex digits of the settings and the weights, which decide with the model."""
        settings, pool = self.recommender.settings, self.recommender.joint.pool
        content = hashlib.sha256(repr(settings).encode())
        content.update(pool.vector.tobytes())
        return content.hexdigest()[:8]

    def fitted_on(self, data: TrainingData) -> Registered:
        """DomainError: a strategy adjusts one model."""
        raise DomainError(
            tr(
                "the strategy {id!r} adjusts the joint of one model and can't be fitted on other "
                "training data",
                id=self.id,
            ),
            remedy=tr("Judge it by leave-last-out"),
        )


def strategic(corpus: Corpus, adjusted: Adjusted) -> Strategic:
    """A strategy whose answers are checked like those of other own recommenders."""
    return Strategic(corpus, adjusted)


def adjusted_of(recommender: Recommender) -> Adjusted | None:
    """What a strategy adjusts; None for any other recommender."""
    return recommender.recommender if isinstance(recommender, Strategic) else None


def joint_of(recommender: Recommender) -> Joint | None:
    """The joint that a recommender is, or that its strategy adjusts; None for others."""
    adjusted = adjusted_of(recommender)
    if adjusted is not None:
        return adjusted.joint
    return recommender if isinstance(recommender, Joint) else None


def rerank(
    scores: FloatArray,
    excluded: ExcludedItems,
    is_new: BoolArray,
    directions: FloatArray,
    settings: Settings,
) -> None:
    """Exchange scores float32[n, n_items] in place, so that lists are as ``settings`` say.

    ``is_new`` bool[n_items]; ``directions`` float32[n_items, d] of unit length.
    """
    allowed = scores.copy()
    allowed[excluded.rows, excluded.items] = -np.inf
    order = ordered(allowed, scores.shape[1] if settings.new_share else CANDIDATES)
    ranked = np.take_along_axis(allowed, order, axis=1)
    for row, places in enumerate(chosen_ranks(order, ranked, is_new, directions, settings)):
        if not len(places):
            continue
        depth = int(places.max()) + 1
        rest = np.setdiff1d(np.arange(depth), places)
        now = order[row, np.concatenate([places, rest])]
        scores[row, now] = ranked[row, :depth]


def ordered(allowed: FloatArray, depth: int) -> IntArray:
    """Catalogue indices of the best items of each row, best first, int64[n, min(depth, n_items)].

    Equal scores go by item id.
    """
    n_items = allowed.shape[1]
    if depth >= n_items:
        return np.argsort(-allowed, axis=1, kind="stable").astype(np.int64)
    # Of equal scores at the edge the partition may take any; one place more tells where that is so.
    best = np.sort(np.argpartition(-allowed, depth, axis=1)[:, : depth + 1], axis=1)
    at = np.argsort(-np.take_along_axis(allowed, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(best, at, axis=1)[:, :depth].astype(np.int64)


def chosen_ranks(
    order: IntArray,
    ranked: FloatArray,
    is_new: BoolArray,
    directions: FloatArray,
    settings: Settings,
) -> list[IntArray]:
    """Which item takes each place, by its rank from 0 before re-ranking: int64[<= 20] per row.

    ``order`` int64[n, depth] are items by score, ``ranked`` float32[n, depth] their scores.
    """
    n = len(order)
    ranks = np.tile(np.arange(min(CANDIDATES, order.shape[1])), (n, 1))
    if settings.new_share:
        new = is_new[order[:, ranks.shape[1] :]]
        more = np.full((n, PLACES), -1)
        for row in range(n):
            found = np.flatnonzero(new[row])[:PLACES] + ranks.shape[1]
            more[row, : len(found)] = found
        ranks = np.hstack([ranks, more])
    items = np.take_along_axis(order, np.maximum(ranks, 0), axis=1)
    value = np.take_along_axis(ranked, np.maximum(ranks, 0), axis=1).astype(np.float64)
    value[ranks < 0] = -np.inf
    open_ = np.isfinite(value)
    top = np.where(open_, value, -np.inf).max(axis=1, initial=-np.inf)
    lead = value[:, : min(CANDIDATES, value.shape[1])]
    low = np.where(np.isfinite(lead), lead, np.inf).min(axis=1, initial=np.inf)
    spread = np.where(np.isfinite(top) & (top > low), top - low, 1.0)
    with np.errstate(invalid="ignore"):
        relevance = np.where(open_, (value - low[:, None]) / spread[:, None], -np.inf)
    gain = (1.0 - settings.diversity) * relevance
    cosine_to = _cosines(items, directions) if settings.diversity else None
    likeness = np.full(value.shape, -1.0)
    new_ones, rows = is_new[items], np.arange(n)
    placed, taken = np.zeros(n, np.int64), []
    for place in range(1, PLACES + 1):
        marginal = gain - settings.diversity * likeness if place > 1 else gain
        owed = (placed < int(settings.new_share * place + 1e-9)) & (open_ & new_ones).any(axis=1)
        marginal = np.where(open_ & (new_ones | ~owed[:, None]), marginal, -np.inf)
        best = marginal.argmax(axis=1)
        is_filled = open_.any(axis=1)
        taken.append(np.where(is_filled, ranks[rows, best], -1))
        placed += is_filled & new_ones[rows, best]
        open_[rows[is_filled], best[is_filled]] = False
        if cosine_to is not None:
            likeness = np.maximum(likeness, cosine_to(best))
    table = np.stack(taken, axis=1)
    return [row[row >= 0] for row in table]


def _cosines(items: IntArray, directions: FloatArray) -> Callable[[IntArray], FloatArray]:
    """A function of one candidate of each row: its cosines with all candidates of that row.

    ``items`` int64[n, m]; the function takes int64[n] of columns and returns float32[n, m].
    """
    rows = np.arange(len(items))
    known, place = np.unique(items, return_inverse=True)
    if len(known) <= MOST_TABLED:
        place, own = place.reshape(items.shape), directions[known]
        with np.errstate(invalid="ignore"):
            table = own @ own.T
        return lambda best: table[place[rows, best][:, None], place]
    vectors = directions[items]

    def cosine(best: IntArray) -> FloatArray:
        with np.errstate(invalid="ignore"):
            return np.asarray(np.einsum("nmd,nd->nm", vectors, vectors[rows, best]))

    return cosine

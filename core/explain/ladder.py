"""Why an item is not in a list, step by step: components, offset, exclusion.

The joint is a log-linear pool, so what one component adds to every item is known exactly, and so is
the list without it. Nothing is estimated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from core.arrays import BoolArray, FloatArray, IntArray
from core.domain import CONSUMING_KINDS, History
from core.ranking import excluded_mask, rank_of, top_k
from core.recommend.joint import SEEN, Joint
from core.recommend.protocol import Recommender
from core.strategy.adjusted import RERANKING, adjusted_of, joint_of


class Cause(StrEnum):
    """Which step cost an item its place; the first that holds."""

    EXCLUDED = "excluded"
    """The user already has it."""
    RERANKED = "re-ranked"
    """Before the strategy re-ranked it was in the list."""
    OFFSET = "offset"
    """Without its offset by training events the item would be in the list."""
    COMPONENT = "component"
    """Without this one component it would be."""
    OUTWEIGHED = "outweighed"
    """Some component has it in its own list, and no single step would bring it in."""
    EVERYWHERE = "everywhere"
    """No component has it in its own list, and no single step would bring it in."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One component of the joint, its offset by training events (``SEEN``), or re-ranking."""

    part: str
    rank: int | None
    """The item's rank in the component's own list; None for the offset and for re-ranking."""
    margin: float
    """What it adds to the item beyond the list's k-th item, in nats; all add up to the margin."""
    rank_without: int
    """The item's rank in the joint without it; before re-ranking, where a strategy re-ranks."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """How an item that is not among the first ``k`` lost its place.

    Ranks are among the items that may be listed, and the item itself as if it could be.
    """

    k: int
    cause: Cause
    part: str | None
    """The component that cost the place, where one did."""
    rank: int
    """By the whole score: the place in the list, where the item is not excluded."""
    rank_in_catalogue: int
    """The same where nothing is excluded."""
    excluded_by: tuple[int, ...]
    """Steps because of which the item is excluded."""
    training_events: int | None
    """Of the item, as the joint knows it; None for other recommenders."""
    rungs: tuple[Rung, ...]
    """The joint's components in its order, then the offset, then the strategy's re-ranking; () for
    any other recommender."""

    @property
    def best(self) -> Rung | None:
        """The component in whose own list the item ranks best; None without components."""
        own = [(rung.rank, at) for at, rung in enumerate(self.rungs) if rung.rank is not None]
        return self.rungs[min(own)[1]] if own else None

    def to_json(self) -> dict[str, Any]:
        """The contract's form; ``final_rank`` is null for an excluded item."""
        is_excluded = self.cause is Cause.EXCLUDED
        facts = asdict(self) | {"cause": str(self.cause), "excluded_by": list(self.excluded_by)}
        facts["rungs"] = [asdict(rung) for rung in self.rungs]
        return facts | {"final_rank": None if is_excluded else self.rank}


def make_ladder(
    recommender: Recommender, history: History, item_id: str, item_index: Mapping[str, int], k: int
) -> Ladder | None:
    """The ladder of an item of the catalogue; None where it is among the first ``k``.

    An excluded item is asked about as if it alone were not: recommenders give what the user has a
    small probability of its own.
    """
    item, had = item_index[item_id], history.excluded_items()
    is_excluded = item_id in had
    possible = replace(history, consumed=had - {item_id})
    excluded = excluded_mask(possible, item_index)
    scores: FloatArray = recommender.log_probabilities([possible])[0]
    rank = rank_of(item, scores, excluded)
    if rank <= k and not is_excluded:
        return None
    joint, adjusted = joint_of(recommender), adjusted_of(recommender)
    rungs: tuple[Rung, ...] = ()
    if joint is not None and adjusted is not None and adjusted.settings.reranks:
        before: FloatArray = joint.log_probabilities([possible])[0]
        listed = top_k(scores, excluded, k)
        rungs = _rungs(joint, possible, item, before, excluded, listed)
        rungs = (*rungs, _rung_of_reranking(scores, before, item, excluded, listed))
    elif joint is not None:
        listed = top_k(scores, excluded, k)
        rungs = _rungs(joint, possible, item, scores, excluded, listed)
    cause, part = (Cause.EXCLUDED, None) if is_excluded else _cause(rungs, k)
    of_all = recommender.log_probabilities([replace(history, consumed=frozenset())])[0]
    steps = enumerate(history.events, start=1)
    return Ladder(
        k=k,
        cause=cause,
        part=part,
        rank=rank,
        rank_in_catalogue=rank_of(item, of_all, np.zeros_like(excluded)),
        excluded_by=tuple(
            step for step, e in steps if e.item_id == item_id and e.kind in CONSUMING_KINDS
        ),
        training_events=int(joint.item_counts[item]) if joint else None,
        rungs=rungs,
    )


def _rung_of_reranking(
    scores: FloatArray, before: FloatArray, item: int, excluded: BoolArray, listed: IntArray
) -> Rung:
    """What re-ranking did to the item and to the list's last one."""
    moved = scores.astype(np.float64) - before
    margin = float(moved[item] - moved[listed[-1]]) if len(listed) else 0.0
    return Rung(RERANKING, None, margin, rank_of(item, before, excluded))


def _rungs(
    joint: Joint,
    history: History,
    item: int,
    scores: FloatArray,
    excluded: BoolArray,
    listed: IntArray,
) -> tuple[Rung, ...]:
    own = {c.id: c.log_probabilities([history])[0] for c in joint.components}
    rungs = []
    for part, added in joint.contributions(history).items():
        without = rank_of(item, (scores - added).astype(np.float32), excluded)
        rank = rank_of(item, own[part], excluded) if part in own else None
        margin = float(added[item] - added[listed[-1]]) if len(listed) else 0.0
        rungs.append(Rung(part, rank, margin, without))
    return tuple(rungs)


def _cause(rungs: Sequence[Rung], k: int) -> tuple[Cause, str | None]:
    saved = [rung for rung in rungs if rung.rank_without <= k]
    if any(rung.part == RERANKING for rung in saved):
        return Cause.RERANKED, None
    if any(rung.part == SEEN for rung in saved):
        return Cause.OFFSET, None
    if saved:
        return Cause.COMPONENT, min(saved, key=lambda rung: (rung.rank_without, rung.margin)).part
    if any(rung.rank is not None and rung.rank <= k for rung in rungs):
        return Cause.OUTWEIGHED, None
    return Cause.EVERYWHERE, None

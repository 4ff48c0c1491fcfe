"""The fewest edits that bring an item into the first k, or take it out.

Edits are deleting an event, setting a rating to an end of the scale, and adding one event: of an
item that is near in content or was had by the same people. Sets of edits are tried smallest first:
all of a size where there are not too many, and otherwise combinations of what works best alone and
extensions of the best smaller sets. Unlike in an explanation's counterfactual, what is excluded
follows from the edited history, as everywhere in What-if. What is reported was asked of the
recommender itself, just as ``whatif`` asks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import combinations, product
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from core.arrays import FloatArray
from core.domain import CONSUMING_KINDS, DomainError, Event, EventKind, History
from core.explain.counterfactual import possible_edits
from core.explain.explanation import find_item
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.ranking import ExcludedItems, excluded_mask, rank_of, top_k
from core.recommend.protocol import Recommender
from core.scenario.edits import Edit, Op, apply_edits
from core.shapley.game import CELLS_PER_BATCH

if TYPE_CHECKING:
    from core.engine import Engine

Edits = tuple[Edit, ...]

NEAR = ("content", "item-knn")
"""Recommenders whose lists after the item alone give the items that may be added."""
NEAR_ITEMS = 5
"""Items taken of each."""
MOST_EDITS, MOST_STEPS = 10, 1_000
MOST_TRIED = 12_000
BEAM, BRANCHES, COMBINED = 5, 100, 800
"""Where not all sets of a size can be tried: so many of the best smaller ones are extended by so
many of the edits that do most alone, and so many sets are combined of those."""
ROUNDING = 1e-4
"""Nats: a set that misses the goal by so little is asked as ``whatif`` asks."""
STILL_EXCLUDED = 1e3
"""Taken off the lead for each event that keeps the item out of all lists."""
FARTHEST = 1e6


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The smallest set of edits found, or what was tried in vain.

    ``rank_before`` is None where the item is excluded. ``edits`` are in order of steps, an added
    event last; () where nothing was found, and where nothing is needed.
    """

    item_id: str
    goal: str
    k: int
    rank_before: int | None
    found: bool
    edits: Edits
    verified_rank: int | None
    """The item's rank after the edits; None where nothing was found."""
    tried: int
    """Sets of edits that the recommender was asked about."""
    complete_up_to: int
    """All sets of up to so many of the candidates were tried."""
    candidates: dict[str, int]
    """How many edits of each kind there were to choose from."""
    closest: Edits = ()
    """Where nothing was found, the set that came closest."""
    closest_rank: int | None = None

    @property
    def proven(self) -> bool:
        """Whether no smaller set of the candidates does it, because all were tried."""
        return self.found and len(self.edits) - 1 <= self.complete_up_to

    def to_json(self) -> dict[str, Any]:
        """The contract's form of the verb ``search-edits``."""
        return {
            "found": self.found,
            "edits": [edit.to_json() for edit in self.edits],
            "verified_rank": self.verified_rank,
            "tried": {
                "sets": self.tried,
                "complete_up_to": self.complete_up_to,
                "candidates": self.candidates,
                "rank_before": self.rank_before,
                "closest": [edit.to_json() for edit in self.closest],
                "closest_rank": self.closest_rank,
            },
        }


def search_edits(
    engine: Engine,
    base: History,
    item_id: str,
    goal: str,
    recommender: str | None = None,
    k: int = 10,
    *,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> SearchResult:
    """The fewest edits of a history after which an item is in (or out of) the first ``k``.

    An item that is excluded is not in the list; deleting what excludes it may bring it in. The item
    itself is never added. DomainError for an unknown item, goal or recommender.
    """
    if goal not in ("in", "out"):
        raise DomainError(f"unknown goal {goal!r}", where="--goal", remedy="Use in or out")
    item = find_item(engine, item_id)
    groups = candidate_edits(engine, base, item_id)
    search = _Search(engine, base, item, goal, engine.recommender(recommender), k, stop)
    rank, reached = search.verify(())
    edits: Edits | None = () if reached else search.smallest(groups, progress)
    closest = () if edits is not None else search.closest()
    return SearchResult(
        item_id=item_id,
        goal=goal,
        k=k,
        rank_before=rank,
        found=edits is not None,
        edits=edits or (),
        verified_rank=search.verify(edits)[0] if edits is not None else None,
        tried=len(search.leads),
        complete_up_to=search.complete,
        candidates={
            str(op): sum(edit.op is op for group in groups for edit in group)
            for op in (Op.DELETE, Op.RATE, Op.ADD)
        },
        closest=closest,
        closest_rank=search.verify(closest)[0] if closest else None,
    )


def candidate_edits(engine: Engine, base: History, item_id: str) -> list[Edits]:
    """What a search may do, in groups of which at most one edit is taken.

    One group for each of the last ``MOST_STEPS`` steps: delete, and for a rated event the ends of
    the scale. A last group adds one event, a second after the clock, of an item near the one in
    question, rated with either end; its kind is one that the corpus has.
    """
    scale = engine.corpus.manifest.rating_scale
    groups: list[Edits] = [
        tuple(
            Edit(Op.DELETE, step)
            if edit.rating is None
            else Edit(Op.RATE, step, rating=edit.rating)
            for edit in edits
        )
        for step, edits in possible_edits(base, scale).items()
    ]
    clock = base.at or engine.corpus.manifest.last
    if clock is not None:
        kinds = engine.corpus.manifest.kinds
        kind = EventKind.RATING
        if scale is None or not kinds.get(kind):
            kind = EventKind(max(kinds, key=lambda name: kinds[name]))
        add = Edit(Op.ADD, timestamp=clock + timedelta(seconds=1), kind=kind)
        groups.append(
            tuple(
                replace(add, item_id=near, rating=rating)
                for near in _near_items(engine, base, item_id)
                for rating in (scale or (None,))
            )
        )
    return [group for group in groups if group]


def _near_items(engine: Engine, base: History, item_id: str) -> list[str]:
    """Items near one in content, then items that the same people had; none of the history's."""
    corpus = engine.corpus
    event = Event(item_id, base.at or corpus.manifest.created, EventKind.VIEW)
    alone = History(base.user_id, (event,))
    known = np.zeros(len(corpus.item_ids), np.bool_)
    known[[corpus.item_index[item] for item in (item_id, *(e.item_id for e in base.events))]] = True
    found: list[int] = []
    for name in NEAR:
        if name in engine.recommenders:
            scores = engine.recommenders[name].log_probabilities([alone])[0]
            near = top_k(scores, known, NEAR_ITEMS)
            known[near] = True
            found += near.tolist()
    return [corpus.item_ids[item] for item in found]


@dataclass(eq=False)
class _Search:
    engine: Engine
    base: History
    item: int
    goal: str
    recommender: Recommender
    k: int
    stop: StopCallback | None
    leads: dict[Edits, float] = field(default_factory=dict)
    """How far each set that was tried is beyond the goal, in nats; negative: short of it."""
    complete: int = 0
    _events: dict[Edit, Event | None] = field(default_factory=dict)

    def verify(self, edits: Edits) -> tuple[int | None, bool]:
        """The item's rank after edits (None: excluded), and whether that is the goal."""
        history = apply_edits(self.base, edits, self.engine.corpus).history
        scores = self.recommender.log_probabilities([history])[0]
        excluded = excluded_mask(history, self.engine.corpus.item_index)
        rank = None if excluded[self.item] else rank_of(self.item, scores, excluded)
        listed = rank is not None and rank <= self.k
        return rank, listed == (self.goal == "in")

    def smallest(self, groups: list[Edits], progress: ProgressCallback | None) -> Edits | None:
        """The smallest set that reaches the goal, of those the one that goes farthest beyond."""
        before: list[Edits] = []
        for size in range(1, min(MOST_EDITS, len(groups)) + 1):
            report(progress, Progress(f"try sets of {size}", len(self.leads), MOST_TRIED))
            left = MOST_TRIED - len(self.leads)
            if self.complete == size - 1 and count_sets(groups, size) <= left:
                sets = list(all_sets(groups, size))
                self.complete = size
            else:
                sets = self._promising(groups, before[:BEAM], size)
                if len(sets) > left:
                    break
            self._try(sets, progress)
            before = sorted(sets, key=lambda edits: -self.leads[edits])
            for edits in before:
                if self.leads[edits] < -ROUNDING:
                    break
                if self.verify(edits)[1]:
                    return edits
        return None

    def closest(self) -> Edits:
        return max(self.leads, key=lambda edits: self.leads[edits], default=())

    def _promising(self, groups: list[Edits], best: list[Edits], size: int) -> list[Edits]:
        """Sets of one size made of the edits that do most alone."""
        own = {edit: self.leads[(edit,)] for group in groups for edit in group}
        place = {edit: at for at, group in enumerate(groups) for edit in group}
        strongest = sorted(own, key=lambda edit: -own[edit])[:BRANCHES]
        found: dict[Edits, None] = {}
        for edits in best:
            taken = {place[edit] for edit in edits}
            for edit in strongest:
                if place[edit] not in taken:
                    found[tuple(sorted((*edits, edit), key=lambda e: place[e]))] = None
        leaders = sorted((max(group, key=lambda e: own[e]) for group in groups),
                         key=lambda edit: -own[edit])  # fmt: skip
        among = size
        while among < len(leaders) and comb(among + 1, size) <= COMBINED:
            among += 1
        ordered = sorted(leaders[:among], key=lambda edit: place[edit])
        found.update(dict.fromkeys(combinations(ordered, size)))
        return [edits for edits in found if edits not in self.leads]

    def _try(self, sets: Sequence[Edits], progress: ProgressCallback | None) -> None:
        n_items = len(self.engine.corpus.item_ids)
        size = max(32, min(512, CELLS_PER_BATCH // n_items))
        for start in range(0, len(sets), size):
            check_stop(self.stop)
            some = sets[start : start + size]
            histories = [self._after(edits) for edits in some]
            scores = self.recommender.log_probabilities(histories)
            self.leads.update(zip(some, self._leads(histories, scores), strict=True))
            report(progress, Progress(f"try sets of {len(some[0])}", len(self.leads), MOST_TRIED))

    def _leads(self, histories: Sequence[History], scores: FloatArray) -> list[float]:
        """The item's lead over the k-th of the others, in the goal's direction."""
        item_id = self.engine.corpus.item_ids[self.item]
        scores = scores.copy()
        own = scores[:, self.item].astype(np.float64)
        excluded = ExcludedItems.of(histories, self.engine.corpus.item_index)
        scores[excluded.rows, excluded.items] = -np.inf
        scores[:, self.item] = -np.inf
        k = min(self.k, scores.shape[1])
        rival = np.partition(scores, -k, axis=1)[:, -k]
        lead = np.clip(own - rival, -FARTHEST, FARTHEST)
        lead -= STILL_EXCLUDED * np.array(
            [
                sum(e.item_id == item_id and e.kind in CONSUMING_KINDS for e in history.events)
                for history in histories
            ]
        )
        found: list[float] = (lead if self.goal == "in" else -lead).tolist()
        return found

    def _after(self, edits: Edits) -> History:
        """What ``apply_edits`` makes of these edits, with events shared between histories."""
        changed: dict[int, Event | None] = {}
        added: list[Event] = []
        for edit in edits:
            if edit not in self._events:
                self._events[edit] = self._event(edit)
            event = self._events[edit]
            if isinstance(edit.step, int):
                changed[edit.step] = event
            elif event is not None:
                added.append(event)
        events = [changed.get(step, event) for step, event in enumerate(self.base.events, start=1)]
        clock = added[0].timestamp if added else self.base.at
        return History(self.base.user_id, (*(e for e in events if e), *added), clock)

    def _event(self, edit: Edit) -> Event | None:
        if edit.op is Op.DELETE:
            return None
        alone = apply_edits(self.base, (edit,), self.engine.corpus)
        step = alone.step_of(edit.step if edit.step is not None else "a1")
        assert step is not None
        return alone.history.events[step - 1]


def count_sets(groups: Sequence[Edits], size: int) -> int:
    """How many sets of a size there are, with at most one edit of each group."""
    ways = [1, *[0] * size]
    for group in groups:
        for chosen in range(size, 0, -1):
            ways[chosen] += ways[chosen - 1] * len(group)
    return ways[size]


def all_sets(groups: Sequence[Edits], size: int) -> Iterator[Edits]:
    """All sets of a size, with at most one edit of each group, in the groups' order."""
    for chosen in combinations(groups, size):
        yield from product(*chosen)

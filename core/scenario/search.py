"""The smallest change of a history that brings an item into the first k, or takes it out.

One search for What-if's fewest edits and for Explain's counterfactual. Sets of edits are tried
smallest first: all of a size where there are not too many, otherwise those of the heaviest events
and combinations of what works best alone with the best smaller sets. What is reported was asked of
the recommender once more, alone, just as ``whatif`` asks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from math import comb
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray
from core.domain import CONSUMING_KINDS, DomainError, History
from core.language import tr
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.ranking import ExcludedItems, excluded_mask, rank_of, ranks_of, top_k
from core.recommend.protocol import Recommender
from core.scenario.candidates import Edits, candidate_edits
from core.scenario.edits import Edit, Op, changed_event, new_event
from core.shapley.game import CELLS_PER_BATCH

if TYPE_CHECKING:
    from core.engine import Engine

Exclusion = Literal["kept", "recomputed"]
"""What a list after edits leaves out: still what the base excludes, or what the edited history
does. Where it is kept, the item itself is ranked as if it were not excluded."""

MOST_EDITS = 10
ROUNDING = 1e-4
"""Nats: a set that misses the goal by less than this is asked alone."""
STILL_EXCLUDED = 1e3
"""Subtracted from the margin for each event that keeps the item out of all lists."""
FARTHEST = 1e6


@dataclass(frozen=True, slots=True)
class Effort:
    """How many sets a search may try, and how it goes on where it cannot try all of a size."""

    in_all: int
    per_size: Sequence[int]
    """By the number of edits, from 1."""
    exhaustive: int = MOST_EDITS
    """Largest size of which all sets are tried, of the heaviest events at least."""
    beam: int = 5
    """Best sets of the size before that are extended by one edit."""
    branches: int = 100
    """Edits, the best alone, by which they are extended."""
    combined: int = 800
    """Sets that are combined from the best edits alone."""


WHAT_IF = Effort(in_all=12_000, per_size=[12_000] * MOST_EDITS)
SHORT, MOST_TRIED = 10, 25_000
"""In a history of up to 10 events sets of any size are tried, up to 25,000 of each size."""
EXHAUSTIVE, EVENTS_ASKED, FEWEST_TRIED = 3, 130_000, 60
"""In a longer one all sets of up to 3 edits, as far as the histories with n edits have 130,000 / n
events together; above, those of the events that weigh most."""


def counterfactual_effort(events: int) -> Effort:
    """How far a counterfactual is searched for in a history of so many events."""
    if events <= SHORT:
        per_size, exhaustive = [MOST_TRIED] * MOST_EDITS, MOST_EDITS
    else:
        sizes, exhaustive = range(1, MOST_EDITS + 1), EXHAUSTIVE
        per_size = [max(EVENTS_ASKED // (events * size), FEWEST_TRIED) for size in sizes]
    in_all, branches = MOST_EDITS * per_size[0], per_size[0]
    return Effort(in_all, per_size, exhaustive, beam=1, branches=branches, combined=0)


@dataclass(frozen=True, slots=True)
class Tried:
    """What a search tried."""

    sets: int = 0
    """Sets of edits that the recommender was asked about."""
    complete_up_to: int = 0
    """All sets of up to this many candidates were tried."""
    among: tuple[int, ...] = ()
    """By size of the sets, from 1: of how many events, the heaviest, all sets were tried."""
    candidates: Mapping[str, int] = field(default_factory=dict)
    """How many edits of each kind there were to choose from."""
    closest: Edits = ()
    """Where nothing was found, the set that came closest."""
    closest_rank: int | None = None


@dataclass(frozen=True, slots=True)
class SmallestChange:
    """The smallest set of edits found, or what was tried where there is none.

    Ranks are None where the item is excluded, ``verified_rank`` also where nothing was found.
    ``edits`` are in order of steps, an added event last; () where nothing was found, and where
    nothing is needed.
    """

    item_id: str
    goal: str
    k: int
    rank_before: int | None
    found: bool
    edits: Edits = ()
    verified_rank: int | None = None
    replaced_by: int | None = None
    """Catalogue index of the first item that the edits bring into the list."""
    tried: Tried = Tried()

    @property
    def steps(self) -> tuple[int, ...]:
        """The base's steps that the edits change."""
        return tuple(edit.step for edit in self.edits if isinstance(edit.step, int))

    @property
    def proven(self) -> bool:
        """Whether no smaller set of the candidates does it, because all were tried."""
        return self.found and len(self.edits) - 1 <= self.tried.complete_up_to

    def to_json(self) -> dict[str, Any]:
        """The contract's form of the verb ``search-edits``."""
        return {
            "found": self.found,
            "edits": [edit.to_json() for edit in self.edits],
            "verified_rank": self.verified_rank,
            "tried": {
                "sets": self.tried.sets,
                "complete_up_to": self.tried.complete_up_to,
                "candidates": self.tried.candidates,
                "rank_before": self.rank_before,
                "closest": [edit.to_json() for edit in self.tried.closest],
                "closest_rank": self.tried.closest_rank,
            },
        }


def search_edits(
    engine: Engine,
    base: History,
    item_id: str,
    goal: str,
    recommender: str | Recommender | None = None,
    k: int = 10,
    *,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> SmallestChange:
    """The fewest edits of a history after which an item is in (or out of) the first ``k``.

    An item that is excluded is not in the list; deleting what excludes it may bring it in. The item
    itself is never added. DomainError for an unknown item, goal or recommender.
    """
    if goal not in ("in", "out"):
        what = tr("unknown goal {goal!r}", goal=goal)
        raise DomainError(what, where="--goal", remedy=tr("Use in or out"))
    engine.corpus.index_of(item_id)
    return ChangeSearch(
        recommender if isinstance(recommender, Recommender) else engine.recommender(recommender),
        base,
        item_id,
        candidate_edits(engine, base, item_id),
        engine.corpus.item_index,
        goal,
        k,
        "recomputed",
        progress,
        stop,
    ).smallest()


@dataclass(eq=False)
class ChangeSearch:
    """A search among candidates in groups, for sets with at most one edit of each group."""

    recommender: Recommender
    base: History
    item_id: str
    groups: Sequence[Edits]
    item_index: Mapping[str, int]
    goal: str
    k: int
    exclusion: Exclusion
    progress: ProgressCallback | None = None
    stop: StopCallback | None = None
    merits: dict[Edits, tuple[float, ...]] = field(default_factory=dict)
    """How far each set tried is beyond the goal, compared number by number; the first one is
    negative where it falls short."""
    complete: int = 0
    among: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.exclusion == "kept":
            self.base = self.base.same_moment(self.base.events)
        self.item = self.item_index[self.item_id]
        self.group_of = {edit: at for at, group in enumerate(self.groups) for edit in group}
        events = self.base.events
        self.event_of = {
            edit: changed_event(events[edit.step - 1], edit)
            if isinstance(edit.step, int)
            else new_event(edit, self.base)
            for edit in self.group_of
        }

    def smallest(
        self, weights: Sequence[float] | None = None, effort: Effort = WHAT_IF
    ) -> SmallestChange:
        """The smallest set after which the goal is reached.

        Of several the one that goes farthest beyond it: by the item's margin over the list's k-th
        item where exclusions are recomputed, by its rank and then its score where they are kept.
        ``weights`` say how much each group matters, and so which are tried where not all can be.
        """
        before, rank, reached = self._ask(())
        edits: Edits | None = () if reached else self._run(weights, effort)
        ops = [edit.op for group in self.groups for edit in group]
        tried = Tried(
            sets=len(self.merits),
            complete_up_to=self.complete,
            among=tuple(self.among),
            candidates={str(op): ops.count(op) for op in (Op.DELETE, Op.RATE, Op.ADD)},
        )
        question = (self.item_id, self.goal, self.k, rank)
        if edits is None:
            closest = max(self.merits, key=lambda edits: self.merits[edits], default=())
            closest_rank = self._ask(closest)[1] if closest else None
            tried = replace(tried, closest=closest, closest_rank=closest_rank)
            return SmallestChange(*question, found=False, tried=tried)
        after, verified, _ = self._ask(edits)
        old = top_k(before, self._excluded(self.base), self.k)
        new = top_k(after, self._excluded(self._after(edits)), self.k).tolist()
        newcomer = next((item for item in new if item not in old), None)
        return SmallestChange(*question, True, edits, verified, newcomer, tried)

    def _ask(self, edits: Edits) -> tuple[FloatArray, int | None, bool]:
        """Scores after edits, the item's rank (None: excluded), and whether that is the goal."""
        history = self._after(edits)
        scores: FloatArray = self.recommender.log_probabilities([history])[0]
        excluded = self._excluded(history)
        rank = None if excluded[self.item] else rank_of(self.item, scores, excluded)
        return scores, rank, (rank is not None and rank <= self.k) == (self.goal == "in")

    def _excluded(self, history: History) -> BoolArray:
        """What the list after a history leaves out, bool[n_items]."""
        mask = excluded_mask(history, self.item_index)
        mask[self.item] &= self.exclusion == "recomputed"
        return mask

    def _after(self, edits: Edits) -> History:
        """What ``apply_edits`` makes of candidates, with events shared between histories."""
        changed = {edit.step: self.event_of[edit] for edit in edits}
        added = changed.pop(None, None)
        base = self.base
        steps = enumerate(base.events, start=1)
        events = [e for step, event in steps if (e := changed.get(step, event)) is not None]
        clock = base.at if added is None else added.timestamp
        events += [] if added is None else [added]
        return History(base.user_id, tuple(events), clock, base.consumed)

    def _run(self, weights: Sequence[float] | None, effort: Effort) -> Edits | None:
        """The smallest set that reaches the goal, of those the one that goes farthest beyond."""
        groups = self.groups
        heaviest = sorted(range(len(groups)), key=lambda at: -weights[at] if weights else -at)
        choices = [len(groups[at]) for at in heaviest]
        best: list[Edits] = []
        for size in range(1, min(MOST_EDITS, len(groups)) + 1):
            room = min(effort.per_size[size - 1], effort.in_all - len(self.merits))
            among = groups_within(choices, size, room) if size <= effort.exhaustive else 0
            if among < len(groups) and weights is None and size > 1:
                among = 0
            if among == len(groups) and self.complete == size - 1:
                self.complete = size
            if weights and among:
                self.among.append(among)
            sets = list(all_sets([groups[at] for at in sorted(heaviest[:among])], size))
            if among < len(groups):
                sets += self._promising(best, size, effort, skip=set(sets))
                if len(self.merits) + len(sets) > effort.in_all:
                    break
            self._measure(sets)
            best = sorted(sets, key=lambda edits: self.merits[edits], reverse=True)
            for edits in best:
                if self.merits[edits][0] < -ROUNDING:
                    break
                if self._ask(edits)[2]:
                    return edits
        return None

    def _promising(
        self, best: list[Edits], size: int, effort: Effort, skip: set[Edits]
    ) -> list[Edits]:
        """Sets of one size made of the edits that do most alone."""
        group_of = self.group_of
        alone = {edit: self.merits[edit,] for edit in group_of if (edit,) in self.merits}
        strongest = sorted(alone, key=lambda edit: alone[edit], reverse=True)
        sets: dict[Edits, None] = {}
        for edits in best[: effort.beam]:
            taken = {group_of[edit] for edit in edits}
            for edit in strongest[: effort.branches]:
                if group_of[edit] not in taken:
                    sets[tuple(sorted((*edits, edit), key=group_of.__getitem__))] = None
        if effort.combined:
            leaders: dict[int, Edit] = {}
            for edit in strongest:
                leaders.setdefault(group_of[edit], edit)
            among = size
            while among < len(leaders) and comb(among + 1, size) <= effort.combined:
                among += 1
            ordered = [leaders[at] for at in sorted([*leaders][:among])]
            sets.update(dict.fromkeys(combinations(ordered, size)))
        return [edits for edits in sets if edits not in skip]

    def _measure(self, sets: Sequence[Edits]) -> None:
        at_once = max(32, min(512, CELLS_PER_BATCH // len(self.item_index)))
        for start in range(0, len(sets), at_once):
            batch = sets[start : start + at_once]
            stage = tr("try sets of {n}", n=len(batch[0]))
            report(self.progress, Progress(stage, start, len(sets)))
            histories = []
            for edits in batch:
                check_stop(self.stop)
                histories.append(self._after(edits))
            scores = self.recommender.log_probabilities(histories)
            by_rank = self.exclusion == "kept"
            merits = self._ranks(scores) if by_rank else self._margins(histories, scores)
            self.merits.update(zip(batch, map(tuple, merits.tolist()), strict=True))

    def _ranks(self, scores: FloatArray) -> DoubleArray:
        """How far the item's rank is beyond the k-th, and its score, in the goal's direction."""
        beyond = ranks_of(self.item, scores, self._excluded(self.base)) - self.k - 0.5
        merits: DoubleArray = np.stack([beyond, -scores[:, self.item]], 1, dtype=np.float64)
        return merits if self.goal == "out" else -merits

    def _margins(self, histories: Sequence[History], scores: FloatArray) -> DoubleArray:
        """The item's margin over the k-th of the others in nats, in the goal's direction."""
        own = scores[:, self.item].astype(np.float64)
        others = scores.copy()
        excluded = ExcludedItems.of(histories, self.item_index)
        others[excluded.rows, excluded.items] = -np.inf
        others[:, self.item] = -np.inf
        k = min(self.k, others.shape[1])
        margin = np.clip(own - np.partition(others, -k, axis=1)[:, -k], -FARTHEST, FARTHEST)
        excluding = [
            sum(e.item_id == self.item_id and e.kind in CONSUMING_KINDS for e in history.events)
            for history in histories
        ]
        margin -= STILL_EXCLUDED * np.array(excluding)
        return (margin if self.goal == "in" else -margin)[:, None]


def groups_within(choices: Sequence[int], size: int, room: int) -> int:
    """How many of the first groups have at most ``room`` sets of a size, one edit of each group."""
    ways = [1, *[0] * size]
    for taken, edits in enumerate(choices):
        for chosen in range(size, 0, -1):
            ways[chosen] += ways[chosen - 1] * edits
        if ways[size] > room:
            return taken
    return len(choices)


def all_sets(groups: Sequence[Edits], size: int) -> Iterator[Edits]:
    """All sets of a size, with at most one edit of each group, in the groups' order."""
    for chosen in combinations(groups, size):
        yield from product(*chosen)

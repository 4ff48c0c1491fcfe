"""What would have to be different? The smallest change of a user's own events for an item to go.

An edit removes an event or sets its rating to an end of the scale. Candidates are found greedily,
then all sets of up to three edits are tried, smallest first; what is reported was asked of the
recommender itself. Clock and exclusions stay those of the full history, as in the Shapley values:
an item that returned because its own event was removed could only push the explained item further
down.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from core.domain import Event, History
from core.explain.game import shortened
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.ranking import ranks_of, top_k
from core.recommend.protocol import Recommender
from core.shapley.game import over_batches

EXHAUSTIVE = 3
"""All sets of up to so many edits are tried."""
SHORT = 10
"""In a history of up to so many events sets of any size are tried: greedy can miss the smallest."""
MOST_EDITS = 10
"""The greedy search gives up after so many."""
MOST_TRIED, FEWEST_TRIED = 30_000, 60
"""Sets tried per size; above, only sets of the events that weigh most."""
EVENTS_ASKED = 200_000
"""Events of all the histories tried per size, about; so fewer sets of a long history."""
CHUNK = 256


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one event: removed, or rated otherwise (``rating``)."""

    step: int
    rating: float | None = None

    @property
    def op(self) -> str:
        """``delete`` or ``rate``, as what-if scenarios name them."""
        return "delete" if self.rating is None else "rate"


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """The smallest change found.

    ``rank`` is the item's rank among ``k`` in the list as it is; ``edits`` is empty where it isn't
    in the list or no change was found; ``new_rank`` after the edits; ``replaced_by`` the item
    (catalogue index) that takes the last place then.
    """

    k: int
    rank: int
    edits: tuple[Edit, ...] = ()
    new_rank: int | None = None
    replaced_by: int | None = None
    tried: int = 0
    """Sets of edits that the recommender was asked about."""
    complete_up_to: int = 0
    """All sets of up to so many edits, over all events, were tried."""
    among: tuple[int, ...] = ()
    """By size of the sets, from 1: of how many events, the heaviest, all sets were tried."""

    @property
    def proven(self) -> bool:
        """Whether no smaller set exists, because all smaller ones were tried."""
        return self.found and len(self.edits) - 1 <= self.complete_up_to

    @property
    def found(self) -> bool:
        """Whether a change was found."""
        return bool(self.edits)

    @property
    def in_list(self) -> bool:
        """Whether the item is in the list that is explained."""
        return self.rank <= self.k


@dataclass(eq=False)
class _Search:
    recommender: Recommender
    history: History
    item: int
    k: int
    excluded: BoolArray
    stop: StopCallback | None
    tried: int = 0

    def ranks(self, sets: Sequence[Sequence[Edit]]) -> DoubleArray:
        """The item's rank after each set of edits, and its score: float64[n, 2]."""
        edited: dict[Edit, Event | None] = {}
        found = []
        for start in range(0, len(sets), CHUNK):
            histories = []
            for edits in sets[start : start + CHUNK]:
                check_stop(self.stop)
                for edit in edits:
                    if edit not in edited:
                        edited[edit] = _edited(self.history.events[edit.step - 1], edit)
                histories.append(self._after({e.step: edited[e] for e in edits}))
            found.append(over_batches(self.recommender, histories, self._read, self.stop))
            self.tried += len(histories)
        return np.concatenate(found)

    @property
    def most(self) -> int:
        """How many sets of one size may be tried."""
        affordable = EVENTS_ASKED // max(len(self.history), 1)
        return min(max(affordable, FEWEST_TRIED), MOST_TRIED)

    def order(self, edits: Sequence[Edit]) -> IntArray:
        """Catalogue indices of the list after a set of edits, best first."""
        after = self._after({e.step: _edited(self.history.events[e.step - 1], e) for e in edits})
        scores = self.recommender.log_probabilities([after])[0]
        return top_k(scores, self.excluded, len(scores))

    def _after(self, changed: dict[int, Event | None]) -> History:
        events = (
            changed.get(step, event) if step in changed else event
            for step, event in enumerate(self.history.events, start=1)
        )
        return shortened(self.history, [event for event in events if event is not None])

    def _read(self, scores: FloatArray) -> DoubleArray:
        ranks = ranks_of(self.item, scores, self.excluded)
        return np.stack([ranks, scores[:, self.item]], 1, dtype=np.float64)


def _edited(event: Event, edit: Edit) -> Event | None:
    return None if edit.rating is None else replace(event, rating=edit.rating)


def possible_edits(
    history: History, scale: tuple[float, float] | None
) -> dict[int, tuple[Edit, ...]]:
    """By step: removal, and for a rated event the ends of the scale that it doesn't have."""
    found = {}
    for step, event in enumerate(history.events, start=1):
        ends = scale if scale is not None and event.rating is not None else ()
        rated = tuple(Edit(step, end) for end in ends if end != event.rating)
        found[step] = (Edit(step), *rated)
    return found


def find_counterfactual(
    recommender: Recommender,
    history: History,
    item: int,
    excluded: BoolArray,
    scale: tuple[float, float] | None,
    weights: dict[int, float],
    *,
    k: int = 10,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Counterfactual:
    """The smallest set of removals and re-ratings after which an item is not in the top k.

    ``excluded`` bool[n_items] are the items that the list leaves out; ``weights`` say how much each
    step gave the item, and so which are tried first. An item that is excluded itself is ranked as
    if it were not.
    """
    excluded = excluded.copy()
    excluded[item] = False
    search = _Search(recommender, history, item, k, excluded, stop)
    rank = int(search.ranks([()])[0, 0])
    if rank > k or not history.events:
        return Counterfactual(k, rank, tried=search.tried)
    edits = possible_edits(history, scale)
    ordered = sorted(edits, key=lambda step: -abs(weights.get(step, 0.0)))
    greedy = _greedy(search, edits, ordered, progress)
    best, complete, among = _exhaustive(search, edits, ordered, greedy, progress)
    if not best:
        return Counterfactual(k, rank, tried=search.tried, complete_up_to=complete, among=among)
    after = search.order(best).tolist()
    new_rank = after.index(item) + 1
    assert new_rank > k, "the recommender does not confirm the edits"
    newcomer = _newcomer(search, after)
    return Counterfactual(k, rank, best, new_rank, newcomer, search.tried, complete, among)


def _newcomer(search: _Search, after: list[int]) -> int | None:
    """The best item of the new top k that was not in the old one."""
    before = set(search.order(())[: search.k].tolist())
    return next((index for index in after[: search.k] if index not in before), None)


def _greedy(
    search: _Search,
    edits: dict[int, tuple[Edit, ...]],
    ordered: Sequence[int],
    progress: ProgressCallback | None,
) -> tuple[Edit, ...]:
    """Edit by edit what lowers the item most, until it is out; () where it stays."""
    some = sorted(ordered[: _affordable(ordered, edits, 1, search.most)])
    chosen: tuple[Edit, ...] = ()
    for number in range(min(MOST_EDITS, len(some))):
        report(progress, Progress("search the smallest change", number, MOST_EDITS))
        taken = {edit.step for edit in chosen}
        sets = [(*chosen, e) for step in some if step not in taken for e in edits[step]]
        found = search.ranks(sets)
        best = int(np.lexsort((found[:, 1], -found[:, 0]))[0])
        chosen = sets[best]
        if found[best, 0] > search.k:
            return tuple(sorted(chosen, key=lambda edit: edit.step))
    return ()


def _exhaustive(
    search: _Search,
    edits: dict[int, tuple[Edit, ...]],
    ordered: Sequence[int],
    greedy: tuple[Edit, ...],
    progress: ProgressCallback | None,
) -> tuple[tuple[Edit, ...], int, tuple[int, ...]]:
    """The best of the smallest sets, up to which size all were tried, and by size of how many."""
    most = len(edits) if len(edits) <= SHORT else min(EXHAUSTIVE, len(edits))
    largest = min(most, len(greedy)) if greedy else most
    complete = 0
    tried: list[int] = []
    for size in range(1, largest + 1):
        report(progress, Progress("try all smaller changes", size, largest))
        among = _affordable(ordered, edits, size, search.most)
        sets = list(_sets(sorted(ordered[:among]), edits, size))
        found = search.ranks(sets)
        tried.append(among)
        if among == len(ordered) and complete == size - 1:
            complete = size
        out = np.flatnonzero(found[:, 0] > search.k)
        if len(out):
            best = out[np.lexsort((found[out, 1], -found[out, 0]))[0]]
            return sets[int(best)], complete, tuple(tried)
    return greedy, complete, tuple(tried)


def _affordable(
    ordered: Sequence[int], edits: dict[int, tuple[Edit, ...]], size: int, most: int
) -> int:
    """How many of the events can take part in sets of this size."""
    for among in range(len(ordered), size, -1):
        widest = max(len(edits[step]) for step in ordered[:among])
        chosen = 1.0
        for at in range(size):
            chosen *= (among - at) / (at + 1) * widest
        if chosen <= most:
            return among
    return size


def _sets(
    steps: Sequence[int], edits: dict[int, tuple[Edit, ...]], size: int
) -> Iterator[tuple[Edit, ...]]:
    for chosen in combinations(steps, size):
        yield from product(*(edits[step] for step in chosen))

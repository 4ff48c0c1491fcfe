"""The search against enumeration: no smaller set does it, and what it names really does."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from core.corpus.corpus import Corpus
from core.domain import DomainError, History, Stopped
from core.engine import Engine
from core.scenario.candidates import candidate_edits
from core.scenario.edits import Edit, Op, apply_edits, edits_from_json
from core.scenario.search import ChangeSearch, Effort, all_sets, groups_within, search_edits


def reaches(
    engine: Engine, base: History, edits: tuple[Edit, ...], item: str, goal: str, k: int
) -> bool:
    """Asked as a person would: edit the history, look at the list."""
    listed = engine.recommend(apply_edits(base, edits, engine.corpus).history, k).items
    return (item in {row.item_id for row in listed}) == (goal == "in")


def fewest(engine: Engine, base: History, item: str, goal: str, k: int, most: int) -> int | None:
    """Size of the smallest set of candidate edits, by trying them all."""
    edits = [edit for group in candidate_edits(engine, base, item) for edit in group]
    for size in range(most + 1):
        for chosen in combinations(edits, size):
            steps = [edit.step for edit in chosen]
            if len(set(steps)) == size and reaches(engine, base, chosen, item, goal, k):
                return size
    return None


def short_histories(demo: Corpus, events: int, n: int) -> list[History]:
    users = [user for user in demo.user_ids if len(demo.history(user)) >= events]
    return [demo.history(user).up_to(events) for user in users[:: len(users) // n]][:n]


@pytest.mark.parametrize(
    ("goal", "place", "k"), [("in", 15, 10), ("in", 60, 10), ("in", 30, 3), ("out", 1, 10)]
)
def test_the_true_minimum(demo_engine: Engine, goal: str, place: int, k: int) -> None:
    for base in short_histories(demo_engine.corpus, 4, 3):
        item = demo_engine.recommend(base, place).items[-1].item_id
        found = search_edits(demo_engine, base, item, goal, k=k)
        assert found.found and found.proven
        assert reaches(demo_engine, base, found.edits, item, goal, k)
        assert len(found.edits) == fewest(demo_engine, base, item, goal, k, len(found.edits))


def test_nothing_found_says_what_was_tried(demo_engine: Engine, demo: Corpus) -> None:
    (base,) = short_histories(demo, 2, 1)
    scores = demo_engine.recommender().log_probabilities([base])[0]
    worst_first = (demo.item_ids[at] for at in np.argsort(scores))
    searches = (search_edits(demo_engine, base, item, "in", k=1) for item in worst_first)
    found = next(search for search in searches if not search.found)
    item = found.item_id
    assert fewest(demo_engine, base, item, "in", 1, 3) is None
    facts = found.to_json()
    assert facts["found"] is False and facts["edits"] == [] and facts["verified_rank"] is None
    groups = candidate_edits(demo_engine, base, item)
    assert found.tried.sets == sum(
        len(list(all_sets(groups, size))) for size in range(1, len(groups) + 1)
    )
    assert found.tried.complete_up_to == len(groups)
    closest = edits_from_json(facts["tried"]["closest"])
    rank = facts["tried"]["closest_rank"]
    assert reaches(demo_engine, base, closest, item, "in", rank)
    assert not reaches(demo_engine, base, closest, item, "in", rank - 1)


def test_an_item_that_was_consumed_comes_back_by_deleting(
    demo_engine: Engine, demo: Corpus
) -> None:
    base = demo.history(next(user for user in demo.user_ids if len(demo.history(user)) == 14))
    item = base.events[-1].item_id
    found = search_edits(demo_engine, base, item, "in")
    assert found.rank_before is None
    assert found.found and Edit(Op.DELETE, 14) in found.edits
    assert reaches(demo_engine, base, found.edits, item, "in", 10)
    out = search_edits(demo_engine, base, item, "out")
    assert out.found and out.edits == () and out.tried.sets == 0


def test_candidates_are_of_the_three_kinds(demo_engine: Engine, demo: Corpus) -> None:
    base = demo.history(demo.user_ids[0])
    item = demo_engine.recommend(base, 1).items[0].item_id
    *steps, add = candidate_edits(demo_engine, base, item)
    assert len(steps) == len(base)
    for step, group in enumerate(steps, start=1):
        event = base.events[step - 1]
        ends = [end for end in (1.0, 5.0) if event.rating is not None and end != event.rating]
        assert group == (
            Edit(Op.DELETE, step),
            *(Edit(Op.RATE, step, rating=end) for end in ends),
        )
    had = {event.item_id for event in base.events}
    assert add and all(edit.op is Op.ADD and edit.item_id not in had | {item} for edit in add)
    assert len({edit.item_id for edit in add}) * 2 == len(add) == 20
    own = History(base.user_id, (*base.events, replace(base.events[-1], item_id="")))
    *more, near = candidate_edits(demo_engine, own, item)  # an own history's, not of the corpus
    assert len(more) == len(own) and near


def test_counting_and_listing_agree() -> None:
    groups = [(Edit(Op.DELETE, n),) * n for n in (4, 3, 2, 1)]
    for size in range(1, 5):
        for first in range(size, 5):
            sets = len(list(all_sets(groups[:first], size)))
            assert groups_within([4, 3, 2, 1], size, sets) == first
            assert groups_within([4, 3, 2, 1], size, sets - 1) == first - 1


def test_a_long_history_is_searched_in_bounded_work(demo_engine: Engine, demo: Corpus) -> None:
    """What can't be tried whole is still found; the answer doesn't claim a proof."""
    base = max((demo.history(user) for user in demo.user_ids), key=len).up_to(30)
    item = demo_engine.recommend(base, 1).items[0].item_id
    candidates = candidate_edits(demo_engine, base, item)
    search = ChangeSearch(
        demo_engine.recommender(), base, item, candidates, demo.item_index, "out", 40, "recomputed"
    )
    change = search.smallest(effort=Effort(in_all=1_000, per_size=[200] * 10))
    assert change.tried.sets <= 1_000 and change.tried.complete_up_to == 1
    if change.found:
        assert change.proven == (len(change.edits) <= 2)
        assert reaches(demo_engine, base, change.edits, item, "out", 40)


def test_stop_and_mistakes(demo_engine: Engine, demo: Corpus) -> None:
    base = demo.history(demo.user_ids[0])
    item = demo_engine.recommend(base, 100).items[-1].item_id
    with pytest.raises(Stopped):
        search_edits(demo_engine, base, item, "in", k=1, stop=lambda: True)
    with pytest.raises(DomainError, match="unknown goal"):
        search_edits(demo_engine, base, item, "up")
    with pytest.raises(DomainError, match="no item"):
        search_edits(demo_engine, base, "nothing", "in")

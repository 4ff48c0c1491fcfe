"""Why an item is not in a list: right wherever the step that cost the place was planted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.arrays import FloatArray
from core.domain import Event, EventKind, History
from core.engine import Engine
from core.explain.explanation import Explanation
from core.explain.ladder import Cause, Ladder, make_ladder
from core.figures.ladder import ladder_figure
from core.figures.palette import PALETTES
from core.ranking import excluded_mask
from core.recommend.joint import SEEN, Joint
from core.recommend.pool import FEATURES, N_BUCKETS, Gate, Pool
from core.views.explain.ladder import EXCLUSION, OFFSET, build_ladder, tell_ladder

ITEMS, PARTS, K = 80, 4, 10
START = datetime(2024, 1, 1, tzinfo=UTC)
IDS = tuple(f"i{at:02}" for at in range(ITEMS))
PLANTED = [cause for cause in Cause if cause is not Cause.RERANKED]
"""Of a joint alone; what a strategy does is in ``tests/core/strategy``."""


@dataclass(frozen=True)
class Fixed:
    """Says the same of every history."""

    id: str
    log_p: FloatArray  # float32[n_items]

    def log_probabilities(self, histories: Sequence[History]) -> FloatArray:
        return np.tile(self.log_p, (len(histories), 1))


@dataclass(frozen=True)
class Planted:
    """A joint, an item outside its list, and what keeps it out."""

    joint: Joint
    history: History
    item: int
    part: str | None = None

    def ladder(self) -> Ladder | None:
        return make_ladder(self.joint, self.history, IDS[self.item], self.joint.item_index, K)


def log_softmax(logits: np.ndarray) -> FloatArray:
    return (logits - np.log(np.exp(logits).sum())).astype(np.float32)


def plant(cause: Cause, seed: int) -> Planted:
    """Items of random standing; one is put first, and then exactly one thing is done to it."""
    rng = np.random.default_rng([seed, *map(ord, cause)])
    logits = rng.normal(0, 0.5, (PARTS, ITEMS))
    item, weights = int(rng.integers(ITEMS)), rng.dirichlet(np.full(PARTS, 8.0))
    counts = rng.integers(1, 200, ITEMS)
    offsets = rng.normal(0, 0.1, N_BUCKETS)
    logits[:, item] = 4.0  # first everywhere
    part = None
    had = [int(at) for at in rng.choice(np.delete(np.arange(ITEMS), item), 6, replace=False)]
    if cause is Cause.EXCLUDED:
        had[int(rng.integers(6))] = item
    elif cause is Cause.OFFSET:
        counts[item], offsets[0] = 0, -20.0
    elif cause is Cause.COMPONENT:
        lowest = int(rng.integers(PARTS))
        logits[lowest, item], part = -20.0 / weights[lowest], f"part-{lowest}"
    elif cause is Cause.OUTWEIGHED:  # two are so low that neither alone makes the difference
        low = rng.choice(PARTS, 2, replace=False)
        logits[low, item] = -20.0 / weights[low]
    else:
        logits[:, item] = -4.0
    kinds = rng.choice([EventKind.PURCHASE, EventKind.REVIEW], 6)
    events = (
        Event(IDS[at], START + timedelta(days=day), EventKind(kind))
        for day, (at, kind) in enumerate(zip(had, kinds, strict=True))
    )
    gate = np.hstack([weights[:, None], np.zeros((PARTS, len(FEATURES)))])
    joint = Joint(
        item_ids=IDS,
        components=tuple(Fixed(f"part-{n}", log_softmax(row)) for n, row in enumerate(logits)),
        pool=replace(EMPTY, weights=gate, offsets=offsets),
        gate=Gate(np.zeros(len(FEATURES)), np.ones(len(FEATURES))),
        item_counts=counts.astype(np.int64),
        repeat=0.01,
    )
    return Planted(joint, History("u", tuple(events)), item, part)


EMPTY = Pool.equal(PARTS, len(FEATURES))


@pytest.mark.parametrize("cause", PLANTED)
def test_all_of_200_planted_causes_are_named(cause: Cause) -> None:
    """40 of each: the user has it, its offset, one component, two components, all of them."""
    for seed in range(40):
        planted = plant(cause, seed)
        ladder = planted.ladder()
        assert ladder is not None
        assert (ladder.cause, ladder.part) == (cause, planted.part), seed
        named = [IDS[planted.item]] * len(ladder.excluded_by)
        assert named == [planted.history.events[s - 1].item_id for s in ladder.excluded_by]
        assert bool(ladder.excluded_by) == (cause is Cause.EXCLUDED)


@pytest.mark.parametrize("cause", [Cause.OUTWEIGHED, Cause.OFFSET])
def test_each_rung_is_what_the_joint_says_without_that_part(cause: Cause) -> None:
    """Held against joints built without it, for met and unmet items; margins add up."""
    planted = plant(cause, 3)
    rng = np.random.default_rng(4)
    further = rng.normal(0, 0.2, PARTS), rng.normal(0, 0.2, len(FEATURES))
    pool = replace(planted.joint.pool, unmet=further[0], unmet_gate=further[1])
    planted = replace(planted, joint=replace(planted.joint, pool=pool))
    joint, history, ladder = planted.joint, planted.history, planted.ladder()
    assert ladder is not None
    assert [rung.part for rung in ladder.rungs] == [*(c.id for c in joint.components), SEEN]
    scores = joint.log_probabilities([history])[0]
    excluded = excluded_mask(history, joint.item_index)
    allowed = [at for at in np.argsort(-scores, kind="stable") if not excluded[at]]
    assert ladder.rank == allowed.index(planted.item) + 1
    tenth = allowed[K - 1]
    total = sum(rung.margin for rung in ladder.rungs)
    assert total == pytest.approx(float(scores[planted.item] - scores[tenth]), abs=1e-4)
    for at, rung in enumerate(ladder.rungs):
        left_out = Pool.of(pool.vector.copy(), PARTS, len(FEATURES))
        if rung.part == SEEN:
            left_out.offsets[:], left_out.unmet_gate[:] = 0.0, 0.0
        else:
            left_out.weights[at], left_out.unmet[at] = 0.0, 0.0
            own = joint.components[at].log_probabilities([history])[0]
            ahead = np.flatnonzero((own > own[planted.item]) & ~excluded)
            assert rung.rank == len(ahead) + 1
        without = replace(joint, pool=left_out)
        left = without.log_probabilities([history])[0]
        better = (left > left[planted.item]) & ~excluded
        assert rung.rank_without == int(better.sum()) + 1


def test_an_item_of_the_list_has_no_ladder() -> None:
    planted = plant(Cause.EXCLUDED, 0)
    free = replace(planted, history=History("u", ()))
    assert free.ladder() is None


@pytest.mark.parametrize("recommender", ["popularity", "interest", "joint"])
def test_any_recommender_has_a_ladder_to_the_page_and_the_terminal(
    engine: Engine, reader: History, recommender: str
) -> None:
    listed = {item.item_id for item in engine.recommend(reader, K, recommender).items}
    had = reader.excluded_items()
    outside = next(i for i in reversed(engine.corpus.item_ids) if i not in listed | had)
    for item in (outside, min(had)):
        ladder = Explanation(engine, reader, item, recommender).ladder
        assert ladder is not None
        assert bool(ladder.rungs) == (recommender == "joint")
        assert (ladder.cause is Cause.EXCLUDED) == (item in had)
        facts = ladder.to_json()
        assert (facts["final_rank"] is None) == (item in had)
    assert Explanation(engine, reader, min(listed), recommender).ladder is None


@pytest.mark.parametrize("cause", PLANTED)
def test_the_page_and_the_terminal_say_which_step_cost_the_place(
    engine: Engine, cause: Cause
) -> None:
    """The sentence of a planted ladder, over an explanation of the demo."""
    planted = plant(cause, 1)
    about = Explanation(engine, engine.corpus.history(engine.corpus.user_ids[0]), "AUD-001")
    about.ladder = planted.ladder()
    view = build_ladder(about)
    assert view is not None and about.ladder is not None
    assert SAID[cause] in view.sentence
    named = [step.step for step in view.steps if step.costs]
    wanted = {Cause.EXCLUDED: EXCLUSION, Cause.OFFSET: OFFSET, Cause.COMPONENT: planted.part}
    assert named == [step for step in [wanted.get(cause)] if step]
    lines = tell_ladder(view)
    assert [line for line in lines if line.startswith("*")] == [
        line for line in lines if named and line[2:].lower().startswith(named[0])
    ]
    assert len(view.table) == len(view.steps)
    figure = ladder_figure(view, PALETTES["light"])
    shown = [x for trace in figure.data if trace.mode == "markers" for x in trace.x]
    assert len(shown) == sum(
        rank is not None for step in view.steps for rank in (step.own_rank, step.rank_without)
    )


SAID = {
    Cause.EXCLUDED: "already bought, rated or reviewed (step ",
    Cause.OFFSET: "The offset of an item with 0 training events costs",
    Cause.COMPONENT: "without this component",
    Cause.OUTWEIGHED: "No single step costs",
    Cause.EVERYWHERE: "scores low everywhere",
}

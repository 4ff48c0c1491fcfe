"""The fork against its meaning: from scratch, undone, aligned, and with the causes of moves."""

from __future__ import annotations

import copy
import os
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.compare.export import fork_facts
from core.compare.fork import FADED, run
from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.domain import Event, EventKind, History, order_events
from core.engine import Engine
from core.scenario.edits import Edit, Op
from tests.core.scenario.random_edits import edit_lists

EXAMPLES = 500 if "TASTELINES_THOROUGH" in os.environ else 60


@pytest.fixture(scope="module")
def other_engine(demo_engine: Engine, demo_library: Library) -> Engine:
    """The same model, opened a second time: nothing it knows comes from edits."""
    return Engine.open(demo_engine.corpus, demo_engine.folder, demo_library)


@pytest.fixture(scope="module")
def base(demo: Corpus) -> History:
    return demo.history(user_with(demo, 14))


@pytest.fixture(scope="module")
def texts(demo: Corpus) -> list[str]:
    events = demo.history(demo.user_ids[0]).events + demo.history(demo.user_ids[1]).events
    return [event.words for event in events if event.words][:6]


def user_with(demo: Corpus, events: int) -> str:
    return next(user for user in demo.user_ids if len(demo.history(user)) == events)


def order_key(event: Event) -> tuple[object, ...]:
    return event.timestamp, event.item_id, event.kind


def by_hand(base: History, edits: list[Edit]) -> tuple[Event, ...]:
    """The edited events by another way than the library's: a dictionary, sorted at the end."""
    now: dict[int | str, Event] = dict(enumerate(base.events, start=1))
    added = 0
    for edit in edits:
        if edit.op is Op.ADD:
            added += 1
            kind = "review" if edit.text else "rating" if edit.rating else "view"
            now[f"a{added}"] = Event(
                edit.item_id or "", edit.timestamp, EventKind(kind), edit.rating,
                None, edit.text,
            )  # fmt: skip
            continue
        assert edit.step is not None
        if edit.op is Op.DELETE:
            del now[edit.step]
        elif edit.op is Op.EDIT:
            now[edit.step] = replace(now[edit.step], title=None, text=edit.text)
        elif edit.op is Op.RATE:
            now[edit.step] = replace(now[edit.step], rating=edit.rating)
        elif edit.op is Op.DATE:
            now[edit.step] = replace(now[edit.step], timestamp=edit.timestamp)
    return order_events(base.user_id, now.values())


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(data=st.data())
def test_edited_step_by_step_equals_from_scratch(
    data: st.DataObject,
    demo_engine: Engine,
    other_engine: Engine,
    base: History,
    texts: list[str],
) -> None:
    demo = demo_engine.corpus
    edits = data.draw(edit_lists(demo, base, texts))
    fork = run(demo_engine, base, edits)
    after = fork.edited.history
    events = by_hand(base, edits)
    if not any(edit.op is Op.MOVE for edit in edits):
        assert [order_key(event) for event in after.events] == [order_key(e) for e in events]
    assert sorted(map(repr, after.events)) == sorted(map(repr, events))
    assert all(
        a.timestamp <= b.timestamp for a, b in zip(after.events, after.events[1:], strict=False)
    )
    other_engine.interest.forget()
    fresh = History(base.user_id, after.events, after.at)
    scores = other_engine.recommender().log_probabilities([fresh])[0]
    np.testing.assert_allclose(fork.scores[1], scores, atol=1e-5, rtol=1e-5)
    queries = other_engine.query_vectors(fresh)
    np.testing.assert_allclose(fork.queries[1], queries, atol=1e-5, rtol=1e-5)
    undone = run(demo_engine, base, [])
    assert undone.after.items == undone.before.items == fork.before.items
    assert fork.before.items == demo_engine.recommend(base).items


def test_fork_step_is_the_first_changed_state(
    demo_engine: Engine, base: History, texts: list[str]
) -> None:
    n = len(base)
    late = base.events[-1].timestamp + timedelta(days=1)
    item = demo_engine.corpus.item_ids[0]

    def step(*edits: Edit) -> int | None:
        return run(demo_engine, base, edits).fork_step

    assert step() is None
    assert step(Edit(Op.EDIT, 6, text=texts[0]), Edit(Op.DELETE, 9)) == 6
    assert step(Edit(Op.DELETE, n)) == n
    assert step(Edit(Op.ADD, item_id=item, timestamp=late)) == n + 1
    told = next(at for at, event in enumerate(base.events, start=1) if event.words)
    assert step(Edit(Op.EDIT, told, text=base.events[told - 1].words)) is None


def test_steps_are_aligned_by_the_events_that_follow(demo_engine: Engine, base: History) -> None:
    n = len(base)
    item = demo_engine.corpus.item_ids[0]
    before_8 = base.events[7].timestamp - timedelta(seconds=1)
    edits = [Edit(Op.ADD, item_id=item, timestamp=before_8, rating=1.0), Edit(Op.DELETE, 3)]
    fork = run(demo_engine, base, edits)
    assert fork.edited.origins[-(n - 7) :] == tuple(range(8, n + 1))
    old = demo_engine.query_vectors(base)[7:]
    new = demo_engine.query_vectors(fork.edited.history)[7:]
    cosine = (old * new).sum(1) / np.linalg.norm(old, axis=1) / np.linalg.norm(new, axis=1)
    np.testing.assert_allclose(fork.distances, 1 - cosine, atol=1e-6)
    below = np.flatnonzero(1 - cosine < FADED)
    assert fork.reconvergence == (int(below[0]) if len(below) else None)
    assert run(demo_engine, base, []).reconvergence == 0


def test_an_effect_that_persists_never_reconverges(demo_engine: Engine, base: History) -> None:
    late = base.events[-1].timestamp + timedelta(days=1)
    listed = {item.item_id for item in demo_engine.recommend(base, 50).items}
    far = next(item for item in demo_engine.corpus.item_ids if item not in listed)
    edit = Edit(Op.ADD, item_id=far, timestamp=late, rating=5.0)
    fork = run(demo_engine, base, [edit])
    assert fork.distances[0] > FADED and fork.reconvergence is None


def test_what_eligibility_alone_moved(demo_engine: Engine, base: History) -> None:
    """Popularity doesn't read histories, so only the excluded set can move its list."""
    listed = demo_engine.recommend(base, 10, "popularity").items
    consumed = listed[2].item_id
    edit = Edit(Op.ADD, item_id=consumed, timestamp=base.events[-1].timestamp, rating=5.0)
    fork = run(demo_engine, base, [edit], "popularity")
    moves = fork.moves()
    assert {move.item_id: move.words for move in moves}[consumed] == "left"
    assert [move.words for move in moves if move.after] == ["up 1"] * 7 + ["entered"]
    assert all(move["cause"] == {"kind": "eligibility"} for move in fork_facts(fork)["moves"])


def test_moves_are_the_difference_of_both_lists(demo_engine: Engine, base: History) -> None:
    edits = [Edit(Op.DELETE, len(base)), Edit(Op.RATE, 10, rating=1.0), Edit(Op.DELETE, 12)]
    fork = run(demo_engine, base, edits, k=20)
    old = {item.item_id: item.rank for item in fork.before.items}
    new = {item.item_id: item.rank for item in fork.after.items}
    assert fork.moves()
    assert {move.item_id: (move.before, move.after) for move in fork.moves()} == {
        item: (old.get(item), new.get(item))
        for item in old.keys() | new.keys()
        if old.get(item) != new.get(item)
    }
    assert set(fork_facts(fork)) == {"before", "after", "moves", "fork_step", "reconvergence"}
    alone = run(demo_engine, base, edits[:1]).moves()
    by_edit = [move for move in alone if move.cause.edit]
    assert by_edit
    for move in by_edit:
        assert move.cause.value == pytest.approx(move.score_change)


def test_every_event_deleted(demo_engine: Engine, base: History) -> None:
    fork = run(demo_engine, base, [Edit(Op.DELETE, step) for step in range(1, len(base) + 1)])
    assert len(fork.path_after) == 0 and len(fork.path_before) == len(base)
    assert fork.fork_step == 1
    assert len(fork.after.items) == 10
    assert fork.profiles[1].sum() == pytest.approx(1, abs=1e-4)
    assert all(move.cause.kind in ("edit", "eligibility") for move in fork.moves())


class Ratings:
    """Scores an item by the ratings of two events; additive, so that causes are known."""

    id = "ratings"

    def __init__(self, weights: np.ndarray) -> None:
        self.weights = weights

    def log_probabilities(self, histories: list[History]) -> np.ndarray:
        ratings = [[event.rating or 0.0 for event in h.events] for h in histories]
        return np.array(ratings, np.float32) @ self.weights


@pytest.mark.parametrize("edits_before", [0, 10])
def test_an_item_that_others_passed_is_laid_to_the_edit_that_raised_them(
    demo_engine: Engine, base: History, edits_before: int
) -> None:
    """Edit A barely lowers the item itself; edit B raises the other above it."""
    n_items, index = len(demo_engine.corpus.item_ids), demo_engine.corpus.item_index
    excluded = base.excluded_items()
    sunk, risen = [item for item in demo_engine.corpus.item_ids if item not in excluded][:2]
    weights = np.full((len(base), n_items), 0.0, np.float32)
    weights[0, index[sunk]], weights[1, index[sunk]] = 1.0, 0.1
    weights[0, index[risen]], weights[2, index[risen]] = 0.9, 1.0
    ratings = [3.0, 3.0, 0.0, *[3.0] * (len(base) - 3)]
    start = replace(
        base,
        events=tuple(replace(e, rating=r) for e, r in zip(base.events, ratings, strict=True)),
    )
    toy = copy.copy(demo_engine)
    toy.__dict__["recommenders"] = {"ratings": Ratings(weights)}
    edits = [Edit(Op.RATE, 4 + n, rating=1.0) for n in range(edits_before)]
    edits += [Edit(Op.RATE, 2, rating=2.0), Edit(Op.RATE, 3, rating=5.0)]
    moves = {move.item_id: move for move in run(toy, start, edits, "ratings").moves()}
    assert moves[sunk].words == "down 1"
    assert moves[sunk].score_change == pytest.approx(-0.1, abs=1e-4)
    assert moves[sunk].cause.edit == edits_before + 2
    assert moves[sunk].cause.value == pytest.approx(0, abs=1e-6)
    assert moves[risen].cause.edit == edits_before + 2
    assert moves[risen].cause.value == pytest.approx(5.0, abs=1e-4)


def test_the_causes_of_very_many_edits_ask_for_few_histories(
    demo_engine: Engine, base: History
) -> None:
    asked = 0

    class Counting(Ratings):
        def log_probabilities(self, histories: list[History]) -> np.ndarray:
            nonlocal asked
            asked += len(histories)
            return super().log_probabilities(histories)

    weights = np.random.default_rng(0).normal(size=(len(base), len(demo_engine.corpus.item_ids)))
    toy = copy.copy(demo_engine)
    toy.__dict__["recommenders"] = {"ratings": Counting(weights.astype(np.float32))}
    edits = [Edit(Op.RATE, 1 + n % len(base), rating=1.0 + n * 7 % 5) for n in range(1_000)]
    fork = run(toy, base, edits, "ratings")
    assert {move["cause"]["kind"] for move in fork_facts(fork)["moves"]} == {"rate"}
    assert asked < 2_000

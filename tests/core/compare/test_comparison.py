"""Moves between lists and their causes, on the demo's own model."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from core.compare.causes import explain_changes, have_changes
from core.compare.columns import ColumnSpec, open_column
from core.compare.comparison import Comparison
from core.compare.fork import run
from core.compare.replay import make_capsule
from core.corpus.store import Library
from core.domain import DomainError, History, Stopped
from core.engine import Engine
from core.figures.compare_report import fork_report
from core.figures.palette import LIGHT
from core.scenario.edits import Edit, Op
from core.scenario.store import Scenario, ScenarioStore


def between(engine: Engine, user: str, *steps: int, recommender: str | None = None) -> Comparison:
    return Comparison(engine, [ColumnSpec(user, str(s), recommender) for s in steps])


def score(engine: Engine, history: History, items: np.ndarray) -> np.ndarray:
    return engine.recommender().log_probabilities([history])[0][items].astype(np.float64)


def test_without_items_there_is_nothing_to_explain(engine: Engine, busy_user: str) -> None:
    late = engine.corpus.history(busy_user)
    found = explain_changes(engine.recommender(), late.up_to(1), late, np.array([], np.int64))
    assert found.values.shape == (len(found.players) + 1, 0)
    assert found.error == 0


def test_causes_are_the_mean_gain_over_all_orders(engine: Engine, busy_user: str) -> None:
    whole = engine.corpus.history(busy_user)
    early, late = whole.up_to(6), whole.up_to(9)
    items = np.array([0, 3, 17], np.int64)
    found = explain_changes(engine.recommender(), early, late, items)
    slow = np.zeros((4, 3))
    for order in permutations(range(4)):
        present: set[int] = set()
        for player in order:
            ends = []
            for now in (present, present | {player}):
                events = [late.events[6 + p] for p in sorted(now - {3})]
                clock = late.at if 3 in now else early.at
                ends.append(
                    score(engine, History(busy_user, (*early.events, *events), clock), items)
                )
            slow[player] += (ends[1] - ends[0]) / 24
            present = present | {player}
    assert found.exact
    assert np.allclose(found.values, slow, atol=1e-5)


@pytest.mark.parametrize("steps", [(5, 6), (4, 12), (2, 30)])
def test_causes_add_up_to_the_difference_of_the_lists_own_scores(
    engine: Engine, busy_user: str, steps: tuple[int, int]
) -> None:
    comparison = between(engine, busy_user, *steps)
    changes = comparison.changes(0)
    assert changes is not None
    before, after = comparison.scores
    assert before is not None and after is not None
    assert np.allclose(changes.base, before[changes.items], atol=1e-4)
    assert np.allclose(changes.whole, after[changes.items], atol=1e-4)
    assert np.abs(changes.residual).max() < 1e-4
    assert changes.exact == (steps[1] - steps[0] < 10)
    assert {move.item for move in comparison.moves()} <= set(changes.items.tolist())


def test_backwards_the_values_turn_their_sign(engine: Engine, busy_user: str) -> None:
    there, back = (between(engine, busy_user, *s).changes(0) for s in ((6, 9), (9, 6)))
    assert there is not None and back is not None
    assert np.allclose(there.values, -back.values)
    assert np.allclose(there.base, back.whole)


def test_no_cause_between_users_or_recommenders(engine: Engine, busy_user: str) -> None:
    other = next(user for user in engine.corpus.user_ids if user != busy_user)
    comparison = Comparison(
        engine,
        [
            ColumnSpec(busy_user, "9"),
            ColumnSpec(other),
            ColumnSpec(busy_user, "9"),
            ColumnSpec(busy_user, "12", "popularity"),
        ],
    )
    moves = comparison.moves()
    assert moves and all(move.cause is None for move in moves)
    assert [o.jaccard for o in comparison.overlaps if (o.a, o.b) == (0, 2)] == [1.0]


def test_an_item_that_was_consumed_left_by_eligibility(engine: Engine) -> None:
    found = 0
    for user in engine.corpus.user_ids[:60]:
        history = engine.corpus.history(user)
        for step in range(1, len(history)):
            event = history.events[step]
            comparison = between(engine, user, step, step + 1)
            listed = {item.item_id for item in comparison.lists[0].items}
            if event.item_id in listed and event.kind in {"purchase", "rating", "review"}:
                move = next(m for m in comparison.moves() if m.item_id == event.item_id)
                assert (move.kind, move.after, move.rank_after) == ("left", None, None)
                assert move.cause is not None
                assert (move.cause.kind, move.cause.step) == ("eligibility", step + 1)
                found += 1
        if found > 3:
            return
    assert found


def test_popularity_only_moves_by_eligibility(engine: Engine, busy_user: str) -> None:
    for move in between(engine, busy_user, 3, 9, recommender="popularity").moves():
        assert move.cause is not None and move.cause.kind == "eligibility"
        assert move.cause.step in range(4, 10)


def test_moves_are_exactly_the_differences_of_the_lists(engine: Engine, busy_user: str) -> None:
    comparison = between(engine, busy_user, 4, 9, 14)
    for a in (0, 1):
        ranks = [{i.item_id: i.rank for i in found.items} for found in comparison.lists[a : a + 2]]
        expected = {
            item: (ranks[0].get(item), ranks[1].get(item))
            for item in ranks[0] | ranks[1]
            if ranks[0].get(item) != ranks[1].get(item)
        }
        moves = [m for m in comparison.moves(causes=False) if m.a == a]
        assert {m.item_id: (m.before, m.after) for m in moves} == expected
        for move in moves:
            assert move.before in (None, move.rank_before)
            assert move.after in (None, move.rank_after)


def test_the_named_event_pushed_the_item_the_way_it_moved(engine: Engine, busy_user: str) -> None:
    comparison = between(engine, busy_user, 4, 12)
    changes = comparison.changes(0)
    assert changes is not None
    for move in comparison.moves():
        assert move.cause is not None
        if move.cause.kind in ("event", "clock"):
            assert (move.cause.value > 0) == (move.kind in ("entered", "up"))
            assert move.cause.value in changes.of(move.item).values


def test_an_edited_or_shorter_history_has_no_causes(engine: Engine, busy_user: str) -> None:
    whole = engine.corpus.history(busy_user)
    assert have_changes(whole.up_to(3), whole.up_to(5))
    assert not have_changes(whole.up_to(5), whole.up_to(5))
    assert not have_changes(whole.up_to(5), whole.keeping([1, 2, 3, 4, 6, 7]))


def test_stop_is_heard_while_causes_are_sampled(engine: Engine, busy_user: str) -> None:
    comparison = Comparison(
        engine, [ColumnSpec(busy_user, "2"), ColumnSpec(busy_user, "30")], stop=lambda: True
    )
    with pytest.raises(Stopped):
        comparison.moves()


@pytest.fixture
def saved(engine: Engine, tmp_path: Path, busy_user: str) -> tuple[Library, Scenario]:
    """A library with a saved scenario: two events deleted, one rated otherwise."""
    library = Library.open(tmp_path)
    base = engine.corpus.history(busy_user).up_to(20)
    rated = next(step for step, e in enumerate(base.events, start=1) if e.rating is not None)
    other = next(step for step in (19, 20) if step != rated)
    edits = (Edit(Op.DELETE, step=other), Edit(Op.RATE, step=rated, rating=1.0))
    fork = run(engine, base, edits)
    scenario = ScenarioStore.open(library).save(Scenario(make_capsule(fork, "less")))
    return library, scenario


def test_a_scenario_stands_beside_its_original_with_its_edits_as_causes(
    engine: Engine, saved: tuple[Library, Scenario], busy_user: str
) -> None:
    library, scenario = saved
    specs = [ColumnSpec(busy_user, "20"), ColumnSpec(busy_user, "20", None, "less")]
    comparison = Comparison(engine, specs, library=library)
    assert comparison.columns[1].step == 20
    expected = [row.item_id for row in scenario.capsule.expected]
    assert [item.item_id for item in comparison.lists[1].items] == expected
    moves = comparison.moves()
    assert moves
    for move in moves:
        assert move.cause is not None and move.cause.kind in ("edit", "eligibility")
        assert move.cause.edit in (1, 2, None)
    turned = Comparison(engine, specs[::-1], library=library).moves()
    there = {move.item_id: move.cause.value for move in moves if move.cause}
    assert {m.item_id: -m.cause.value for m in turned if m.cause} == pytest.approx(there)
    by_id = ColumnSpec(busy_user, None, None, scenario.scenario_id)
    assert open_column(engine, by_id, library).step == 20
    with pytest.raises(DomainError, match="less"):
        open_column(engine, ColumnSpec(busy_user, "20", None, "more"), library)


def test_edits_that_nobody_saved_can_be_reported(engine: Engine, busy_user: str) -> None:
    base = engine.corpus.history(busy_user).up_to(20)
    step = next(step for step, e in enumerate(base.events, start=1) if e.text and e.rating)
    fork = run(engine, base, (Edit(Op.RATE, step=step, rating=1.0), Edit(Op.DELETE, step=20)))
    saved = Comparison(engine, fork.columns, fork.k)
    assert [i.item_id for i in saved.lists[1].items] == [i.item_id for i in fork.after.items]
    assert [m.cause.edit for m in saved.moves()] == [m.cause.edit for m in fork.moves()]
    text = fork_report(fork, "<i>calm</i>", LIGHT)
    assert "<title>What if: &lt;i&gt;calm&lt;/i&gt;</title>" in text
    assert f"edit 1: rated step {step} · " in text and "edit 2: deleted step 20 · " in text

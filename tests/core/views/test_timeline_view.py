"""The Timeline's view says what the engine says, in types that a page can trust."""

from __future__ import annotations

import numpy as np
import pytest

from core.compare.columns import ColumnSpec
from core.compare.comparison import Comparison
from core.domain import DomainError
from core.engine import Engine
from core.views.compare.build import build_compare
from core.views.interest_map import build_map
from core.views.tables import table
from core.views.timeline.build import LIST_SHOWN, build_moment, build_timeline, timeline_table
from core.views.timeline.rows import ListRow


def test_every_event_is_a_step_with_the_trajectorys_numbers(engine: Engine, busy_user: str) -> None:
    view = build_timeline(engine, busy_user)
    history = engine.corpus.history(busy_user)
    trajectory = engine.trajectory(history)
    next_ranks = engine.next_ranks(history)
    assert [row.item_id for row in view.steps] == [event.item_id for event in history.events]
    assert [row.step for row in view.steps] == list(range(1, len(history) + 1))
    assert view.steps[0].step_size is None
    assert view.steps[-1].next_rank is None
    for row, size, rank in zip(
        view.steps[1:-1], trajectory.step_size[1:-1], next_ranks[1:-1], strict=True
    ):
        assert row.step_size == pytest.approx(float(size))
        assert row.next_rank == (None if np.isnan(rank) else float(rank))
    assert np.allclose(view.profile.sum(axis=1), 1, atol=1e-4)


def test_ranks_and_lists_follow_the_recommender(engine: Engine, busy_user: str) -> None:
    history = engine.corpus.history(busy_user)
    for name in ("interest", "ease"):
        view = build_timeline(engine, busy_user, name)
        ranks = [np.nan if row.next_rank is None else row.next_rank for row in view.steps]
        assert np.array_equal(ranks, engine.next_ranks(history, name), equal_nan=True)
        moment = build_moment(engine, view, 3, name)
        listed = engine.recommend(history.up_to(3), LIST_SHOWN, name)
        assert moment.recommender == name
        assert [row.item_id for row in moment.items] == [item.item_id for item in listed.items]
    with pytest.raises(DomainError, match="crystal-ball"):
        build_timeline(engine, busy_user, "crystal-ball")


def test_parts_follow_the_split(engine: Engine, busy_user: str) -> None:
    rows = build_timeline(engine, busy_user).steps
    assert [row.part.name for row in rows[-3:]] == ["TRAIN", "VALIDATION", "TEST"]
    assert [row.next_part for row in rows[:-1]] == [row.part for row in rows[1:]]


def test_an_unknown_user_is_a_domain_error(engine: Engine) -> None:
    with pytest.raises(DomainError, match="nobody"):
        build_timeline(engine, "nobody")


def test_moves_are_those_of_compare_for_the_same_event(engine: Engine, busy_user: str) -> None:
    view = build_timeline(engine, busy_user, "ease")
    for step in range(1, len(view.steps) + 1):
        moment = build_moment(engine, view, step, "ease")
        columns = [ColumnSpec(busy_user, str(at), "ease") for at in (step - 1, step)]
        comparison = Comparison(engine, columns, LIST_SHOWN)
        moves = {move.item_id: move.words for move in comparison.moves(causes=False)}
        shown = {row.item_id: row.move for row in moment.items if row.move != "="}
        assert shown == {item: move for item, move in moves.items() if move != "left"}
        entered = list(moves.values()).count("entered")
        stay = LIST_SHOWN - entered
        if moves:
            assert f"{stay} of {LIST_SHOWN} stay" in moment.list_sentence
            assert f"{entered} entered" in moment.list_sentence
            assert f"{stay} of {LIST_SHOWN} stay" in build_compare(comparison).flow_sentence
        assert "EASE" in moment.list_sentence
        assert "EASE" in build_compare(comparison).flow_sentence


def test_items_seen_before_name_the_last_step_that_met_them(engine: Engine, busy_user: str) -> None:
    view = build_timeline(engine, busy_user)
    events = engine.corpus.history(busy_user).events
    seen = 0
    for step in range(1, len(events) + 1):
        for row in build_moment(engine, view, step).items:
            met = [at for at in range(1, step + 1) if events[at - 1].item_id == row.item_id]
            assert row.seen == (met[-1] if met else None)
            seen += row.seen is not None
    assert seen


def test_the_list_at_a_step_is_the_engines_with_moves_against_the_step_before(
    engine: Engine, busy_user: str
) -> None:
    view = build_timeline(engine, busy_user)
    history = engine.corpus.history(busy_user)
    step = len(history) // 2
    moment = build_moment(engine, view, step)
    now = engine.recommend(history.up_to(step), LIST_SHOWN)
    former = engine.recommend(history.up_to(step - 1), LIST_SHOWN).items
    before = {item.item_id: item.rank for item in former}
    assert [row.item_id for row in moment.items] == [item.item_id for item in now.items]
    for row in moment.items:
        assert row.before == before.get(row.item_id)
        if row.before is None:
            assert row.move == "entered"
        elif row.before == row.rank:
            assert row.move == "="
        else:
            up = row.before > row.rank
            assert row.move == f"{'up' if up else 'down'} {abs(row.before - row.rank)}"
    assert moment.recommender == now.recommender


def test_the_first_list_is_compared_with_the_one_before_any_event(
    engine: Engine, busy_user: str
) -> None:
    moment = build_moment(engine, build_timeline(engine, busy_user), 1)
    assert len(moment.items) == LIST_SHOWN
    assert all(share.change is None for share in moment.shares)


def test_what_came_true_is_marked(engine: Engine) -> None:
    found = 0
    for user in engine.corpus.user_ids[:60]:
        history = engine.corpus.history(user)
        view = build_timeline(engine, user)
        for step in range(1, len(history)):
            if (view.steps[step - 1].next_rank or 99) <= LIST_SHOWN:
                marked = [row for row in build_moment(engine, view, step).items if row.came_true]
                assert [row.item_id for row in marked] == [history.events[step].item_id]
                found += 1
        if found > 3:
            break
    assert found


@pytest.mark.parametrize("step", [-1, 10_000])
def test_a_step_outside_the_history_is_a_domain_error(
    engine: Engine, busy_user: str, step: int
) -> None:
    with pytest.raises(DomainError):
        build_moment(engine, build_timeline(engine, busy_user), step)


def test_the_largest_topics_come_first_with_their_change(engine: Engine, busy_user: str) -> None:
    view = build_timeline(engine, busy_user)
    shares = build_moment(engine, view, 5).shares
    assert [share.share for share in shares] == sorted((s.share for s in shares), reverse=True)
    first = shares[0]
    assert first.change == pytest.approx(
        float(view.profile[4, first.topic] - view.profile[3, first.topic])
    )


def test_landmarks_lie_amid_their_topics_states(engine: Engine) -> None:
    view = build_map(engine)
    assert len(view.crowd) == len(view.crowd_topics)
    for mark in view.landmarks:
        own = view.crowd[view.crowd_topics == mark.topic]
        assert own[:, 0].min() <= mark.x <= own[:, 0].max()
        assert own[:, 1].min() <= mark.y <= own[:, 1].max()
    assert f"{engine.map.trustworthiness:.2f}" in view.sentence


def test_the_table_twin_holds_every_number_of_the_charts(engine: Engine, busy_user: str) -> None:
    view = build_timeline(engine, busy_user)
    whole = timeline_table(view)
    assert len(whole) == len(view.steps)
    shares = whole[[f"profile: {topic}" for topic in view.topics]].to_numpy()
    assert np.allclose(shares, view.profile)
    assert len(table(build_moment(engine, view, 3).items, ListRow.COLUMNS)) == LIST_SHOWN

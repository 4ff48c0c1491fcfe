"""The What-if view: both lists, the moves with causes, the fork, in words that hold."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.domain import History
from core.engine import Engine
from core.scenario.edits import Edit, Op
from core.scenario.fork import Fork, run
from core.scenario.search import SearchResult
from core.views.what_if.build import (
    build_comparison,
    build_fork,
    build_lists,
    build_moves,
    build_profile,
    edits_table,
    equal_times,
    lists_table,
    moves_table,
    paths_table,
    profile_table,
)
from core.views.what_if.sentences import edit_words, search_words


@pytest.fixture
def base(engine: Engine, busy_user: str) -> History:
    return engine.corpus.history(busy_user)


@pytest.fixture
def added(engine: Engine, base: History) -> Fork:
    """One event more, of an item far down the list."""
    last = engine.recommend(base, len(engine.corpus.item_ids)).items[-1]
    at = base.events[-1].timestamp + timedelta(days=1)
    edits = [
        Edit(Op.ADD, item_id=last.item_id, timestamp=at, rating=5.0, text="Simply wonderful."),
        Edit(Op.DELETE, step=len(base)),
    ]
    return run(engine, base, edits)


def test_without_edits_everything_stays(engine: Engine, base: History) -> None:
    fork = run(engine, base, [])
    view = build_lists(fork)
    assert "No edits yet" in view.sentence
    assert all(row.before_id == row.after_id and row.move == "=" for row in view.rows)
    assert build_moves(fork) == ()
    assert moves_table(()).empty
    assert build_fork(fork).fork_step is None
    assert build_fork(fork).felt_sentence == ""


def test_every_move_is_marked_and_has_a_cause(added: Fork) -> None:
    view = build_lists(added)
    entered = [row for row in view.rows if row.move == "+ entered"]
    left = [row for row in view.rows if row.fate == "✕ left"]
    assert entered and len(entered) == len(left)
    assert f"{len(entered)} entered, {len(left)} left" in view.sentence
    moves = build_moves(added)
    assert {move.item_id for move in moves if move.move == "✕ left"} == {
        row.before_id for row in left
    }
    for row in view.rows:
        moved = next((move for move in moves if move.item_id == row.after_id), None)
        assert (moved.move if moved else "=") == row.move
    assert all(move.edit in (1, 2) or "already had" in move.because for move in moves)
    assert any(move.because.startswith("edit 1: added ") for move in moves)
    table = lists_table(view)
    assert list(table["rank"]) == list(range(1, 11))
    assert table["before"].str.startswith("✕ ").sum() == len(left)


def test_moves_say_how_far(engine: Engine, base: History) -> None:
    fork = run(engine, base, [Edit(Op.DELETE, step=len(base) - 3)])
    for row in build_lists(fork).rows:
        if row.move[0] in "▲▼":
            before = next(r.rank for r in build_lists(fork).rows if r.before_id == row.after_id)
            sign = "▲" if before > row.rank else "▼"
            assert row.move == f"{sign} {abs(before - row.rank)}"


def test_the_fork_names_its_step_and_its_distance(added: Fork, base: History) -> None:
    view = build_fork(added)
    assert f"part at step {len(base)}" in view.sentence
    assert "No event follows" in view.felt_sentence
    assert (len(view.before), len(view.after)) == (len(base), len(base))
    assert view.after.names[-1].startswith("a1 · ")
    table = paths_table(view)
    assert list(table.groupby("path").size()) == [len(base), len(base)]


def test_an_early_edit_is_no_longer_felt_or_still_is(engine: Engine, base: History) -> None:
    fork = run(engine, base, [Edit(Op.RATE, step=3, rating=1.0)])
    said = build_fork(fork).felt_sentence
    if fork.reconvergence is None:
        assert said.startswith("Still felt")
    else:
        assert "less than 0.02 apart" in said


def test_profiles_show_the_largest_topics(added: Fork) -> None:
    rows = build_profile(added)
    peaks = [max(row.before, row.after) for row in rows]
    assert peaks == sorted(peaks, reverse=True)
    assert list(profile_table(rows).columns) == ["topic", "before", "after", "change"]


def test_a_history_of_which_nothing_is_left_still_has_views(engine: Engine, base: History) -> None:
    short = base.up_to(2)
    fork = run(engine, short, [Edit(Op.DELETE, step=1), Edit(Op.DELETE, step=2)])
    assert len(build_lists(fork).rows) == 10
    assert len(build_fork(fork).after) == 0
    assert build_fork(fork).sentence
    assert build_profile(fork)
    assert build_moves(fork)


def test_every_edit_has_words(engine: Engine, base: History) -> None:
    corpus = engine.corpus
    title = corpus.title(base.events[2].item_id)
    when = base.events[-1].timestamp
    edits = [
        Edit(Op.ADD, item_id=corpus.item_ids[0], timestamp=when, rating=2.0),
        Edit(Op.DELETE, step=3),
        Edit(Op.RATE, step="a1", rating=4.5),
        Edit(Op.EDIT, step=5, text="x"),
        Edit(Op.DATE, step=6, timestamp=when),
        Edit(Op.MOVE, step=7, to=8),
        Edit(Op.DELETE, step=9999),
    ]
    said = [edit_words(corpus, base, edits, number) for number in range(1, 8)]
    assert said[0].startswith("added ") and said[0].endswith("rated 2")
    assert said[1].startswith(f"deleted step 3 · {title[:20]}")
    assert said[2].startswith("rated a1 · ") and said[2].endswith(" 4.5")
    assert said[3].startswith("rewrote the text of step 5")
    assert said[4].startswith("dated step 6")
    assert said[5].startswith("moved step 7") and said[5].endswith("to step 8")
    assert said[6] == "deleted step 9999"
    assert list(edits_table(corpus, base, edits)["what"]) == said


def test_equal_times_are_found(base: History) -> None:
    events = [base.events[0], base.events[0], base.events[-1]]
    assert [equal_times(events, at) for at in range(3)] == [
        (False, True),
        (True, False),
        (False, False),
    ]


def test_two_scenarios_are_compared_place_by_place(added: Fork, engine: Engine, base) -> None:
    other = run(engine, base, [], recommender="popularity")
    sentence, table = build_comparison(added, other)
    shared = {i.item_id for i in added.after.items} & {i.item_id for i in other.after.items}
    assert f"share {len(shared)} of 10" in sentence
    assert "popularity" in sentence
    assert (table["move"] != "+ entered").sum() == len(shared)


def test_a_search_says_what_it_did(engine: Engine) -> None:
    item = engine.corpus.item_ids[0]

    def result(**more) -> SearchResult:
        facts = {
            "item_id": item, "goal": "in", "k": 10, "rank_before": 40, "found": True,
            "edits": (Edit(Op.DELETE, step=3),), "verified_rank": 4, "tried": 12,
            "complete_up_to": 1, "candidates": {},
        }  # fmt: skip
        return SearchResult(**(facts | more))

    found = search_words(engine.corpus, result())
    assert "1 edit brings" in found and "rank 40 before, rank 4 after" in found
    assert "no smaller set does it" in found
    vain = search_words(
        engine.corpus, result(found=False, edits=(), verified_rank=None, closest_rank=11)
    )
    assert vain.startswith("Nothing found") and "closest gives rank 11" in vain
    assert "needs no edit" in search_words(engine.corpus, result(edits=(), rank_before=3))
    assert "excluded" in search_words(engine.corpus, result(rank_before=None))

"""The What-if view: both lists, the moves with causes, the fork, in words that hold."""

from __future__ import annotations

from datetime import timedelta
from html import escape

import pytest

from core.compare.fork import Fork, run
from core.domain import History
from core.engine import Engine
from core.figures.compare_report import fork_report
from core.figures.palette import LIGHT
from core.scenario.edits import Edit, Op
from core.scenario.search import SmallestChange, Tried
from core.views.compare.build import moves_table
from core.views.tables import table
from core.views.what_if.build import (
    ProfileRow,
    build_beside,
    build_fork,
    build_profile,
    edits_table,
    equal_times,
    lists_table,
    paths_table,
)
from core.views.what_if.edits import edit_words
from core.views.what_if.history_table import build_table
from core.views.what_if.sentences import lists_sentence, search_words


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
    table = lists_table(fork)
    assert "No edits yet" in lists_sentence(fork)
    assert (table["before_id"] == table["after_id"]).all() and set(table["move"]) == {"="}
    assert moves_table(fork, fork.moves()).empty
    assert build_fork(fork).fork_step is None
    assert build_fork(fork).effect_sentence == ""


def test_every_move_is_marked_and_has_a_cause(added: Fork) -> None:
    table = lists_table(added)
    entered, left = (table["move"] == "entered").sum(), (table["became"] == "left").sum()
    assert entered and entered == left
    assert f"{entered} entered, {left} left" in lists_sentence(added)
    moves = moves_table(added, added.moves()).set_index("item_id")
    assert set(moves.index[moves["move"] == "left"]) == set(
        table["before_id"][table["became"] == "left"]
    )
    for item, move in zip(table["after_id"], table["move"], strict=True):
        assert (moves["move"][item] if item in moves.index else "=") == move
    assert moves["cause"].str.contains("^edit [12]: |excluded items").all()
    assert moves["cause"].str.startswith("edit 1: added ").any()
    assert list(table["rank"]) == list(range(1, 11))
    assert table["before"].str.startswith("✕ ").sum() == left


def test_moves_say_how_far(engine: Engine, base: History) -> None:
    table = lists_table(run(engine, base, [Edit(Op.DELETE, step=len(base) - 3)]))
    before = dict(zip(table["before_id"], table["rank"], strict=True))
    for rank, item, move in zip(table["rank"], table["after_id"], table["move"], strict=True):
        if move.startswith(("up", "down")):
            up = before[item] - rank
            assert move == (f"up {up}" if up > 0 else f"down {-up}")


def test_the_fork_names_its_step_and_its_distance(added: Fork, base: History) -> None:
    view = build_fork(added)
    assert f"part at step {len(base)}" in view.sentence
    assert "No event follows" in view.effect_sentence
    assert (len(view.before), len(view.after)) == (len(base), len(base))
    assert view.after.names[-1].startswith("a1 · ")
    table = paths_table(view)
    assert list(table.groupby("path").size()) == [len(base), len(base)]


def test_an_early_effect_fades_or_persists(engine: Engine, base: History) -> None:
    fork = run(engine, base, [Edit(Op.RATE, step=3, rating=1.0)])
    said = build_fork(fork).effect_sentence
    if fork.reconvergence is None:
        assert said.startswith("The effect persists")
    else:
        assert "fades" in said and "less than 0.02 apart" in said


def test_profiles_show_the_largest_topics(added: Fork) -> None:
    rows = build_profile(added)
    peaks = [max(row.before, row.after) for row in rows]
    assert peaks == sorted(peaks, reverse=True)
    assert list(table(rows, ProfileRow.COLUMNS).columns) == ["topic", "before", "after", "change"]


def test_a_history_of_which_nothing_is_left_still_has_views(engine: Engine, base: History) -> None:
    short = base.up_to(2)
    fork = run(engine, short, [Edit(Op.DELETE, step=1), Edit(Op.DELETE, step=2)])
    assert len(lists_table(fork)) == 10
    assert len(build_fork(fork).after) == 0
    assert build_fork(fork).sentence
    assert build_profile(fork)
    assert len(moves_table(fork, fork.moves()))


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
    whole = [edit_words(corpus, base, edits, number, None) for number in range(1, 8)]
    assert list(edits_table(corpus, base, edits)["what"]) == whole


def test_equal_times_are_found(base: History) -> None:
    events = [base.events[0], base.events[0], base.events[-1]]
    assert [equal_times(events, at) for at in range(3)] == [
        (False, True),
        (True, False),
        (False, False),
    ]


def test_two_scenarios_are_compared_rank_by_rank(added: Fork, engine: Engine, base) -> None:
    other = run(engine, base, [], recommender="popularity")
    sentence, table = build_beside(added, other)
    shared = {i.item_id for i in added.after.items} & {i.item_id for i in other.after.items}
    assert f"share {len(shared)} of 10" in sentence
    assert "popularity" in sentence
    assert (table["move"] != "entered").sum() == len(shared)


def test_a_search_says_what_it_did(engine: Engine) -> None:
    item = engine.corpus.item_ids[0]

    def result(**more) -> SmallestChange:
        facts = {
            "item_id": item, "goal": "in", "k": 10, "rank_before": 40, "found": True,
            "edits": (Edit(Op.DELETE, step=3),), "verified_rank": 4,
            "tried": Tried(sets=12, complete_up_to=1),
        }  # fmt: skip
        return SmallestChange(**(facts | more))

    found = search_words(engine.corpus, result())
    assert "1 edit brings" in found and "rank 40 before, rank 4 after" in found
    assert "no smaller set is enough" in found
    vain = search_words(
        engine.corpus,
        result(found=False, edits=(), verified_rank=None, tried=Tried(closest_rank=11)),
    )
    assert vain.startswith("No edits found") and "closest gives rank 11" in vain
    assert "needs no edit" in search_words(engine.corpus, result(edits=(), rank_before=3))
    assert "excluded" in search_words(engine.corpus, result(rank_before=None))


def test_edits_are_named_by_what_they_change_and_the_report_quotes_both_texts(
    engine, busy_user
) -> None:
    base = engine.corpus.history(busy_user)
    step = next(n for n, event in enumerate(base.events, 1) if event.rating and event.text)
    event, item = base.events[step - 1], engine.corpus.title(base.events[step - 1].item_id)
    new = "It broke at once <b>and smells</b>."
    edits = [
        Edit(Op.RATE, step, rating=2.0 if event.rating != 2 else 3.0),
        Edit(Op.RATE, step, rating=1.0),
        Edit(Op.EDIT, step, text=new),
    ]
    table = edits_table(engine.corpus, base, edits)
    first = f"{edits[0].rating:g}"
    assert table["what"][0] == f"rated step {step} · {item}: {event.rating:g} → {first}"
    assert table["what"][1].endswith(f": {first} → 1")
    report = fork_report(run(engine, base, edits), "calm", LIGHT)
    for said in (f"{event.rating:g} → {first}", f"step {step}, ", ": before", ": after"):
        assert said in report
    assert escape(new) in report and escape(event.words) in report


def test_changed_texts_have_both_sentiments(engine, busy_user) -> None:
    base = engine.corpus.history(busy_user)
    step = next(n for n, event in enumerate(base.events, 1) if event.text)
    fork = run(engine, base, [Edit(Op.EDIT, step, text="It broke at once. I hate it.")])
    feelings = fork.path_before.sentiment, fork.path_after.sentiment
    rows = build_table(engine.corpus, fork.edited, (), feelings)
    [row] = [row for row in rows if row.handle == step]
    assert row.sentiment_before == pytest.approx(float(fork.path_before.sentiment[step - 1]))
    assert row.sentiment == pytest.approx(float(fork.path_after.sentiment[step - 1]))
    assert " → ▼ " in row.sentiment_words
    assert all("→" not in other.sentiment_words for other in rows if other is not row)

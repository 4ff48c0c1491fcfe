"""The Compare view on the demo: names, moves, sentences, tables."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from core.compare.columns import ColumnSpec, joint_and_parts, month_by_month, two_users
from core.compare.comparison import Comparison
from core.compare.turnover import measure_turnover
from core.corpus.store import Library
from core.engine import Engine
from core.views.compare.build import (
    build_compare,
    change_bars,
    lists_table,
    moves_table,
    overlap_table,
    profiles_table,
    tell,
    trust_sentence,
)
from core.views.turnover import build_turnover, tell_turnover


@pytest.fixture(scope="module")
def library(demo_library: Library) -> Library:
    return demo_library


def test_columns_are_named_by_what_tells_them_apart(
    engine: Engine, library: Library, busy_user: str
) -> None:
    def names(*specs: ColumnSpec) -> list[str]:
        view = build_compare(Comparison(engine, specs, library=library))
        return [column.name.split(" (")[0] for column in view.columns]

    times = [ColumnSpec(busy_user, "0"), ColumnSpec(busy_user, "5")]
    assert names(*times) == ["before the first event", "step 5"]
    by = [ColumnSpec(busy_user, "5", "ease"), ColumnSpec(busy_user, "5", "content")]
    assert names(*by) == ["ease", "content"]
    other = engine.corpus.user_ids[0]
    users = names(ColumnSpec(busy_user, "5"), ColumnSpec(other, "3"))
    assert users == [f"{busy_user} · step 5", f"{other} · step 3"]
    same = names(ColumnSpec(busy_user, "5"), ColumnSpec(busy_user, "5"))
    assert same == ["step 5", "step 5"]


def test_a_move_says_where_from_where_to_and_why(
    engine: Engine, library: Library, busy_user: str
) -> None:
    comparison = Comparison(
        engine, [ColumnSpec(busy_user, "9"), ColumnSpec(busy_user, "12")], library=library
    )
    view = build_compare(comparison)
    moves = comparison.moves()
    table = moves_table(comparison, moves)
    assert list(table["item_id"]) == [move.item_id for move in view.moves]
    assert not any(move.cause for move in view.moves)
    for move, cause in zip(moves, table["cause"], strict=True):
        assert cause and move.cause_step in {10, 11, 12, None}
        if move.cause_step is not None:
            assert f"step {move.cause_step}," in cause
        if move.kind == "entered":
            assert move.words == "entered" and move.rank_before not in range(1, 11)
    assert trust_sentence(comparison).startswith("Exact")
    item = moves[0].item_id
    bars = change_bars(comparison, 0, item)
    assert {bar.step for bar in bars} == {10, 11, 12, None}
    assert sum(bar.value for bar in bars) == pytest.approx(moves[0].score_change, abs=1e-4)
    listed = {line.item_id for line in view.lines}
    unlisted = next(i for i in engine.corpus.item_ids if i not in listed)
    assert change_bars(comparison, 0, unlisted) == ()
    lines = tell(comparison)
    assert len(lines) > len(moves) and not any("\n" in line for line in lines)


def test_the_actual_next_item_is_marked_in_every_column(
    engine: Engine, library: Library, busy_user: str
) -> None:
    history = engine.corpus.history(busy_user)
    specs = month_by_month(engine, busy_user, 30)
    comparison = Comparison(engine, specs, library=library)
    view = build_compare(comparison)
    for at, column in enumerate(view.columns):
        following = history.events[column.step].item_id
        assert column.next_item == engine.corpus.title(following)
        marked = [line.item_id for line in view.lines if line.is_next[at]]
        assert set(marked) <= {following}
        if column.next_rank is not None and column.next_rank <= 10:
            line = next(line for line in view.lines if line.item_id == following)
            assert line.ranks[at] == column.next_rank
    lists = [{i.item_id for i in column.items} for column in comparison.lists]
    stays = [len(a & b) for a, b in pairwise(lists)]
    assert all(str(n) in view.neighbours_sentence for n in stays)
    assert "Most alike" in view.overlap_sentence and "Least alike" in view.overlap_sentence
    end = build_compare(Comparison(engine, [ColumnSpec(busy_user)] * 2, library=library))
    assert end.neighbours_sentence == "" and end.overlap_sentence == end.overlap_sentences[0]
    assert end.next_sentence == "" and end.columns[0].next_rank is None
    assert end.moves == () and end.overlap_sentences[0].count("the same list") == 1


def test_presets_make_columns_that_differ(engine: Engine, busy_user: str) -> None:
    months = month_by_month(engine, busy_user, 40)
    assert months[-1].at == "40" and 2 <= len(months) <= 6
    assert len({spec.at for spec in months}) == len(months)
    assert len(month_by_month(engine, busy_user, 1)) == 1
    parts = joint_and_parts(engine, busy_user, 12)
    assert parts[0].recommender == engine.recommender().id and len(parts) == 6
    assert len({spec.recommender for spec in parts}) == 6
    one, other = two_users(engine, busy_user, 12)
    own = {event.item_id for event in engine.corpus.history(busy_user).events[:12]}
    theirs = {event.item_id for event in engine.corpus.history(other.user).events}
    assert one.user == busy_user != other.user and own & theirs


def test_tables_hold_what_the_charts_show(engine: Engine, library: Library, busy_user: str) -> None:
    comparison = Comparison(
        engine, [ColumnSpec(busy_user, str(s)) for s in (6, 9, 12)], library=library
    )
    view = build_compare(comparison)
    lists = lists_table(view)
    assert len(lists) == len(view.lines)
    for at, column in enumerate(view.columns):
        ranks = lists[f"{at + 1}. {column.name}"].dropna().tolist()
        assert sorted(ranks) == list(range(1, 11))
    assert len(overlap_table(view)) == 3
    profiles = profiles_table(view)
    assert np.allclose(profiles.iloc[:, 1:].sum(), 1, atol=1e-4)
    assert len(moves_table(comparison, view.moves)) == len(view.moves)


def test_turnover_is_read_for_the_corpus_and_one_user(engine: Engine, busy_user: str) -> None:
    found = measure_turnover(engine, [busy_user, *engine.corpus.user_ids[:8]], "popularity")
    view = build_turnover(found, busy_user)
    assert "of a list on average" in view.sentence and "For this user" in view.sentence
    assert len(view.curves["event"]) == len(view.own["event"])
    assert build_turnover(found.among([])).sentence == "No user has two lists to compare."
    assert build_turnover(found, "nobody").own["event"][0].users == 0
    assert tell_turnover(found)


def test_older_events_of_a_long_gap_are_named_as_a_group(
    engine: Engine, library: Library, busy_user: str
) -> None:
    events = len(engine.corpus.history(busy_user))
    assert events > 60
    comparison = Comparison(
        engine, [ColumnSpec(busy_user, "0"), ColumnSpec(busy_user, str(events))], library=library
    )
    item = comparison.lists[1].items[0].item_id
    labels = [bar.label for bar in change_bars(comparison, 0, item)]
    assert any(label.startswith("steps 1 to ") for label in labels)
    assert any(label.startswith(f"step {events}, ") for label in labels)
    assert "were sampled" in trust_sentence(comparison)

"""A draft: undo, redo, what is left out, and what its table must forget."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus.corpus import Corpus
from core.scenario.draft import Draft, leave_out
from core.scenario.edits import Edit, Op, apply_edits, apply_some, find_problems
from tests.core.scenario.random_edits import edit_lists


def test_what_was_typed_into_one_drafts_table_is_in_no_other() -> None:
    first = Draft("c", "u", 9)
    tables = [
        draft.table
        for draft in (
            first,
            first.with_edits([Edit(Op.DELETE, step=1)]),
            first.with_refused([]),
            Draft("c", "u", 9),
        )
    ]
    assert len(set(tables)) == len(tables)
    assert first.with_edits([Edit(Op.DELETE, step=1)], keep_table=True).table == first.table


def test_leaving_an_addition_out_renames_those_after_it() -> None:
    edits = [
        Edit(Op.ADD, item_id="x"),
        Edit(Op.ADD, item_id="y"),
        Edit(Op.RATE, step="a1", rating=1.0),
        Edit(Op.RATE, step="a2", rating=2.0),
        Edit(Op.DELETE, step=3),
        Edit(Op.MOVE, step="a2", to="a1"),
    ]
    assert leave_out(edits, {1}) == (
        Edit(Op.ADD, item_id="y"),
        Edit(Op.RATE, step="a1", rating=2.0),
        Edit(Op.DELETE, step=3),
    )
    assert leave_out(edits, set()) == tuple(edits)


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_what_is_left_after_leaving_out_does_the_same(data, demo: Corpus) -> None:
    whole = max((demo.history(user) for user in demo.user_ids), key=len)
    edits = data.draw(edit_lists(demo, whole.up_to(8), ["Lovely."]))
    base = whole.up_to(data.draw(st.integers(1, 8)))
    problems = find_problems(base, edits, demo)
    after = apply_edits(base, leave_out(edits, set(problems)), demo).history
    fine = set(range(1, len(edits) + 1)) - set(problems)
    assert after.events == apply_some(base, edits, demo, fine).history.events


def test_undo_of_all_and_redo_of_all_is_where_one_was() -> None:
    edits = [Edit(Op.DELETE, step=number) for number in range(1, 6)]
    draft = Draft("c", "u", 9)
    for edit in edits:
        draft = draft.with_edits([edit])
    undone = draft
    for _ in range(7):
        undone = undone.undo()
    assert undone.edits == ()
    redone = undone
    for _ in range(7):
        redone = redone.redo()
    assert redone.edits == draft.edits
    assert undone.with_edits(edits[:1]).undone == ()
    back = draft.bring_back(3)
    assert [edit.step for edit in back.edits] == [1, 2, 4, 5]
    assert back.redo().edits[-1].step == 3


def test_another_base_keeps_the_edits_unless_they_are_about_later_events() -> None:
    draft = Draft("c", "u", 9).with_edits([Edit(Op.DELETE, step=5)])
    earlier = draft.at_step(6)
    assert (earlier.step, earlier.edits, earlier.lineage) == (6, draft.edits, draft.lineage)
    fresh = draft.at_step(4)
    assert fresh.edits == () and fresh.lineage != draft.lineage

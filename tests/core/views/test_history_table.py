"""The history as a table: what typed cells mean, and what the rows say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.corpus.corpus import Corpus
from core.domain import DomainError, EventKind, History
from core.engine import Engine
from core.scenario.edits import Edit, Op, apply_edits
from core.views.what_if.history_table import (
    NEW,
    Refused,
    TableRow,
    build_table,
    edits_of_cells,
    find_item,
    history_table,
    table_frame,
    try_edits,
    was_brought_back,
)
from tests.core.scenario.random_edits import edit_lists


@pytest.fixture
def corpus(engine: Engine) -> Corpus:
    return engine.corpus


@pytest.fixture
def base(corpus: Corpus, busy_user: str) -> History:
    return corpus.history(busy_user)


def table(corpus: Corpus, base: History, *edits: Edit) -> tuple[TableRow, ...]:
    return build_table(corpus, apply_edits(base, edits, corpus))


def at(rows: tuple[TableRow, ...], handle) -> int:
    return next(number for number, row in enumerate(rows) if row.handle == handle)


def typed(corpus: Corpus, rows: tuple[TableRow, ...], handle, **cells) -> list[Edit]:
    [(found, edits)] = edits_of_cells(corpus, rows, {at(rows, handle): cells})
    assert found == handle
    if isinstance(edits, DomainError):
        raise edits
    return edits


def test_rows_are_all_events_newest_first_under_the_empty_one(corpus, base) -> None:
    rows = table(corpus, base)
    assert [row.handle for row in rows] == [NEW, *range(len(base), 0, -1)]
    assert rows[1].item_id == base.events[-1].item_id
    assert not any(row.change for row in rows[1:])
    assert len(history_table(rows)) == len(base)


def test_deleted_events_stay_where_they_were_and_say_so(corpus, base) -> None:
    rows = table(corpus, base, Edit(Op.DELETE, step=5), Edit(Op.RATE, step=7, rating=1.0))
    assert [row.handle for row in rows] == [NEW, *range(len(base), 0, -1)]
    assert (rows[at(rows, 5)].change, rows[at(rows, 5)].removed) == ("✕ deleted", True)
    assert rows[at(rows, 7)].change == "✎ rating none → 1"
    assert list(table_frame(rows, by_id=True)["delete"]).count(True) == 1


def test_every_kind_of_cell_becomes_its_edit(corpus, base) -> None:
    rows = table(corpus, base)
    when = base.events[4].timestamp - timedelta(days=2)
    assert typed(corpus, rows, 5, rating=2) == [Edit(Op.RATE, step=5, rating=2.0)]
    assert typed(corpus, rows, 5, text=" So sad. ") == [Edit(Op.EDIT, step=5, text="So sad.")]
    assert typed(corpus, rows, 5, date=when.isoformat()) == [Edit(Op.DATE, step=5, timestamp=when)]
    assert typed(corpus, rows, 5, delete=True) == [Edit(Op.DELETE, step=5)]
    assert [edit.op for edit in typed(corpus, rows, 5, rating=2, text="So sad.")] == [
        Op.RATE,
        Op.EDIT,
    ]


def test_a_date_without_a_zone_is_utc(corpus, base) -> None:
    rows = table(corpus, base)
    [edit] = typed(corpus, rows, 5, date="2024-03-01T12:00:00.000")
    assert edit.timestamp == datetime(2024, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("change", ["item", "kind", "no rating"])
def test_another_item_or_kind_or_no_rating_replaces_the_event(corpus, base, change) -> None:
    rows = table(corpus, base)
    step = next(n for n, event in enumerate(base.events, 1) if event.rating and event.text)
    event = base.events[step - 1]
    other = next(item for item in corpus.item_ids if item != event.item_id)
    cells = {"item": {"item": other}, "kind": {"kind": "view"}, "no rating": {"rating": None}}
    edits = typed(corpus, rows, step, **cells[change])
    after = apply_edits(base, edits, corpus).history
    assert len(after) == len(base)
    [new] = set(after.events) - set(base.events)
    assert new.timestamp == event.timestamp
    assert new.words == event.words
    assert new.item_id == (other if change == "item" else event.item_id)
    assert new.kind == (EventKind.VIEW if change == "kind" else event.kind)
    assert new.rating == (None if change == "no rating" else event.rating)


def test_the_empty_row_adds_once_it_has_an_item(corpus, base) -> None:
    rows = table(corpus, base)
    assert edits_of_cells(corpus, rows, {0: {"rating": 2, "text": "Later."}}) == []
    item = corpus.item_ids[3]
    [edit] = typed(corpus, rows, NEW, item=item, rating=2, text="Broken.")
    assert (edit.op, edit.item_id, edit.rating, edit.text) == (Op.ADD, item, 2.0, "Broken.")
    rows = table(corpus, base, edit)
    added = rows[at(rows, "a1")]
    assert (added.change, added.kind) == ("+ added", EventKind.REVIEW)
    assert typed(corpus, rows, "a1", rating=1) == [Edit(Op.RATE, step="a1", rating=1.0)]
    assert [row.handle for row in table(corpus, base, edit, Edit(Op.DELETE, step="a1"))] == [
        row.handle for row in table(corpus, base)
    ]


def test_cells_that_say_what_is_there_mean_nothing(corpus, base) -> None:
    rows = table(corpus, base, Edit(Op.RATE, step=5, rating=1.0))
    row = rows[at(rows, 5)]
    same = {
        "item": row.item_id, "kind": row.kind, "rating": 1, "text": f"{row.text} ",
        "date": row.timestamp.isoformat(), "delete": False,
    }  # fmt: skip
    assert edits_of_cells(corpus, rows, {at(rows, 5): same}) == []
    assert edits_of_cells(corpus, rows, {at(rows, 5): {"item": row.item}}) == []


def test_unticking_delete_brings_back_and_is_no_edit(corpus, base) -> None:
    rows = table(corpus, base, Edit(Op.DELETE, step=5))
    cells = {at(rows, 5): {"delete": False}}
    assert was_brought_back(rows, cells) == [5]
    assert edits_of_cells(corpus, rows, cells) == []
    with pytest.raises(DomainError, match="it is deleted"):
        typed(corpus, rows, 5, rating=1)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"rating": 99}, "outside"),
        ({"rating": float("nan")}, "not a number"),
        ({"text": ""}, "empty"),
        ({"date": None}, "needs a date"),
        ({"date": "yesterday"}, "not a valid date"),
        ({"date": "1909-01-01"}, "out of range"),
        ({"item": "no such thing at all"}, "no title contains"),
        ({"item": None}, "needs an item"),
    ],
)
def test_what_can_not_be_is_said_at_its_row(corpus, base, cells, said) -> None:
    rows = table(corpus, base)
    step = next(n for n, event in enumerate(base.events, 1) if event.rating and event.text)
    with pytest.raises(DomainError, match=said) as caught:
        try_edits(base, [], typed(corpus, rows, step, **cells), corpus)
    assert "edit 1" not in str(caught.value)
    shown = build_table(corpus, apply_edits(base, [], corpus), [Refused(step, caught.value)])
    assert shown[at(shown, step)].change == f"⚠ {caught.value.what}"


@given(data=st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_edits_make_a_table_that_says_what_is(data: st.DataObject, corpus, base) -> None:
    """Every event of the edited history once, what is gone marked, and no cell means an edit."""
    short = base.up_to(8)
    edits = data.draw(edit_lists(corpus, short, ["Lovely.", "It broke at once."]))
    edited = apply_edits(short, edits, corpus)
    rows = build_table(corpus, edited)
    shown = [row for row in rows if row.handle != NEW and not row.removed]
    assert [row.handle for row in shown] == list(reversed(edited.origins))
    assert {row.handle for row in rows if row.removed} == set(edited.removed)
    assert len(rows) == 1 + len(edited.origins) + len(edited.removed)
    touched = {one for one, by in zip(edited.origins, edited.touched, strict=True) if by}
    assert {row.handle for row in shown if row.change} == touched
    for by_id in (True, False):
        cells = table_frame(rows, by_id=by_id).drop(columns=["step", "change"])
        same = {
            at: {name: None if value is None or value != value else value
                 for name, value in row.items()} | {"date": str(row["date"].isoformat())}
            for at, row in enumerate(cells.to_dict("records"))
        }  # fmt: skip
        assert edits_of_cells(corpus, rows, same) == []


def test_an_item_is_found_by_id_title_or_words(corpus) -> None:
    titles = [corpus.title(item).casefold() for item in corpus.item_ids]
    lone = next(i for i, title in enumerate(titles) if sum(title in one for one in titles) == 1)
    item = corpus.item_ids[lone]
    assert find_item(corpus, item) == item
    assert find_item(corpus, f" {corpus.title(item).upper()} ") == item
    assert find_item(corpus, corpus.title(item)[1:]) == item
    with pytest.raises(DomainError, match="titles contain"):
        find_item(corpus, "e")
    with pytest.raises(DomainError, match="no title"):
        find_item(corpus, " ")


def test_a_history_without_events_has_the_empty_row(corpus) -> None:
    rows = build_table(corpus, apply_edits(History("U", ()), [], corpus))
    assert [row.handle for row in rows] == [NEW]
    assert len(table_frame(rows, by_id=False)) == 1
    assert history_table(rows).empty

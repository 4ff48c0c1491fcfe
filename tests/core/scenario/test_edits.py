"""Edits: what they make of a history, their form as JSON, and a message for every mistake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.corpus.corpus import Corpus
from core.domain import DomainError, EventKind, History
from core.scenario.edits import (
    Edit,
    Op,
    apply_edits,
    apply_some,
    edits_from_json,
    find_problems,
)

DAY = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def base(demo: Corpus) -> History:
    """A history with a tie: its second and third event at one time."""
    own = max((demo.history(user) for user in demo.user_ids), key=len)
    events = list(own.events[:8])
    events[2] = replace(events[2], timestamp=events[1].timestamp)
    return own.with_events(events)


def listed(*entries: dict[str, Any]) -> tuple[Edit, ...]:
    return edits_from_json(list(entries))


def test_every_op_does_what_it_says(base: History, demo: Corpus) -> None:
    item = demo.item_ids[0]
    before = (base.events[3].timestamp - timedelta(seconds=1)).isoformat()
    after = (base.events[-1].timestamp + timedelta(days=2)).isoformat()
    found = apply_edits(
        base,
        listed(
            {"op": "add", "item_id": item, "timestamp": before, "rating": 1, "text": "Broke.\0"},
            {"op": "edit", "step": "a1", "text": "Broke at once"},
            {"op": "delete", "step": 1},
            {"op": "rate", "step": 4, "rating": 5},
            {"op": "date", "step": 5, "timestamp": after},
            {"op": "move", "step": 3, "to": 2},
        ),
        demo,
    )
    assert found.origins == (3, 2, "a1", 4, 6, 7, 8, 5)
    assert found.touched == ((6,), (), (1, 2), (4,), (), (), (), (5,))
    assert found.removed == (1,)
    assert found.step_of("a1") == 3 and found.step_of(1) is None
    added = found.history.events[2]
    assert (added.item_id, added.kind, added.words) == (item, EventKind.REVIEW, "Broke at once")
    assert found.history.events[3].rating == 5
    assert found.history.at == datetime.fromisoformat(after)
    assert item in found.history.excluded_items()


def test_no_edits_give_the_base_itself(base: History, demo: Corpus) -> None:
    assert apply_edits(base, (), demo).history is base


def test_a_deleted_last_event_does_not_turn_back_the_clock(base: History, demo: Corpus) -> None:
    found = apply_edits(base, listed({"op": "delete", "step": len(base)}), demo)
    assert found.history.at == base.at
    nothing = listed(*({"op": "delete", "step": n} for n in range(1, len(base) + 1)))
    assert apply_edits(base, nothing, demo).history.events == ()


def test_an_edited_review_has_only_its_new_words(base: History, demo: Corpus) -> None:
    step = next(n for n, event in enumerate(base.events, 1) if event.title)
    found = apply_edits(base, listed({"op": "edit", "step": step, "text": "New."}), demo)
    assert found.history.events[step - 1].words == "New."


def test_json_goes_round(base: History, demo: Corpus) -> None:
    entries = [
        {"op": "add", "item_id": "x", "timestamp": "2024-03-01T00:00:00+00:00", "kind": "click"},
        {"op": "edit", "step": "a1", "text": "é \u202e"},
        {"op": "rate", "step": 12, "rating": 4.5},
        {"op": "move", "step": 3, "to": "a1"},
        {"op": "delete", "step": 1},
        {"op": "date", "step": 2, "timestamp": "2024-03-01T12:30:00.000001+00:00"},
    ]
    edits = edits_from_json(entries)
    assert [edit.to_json() for edit in edits] == entries
    assert edits_from_json([edit.to_json() for edit in edits]) == edits


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"op": "add", "item_id": "nothing", "timestamp": "2024-03-01"}, "no item 'nothing'"),
        ({"op": "rate", "step": 2, "rating": 9}, "outside the scale 1-5"),
        ({"op": "rate", "step": 2, "rating": "5"}, "not a number"),
        ({"op": "rate", "step": 2, "rating": float("nan")}, "not a number"),
        ({"op": "rate", "step": 2}, "needs rating"),
        ({"op": "edit", "step": 2, "text": " \n\0"}, "the text is empty"),
        ({"op": "edit", "step": 2, "text": "x" * 100_001}, "100,001 characters"),
        ({"op": "date", "step": 2, "timestamp": "2024-02-30"}, "not a valid date"),
        ({"op": "date", "step": 2, "timestamp": "1812-02-03"}, "1970 to 2099"),
        ({"op": "date", "step": 2, "timestamp": 5}, "not a valid date"),
        ({"op": "move", "step": 1, "to": 2}, "another time"),
        ({"op": "delete", "step": 99}, "step 99 does not exist"),
        ({"op": "delete", "step": 0}, "step 0 does not exist"),
        ({"op": "delete", "step": True}, "does not name an event"),
        ({"op": "delete", "step": "a1"}, "a1 does not exist"),
        ({"op": "delete", "step": "12"}, "does not name an event"),
        ({"op": "delete", "step": 1, "text": "x"}, "no field 'text'"),
        ({"op": "rename", "step": 1}, "unknown op"),
        ({"op": ["add"]}, "unknown op"),
        ({"step": 1}, "unknown op"),
        ("delete 1", "an object"),
    ],
)
def test_mistakes_name_the_edit(base: History, demo: Corpus, entry: Any, says: str) -> None:
    good = {"op": "rate", "step": 1, "rating": 3}
    with pytest.raises(DomainError, match=says) as caught:
        apply_edits(base, edits_from_json([good, entry]), demo)
    assert caught.value.where.startswith("edit 2")


def test_where_says_the_edit_in_words(base: History, demo: Corpus) -> None:
    edits = [Edit(Op.DELETE, 2), Edit(Op.RATE, 3, rating=4.0), Edit(Op.RATE, 2, rating=4.0)]
    with pytest.raises(DomainError, match="already deleted") as caught:
        apply_edits(base, edits, demo)
    assert caught.value.where == "edit 3 (rate step 2)"


def test_all_problems_at_once_and_the_rest_applied(base: History, demo: Corpus) -> None:
    item = demo.item_ids[0]
    edits = [
        Edit(Op.ADD, item_id="nothing", timestamp=DAY),
        Edit(Op.ADD, item_id=item, timestamp=DAY),
        Edit(Op.RATE, "a1", rating=4.0),
        Edit(Op.RATE, "a2", rating=4.0),
    ]
    assert sorted(find_problems(base, edits, demo)) == [1, 3]
    alone = apply_some(base, edits, demo, [2, 4])
    assert alone.step_of("a2") and alone.history.events[alone.step_of("a2") - 1].rating == 4
    assert apply_some(base, edits[1:], demo, [3]).history.events == base.events


def test_a_corpus_without_ratings_takes_none(make_corpus: Callable[..., Corpus]) -> None:
    corpus = make_corpus([("u", "a", 0, "view"), ("u", "b", 1, "purchase")])
    base = corpus.history("u")
    with pytest.raises(DomainError, match="has no ratings"):
        apply_edits(base, [Edit(Op.RATE, 1, rating=3.0)], corpus)
    found = apply_edits(base, listed({"op": "add", "item_id": "a", "timestamp": "2024-01-01",
                                      "kind": "purchase"}), corpus)  # fmt: skip
    assert found.history.excluded_items() == {"a", "b"}


_handle = st.sampled_from([0, 1, 2, 3, 7, 8, 9, -1, 10**30, "a1", "a2", "a9"])
_entry = st.fixed_dictionaries(
    {"op": st.sampled_from(list(Op))},
    optional={
        "step": _handle,
        "to": _handle,
        "item_id": st.sampled_from(["nothing", "BOO-001", "\ud800", ""]),
        "rating": st.sampled_from([1, 5.0, 0, 9, 1e308]),
        "text": st.sampled_from(["", "good", "\ud83d", "\0"]),
        "timestamp": st.sampled_from(["2024-03-01", "1969-01-01", "2100-01-01T00:00:00+14:00"]),
        "kind": st.sampled_from(["view", "rating", "review"]),
    },
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(entries=st.lists(_entry, max_size=5))
def test_any_list_is_applied_or_refused_at_its_first_problem(
    base: History, demo: Corpus, entries: list[dict[str, Any]]
) -> None:
    try:
        edits = edits_from_json(entries)
    except DomainError as problem:
        assert problem.where.startswith("edit ")
        return
    problems = find_problems(base, edits, demo)
    try:
        found = apply_edits(base, edits, demo)
    except DomainError as problem:
        first = min(problems)
        assert (problem.where, problem.what) == (problems[first].where, problems[first].what)
        assert problem.where.startswith(f"edit {first} (")
    else:
        assert not problems
        times = [event.timestamp for event in found.history.events]
        assert times == sorted(times)
        assert len(found.origins) == len(found.touched) == len(times) == len(set(found.origins))

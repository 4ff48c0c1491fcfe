"""Capsules: replayed as they were made, honest about what changed, and safe to open."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.compare.fork import run
from core.compare.replay import make_capsule, replay
from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.domain import DomainError
from core.engine import Engine
from core.scenario.capsule import Capsule, corpus_of, fingerprint, read_capsule
from core.scenario.edits import Edit, Op, apply_edits


@pytest.fixture(scope="module")
def capsule(demo_engine: Engine, demo: Corpus) -> Capsule:
    user = next(user for user in demo.user_ids if len(demo.history(user)) == 14)
    base = demo.history(user)
    edits = [
        Edit(Op.DELETE, 14),
        Edit(Op.ADD, item_id=demo.item_ids[3], timestamp=base.events[4].timestamp, rating=1.0),
        Edit(Op.RATE, "a1", rating=5.0),
    ]
    return make_capsule(run(demo_engine, base, edits, k=7), "two changes")


def changed(capsule: Capsule, **fields: Any) -> Capsule:
    return read_capsule(json.dumps(capsule.model_dump() | fields).encode())


def test_a_capsule_reproduces_its_list(demo_engine: Engine, capsule: Capsule) -> None:
    again = read_capsule(capsule.to_text().encode())
    assert again == capsule
    found = replay(demo_engine, again)
    assert found.matches and found.differences == ()
    assert [item.item_id for item in found.fork.after.items] == [e.item_id for e in again.expected]


def test_half_a_character_does_not_break_the_file(demo: Corpus, capsule: Capsule) -> None:
    edit = Edit(Op.EDIT, 1, text="good \ud83d\0 thing")
    (applied,) = apply_edits(demo.history(demo.user_ids[0]), [edit], demo).edits
    text = capsule.model_copy(update={"edits": [applied.to_json()]}).to_text()
    assert read_capsule(text.encode()).changes == (applied,)


def test_another_list_does_not_match(demo_engine: Engine, capsule: Capsule) -> None:
    rows = capsule.model_dump()["expected"]
    rows[0]["item_id"], rows[1]["item_id"] = rows[1]["item_id"], rows[0]["item_id"]
    rows[4]["score"] += 0.01
    found = replay(demo_engine, changed(capsule, expected=rows[:6]))
    assert not found.matches
    assert [d.what for d in found.differences] == ["rank 1", "rank 2", "score at rank 5", "rank 7"]
    assert found.to_json()["differences"][3]["expected"] is None


def test_another_model_is_named_and_its_scores_are_its_own(
    demo_engine: Engine, capsule: Capsule
) -> None:
    rows = [row | {"score": row["score"] + 0.5} for row in capsule.model_dump()["expected"]]
    found = replay(demo_engine, changed(capsule, model_id="another", expected=rows))
    assert found.matches
    assert [d.what for d in found.differences] == ["model_id"]


def test_a_changed_history_is_named(demo_engine: Engine, capsule: Capsule) -> None:
    found = replay(demo_engine, changed(capsule, history="0" * 16))
    assert [d.what for d in found.differences] == ["fingerprint of the base history"]
    with pytest.raises(DomainError, match="step 14 does not exist"):
        shorter = copy.copy(demo_engine)
        shorter.corpus = ShortCorpus(demo_engine.corpus)  # type: ignore[assignment]
        replay(shorter, capsule)


class ShortCorpus:
    """The demo a while ago: every history without its last event."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def __getattr__(self, name: str) -> Any:
        return getattr(self._corpus, name)

    def history(self, user_id: str) -> Any:
        whole = self._corpus.history(user_id)
        return whole.up_to(len(whole) - 1)


def test_a_fingerprint_sees_every_part(demo: Corpus) -> None:
    one, two = demo.user_ids[:2]
    whole = demo.history(one)
    assert fingerprint(whole) == fingerprint(whole.up_to(len(whole)))
    assert len({fingerprint(h) for h in (whole, whole.up_to(3), demo.history(two))}) == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no capsule"),
        (b"[]", "no capsule"),
        (b"\xff\xfe", "no capsule"),
        (b"[" * 100_000, "no capsule"),
        (b"null", "no capsule"),
        (b"x" * 10_000_001, "10 MB"),
    ],
)
def test_what_is_no_capsule(content: bytes, says: str) -> None:
    with pytest.raises(DomainError, match=says):
        read_capsule(content)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"format": "recipe"}, "no capsule"),
        ({"version": 2}, "version is wrong"),
        ({"k": 10**9}, "k is wrong"),
        ({"k": "10"}, "k is wrong"),
        ({"steps": -1}, "steps is wrong"),
        ({"expected": [{"rank": 1, "item_id": "x", "score": "NaN"}]}, "expected.0.score is wrong"),
        ({"edits": [{}] * 1001}, "edits is wrong"),
        ({"edits": [{"op": "delete", "step": 1}, {"op": "destroy"}]}, "edit 2"),
        ({"edits": [{"op": "rate", "step": 1, "rating": 1e999}]}, "edit 1"),
        ({"edits": [{"op": "edit", "step": 1, "text": {"a": [1] * 10}}]}, "not text"),
        ({"edits": ["delete"]}, "edits.0 is wrong"),
        ({"surprise": 1}, "surprise is wrong"),
        ({"user": None}, "user is wrong"),
        ({"user": "x" * 201}, "user is wrong"),
    ],
)
def test_hostile_fields(capsule: Capsule, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(DomainError, match=says) as caught:
        changed(capsule, **fields)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_more_than_a_capsule_can_hold_is_refused(demo_engine: Engine, demo: Corpus) -> None:
    base = demo.history(demo.user_ids[0])
    edits = [Edit(Op.RATE, 1, rating=1.0 + n % 5) for n in range(1_001)]
    with pytest.raises(DomainError, match="1,001 edits are more than 1,000"):
        make_capsule(run(demo_engine, base, edits))
    assert read_capsule(make_capsule(run(demo_engine, base, edits[1:])).to_text().encode())
    with pytest.raises(DomainError, match="too long for a capsule"):
        make_capsule(run(demo_engine, base, edits[:1], k=1_001))


def test_the_corpus_is_found_by_content_first_then_by_name(
    demo: Corpus, capsule: Capsule, tmp_path: Path
) -> None:
    library = Library.open(tmp_path)
    renamed = capsule.model_copy(update={"corpus": "former name"})
    assert corpus_of(renamed, library) == demo.name
    assert corpus_of(capsule.model_copy(update={"corpus_id": "gone"}), library) == demo.name
    with pytest.raises(DomainError, match="no corpus 'former name'"):
        corpus_of(renamed.model_copy(update={"corpus_id": "gone"}), library)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_content_is_a_capsule_or_a_clear_refusal(data: st.DataObject) -> None:
    """Whatever stands in a field, replaying it or refusing it never breaks."""
    good: dict[str, Any] = {
        "format": "tastelines-capsule", "version": 1, "name": "", "corpus": "demo",
        "corpus_id": "c", "model_id": "m", "user": "u", "steps": 3, "history": "h",
        "edits": [{"op": "delete", "step": 1}], "recommender": "joint", "k": 3, "expected": [],
    }  # fmt: skip
    good[data.draw(st.sampled_from(sorted(good)))] = data.draw(_json)
    for field in ("step", "text", "rating", "timestamp", "item_id", "to"):
        if data.draw(st.booleans()) and isinstance(good["edits"], list):
            good["edits"] = [{"op": data.draw(st.sampled_from(list(Op))), field: data.draw(_json)}]
    with suppress(DomainError):
        read_capsule(json.dumps(good).encode())


def test_a_user_or_recommender_that_is_gone(demo_engine: Engine, capsule: Capsule) -> None:
    for fields, says in (({"user": "nobody"}, "nobody"), ({"recommender": "oracle"}, "oracle")):
        with pytest.raises(DomainError, match=says):
            replay(demo_engine, changed(capsule, **fields))

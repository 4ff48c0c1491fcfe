"""Unsaved edits go through an address and back, whatever they hold; anything else is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.corpus.store import Library
from core.domain import DomainError, EventKind
from core.scenario import unsaved as module
from core.scenario.edits import Edit, Op
from core.scenario.unsaved import Unsaved, from_address, read_code, to_address

handles = st.integers(1, 10**6) | st.integers(1, 999).map(lambda n: f"a{n}")
texts = st.text(st.characters(), min_size=1, max_size=60)  # lone surrogates too
ratings = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)
times = st.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))
edits = st.one_of(
    st.builds(Edit, st.just(Op.DELETE), handles),
    st.builds(Edit, st.just(Op.RATE), handles, rating=ratings),
    st.builds(Edit, st.just(Op.EDIT), handles, text=texts),
    st.builds(Edit, st.just(Op.DATE), handles, timestamp=times),
    st.builds(Edit, st.just(Op.MOVE), handles, to=handles),
    st.builds(
        Edit,
        st.just(Op.ADD),
        item_id=texts,
        timestamp=times,
        text=st.none() | texts,
        rating=st.none() | ratings,
        kind=st.none() | st.sampled_from(EventKind),
    ),
)
lists = st.lists(edits, max_size=6).map(tuple)
drafts = st.builds(Unsaved, lists, lists, st.text(), st.text(), st.integers(0, 10**6))


@given(drafts)
def test_every_draft_comes_back(draft: Unsaved) -> None:
    code = draft.to_code()
    assert read_code(code) == draft
    assert code.isascii() and all(char.isalnum() or char in "-_" for char in code)


@given(drafts, st.data())
def test_a_code_that_was_cut_or_changed_is_refused_or_another_draft(
    draft: Unsaved, data: st.DataObject
) -> None:
    code = draft.to_code()
    at = data.draw(st.integers(0, len(code) - 1))
    other = data.draw(st.sampled_from([code[:at], code[:at] + "!" + code[at:], code[:at] + "é"]))
    try:
        read_code(other)
    except DomainError as problem:
        assert "the edits in the address" in problem.what or "edit" in problem.what


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    try:
        found = read_code(text)
    except DomainError as problem:
        assert problem.remedy
    else:
        assert read_code(found.to_code()) == found


def test_a_few_edits_are_short() -> None:
    delete = Unsaved((Edit(Op.DELETE, 12), Edit(Op.RATE, 7, rating=1.0)))
    assert len(delete.to_code()) < 40


def test_a_long_text_is_kept_in_the_library_under_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(tmp_path)
    words = " ".join(str(n * 7919) for n in range(2_000))
    draft = Unsaved((Edit(Op.EDIT, 3, text=words),), name="long")
    address = to_address(draft, library)
    assert len(address) == 21 and address == to_address(draft, library)
    assert from_address(address, library) == draft
    monkeypatch.setattr(module, "KEPT", 1)
    newer = to_address(Unsaved((Edit(Op.EDIT, 4, text=words),)), library)
    assert from_address(newer, library).edits[0].step == 4
    with pytest.raises(DomainError, match="not in this library"):
        from_address(address, library)


@pytest.mark.parametrize("address", ["~../../etc/passwd", "~", "2abc", "1", "1AAAA"])
def test_a_wrong_address_is_a_sentence(address: str, tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="the edits in the address"):
        from_address(address, Library(tmp_path))


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    code = Unsaved((Edit(Op.EDIT, 3, text="a" * 100_000),)).to_code()
    monkeypatch.setattr(module, "LARGEST", 10_000)
    with pytest.raises(DomainError, match="can't be read"):
        read_code(code)

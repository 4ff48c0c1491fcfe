"""Users are found as a loop over all of them would find them."""

from __future__ import annotations

from types import SimpleNamespace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.corpus.attributes import NUMBER, TEXT
from core.corpus.finding import SHOWN, UserFinder, UserHit, holding

LETTERS = st.text("aAbBß\0 .İ李ſs", min_size=1, max_size=4)
VALUES = st.one_of(st.none(), LETTERS)


class Told:
    """Text attributes by name, and a number that no search reads."""

    def __init__(self, columns: dict[str, list[str | None]]) -> None:
        self.columns = columns
        kinds = [(name, TEXT) for name in columns] + [("age", NUMBER)]
        columns_of = [SimpleNamespace(name=name, kind=kind) for name, kind in kinds]
        self.facts = SimpleNamespace(columns=tuple(columns_of))

    def aligned(self, name: str) -> pa.Array:
        return pa.array(self.columns[name], pa.string())


def plain(name: str) -> str:
    return name.replace("\0", " ").casefold()


def plainly(ids: list[str], told: Told, query: str, most: int) -> list[UserHit]:
    """The order of ``UserFinder.find``, by asking every user."""
    typed = query.strip()
    folded = typed.casefold()
    if not typed:
        return []
    found: dict[str, UserHit] = {typed: UserHit(typed)} if typed in ids else {}

    def holds(name: str, words: str) -> bool:
        return all(word in name for word in words.split())

    for fits in (str.startswith, holds):
        for user in ids:
            if fits(plain(user), folded):
                found.setdefault(user, UserHit(user))
        for name, values in told.columns.items():
            known = sorted((v, at) for at, v in enumerate(values) if v is not None)
            for value, at in known:
                if fits(plain(value), folded):
                    found.setdefault(ids[at], UserHit(ids[at], name, value))
    return list(found.values())[:most]


@given(
    st.dictionaries(LETTERS, st.tuples(VALUES, VALUES), max_size=12),
    st.text("aAbBßS .İ李s", max_size=5),
    st.integers(1, 5),
)
def test_hits_and_their_order_are_those_of_a_loop_over_all_users(known, query, most) -> None:
    ids = sorted(known)
    told = Told(
        {"name": [known[user][0] for user in ids], "city": [known[user][1] for user in ids]}
    )
    assert UserFinder(ids, told).find(query, most) == plainly(ids, told, query, most)


def test_the_id_that_was_typed_comes_first_whatever_begins_like_it() -> None:
    ids = sorted([*(f"U1{n}" for n in range(20)), "u1"])
    assert UserFinder(ids).find("u1")[0] == UserHit("u1")
    assert len(UserFinder(ids).find("u1")) == SHOWN


@pytest.mark.parametrize("query", ["", "  ", "nobody", "\ud800"])
def test_nobody_is_found_where_nobody_answers(query) -> None:
    assert UserFinder(["ann", "bob"]).find(query) == []
    assert UserFinder([]).find(query) == []


def test_every_word_counts_in_any_order() -> None:
    ids = ["Ann Lee 7", "Lee Ann 7", "ann", "lee"]
    told = Told({"town": [None, None, "San José del Valle", "José"]})
    finder = UserFinder(ids, told)
    assert finder.find("lee ann") == [UserHit("Lee Ann 7"), UserHit("Ann Lee 7")]
    assert finder.find(" 7  ANN ") == [UserHit("Ann Lee 7"), UserHit("Lee Ann 7")]
    assert finder.find("valle san") == [UserHit("ann", "town", "San José del Valle")]
    assert finder.find("ann nobody") == []
    assert holding(ids, "ann lee").tolist() == [True, False, False, False]

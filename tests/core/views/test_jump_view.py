"""The palette's search: every word, best matches first, few hits."""

from __future__ import annotations

import pytest

from core.corpus.finding import UserHit
from core.views.jump import build_names, find, hit_label

NAMES = ("Clamp Mount", "Desk Lamp, Black", "Lamp", "lamp black", "Straße")


@pytest.mark.parametrize(
    ("query", "most", "found"),
    [
        ("lamp", 5, [2, 3, 1, 0]),
        ("lamp", 2, [2, 3]),
        (" LAMP bl", 5, [3, 1]),
        ("black lamp", 5, [1, 3]),
        ("strasse", 5, [4]),
        ("", 2, [0, 1]),
        ("chair", 5, []),
    ],
)
def test_names_that_begin_with_the_query_come_first(query, most, found) -> None:
    assert find(NAMES, query, most) == found


def test_items_are_found_by_title_and_by_id(demo_engine) -> None:
    corpus = demo_engine.corpus
    names = build_names(corpus)
    item = corpus.item_ids[5]
    assert 5 in find(names.items, item, 5)
    assert 5 in find(names.items, corpus.title(item), 5)


def test_a_user_is_called_by_the_id_and_what_answered() -> None:
    assert hit_label(UserHit("u1")) == "u1"
    assert hit_label(UserHit("u1", "city", "Berlin")) == "u1 · city: Berlin"


def test_neither_a_long_id_nor_a_long_value_hides_the_other() -> None:
    long = hit_label(UserHit("u" * 64, "city", "Berlin"))
    assert len(long) <= 60 and long.endswith("… · city: Berlin") and long.startswith("u" * 30)
    long = hit_label(UserHit("u1", "city", "Llan" * 40))
    assert len(long) <= 60 and long.startswith("u1 · city: Llan") and long.endswith("…")
    long = hit_label(UserHit("u" * 64, "city", "Llan" * 40))
    assert len(long) <= 60 and "u" * 20 in long and "· city: Llan" in long
    assert len(hit_label(UserHit("u" * 64))) == 60

"""Overlap measures against their definitions, spelled out slowly."""

from __future__ import annotations

from itertools import combinations
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.compare.overlap import jaccard, kendall, rank_biased_overlap

lists = st.lists(st.integers(0, 14), unique=True, max_size=12)
scored = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from([-3.0, -2.0, -1.5, 0.0]))


def agreement(one: list[int], other: list[int], depth: int) -> float:
    """Agreement at a depth, with the assumptions behind RBO_EXT beyond the lists' ends."""
    short, long = sorted((one, other), key=len)
    s, length = len(short), len(long)
    if depth > length:
        return agreement(one, other, length)
    seen = len(set(short[:depth]) & set(long[:depth]))
    if depth > s:
        seen += len(set(short) & set(long[:s])) / s * (depth - s)
    return seen / depth


@given(lists, lists, st.sampled_from([0.5, 0.9]))
def test_rbo_is_the_weighted_mean_agreement_over_all_depths(
    one: list[int], other: list[int], p: float
) -> None:
    found = rank_biased_overlap(one, other, p)
    if not one and not other:
        assert found is None
    elif not one or not other:
        assert found == 0
    else:
        slow = sum((1 - p) * p ** (d - 1) * agreement(one, other, d) for d in range(1, 600))
        assert found == pytest.approx(slow, abs=1e-9)


@given(lists, lists)
def test_rbo_and_jaccard_know_no_direction_and_stay_in_range(
    one: list[int], other: list[int]
) -> None:
    for measure in (rank_biased_overlap, jaccard):
        found = measure(one, other)
        assert found == measure(other, one)
        assert found is None or -1e-12 <= found <= 1 + 1e-12
    if one:
        assert rank_biased_overlap(one, one) == pytest.approx(1)
        assert jaccard(one, one) == 1


@given(lists, lists)
def test_jaccard_counts_shared_items(one: list[int], other: list[int]) -> None:
    every = {item for item in range(15) if item in one or item in other}
    both = {item for item in every if item in one and item in other}
    assert jaccard(one, other) == (len(both) / len(every) if every else None)


def test_rbo_weighs_the_top_more_than_the_bottom() -> None:
    base = list(range(10))
    top_changed, bottom_changed = [99, *base[1:]], [*base[:-1], 99]
    assert rank_biased_overlap(base, top_changed) < rank_biased_overlap(base, bottom_changed)


@given(scored, scored)
def test_kendall_counts_pairs(one: dict[str, float], other: dict[str, float]) -> None:
    def sign(value: float) -> int:
        return (value > 0) - (value < 0)

    pairs = list(combinations(sorted(one.keys() & other.keys()), 2))
    agree = sum(sign(one[a] - one[b]) * sign(other[a] - other[b]) for a, b in pairs)
    untied_one = sum(one[a] != one[b] for a, b in pairs)
    untied_other = sum(other[a] != other[b] for a, b in pairs)
    found = kendall(one, other)
    if not untied_one or not untied_other:
        assert found is None
    else:
        assert found == pytest.approx(agree / sqrt(untied_one * untied_other), abs=1e-12)


def test_kendall_of_one_common_item_is_null() -> None:
    assert kendall({"a": 1.0, "b": 2.0}, {"b": 1.0, "c": 2.0}) is None
    assert kendall({"a": 1.0, "b": 2.0}, {"a": 5.0, "b": 9.0}) == 1.0
    assert kendall({"a": 1.0, "b": 2.0}, {"a": 9.0, "b": 5.0}) == -1.0

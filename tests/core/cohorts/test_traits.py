"""What a cohort shares: exact where it can be checked, silent where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.stats import hypergeom

from core.cohorts.people import People
from core.cohorts.traits import LEVEL, Having, describe, excess, groups_of
from core.views.cohorts.build import Everyone


def test_the_chance_is_close_to_the_exact_hypergeometric_one() -> None:
    users, cohort = 800, 60
    for holders, inside in ((40, 9), (200, 25), (7, 3), (400, 31), (5, 0)):
        _, p = excess(
            np.array([[holders]], float), np.array([inside], float), np.array([users], float),
            np.array([cohort], float),
        )  # fmt: skip
        exact = hypergeom.sf(inside - 1, users, holders, cohort)
        assert np.log10(p[0]) == pytest.approx(np.log10(exact), abs=0.15)


def test_random_cohorts_share_nothing_beyond_the_false_discovery_rate(everyone: Everyone) -> None:
    people, rng = everyone.people, np.random.default_rng(5)
    draws, with_traits = 30, 0
    for _ in range(draws):
        chosen = np.zeros(len(people.users), np.bool_)
        chosen[rng.choice(len(chosen), 50, replace=False)] = True
        found = describe(people, everyone.topic_shares, everyone.having, chosen, ~chosen)
        with_traits += bool(found.traits)
    assert with_traits <= draws * LEVEL + 3 * np.sqrt(draws * LEVEL)


def test_active_users_do_not_share_items_for_being_active(everyone: Everyone) -> None:
    """They have more of everything; beside others as active nothing is left but their events."""
    people = everyone.people
    chosen = (people.users["events"] >= people.users["events"].quantile(0.8)).to_numpy()
    found = describe(people, everyone.topic_shares, everyone.having, chosen, ~chosen)
    assert [trait.name for trait in found.of("figure")][:1] == ["events"]
    assert len(found.of("item")) <= 1


def test_a_planted_item_and_word_are_found_with_their_counts(people: People) -> None:
    n = len(people.users)
    chosen = np.arange(n) < 40
    held = np.zeros((n, 3), np.float32)
    held[:30, 0] = 1  # 30 of the 40 have the first item
    held[::7, 0] = 1
    held[::3, 1] = 1  # everybody alike
    table = sp.csr_matrix(held)
    found = describe(
        people, np.zeros((n, len(people.topics))), [Having("item", "abc", table)], chosen, ~chosen
    )
    (trait,) = found.of("item")
    assert (trait.name, trait.known) == ("a", 40) and trait.users == int(held[:40, 0].sum())
    assert trait.share.low < trait.share.mean < trait.share.high
    assert trait.usual < 0.2 and trait.q < 0.001


def test_groups_hold_equal_numbers_of_events_together() -> None:
    events = np.array([1] * 50 + [2, 3, 4, 5, 6])
    groups = groups_of(events, np.ones(55, np.bool_))
    assert groups.tolist() == [0] * 50 + [1] * 5

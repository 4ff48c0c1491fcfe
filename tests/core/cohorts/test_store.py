"""Saved cohorts: a rule is asked again, a list keeps its users, names are found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.cohorts.people import People
from core.cohorts.rule import Rule, members
from core.cohorts.store import Cohort, CohortStore, members_of
from core.corpus.attributes import Condition
from core.corpus.store import Library
from core.domain import DomainError


@pytest.fixture
def store(tmp_path: Path) -> CohortStore:
    return CohortStore.open(Library.open(tmp_path))


def cohort(people: People, **more: object) -> Cohort:
    corpus = people.corpus
    return Cohort("busy", corpus.name, corpus.corpus_id, "m", 3, **more)  # type: ignore[arg-type]


def test_a_rule_is_asked_again(store: CohortStore, people: People) -> None:
    rule = Rule(least_events=20, topic=people.topics[0])
    saved = store.save(cohort(people, rule=rule, notes="why"))
    read = store.load(saved.cohort_id)
    assert read == saved and read.rule == rule
    assert (members_of(read, people) == members(rule, people)).all()
    grown = replace(people, users=people.users.assign(events=people.users["events"] + 20))
    assert members_of(read, grown).sum() > members_of(read, people).sum()


def test_a_rule_that_could_not_be_read_back_is_not_saved(
    store: CohortStore, people: People
) -> None:
    cities = tuple(Condition("is", "城市", f"城市{at}") for at in range(60))
    saved = store.save(cohort(people, rule=Rule(attributes=cities)))
    assert store.load(saved.cohort_id).rule == saved.rule
    with pytest.raises(DomainError, match=r"the rule has 2,\d+ characters"):
        store.save(cohort(people, rule=Rule(attributes=(*cities, *cities, *cities, *cities))))
    assert store.cohorts("demo") == [saved]


def test_a_list_keeps_its_users_as_far_as_the_corpus_has_them(
    store: CohortStore, people: People
) -> None:
    ids = (*people.corpus.user_ids[:3], "=cmd|' /C calc'!A0", "gone\u202e")
    read = store.load(store.save(cohort(people, user_ids=ids)).cohort_id)
    assert read.user_ids == ids
    assert np.flatnonzero(members_of(read, people)).tolist() == [0, 1, 2]


def test_names_are_found_and_nobody_is_refused(store: CohortStore, people: People) -> None:
    with pytest.raises(DomainError, match="there is no cohort 'busy'"):
        store.named("demo", "busy")
    saved = store.save(cohort(people, rule=Rule(least_events=3)))
    assert store.named("demo", "busy") == saved
    with pytest.raises(DomainError, match="Choose one of busy"):
        store.named("demo", "idle")
    with pytest.raises(DomainError, match="has no users"):
        store.save(cohort(people))
    store.delete(saved)
    assert store.cohorts("demo") == []

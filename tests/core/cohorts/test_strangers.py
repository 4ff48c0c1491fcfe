"""Corpora without times and cohorts of everybody: nothing is dated, nothing ends in an error."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from core.cohorts.rule import Rule, members
from core.cohorts.states import States
from core.corpus.store import Library
from core.domain import DomainError
from core.engine import Engine
from core.turns.stored import Turns
from core.views.cohorts.build import Everyone, build_cohort, build_users_map, tell

DATED = re.compile(r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (19|20)\d\d")


@pytest.fixture
def untimed(demo_library: Library, demo_engine: Engine, states: States, turns: Turns) -> Everyone:
    corpus = demo_engine.corpus
    manifest = corpus.manifest.model_copy(update={"order_as_time": True})
    bare = replace(corpus, manifest=manifest)
    return Everyone(Engine.open(bare, demo_engine.folder, demo_library), states, turns)


def test_a_corpus_without_times_has_no_dates(untimed: Everyone) -> None:
    assert untimed.times == ()
    assert untimed.people.users["last_seen"].isna().all()
    chosen = members(Rule(least_events=25), untimed.people)
    view = build_cohort(untimed, "busy", chosen, None, None)
    said = [*tell(view, None), build_users_map(untimed, None, "activity").sentence]
    assert not [line for line in said if DATED.search(line)]
    assert view.flow.labels[0] == "first event" and view.flow.flow.users == chosen.sum()
    with pytest.raises(DomainError, match="no times"):
        members(Rule(quiet_since=np.datetime64("2024-01-01").astype(object)), untimed.people)


def test_everybody_and_one_user_are_cohorts(everyone: Everyone) -> None:
    n = len(everyone.people.users)
    whole = build_cohort(everyone, "all", np.ones(n, np.bool_), None, None)
    assert whole.traits == () and "800 of 800" in whole.sentence
    alone = np.zeros(n, np.bool_)
    alone[3] = True
    view = build_cohort(everyone, "one", alone, None, None)
    assert view.users["user_id"].tolist() == [everyone.engine.corpus.user_ids[3]]
    assert not [line for line in tell(view, None) if "nan" in line]

"""Rules: the same users as a plain loop finds, hostile words bound, what can't be refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from core.cohorts.people import People
from core.cohorts.rule import Rule, members, query_of
from core.domain import DomainError
from core.views.cohorts.sentences import rule_words


def test_a_rule_finds_whom_a_loop_over_the_histories_finds(people: People) -> None:
    corpus, topic = people.corpus, people.topics[0]
    assert people.turns is not None
    since = date(2023, 1, 1)
    rule = Rule(turned_to=topic, since=since, until=date(2024, 6, 30), least_events=12)
    wanted = set()
    for row in people.turns.itertuples(index=False):
        event = corpus.history(row.user_id).events[row.step - 1]
        in_time = since <= event.timestamp.date() <= date(2024, 6, 30)
        is_move = row.kind in ("turn", "drift", "return")
        if in_time and is_move and row.topic == topic and len(corpus.history(row.user_id)) >= 12:
            wanted.add(row.user_id)
    found = {corpus.user_ids[at] for at in np.flatnonzero(members(rule, people))}
    assert found == wanted and 0 < len(found) < 60


def test_every_condition_narrows_to_those_who_meet_it(people: People) -> None:
    users = people.users
    last = users["last_seen"].max().date()
    cases = {
        "kind": (Rule(kind="narrowing"), None),
        "topic": (Rule(topic=people.topics[1]), users["topic"] == people.topics[1]),
        "most": (Rule(most_events=8), users["events"] <= 8),
        "drift": (Rule(least_drift=0.8), users["drift"] >= 0.8),
        "rises": (Rule(sentiment="rises"), users["sentiment_trend"] >= 0.2),
        "falls": (Rule(sentiment="falls"), users["sentiment_trend"] <= -0.2),
        "rank": (Rule(least_rank=50), users["held_out_rank"] >= 50),
        "active": (
            Rule(active_since=last - timedelta(days=30)),
            users["last_seen"].dt.date >= last - timedelta(days=30),
        ),
        "quiet": (
            Rule(quiet_since=last - timedelta(days=30)),
            users["last_seen"].dt.date < last - timedelta(days=30),
        ),
    }
    for name, (rule, wanted) in cases.items():
        found = members(rule, people)
        assert 0 < found.sum() < len(users), name
        if wanted is not None:
            assert (found == wanted.to_numpy()).all(), name


def test_a_rule_is_the_same_after_its_address() -> None:
    rule = Rule(turned_to="R&D = 100 %; – 音", since=date(2024, 2, 29), least_drift=0.25)
    assert Rule.from_text(rule.to_text()) == rule
    assert Rule.from_text("") == Rule() and Rule().is_empty
    assert rule_words(Rule(turned_to="Audio", since=date(2024, 1, 1), least_events=12)) == (
        "turned to Audio from 1 Jan 2024 on, 12 or more events"
    )


def test_a_hostile_topic_is_a_value_not_a_part_of_the_query(people: People) -> None:
    hostile = "x' OR '1'='1'; ATTACH '/etc/passwd' AS p; --"
    query = query_of(Rule(turned_to=hostile, topic=hostile))
    assert "passwd" not in query.text and query.parameters.count(hostile) == 2
    named = replace(people, topics=(*people.topics, hostile))
    assert not members(Rule(topic=hostile), named).any()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour=red", "a rule has no condition 'colour'"),
        ("since=tomorrow", "since can't be 'tomorrow'"),
        ("until=9999-12-31", "until can't be '9999-12-31'"),
        ("least_events=-1", "least_events can't be '-1'"),
        ("least_drift=nan", "least_drift can't be 'nan'"),
        ("kind=jump", "kind can't be 'jump'"),
        ("since=2024-02-01&until=2024-01-01", "since is above until"),
        ("nothing", "'nothing' is no rule"),
        ("topic=" + "x" * 3000, "the rule has 3,006 characters"),
    ],
)
def test_what_can_not_be_is_said(text: str, said: str) -> None:
    with pytest.raises(DomainError, match=said.replace("(", r"\(")):
        Rule.from_text(text)


def test_a_rule_that_these_users_can_not_answer(people: People) -> None:
    with pytest.raises(DomainError, match="there is no topic 'Sealing wax'"):
        members(Rule(topic="Sealing wax"), people)
    with pytest.raises(DomainError, match="were not measured"):
        members(Rule(kind="turn"), replace(people, turns=None))

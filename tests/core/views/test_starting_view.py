"""Overview's lists about many users: planted changes are found, chance is not, rules are theirs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.cohorts.rule import Rule
from core.engine import Engine
from core.evaluate.protocols import find_report
from core.views.starting import build_groups, build_moves


@pytest.fixture
def shop(demo_engine: Engine) -> Engine:
    """The demo, whose events may be changed."""
    engine = Engine.__new__(Engine)
    engine.__dict__.update(demo_engine.__dict__)
    return engine


def test_a_planted_rise_is_found_and_shuffled_times_have_none(shop: Engine) -> None:
    corpus, topics = shop.corpus, shop.topics
    events, rng = corpus.events, np.random.default_rng(1)
    shuffled = events.assign(timestamp=rng.permutation(events["timestamp"].to_numpy()))
    shop.corpus = replace(corpus, events=shuffled)
    none = build_moves(shop)
    assert "none has a share" in none.sentence and min(row.q for row in none.moves) > 0.05
    own = np.flatnonzero(topics.item_topic == 2)[0]
    late = shuffled["timestamp"] > shuffled["timestamp"].max() - np.timedelta64(300, "D")
    planted = late & (rng.random(len(late)) < 0.3)
    items = shuffled["item_id"].where(~planted, corpus.item_ids[own])
    shop.corpus = replace(corpus, events=shuffled.assign(item_id=items))
    found = build_moves(shop)
    top = found.moves[0]
    assert top.topic == topics.names[2] and top.change.low > 0.1 and top.q < 0.01
    assert top.change.mean == pytest.approx(top.now - top.before)
    assert Rule.from_text(top.rule).topic == top.topic
    assert "rise" in found.sentence


@pytest.mark.parametrize("users", [1, 12, 40])
def test_what_a_few_users_do_is_no_certainty(shop: Engine, users: int) -> None:
    corpus = shop.corpus
    own = corpus.user_ids[:users]
    events = corpus.events[corpus.events["user_id"].isin(own)].reset_index(drop=True)
    items = np.where(events.index % 2, corpus.item_ids[0], corpus.item_ids[1])
    few = events.assign(item_id=items)
    shop.corpus = replace(corpus, events=few)
    found = build_moves(shop)
    if users < 30:
        assert found.sentence == "Fewer than 30 users have events in these periods."
        assert not found.moves
    else:
        assert all(row.change.low <= row.change.mean <= row.change.high for row in found.moves)
        assert min(row.q for row in found.moves) > 0.001


def test_a_badly_served_topic_is_found_with_its_rule(
    shop: Engine, demo_library, monkeypatch
) -> None:
    report = find_report(shop.corpus, demo_library, shop.folder)
    assert report is not None
    name = shop.recommender().id
    last = dict(zip(shop.users["user_id"], shop.users["last_topic"], strict=True))
    of_topic = np.array([last[user] == 0 for user in report.users])
    at = report.names.index(name)
    results = list(report.results)
    rank = np.where(of_topic, 400.0, 1.0 + np.arange(len(of_topic)) % 9)
    results[at] = replace(results[at], rank=rank.astype(results[at].rank.dtype))
    found = build_groups(shop, replace(report, results=tuple(results)))
    top = found.groups[0]
    assert top.cases == of_topic.sum() and top.ndcg == 0 and top.apart.high < 0
    assert Rule.from_text(top.rule) == Rule(topic=shop.topics.names[0])
    even = replace(results[at], rank=np.full_like(results[at].rank, 3))
    results[at] = even
    none = build_groups(shop, replace(report, results=tuple(results)))
    assert not none.groups
    few = replace(report, users=report.users[:40], results=())
    monkeypatch.setattr(type(few), "names", property(lambda report: (name,)))
    monkeypatch.setattr(type(few), "ndcg", lambda report, name: np.zeros(40))
    uncompared = build_groups(shop, few)
    assert not uncompared.groups and "none is served" not in uncompared.sentence
    assert build_groups(shop, None).sentence == "This model was not evaluated yet."

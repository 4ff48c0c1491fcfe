"""The Users page: every user once, sorted and searched as asked, fast for many."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.engine import Engine
from core.views.users import SEARCHES, SORTS, UsersView, build_users, build_view, find_hits


@pytest.fixture(scope="module")
def users(engine: Engine):
    return build_users(engine, None)


def view(engine: Engine, users, **asked) -> UsersView:
    return build_view(users, engine.topics.names, **asked)


def test_a_row_says_what_the_corpus_and_the_model_say(engine: Engine, users) -> None:
    assert tuple(users["user_id"]) == engine.corpus.user_ids
    for at in (0, 17, len(users) - 1):
        row, history = users.iloc[at], engine.corpus.history(users["user_id"][at])
        assert row["events"] == len(history)
        assert row["seen"].timestamp() == history.events[-1].timestamp.timestamp()
        trajectory = engine.trajectory(history)
        assert row["drift"] == pytest.approx(trajectory.drift, abs=1e-4)
        last = engine.topics.names[trajectory.profile[-1].argmax()]
        assert row["leading"].endswith(last)
        path = row["path"]
        steps = np.linspace(0, len(history) - 1, len(path)).round().astype(int)
        share = trajectory.profile[steps, trajectory.profile[-1].argmax()]
        assert path == pytest.approx(share, abs=2e-3) and len(path) == min(len(history), 12)
        items = [engine.corpus.item_index[event.item_id] for event in history.events]
        counts = np.bincount(engine.topics.item_topic[items], minlength=len(engine.topics.names))
        assert row["bars"] == pytest.approx(counts / len(items), abs=1e-3)


@pytest.mark.parametrize("sort", [sort for sort in SORTS if sort != "change"])
def test_every_order_keeps_every_user_and_puts_the_unknown_last(engine, users, sort) -> None:
    rows = view(engine, users, sort=sort).rows
    assert sorted(rows["user_id"]) == sorted(users["user_id"])
    known = rows[sort].dropna()
    assert rows[sort].isna().sum() == 0 or rows[sort].isna().iloc[-1]
    rises = sort == "user_id"
    assert known.is_monotonic_increasing if rises else known.is_monotonic_decreasing


def test_a_model_of_an_earlier_version_has_no_paths(engine: Engine, users) -> None:
    assert "path" in view(engine, users).rows
    assert "path" not in view(engine, users.assign(path=None)).rows


def test_filters_leave_those_they_name(engine: Engine, users) -> None:
    topic = engine.topics.names[1]
    found = view(engine, users, topic=topic, least=12)
    assert 0 < len(found.rows) < len(users)
    assert (found.rows["events"] >= 12).all()
    assert found.rows["leading"].str.contains(topic, regex=False).all()
    assert f"{len(found.rows)} of {len(users)} users" in found.sentence.replace("\u202f", "")
    assert view(engine, users, least=10_000).rows.empty


def test_a_search_finds_users_by_id_by_item_and_by_word(engine: Engine, users) -> None:
    corpus = engine.corpus
    user = next(u for u in corpus.user_ids if any(e.text for e in corpus.history(u).events))
    event = next(event for event in corpus.history(user).events if event.text)
    word = max(event.text.split(), key=len).strip(".,!?")
    asked = {
        "id": user.lower(),
        "item": corpus.title(event.item_id).upper(),
        "word": f" {word.upper()} ",
    }
    assert asked.keys() == SEARCHES.keys()
    for where, words in asked.items():
        hits = find_hits(corpus, where, words)
        assert user in set(view(engine, users, hits=hits).rows["user_id"])
        assert not find_hits(corpus, where, "no such thing anywhere (").any()
    hits = find_hits(corpus, "item", corpus.title(event.item_id))
    had = [
        sum(corpus.title(e.item_id) == corpus.title(event.item_id)
            for e in corpus.history(u).events)
        for u in corpus.user_ids
    ]  # fmt: skip
    assert (hits >= had).all()


def test_a_long_list_is_cut_and_says_so_while_the_file_has_all(
    engine: Engine, users: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = view(engine, users, sort="events")
    pd.testing.assert_frame_equal(whole.everybody(), whole.rows)
    monkeypatch.setattr("core.views.users.LISTED", 7)
    cut = view(engine, users, sort="events")
    assert "The first 7 are listed" in cut.sentence and "The first" not in whole.sentence
    pd.testing.assert_frame_equal(cut.rows, whole.rows.head(7))
    pd.testing.assert_frame_equal(cut.everybody(), whole.rows)

"""A sample of users reads as the whole corpus does, and stays the same when it grows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from core.corpus import tables
from core.corpus.corpus import Corpus
from core.corpus.folder import load_corpus, save_corpus
from core.corpus.sampling import among, draw
from core.domain import Columns, DomainError, EventKind
from tests.core.corpus.test_store import CREATED, frames


def made(folder: Path, users: int) -> Corpus:
    events = [
        (f"u{user:03}", f"i{(user * 7 + step) % 23}", user * 3 + step, str(kind), None, text)
        for user in range(users)
        for step, (kind, text) in enumerate(
            [(EventKind.VIEW, None), (EventKind.REVIEW, "fine thing")] * (1 + user % 4)
        )
    ]
    with patch.object(tables, "ROWS_PER_GROUP", 50):
        save_corpus(folder, "shop", *frames(events), rating_scale=(1, 5), created=CREATED)
    return load_corpus(folder)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return made(tmp_path_factory.mktemp("corpus"), 200)


def test_of_a_sample_everything_is_as_in_the_whole_corpus(corpus: Corpus) -> None:
    sampled = draw(corpus, 60, 0)
    assert len(sampled.user_ids) == 60 and list(sampled.user_ids) == sorted(sampled.user_ids)
    assert set(sampled.user_ids) < set(corpus.user_ids)
    before = [sampled.history(user) for user in sampled.user_ids]
    assert "_read" not in vars(sampled.source), "a history needs no other one"
    theirs = corpus.events[Columns.User].isin(sampled.user_ids)
    pd.testing.assert_frame_equal(sampled.events, corpus.events[theirs].reset_index(drop=True))
    sampled.forget()
    after = [sampled.history(user) for user in sampled.user_ids]
    assert before == after == [corpus.history(user) for user in sampled.user_ids]
    rows = np.flatnonzero(theirs)
    for name in ("times", "ratings", "event_items", "parts"):
        every = getattr(corpus, name)
        np.testing.assert_array_equal(getattr(sampled, name), every[rows], name)
    assert sampled.n_events == theirs.sum() and sampled.item_ids == corpus.item_ids
    in_memory = replace(corpus, events=corpus.events)
    pd.testing.assert_frame_equal(draw(in_memory, 60, 0).events, sampled.events)


def test_who_is_not_in_the_sample_has_a_history_all_the_same(corpus: Corpus) -> None:
    sampled = draw(corpus, 60, 0)
    outside = next(user for user in corpus.user_ids if user not in sampled.user_index)
    assert sampled.knows(outside) and sampled.history(outside) == corpus.history(outside)
    with pytest.raises(DomainError):
        sampled.user_rows(outside)
    with pytest.raises(DomainError):
        sampled.history("nobody")
    assert not sampled.knows("nobody")


def test_the_sample_goes_on_when_users_are_added(corpus: Corpus, tmp_path: Path) -> None:
    sampled = draw(corpus, 60, 0)
    assert sampled.sample is not None
    grown = made(tmp_path, 400)
    again = among(grown, sampled.sample)
    assert set(sampled.user_ids) == set(again.user_ids) & set(corpus.user_ids)
    joined = set(again.user_ids) - set(corpus.user_ids)
    assert 30 < len(joined) < 100, "new users are drawn with the chance of the others, .3"
    assert again.sample == replace(sampled.sample, users=len(again.user_ids), of=400)
    assert set(draw(corpus, 30, 0).user_ids) < set(sampled.user_ids)
    assert set(draw(corpus, 60, 1).user_ids) != set(sampled.user_ids)


def test_who_asks_for_everybody_gets_the_corpus_itself(corpus: Corpus) -> None:
    for n in (None, 200, 10**9):
        assert draw(corpus, n, 0) is corpus
    sampled = draw(corpus, 60, 0)
    assert sampled.whole is corpus and among(sampled, None) is corpus
    assert among(sampled, sampled.sample).user_ids == sampled.user_ids

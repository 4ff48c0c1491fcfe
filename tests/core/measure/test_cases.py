"""Who is asked what, and that no case knows its own answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.corpus.split import leave_last_out
from core.corpus.store import Corpus
from core.domain import Columns, Part
from core.measure import cases as measured
from core.measure.cases import (
    Case,
    case_count,
    cases,
    evenly,
    leave_last_out_cases,
    temporal_splits,
)


def pooled_cases(corpus: Corpus) -> list[Case]:
    splits = temporal_splits(corpus)
    return [case for parts in splits for case in cases(corpus, parts, Part.TEST)]


def test_leave_last_out_asks_for_the_last_event_and_the_one_before(corpus: Corpus) -> None:
    for part, place in ((Part.TEST, -1), (Part.VALIDATION, -2)):
        found = leave_last_out_cases(corpus, part)
        assert {case.history.user_id for case in found} == {
            user for user in corpus.user_ids if len(corpus.history(user)) >= 5
        }
        for case in found:
            whole = corpus.history(case.history.user_id)
            assert case.target == whole.events[place].item_id
            assert case.history.events == whole.events[:place]


@given(st.integers(0, 400), st.integers(0, 500))
def test_a_sample_is_even_and_no_larger_than_asked(n: int, most: int) -> None:
    rows = evenly(n, most)
    assert len(rows) == min(n, max(most, 1))
    steps = np.diff(np.append(rows, n)) if n else rows
    assert not len(steps) or (rows[0] == 0 and steps.max() - steps.min() <= 1 and steps.min() > 0)


def test_of_too_many_test_cases_an_even_sample_is_asked(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = leave_last_out(corpus.events)
    every = cases(corpus, parts, Part.TEST)
    assert case_count(corpus, parts, Part.TEST) == len(every)
    monkeypatch.setattr(measured, "MOST_CELLS", 10 * len(corpus.item_ids) + 3)
    some = cases(corpus, parts, Part.TEST)
    assert some == tuple(every[row] for row in evenly(len(every), 10)) and len(some) == 10
    assert case_count(corpus, parts, Part.TEST) == len(every)
    assert len(cases(corpus, parts, Part.VALIDATION)) == len(every)


def test_the_clock_is_the_last_known_event_not_the_target(corpus: Corpus) -> None:
    found = (*leave_last_out_cases(corpus, Part.TEST), *pooled_cases(corpus))
    assert any(case.target_time > case.history.events[-1].timestamp for case in found)
    for case in found:
        assert case.history.at == case.history.events[-1].timestamp
        assert case.history.consumed is None


def test_temporal_folds_hide_what_came_after_the_cut_and_choose_by_the_last_known_event(
    corpus: Corpus,
) -> None:
    times = corpus.events[Columns.Time]
    splits = temporal_splits(corpus)
    assert len(splits) == 3
    for parts, share in zip(splits, (0.7, 0.8, 0.9), strict=True):
        train, validation, test = (times[parts == part] for part in Part)
        assert max(train.max(), validation.max()) < test.min()
        assert 1 - len(test) / len(times) >= share
        for user in corpus.user_ids:
            own = parts[corpus.user_rows(user)]
            known = int((own != Part.TEST).sum())
            expected = [Part.TRAIN] * known + [Part.TEST] * (len(own) - known)
            if known > 1:
                expected[known - 1] = Part.VALIDATION
            assert own.tolist() == expected


def test_temporal_cases_take_each_users_first_later_event(corpus: Corpus) -> None:
    for parts in temporal_splits(corpus):
        for part in (Part.VALIDATION, Part.TEST):
            for case in cases(corpus, parts, part):
                whole = corpus.history(case.history.user_id)
                own = parts[corpus.user_rows(case.history.user_id)]
                first = int(np.flatnonzero(own == part)[0])
                assert case.history.events == whole.events[:first]
                assert case.target == whole.events[first].item_id
                assert first > 0
                assert len(whole) >= 5
    pooled = pooled_cases(corpus)
    assert len(pooled) > len({case.history.user_id for case in pooled})


def test_short_users_are_not_asked(make_corpus: Callable[..., Corpus]) -> None:
    rows = [("short", f"i{i}", i, "view") for i in range(4)]
    rows += [("long", f"i{i}", i, "view") for i in range(5)]
    found = leave_last_out_cases(make_corpus(rows), Part.TEST)
    assert [case.history.user_id for case in found] == ["long"]


def test_events_at_one_instant_leave_nothing_to_judge(make_corpus: Callable[..., Corpus]) -> None:
    corpus = make_corpus([("u", f"i{i}", 0.0, "view") for i in range(9)])
    assert pooled_cases(corpus) == []
    assert leave_last_out(corpus.events).tolist() == [0] * 7 + [1, 2]


def test_targets_carry_their_own_time(corpus: Corpus) -> None:
    start = datetime(2023, 1, 1, tzinfo=UTC)
    assert all(
        start <= case.target_time < start + timedelta(days=400)
        for case in leave_last_out_cases(corpus, Part.TEST)
    )

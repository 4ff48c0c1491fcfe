"""How fast lists change: against the definition, stoppable, stored whole or not at all."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from core.compare.export import turnover_facts
from core.compare.overlap import rank_biased_overlap
from core.compare.turnover import (
    DAY_BINS,
    EVENT_BINS,
    NEWEST,
    curve,
    make_turnover,
    measure_turnover,
    read_turnover,
    sampled_users,
    stored_path,
)
from core.corpus.store import Library
from core.domain import DomainError, Stopped
from core.engine import Engine
from core.files import Damaged
from core.views.overview import build_changed, build_rows
from core.views.turnover import build_turnover
from core.views.users import build_users, build_view


@pytest.fixture(scope="module")
def some(engine: Engine) -> list[str]:
    return list(engine.corpus.user_ids[:12])


def test_a_users_overlaps_are_the_means_over_pairs_of_lists(engine: Engine, busy_user: str) -> None:
    found = measure_turnover(engine, [busy_user])
    whole = engine.corpus.history(busy_user)
    steps = range(max(len(whole) - NEWEST, 0) + 1, len(whole) + 1)
    assert found.lists[0] == len(steps)
    tops = {s: [i.item_id for i in engine.recommend(whole.up_to(s)).items] for s in steps}
    pairs = [(a, b, rank_biased_overlap(tops[a], tops[b])) for a, b in combinations(steps, 2)]
    next_to = [overlap for a, b, overlap in pairs if b - a == 1]
    assert found.change[0] == pytest.approx(1 - np.mean(next_to), abs=1e-6)
    times = [event.timestamp for event in whole.events]
    for row, starts, distance in (
        (found.by_events[0], EVENT_BINS, lambda a, b: b - a),
        (found.by_days[0], DAY_BINS, lambda a, b: (times[b - 1] - times[a - 1]).days),
    ):
        for at, low in enumerate(starts):
            high = starts[at + 1] if at + 1 < len(starts) else 10**9
            own = [overlap for a, b, overlap in pairs if low <= distance(a, b) < high]
            if own:
                assert row[at] == pytest.approx(np.mean(own), abs=1e-6)
            else:
                assert np.isnan(row[at])


def test_lists_differ_more_the_more_events_lie_between(engine: Engine, some: list[str]) -> None:
    bins = curve(measure_turnover(engine, some).by_events, EVENT_BINS)
    assert [(b.low, b.high) for b in bins][:3] == [(1, 1), (2, 2), (3, 4)]
    known = [b.overlap for b in bins if b.overlap is not None]
    assert known[0] == max(known) and bins[0].users == len(some)


def test_a_cohort_is_a_part_of_the_whole(engine: Engine, some: list[str]) -> None:
    whole = measure_turnover(engine, some)
    part = whole.among([some[4], "nobody", some[1]])
    assert part.user_ids == (some[4], some[1])
    alone = measure_turnover(engine, [some[4], some[1]])
    assert np.allclose(part.by_events, alone.by_events, equal_nan=True, atol=1e-5)
    ordered = whole.most_changed(5, fewest_lists=1)
    assert [change for _, change in ordered] == sorted((c for _, c in ordered), reverse=True)


def test_of_a_large_corpus_an_even_sample_is_measured_and_said(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(sampled_users(engine.corpus)) == len(engine.corpus.user_ids)
    monkeypatch.setattr("core.compare.turnover.MOST_CELLS", 100 * len(engine.corpus.item_ids))
    sample = sampled_users(engine.corpus)
    made = make_turnover(Library.open(tmp_path), engine, "popularity")
    read = read_turnover(Library.open(tmp_path), engine, "popularity")
    assert read is not None and np.array_equal(read.change, made.change, equal_nan=True)
    assert np.array_equal(np.flatnonzero(made.lists), sample) and 1 < made.measured < 20
    alone = measure_turnover(engine, [engine.corpus.user_ids[sample[1]]], "popularity")
    for name in ("change", "by_events", "by_days"):
        assert np.allclose(
            getattr(made, name)[sample[1]], getattr(alone, name)[0], equal_nan=True, atol=1e-6
        )
    users = len(engine.corpus.user_ids)
    said = f"Measured on {len(sample)} of {users} users"
    assert said in build_turnover(made).sentence
    assert said in build_changed(build_rows(engine), made).sentence
    facts = turnover_facts(made)
    assert facts["users"] == len(sample) and facts["sample"] == {"ranked": len(sample), "of": users}
    view = build_view(build_users(engine, made), engine.topics.names)
    assert said in view.sentence and "measured" not in view.rows
    other = [user for at, user in enumerate(engine.corpus.user_ids) if at not in sample][:5]
    assert "Nobody of them is in the sample" in build_turnover(made, None, ("them", other)).sentence
    assert "This user is not in the sample" in build_turnover(made, other[0]).sentence
    assert "not in the sample" not in build_turnover(made, made.user_ids[sample[0]]).sentence
    assert made.most_changed(users, 1)[0][0] in {engine.corpus.user_ids[at] for at in sample}


def test_what_was_measured_is_read_back(engine: Engine, tmp_path: Path) -> None:
    library = Library.open(tmp_path)
    assert read_turnover(library, engine, "popularity") is None
    said = []
    made = make_turnover(library, engine, "popularity", progress=said.append)
    assert said[-1].done == said[-1].total == len(engine.corpus.user_ids)
    read = read_turnover(library, engine, "popularity")
    assert read is not None and read.user_ids == made.user_ids
    for name in ("change", "by_events", "by_days", "lists"):
        assert np.array_equal(getattr(read, name), getattr(made, name), equal_nan=True)
    assert read_turnover(library, engine, "ease") is None
    assert read_turnover(library, engine, "popularity", k=20) is None
    path = stored_path(library, engine, made.recommender, made.k)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(Damaged, match="the stored turnover is damaged"):
        read_turnover(library, engine, "popularity")


def test_a_stop_leaves_nothing(engine: Engine, tmp_path: Path) -> None:
    library = Library.open(tmp_path)
    calls = iter([False] * 3 + [True] * 9)
    with pytest.raises(Stopped):
        make_turnover(library, engine, stop=lambda: next(calls))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_unknown_user_is_said(engine: Engine) -> None:
    with pytest.raises(DomainError, match="nobody"):
        measure_turnover(engine, ["nobody"])

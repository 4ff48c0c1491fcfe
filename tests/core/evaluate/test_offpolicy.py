"""SNIPS and doubly robust estimates against their formulas, refusals, and the import they need."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from core.corpus.source import BadRow
from core.corpus.store import Corpus, Library
from core.corpus.timestamps import DAY_MICROS
from core.domain import Columns, DomainError
from core.engine import Engine
from core.evaluate.importing_lists import _earned, import_lists
from core.evaluate.offpolicy import Earned, Logs, OffPolicy, _asked, _logs_of, estimate, off_policy
from core.evaluate.served import ListsManifest, ServedLists, load_lists, rewarded_names
from core.measure.metrics import Interval
from core.recommend.training_data import microseconds
from core.views.quality.offpolicy import build_off_policy, tell_off_policy


def logs(n_lists: int = 300, length: int = 3) -> Logs:
    rng = np.random.default_rng(1)
    n = n_lists * length
    return Logs(
        np.repeat(np.arange(n_lists), length),
        rng.integers(0, 20, n),
        rng.uniform(0.2, 0.9, n),
        (rng.random(n) < 0.3).astype(float),
        tuple(f"u{at // 2}" for at in range(n_lists)),
    )


def test_estimates_are_those_of_their_formulas() -> None:
    log = logs()
    rng = np.random.default_rng(2)
    shows = rng.random(len(log.item)) < 0.5
    fold, table = log.expected(20)
    expected = table[fold[log.list], log.item]
    direct = rng.uniform(0.5, 1.5, len(log.users))
    made = estimate("x", log, shows, direct, expected)
    weights = [show / p for show, p in zip(shows, log.propensity, strict=True)]
    rewards = log.reward.tolist()
    snips = sum(w * r for w, r in zip(weights, rewards, strict=True)) / sum(weights)
    corrections = (w * (r - q) for w, r, q in zip(weights, rewards, expected, strict=True))
    robust = (direct.sum() + sum(corrections)) / len(rewards)
    by_user: dict[str, float] = {}
    for row, weight in zip(log.list, weights, strict=True):
        by_user[log.users[row]] = by_user.get(log.users[row], 0.0) + weight
    totals = list(by_user.values())
    assert made.snips.mean == pytest.approx(snips)
    assert made.dr.mean == pytest.approx(robust)
    assert made.gain.mean == pytest.approx(robust - np.mean(rewards))
    assert made.ess == pytest.approx(sum(totals) ** 2 / sum(w * w for w in totals))
    assert made.dr.low < made.dr.mean < made.dr.high


def test_expected_rewards_come_from_other_users() -> None:
    log = logs()
    fold, table = log.expected(20)
    own = fold[log.list]
    assert all(len({f for f, u in zip(fold, log.users, strict=True) if u == user}) == 1
               for user in log.users[:20])  # fmt: skip
    others = own != 0
    mean = log.reward[others].mean()
    of_item = log.reward[others & (log.item == 7)]
    assert table[0, 7] == pytest.approx((of_item.sum() + 5 * mean) / (len(of_item) + 5))


def test_too_little_is_refused() -> None:
    log = logs()
    shows = np.zeros(len(log.item), bool)
    shows[:40] = True
    made = estimate("x", log, shows, np.zeros(len(log.users)), np.zeros(len(log.item)))
    assert made.is_refused and np.isnan(made.dr.mean)
    assert made.to_json()["dr"] is None


def write(path: Path, corpus: Corpus, bad: str = "") -> Path:
    lines = ["user_id,timestamp,rank,item_id,propensity,reward"]
    for user in corpus.user_ids[:120]:
        events = corpus.history(user).events
        if len(events) < 5:
            continue
        for when in (events[0], events[-1]):
            shown = corpus.item_ids[:3] if when is events[0] else corpus.item_ids[3:6]
            lines += [
                f"{user},{when.timestamp.isoformat()},{rank},{item},0.5,{rank % 2}"
                for rank, item in enumerate(shown, start=1)
            ]
    path.write_text("\n".join([*lines, *([bad] if bad else [])]) + "\n")
    return path


def test_served_lists_are_held_against_the_model_s(demo_engine: Engine, tmp_path: Path) -> None:
    corpus, library = demo_engine.corpus, Library.open(tmp_path / "library")
    user, item = corpus.user_ids[0], corpus.item_ids[9]
    bad = f"{user},2024-01-01T00:00:00Z,1,{item},0,1"
    summary = import_lists(corpus, library, write(tmp_path / "l.csv", corpus, bad), "production")
    assert summary.reasons == {"propensity is not a number from 1e-09 to 1": 1}
    assert rewarded_names(corpus.name, library) == ["production"]
    served = load_lists(corpus, library, "production")
    popularity = demo_engine.recommender("popularity")
    found = off_policy(demo_engine, served, [popularity])
    assert found.learned > 0  # lists at a user's first event: the model has learned what came
    assert found.lists + found.learned == summary.manifest.lists
    assert found.earned.mean == pytest.approx(2 / 3)
    said = " ".join(tell_off_policy(build_off_policy(found)))
    assert "Not estimated" in said and "learned what came of them" in said


def test_one_column_without_the_other_is_refused(demo_engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text("user_id,timestamp,rank,item_id,reward\nU1,2024-01-01,1,x,1\n")
    with pytest.raises(DomainError, match="'reward' without 'propensity'"):
        import_lists(demo_engine.corpus, Library.open(tmp_path / "library"), path, "production")


def served_at(corpus: Corpus, rows: list[tuple[int, int, list[int]]]) -> ServedLists:
    """Lists by user, microseconds since 1970 and items shown, all with the propensity .5."""
    flat = [(user, time, item) for user, time, shown in rows for item in shown]
    user, time, item = np.array(flat, np.int64).T
    half = np.full(len(flat), 0.5)
    manifest = ListsManifest("production", corpus.name, *[""] * 3, *[0] * 5, "", "")
    return ServedLists(manifest, corpus, user, time, np.ones_like(user), item, half, half)


def test_an_event_at_a_list_s_own_time_is_known_unless_the_list_shows_it(
    demo_engine: Engine,
) -> None:
    corpus = demo_engine.corpus
    user = next(at for at in range(99) if len(corpus.history(corpus.user_ids[at]).events) > 5)
    events = corpus.history(corpus.user_ids[user]).events
    last, learned = (microseconds(events[at].timestamp) for at in (-1, -3))
    bought, trained = (corpus.item_index[events[at].item_id] for at in (-1, -3))
    other = next(at for at in range(9) if at not in (bought, trained))
    for shown, known in (([bought, other], len(events) - 1), ([other], len(events))):
        _, (history,), _, _ = _logs_of(demo_engine, served_at(corpus, [(user, last, shown)]))
        assert len(history.events) == known and history.at == events[-1].timestamp
    # A training event that came of the list: the model has learned it.
    with pytest.raises(DomainError, match="last training event"):
        _logs_of(demo_engine, served_at(corpus, [(user, learned, [trained])]))
    assert _logs_of(demo_engine, served_at(corpus, [(user, learned, [other])]))[2] == 0
    # Where only days are known, whether a list of that day counts doesn't depend on what it earned.
    days = corpus.events[Columns.Time].dt.floor("D")
    events = corpus.events.assign(**{Columns.Time: days})
    daily = Corpus("demo", corpus.corpus_id, events, corpus.items, corpus.manifest)
    engine = SimpleNamespace(corpus=daily, model_id="m")
    day = learned - learned % DAY_MICROS
    for shown in ([trained], [other]):
        with pytest.raises(DomainError, match="last training event"):
            _logs_of(engine, served_at(daily, [(user, day, shown)]))  # type: ignore[arg-type]


def test_a_corpus_without_times_is_refused(demo_engine: Engine) -> None:
    corpus = demo_engine.corpus
    manifest = corpus.manifest.model_copy(update={"order_as_time": True})
    untimed = SimpleNamespace(corpus=SimpleNamespace(name="ranks", manifest=manifest))
    with pytest.raises(DomainError, match="has no times"):
        off_policy(untimed, served_at(corpus, [(0, 2**50, [1])]), [])


def test_thinning_keeps_users_and_takes_no_more_than_it_may() -> None:
    owners = np.repeat(np.arange(80), 26)
    asked = _asked(owners)
    assert np.bincount(owners[asked]).tolist() == [13] * 80
    assert _asked(owners[: 26 * 70]).all()  # few enough
    rng = np.random.default_rng(1)
    uneven = np.repeat(np.arange(1_500), rng.integers(1, 9, 1_500))
    assert len(set(uneven[_asked(uneven)])) == 1_500 and _asked(uneven).sum() <= 2_000
    assert _asked(np.arange(5_000)).sum() <= 2_000


def test_the_smallest_propensities_are_refused_or_estimated_as_nothing() -> None:
    log = replace(logs(), propensity=np.full(900, 5e-324))
    with np.errstate(over="ignore", invalid="ignore"):
        made = estimate("x", log, np.ones(900, bool), np.zeros(300), np.zeros(900))
    assert made.is_refused and np.isnan(made.dr.mean)
    fields = {"propensity": "1e-160", "reward": "1"}
    assert isinstance(_earned(fields), BadRow)
    assert isinstance(_earned({"propensity": ".5", "reward": "1e13"}), BadRow)


def earned(name: str, dr: float, gain: float, support: float = 1.0, ess: float = 99.0) -> Earned:
    def around(mean: float) -> Interval:
        return Interval(mean, mean - 0.01, mean + 0.01)

    return Earned(name, ess, support, around(dr), around(dr), around(gain))


@pytest.mark.parametrize(
    ("recommenders", "said"),
    [
        ([earned("far", 0.9, 0.8, 0.5), earned("near", 0.2, 0.1)], "near would have earned 0.2"),
        ([earned("far", 0.9, 0.8, 0.5)], "can be estimated reliably"),
        (
            [earned("a", 0.05, -0.05), earned("b", 0.04, -0.06), earned("c", 0.9, 0.8, ess=9.0)],
            "more than any that can be estimated: a, the largest of 2 estimates, would",
        ),
        ([earned("a", 0.05, -0.05)], "more than any recommender: a would have earned"),
        ([earned("a", 0.05, -0.02), earned("b", 0.04, -0.005)], "largest estimate is lower: a"),
    ],
)
def test_the_sentence_claims_no_more_than_is_estimated(recommenders, said: str) -> None:
    found = OffPolicy("lists", Interval(0.1, 0.09, 0.11), tuple(recommenders), 9, 9, 9, 0)
    view = build_off_policy(found)
    assert said in view.sentence
    near = sum(not each.is_refused and each.support > 0.9 for each in recommenders)
    assert any("choosing the largest" in caution for caution in view.cautions) == (near > 1)

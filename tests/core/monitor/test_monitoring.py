"""The monitor: silent where nothing changed, and it finds what did, with who carries it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.cohorts.listed import read_listed
from core.corpus.split import temporal_cuts
from core.corpus.store import Library
from core.domain import Columns, DomainError, Part
from core.evaluate.protocols import find_report, report_key
from core.evaluate.report import pooled
from core.evaluate.stored import save_report
from core.measure.cases import cases, temporal_splits
from core.monitor.ageing import quality_by_age
from core.monitor.export import as_facts
from core.monitor.monitoring import Alarm, Monitored, monitor
from core.monitor.of_model import LISTS_TOGETHER, _coverage
from core.monitor.periods import Unit
from core.ranking import NO_ITEM
from core.views.monitor.build import build_monitor, tell
from tests.core.monitor.conftest import MONDAY, WEEKS, as_corpus

PER_CASE = ["log_probability", "lists", "novelty", "diversity", "popularity_bias", "promised"]
LAST = MONDAY + pd.Timedelta(weeks=WEEKS - 1)


def last_week(events: pd.DataFrame) -> pd.Series:
    return events[Columns.Time] >= LAST


def watch(events: pd.DataFrame) -> Monitored:
    return monitor(as_corpus(events))


def alarm_of(found: Monitored, measure: str) -> Alarm:
    alarms = {alarm.judged.measure.id: alarm for alarm in found.alarms}
    assert measure in alarms, f"alarms: {list(alarms)}"
    return alarms[measure]


def test_a_steady_shop_is_quiet(steady) -> None:
    alarmed = [seed for seed in range(10) if watch(steady(seed, users=150)).alarms]
    assert len(alarmed) <= 2  # at most .5 is expected; more than 2 has a chance of 1 in 80


def test_a_lost_kind_is_found_with_who_carries_it(steady) -> None:
    events = steady()
    lost = last_week(events) & (events[Columns.Kind] == "purchase")
    found = watch(events[~lost])
    alarm = alarm_of(found, "kind:purchase")
    assert alarm.test.value == 0.0 and 0.15 < alarm.test.expected < 0.35 and alarm.q <= 0.05
    assert alarm.test.value < alarm.test.low
    carried = found.carried(alarm)
    assert carried.half > 20 and not carried.kinds  # nobody alone
    corpus = found.watched.corpus
    had_one = events[Columns.Kind] == "purchase"
    users = events[Columns.User][last_week(events) & ~lost | ~last_week(events) & had_one]
    assert carried.half < len(carried.behind) <= 500
    assert {corpus.user_ids[at] for at in carried.behind} <= set(users)
    view = next(each for each in build_monitor(found).alarms if each.id == "kind:purchase")
    behind = read_listed(view.behind, corpus)
    assert behind.places == tuple(sorted(carried.behind))
    assert behind.name.startswith("Behind: Kind: purchase fell from")
    assert carried.are_missing  # there is no such event now, so earlier ones are shown
    shown = [found.watched.kind[row] for row in carried.rows]
    assert shown == ["purchase"] * 5
    assert "purchase" in build_monitor(found).sentence


def test_a_cohort_is_watched_as_if_its_users_were_alone(steady) -> None:
    events = steady()
    few = sorted(set(events[Columns.User]))[:200]
    is_theirs = events[Columns.User].isin(few)
    lost = is_theirs & last_week(events) & (events[Columns.Kind] == "purchase")
    corpus = as_corpus(events[~lost])
    users = np.isin(corpus.user_ids, few)
    found = monitor(corpus, cohort=("few", users))
    alarm = alarm_of(found, "kind:purchase")
    assert alarm.test.value == 0.0 and users[list(found.carried(alarm).behind)].all()
    assert not monitor(corpus, cohort=("the others", ~users)).alarms
    alone = {each.measure.id: each for each in watch(events[is_theirs & ~lost]).judged}
    assert len(alone) == len(found.judged)
    for own in found.judged:
        if own.measure.id not in ("new-items", "on-new-items"):  # met first in the whole shop
            theirs = alone[own.measure.id]
            np.testing.assert_array_equal(own.series.value, theirs.series.value)
            assert own.tests == theirs.tests
    assert build_monitor(found).sentence.startswith("few (200 users): ")
    assert as_facts(found)["cohort"] == {"name": "few", "users": 200}
    with pytest.raises(DomainError, match="nobody is in this cohort"):
        monitor(corpus, cohort=("nobody", np.zeros_like(users)))


def test_a_cohort_too_small_for_weeks_goes_by_months_and_says_so(steady) -> None:
    events = steady()
    events[Columns.Time] = MONDAY + (events[Columns.Time] - MONDAY) * 3
    corpus = as_corpus(events)
    said = "By months, as too few of its users are active in a week"
    for count, is_said in ((4, True), (200, False)):
        users = np.arange(len(corpus.user_ids)) < count
        found = monitor(corpus, cohort=("some", users))
        assert (found.watched.calendar.unit is Unit.MONTH) == is_said
        assert (said in " ".join(build_monitor(found).notes)) == is_said
    assert said not in " ".join(monitor(corpus, unit=Unit.MONTH, cohort=("some", users)).notes)


def test_one_loud_user_is_no_change_of_the_shop(steady) -> None:
    events = steady()
    mine = events[last_week(events)].iloc[[0]]
    loud = pd.concat([mine] * 120, ignore_index=True).assign(**{Columns.Kind: "review"})
    loud[Columns.Time] = mine[Columns.Time].iloc[0] + pd.to_timedelta(range(120), unit="h") / 10
    loud[Columns.Item] = [f"i{at % 40:02}" for at in range(120)]
    one = watch(pd.concat([events, loud]))
    assert "kind:review" not in [alarm.judged.measure.id for alarm in one.alarms]
    users = events.loc[last_week(events), Columns.User].unique()[:120]
    many = watch(pd.concat([events, loud.assign(**{Columns.User: users})]))
    alarm = alarm_of(many, "kind:review")
    assert many.carried(alarm).half > 10


def test_the_parts_of_a_change_add_up_to_it(steady) -> None:
    events = steady()
    now = last_week(events)
    events.loc[now, Columns.Rating] = events.loc[now, Columns.Rating].clip(upper=3)
    found = watch(events)
    alarm = alarm_of(found, "rating")
    carried = found.carried(alarm)
    assert alarm.test.value < alarm.test.expected - 0.5
    whole = alarm.test.value - alarm.test.expected
    assert sum(carrier.part for carrier in carried.topics) == pytest.approx(whole, rel=1e-6)
    assert sum(carrier.share for carrier in carried.topics) == pytest.approx(1.0, rel=1e-6)
    assert not carried.are_missing
    assert all(found.watched.rating[row] <= 3 for row in carried.rows)


def test_repeated_events_and_new_users_are_found(steady) -> None:
    events = steady()
    week = events[last_week(events)]
    copies = week.iloc[::20].assign(
        **{Columns.Time: week[Columns.Time].iloc[::20] + pd.Timedelta(seconds=9)}
    )
    alarm = alarm_of(watch(pd.concat([events, copies])), "repeats")
    assert alarm.test.expected < 0.04 < 0.06 < alarm.test.value
    users = week[Columns.User].unique()[:40]
    new = week[week[Columns.User].isin(users)].assign(
        **{Columns.User: lambda rows: "new-" + rows[Columns.User]}
    )
    found = watch(pd.concat([events, new]))
    alarm = alarm_of(found, "new-users")
    assert all(carrier.id.startswith("new-") for carrier in found.carried(alarm).users)


def test_a_season_of_days_is_no_alarm(steady) -> None:
    """Weekends differ from weekdays in every week, so the last Sunday is as usual."""
    events = steady(weeks=6, users=400)
    weekend = events[Columns.Time].dt.dayofweek >= 5
    events.loc[weekend, Columns.Kind] = "view"
    events.loc[weekend, Columns.Rating] = np.nan
    found = monitor(as_corpus(events), unit=Unit.DAY)
    assert found.watched.calendar.last_day(found.current.start).weekday() == 6
    assert not [a for a in found.alarms if a.judged.measure.id.startswith("kind:")]


def test_since_tests_every_period_from_there_on(steady) -> None:
    events = steady()
    late = events[Columns.Time] >= LAST - pd.Timedelta(weeks=3)
    lost = late & (events[Columns.Kind] == "purchase")
    since = f"{LAST - pd.Timedelta(weeks=3):%Y-%m-%d}"
    found = monitor(as_corpus(events[~lost]), since=since)
    assert len(found.current) == 4
    alarm = alarm_of(found, "kind:purchase")
    assert alarm.periods == (26, 27, 28, 29)
    assert alarm.test.expected > 0.15  # what came after the reference isn't held to be usual
    facts = as_facts(found)
    assert facts["tests"] == len(facts["measures"]) == found.tests
    assert facts["alarms"][0]["periods"][0] == since
    assert any("3 other weeks" in line for line in tell(found))


def test_coverage_is_that_of_equally_many_lists() -> None:
    random = np.random.default_rng(3)
    lists = np.argsort(random.random((40, 30)), axis=1)[:, :5]
    lists[0, 3:] = NO_ITEM
    period = np.repeat([0, 1], [28, 12])
    value, known = _coverage(lists, period, 30)
    assert known.all()
    for each in (0, 1):
        own = lists[period == each]
        drawn = [
            len(np.setdiff1d(own[random.choice(len(own), LISTS_TOGETHER, replace=False)], NO_ITEM))
            for _ in range(3000)
        ]
        assert value[period == each].mean() == pytest.approx(np.mean(drawn) / 30, abs=0.004)


def test_a_model_adds_sentiment_lists_and_quality(engine, demo_library) -> None:
    found = monitor(engine.corpus, demo_library, engine)
    ids = {judged.measure.id for judged in found.judged}
    assert {"sentiment", "ndcg", "hits", "calibration", "coverage", "turnover"} <= ids
    assert (
        len(found.notes) == 1
        and "over time" in found.notes[0]
        and found.model_id == engine.model_id
    )
    view = build_monitor(found)
    assert next(panel.id for panel in view.panels if panel.unfinished) == "events"
    assert "30 Dec 2024 isn't over" in view.about
    assert view.sentence.startswith("Nothing changed beyond chance: the week of 23 Dec 2024")


def test_a_damaged_evaluation_is_said_and_the_rest_is_watched(engine, tmp_path) -> None:
    library = Library.open(tmp_path)
    path = report_key(engine.corpus, engine.folder, "temporal").path(library)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not an evaluation")
    found = monitor(engine.corpus, library, engine)
    assert any("damaged" in note and path.name in note for note in found.notes)
    assert {"events", "sentiment", "ndcg"} <= {judged.measure.id for judged in found.judged}


def test_quality_by_age_counts_days_from_the_cut(engine, tmp_path, measured) -> None:
    """Targets less than 90 days after their cut are hit, no others."""
    corpus, library = engine.corpus, Library.open(tmp_path)
    known = find_report(corpus, library, engine.folder)
    assert known is not None and not quality_by_age(engine, library)
    parts, young = [], []
    cuts = zip(temporal_splits(corpus), temporal_cuts(corpus.times), strict=True)
    for split, cut in cuts:
        own = cases(corpus, split, Part.TEST)
        n = len(own)
        ages = [(case.target_time - cut).days for case in own]
        young += [age < 90 for age in ages]
        rank = np.where(np.array(ages) < 90, 1.0, np.inf)
        results = tuple(
            replace(result, rank=rank, **{name: getattr(result, name)[:n] for name in PER_CASE})
            for result in known.results
        )
        parts.append(
            replace(
                known,
                protocol="temporal",
                users=tuple(case.history.user_id for case in own),
                steps=np.array([len(case.history) for case in own], np.int64),
                targets=known.targets[:n],
                months=known.months[:n],
                cohorts={name: who[:n] for name, who in known.cohorts.items()},
                results=results,
            )
        )
    key = report_key(corpus, engine.folder, "temporal")
    save_report(pooled(parts), key, key.path(library))
    ages = quality_by_age(engine, library)
    assert sum(age.targets for age in ages) == len(young)
    assert sum(age.targets for age in ages if age.low < 90) == sum(young)
    assert {age.low < 90: age.ndcg.mean for age in ages} == {True: 1.0, False: 0.0}

"""The Monitor page in words."""

from __future__ import annotations

from collections.abc import Sequence

from core.cohorts.listed import MOST
from core.language import mark, mark_n, tr, trn
from core.monitor.ageing import Age
from core.monitor.band import OUTSIDE
from core.monitor.carriers import Carried
from core.monitor.measures import Group, Scale
from core.monitor.monitoring import LEVEL, Alarm, Monitored
from core.monitor.periods import Calendar, Unit
from core.views.monitor.rows import Panel
from core.views.wording import (
    between,
    capital,
    count,
    day,
    joined,
    listing,
    minus,
    month,
    number,
    percent,
    short,
)

NAMED = 3
"""Alarms that the first sentence names."""
MANY = 0.5
"""A single user with so large a part of a change is named."""
SPELLED = {
    Group.TRAFFIC: mark("Traffic"),
    Group.KINDS: mark("Kinds of events"),
    Group.TOPICS: mark("Topics"),
    Group.OPINIONS: mark("Ratings and words"),
    Group.LISTS: mark("Lists"),
    Group.QUALITY: mark("Quality on held-out events"),
}
LEFT = mark_n(
    "{n} measure left its band {where}: {named} ({tests}).",
    "{n} measures left their band {where}: {named} ({tests}).",
)
ELSEWHERE = {
    Unit.DAY: mark_n(
        "It left the band in {n} other day, too.", "It left the band in {n} other days, too."
    ),
    Unit.WEEK: mark_n(
        "It left the band in {n} other week, too.", "It left the band in {n} other weeks, too."
    ),
    Unit.MONTH: mark_n(
        "It left the band in {n} other month, too.", "It left the band in {n} other months, too."
    ),
}


def amount(value: float, scale: Scale) -> str:
    """A value of a measure with its unit."""
    if value != value:
        return "–"
    if scale is Scale.COUNT:
        return number(value) if abs(value) >= 10 or value == round(value) else f"{value:.1f}"
    if scale is Scale.SHARE:
        return f"{100 * value:.1f}\u202f%" if 0 < value < 0.0995 else percent(value)
    return minus(f"{value:.2f}")


def name_of(calendar: Calendar, period: int) -> str:
    """``week of 23 Dec 2024``, ``23 Dec 2024``, ``Dec 2024``."""
    first = calendar.first_day(period)
    if calendar.unit is Unit.MONTH:
        return month(first)
    return day(first) if calendar.unit is Unit.DAY else tr("week of {day}", day=day(first))


def in_period(calendar: Calendar, period: int) -> str:
    """``in the week of 23 Dec 2024``, ``on 23 Dec 2024``, ``in Dec 2024``."""
    first = calendar.first_day(period)
    if calendar.unit is Unit.MONTH:
        return tr("in {month}", month=month(first))
    if calendar.unit is Unit.DAY:
        return tr("on {day}", day=day(first))
    return tr("in the week of {day}", day=day(first))


def _the(calendar: Calendar, period: int) -> str:
    """The same as the subject of a sentence."""
    if calendar.unit is Unit.WEEK:
        return tr("the week of {day}", day=day(calendar.first_day(period)))
    return name_of(calendar, period)


def current_of(found: Monitored) -> str:
    """The current periods in words."""
    calendar, current = found.watched.calendar, found.current
    if len(current) == 1:
        return _the(calendar, current.start)
    return tr(
        "the {periods} from {first} to {last}",
        periods=count(len(current), calendar.unit.value),
        first=day(calendar.first_day(current.start)),
        last=day(calendar.last_day(current.stop - 1)),
    )


def headline(found: Monitored) -> str:
    """What changed, or that nothing did."""
    alarms, now, calendar = found.alarms, current_of(found), found.watched.calendar
    tests = tr(
        "{tests}, false discovery rate {level}",
        tests=count(found.tests, "test"),
        level=percent(LEVEL),
    )
    among = among_whom(found)
    if not alarms:
        before = tr("the {periods} before", periods=count(len(found.reference), calendar.unit))
        return among + trn(
            "Nothing changed beyond chance: {now} is like {before} ({tests}).",
            "Nothing changed beyond chance: {now} are like {before} ({tests}).",
            len(found.current),
            now=now,
            before=before,
            tests=tests,
        )
    named = listing([change(alarm) for alarm in alarms[:NAMED]])
    more = len(alarms) - NAMED
    if more > 0:
        named = tr("{named}, and {n} more", named=named, n=more)
    is_one = len(found.current) == 1
    where = in_period(calendar, found.current.start) if is_one else tr("in {periods}", periods=now)
    n = len(alarms)
    return among + trn(*LEFT, n, n=number(n), where=where, named=named, tests=tests)


def among_whom(found: Monitored) -> str:
    """``Heavy users (42 users): `` before what is said of a cohort; empty for everybody."""
    if found.watched.users is None or found.cohort is None:
        return ""
    users = count(int(found.watched.users.sum()), "user")
    return tr("{cohort} ({users}): ", cohort=short(found.cohort, 60), users=users)


def bands_sentence(panels: Sequence[Panel]) -> str:
    """Which measures of a group lie in their bands, which have none, and which no value."""
    tested = [panel for panel in panels if panel.is_tested]
    alarmed = [panel.name for panel in tested if panel.alarmed]
    open_ = [panel for panel in panels if panel.is_known and not panel.is_tested]
    empty = [panel.name for panel in open_ if not panel.has_now]
    untested = [panel.name for panel in open_ if panel.has_now]
    unknown = [panel.name for panel in panels if not panel.is_known]
    measures = count(len(tested), "measure")
    said = ""
    if alarmed:
        said = tr(
            "{n} of {measures} left the band: {names}.",
            n=len(alarmed),
            measures=measures,
            names=tr(", ").join(alarmed),
        )
    elif tested:
        n = len(tested)
        said = trn("{n} measure in its band.", "{n} measures in their bands.", n, n=number(n))
    if untested:
        names = tr(", ").join(untested)
        bandless = tr("Not tested, as too few earlier periods have a value: {names}.", names=names)
        said = joined(said, bandless)
    if empty:
        names = tr(", ").join(empty)
        said = joined(said, tr("Without a value in the periods tested: {names}.", names=names))
    if unknown:
        names = tr(", ").join(unknown)
        said = joined(said, tr("Without a value in any period: {names}.", names=names))
    return said


def change(alarm: Alarm) -> str:
    """``Kind click fell from 13 % to 0 %``."""
    test, scale = alarm.test, alarm.judged.measure.scale
    name = short(alarm.judged.measure.name, 40)
    before, after = amount(test.expected, scale), amount(test.value, scale)
    if test.value > test.expected:
        return tr("{name} rose from {before} to {after}", name=name, before=before, after=after)
    return tr("{name} fell from {before} to {after}", name=name, before=before, after=after)


def about(found: Monitored) -> str:
    """Which periods are compared, and what the band is."""
    calendar, reference = found.watched.calendar, found.reference
    said = tr(
        "Calendar {units} (UTC). Reference: {periods} from {first} to {last}. The band holds "
        "{share} of shuffled {units}: what each user did in a {unit} is dealt out again over the "
        "{units}, and the band grows where the reference varies more than that.",
        units=calendar.unit.several,
        unit=calendar.unit.one,
        periods=count(len(reference), calendar.unit.value),
        first=day(calendar.first_day(reference.start)),
        last=day(calendar.last_day(reference.stop - 1)),
        share=percent(1 - OUTSIDE),
    )
    if len(calendar) <= calendar.finished:
        return said
    period = capital(_the(calendar, calendar.finished))
    unfinished = tr("{period} isn't over: it is shown hollow and not tested.", period=period)
    return joined(said, unfinished)


def alarm_sentence(found: Monitored, alarm: Alarm) -> str:
    """What changed, against what, how surely."""
    test, scale, calendar = alarm.test, alarm.judged.measure.scale, found.watched.calendar
    said = tr(
        "{change} {when}; band {low} to {high}, q {q}.",
        change=change(alarm),
        when=in_period(calendar, test.period),
        low=amount(test.low, scale),
        high=amount(test.high, scale),
        q=chance(alarm.q),
    )
    others = len(alarm.periods) - 1
    if not others:
        return said
    return joined(said, trn(*ELSEWHERE[calendar.unit], others, n=number(others)))


def chance(value: float) -> str:
    """A p or q with two digits, or that it is smaller than shuffles can tell."""
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def carried_sentence(carried: Carried) -> str:
    """Who and what carries a change."""
    active = count(carried.active, "active user")
    if carried.users and carried.users[0].share >= MANY:
        first, share = carried.users[0].id, percent(carried.users[0].share)
        said = tr(
            "User {id} accounts for {share} of it, of {active}.",
            id=first,
            share=share,
            active=active,
        )
    else:
        said = trn(
            "One user carries half of it; {active}.",
            "{users} carry half of it; {active}.",
            carried.half,
            users=count(carried.half, "user"),
            active=active,
        )
    topics, kinds = (
        [(short(each.id, 40), percent(each.share)) for each in carriers[:1] if each.share >= MANY]
        for carriers in (carried.topics, carried.kinds)
    )
    more = [tr("Topic {name} accounts for {share}.", name=id, share=part) for id, part in topics]
    more += [tr("Kind {kind} accounts for {share}.", kind=tr(id), share=part) for id, part in kinds]
    return joined(said, *more)


def behind_name(found: Monitored, alarm: Alarm) -> str:
    """What the cohort of the users behind an alarm is called."""
    when = in_period(found.watched.calendar, alarm.test.period)
    among = among_whom(found)
    return tr("Behind: {among}{change} {when}", among=among, change=change(alarm), when=when)


def behind_label(carried: Carried) -> str:
    """The link to that cohort."""
    users = count(len(carried.behind), "user")
    if len(carried.behind) == MOST:
        return tr("The first {users} behind it as a cohort", users=users)
    return tr("The {users} behind it as a cohort", users=users)


def about_examples(carried: Carried, alarm: Alarm) -> str:
    """What the example events are."""
    if carried.are_missing:
        return tr("The newest such events before, of users who carry the change:")
    if alarm.judged.measure.group in (Group.LISTS, Group.QUALITY):
        return tr("Events behind it, those that carry it first:")
    return tr("Events that show it, of users who carry the change:")


def age_words(age: Age) -> str:
    """``0 to 6 days``, ``365 days or more``."""
    if age.high is None:
        return tr("{days} or more", days=count(age.low, "day"))
    return tr("{low} to {days}", low=age.low, days=count(age.high - 1, "day"))


def ages_sentence(ages: Sequence[Age]) -> str:
    """Whether quality falls with the age of a model, as far as the intervals say."""
    if not ages:
        return ""
    first, last = ages[0], ages[-1]
    said = {"young": age_words(first), "ndcg": between(first.ndcg)}
    if len(ages) == 1:
        return tr("NDCG@10 is {ndcg} at an age of {young}; there are no older targets.", **said)
    said |= {"old": age_words(last), "last": between(last.ndcg)}
    if first.ndcg.low > last.ndcg.high or last.ndcg.low > first.ndcg.high:
        return tr(
            "NDCG@10 is {ndcg} at an age of {young} and {last} at {old}: the intervals do not "
            "overlap.",
            **said,
        )
    return tr(
        "NDCG@10 is {ndcg} at an age of {young} and {last} at {old}: the intervals overlap.", **said
    )

"""The Monitor page in words."""

from __future__ import annotations

from collections.abc import Sequence

from core.cohorts.listed import MOST
from core.monitor.ageing import Age
from core.monitor.band import OUTSIDE
from core.monitor.carriers import Carried
from core.monitor.measures import Group, Scale
from core.monitor.monitoring import LEVEL, Alarm, Monitored
from core.monitor.periods import Calendar, Unit
from core.views.wording import between, count, day, listing, minus, number, percent, short

NAMED = 3
"""Alarms that the first sentence names."""
MANY = 0.5
"""A single user with so large a part of a change is named."""
SPELLED = {
    Group.TRAFFIC: "Traffic",
    Group.KINDS: "Kinds of events",
    Group.TOPICS: "Topics",
    Group.OPINIONS: "Ratings and words",
    Group.LISTS: "Lists",
    Group.QUALITY: "Quality on held-out events",
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
        return f"{first:%b %Y}"
    return day(first) if calendar.unit is Unit.DAY else f"week of {day(first)}"


def in_period(calendar: Calendar, period: int) -> str:
    """``in the week of 23 Dec 2024``, ``on 23 Dec 2024``, ``in Dec 2024``."""
    before = {Unit.WEEK: "in the", Unit.DAY: "on", Unit.MONTH: "in"}[calendar.unit]
    return f"{before} {name_of(calendar, period)}"


def current_of(found: Monitored) -> str:
    """The current periods in words."""
    calendar, current = found.watched.calendar, found.current
    if len(current) == 1:
        name = name_of(calendar, current.start)
        return f"the {name}" if calendar.unit is Unit.WEEK else name
    first, last = calendar.first_day(current.start), calendar.last_day(current.stop - 1)
    return f"the {count(len(current), calendar.unit.value)} from {day(first)} to {day(last)}"


def headline(found: Monitored) -> str:
    """What changed, or that nothing did."""
    alarms, now = found.alarms, current_of(found)
    unit = found.watched.calendar.unit.value
    before = f"the {count(len(found.reference), unit)} before"
    tests = f"{count(found.tests, 'test')}, false discovery rate {percent(LEVEL)}"
    among = among_whom(found)
    if not alarms:
        are = "is" if len(found.current) == 1 else "are"
        return f"{among}Nothing changed beyond chance: {now} {are} like {before} ({tests})."
    named = listing([change(alarm) for alarm in alarms[:NAMED]])
    more = len(alarms) - NAMED
    rest = f", and {more} more" if more > 0 else ""
    left = f"{count(len(alarms), 'measure')} left {'its' if len(alarms) == 1 else 'their'} band"
    where = "on" if len(found.current) == 1 and unit == Unit.DAY.value else "in"
    return f"{among}{left} {where} {now}: {named}{rest} ({tests})."


def among_whom(found: Monitored) -> str:
    """``Heavy users (42 users): `` before what is said of a cohort; empty for everybody."""
    if found.watched.users is None or found.cohort is None:
        return ""
    return f"{short(found.cohort, 60)} ({count(int(found.watched.users.sum()), 'user')}): "


def change(alarm: Alarm) -> str:
    """``Kind click fell from 13 % to 0 %``."""
    test, scale = alarm.test, alarm.judged.measure.scale
    moved = "rose" if test.value > test.expected else "fell"
    name = short(alarm.judged.measure.name, 40)
    return f"{name} {moved} from {amount(test.expected, scale)} to {amount(test.value, scale)}"


def about(found: Monitored) -> str:
    """Which periods are compared, and what the band is."""
    calendar, reference = found.watched.calendar, found.reference
    first, last = calendar.first_day(reference.start), calendar.last_day(reference.stop - 1)
    unit = calendar.unit.value
    said = (
        f"Calendar {unit}s (UTC). Reference: {count(len(reference), unit)} from {day(first)} to "
        f"{day(last)}. The band holds {percent(1 - OUTSIDE)} of shuffled {unit}s: what each user "
        f"did in a {unit} is dealt out again over the {unit}s, and the band grows where the "
        "reference varies more than that."
    )
    if len(calendar) > calendar.finished:
        name = name_of(calendar, calendar.finished)
        name = f"The {name}" if calendar.unit is Unit.WEEK else name
        said += f" {name} isn't over: it is shown hollow and not tested."
    return said


def alarm_sentence(found: Monitored, alarm: Alarm) -> str:
    """What changed, against what, how surely."""
    test, scale, calendar = alarm.test, alarm.judged.measure.scale, found.watched.calendar
    said = (
        f"{change(alarm)} {in_period(calendar, test.period)}; band "
        f"{amount(test.low, scale)} to {amount(test.high, scale)}, q {chance(alarm.q)}."
    )
    others = len(alarm.periods) - 1
    if others:
        said += f" It left the band in {count(others, 'other ' + calendar.unit.value)}, too."
    return said


def chance(value: float) -> str:
    """A p or q with two digits, or that it is smaller than shuffles can tell."""
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def carried_sentence(carried: Carried) -> str:
    """Who and what carries a change."""
    active = count(carried.active, "active user")
    if carried.users and carried.users[0].share >= MANY:
        first = carried.users[0]
        said = f"User {first.id} accounts for {percent(first.share)} of it, of {active}."
    elif carried.half == 1:
        said = f"One user carries half of it; {active}."
    else:
        said = f"{count(carried.half, 'user')} carry half of it; {active}."
    for noun, carriers in (("Topic", carried.topics), ("Kind", carried.kinds)):
        if carriers and carriers[0].share >= MANY:
            first = carriers[0]
            said += f" {noun} {short(first.id, 40)} accounts for {percent(first.share)}."
    return said


def behind_name(found: Monitored, alarm: Alarm) -> str:
    """What the cohort of the users behind an alarm is called."""
    when = in_period(found.watched.calendar, alarm.test.period)
    return f"Behind: {among_whom(found)}{change(alarm)} {when}"


def behind_label(carried: Carried) -> str:
    """The link to that cohort."""
    first = "first " if len(carried.behind) == MOST else ""
    return f"The {first}{count(len(carried.behind), 'user')} behind it as a cohort"


def about_examples(carried: Carried, alarm: Alarm) -> str:
    """What the example events are."""
    if carried.are_missing:
        return "The newest such events before, of users who carry the change:"
    if alarm.judged.measure.group in (Group.LISTS, Group.QUALITY):
        return "Events behind it, those that carry it first:"
    return "Events that show it, of users who carry the change:"


def age_words(age: Age) -> str:
    """``0 to 6 days``, ``365 days or more``."""
    if age.high is None:
        return f"{count(age.low, 'day')} or more"
    return f"{age.low} to {count(age.high - 1, 'day')}"


def ages_sentence(ages: Sequence[Age]) -> str:
    """Whether quality falls with the age of a model, as far as the intervals say."""
    if not ages:
        return ""
    first, last = ages[0], ages[-1]
    said = f"NDCG@10 is {between(first.ndcg)} at an age of {age_words(first)}"
    if len(ages) == 1:
        return f"{said}; there are no older targets."
    said += f" and {between(last.ndcg)} at {age_words(last)}"
    apart = first.ndcg.low > last.ndcg.high or last.ndcg.low > first.ndcg.high
    return f"{said}: {'the intervals do not overlap' if apart else 'the intervals overlap'}."

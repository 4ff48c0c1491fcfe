"""Sentences of the Cohorts page."""

from __future__ import annotations

from datetime import date, datetime

from core.arrays import FloatArray
from core.cohorts.flow import Flow
from core.cohorts.rule import Rule
from core.cohorts.traits import LEVEL, Description, Trait
from core.corpus.attributes import Attributes
from core.measure.metrics import Interval
from core.views.attributes import attribute_words, axis_words
from core.views.wording import (
    between,
    capital,
    count,
    day,
    figure,
    listing,
    minus,
    number,
    percent,
    short,
    short_topic,
)

FIGURES = {
    "events": "events",
    "rating": "mean rating",
    "sentiment": "mean sentiment",
    "sentiment_trend": "sentiment trend",
    "drift": "drift",
    "held_out_rank": "rank of held-out items",
}
"""What the figures of a description are called."""
NOT_EVALUATED = "This model was not evaluated yet."
CIRCULAR = (
    "What follows from how the cohort was chosen (its rule, its region of the map) is no discovery."
)
QUARTERS = ("first event", "a third", "two thirds", "last event")
"""The times of a flow in a corpus without times: shares of every history."""


def rule_words(rule: Rule) -> str:
    """``turned to Audio from 1 Jan 2024 on, 12 or more events``."""
    said = []
    moved = []
    if rule.turned_to:
        moved.append(f"to {short(rule.turned_to, 40)}")
    if rule.turned_from:
        moved.append(f"away from {short(rule.turned_from, 40)}")
    if rule.is_about_turns:
        verb = f"{rule.kind}:" if rule.kind else "turned"
        words = " ".join([verb, *moved]) if moved else (rule.kind or "any turning point")
        said.append(" ".join([words, *_when(rule.since, rule.until)]).replace(": to", " to"))
    if rule.topic:
        said.append(f"{short(rule.topic, 40)} leading at the last event")
    if rule.least_events is not None and rule.most_events is not None:
        said.append(f"{number(rule.least_events)} to {count(rule.most_events, 'event')}")
    elif rule.least_events is not None:
        said.append(f"{number(rule.least_events)} or more events")
    elif rule.most_events is not None:
        said.append(f"at most {count(rule.most_events, 'event')}")
    if rule.least_drift is not None:
        said.append(f"drift {rule.least_drift:g} or more")
    if rule.sentiment:
        said.append(f"sentiment {rule.sentiment}")
    if rule.active_since:
        said.append(f"last seen on {_day(rule.active_since)} or later")
    if rule.quiet_since:
        said.append(f"last seen before {_day(rule.quiet_since)}")
    if rule.least_rank is not None:
        said.append(f"held-out items at rank {rule.least_rank:g} or worse")
    said += attribute_words(rule.attributes)
    return ", ".join(said) or "no condition"


def _when(since: date | None, until: date | None) -> list[str]:
    if since and until:
        return [f"between {_day(since)} and {_day(until)}"]
    return [f"from {_day(since)} on"] if since else [f"until {_day(until)}"] if until else []


def _day(when: date | None) -> str:
    return f"{when.day} {when:%b %Y}" if when else ""


def at_time(at: datetime | None) -> str:
    """``On 30 Jun 2024``; after the last event without a time."""
    return f"On {day(at)}" if at else "After their last events"


def map_sentence(
    at: datetime | None, users: int, all_users: int, topics: list[tuple[str, int]]
) -> str:
    """How many users were seen, and where most of them stand."""
    if not users:
        return f"{at_time(at)} nobody had been seen yet."
    who = count(all_users, "user") if users == all_users else (
        f"{number(users)} of {count(all_users, 'user')} seen so far"
    )  # fmt: skip
    leading = listing([f"{short_topic(name)} {percent(n / users)}" for name, n in topics[:3]])
    return f"{at_time(at)}: {who}. Most are led by {leading}."


def map_kept_sentence(by: str, values: FloatArray, chance: float) -> str:
    """How to read a colour that is about the map itself, and its mean over the map float32[m]."""
    mean = f"mean {float(values.mean()):.2f}" if len(values) else "no state"
    if by == "trust":
        return (
            f"Trustworthiness around each user ({mean}; 1 = neighbours on the map are neighbours "
            "in the model's space, .5 = chance). Where it is low the map puts strangers together."
        )
    if by == "continuity":
        return (
            f"Continuity around each user ({mean}; 1 = neighbours in the model's space are "
            "neighbours on the map, .5 = chance). Where it is low the map tears neighbours apart."
        )
    return (
        f"Share of the 15 nearest neighbours on the map that a second seed's map keeps ({mean}; "
        f"chance {chance:.3f}). Lines lead from where a state lies to where the second map, laid "
        "over this one, has it: what moves far is chance, what stays is structure."
    )


def flow_sentence(flow: Flow, labels: tuple[str, ...], topics: tuple[str, ...]) -> str:
    """How many moved, the most frequent move, and the topics that gain and lose for certain."""
    first, last = labels[0], labels[-1]
    if not flow.users:
        return f"Nobody was seen both at {first} and at {last}."
    said = (
        f"From {first} to {last}, {number(flow.moved)} of {count(flow.users, 'user')} "
        f"({percent(flow.moved / flow.users)}) changed their leading topic"
    )
    largest = flow.largest()
    if largest is not None:
        start, end, users = largest
        names = short_topic(topics[start]), short_topic(topics[end])
        said += f", most often from {names[0]} to {names[1]} ({users})"
    sure = sorted(
        (gain for gain in flow.gains if gain.q <= LEVEL), key=lambda gain: gain.went - gain.came
    )
    changes = [f"{short_topic(topics[g.topic])} {minus(f'{g.came - g.went:+d}')}" for g in sure]
    if changes:
        return f"{said}. Beyond chance: {listing(changes[:4])}."
    return f"{said}. No topic gains or loses more users than chance would move."


def cohort_sentence(users: int, all_users: int, found: Description, names: list[str]) -> str:
    """How many users, and what they share first of all."""
    said = f"{number(users)} of {count(all_users, 'user')} ({percent(users / max(all_users, 1))})"
    if not names:
        return (
            f"{said}. They share nothing beyond the average that {number(found.tests)} tests find."
        )
    return f"{said}. Beyond the average they share {listing(names)}."


def about_traits(found: Description, against: str) -> str:
    """How many tests were made, and how they count."""
    return (
        f"Held against {against} ({count(found.others, 'user')}). {number(found.tests)} tests; "
        f"shown are those with q up to {LEVEL:g} (Benjamini-Hochberg over all). Items, words and "
        "values of attributes: share of users (of whom it is known), beside that of others with as "
        f"many events. {CIRCULAR}"
    )


def measure_value(
    attributes: Attributes, name: str, value: float, interval: Interval | None = None
) -> str:
    """The mean of a number or day of the users file, with an interval where one is given."""
    said = [axis_words(attributes, name, value)]
    if interval is not None:
        ends = (axis_words(attributes, name, end) for end in (interval.low, interval.high))
        said.append(f"[{', '.join(ends)}]")
    return " ".join(said)


def trait_value(trait: Trait, value: float, interval: Interval | None = None) -> str:
    """A share as percents, a figure as it is; with an interval where one is given."""
    if trait.kind == "figure":
        digits = ".1f" if trait.name in ("events", "held_out_rank") else ".2f"
        if interval is None:
            return minus(f"{value:{digits}}")
        return minus(f"{value:{digits}} [{interval.low:{digits}}, {interval.high:{digits}}]")
    if interval is None:
        return percent(value)
    low, high = max(interval.low, 0.0), min(interval.high, 1.0)
    return f"{percent(value)} [{low * 100:.0f}, {high * 100:.0f}]"


def served_sentence(
    name: str,
    cohort: Interval | None,
    others: Interval | None,
    cases: int,
    apart: Interval | None,
    k: int = 10,
) -> str:
    """How well the cohort is served beside the others."""
    if cohort is None:
        return "None of its users has a held-out event that was evaluated."
    said = (
        f"NDCG@{k} of {name}: {between(cohort)} over {count(cases, 'held-out event')} of the cohort"
    )
    if others is None:
        return f"{said}."
    said += f", {between(others)} for the others"
    if apart is None:
        return f"{said}."
    if apart.low <= 0 <= apart.high:
        return f"{said}: no significant difference."
    worse = "worse" if apart.mean < 0 else "better"
    return f"{said}: it is served {worse} (by {figure(abs(apart.mean))})."


def saved_sentence(size: int, now: int, since: str) -> str:
    """What has changed since a cohort was saved; empty where nothing has."""
    if size == now and not since:
        return ""
    was = f"It was saved {since}. " if since else ""
    return capital(f"{was}It had {count(size, 'user')} then and has {number(now)} now.")

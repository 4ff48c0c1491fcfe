"""Sentences of the Cohorts page."""

from __future__ import annotations

from datetime import date, datetime, time

from core.arrays import FloatArray
from core.cohorts.flow import Flow
from core.cohorts.rule import Query, Rule
from core.cohorts.traits import LEVEL, Description, Trait
from core.corpus.attributes import Attributes
from core.language import mark, tr
from core.measure.metrics import Interval
from core.views.attributes import attribute_words, axis_words
from core.views.wording import (
    between,
    count,
    day,
    figure,
    joined,
    listing,
    minus,
    number,
    percent,
    short,
    short_topic,
)

FIGURES = {
    "events": mark("events"),
    "rating": mark("mean rating"),
    "sentiment": mark("mean sentiment"),
    "sentiment_trend": mark("sentiment trend"),
    "drift": mark("drift"),
    "held_out_rank": mark("rank of held-out items"),
}
"""What the figures of a description are called."""
TURN_WORDS = {
    "turn": mark("turn"),
    "drift": mark("drift"),
    "return": mark("return"),
    "widening": mark("widening"),
    "narrowing": mark("narrowing"),
}
"""Kinds of turning points by their names in rules."""
TREND_WORDS = {"rises": mark("rises"), "falls": mark("falls")}
TRAIT_WORDS = {
    "topic": mark("topic"),
    "figure": mark("figure"),
    "attribute": mark("attribute"),
    "measure": mark("measure"),
    "item": mark("item"),
    "word": mark("word"),
}
"""Kinds of traits, for a terminal."""
OTHERS = mark("all other users")
NOT_EVALUATED = mark("This model was not evaluated yet.")
CIRCULAR = mark(
    "What follows from how the cohort was chosen (its rule, its region of the map) is no discovery."
)
QUARTERS = (mark("first event"), mark("a third"), mark("two thirds"), mark("last event"))
"""The times of a flow in a corpus without times: shares of every history."""


def against_words(name: str) -> str:
    """Whom a cohort is held against: a saved cohort by its name, or all others."""
    return tr(name) if name == OTHERS else name


def rule_words(rule: Rule) -> str:
    """``turned to Audio from 1 Jan 2024 on, 12 or more events``."""
    said = [_turned(rule)] if rule.is_about_turns else []
    if rule.topic:
        said.append(tr("{topic} leading at the last event", topic=short(rule.topic, 40)))
    if rule.least_events is not None and rule.most_events is not None:
        most = count(rule.most_events, "event")
        said.append(tr("{least} to {events}", least=number(rule.least_events), events=most))
    elif rule.least_events is not None:
        said.append(tr("{n} or more events", n=number(rule.least_events)))
    elif rule.most_events is not None:
        said.append(tr("at most {events}", events=count(rule.most_events, "event")))
    if rule.least_drift is not None:
        said.append(tr("drift {least:g} or more", least=rule.least_drift))
    if rule.sentiment:
        said.append(tr("sentiment {rises}", rises=tr(TREND_WORDS[rule.sentiment])))
    if rule.active_since:
        said.append(tr("last seen on {day} or later", day=_day(rule.active_since)))
    if rule.quiet_since:
        said.append(tr("last seen before {day}", day=_day(rule.quiet_since)))
    if rule.least_rank is not None:
        said.append(tr("held-out items at rank {rank:g} or worse", rank=rule.least_rank))
    said += attribute_words(rule.attributes)
    return tr(", ").join(said) or tr("no condition")


def _turned(rule: Rule) -> str:
    """The turning point that a rule asks for, and when it was."""
    to, away = (topic and short(topic, 40) for topic in (rule.turned_to, rule.turned_from))
    kind = tr(TURN_WORDS[rule.kind]) if rule.kind else ""
    if kind and to and away:
        turn = tr("{kind} to {topic} away from {other}", kind=kind, topic=to, other=away)
    elif kind and to:
        turn = tr("{kind} to {topic}", kind=kind, topic=to)
    elif kind and away:
        turn = tr("{kind}: away from {topic}", kind=kind, topic=away)
    elif to and away:
        turn = tr("turned to {topic} away from {other}", topic=to, other=away)
    elif to:
        turn = tr("turned to {topic}", topic=to)
    elif away:
        turn = tr("turned away from {topic}", topic=away)
    else:
        turn = kind or tr("any turning point")
    if rule.since and rule.until:
        first, last = _day(rule.since), _day(rule.until)
        return tr("{turn} between {first} and {last}", turn=turn, first=first, last=last)
    if rule.since:
        return tr("{turn} from {day} on", turn=turn, day=_day(rule.since))
    return tr("{turn} until {day}", turn=turn, day=_day(rule.until)) if rule.until else turn


def query_words(query: Query) -> str:
    """What DuckDB is asked, on one line."""
    text, values = " ".join(query.text.split()), list(query.parameters)
    return tr("Query: {query} with {values}", query=text, values=values)


def _day(when: date) -> str:
    return day(datetime.combine(when, time()))


def at_time(at: datetime | None) -> str:
    """``On 30 Jun 2024``; after the last event without a time."""
    return tr("On {day}", day=day(at)) if at else tr("After their last events")


def map_sentence(
    at: datetime | None, users: int, all_users: int, topics: list[tuple[str, int]]
) -> str:
    """How many users were seen, and where most of them stand."""
    if not users:
        return tr("{when} nobody had been seen yet.", when=at_time(at))
    who = count(all_users, "user")
    if users < all_users:
        who = tr("{n} of {users} seen so far", n=number(users), users=who)
    leading = listing([f"{short_topic(name)} {percent(n / users)}" for name, n in topics[:3]])
    return tr(
        "{when}: {who}. Most are led by {leading}.", when=at_time(at), who=who, leading=leading
    )


def map_kept_sentence(by: str, values: FloatArray, chance: float) -> str:
    """How to read a colour that is about the map itself, and its mean over the map float32[m]."""
    mean = tr("mean {mean:.2f}", mean=float(values.mean())) if len(values) else tr("no state")
    if by == "trust":
        return tr(
            "Trustworthiness around each user ({mean}; 1 = neighbours on the map are neighbours "
            "in the model's space, .5 = chance). Where it is low the map puts strangers together.",
            mean=mean,
        )
    if by == "continuity":
        return tr(
            "Continuity around each user ({mean}; 1 = neighbours in the model's space are "
            "neighbours on the map, .5 = chance). Where it is low the map tears neighbours apart.",
            mean=mean,
        )
    return tr(
        "Share of the 15 nearest neighbours on the map that a second seed's map keeps ({mean}; "
        "chance {chance:.3f}). Lines lead from where a state lies to where the second map, laid "
        "over this one, has it: what moves far is chance, what stays is structure.",
        mean=mean,
        chance=chance,
    )


def flow_sentence(flow: Flow, labels: tuple[str, ...], topics: tuple[str, ...]) -> str:
    """How many moved, the most frequent move, and the topics that gain and lose for certain."""
    first, last = labels[0], labels[-1]
    if not flow.users:
        return tr("Nobody was seen both at {first} and at {last}.", first=first, last=last)
    said = tr(
        "From {first} to {last}, {moved} of {users} ({share}) changed their leading topic",
        first=first,
        last=last,
        moved=number(flow.moved),
        users=count(flow.users, "user"),
        share=percent(flow.moved / flow.users),
    )
    largest = flow.largest()
    if largest is not None:
        start, end, users = largest
        said = tr(
            "{moved}, most often from {start} to {end} ({users})",
            moved=said,
            start=short_topic(topics[start]),
            end=short_topic(topics[end]),
            users=users,
        )
    sure = sorted(
        (gain for gain in flow.gains if gain.q <= LEVEL), key=lambda gain: gain.went - gain.came
    )
    changes = [f"{short_topic(topics[g.topic])} {minus(f'{g.came - g.went:+d}')}" for g in sure]
    if changes:
        return tr("{moved}. Beyond chance: {changes}.", moved=said, changes=listing(changes[:4]))
    return tr("{moved}. No topic gains or loses more users than chance would move.", moved=said)


def cohort_sentence(users: int, all_users: int, found: Description, names: list[str]) -> str:
    """How many users, and what they share first of all."""
    who = tr(
        "{n} of {users} ({share})",
        n=number(users),
        users=count(all_users, "user"),
        share=percent(users / max(all_users, 1)),
    )
    if not names:
        return tr(
            "{who}. They share nothing beyond the average that {n} tests find.",
            who=who,
            n=number(found.tests),
        )
    return tr("{who}. Beyond the average they share {traits}.", who=who, traits=listing(names))


def about_traits(found: Description, against: str) -> str:
    """How many tests were made, and how they count."""
    said = tr(
        "Held against {against} ({users}). {n} tests; shown are those with q up to {level:g} "
        "(Benjamini-Hochberg over all). Items, words and values of attributes: share of users (of "
        "whom it is known), beside that of others with as many events.",
        against=against_words(against),
        users=count(found.others, "user"),
        n=number(found.tests),
        level=LEVEL,
    )
    return joined(said, tr(CIRCULAR))


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
        return tr("None of its users has a held-out event that was evaluated.")
    said = tr(
        "NDCG@{k} of {name}: {mean} over {events} of the cohort",
        k=k,
        name=name,
        mean=between(cohort),
        events=count(cases, "held-out event"),
    )
    if others is None:
        return tr("{said}.", said=said)
    said = tr("{said}, {mean} for the others", said=said, mean=between(others))
    if apart is None:
        return tr("{said}.", said=said)
    if apart.low <= 0 <= apart.high:
        return tr("{said}: no significant difference.", said=said)
    by = figure(abs(apart.mean))
    if apart.mean < 0:
        return tr("{said}: it is served worse (by {by}).", said=said, by=by)
    return tr("{said}: it is served better (by {by}).", said=said, by=by)


def saved_sentence(size: int, now: int, since: str, outside: int = 0) -> str:
    """What has changed since a cohort was saved; empty where nothing has.

    ``outside`` of its users are left out by the sample that the model was trained on.
    """
    has_changed = size != now + outside
    if not (has_changed or since or outside):
        return ""
    facts = {"users": count(size, "user"), "n": number(now)}
    return joined(
        tr("It was saved {since}.", since=since) if since else "",
        tr("It had {users} then and has {n} now.", **facts) if has_changed else "",
        outside_sentence(outside, now),
    )


def outside_sentence(outside: int, now: int) -> str:
    """That so many users of a cohort are not in the sample, and ``now`` are; empty for none."""
    if not outside:
        return ""
    if not now:
        return tr("None of its users is in the sample that the model was trained on.")
    return tr(
        "{n} of its {users} are not in the sample that the model was trained on.",
        n=number(outside),
        users=count(outside + now, "user"),
    )

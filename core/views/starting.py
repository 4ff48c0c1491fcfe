"""Overview's starting points about many users: topics that rise and fall, groups served worst."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import numpy as np
from scipy.stats import t as student

from core.arrays import BoolArray, DoubleArray, IntArray
from core.cohorts.rule import Rule
from core.cohorts.states import instant
from core.cohorts.traits import LEVEL, difference
from core.corpus.attributes import TEXT, Condition, label_of
from core.domain import Columns
from core.language import tr
from core.measure.chances import q_values
from core.measure.metrics import Interval
from core.views.wording import count, day, figure, number, percent, short, short_topic, signed

if TYPE_CHECKING:
    from core.engine import Engine
    from core.evaluate.report import EvaluationReport

SHOWN = 6
"""Rows of each list."""
YEAR = timedelta(days=365)
FEWEST_CASES = 30
"""Held-out events that a group needs to be compared, and users whose topics are."""
MOST_VALUES = 50
"""Values of an attribute that are groups: the commonest."""


@dataclass(frozen=True, slots=True)
class TopicMove:
    """A topic's share of the events in the last period beside the one before."""

    topic: str
    """The topic."""
    before: float
    """Its share of the events of the period before."""
    now: float
    """Its share of those of the last period."""
    change: Interval
    """The difference, with an interval over users."""
    q: float
    """False discovery rate at which it counts, over all topics."""
    rule: str
    """Whom it leads now: the rule of Cohorts that shows where they came from."""

    COLUMNS = "topic before now moved chance"

    @property
    def chance(self) -> str:
        """``q`` as a table shows it."""
        return chance_words(self.q)

    @property
    def moved(self) -> str:
        """``+3.1 [+1.2, +5.0]`` in percentage points."""
        ends = (signed(100 * end, 1) for end in (self.change.low, self.change.high))
        return f"{signed(100 * self.change.mean, 1)} [{', '.join(ends)}]"


@dataclass(frozen=True, slots=True)
class ServedGroup:
    """A group of users that is served worse than the others."""

    name: str
    """What they have in common."""
    cases: int
    """Their held-out events."""
    ndcg: float
    """Their mean NDCG@10."""
    others: float
    """That of all other users."""
    apart: Interval
    """The difference, 95 % (Welch)."""
    q: float
    """False discovery rate at which it counts, over all groups."""
    rule: str
    """The rule of Cohorts that they are."""

    COLUMNS = "name ndcg others apart_words cases chance"

    @property
    def chance(self) -> str:
        """``q`` as a table shows it."""
        return chance_words(self.q)

    @property
    def apart_words(self) -> str:
        """``−0.021 [−0.035, −0.007]``."""
        ends = (figure(end) for end in (self.apart.low, self.apart.high))
        return f"{figure(self.apart.mean)} [{', '.join(ends)}]"


@dataclass(frozen=True, slots=True)
class Starts:
    """One list of starting points."""

    sentence: str
    """What was compared, and what was found."""
    moves: tuple[TopicMove, ...] = ()
    """Topics, the largest change first."""
    groups: tuple[ServedGroup, ...] = ()
    """Groups, the worst served first."""


def chance_words(q: float) -> str:
    """``0.012``, ``<0.001``."""
    return "<0.001" if q < 0.001 else f"{q:.3f}"


def build_moves(engine: Engine) -> Starts:
    """Topics by how much their share of the events changed between the last two periods.

    Those that changed beyond chance come first.

    The periods are the last year and the one before, which have the same seasons; of a shorter
    corpus its halves. The interval is that of a difference of two ratios over users (linearised;
    Cochran 1977, 6.12), with Student's t, since a user's events hang together.
    """
    corpus = engine.corpus
    first, last = corpus.manifest.first, corpus.manifest.last
    if corpus.manifest.order_as_time or first is None or last is None:
        return Starts(tr("Without times no period can be told from another."))
    span = min(YEAR, (last - first) / 2)
    middle = last - span
    times = corpus.times
    is_now = times > instant(middle)
    is_before = ~is_now & (times > instant(middle - span))
    period = {"day": day(middle), "days": count(span.days, "day")}
    if not is_now.any() or not is_before.any():
        few = tr("There are not enough events after {day} beside the {days} before.", **period)
        return Starts(few)
    now, before = (_of_users(engine, rows) for rows in (is_now, is_before))
    n = int(((now + before).sum(axis=1) > 0).sum())
    if n < FEWEST_CASES:
        return Starts(tr("Fewer than {n} users have events in these periods.", n=FEWEST_CASES))
    shares = [part.sum(axis=0) / max(part.sum(), 1) for part in (now, before)]
    pulls = [
        (part - share * part.sum(axis=1, keepdims=True)) / max(part.sum(), 1)
        for part, share in zip((now, before), shares, strict=True)
    ]
    change = shares[0] - shares[1]
    error = np.sqrt(((pulls[0] - pulls[1]) ** 2).sum(axis=0) * n / (n - 1))
    p = np.where(error > 0, 2 * student.sf(np.abs(change) / np.maximum(error, 1e-12), n - 1), 1.0)
    width = float(student.ppf(0.975, n - 1))
    q_of = q_values(p.tolist())
    names, q = engine.topics.names, [q_of(chance) or 0.0 for chance in p.tolist()]
    sure = {at for at in range(len(names)) if q[at] <= LEVEL and change[at]}
    order = sorted(range(len(names)), key=lambda at: (at not in sure, -abs(change[at])))
    moves = tuple(
        TopicMove(
            names[at],
            float(shares[1][at]),
            float(shares[0][at]),
            Interval(*(float(change[at] + side * width * error[at]) for side in (0, -1, 1))),
            q[at],
            urlencode({"topic": names[at]}),
        )
        for at in order[:SHOWN]
    )
    topics = count(len(names), "topic")
    if not sure:
        none = tr(
            "Of {topics} none has a share of the events after {day} beside the {days} before that "
            "differs beyond chance; the largest differences are shown.",
            topics=topics,
            **period,
        )
        return Starts(none, moves)
    rise, fall = (sum(side * change[at] > 0 for at in sure) for side in (1, -1))
    top = moves[0]
    said = tr(
        "Of {topics}, {rise} rise and {fall} fall after {day} beside the {days} before: {topic} "
        "most, from {before} to {now} of the events.",
        topics=topics,
        rise=number(rise),
        fall=number(fall),
        topic=short_topic(top.topic),
        before=percent(top.before),
        now=percent(top.now),
        **period,
    )
    return Starts(said, moves)


def _of_users(engine: Engine, rows: BoolArray) -> DoubleArray:
    """Events of each user in each topic among some rows, float64[n_users, n_topics]."""
    corpus, n = engine.corpus, len(engine.topics.names)
    topic = engine.topics.item_topic[corpus.event_items].astype(np.int64)
    sizes = np.diff(corpus.user_starts)
    user = np.repeat(np.arange(len(sizes)), sizes)
    kept = rows & (topic >= 0)
    cells = np.bincount(user[kept] * n + topic[kept], minlength=len(sizes) * n)
    return cells.reshape(-1, n).astype(np.float64)


def build_groups(engine: Engine, report: EvaluationReport | None) -> Starts:
    """Groups of users that are served worse than the others, the surest first.

    Groups are those of few and of many events, of a leading topic, and of a value of a user
    attribute, each with enough held-out events.
    """
    name = engine.recommender().id
    if report is None or name not in report.names:
        return Starts(tr("This model was not evaluated yet."))
    values, index = report.ndcg(name), engine.corpus.user_index
    places = np.array([index[user] for user in report.users], np.int64)
    found, large = [], 0
    for label, rule, inside in _groups(engine, places):
        cases = int(inside.sum())
        if min(cases, len(inside) - cases) < FEWEST_CASES:
            continue
        large += 1
        means = float(values[inside].mean()), float(values[~inside].mean())
        apart = difference(values[inside], values[~inside])
        if apart is not None:
            found.append((label, rule, cases, means, *apart))
    q_of = q_values([p for *_, p in found])
    worse = [(*row, q_of(row[-1]) or 0.0) for row in found if row[4].mean < 0]
    worse.sort(key=lambda row: (row[-1] > LEVEL, row[4].mean))
    sure = sum(row[-1] <= LEVEL for row in worse)
    groups = tuple(
        ServedGroup(
            label,
            cases,
            *means,
            apart,
            q,
            rule.to_text(),
        )
        for label, rule, cases, means, apart, _, q in worse[:SHOWN]
    )
    tested = tr(
        "NDCG@{k} of {name}, {groups} of users compared",
        k=report.k,
        name=name,
        groups=count(large, "group"),
    )
    if large and not found:
        said = tr("{tested}: all are served alike.", tested=tested)
    elif not found:
        said = tr(
            "No group of users can be compared: none has {n} held-out events and leaves as many.",
            n=FEWEST_CASES,
        )
    elif not sure and not groups:
        said = tr("{tested}: none is served significantly worse than the others.", tested=tested)
    elif not sure:
        said = tr(
            "{tested}: none is served significantly worse than the others; the lowest are shown.",
            tested=tested,
        )
    else:
        said = tr(
            "{tested}, {n} served worse; the worst is {group}: {ndcg}, others {others}.",
            tested=tested,
            n=number(sure),
            group=short(groups[0].name, 40),
            ndcg=figure(groups[0].ndcg),
            others=figure(groups[0].others),
        )
    return Starts(said, groups=groups)


def _groups(engine: Engine, places: IntArray) -> Iterator[tuple[str, Rule, BoolArray]]:
    """Every group by what it is called, the rule of Cohorts that it is, and its cases.

    ``places`` int64[n] are the users of the held-out events, bool[n] says which are the group's.
    Values of an attribute with too few of them are left out.
    """
    corpus = engine.corpus
    sizes = np.diff(corpus.user_starts)
    few, many = (int(np.quantile(sizes, share)) for share in (0.25, 0.75))
    events = sizes[places]
    yield tr("at most {events}", events=count(few, "event")), Rule(most_events=few), events <= few
    yield tr("{n} or more events", n=number(many)), Rule(least_events=many), events >= many
    known = engine.users.set_index(Columns.User).reindex(list(corpus.user_ids))
    last = known["last_topic"].to_numpy(np.int64)[places]
    for at, topic in enumerate(engine.topics.names):
        yield tr("{topic} leading", topic=topic), Rule(topic=topic), last == at
    attributes = corpus.attributes
    for column in attributes.facts.columns if attributes is not None else ():
        if attributes is None or column.kind != TEXT:
            continue
        values, whose = attributes.groups(column.name)
        place = whose[places]
        cases = np.bincount(place[place >= 0], minlength=len(values))
        for at, value in enumerate(values[:MOST_VALUES]):
            if cases[at] >= FEWEST_CASES:
                rule = Rule(attributes=(Condition("is", column.name, value),))
                name = tr("{name}: {value}", name=label_of(column.name), value=value)
                yield name, rule, place == at

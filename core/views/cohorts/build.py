"""The Cohorts page: all users at a time, their flow, and one cohort described."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from core.arrays import BoolArray, DoubleArray, IntArray
from core.cohorts.flow import flow_of, month_ends
from core.cohorts.people import People, people_of
from core.cohorts.rule import KINDS, Query, Rule
from core.cohorts.states import Clock, States, instant
from core.cohorts.traits import FEWEST, Description, Having, Trait, describe, difference
from core.corpus.attributes import DAY, TEXT, label_of
from core.domain import DomainError
from core.interest_map.kept import Kept, Overlay, at_places, kept_of
from core.language import ENGLISH, mark, speaking, tr, trc
from core.measure.metrics import bootstrap
from core.turns.stored import Turns
from core.views.cohorts import sentences
from core.views.cohorts.rows import (
    CohortView,
    FlowView,
    GainRow,
    ServedView,
    TraitRow,
    UsersMap,
)
from core.views.users import topic_shares
from core.views.wording import listing, month, short, short_topic

if TYPE_CHECKING:
    from core.engine import Engine
    from core.evaluate.report import EvaluationReport

SECOND = "seed"
"""The measure that needs a second map."""
MEASURES = {
    "topic": mark("Leading topic"),
    "kind": mark("Latest turning point"),
    "drift": mark("Drift"),
    "sentiment": mark("Sentiment trend"),
    "activity": mark("Events in a year"),
    "rank": mark("Rank of held-out items"),
    "trust": mark("Trustworthiness"),
    "continuity": mark("Continuity"),
    SECOND: mark("Second seed"),
}
"""What users can be coloured by, and how it is called."""
MAP_MEASURES = ("trust", "continuity", SECOND)
"""Measures of the map itself."""
ATTRIBUTE = "attribute"
"""The measure of users that is one of their attributes."""
NO_KIND = mark("none so far")
HUES = 9
"""Values of an attribute that have a colour of their own; of more, the last ones share a grey."""
OTHER_VALUES = mark("other values")
YEAR = timedelta(days=365)
MOST_STOPS = 96
"""Times of the scrubber; of a longer corpus every second, third, ... month."""
TOLD = 20
"""Users that a terminal names."""
USER_COLUMNS = (
    *("user_id", "topic", "events", "drift", "sentiment_trend", "held_out_rank", "last_seen"),
)


@dataclass(eq=False)
class Everyone:
    """All users of a corpus under one model, and what the page asks of them, made once."""

    engine: Engine
    """The corpus and its model."""
    states: States
    """Where every user stood after each event."""
    turns: Turns | None
    """Turning points; None where they were not measured, or are damaged."""
    second: Overlay | None = None
    """A second seed's map laid over the model's; None where it was not fitted."""

    @cached_property
    def people(self) -> People:
        """The tables that rules ask."""
        return people_of(self.engine, self.states, self.turns)

    @cached_property
    def kept(self) -> Kept:
        """How many neighbours each place of the map keeps."""
        return kept_of(self.engine.map)

    @cached_property
    def clock(self) -> Clock:
        """Who is where at which time."""
        return Clock(self.engine.corpus)

    @cached_property
    def having(self) -> tuple[Having, ...]:
        """Which users had which items, write which words, and have which values of attributes."""
        corpus = self.engine.corpus
        starts = np.asarray(corpus.user_starts, np.int64)
        items = corpus.event_items.copy()  # scipy sorts it in place
        ones = np.ones(len(items), np.float32)
        shape = (len(starts) - 1, len(corpus.item_ids))
        table = sp.csr_matrix((ones, items, starts), shape=shape)
        table.sum_duplicates()
        table.data[:] = 1
        words = Having("word", self.states.words, self.states.said)
        return Having("item", corpus.item_ids, table), words, *self._attributes()

    def _attributes(self) -> list[Having]:
        """The values of each attribute that is text, where several users have one."""
        attributes = self.engine.corpus.attributes
        found = []
        for column in attributes.facts.columns if attributes is not None else ():
            if attributes is None or column.kind != TEXT:
                continue
            values, place = attributes.groups(column.name)
            counts = np.bincount(place[place >= 0], minlength=len(values))
            n = int((counts >= FEWEST).sum())  # the commonest come first
            users = np.flatnonzero((place >= 0) & (place < n))
            cells = (np.ones(len(users), np.float32), (users, place[users]))
            table = sp.csr_matrix(cells, (len(place), n))
            label = _english_label(column.name)  # this is kept for readers of all languages
            names = [f"{label}: {value}" for value in values[:n]]
            found.append(Having("attribute", names, table, place >= 0, column.name))
        return found

    @cached_property
    def topic_shares(self) -> DoubleArray:
        """Share of each user's events in each topic, float64[n_users, n_topics]."""
        return topic_shares(self.engine).astype(np.float64)

    @cached_property
    def times(self) -> tuple[datetime, ...]:
        """Ends of calendar months from the first event to the last; empty without times."""
        manifest = self.engine.corpus.manifest
        if manifest.order_as_time or manifest.first is None or manifest.last is None:
            return ()
        ends = month_ends(manifest.first, manifest.last)
        step = -(-len(ends) // MOST_STOPS)
        return tuple(ends[::-1][::step][::-1])


def build_users_map(
    everyone: Everyone, at: datetime | None, by: str, attribute: str | None = None
) -> UsersMap:
    """All users at a time, with the measure ``by`` of ``MEASURES``, or an attribute of theirs."""
    engine = everyone.engine
    rows = everyone.clock.rows(at)
    seen = np.flatnonzero(rows >= 0)
    topics = everyone.states.topics[rows[seen]].astype(np.int64)
    names: tuple[str, ...] = ()
    is_day = False
    if by == ATTRIBUTE and attribute is not None:
        values, names, is_day = _of_attribute(everyone, attribute)
        values = values[seen]
    elif by == "topic":
        values, names = topics.astype(np.float64), engine.topics.names
    elif by == "kind":
        values, names = _kinds(everyone, seen, at), _kind_names()
    elif by == "activity":
        values = _activity(everyone, seen, at)
    elif by in MAP_MEASURES:
        values = _of_map(everyone, by, rows[seen])
    else:
        column = {"sentiment": "sentiment_trend", "rank": "held_out_rank"}.get(by, by)
        values = everyone.people.users[column].to_numpy(np.float64)[seen]
    counts = np.bincount(topics, minlength=len(engine.topics.names))
    leading = [(engine.topics.names[int(t)], int(counts[t])) for t in np.argsort(-counts)[:3]]
    user_ids = engine.corpus.user_ids
    return UsersMap(
        at,
        seen,
        tuple(user_ids[place] for place in seen.tolist()),
        everyone.states.positions[rows[seen]],
        topics,
        values,
        names,
        label_of(attribute) if attribute is not None and by == ATTRIBUTE else tr(MEASURES[by]),
        by,
        sentences.map_sentence(at, len(seen), len(rows), [row for row in leading if row[1]]),
        is_day,
    )


def _of_attribute(everyone: Everyone, name: str) -> tuple[DoubleArray, tuple[str, ...], bool]:
    """An attribute of all users, float64[n_users], what its values mean, whether it is a day."""
    attributes = everyone.engine.corpus.attributes
    if attributes is None:
        raise DomainError(
            tr("this corpus has no user attributes"), remedy=tr("Import a users file")
        )
    kind = attributes.column(name).kind
    if kind != TEXT:
        return attributes.numbers(name), (), kind == DAY
    values, place = attributes.groups(name)
    shown = values if len(values) <= HUES else (*values[: HUES - 1], OTHER_VALUES)
    folded = np.where(place < 0, np.nan, np.minimum(place, len(shown) - 1))
    return folded.astype(np.float64), tuple(shown), False


def _of_map(everyone: Everyone, by: str, rows: IntArray) -> DoubleArray:
    """What the map keeps around each state, float64[n]; NaN without a second map."""
    second = everyone.second
    if by == SECOND and second is None:
        return np.full(len(rows), np.nan)
    if second is not None and by == SECOND:
        values = second.shared
    else:
        values = everyone.kept.trust if by == "trust" else everyone.kept.continuity
    positions = everyone.states.positions[rows]
    return at_places(everyone.engine.map, values, positions).astype(np.float64)


def _kinds(everyone: Everyone, seen: IntArray, at: datetime | None) -> DoubleArray:
    """Index in ``KINDS`` of each user's latest turning point so far, else of ``NO_KIND``."""
    values = np.full(len(everyone.people.users), float(len(KINDS)))
    points = everyone.people.turns
    if points is not None:
        if at is not None:
            points = points[points["at"].to_numpy("datetime64[us]") <= instant(at)]
        index = everyone.engine.corpus.user_index
        places = [index[user] for user in points["user_id"]]
        values[places] = [KINDS.index(kind) for kind in points["kind"]]  # the last one stays
    return values[seen]


def _kind_names() -> tuple[str, ...]:
    """What ``_kinds`` means, in the reader's language."""
    return tuple(tr(name) for name in (*map(sentences.TURN_WORDS.__getitem__, KINDS), NO_KIND))


def _activity(everyone: Everyone, seen: IntArray, at: datetime | None) -> DoubleArray:
    manifest = everyone.engine.corpus.manifest
    last = at or manifest.last
    if manifest.order_as_time or last is None:
        return np.asarray(everyone.people.users["events"].to_numpy(np.float64)[seen])
    return everyone.clock.counts(last - YEAR, last)[seen].astype(np.float64)


def build_flow(everyone: Everyone, chosen: BoolArray, until: datetime | None) -> FlowView:
    """The flow of some users up to a time."""
    names = everyone.engine.topics.names
    flow = flow_of(everyone.clock, everyone.states.topics, len(names), chosen, until)
    labels = tuple(month(at) for at in flow.times if at) or tuple(map(tr, sentences.QUARTERS))
    return FlowView(flow, labels, names, sentences.flow_sentence(flow, labels, names))


def gain_rows(view: FlowView) -> list[GainRow]:
    """Every topic with the users who came and went, largest gain first."""
    rows = [
        GainRow(view.topics[gain.topic], gain.before, gain.after, gain.came, gain.went, gain.q)
        for gain in view.flow.gains
        if gain.before or gain.after
    ]
    return sorted(rows, key=lambda row: (row.went - row.came, row.topic))


def build_cohort(
    everyone: Everyone,
    name: str,
    chosen: BoolArray,
    until: datetime | None,
    report: EvaluationReport | None,
    against: tuple[str, BoolArray] | None = None,
    recommender: str | None = None,
    rule: Rule | None = None,
) -> CohortView:
    """Describe users bool[n_users], held against all others or another cohort.

    ``recommender``: by whose lists they are served (default: the engine's); ``rule``: what they
    were chosen by. Users in both cohorts count for the first. DomainError where nobody is chosen.
    """
    if not chosen.any():
        raise DomainError(
            tr("nobody is in this cohort"),
            where=name,
            remedy=tr("Draw a larger region, or ask for less"),
        )
    against_name, others = against or (sentences.OTHERS, ~chosen)
    others = others & ~chosen
    people = everyone.people
    asked = {each.name for each in rule.attributes} if rule is not None else set()
    found = describe(people, everyone.topic_shares, everyone.having, chosen, others, asked)
    rows = tuple(_trait(everyone.engine, trait) for trait in found.traits)
    users = people.users.loc[chosen, list(USER_COLUMNS)]
    users = users.sort_values("events", ascending=False, kind="stable").reset_index(drop=True)
    return CohortView(
        name,
        chosen,
        against_name,
        sentences.cohort_sentence(int(chosen.sum()), len(chosen), found, _first(found, rows)),
        rows,
        found,
        sentences.about_traits(found, against_name),
        build_served(everyone.engine, report, chosen, others, recommender),
        build_flow(everyone, chosen, until),
        users,
        until,
    )


def _first(found: Description, rows: Sequence[TraitRow]) -> list[str]:
    """The first trait of each kind in a few words."""
    said = []
    for kind in ("topic", "attribute", "item", "word"):
        own = [row for row in rows if row.kind == kind]
        if own:
            row = own[0]
            name = short_topic(row.name) if kind == "topic" else short(row.name, 40)
            share, others = row.cohort.split(" [")[0], row.others
            if kind == "word":
                name = tr("the word “{word}”", word=name)
            words = {"trait": name, "share": share, "others": others}
            said.append(tr("{trait} ({share} against {others})", **words))
    return said


def _trait(engine: Engine, trait: Trait) -> TraitRow:
    is_share = trait.kind not in ("figure", "measure")
    name, said = trait.name, partial(sentences.trait_value, trait)
    if trait.kind == "item":
        name = engine.corpus.title(name)
    elif trait.kind == "attribute" and engine.corpus.attributes is not None:
        name = _attribute_words(name, engine.corpus.attributes.names)
    elif trait.kind == "figure":
        name = trc("count", "events") if name == "events" else tr(sentences.FIGURES[name])
    elif trait.kind == "measure" and engine.corpus.attributes is not None:
        said = partial(sentences.measure_value, engine.corpus.attributes, trait.name)
        name = label_of(name)
    return TraitRow(
        trait.kind,
        trait.name,
        name,
        said(trait.share.mean, trait.share),
        said(trait.usual),
        trait.users if is_share else trait.known,
        trait.share.mean / trait.usual if is_share and trait.usual > 0 else None,
        trait.q,
    )


def _english_label(attribute: str) -> str:
    with speaking(ENGLISH):
        return label_of(attribute)


def _attribute_words(name: str, attributes: Sequence[str]) -> str:
    """A value of an attribute, by its name among traits, in the reader's language."""
    for attribute in attributes:
        begin = f"{_english_label(attribute)}: "
        if name.startswith(begin):
            value = name.removeprefix(begin)
            return tr("{name}: {said}", name=label_of(attribute), said=value)
    return name


def build_served(
    engine: Engine,
    report: EvaluationReport | None,
    chosen: BoolArray,
    others: BoolArray,
    recommender: str | None = None,
) -> ServedView:
    """NDCG of a recommender on the cohort's held-out events and on the others'."""
    name = recommender or engine.recommender().id
    if report is None or name not in report.names:
        return ServedView(tr(sentences.NOT_EVALUATED), name, None, None)
    index = engine.corpus.user_index
    places = np.array([index[user] for user in report.users], np.int64)
    return served_beside(report, chosen[places], name, others[places])


def served_beside(
    report: EvaluationReport, who: BoolArray, name: str, others: BoolArray | None = None
) -> ServedView:
    """NDCG of a recommender on some cases bool[n_cases] and on others, or on all the rest."""
    values, groups = report.ndcg(name), []
    for mask in (who, ~who if others is None else others):
        rows = np.flatnonzero(mask)
        own = [report.users[row] for row in rows.tolist()]
        groups.append((values[rows], bootstrap(values[rows], own) if own else None))
    (first, cohort), (second, rest) = groups
    apart = difference(first, second)
    sentence = sentences.served_sentence(
        name, cohort, rest, len(first), apart[0] if apart is not None else None, report.k
    )
    return ServedView(sentence, name, cohort, rest)


def cohort_facts(view: CohortView, query: Query | None) -> dict[str, Any]:
    """A cohort as JSON (docs/contracts.md)."""
    served, flow = view.served, view.flow.flow
    return {
        "name": view.name,
        "against": view.against,
        "users": int(view.chosen.sum()),
        "of": len(view.chosen),
        "query": None if query is None else {"text": query.text, "parameters": query.parameters},
        "traits": [
            {
                "kind": trait.kind,
                "id": trait.name,
                "users": trait.users,
                "known": trait.known,
                "value": trait.share.mean,
                "ci": [trait.share.low, trait.share.high],
                "others": trait.usual,
                "p": trait.p,
                "q": trait.q,
            }
            for trait in view.found.traits
        ],
        "tests": view.found.tests,
        "ndcg": {
            "recommender": served.recommender,
            **{
                name: None if mean is None else {"mean": mean.mean, "ci": [mean.low, mean.high]}
                for name, mean in (("cohort", served.cohort), ("others", served.others))
            },
        },
        "flow": {
            "times": list(flow.times),
            "users": flow.users,
            "moved": flow.moved,
            "topics": [asdict(row) for row in gain_rows(view.flow)],
        },
        "user_ids": view.users["user_id"].tolist(),
    }


def tell(view: CohortView, query: Query | None) -> list[str]:
    """A cohort as lines for a terminal."""
    named = tr("{name}: {said}", name=view.name, said=view.sentence)
    lines = [named, view.served.sentence, view.flow.sentence]
    lines += [
        tr(
            "{kind} {name}: {share} against {others} (q {chance})",
            kind=tr(sentences.TRAIT_WORDS[row.kind]),
            name=row.name,
            share=row.cohort,
            others=row.others,
            chance=row.chance,
        )
        for row in view.traits
    ]
    lines.append(view.about_traits)
    if query is not None:
        lines.append(sentences.query_words(query))
    ids = view.users["user_id"].tolist()
    lines.append(tr("Users: {users}", users=listing(ids[:TOLD])) + " ..." * (len(ids) > TOLD))
    return lines

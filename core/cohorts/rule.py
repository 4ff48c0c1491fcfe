"""A rule says which users belong to a cohort: a few conditions, asked of DuckDB.

The text of the query is made of this module's words alone; values of a person are bound as
parameters. The database lives in memory, reads no file and loads no extension.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

import numpy as np

from core.arrays import BoolArray
from core.corpus.attributes import DAY, NUMBER, OPS, Attributes, Condition
from core.domain import DomainError
from core.language import mark, tr
from core.turns.turning import Kind

if TYPE_CHECKING:
    from core.cohorts.people import People

KINDS = tuple(kind.name.lower() for kind in Kind)
MOVES = tuple(kind.name.lower() for kind in Kind if kind <= Kind.RETURN)
"""Kinds that lead from one topic to another."""
TRENDS = {"rises": 1, "falls": -1}
CLEAR = 0.2
"""How far sentiment has to go up or down to count as a trend."""
NOUN = mark("rule")
EXAMPLE = "turned_to=Audio&since=2024-01-01&least_events=12"
LONGEST = 2_000
"""Characters of a rule in its text form, as a person reads them."""
ENCODED = 12
"""Characters that one of them takes in an address at most."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions that hold all at once; None for none.

    Those of the first group are about one and the same turning point: ``turned_to`` the topic that
    grew, ``turned_from`` the one that shrank, ``kind``, and when it happened (``since`` and
    ``until``, days, both included). ``topic`` leads after the last event; ``sentiment`` rises or
    falls; ``least_rank`` is about the held-out items (worse served users have higher ranks).
    ``attributes`` are about the users file: one of the values asked for, at least, at most.
    """

    turned_to: str | None = None
    turned_from: str | None = None
    kind: str | None = None
    since: date | None = None
    until: date | None = None
    topic: str | None = None
    least_events: int | None = None
    most_events: int | None = None
    least_drift: float | None = None
    sentiment: str | None = None
    active_since: date | None = None
    quiet_since: date | None = None
    least_rank: float | None = None
    attributes: tuple[Condition, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it holds no condition."""
        return not self.given and not self.attributes

    @property
    def given(self) -> dict[str, Any]:
        """Conditions by name, in order, without those about attributes."""
        values = {each.name: getattr(self, each.name) for each in fields(self)[:-1]}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def is_about_turns(self) -> bool:
        """Whether it asks for a turning point."""
        return any(name in TURN for name in self.given)

    def to_text(self) -> str:
        """As an address and a command line hold it: ``turned_to=Audio&is:plan=pro``."""
        pairs = [(name, str(value)) for name, value in self.given.items()]
        pairs += [(f"{each.op}:{each.name}", each.value) for each in self.attributes]
        return urlencode(pairs, safe=":")

    @classmethod
    def from_text(cls, text: str, where: str = NOUN) -> Rule:
        """Read ``to_text``; DomainError for a condition that there isn't or can't be."""
        check_length(NOUN, text, LONGEST, where)
        try:
            pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
        except ValueError:
            raise DomainError(
                tr("{text!r} is no rule", text=text[:80]),
                where=tr(where),
                remedy=tr("For example {example}", example=EXAMPLE),
            ) from None
        about: list[Condition] = []
        plain: dict[str, object] = {}
        for name, value in pairs:
            word, colon, attribute = name.partition(":")
            op = next((op for op in OPS if op == word), None)
            if op is not None and colon:
                about.append(Condition(op, attribute, value))
            else:
                plain[name] = value
        return cls.from_values(plain, where, tuple(about))

    @classmethod
    def from_values(
        cls,
        values: Mapping[str, object],
        where: str = NOUN,
        attributes: tuple[Condition, ...] = (),
    ) -> Rule:
        """A rule of named values, as text or as they are; empty ones are left out."""
        read: dict[str, Any] = {"attributes": attributes}
        for name, value in values.items():
            if name not in READERS:
                raise DomainError(
                    tr("a rule has no condition {name!r}", name=name[:80]),
                    where=tr(where),
                    remedy=tr(
                        "Use {names}, or is:, least: and most: before the name of a user attribute",
                        names=", ".join(READERS),
                    ),
                )
            if value is None or value == "":
                continue
            try:
                read[name] = READERS[name](value)
            except (ValueError, OverflowError):
                raise DomainError(
                    tr("{name} can't be {value!r}", name=name, value=str(value)[:80]),
                    where=tr(where),
                    remedy=_form(name),
                ) from None
        rule = cls(**read)
        rule._check_order(where)
        return rule

    def _check_order(self, where: str) -> None:
        pairs = (("since", "until"), ("least_events", "most_events"))
        for low, high in pairs:
            first, last = getattr(self, low), getattr(self, high)
            if first is not None and last is not None and first > last:
                raise DomainError(
                    tr("{low} is above {high}", low=low, high=high),
                    where=tr(where),
                    remedy=tr("Swap them"),
                )


def check_length(noun: str, text: str, most: int, where: str) -> None:
    """DomainError for a text of an address that says more than ``most`` characters."""
    n = len(text) if len(text) > most * ENCODED else len(unquote_plus(text))
    if n > most:
        raise DomainError(
            tr("the {noun} has {n:,} characters", noun=tr(noun), n=n),
            where=tr(where),
            remedy=tr("Use up to {most:,}", most=most),
        )


def _day(value: object) -> date:
    day = value if isinstance(value, date) else date.fromisoformat(str(value).strip())
    if day.year == date.max.year:  # the day after it is asked for
        raise ValueError
    return day


def _whole(value: object) -> int:
    number = int(str(value))
    if not 0 <= number < 2**62:
        raise ValueError
    return number


def _at_least(least: float) -> Callable[[object], float]:
    def read(value: object) -> float:
        number = float(str(value))
        if not isfinite(number) or number < least:
            raise ValueError
        return number

    return read


def _one_of(*words: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in words:
            raise ValueError
        return str(value)

    return read


READERS: dict[str, Callable[[object], Any]] = {
    "turned_to": str,
    "turned_from": str,
    "kind": _one_of(*KINDS),
    "since": _day,
    "until": _day,
    "topic": str,
    "least_events": _whole,
    "most_events": _whole,
    "least_drift": _at_least(0.0),
    "sentiment": _one_of(*TRENDS),
    "active_since": _day,
    "quiet_since": _day,
    "least_rank": _at_least(1.0),
}
"""How each condition is read from text; ValueError where that can't be."""
DATES = ("since", "until", "active_since", "quiet_since")
WORDS = {"kind": KINDS, "sentiment": tuple(TRENDS)}
"""Conditions that are one of a few words."""


def _form(name: str) -> str:
    """How a condition has to be said."""
    if name in WORDS:
        return tr("Use one of {names}", names=", ".join(WORDS[name]))
    if name in DATES:
        return tr("Use a day such as 2024-03-01")
    return tr("Use a rank from 1 on") if name == "least_rank" else tr("Use a number from 0 on")


TURN = {
    "turned_to": "turns.topic = ?",  # no sentence
    "turned_from": "turns.topic_before = ?",  # no sentence
    "kind": "turns.kind = ?",  # no sentence
    "since": "turns.at >= ?",  # no sentence
    "until": "turns.at < ?",  # no sentence
}
"""Conditions of one turning point."""
USER = {
    "topic": "users.topic = ?",  # no sentence
    "least_events": "users.events >= ?",  # no sentence
    "most_events": "users.events <= ?",  # no sentence
    "least_drift": "users.drift >= ?",  # no sentence
    "active_since": "users.last_seen >= ?",  # no sentence
    "quiet_since": "users.last_seen < ?",  # no sentence
    "least_rank": "users.held_out_rank >= ?",  # no sentence
}
"""Conditions of a user."""
MOVED = f"turns.kind IN ({', '.join(repr(kind) for kind in MOVES)})"  # no sentence


@dataclass(frozen=True, slots=True)
class Query:
    """A query with a question mark for each of its parameters."""

    text: str
    parameters: tuple[Any, ...]
    names: tuple[str, ...] = ()
    """What its columns of attributes are called, ``a0: plan``; the text has no name of a person."""

    @property
    def shown(self) -> str:
        """The query as a person reads it, with what stands for each question mark below."""
        names = "".join(f"\n-- {name}" for name in self.names)
        values = "".join(f"\n-- {n}: {value}" for n, value in enumerate(self.parameters, 1))
        return self.text + names + values


def query_of(rule: Rule, attributes: Attributes | None = None) -> Query:
    """The query that finds the places of a rule's users among all.

    DomainError where it asks for attributes that aren't there.
    """
    given = rule.given
    of_user = [USER[name] for name in given if name in USER]
    values = [_parameter(name, given[name]) for name in given if name in USER]
    if rule.sentiment is not None:
        sign = TRENDS[rule.sentiment]
        of_user.append(f"users.sentiment_trend {'>=' if sign > 0 else '<='} ?")  # no sentence
        values.append(sign * CLEAR)
    about, bound, names = _attribute_conditions(rule, attributes)
    of_user += about
    values += bound
    if rule.is_about_turns:
        of_turn = [TURN[name] for name in given if name in TURN]
        values += [_parameter(name, given[name]) for name in given if name in TURN]
        if rule.kind is None and (rule.turned_to or rule.turned_from):
            of_turn.append(MOVED)
        of_turn.insert(0, "turns.user_id = users.user_id")  # no sentence
        inner = "\n    AND ".join(of_turn)
        exists = f"EXISTS (\n    SELECT 1 FROM turns\n    WHERE {inner}\n  )"  # no sentence
        of_user.append(exists)
    where = "\nWHERE " + "\n  AND ".join(of_user) if of_user else ""
    text = f"SELECT users.place FROM users{where}\nORDER BY users.place"  # no sentence
    return Query(text, tuple(values), names)


def column_of(attributes: Attributes, name: str) -> str:
    """The column of the table of users that holds an attribute."""
    return f"a{attributes.place(name)}"


def _attribute_conditions(
    rule: Rule, attributes: Attributes | None
) -> tuple[list[str], list[Any], tuple[str, ...]]:
    """Conditions about attributes, their values, and what the columns are called.

    Values that one attribute may be are alternatives, all else holds at once.
    """
    if not rule.attributes:
        return [], [], ()
    if attributes is None:
        raise DomainError(
            tr("this corpus has no user attributes"),
            remedy=tr(
                "Import a users file: {command}",
                command="python -m core import --append --users FILE --name NAME",  # no sentence
            ),
        )
    said: dict[str, tuple[list[str], list[Any]]] = {}
    for at, each in enumerate(rule.attributes):
        column = f"users.{column_of(attributes, each.name)}"
        key = column if each.op == "is" else f"{column} {at}"
        texts, bound = said.setdefault(key, ([], []))
        if each.op == "is" and not each.value:
            texts.append(f"{column} IS NULL")  # no sentence
            continue
        kind = attributes.column(each.name).kind
        low, high = each.between(attributes)
        if each.op == "is" and kind != DAY:
            ends = [("=", low)]
        else:
            ends = [(">=", low), ("<=" if kind == NUMBER else "<", high)]
        ends = [(sign, end) for sign, end in ends if end is not None]
        texts.append(" AND ".join(f"{column} {sign} ?" for sign, _ in ends))
        bound += [end for _, end in ends]
    names = {column_of(attributes, each.name): each.name for each in rule.attributes}
    return (
        [texts[0] if len(texts) == 1 else f"({' OR '.join(texts)})" for texts, _ in said.values()],
        [value for _, bound in said.values() for value in bound],
        tuple(f"{column}: {name}" for column, name in names.items()),
    )


def _parameter(name: str, value: Any) -> Any:
    """A value as DuckDB compares it: the first instant of a day, of the day after for ``until``."""
    if name in DATES:
        later = timedelta(days=1) if name == "until" else timedelta()
        return datetime.combine(value, time()) + later
    return value


def members(rule: Rule, people: People) -> BoolArray:
    """Whom a rule is about, bool[n_users] in the corpus's order.

    DomainError for an unknown topic, for times in a corpus without, and for turning points where
    they were not measured.
    """
    check(rule, people)
    query = query_of(rule, people.corpus.attributes)
    import duckdb

    chosen = np.zeros(len(people.users), np.bool_)
    settings: dict[str, Any] = {"enable_external_access": "false", "threads": "2"}
    with duckdb.connect(":memory:", config=settings) as connection:
        for name, table in people.tables_for(rule.attributes).items():
            connection.register(name, table)
        connection.execute("SET lock_configuration = true")
        places = connection.execute(query.text, list(query.parameters)).fetchnumpy()["place"]
    chosen[np.asarray(places, np.int64)] = True
    return chosen


def check(rule: Rule, people: People) -> None:
    """DomainError where a rule can't be asked of these users."""
    corpus = people.corpus
    where = tr("corpus {name}", name=corpus.name)
    for name in ("turned_to", "turned_from", "topic"):
        topic = getattr(rule, name)
        if topic is not None and topic not in people.topics:
            raise DomainError(
                tr("there is no topic {topic!r}", topic=topic[:80]),
                where=where,
                remedy=tr("Choose one of {names}", names=tr(", ").join(people.topics[:12])),
            )
    if corpus.manifest.order_as_time and any(getattr(rule, name) for name in DATES):
        raise DomainError(
            tr("this corpus has no times, only the order of each user's events"),
            where=where,
            remedy=tr("Leave the days out"),
        )
    if rule.is_about_turns and people.turns is None:
        command = f"python -m core turns {corpus.name}"  # no sentence
        raise DomainError(
            tr("the turning points of this model were not measured"),
            where=where,
            remedy=tr("Measure them first: {command}", command=command),
        )

"""User attributes in words: what a users file gave, and what it says of one user."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from core.corpus.attributes import DAY, Attributes, Condition, label_of
from core.corpus.corpus import Corpus
from core.corpus.manifest import UserAttributes
from core.corpus.users_file import UsersPreview
from core.language import mark, tr
from core.views.wording import capital, count, day, joined, listing, minus, number, short

NAMED = 6
"""Attributes that a sentence names."""
LONGEST_NAME, LONGEST_VALUE = 30, 40
"""Characters of an attribute's name and value in a line."""
EPOCH_DAY = datetime(1970, 1, 1).toordinal()
NO_VALUE = mark("no value")
NOT_LEARNED = mark("No model reads them.")
KINDS = mark("number"), mark("day"), mark("text")
"""What attributes are read as."""


def attributes_sentence(facts: UserAttributes) -> str:
    """What a users file gave of the corpus's users, and whom it does not know."""
    names = [short(label_of(column.name), LONGEST_NAME) for column in facts.columns]
    more = len(names) - NAMED
    named = listing(names)
    if more > 0:
        first = tr(", ").join(names[:NAMED])
        named = tr("{names} and {n} more", names=first, n=number(more))
    attributes = count(len(names), "user attribute")
    if names:
        attributes = tr("{attributes}: {names}", attributes=attributes, names=named)
    said = [
        tr(
            "{attributes}. Users of the corpus with a row: {users}.",
            attributes=attributes,
            users=number(facts.users),
        ),
        tr(NOT_LEARNED),
    ]
    if facts.unknown and not facts.users:
        said.append(
            tr("Nobody of the users file has an event here: is its column of user ids right?")
        )
    elif facts.unknown:
        said.append(
            tr(
                "Users of the file without an event here: {users}; their rows wait for later "
                "events.",
                users=number(facts.unknown),
            )
        )
    if facts.refused:
        rows = count(facts.refused, "row")
        said.append(tr("{rows} without a user went to the quarantine.", rows=rows))
    return joined(*said)


def attribute_cautions(facts: UserAttributes | None) -> list[str]:
    """What is odd in a users file; nothing without one."""
    return [f"{capital(note)}." for note in facts.notes] if facts is not None else []


def attributes_table(facts: UserAttributes) -> pd.DataFrame:
    """The attributes, a row each: name, kind, users with a value, distinct values."""
    return pd.DataFrame(
        [
            {
                "name": label_of(column.name),
                "kind": tr(column.kind),
                "known": column.known,
                "values": column.values,
            }
            for column in facts.columns
        ],
        columns=["name", "kind", "known", "values"],
    )


def preview_table(preview: UsersPreview) -> pd.DataFrame:
    """The attributes as an import would read them, a row each, with some values."""
    columns = [mark("Attribute"), mark("Read as"), mark("Values"), mark("For example")]
    return pd.DataFrame(
        [(label_of(name), tr(kind), n, examples) for name, kind, n, examples in preview.rows],
        columns=columns,
    )


def preview_sentence(preview: UsersPreview) -> str:
    """How many attributes of how many rows, by which ids."""
    said = tr(
        "{attributes} in the first {rows}, for the users of the column {column}.",
        attributes=count(len(preview.rows), "user attribute"),
        rows=count(preview.sampled, "row"),
        column=preview.user_column,
    )
    return joined(said, tr(NOT_LEARNED))


def value_words(value: Any) -> str:
    """One value: ``34``, ``3 Mar 2024``, ``pro``."""
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, datetime):
        return day(value)
    if isinstance(value, float):
        return minus(f"{value:.15g}") if abs(value) < 1e5 else minus(f"{value:,.6g}")
    return short(str(value), LONGEST_VALUE)


def user_values(corpus: Corpus, user_id: str) -> list[str]:
    """What the users file says of one user: ``plan: pro``, ``age: 34``; empty for nothing."""
    if corpus.attributes is None:
        return []
    known = corpus.attributes.of_user(user_id)
    return [
        tr(
            "{name}: {value}",
            name=short(label_of(name), LONGEST_NAME),
            value=value_words(value),
        )
        for name, value in known.items()
    ]


def attribute_words(conditions: Sequence[Condition]) -> list[str]:
    """``plan pro or team``, ``age 30 or more``: what conditions ask of each attribute."""
    values: dict[str, list[str]] = {}
    rest = []
    for each in conditions:
        name, value = short(label_of(each.name), LONGEST_NAME), short(each.value, LONGEST_VALUE)
        if each.op == "is":
            values.setdefault(name, []).append(value or tr("unknown"))
        elif each.op == "least":
            rest.append(tr("{name} {value} or more", name=name, value=value))
        else:
            rest.append(tr("{name} {value} or less", name=name, value=value))
    return [
        *(tr("{name} {values}", name=n, values=tr(" or ").join(v)) for n, v in values.items()),
        *rest,
    ]


def axis_words(attributes: Attributes, name: str, value: float) -> str:
    """A number or a day of an attribute, as the figures give it."""
    if attributes.column(name).kind == DAY:
        place = EPOCH_DAY + int(np.floor(value))  # an interval may end outside the calendar
        return day(datetime.fromordinal(min(max(place, 1), date.max.toordinal())))
    return minus(f"{value:.3g}") if abs(value) < 1000 else number(value)

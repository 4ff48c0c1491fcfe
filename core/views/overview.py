"""The Overview page: what is in the corpus, whether the model earns trust, where to look first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.compare.turnover import K, Turnover
from core.corpus.manifest import Manifest
from core.encode.unknown import TOO_MANY
from core.language import mark, tr
from core.views.wording import (
    capital,
    count,
    day,
    joined,
    number,
    percent,
    period,
    sample_sentence,
    short,
    short_topic,
)

if TYPE_CHECKING:
    from core.engine import Engine

LIST_ROWS, CARDS = 8, 2
"""Users of a list, and how many of them get a card."""
LONGEST_ID = 40
"""Characters of a user's id in a card's title."""
LEAST_EVENTS = 5
"""Users with fewer events are left out of the lists."""
NOT_EVALUATED = mark(
    "This model has no stored evaluation, so there is no evidence of its quality. Evaluate it on "
    "the page Quality."
)


@dataclass(frozen=True, slots=True)
class UserRow:
    """One user as a place to start."""

    user_id: str
    """Who."""
    events: int
    """Number of events."""
    drift: float
    """Cosine distance between the state in the middle of the history and the last one."""
    topics: str
    """The leading topic; two where it changed."""
    held_out_rank: float | None
    """Geometric mean of the ranks of the held-out events' items; None without any."""
    change: float | None = None
    """How much of the list one event changes, 0 to 1 (1 - RBO); None where it wasn't measured."""


@dataclass(frozen=True, slots=True)
class ListView:
    """One list of users that starts work."""

    title: str
    """What these users have in common."""
    sentence: str
    """How the list is made."""
    rows: tuple[UserRow, ...]
    """The users, most striking first."""
    among: int
    """How many users they were chosen from."""
    typical: float | None
    """The median, over those, of what orders the list."""


@dataclass(frozen=True, slots=True)
class Card:
    """One user, and why to look there."""

    list_name: str
    """The list that the user leads: a key of ``build_start``, or ``changed``."""
    at: int
    """The user's place in that list, from 0."""
    title: str
    """Who, and what happened."""
    sentence: str
    """What was found, with its scale."""
    step: int | None = None
    """The step at which it is seen; None: the last."""


def build_facts(manifest: Manifest) -> str:
    """What a corpus is, in one line."""
    facts = tr(
        "{events} by {users} on {items}, {period}; {share} have text.",
        events=count(manifest.accepted, "event"),
        users=count(manifest.users, "user"),
        items=count(manifest.items, "item"),
        period=period(manifest),
        share=percent(manifest.with_text / max(manifest.accepted, 1)),
    )
    if manifest.appends:
        last = manifest.appends[-1]
        events = count(last.accepted, "event")
        appended = tr("Last append: {events} on {day}.", events=events, day=day(last.created))
        facts = joined(facts, appended)
    if manifest.simulated:
        return tr("Simulated data, made for this demo: {facts}", facts=facts)
    return facts


def build_unknown(encoder: str, share: float) -> str:
    """How much of the texts the model's encoder can't read; ``share`` from 0 to 1."""
    of_all = f"{100 * share:.1f}\u202f%"
    if share <= TOO_MANY:
        return tr(
            "Text encoder {encoder}: {share} of the word pieces in a sample are unknown to it.",
            encoder=encoder,
            share=of_all,
        )
    return tr(
        "Text encoder {encoder}: {share} of the word pieces in a sample are unknown to it, so text "
        "says little to this model. Train one with another encoder.",
        encoder=encoder,
        share=of_all,
    )


def build_start(rows: Sequence[UserRow]) -> dict[str, ListView]:
    """The lists ``drift``, ``busiest`` and ``worst``, from one row per user."""
    judged = [row for row in rows if row.held_out_rank is not None]
    return {
        "drift": _list(
            tr("Interest moved furthest"),
            tr("Largest distance from the state halfway through the history to the last"),
            rows,
            lambda row: row.drift,
        ),
        "busiest": _list(tr("Longest histories"), tr("Most events"), rows, lambda row: row.events),
        "worst": _list(
            tr("Worst served by the interest model"),
            tr("Lowest ranks of held-out items"),
            judged,
            lambda row: row.held_out_rank or 0.0,
            whom=_ranked,
        ),
    }


def lists_table(lists: Mapping[str, ListView]) -> pd.DataFrame:
    """All lists as one table, each row under its list's title."""
    rows = [{"list": view.title, **asdict(row)} for view in lists.values() for row in view.rows]
    return pd.DataFrame(rows, columns=["list", *UserRow.__dataclass_fields__])


def build_changed(rows: Sequence[UserRow], turnover: Turnover) -> ListView:
    """The list of users whose lists changed most, from a measured turnover."""
    change = dict(zip(turnover.user_ids, turnover.change.tolist(), strict=True))
    known = [
        replace(row, change=change[row.user_id])
        for row in rows
        if not np.isnan(change.get(row.user_id, np.nan))
    ]
    what = tr("Largest change of the top {k} per event", k=turnover.k)
    found = _list(tr("Lists that changed most"), what, known, lambda row: row.change or 0.0)
    some = sample_sentence(turnover.sample, "user")
    return replace(found, sentence=joined(found.sentence, some))


def _list(
    title: str,
    what: str,
    rows: Sequence[UserRow],
    by: Callable[[UserRow], float],
    whom: Callable[[int], str] | None = None,
) -> ListView:
    """The largest of ``rows``; equal ones by user id. ``whom`` says who so many users are."""
    first = sorted(rows, key=lambda row: (-by(row), row.user_id))[:LIST_ROWS]
    sentence = tr("{what}, among {users}.", what=what, users=(whom or _with_events)(len(rows)))
    typical = float(np.median([by(row) for row in rows])) if rows else None
    return ListView(title, sentence, tuple(first), len(rows), typical)


def build_cards(engine: Engine, lists: Mapping[str, ListView]) -> tuple[Card, ...]:
    """The first users of the lists ``drift``, ``changed`` and ``worst``, where there are such.

    Nobody's list changes most, and nobody is badly served, who is like the median user.
    """
    makers = {"drift": _drift_card, "changed": _changed_card, "worst": _worst_card}
    return tuple(
        make(engine, lists[name], at)
        for name, make in makers.items()
        if name in lists
        for at in range(min(CARDS, len(lists[name].rows)))
        if name == "drift" or _stands_out(lists[name], at)
    )


def _stands_out(users: ListView, at: int) -> bool:
    row = users.rows[at]
    value = row.change if row.change is not None else row.held_out_rank
    return value is not None and users.typical is not None and value > users.typical


def _drift_card(engine: Engine, users: ListView, at: int) -> Card:
    row, names = users.rows[at], engine.topics.names
    history = engine.corpus.history(row.user_id)
    leading = engine.trajectory(history).profile.argmax(axis=1)
    others = np.flatnonzero(leading != leading[-1])
    step = int(others[-1]) + 2 if len(others) else 1
    now = short_topic(names[leading[-1]])
    moved = tr("{topic} leads throughout.", topic=capital(now))
    title = tr("interest moved within {topic}", topic=now)
    if len(others):
        before = short_topic(names[leading[others[-1]]])
        first = short_topic(names[leading[0]])
        title = tr("back to {topic}", topic=now)
        if leading[0] != leading[-1]:
            title = tr("from {first} to {last}", first=first, last=now)
        date = history.events[step - 1].date
        since = tr("step {step} of {steps}", step=step, steps=len(history))
        if date:
            since = tr("{step} ({day})", step=since, day=day(date))
        said = {"topic": capital(now), "since": since, "before": before, "first": first}
        if first in (before, now):
            moved = tr("{topic} leads since {since}, before it {before}.", **said)
        else:
            moved = tr(
                "{topic} leads since {since}, before it {before}, and {first} at first.", **said
            )
    far = {"distance": row.drift, "users": _users(users)}
    if users.among < 2:
        by = tr("The state moved by {distance:.2f} (0 to 2).", **far)
    elif at == 0:
        by = tr("The state moved by {distance:.2f} (0 to 2), the furthest of {users}.", **far)
    else:
        by = tr(
            "The state moved by {distance:.2f} (0 to 2), the second furthest of {users}.", **far
        )
    return Card("drift", at, _title(row, title), joined(moved, by), step)


def _title(row: UserRow, what: str) -> str:
    return tr("{user}: {what}", user=short(row.user_id, LONGEST_ID), what=what)


def _changed_card(engine: Engine, users: ListView, at: int) -> Card:
    row = users.rows[at]
    sentence = tr(
        "One event changes {share} of the top {k} on average, {typical} for the median of {users}.",
        share=percent(row.change or 0.0),
        k=K,
        typical=percent(users.typical or 0.0),
        users=_users(users),
    )
    return Card("changed", at, _title(row, tr("the list changes most")), sentence)


def _worst_card(engine: Engine, users: ListView, at: int) -> Card:
    row = users.rows[at]
    sentence = tr(
        "The held-out items of this user have rank {rank:.0f} of {items} in the interest model's "
        "list, {typical:.0f} for the median of {users}.",
        rank=row.held_out_rank or 0,
        items=number(len(engine.corpus.item_ids)),
        typical=users.typical or 0,
        users=_ranked(users.among),
    )
    return Card("worst", at, _title(row, tr("badly served")), sentence)


def _users(users: ListView) -> str:
    return _with_events(users.among)


def _with_events(n: int) -> str:
    return tr("{users} with {n} or more events", users=count(n, "user"), n=LEAST_EVENTS)


def _ranked(n: int) -> str:
    """Fewer than have the events: a held-out item that can't be listed has no rank."""
    users = count(n, "user")
    return tr("{users} with {n} or more events and a rank", users=users, n=LEAST_EVENTS)


def build_rows(engine: Engine) -> list[UserRow]:
    """Every user with enough events, from the table that was made when the model was trained."""
    names = engine.topics.names
    table = engine.users[engine.users["events"] >= LEAST_EVENTS]
    return [
        UserRow(
            user_id=row.user_id,
            events=int(row.events),
            drift=float(row.drift),
            topics=names[row.last_topic]
            if row.first_topic == row.last_topic
            else " → ".join(map(short_topic, (names[row.first_topic], names[row.last_topic]))),
            held_out_rank=None if np.isnan(row.held_out_rank) else float(row.held_out_rank),
        )
        for row in table.itertuples(index=False)
    ]

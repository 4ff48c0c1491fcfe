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
from core.views.wording import capital, count, day, number, percent, period, short, short_topic

if TYPE_CHECKING:
    from core.engine import Engine

LIST_ROWS, CARDS = 8, 2
"""Users of a list, and how many of them get a card."""
LONGEST_ID = 40
"""Characters of a user's id in a card's title."""
LEAST_EVENTS = 5
"""Users with fewer events are left out of the lists."""
NOT_EVALUATED = (
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
    facts = (
        f"{count(manifest.accepted, 'event')} by {count(manifest.users, 'user')} on "
        f"{count(manifest.items, 'item')}, {period(manifest)}; "
        f"{percent(manifest.with_text / max(manifest.accepted, 1))} have text."
    )
    if manifest.appends:
        last = manifest.appends[-1]
        facts += f" Last append: {count(last.accepted, 'event')} on {day(last.created)}."
    return f"Simulated data, made for this demo: {facts}" if manifest.simulated else facts


def build_unknown(encoder: str, share: float) -> str:
    """How much of the texts the model's encoder can't read; ``share`` from 0 to 1."""
    of_all = f"{100 * share:.1f}\u202f% of the word pieces in a sample"
    said = f"Text encoder {encoder}: {of_all} are unknown to it"
    if share <= TOO_MANY:
        return f"{said}."
    return f"{said}, so text says little to this model. Train one with another encoder."


def build_start(rows: Sequence[UserRow]) -> dict[str, ListView]:
    """The lists ``drift``, ``busiest`` and ``worst``, from one row per user."""
    judged = [row for row in rows if row.held_out_rank is not None]
    return {
        "drift": _list(
            "Interest moved furthest",
            "Largest distance from the state halfway through the history to the last",
            rows,
            lambda row: row.drift,
        ),
        "busiest": _list("Longest histories", "Most events", rows, lambda row: row.events),
        "worst": _list(
            "Worst served by the interest model",
            "Lowest ranks of held-out items",
            judged,
            lambda row: row.held_out_rank or 0.0,
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
    what = f"Largest change of the top {turnover.k} per event"
    return _list("Lists that changed most", what, known, lambda row: row.change or 0.0)


def _list(
    title: str, what: str, rows: Sequence[UserRow], by: Callable[[UserRow], float]
) -> ListView:
    """The largest of ``rows``; equal ones by user id."""
    first = sorted(rows, key=lambda row: (-by(row), row.user_id))[:LIST_ROWS]
    sentence = f"{what}, {_among(rows)}."
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
    moved = f"{capital(now)} leads throughout."
    who = short(row.user_id, LONGEST_ID)
    title = f"{who}: interest moved within {now}"
    if len(others):
        before = short_topic(names[leading[others[-1]]])
        first = short_topic(names[leading[0]])
        turn = f"from {first} to {now}" if leading[0] != leading[-1] else f"back to {now}"
        title = f"{who}: {turn}"
        date = history.events[step - 1].date
        since = f"step {step} of {len(history)}" + (f" ({day(date)})" if date else "")
        moved = f"{capital(now)} leads since {since}, before it {before}."
    place = ("the", "the second")[at]
    among = f", {place} furthest of {_users(users)}" if users.among > 1 else ""
    far = f"The state moved by {row.drift:.2f} (0 to 2){among}."
    return Card("drift", at, title, f"{moved} {far}", step)


def _changed_card(engine: Engine, users: ListView, at: int) -> Card:
    row = users.rows[at]
    sentence = (
        f"One event changes {percent(row.change or 0.0)} of the top {K} on average, "
        f"{percent(users.typical or 0.0)} for the median of {_users(users)}."
    )
    return Card("changed", at, f"{short(row.user_id, LONGEST_ID)}: the list changes most", sentence)


def _worst_card(engine: Engine, users: ListView, at: int) -> Card:
    row = users.rows[at]
    items = number(len(engine.corpus.item_ids))
    sentence = (
        f"The held-out items of this user have rank {row.held_out_rank or 0:.0f} of {items} in the "
        f"interest model's list, {users.typical or 0:.0f} for the median of {_users(users)}."
    )
    return Card("worst", at, f"{short(row.user_id, LONGEST_ID)}: badly served", sentence)


def _users(users: ListView) -> str:
    return _with_events(users.among)


def _among(rows: Sequence[UserRow]) -> str:
    return f"among {_with_events(len(rows))}"


def _with_events(n: int) -> str:
    return f"{count(n, 'user')} with {LEAST_EVENTS} or more events"


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

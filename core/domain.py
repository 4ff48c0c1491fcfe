"""The words of the product as types: events, histories, lists, and the one error a person may see.

Everything here is frozen. Rows are validated once, on import (``core.corpus``); past that point the
code trusts these types.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum

from core.html_table import html_table
from core.language import tr, trc


class Columns:
    """Column names of the events and items tables; no other module spells them."""

    User = "user_id"
    Item = "item_id"
    Time = "timestamp"
    Kind = "kind"
    Rating = "rating"
    Title = "title"
    Text = "text"
    Category = "category"
    Description = "description"
    Price = "price"
    Extra = "extra"

    EVENTS = (User, Item, Time, Kind, Rating, Title, Text)
    ITEMS = (Item, Title, Category, Description, Price, Extra)


class EventKind(StrEnum):
    """What a user did. Purchases, ratings and reviews exclude the item from later lists."""

    VIEW = "view"
    CLICK = "click"
    LIKE = "like"
    CART = "cart"
    PURCHASE = "purchase"
    RATING = "rating"
    REVIEW = "review"


CONSUMING_KINDS = frozenset({EventKind.PURCHASE, EventKind.RATING, EventKind.REVIEW})
"""Kinds that exclude an item from a list; views, clicks, likes and carts do not."""

LATER_KINDS = (EventKind.LIKE, EventKind.CART)
"""Kinds that only the models of a corpus with likes or carts know."""


class Part(IntEnum):
    """The part of a split that an event belongs to."""

    TRAIN = 0
    VALIDATION = 1
    TEST = 2


class DomainError(Exception):
    """A mistake a person can act on: what happened, where, and what to do about it.

    Core raises it; only the command line and the pages turn it into words on a screen.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what.rstrip(".。")
        self.where = where
        self.remedy = remedy.rstrip(".。")
        super().__init__(str(self))

    def __str__(self) -> str:
        what = self.what
        if self.where:
            what = tr("{what} ({where})", what=what, where=self.where)
        if self.remedy:
            return tr("{what}. {remedy}.", what=what, remedy=self.remedy)
        return tr("{what}.", what=what)


class Stopped(Exception):
    """Raised by long work after its ``stop`` callback answered True; nothing partial is left."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing one user did with one item.

    ``timestamp`` is timezone-aware UTC; ``rating`` is on the corpus's own scale; ``title`` and
    ``text`` are untrusted words of a person and are never rendered as HTML or Markdown.
    """

    item_id: str
    timestamp: datetime
    kind: EventKind
    rating: float | None = None
    title: str | None = None
    text: str | None = None
    timed: bool = True
    """False where an explainer removed the time part, and in a corpus without times, where the
    timestamp only says the order; ``item_id`` "" where an explainer removed the item."""

    @property
    def date(self) -> datetime | None:
        """When it happened; None where nothing but the order is known."""
        return self.timestamp if self.timed else None

    @property
    def words(self) -> str:
        """What the encoder reads: the review's title and body; empty when there are none."""
        return review_words(self.title, self.text)


def review_words(title: str | None, text: str | None) -> str:
    """Join a review's title and body into the one string that is encoded."""
    parts = [part.strip() for part in (title, text) if part and part.strip()]
    if len(parts) == 2 and parts[0][-1] not in ".!?。！？":
        parts[0] += "."
    return " ".join(parts)


@dataclass(frozen=True, slots=True)
class History:
    """A user's events in contract order, and the clock at which a list is asked for.

    ``clock`` None means the last event's time. ``consumed`` None means "derive it from the events";
    explainers set it so that removing an event does not make its item eligible
    (docs/contracts.md, Shapley over events).
    """

    user_id: str
    events: tuple[Event, ...]
    clock: datetime | None = None
    consumed: frozenset[str] | None = None

    def __len__(self) -> int:
        return len(self.events)

    @property
    def at(self) -> datetime | None:
        """The clock; None only for an empty history without one."""
        if self.clock is not None:
            return self.clock
        return self.events[-1].timestamp if self.events else None

    @property
    def timed(self) -> bool:
        """Whether its events have times."""
        return all(event.timed for event in self.events)

    def up_to(self, step: int) -> History:
        """The history after its ``step``-th event (1-based; 0 is the empty history)."""
        if not 0 <= step <= len(self.events):
            raise DomainError(
                tr("step {step} is outside the history", step=step),
                where=tr("user {user}", user=self.user_id),
                remedy=tr("Choose a step from 0 to {last}", last=len(self.events)),
            )
        return History(self.user_id, self.events[:step])

    def keeping(self, steps: Iterable[int]) -> History:
        """The same moment with only the events of these 1-based steps."""
        return self.same_moment(self.events[step - 1] for step in sorted(set(steps)))

    def same_moment(self, events: Iterable[Event]) -> History:
        """The same moment with other events: clock and excluded items stay those of this one."""
        return History(self.user_id, tuple(events), self.at, self.excluded_items())

    def with_events(self, events: Sequence[Event]) -> History:
        """The same user with other events in contract order; clock and exclusions anew."""
        return History(self.user_id, order_events(self.user_id, events))

    def at_clock(self, clock: datetime) -> History:
        """The same events, asked for a list at another instant."""
        return replace(self, clock=clock)

    def excluded_items(self) -> frozenset[str]:
        """Items that no list may contain: purchased, rated or reviewed so far."""
        if self.consumed is not None:
            return self.consumed
        return frozenset(event.item_id for event in self.events if event.kind in CONSUMING_KINDS)

    def resolve_step(self, at: int | str | datetime | None) -> int:
        """Turn ``--at`` into a step: a step number, an ISO time, or None for the last event.

        A time means all events at or before it; a bare date, the end of that UTC day.
        Raises DomainError for a step beyond the history or an unreadable time.
        """
        if at is None:
            return len(self.events)
        if isinstance(at, str) and is_step(at):
            at = int(at)
        if isinstance(at, int):
            if not 1 <= at <= len(self.events):
                raise DomainError(
                    tr("step {step} does not exist", step=at),
                    where=tr("user {user} has {n} events", user=self.user_id, n=len(self.events)),
                    remedy=tr("Choose a step from 1 to {last}, or a time", last=len(self.events)),
                )
            return at
        instant = at if isinstance(at, datetime) else parse_instant(at)
        step = sum(event.timestamp <= instant for event in self.events)
        if step == 0:
            first = self.events[0].timestamp.isoformat() if self.events else trc("time", "never")
            raise DomainError(
                tr("no event at or before {time}", time=instant.isoformat()),
                where=tr("user {user}, first event {first}", user=self.user_id, first=first),
                remedy=tr("Choose a later time"),
            )
        return step


def is_step(at: str) -> bool:
    """Whether an ``--at`` is a step number; 20240301 is a date."""
    return re.fullmatch(r"[+-]?[0-9]{1,7}", at.strip()) is not None


def read_utc(text: str) -> datetime:
    """An ISO time as UTC; without a zone it is UTC, a bare date its first instant.

    ValueError or OverflowError for any other text.
    """
    time = datetime.fromisoformat(text.strip())
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def parse_instant(text: str) -> datetime:
    """Read an ISO time as UTC; a bare date means the last instant of that UTC day."""
    try:
        instant, bare_date = read_utc(text), len(text.strip()) <= 10
        return instant + timedelta(days=1, microseconds=-1) if bare_date else instant
    except (ValueError, OverflowError):
        raise DomainError(
            tr("{text!r} is neither a step nor a time", text=text),
            where="--at",
            remedy=tr("Use a step such as 12, a date such as 2024-03-01, or 2024-03-01T12:00:00"),
        ) from None


def order_hash(user_id: str, item_id: str, kind: str) -> str:
    """Tie-breaker among equal timestamps, so that file order never decides."""
    return hashlib.sha256(f"{user_id}\x1f{item_id}\x1f{kind}".encode()).hexdigest()


def order_events(user_id: str, events: Iterable[Event]) -> tuple[Event, ...]:
    """Events in contract order: by timestamp, then by the sha256 of user, item and kind."""
    return tuple(
        sorted(events, key=lambda e: (e.timestamp, order_hash(user_id, e.item_id, e.kind)))
    )


@dataclass(frozen=True, slots=True)
class RecommendedItem:
    """One row of a list. ``score`` is the natural log of a probability over the whole catalogue."""

    rank: int
    item_id: str
    title: str | None
    score: float


@dataclass(frozen=True, slots=True)
class RecommendationList:
    """The first k items for one user at one step, by one recommender."""

    user_id: str
    step: int
    recommender: str
    items: tuple[RecommendedItem, ...]

    def _repr_html_(self) -> str:
        """The list as a table, for Jupyter."""
        return html_table(
            tr(
                "{user}, after step {step}, by {recommender}",
                user=self.user_id,
                step=self.step,
                recommender=self.recommender,
            ),
            tr("rank, item, title, score (nats)"),
            ((item.rank, item.item_id, item.title, item.score) for item in self.items),
        )

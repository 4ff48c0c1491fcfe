"""What pages show of turning points: episodes, changes, and the evidence of one change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.turns.turning import Kind, TurningPoint


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of a history between two turning points."""

    first: int
    """Its first step, 1-based."""
    last: int
    """Its last step."""
    topic: int
    """Index of the topic with the largest mean share, which gives its hue."""
    name: str
    """The topic's short name."""
    since: datetime | None
    """When its first event happened; None where only the order is known."""
    sentiment: float | None
    """Mean sentiment of its reviews; None without text."""
    reviews: int
    """How many events with text that is the mean of."""
    label: str
    """Topic, duration, events and sentiment, in one line."""


@dataclass(frozen=True, slots=True)
class TurnRow:
    """One turning point."""

    step: int
    """First event of the new episode, 1-based."""
    kind: Kind
    """How the interest changed."""
    point: TurningPoint
    """The numbers behind it."""
    title: str
    """Kind, topic, step and date."""
    sentence: str
    """What grew and shrank, and how sure that is."""
    mark: str
    """The glyph that marks it in charts."""
    x: float
    """Position of the state on the map."""
    y: float
    """Position of the state on the map."""


@dataclass(frozen=True, slots=True)
class TurnsView:
    """One user's turning points and the episodes between them."""

    user_id: str
    """Whose."""
    sentence: str
    """The episodes in words, or why there is no trajectory to read."""
    episodes: tuple[Episode, ...]
    """The whole history, in order; one where nothing turned."""
    turns: tuple[TurnRow, ...]
    """All turning points in order."""
    is_whole: bool
    """Whether the corpus was tested, so that q-values are known."""


@dataclass(frozen=True, slots=True)
class CarrierRow:
    """One event that carries a turning point."""

    step: int
    """Which event, 1-based."""
    item: str
    """What its item is called."""
    value: float
    """Contribution in nats to the grown topic's lead over the shrunk one."""


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """What carries one turning point."""

    carriers: tuple[CarrierRow, ...]
    """The events that contribute most, largest first."""
    words: tuple[str, ...]
    """Words typical of the reviews after the change; untrusted text."""
    sentence: str
    """How the contributions are to be read."""


@dataclass(frozen=True, slots=True)
class TurnCard:
    """One user's turning point as a place to start."""

    user_id: str
    """Whose."""
    step: int
    """Where to look."""
    title: str
    """Who, and what happened."""
    sentence: str
    """When, how much moved, and how sure that is."""

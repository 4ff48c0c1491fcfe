"""What the Timeline shows: steps, topic shares, the list at one step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.arrays import FloatArray
from core.compare.causes import move_words
from core.corpus.names import DERIVED
from core.domain import EventKind, Part
from core.language import tr
from core.views.wording import short

NAME = 38
"""Characters of a derived name in the list."""


@dataclass(frozen=True, slots=True)
class StepRow:
    """One event and the state after it."""

    step: int
    """1-based step: the state after this event."""
    timestamp: datetime | None
    """When it happened, UTC; None where only the order is known."""
    item_id: str
    """Which item."""
    item: str
    """What the item is called; beside an item without a title, the user's own review title."""
    kind: EventKind
    """What the user did."""
    rating: float | None
    """On the corpus's own scale; None without."""
    sentiment: float | None
    """-1 to 1; None without text."""
    part: Part
    """Train, validation or test."""
    x: float
    """Position of the state on the map."""
    y: float
    """Position of the state on the map."""
    step_size: float | None
    """Cosine distance from the state before, 0 to 2; None at the first step."""
    next_rank: float | None
    """Rank of the next event's item at this step; None at the last step."""
    next_part: Part | None
    """Part of the next event; None at the last step."""
    misleading: bool
    """True where the map distorts the move to here."""

    COLUMNS = (
        "step timestamp part kind item_id item rating sentiment step_size next_rank "
        "map_misleads=misleading x y"
    )


@dataclass(frozen=True, slots=True, eq=False)
class TimelineView:
    """Everything the Timeline shows about one user, whatever step is selected."""

    user_id: str
    """Whose timeline."""
    facts: str
    """One line: user, number of events, period."""
    steps: tuple[StepRow, ...]
    """All steps in order."""
    topics: tuple[str, ...]
    """Topic names, most frequent first; their index gives the hue."""
    profile: FloatArray
    """Interest profile per step, float32[n_steps, n_topics]; rows sum to 1."""
    rating_top: float | None
    """Highest rating of the corpus's scale; None without ratings."""
    profile_sentence: str
    """Reads the profile."""
    events_sentence: str
    """Reads the events."""
    ranks_sentence: str
    """Reads the ranks of the next items."""
    map_sentence: str
    """Reads the path on the map."""
    step_sizes_sentence: str
    """Reads the real step sizes."""
    outside: str = ""
    """Of a user whom the model's sample lacks: that nothing of this history was learned."""


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row of the list at a step, with what changed against the step before."""

    rank: int
    """1 is first."""
    item_id: str
    """Which item."""
    item: str
    """What the item is called (``Corpus.title``)."""
    score: float
    """Natural log of the probability over the whole catalogue (nats)."""
    before: int | None
    """Rank in the list of the same length at the step before; None where it was not on it."""
    seen: int | None
    """The last step so far with a view, click, like or cart of it; None where it was never met."""
    came_true: bool
    """True for the item of the next event."""
    x: float
    """Position of the item on the map."""
    y: float
    """Position of the item on the map."""

    COLUMNS = "rank item_id item score rank_before=before move seen came_true shown"

    @property
    def shown(self) -> str:
        """The item's name, a derived one with its id in sight; one already seen says so."""
        name = short(self.item, NAME) if self.item.startswith(DERIVED) else self.item
        return tr("seen at step {step} · {name}", step=self.seen, name=name) if self.seen else name

    @property
    def move(self) -> str:
        """``up 3``, ``down 1``, ``entered`` or ``=``."""
        return move_words(self.before, self.rank)


@dataclass(frozen=True, slots=True)
class TopicShare:
    """A topic's share of the profile at a step."""

    topic: int
    """Index of the topic, which gives its hue."""
    label: str
    """Its name."""
    share: float
    """Probability, 0 to 1."""
    change: float | None
    """Difference to the step before; None at the first step."""


@dataclass(frozen=True, slots=True)
class MomentView:
    """The selected step: the event, its words, the profile and the list after it."""

    row: StepRow
    """The event and the state."""
    sentence: str
    """Step, date, kind and rating in one line."""
    sentiment: str
    """The sentiment in words with its sign."""
    title: str | None
    """The review's title; untrusted text."""
    text: str | None
    """The review's full text; untrusted text."""
    shares: tuple[TopicShare, ...]
    """The largest topics of the profile, largest first."""
    items: tuple[ListRow, ...]
    """The first items of the list at this step."""
    recommender: str
    """Which recommender made the list."""
    list_sentence: str
    """How the list differs from the one before."""

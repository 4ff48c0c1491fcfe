"""What Explain shows: events, their parts, words, the smallest change, the scorecard, receivers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import exp

from pandas import DataFrame

from core.arrays import DoubleArray
from core.domain import EventKind
from core.explain.over_corpus import Receiver
from core.explain.scorecard import Scorecard
from core.language import tr
from core.scenario.edits import Edit
from core.views.explain.ladder import LadderView
from core.views.wording import TITLE, event_label, short

LOG_P = "log p"


@dataclass(frozen=True, slots=True)
class EventBar:
    """One event, or a group of older ones, and its contribution."""

    step: int
    """1-based step; a group's last."""
    first_step: int
    """The same step; a group's first."""
    timestamp: datetime | None
    """When it happened, UTC; a group's last event. None where only the order is known."""
    item: str
    """What the item is called beside the event, in full; of a group, how many events."""
    item_id: str
    """Item id; empty for a group."""
    kind: EventKind | None
    """What the user did; None for a group."""
    rating: float | None
    """On the corpus's own scale; None without, and for a group."""
    value: float
    """Contribution in nats."""
    stderr: float
    """Its standard error in nats; 0 where exact."""

    COLUMNS = "first_step step timestamp item_id item kind value stderr"

    @property
    def label(self) -> str:
        """``step 12 · Title``, the title in short."""
        return event_label(self.first_step, self.step, short(self.item, TITLE))

    @property
    def full_label(self) -> str:
        """The same with the title in full."""
        return event_label(self.first_step, self.step, self.item)


@dataclass(frozen=True, slots=True)
class AnswerView:
    """The first answer: where the item stands, and which events made it so."""

    item_id: str
    """Which item."""
    standing: str
    """Where it is in the list."""
    summary: str
    """The history's effect and its leaders, in words."""
    trust: str
    """Exact or sampled, error, residual."""
    recommender: str
    """Which recommender is explained."""
    unit: str
    """What the values are about: log p, or the margin over another item."""
    base: float
    """Value of the empty history, nats."""
    score: float
    """Value of the full history, nats."""
    residual: float
    """What the events leave unexplained, nats."""
    bars: tuple[EventBar, ...]
    """All events in order of time."""
    components: str = ""
    """Contributions of the joint's components; empty for other recommenders."""
    ignoring: str = ""
    """That the recommender does not read the user's events; empty for others."""

    @property
    def is_score(self) -> bool:
        """Whether base and score are logs of probabilities, not margins."""
        return self.unit == LOG_P

    def strongest(self, shown: int) -> tuple[EventBar, ...]:
        """The bars with the largest values either way, in order of time."""
        kept = sorted(self.bars, key=lambda bar: (-abs(bar.value), -bar.step))[:shown]
        return tuple(sorted(kept, key=lambda bar: bar.step))


@dataclass(frozen=True, slots=True)
class PartsView:
    """The parts of each event."""

    sentence: str
    """Reads the strongest event's parts."""
    values: DoubleArray
    """By bar of the answer, float64[n_bars, 4]: item, rating, text, time, in nats."""


@dataclass(frozen=True, slots=True)
class MarkedWord:
    """A piece of a review: a word with what follows it up to the next."""

    text: str
    """As it stands in the review."""
    word: str
    """The word alone."""
    sentiment: float
    """Its contribution to the sentiment."""
    score: float
    """Its contribution to the item's score, nats."""


@dataclass(frozen=True, slots=True)
class WordsView:
    """One review, word by word."""

    step: int
    """Whose event."""
    head: str
    """Text before the first word, if any."""
    words: tuple[MarkedWord, ...]
    """All words that the model reads."""
    sentiment_sentence: str
    """Which words made the sentiment."""
    score_sentence: str
    """Which words made the item's score."""
    sum_sentence: str
    """Words to the text part of the score, as one sum."""
    sentiment_sum: str = ""
    """Words to the sentiment, as one sum."""
    sentiment_doubt: float = 0.0
    """Contributions to the sentiment up to this are not marked: two standard errors."""
    score_doubt: float = 0.0
    """The same for the item's score, nats."""

    def is_longer_than(self, characters: int) -> bool:
        """Whether what the model reads has more characters."""
        return sum(len(word.text) for word in self.words) > characters


@dataclass(frozen=True, slots=True)
class ChangeView:
    """The smallest change that takes the item out of the list, or brings it in."""

    sentence: str
    """The answer in words."""
    steps: tuple[int, ...]
    """Steps that the change is about."""
    tried: int
    """Sets of edits evaluated."""
    goal: str
    """``out`` for an item of the list, ``in`` for any other."""
    edits: tuple[Edit, ...] = ()
    """The change; where none was found, the edits that came closest."""
    made: tuple[str, ...] = ()
    """The edits in words, where the sentence does not name them."""


@dataclass(frozen=True, slots=True)
class ScorecardView:
    """Whether the explanation is any good."""

    sentence: str
    """The verdict in words."""
    stability: str
    """Whether seeds agree."""
    card: Scorecard
    """Its curves."""


@dataclass(frozen=True, slots=True)
class ExplanationReport:
    """All pieces of one explanation."""

    answer: AnswerView
    """Where the item stands, and which events made it so."""
    parts: PartsView
    """The parts of each event."""
    words: WordsView | None
    """The most telling review, word by word; None without one."""
    change: ChangeView
    """The smallest change."""
    scorecard: ScorecardView
    """Whether the explanation is any good."""
    ladder: LadderView | None = None
    """Why the item is not in the list; None where it is."""


@dataclass(frozen=True, slots=True)
class ReceiversView:
    """Who gets an item now, and the event that contributes most to it."""

    sentence: str
    """How many users."""
    rows: tuple[Receiver, ...]
    """The best-ranked users."""
    brought_by: tuple[str, ...]
    """By row: that event, or group of events; empty without one."""

    @property
    def table(self) -> DataFrame:
        """One row per user; probability and share in percent."""
        columns = {
            "rank": [row.rank for row in self.rows],
            "user": [row.user_id for row in self.rows],
            "probability": [100 * exp(min(row.score, 0.0)) for row in self.rows],
            "cause": [name or tr("no event contributes positively") for name in self.brought_by],
            "contribution": [row.value for row in self.rows],
            "share": [100 * row.share for row in self.rows],
        }
        return DataFrame(columns)

"""The Timeline page: how one user's interest evolved, and what happened at one moment of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from core.arrays import FloatArray
from core.domain import Event, EventKind, History, Part, RecommendationList
from core.views import wording

if TYPE_CHECKING:
    from core.engine import Engine, Trajectory


LIST_SHOWN = 5
LIST_SEARCHED = 50
"""Where an item's former rank is looked for; beyond it, the item counts as new."""


@dataclass(frozen=True, slots=True)
class StepRow:
    """One event and the state after it."""

    step: int
    """1-based step: the state after this event."""
    timestamp: datetime
    """When it happened, UTC."""
    item_id: str
    """Which item."""
    item: str
    """The item's title, or its id."""
    topic: int
    """Index of the item's topic."""
    kind: EventKind
    """What the user did."""
    rating: float | None
    """On the corpus's own scale; None without."""
    sentiment: float | None
    """-1 to 1; None without text."""
    part: Part
    """Train, validation or test."""
    x: float
    """Place of the state on the map."""
    y: float
    """Place of the state on the map."""
    step_size: float | None
    """Cosine distance from the state before, 0 to 2; None at the first step."""
    next_rank: float | None
    """Rank the next event's item had in the list at this step; None at the last step."""
    next_part: Part | None
    """Part of the event that ``next_rank`` is about; None at the last step."""
    misleading: bool
    """True where the step to here looks longer or shorter on the map than it is."""


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

    @property
    def times(self) -> list[datetime]:
        """When each step happened."""
        return [row.timestamp for row in self.steps]


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row of the list at a step, with what changed against the step before."""

    rank: int
    """1 is first."""
    item_id: str
    """Which item."""
    item: str
    """The item's title, or its id."""
    topic: int
    """Index of the item's topic."""
    score: float
    """Natural log of the probability over the whole catalogue (nats)."""
    before: int | None
    """Rank at the step before; None beyond rank 50."""
    came_true: bool
    """True for the item of the next event."""
    x: float
    """Place of the item on the map."""
    y: float
    """Place of the item on the map."""

    @property
    def move(self) -> str:
        """``▲ 3``, ``▼ 1``, ``new`` or ``=``."""
        if self.before is None:
            return "new"
        moved = self.before - self.rank
        if moved == 0:
            return "="
        return f"▲ {moved}" if moved > 0 else f"▼ {-moved}"


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


def build_timeline(engine: Engine, user_id: str, recommender: str | None = None) -> TimelineView:
    """Build the view of one user, with ranks in the lists of a recommender (None: the default).

    DomainError for an unknown user.
    """
    history = engine.corpus.history(user_id)
    trajectory = engine.trajectory(history)
    trajectory = replace(trajectory, next_rank=next_ranks(engine, history, recommender))
    rows = step_rows(engine, history.events, trajectory)
    topics = tuple(engine.topics.names)
    times = [row.timestamp for row in rows]
    scale = engine.corpus.manifest.rating_scale
    return TimelineView(
        user_id=user_id,
        facts=wording.user_facts(user_id, len(rows), times[0], times[-1]),
        steps=rows,
        topics=topics,
        profile=trajectory.profile,
        rating_top=scale[1] if scale else None,
        profile_sentence=wording.profile_story(topics, trajectory.profile, times),
        events_sentence=wording.events_sentence(
            [row.kind for row in rows],
            [row.sentiment for row in rows],
            sum(row.sentiment is not None for row in rows),
        ),
        ranks_sentence=wording.ranks_sentence(
            trajectory.next_rank, [row.next_part for row in rows], len(engine.corpus.item_ids)
        ),
        map_sentence=wording.map_sentence(sum(row.misleading for row in rows), len(rows) - 1),
        step_sizes_sentence=wording.step_sizes_sentence(
            trajectory.step_size, times, [row.item for row in rows]
        ),
    )


def next_ranks(engine: Engine, history: History, recommender: str | None) -> FloatArray:
    """Rank of the next event's item after each step, float32[n]; ties half, NaN where excluded."""
    ranks = np.full(len(history), np.nan, np.float32)
    steps = [history.up_to(step) for step in range(1, len(history))]
    index = engine.corpus.item_index
    scores = engine.recommender(recommender).log_probabilities(steps) if steps else ()
    for at, (known, values) in enumerate(zip(steps, scores, strict=True)):
        item = index[history.events[at + 1].item_id]
        excluded = {index[name] for name in known.excluded_items()}
        if item not in excluded:
            open_ = np.delete(values, [*excluded, item])
            ranks[at] = 1 + (open_ > values[item]).sum() + (open_ == values[item]).sum() / 2
    return ranks


def step_rows(
    engine: Engine, events: Sequence[Event], trajectory: Trajectory
) -> tuple[StepRow, ...]:
    """One row per event; NaN in the trajectory's arrays becomes None."""
    corpus, topics = engine.corpus, engine.topics
    parts = [Part(int(part)) for part in trajectory.part]
    return tuple(
        StepRow(
            step=at + 1,
            timestamp=event.timestamp,
            item_id=event.item_id,
            item=corpus.title(event.item_id),
            topic=int(topics.item_topic[corpus.item_index[event.item_id]]),
            kind=event.kind,
            rating=event.rating,
            sentiment=present(trajectory.sentiment[at]),
            part=parts[at],
            x=float(trajectory.x[at]),
            y=float(trajectory.y[at]),
            step_size=present(trajectory.step_size[at]),
            next_rank=present(trajectory.next_rank[at]),
            next_part=parts[at + 1] if at + 1 < len(events) else None,
            misleading=bool(trajectory.misleading[at]),
        )
        for at, event in enumerate(events)
    )


def present(value: float) -> float | None:
    """A number, or None for NaN."""
    return None if np.isnan(value) else float(value)


def build_moment(
    engine: Engine, view: TimelineView, step: int, recommender: str | None = None
) -> MomentView:
    """Build the details of one step, 1 to the number of events; DomainError outside.

    The list is that of a recommender (None: the default), as the ranks in ``view`` should be.
    """
    history = engine.corpus.history(view.user_id)
    event = history.up_to(step).events[-1]
    row = view.steps[step - 1]
    now = engine.recommend(history.up_to(step), LIST_SHOWN, recommender)
    before = engine.recommend(history.up_to(step - 1), LIST_SEARCHED, recommender)
    following = history.events[step].item_id if step < len(history) else None
    items = list_rows(engine, now, before, following)
    scale = f" of {wording.rating(view.rating_top)}" if view.rating_top is not None else ""
    return MomentView(
        row=row,
        sentence=wording.moment_sentence(
            step, len(view.steps), row.timestamp, row.kind, row.rating, scale
        ),
        sentiment=wording.sentiment_words(row.sentiment),
        title=event.title,
        text=event.text,
        shares=topic_shares(view, step),
        items=items,
        recommender=now.recommender,
        list_sentence=wording.list_sentence(
            step,
            sum(item.before is None or item.before > LIST_SHOWN for item in items),
            sum(item.before in range(1, LIST_SHOWN + 1) and item.move != "=" for item in items),
            len(items),
        ),
    )


def list_rows(
    engine: Engine, now: RecommendationList, before: RecommendationList, following: str | None
) -> tuple[ListRow, ...]:
    """The rows of ``now`` with their ranks in ``before``."""
    former = {item.item_id: item.rank for item in before.items}
    places = [engine.corpus.item_index[item.item_id] for item in now.items]
    return tuple(
        ListRow(
            rank=item.rank,
            item_id=item.item_id,
            item=item.title or item.item_id,
            topic=int(engine.topics.item_topic[place]),
            score=item.score,
            before=former.get(item.item_id),
            came_true=item.item_id == following,
            x=float(engine.map.items[place, 0]),
            y=float(engine.map.items[place, 1]),
        )
        for item, place in zip(now.items, places, strict=True)
    )


def topic_shares(view: TimelineView, step: int, shown: int = 5) -> tuple[TopicShare, ...]:
    """The largest topics of the profile at a step."""
    now = view.profile[step - 1]
    before = view.profile[step - 2] if step > 1 else None
    return tuple(
        TopicShare(
            topic=int(topic),
            label=view.topics[topic],
            share=float(now[topic]),
            change=None if before is None else float(now[topic] - before[topic]),
        )
        for topic in np.argsort(-now, kind="stable")[:shown]
    )

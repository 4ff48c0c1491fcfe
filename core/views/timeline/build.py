"""The Timeline page: how one user's interest evolved, and what happened at one moment of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.arrays import FloatArray
from core.compare.columns import moment_of
from core.domain import Event, Part, RecommendationList
from core.language import tr
from core.recommend.registry import NAMES
from core.views import wording
from core.views.tables import table
from core.views.timeline import sentences
from core.views.timeline.rows import ListRow, MomentView, StepRow, TimelineView, TopicShare

if TYPE_CHECKING:
    from core.corpus.corpus import Corpus
    from core.engine import Engine, Trajectory

LIST_SHOWN = 10
"""Length of the list at a step, and of the one before it: that of Compare, so that moves agree."""


def build_timeline(engine: Engine, user_id: str, recommender: str | None = None) -> TimelineView:
    """Build the view of one user, with ranks in the lists of a recommender (None: the default).

    DomainError for an unknown user.
    """
    history = engine.corpus.history(user_id)
    trajectory = engine.trajectory(history)
    rows = step_rows(engine, history.events, trajectory, engine.next_ranks(history, recommender))
    topics = tuple(engine.topics.names)
    times = [row.timestamp for row in rows]
    scale = engine.corpus.manifest.rating_scale
    return TimelineView(
        user_id=user_id,
        facts=" · ".join(
            (user_id, wording.count(len(rows), "event"), wording.span(times[0], times[-1]))
        ),
        steps=rows,
        topics=topics,
        profile=trajectory.profile,
        rating_top=scale[1] if scale else None,
        profile_sentence=sentences.profile(topics, trajectory.profile, times),
        events_sentence=sentences.events(rows),
        ranks_sentence=sentences.ranks(rows, len(engine.corpus.item_ids)),
        map_sentence=sentences.distortion(rows),
        step_sizes_sentence=sentences.step_sizes(rows),
        outside=outside_sentence(engine.corpus, user_id),
    )


def outside_sentence(corpus: Corpus, user_id: str) -> str:
    """That a model was not trained on this user; empty for an own history and all others."""
    if corpus.sample is None or not corpus.leaves_out(user_id):
        return ""
    unknown = tr(
        "This user is none of them: no event here was learned, and what was measured of all users "
        "was not of this one."
    )
    return wording.joined(corpus.sample.sentence, unknown)


def step_rows(
    engine: Engine, events: Sequence[Event], trajectory: Trajectory, next_ranks: FloatArray
) -> tuple[StepRow, ...]:
    """One row per event; NaN in the trajectory's arrays becomes None."""
    corpus = engine.corpus
    parts = [Part(int(part)) for part in trajectory.part]
    return tuple(
        StepRow(
            step=at + 1,
            timestamp=event.date,
            item_id=event.item_id,
            item=corpus.event_title(event),
            kind=event.kind,
            rating=event.rating,
            sentiment=present(trajectory.sentiment[at]),
            part=parts[at],
            x=float(trajectory.x[at]),
            y=float(trajectory.y[at]),
            step_size=present(trajectory.step_size[at]),
            next_rank=present(next_ranks[at]),
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
    before = engine.recommend(moment_of(history, str(step - 1)), LIST_SHOWN, recommender)
    following = history.events[step].item_id if step < len(history) else None
    seen = {past.item_id: at for at, past in enumerate(history.events[:step], start=1)}
    items = list_rows(engine, now, before, seen, following)
    by = tr(NAMES.get(now.recommender, now.recommender))
    return MomentView(
        row=row,
        sentence=sentences.moment(row, len(view.steps), view.rating_top),
        sentiment=wording.sentiment_words(row.sentiment),
        title=event.title,
        text=event.text,
        shares=topic_shares(view, step),
        items=items,
        recommender=now.recommender,
        list_sentence=sentences.list_changes(step, items, by),
    )


def list_rows(
    engine: Engine,
    now: RecommendationList,
    before: RecommendationList,
    seen: Mapping[str, int],
    following: str | None,
) -> tuple[ListRow, ...]:
    """The rows of ``now`` with their ranks in ``before`` and the steps that met them before."""
    former = {item.item_id: item.rank for item in before.items}
    indices = [engine.corpus.item_index[item.item_id] for item in now.items]
    return tuple(
        ListRow(
            rank=item.rank,
            item_id=item.item_id,
            item=item.title or item.item_id,
            score=item.score,
            before=former.get(item.item_id),
            seen=seen.get(item.item_id),
            came_true=item.item_id == following,
            x=float(engine.map.items[index, 0]),
            y=float(engine.map.items[index, 1]),
        )
        for item, index in zip(now.items, indices, strict=True)
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


def timeline_table(view: TimelineView) -> pd.DataFrame:
    """One row per step: the event, what the model made of it, and the profile by topic."""
    shares = pd.DataFrame(view.profile, columns=[share_column(name) for name in view.topics])
    return pd.concat([table(view.steps, StepRow.COLUMNS), shares], axis=1)


def share_column(topic: str) -> str:
    """The table's column of a topic's share."""
    return f"profile: {topic}"  # no sentence

"""Views made by hand, so that figures are tested without a model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.domain import EventKind, Part
from core.views.interest_map import Landmark, MapView
from core.views.timeline.rows import ListRow, MomentView, StepRow, TimelineView

MakeTimeline = Callable[..., TimelineView]


@pytest.fixture
def make_timeline() -> MakeTimeline:
    """A function that builds a user's view with ``n`` steps and ``topics`` topics."""

    def make(n: int = 12, topics: int = 4, same_day: bool = False) -> TimelineView:
        random = np.random.default_rng(n * 100 + topics)
        kinds = list(EventKind)
        walk = random.normal(0, 0.7, (n, topics)).cumsum(axis=0)
        profile = np.exp(walk) / np.exp(walk).sum(axis=1, keepdims=True)
        place = random.normal(0, 1, (n, 2)).cumsum(axis=0)
        start = datetime(2023, 3, 1, tzinfo=UTC)
        parts = [Part.TRAIN] * max(n - 2, 0) + [Part.VALIDATION, Part.TEST][-min(n, 2) :]
        steps = tuple(
            StepRow(
                step=at + 1,
                timestamp=start + timedelta(days=0 if same_day else 9 * at),
                item_id=f"I{at}",
                item=f"<b>Item</b> & {at}",
                kind=kinds[at % len(kinds)],
                rating=float(1 + at % 5) if at % 3 else None,
                sentiment=float(np.sin(at)) if at % 2 else None,
                part=parts[at],
                x=float(place[at, 0]),
                y=float(place[at, 1]),
                step_size=float(random.uniform(0.05, 0.9)) if at else None,
                next_rank=float(random.integers(1, 300)) if at + 1 < n else None,
                next_part=parts[at + 1] if at + 1 < n else None,
                misleading=at % 4 == 3,
            )
            for at in range(n)
        )
        return TimelineView(
            user_id="U1",
            facts="U1",
            steps=steps,
            topics=tuple(f"Topic {index}" for index in range(topics)),
            profile=profile.astype(np.float32),
            rating_top=5.0,
            profile_sentence="",
            events_sentence="",
            ranks_sentence="",
            map_sentence="",
            step_sizes_sentence="",
        )

    return make


@pytest.fixture
def at_step() -> Callable[[TimelineView, int], MomentView]:
    """A function that builds the view of one step, with a list of two items."""

    def make(view: TimelineView, step: int) -> MomentView:
        items = tuple(
            ListRow(
                rank, f"I{rank}", f"Item {rank}", -2.0 - rank, None, None, False, 0.5 * rank, 1.0
            )
            for rank in (1, 2)
        )
        return MomentView(view.steps[step - 1], "", "", None, None, (), items, "interest", "")

    return make


@pytest.fixture
def map_view() -> MapView:
    """A crowd of 500 states with two landmarks."""
    crowd = np.random.default_rng(0).normal(0, 3, (500, 2)).astype(np.float32)
    marks = (Landmark("Garden", 0, 1.0, 2.0), Landmark("Audio", 1, -2.0, -1.0))
    topics = (np.arange(500) % 12).astype(np.int16)
    return MapView(crowd, topics, marks, "")

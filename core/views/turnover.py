"""How fast lists change, as the pages show it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.compare.turnover import DAY_BINS, EVENT_BINS, Bin, Turnover, curve
from core.views.compare import sentences as words


@dataclass(frozen=True, slots=True)
class TurnoverView:
    """How fast lists change."""

    sentence: str
    """Reads both curves."""
    by_events: tuple[Bin, ...]
    """Mean overlap against events between two lists."""
    by_days: tuple[Bin, ...]
    """Mean overlap against days between two lists."""
    own_by_events: tuple[Bin, ...]
    """The same for one user; empty without one."""
    own_by_days: tuple[Bin, ...]
    """The same for one user; empty without one."""


def build_turnover(turnover: Turnover, user_id: str | None = None) -> TurnoverView:
    """The curves of a corpus, with one user's beside them."""
    by_events = curve(turnover.by_events, EVENT_BINS)
    by_days = curve(turnover.by_days, DAY_BINS)
    own = turnover.among([user_id]) if user_id is not None else None
    far = next((b for b in reversed(by_events[1:]) if b.overlap is not None), None)
    change = float(own.change[0]) if own is not None and len(own.change) else float("nan")
    return TurnoverView(
        sentence=words.turnover_sentence(
            by_events[0].overlap,
            None
            if far is None or far.overlap is None
            else (words.gap(far.low, far.high, "event"), far.overlap),
            by_events[0].users,
            None if np.isnan(change) else change,
        ),
        by_events=by_events,
        by_days=by_days,
        own_by_events=curve(own.by_events, EVENT_BINS) if own is not None else (),
        own_by_days=curve(own.by_days, DAY_BINS) if own is not None else (),
    )


def tell_turnover(turnover: Turnover) -> list[str]:
    """A turnover as lines for a terminal."""
    view = build_turnover(turnover)
    lines = [view.sentence]
    for bins, noun in ((view.by_events, "event"), (view.by_days, "day")):
        lines += [
            f"{words.gap(b.low, b.high, noun)}: RBO {b.overlap:.3f} ({b.users} users)"
            for b in bins
            if b.overlap is not None
        ]
    lines += [f"{user}: {change:.3f} per event" for user, change in turnover.most_changed(10)]
    return lines

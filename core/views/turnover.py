"""How fast lists change, as the pages show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.cohorts.traits import difference
from core.compare.turnover import DAY_BINS, EVENT_BINS, Bin, Turnover, curve
from core.views.wording import count, percent, short

Curves = Mapping[str, Sequence[Bin]]
"""Mean overlap against what lies between two lists: ``event``, and ``day`` if there are times."""


@dataclass(frozen=True, slots=True)
class TurnoverView:
    """How fast lists change."""

    sentence: str
    """Reads both curves."""
    curves: Curves
    """Those of the corpus."""
    own: Curves
    """One user's; empty without one."""
    cohort: Curves = field(default_factory=dict)
    """A cohort's; empty without one."""
    cohort_name: str = ""
    """What the cohort is called."""


def build_turnover(
    turnover: Turnover,
    user_id: str | None = None,
    cohort: tuple[str, Sequence[str]] | None = None,
) -> TurnoverView:
    """The curves of a corpus, with one user's and a cohort's (its name and users) beside them."""
    every = _curves(turnover)
    own = turnover.among([user_id]) if user_id is not None else None
    sentence = turnover_sentence(every["event"], own)
    curves = _curves(own) if own is not None else {}
    if cohort is None:
        return TurnoverView(sentence, every, curves)
    name, users = cohort
    part = turnover.among(users)
    said = cohort_turnover(name, turnover, part)
    return TurnoverView(f"{sentence} {said}", every, curves, _curves(part), name)


def cohort_turnover(name: str, every: Turnover, part: Turnover) -> str:
    """How fast a cohort's lists change beside those of all other users."""
    rest = np.isin(np.array(every.user_ids, object), part.user_ids, invert=True)
    first, second = (
        each[np.isfinite(each)].astype(np.float64) for each in (part.change, every.change[rest])
    )
    if not len(first):
        return f"Nobody of {short(name)} has two lists to compare."
    said = f"In {short(name)} one event changes {percent(float(first.mean()))}"
    said += f" ({count(len(first), 'user')})"
    compared = difference(first, second)
    if compared is None:
        return f"{said}."
    apart = compared[0]
    said += f", {percent(float(second.mean()))} for the others"
    if apart.low <= 0 <= apart.high:
        return f"{said}: no significant difference."
    return f"{said}: {'more' if apart.mean > 0 else 'less'}, beyond chance."


def _curves(turnover: Turnover) -> Curves:
    by_events = curve(turnover.by_events, EVENT_BINS)
    by_days = curve(turnover.by_days, DAY_BINS)
    timed = any(each.overlap is not None for each in by_days)
    return {"event": by_events} | ({"day": by_days} if timed else {})


def turnover_sentence(by_events: Sequence[Bin], own: Turnover | None) -> str:
    """How fast lists change, in RBO; ``own`` is one user's turnover."""
    if by_events[0].overlap is None:
        return "No user has two lists to compare."
    change = 1 - by_events[0].overlap
    said = (
        f"One event changes {percent(change)} of a list on average (1 \u2212 RBO, "
        f"{count(by_events[0].users, 'user')})"
    )
    far = [(b, b.overlap) for b in by_events[1:] if b.overlap is not None]
    if far:
        said += f"; after {gap(far[-1][0], 'event')}, {percent(far[-1][1])} is left"
    if own is not None and len(own.change) and not np.isnan(own.change[0]):
        more = float(own.change[0]) - change
        grade = "above average" if more > 0 else "below average"
        said += f". For this user it changes {percent(float(own.change[0]))}, "
        said += "about average" if abs(more) < 0.03 else grade
    return said + "."


def gap(between: Bin, noun: str) -> str:
    """``3 to 4 events``, ``365 days or more``."""
    low, high = between.low, between.high
    if high is None:
        return f"{count(low, noun)} or more"
    return count(low, noun) if low == high else f"{low} to {count(high, noun)}"


def tell_turnover(turnover: Turnover, cohort: tuple[str, Sequence[str]] | None = None) -> list[str]:
    """A turnover as lines for a terminal, with that of a cohort (its name and users)."""
    view = build_turnover(turnover, None, cohort)
    lines = [view.sentence]
    for curves, who in ((view.curves, ""), (view.cohort, f"{view.cohort_name}, ")):
        for noun, bins in curves.items():
            lines += [
                f"{who}{gap(b, noun)}: RBO {b.overlap:.3f} ({b.users} users)"
                for b in bins
                if b.overlap is not None
            ]
    lines += [f"{user}: {change:.3f} per event" for user, change in turnover.most_changed(10)]
    return lines

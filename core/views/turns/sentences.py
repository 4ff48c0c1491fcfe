"""Turning points and episodes in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.turns.turning import Kind, TurningPoint, UserTurns
from core.views.turns.rows import Episode
from core.views.wording import (
    count,
    day,
    listing,
    nats,
    percent,
    short,
    signed,
)

MARKS = {
    Kind.TURN: "◆",
    Kind.DRIFT: "◇",
    Kind.RETURN: "↺",
    Kind.WIDENING: "↔",
    Kind.NARROWING: "↦",
}
"""A glyph for each kind, the same in every chart and list."""
SHOWN = 4
"""Episodes named one by one at most."""
ABOUT_Q = (
    "q is the expected share of false ones among all turning points of the corpus that are at "
    "least as sure. The null: 200 random orders of the same events, with each visit kept whole."
)
ALONE = "Tested without the other users, so there is a p but no q yet."


def chance(value: float) -> str:
    """A p- or q-value: ``0.02``, ``<0.01``."""
    return "<0.01" if value < 0.01 else f"{value:.2f}"


def length(first: datetime | None, last: datetime | None) -> str:
    """``14 months``, ``3 days``; empty where only the order is known."""
    if first is None or last is None:
        return ""
    days = (last - first).days
    if days < 2:
        return "1 day"
    if days < 60:
        return count(days, "day")
    return count(round(days / 30.44), "month")


def episode(name: str, duration: str, events: int, sentiment: float | None, reviews: int) -> str:
    """``Audio · 14 months · 12 events · sentiment +0.40 (9 reviews)``."""
    said = [name, *([duration] if duration else []), count(events, "event")]
    if sentiment is not None:
        said.append(f"sentiment {signed(sentiment)} ({count(reviews, 'review')})")
    return " · ".join(said)


def summary(turns: UserTurns, episodes: Sequence[Episode]) -> str:
    """The episodes in one sentence, or why there is no trajectory."""
    if turns.p is None:
        return "Too few events to tell a change of interest from chance."
    if not turns.points:
        if not turns.order_matters:
            return (
                "No trajectory to read: the order of these events makes no difference to the model "
                f"beyond chance (a shuffled history changes as much, p {chance(turns.p)})."
            )
        return (
            f"The order of the events matters to the model (p {chance(turns.p)}), but no single "
            "change is sure and large enough to be a turning point."
        )
    if len(episodes) == 1:
        return f"One episode, {episodes[0].name}: {_widths(turns)}."
    named = [f"{each.name} ({count(each.last - each.first + 1, 'event')})" for each in episodes]
    if len(named) > SHOWN:
        named = [*named[: SHOWN - 1], f"{len(named) - SHOWN + 1} more"]
    said = f"{len(episodes)} episodes: {', then '.join(named)}."
    width = _widths(turns)
    return f"{said} Over the whole history {width}." if width else said


def _widths(turns: UserTurns) -> str:
    kinds = {point.kind for point in turns.points}
    if Kind.WIDENING in kinds:
        return "the interest widens"
    return "the interest narrows" if Kind.NARROWING in kinds else ""


def title(point: TurningPoint, grew: str, shrank: str, when: datetime | None) -> str:
    """``Turn from Audio to Garden at step 9 (3 Mar 2024)``."""
    what = {
        Kind.TURN: f"Turn from {shrank} to {grew}",
        Kind.DRIFT: f"Drift from {shrank} to {grew}",
        Kind.RETURN: f"Return to {grew}",
        Kind.WIDENING: "Interest widens",
        Kind.NARROWING: "Interest narrows",
    }[point.kind]
    at = f"step {point.step}" if point.until == point.step else f"steps {point.step}–{point.until}"
    return f"{what} at {at} ({day(when)})" if when else f"{what} at {at}"


def change(
    point: TurningPoint,
    grew: str,
    shrank: str,
    grown: tuple[float, float],
    shrunk: tuple[float, float],
) -> str:
    """What grew and shrank between the means of both episodes, and how sure the change is."""
    sure = f"p {chance(point.p)}" + (f", q {chance(point.q)}" if point.q is not None else "")
    return (
        f"{grew} grew from {percent(grown[0])} to {percent(grown[1])} of the profile, {shrank} "
        f"went from {percent(shrunk[0])} to {percent(shrunk[1])} (means of the events before and "
        f"after; {percent(point.size)} of the profile moved; {sure})."
    )


def card(point: TurningPoint) -> str:
    """How much moved, and how sure that is."""
    sure = (
        ""
        if point.q is None
        else f" {percent(point.q)} of the finds this sure are expected to be false."
    )
    return f"{percent(point.size)} of the interest profile moved.{sure}"


def evidence(grew: str, shrank: str, total: float, events: int) -> str:
    """How the contributions are to be read."""
    return (
        f"Contributions of {count(events, 'event')} to the lead of {grew} over {shrank} after the "
        f"change: {nats(total)} nats together. The largest:"
    )


def carried(carriers: Sequence[tuple[int, str, float]], words: Sequence[str]) -> str:
    """The evidence of a turning point in one line, for a terminal."""
    said = [f"step {step} ({short(item, 40)}, {nats(value)})" for step, item, value in carriers]
    line = f"carried by {listing(said)}" if said else "carried by no single event"
    return f"{line}; words: {', '.join(words)}" if words else line

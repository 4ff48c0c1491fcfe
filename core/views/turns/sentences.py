"""Turning points and episodes in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.language import mark, tr
from core.turns.turning import Kind, TurningPoint, UserTurns
from core.views.turns.rows import Episode
from core.views.wording import (
    count,
    day,
    joined,
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
NAMES = {
    Kind.TURN: mark("turn"),
    Kind.DRIFT: mark("drift"),
    Kind.RETURN: mark("return"),
    Kind.WIDENING: mark("widening"),
    Kind.NARROWING: mark("narrowing"),
}
"""What each kind is called in few letters: its name in files."""
SHOWN = 4
"""Episodes named one by one at most."""
ABOUT_Q = mark(
    "q is the expected share of false ones among all turning points of the corpus that are at "
    "least as sure. The null: 200 random orders of the same events, with each visit kept whole."
)
ALONE = mark("Tested without the other users, so there is a p but no q yet.")


def chance(value: float) -> str:
    """A p- or q-value: ``0.02``, ``<0.01``."""
    return "<0.01" if value < 0.01 else f"{value:.2f}"


def chances(p: float, q: float | None) -> str:
    """``p <0.01, q 0.02``; without the corpus there is no q."""
    if q is None:
        return f"p {chance(p)}"
    return tr("p {p}, q {q}", p=chance(p), q=chance(q))


def length(first: datetime | None, last: datetime | None) -> str:
    """``14 months``, ``3 days``; empty where only the order is known."""
    if first is None or last is None:
        return ""
    days = (last - first).days
    if days < 60:
        return count(max(days, 1), "day")
    return count(round(days / 30.44), "month")


def episode(name: str, duration: str, events: int, sentiment: float | None, reviews: int) -> str:
    """``Audio · 14 months · 12 events · sentiment +0.40 (9 reviews)``."""
    said = [name, *([duration] if duration else []), count(events, "event")]
    if sentiment is not None:
        of = count(reviews, "review")
        said.append(tr("sentiment {value} ({reviews})", value=signed(sentiment), reviews=of))
    return " · ".join(said)


def summary(turns: UserTurns, episodes: Sequence[Episode]) -> str:
    """The episodes in one sentence, or why there is no trajectory."""
    if turns.p is None:
        return tr("Too few events to tell a change of interest from chance.")
    if not turns.points:
        if not turns.order_matters:
            return tr(
                "No trajectory to read: the order of these events makes no difference to the model "
                "beyond chance (a shuffled history changes as much, p {p}).",
                p=chance(turns.p),
            )
        return tr(
            "The order of the events matters to the model (p {p}), but no single change is sure "
            "and large enough to be a turning point.",
            p=chance(turns.p),
        )
    width = _widths(turns)
    if len(episodes) == 1:
        return tr("One episode, {name}: {width}.", name=episodes[0].name, width=width)
    named = [
        tr("{name} ({events})", name=each.name, events=count(each.last - each.first + 1, "event"))
        for each in episodes
    ]
    if len(named) > SHOWN:
        named = [*named[: SHOWN - 1], tr("{n} more", n=len(named) - SHOWN + 1)]
    said = tr("{n} episodes: {names}.", n=len(episodes), names=tr(", then ").join(named))
    return joined(said, tr("Over the whole history {width}.", width=width) if width else "")


def _widths(turns: UserTurns) -> str:
    kinds = {point.kind for point in turns.points}
    if Kind.WIDENING in kinds:
        return tr("the interest widens")
    return tr("the interest narrows") if Kind.NARROWING in kinds else ""


def title(point: TurningPoint, grew: str, shrank: str, when: datetime | None) -> str:
    """``Turn from Audio to Garden at step 9 (3 Mar 2024)``."""
    what = {
        Kind.TURN: tr("Turn from {shrank} to {grew}", shrank=shrank, grew=grew),
        Kind.DRIFT: tr("Drift from {shrank} to {grew}", shrank=shrank, grew=grew),
        Kind.RETURN: tr("Return to {grew}", grew=grew),
        Kind.WIDENING: tr("Interest widens"),
        Kind.NARROWING: tr("Interest narrows"),
    }[point.kind]
    at = tr("step {step}", step=point.step)
    if point.until != point.step:
        at = tr("steps {first}–{last}", first=point.step, last=point.until)
    if when:
        return tr("{what} at {at} ({day})", what=what, at=at, day=day(when))
    return tr("{what} at {at}", what=what, at=at)


def change(
    point: TurningPoint,
    grew: str,
    shrank: str,
    grown: tuple[float, float],
    shrunk: tuple[float, float],
) -> str:
    """What grew and shrank between the means of both episodes, and how sure the change is."""
    return tr(
        "{grew} grew from {low} to {high} of the profile, {shrank} went from {before} to {after} "
        "(means of the events before and after; {size} of the profile moved; {sure}).",
        grew=grew,
        low=percent(grown[0]),
        high=percent(grown[1]),
        shrank=shrank,
        before=percent(shrunk[0]),
        after=percent(shrunk[1]),
        size=percent(point.size),
        sure=chances(point.p, point.q),
    )


def card(point: TurningPoint) -> str:
    """How much moved, and how sure that is."""
    moved = tr("{share} of the interest profile moved.", share=percent(point.size))
    if point.q is None:
        return moved
    sure = tr("{share} of the finds this sure are expected to be false.", share=percent(point.q))
    return joined(moved, sure)


def evidence(grew: str, shrank: str, total: float, events: int) -> str:
    """How the contributions are to be read."""
    return tr(
        "Contributions of {events} to the lead of {grew} over {shrank} after the change: {total} "
        "nats together. The largest:",
        events=count(events, "event"),
        grew=grew,
        shrank=shrank,
        total=nats(total),
    )


def new_words(words: Sequence[str]) -> str:
    """Words typical of the reviews after a change."""
    return tr("New words in the reviews: {words}", words=tr(", ").join(words))


def carried(carriers: Sequence[tuple[int, str, float]], words: Sequence[str]) -> str:
    """The evidence of a turning point in one line, for a terminal."""
    said = [
        tr("step {step} ({item}, {value})", step=step, item=short(item, 40), value=nats(value))
        for step, item, value in carriers
    ]
    line = tr("carried by no single event")
    if said:
        line = tr("carried by {events}", events=listing(said))
    return tr("{line}; words: {words}", line=line, words=tr(", ").join(words)) if words else line

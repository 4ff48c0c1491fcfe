"""Explain beside another user or another model: both answers, and what makes them differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.compare.beside import Difference, Other, differences
from core.corpus.own import is_own
from core.domain import History
from core.explain.explanation import Explanation
from core.views.explain.build import event_title, title
from core.views.explain.rows import AnswerView, PartsView
from core.views.explain.sentences import HARDLY
from core.views.wording import (
    capital,
    count,
    day,
    event_label,
    listing,
    nats,
    plain_nats,
    probability,
    short,
)

NAMED = 3
"""Differences that the sentence names."""
LONGEST_ID = 40


@dataclass(frozen=True, slots=True)
class BesideRow:
    """One difference between both scores."""

    name: str
    """What it is of: the events of a topic, an event, or the start without events."""
    value: float
    """Its contribution to the first score, nats."""
    beside: float
    """Its contribution to the second one, nats."""
    apart: float
    """The first less the second, nats."""

    COLUMNS = "name value beside apart"


@dataclass(frozen=True, slots=True)
class BesideView:
    """One item explained twice."""

    names: tuple[str, str]
    """Whose explanation each is, with its step or its model."""
    sentence: str
    """Where the item stands in both, and what makes its scores differ most."""
    rows: tuple[BesideRow, ...]
    """All differences, the largest first; they add up to that of the scores."""


@dataclass(frozen=True, slots=True)
class BesideReport:
    """The second explanation with its parts, for a report."""

    view: BesideView
    """Both in words."""
    answer: AnswerView
    """The second answer."""
    parts: PartsView
    """The parts of its events."""


def name_of_user(history: History) -> str:
    """``U12, step 30 (3 Mar 2024)``, ``own history, step 4``."""
    last = history.events[-1].date if history.events else None
    when = f" ({day(last)})" if last is not None else ""
    return f"{called(history.user_id)}, step {len(history)}{when}"


def called(user_id: str) -> str:
    """A user by the id; an own history's says nothing to a person."""
    return "own history" if is_own(user_id) else short(user_id, LONGEST_ID)


def name_of_model(model_id: str) -> str:
    """``model 1a2b3c4d``."""
    return f"model {model_id[:8]}"


def build_beside(
    one: Explanation, other: Explanation, by: Other, names: tuple[str, str]
) -> BesideView:
    """Both explanations in one sentence and one table; ``names`` say whose each is."""
    rows = tuple(_row(one, row) for row in differences(one, other))
    item = title(one.engine, one.item_id)
    link = "for" if by == "user" else "by"
    brief = tuple(called(each.history.user_id) for each in (one, other))
    whose = brief if by == "user" and len(set(brief)) == 2 else names
    places = " and ".join(
        f"{_place(each)} {link} {name}" for each, name in zip((one, other), whose, strict=True)
    )
    said = f"{item} {places}: {_apart(one, other, whose, link)}. {_main(rows, by)}"
    return BesideView(names, said, rows)


def _row(one: Explanation, row: Difference) -> BesideRow:
    if row.steps is not None:
        first, step = row.steps
        name = event_label(first, step, event_title(one.engine, one.event(step)))
    elif row.topic is not None:
        name = f"events in {short(one.engine.topics.names[row.topic], 40)}"
    elif row.is_grouped:
        name = "events without an item of the catalogue, or grouped"
    else:
        name = "unexplained" if row.is_residual else "the start without events"
    return BesideRow(name, row.value, row.beside, row.apart)


def _place(explanation: Explanation) -> str:
    if explanation.is_excluded:
        return "is excluded (already bought, rated or reviewed)"
    return f"has rank {explanation.rank}"


def _apart(one: Explanation, other: Explanation, names: Sequence[str], link: str) -> str:
    """By how much the scores, or the margins, differ."""
    values = float(one.events.whole), float(other.events.whole)
    apart = values[0] - values[1]
    of_score = one.rival is None and other.rival is None
    what = "its score" if of_score else "its margin over rank 10"
    write = probability if of_score else plain_nats
    if abs(apart) < HARDLY:
        return f"{what} is about the same ({write(values[0])} and {write(values[1])})"
    higher, lower = values if apart > 0 else values[::-1]
    who = names[0] if apart > 0 else names[1]
    return (
        f"{what} is {plain_nats(abs(apart))} nats higher {link} {who} "
        f"({write(higher)} instead of {write(lower)})"
    )


def _main(rows: Sequence[BesideRow], by: Other) -> str:
    """The largest differences by name."""
    named = [row for row in rows if abs(row.apart) >= HARDLY][:NAMED]
    if not named:
        what = "topic's events" if by == "user" else "event"
        return f"No {what} contribute{'' if by == 'user' else 's'} differently."
    said = [f"{row.name} ({nats(row.value)} and {nats(row.beside)})" for row in named]
    return f"Main {'difference' if len(said) == 1 else 'differences'}, in nats: {listing(said)}."


def tell_beside(view: BesideView) -> list[str]:
    """The second explanation in lines, for a terminal."""
    lines = ["", view.sentence]
    lines += [
        f"{nats(row.apart):>7}  {row.name} ({nats(row.value)} and {nats(row.beside)})"
        for row in view.rows
        if abs(row.apart) >= HARDLY
    ]
    small = sum(abs(row.apart) < HARDLY for row in view.rows)
    if small:
        lines.append(f"{capital(count(small, 'smaller difference'))} (--json lists all)")
    return lines

"""Explain beside another user or another model: both answers, and what makes them differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.compare.beside import Difference, Other, differences
from core.corpus.own import is_own
from core.domain import History
from core.explain.explanation import Explanation
from core.language import tr, trn
from core.views.explain.build import event_title, title
from core.views.explain.rows import AnswerView, PartsView
from core.views.explain.sentences import HARDLY
from core.views.wording import (
    capital,
    count,
    day,
    event_label,
    joined,
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
    user, step = called(history.user_id), len(history)
    if last is None:
        return tr("{user}, step {step}", user=user, step=step)
    return tr("{user}, step {step} ({day})", user=user, step=step, day=day(last))


def called(user_id: str) -> str:
    """A user by the id; an own history's says nothing to a person."""
    return tr("own history") if is_own(user_id) else short(user_id, LONGEST_ID)


def name_of_model(model_id: str) -> str:
    """``model 1a2b3c4d``."""
    return tr("model {id}", id=model_id[:8])


def build_beside(
    one: Explanation, other: Explanation, by: Other, names: tuple[str, str]
) -> BesideView:
    """Both explanations in one sentence and one table; ``names`` say whose each is."""
    rows = tuple(_row(one, row) for row in differences(one, other))
    item = title(one.engine, one.item_id)
    brief = tuple(called(each.history.user_id) for each in (one, other))
    whose = brief if by == "user" and len(set(brief)) == 2 else names
    first, second = map(_place, (one, other), (by, by), whose)
    said = tr(
        "{item} {first} and {second}: {apart}.",
        item=item,
        first=first,
        second=second,
        apart=_apart(one, other, whose, by),
    )
    return BesideView(names, joined(said, _main(rows, by)), rows)


def _row(one: Explanation, row: Difference) -> BesideRow:
    if row.steps is not None:
        first, step = row.steps
        name = event_label(first, step, event_title(one.engine, one.event(step)))
    elif row.topic is not None:
        topic = short(one.engine.topics.names[row.topic], 40)
        name = tr("events in {topic}", topic=topic)
    elif row.is_grouped:
        name = tr("events without an item of the catalogue, or grouped")
    else:
        name = tr("unexplained") if row.is_residual else tr("the start without events")
    return BesideRow(name, row.value, row.beside, row.apart)


def _place(explanation: Explanation, by: Other, name: str) -> str:
    """Where the item stands for a user, or by a model."""
    if by == "user" and explanation.is_excluded:
        return tr("is excluded (already bought, rated or reviewed) for {user}", user=name)
    if by == "user":
        return tr("has rank {rank} for {user}", rank=explanation.rank, user=name)
    if explanation.is_excluded:
        return tr("is excluded (already bought, rated or reviewed) by {model}", model=name)
    return tr("has rank {rank} by {model}", rank=explanation.rank, model=name)


def _apart(one: Explanation, other: Explanation, names: Sequence[str], by: Other) -> str:
    """By how much the scores, or the margins, differ."""
    values = float(one.events.whole), float(other.events.whole)
    apart = values[0] - values[1]
    of_score = one.rival is None and other.rival is None
    what = tr("its score") if of_score else tr("its margin over rank 10")
    write = probability if of_score else plain_nats
    if abs(apart) < HARDLY:
        first, second = map(write, values)
        return tr(
            "{what} is about the same ({first} and {second})",
            what=what,
            first=first,
            second=second,
        )
    higher, lower = map(write, values if apart > 0 else values[::-1])
    told = {"what": what, "n": plain_nats(abs(apart)), "high": higher, "low": lower}
    who = names[0] if apart > 0 else names[1]
    if by == "user":
        return tr(
            "{what} is {n} nats higher for {user} ({high} instead of {low})", **told, user=who
        )
    return tr("{what} is {n} nats higher by {model} ({high} instead of {low})", **told, model=who)


def _main(rows: Sequence[BesideRow], by: Other) -> str:
    """The largest differences by name."""
    named = [row for row in rows if abs(row.apart) >= HARDLY][:NAMED]
    if not named:
        return (
            tr("No topic's events contribute differently.")
            if by == "user"
            else tr("No event contributes differently.")
        )
    said = [
        tr(
            "{name} ({first} and {second})",
            name=row.name,
            first=nats(row.value),
            second=nats(row.beside),
        )
        for row in named
    ]
    return trn(
        "Main difference, in nats: {listed}.",
        "Main differences, in nats: {listed}.",
        len(said),
        listed=listing(said),
    )


def tell_beside(view: BesideView) -> list[str]:
    """The second explanation in lines, for a terminal."""
    lines = ["", view.sentence]
    for row in view.rows:
        if abs(row.apart) >= HARDLY:
            both = {"first": nats(row.value), "second": nats(row.beside)}
            named = tr("{name} ({first} and {second})", name=row.name, **both)
            lines.append(f"{nats(row.apart):>7}  {named}")
    small = sum(abs(row.apart) < HARDLY for row in view.rows)
    if small:
        differences = capital(count(small, "smaller difference"))
        lines.append(tr("{differences} (--json lists all)", differences=differences))
    return lines

"""Which patterns make exactly the edits that somebody made of one history, if any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.cohorts.pattern import DIGITS, SIGNS, Act, Editor, Pattern
from core.corpus.texts import clean_text
from core.domain import DomainError, History
from core.language import mark, tr
from core.scenario.edits import Edit, Op, apply_edits
from core.scenario.unsaved import LONGEST

if TYPE_CHECKING:
    from core.engine import Engine

MOST_OFFERED = 6
"""Patterns that one change is offered as, the most particular first."""
ADDED, MOVED = mark("a pattern adds no event"), mark("a pattern neither dates nor moves events")
UNSAID = {Op.ADD: ADDED, Op.DATE: MOVED, Op.MOVE: MOVED}
"""Why some kinds of edits can't be said as a pattern."""
UNRATED = mark("a pattern changes ratings by a number, and the event at step {step} had no rating")
LOSES_RATING = mark(
    "a pattern changes ratings by a number, and the event at step {step} loses its rating"
)


def patterns_of(engine: Engine, base: History, edits: Sequence[Edit]) -> tuple[Pattern, ...]:
    """Patterns that make the same history of ``base`` as ``edits`` do, at most ``MOST_OFFERED``.

    The one about an item comes first, then its topic, a kind, and the newest events. DomainError
    with the reason where there is none: no edit, an edit that no pattern makes, several things at
    once, events that nothing tells from the others, or a text too long for an address.
    """
    where = tr("the edits of {user}", user=base.user_id)
    if not edits:
        raise DomainError(
            tr("nothing is edited yet"), where=where, remedy=tr("Edit the history first")
        )
    for edit in edits:
        if edit.op in UNSAID or not isinstance(edit.step, int):
            why = UNSAID.get(edit.op, ADDED)
            raise DomainError(tr(why), where=where, remedy=tr("Undo: {edit}", edit=edit.label))
    edited = apply_edits(base, edits, engine.corpus).history
    steps = sorted({edit.step for edit in edits if isinstance(edit.step, int)})
    if edited.events == base.events:
        raise DomainError(
            tr("the edits change nothing"), where=where, remedy=tr("Edit the history first")
        )
    acts = _acts(base, edits, steps, where)
    if not acts:
        raise DomainError(
            tr(
                "a pattern does one thing to all of its events: it deletes them, replaces their "
                "reviews by one text, or changes their ratings by one number"
            ),
            where=where,
            remedy=tr("Undo all but one kind of change"),
        )
    found: list[Pattern] = []
    refused: DomainError | None = None
    for act in acts:
        try:
            editor = Editor(engine, act)
            made = apply_edits(base, editor.edits_at(base, steps), engine.corpus).history
        except DomainError as problem:  # this act alone: the corpus has no ratings, or not the item
            refused = problem
            continue
        if made.events == edited.events:
            found += _fitting(editor, base, steps)
    lengths = [len(pattern.to_text()) for pattern in found]
    if found and min(lengths) > LONGEST:
        raise DomainError(
            tr(
                "the review is too long for an address ({n:,} of {most:,} characters)",
                n=min(lengths),
                most=LONGEST,
            ),
            where=where,
            remedy=tr("Shorten the review"),
        )
    found = [each for each, n in zip(found, lengths, strict=True) if n <= LONGEST]
    if not found and refused is not None and len(acts) == 1:
        raise refused
    if not found:
        raise DomainError(
            tr(
                "no pattern makes exactly these edits: the events are not all those of an item, a "
                "topic or a kind, nor the newest of them"
            ),
            where=where,
            remedy=tr(
                "Edit the other events of the same kind too, or ask for a pattern on Cohorts"
            ),
        )
    return tuple(found[:MOST_OFFERED])


def _fitting(editor: Editor, base: History, steps: Sequence[int]) -> Iterator[Pattern]:
    """The patterns of an editor's act that change the events at these steps and no others."""
    for choice in _choices(editor.engine, base, steps):
        pattern = replace(editor.pattern, **choice)
        with suppress(DomainError):  # this choice alone: a kind that the corpus doesn't have
            chosen = Editor(editor.engine, pattern).chosen(base)
            others = [step for step in chosen if step not in steps]
            if len(others) + len(steps) == len(chosen) and not editor.edits_at(base, others):
                yield pattern


def _acts(base: History, edits: Sequence[Edit], steps: Sequence[int], where: str) -> list[Pattern]:
    """What a pattern may do to these events; empty where it is no one thing.

    DomainError for a rating that is added or taken away.
    """
    ops = {edit.op for edit in edits}
    if ops == {Op.DELETE}:
        return [Pattern(Act.DELETE)]
    if ops == {Op.RATE}:
        rated = {edit.step: edit.rating for edit in edits}
        shifts = []
        for step in steps:
            old, new = base.events[step - 1].rating, rated[step]
            if old is None or new is None:
                why = UNRATED if old is None else LOSES_RATING
                remedy = tr("Undo the rating at step {step}", step=step)
                raise DomainError(tr(why, step=step), where=where, remedy=remedy)
            shifts.append(round(new - old, DIGITS))
        return [Pattern(Act.SHIFT, by=max(shifts, key=abs))]  # the scale's end cuts the others
    if Op.EDIT in ops and ops <= {Op.EDIT, Op.RATE}:
        acts = [Pattern(act) for act in SIGNS]
        texts = {clean_text(edit.text or "") for edit in edits if edit.op is Op.EDIT}
        if len(texts) == 1 and ops == {Op.EDIT}:
            acts.insert(0, Pattern(Act.TEXT, text=texts.pop()))
        return acts
    return []


def _choices(engine: Engine, base: History, steps: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Ways to choose events that these have in common: all such events, then the newest of them."""
    events = [base.events[step - 1] for step in steps]
    topic_of, index = engine.topics.item_topic, engine.corpus.item_index
    items = {event.item_id for event in events}
    topics = {int(topic_of[index[item]]) for item in items if item in index}
    kinds = {event.kind for event in events}
    common: list[dict[str, Any]] = []
    if all(item in index for item in items):
        common += [{"item": item} for item in items if len(items) == 1]
        common += [{"topic": engine.topics.names[each]} for each in topics if len(topics) == 1]
    pairs = []
    if len(kinds) == 1:
        kind = next(iter(kinds))
        pairs = [each | {"kind": kind} for each in common]
        common.append({"kind": kind})
    yield from (*common, *pairs, {})
    for each in ({}, *common[::-1]):
        yield each | {"last": len(steps)}

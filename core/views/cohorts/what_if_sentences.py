"""Sentences of a cohort's what-if."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.cohorts.pattern import Act, Pattern
from core.cohorts.patterns import SavedPattern, outcome_of
from core.cohorts.traits import LEVEL
from core.cohorts.what_if import TOO_MANY, CohortWhatIf
from core.measure.metrics import Interval
from core.scenario.capsule import MOST_EDITS
from core.views.cohorts.rows import ItemRow, ListedTopic, WhatIfView, beyond_chance
from core.views.wording import (
    capital,
    count,
    figure,
    grown_since,
    listing,
    number,
    percent,
    short,
    short_topic,
)

if TYPE_CHECKING:
    from core.corpus.corpus import Corpus
    from core.corpus.manifest import Manifest

TOLD = 10
"""Items and users that a terminal names."""
CAUTION = (
    "This is the model's behaviour, not the users'. A list is asked for at the time of each user's "
    "last event; items whose purchase, rating or review is deleted can be recommended again."
)


def pattern_words(pattern: Pattern, corpus: Corpus) -> str:
    """``without their last 2 clicks``, ``their last review made negative``."""
    noun = str(pattern.kind) if pattern.kind else "event"
    if pattern.do is Act.SHIFT:
        noun = "rating"
    elif pattern.do is not Act.DELETE:
        noun = "review"
    if pattern.last == 1:
        which = f"their last {noun}"
    elif pattern.last:
        which = f"their last {count(pattern.last, noun)}"
    else:
        which = f"{'' if pattern.do is Act.DELETE else 'all '}their {noun}s"
    if pattern.item is not None:
        which += f" of {short(corpus.title(pattern.item), 40)}"
    if pattern.topic is not None:
        which += f" in {short(pattern.topic, 40)}"
    if pattern.kind and pattern.do is not Act.DELETE:
        which += f" ({pattern.kind} events)"
    if pattern.do is Act.DELETE:
        return f"without {which}"
    if pattern.do is Act.TEXT:
        return f"{which} replaced by “{short(pattern.text or '', 40)}”"
    if pattern.do is Act.SHIFT:
        by = pattern.by or 0.0
        return f"{which} {'raised' if by > 0 else 'lowered'} by {abs(by):g}"
    return f"{which} made {pattern.do}"


def changes_sentence(
    found: CohortWhatIf, name: str, n: int, changed: Interval | None, change: Interval | None
) -> str:
    """How many histories and lists change, and by how much; ``n`` histories do."""
    users = count(len(found.user_ids), "user")
    if changed is None:
        return f"{capital(name)}: nothing to change in the histories of {users}."
    said = (
        f"{capital(name)}: the histories of {number(n)} of {users} change, and with them "
        f"{count(int(found.changed.sum()), 'list')} "
        f"({percent(changed.mean)} [{changed.low * 100:.0f}, {changed.high * 100:.0f}])"
    )
    if change is None:
        return f"{said}."
    return (
        f"{said}, on average by {figure(change.mean)} [{figure(change.low)}, "
        f"{figure(change.high)}] (1 \u2212 RBO of the first {found.k})."
    )


def items_sentence(items: Sequence[ItemRow]) -> str:
    """Which items gain and lose beyond chance; ``items`` by falling gain."""
    if not items:
        return "No item enters or leaves a list."
    said = [
        f"{verb} {listing([f'{short(row.item, 40)} ({row.gain})' for row in rows[:2]])}"
        for verb, sign in (("win most:", 1), ("lose most:", -1))
        if (rows := beyond_chance(items, sign))
    ]
    moving = f"{count(len(items), 'item')} enter or leave lists"
    if not said:
        return f"{moving}; none gains or loses more lists than chance would move."
    return f"{moving}. Lists gained or lost beyond chance: {'; '.join(said)}."


def topics_sentence(topics: Sequence[ListedTopic]) -> str:
    """Which topics have more or fewer items of a list, the largest change first."""
    sure = sorted((row for row in topics if row.q <= LEVEL), key=lambda row: -abs(row.more.mean))
    if not sure:
        return (
            "No topic has more or fewer items of a list than chance would give." if topics else ""
        )
    said = [f"{short_topic(row.topic)} {row.words}" for row in sure[:3]]
    return f"Items of a list by topic: {listing(said)}."


def cautions(found: CohortWhatIf) -> list[str]:
    """Users who were left out, and how to read the rest."""
    said = []
    too_many = int((found.edits == TOO_MANY).sum())
    if too_many:
        said.append(
            f"{count(too_many, 'user')} would need more than {number(MOST_EDITS)} edits: left out."
        )
    if found.pattern.do in (Act.NEGATIVE, Act.POSITIVE):
        said.append(
            "Reviews that are clearly so already stay, and so do those for which the corpus has no "
            "such review of the item or its topic by somebody else. A rating follows its review."
        )
    return said


def saved_words(saved: SavedPattern, found: CohortWhatIf, manifest: Manifest) -> str:
    """Whether a saved pattern still gives what it gave; why it may not."""
    if found.recommender != saved.recommender:
        return (
            f"It was saved for the lists of {saved.recommender}; these are {found.recommender}'s."
        )
    now, then = outcome_of(found), saved.outcome
    if now == then:
        return "It gives the same lists as when it was saved."
    since = grown_since(manifest, saved.cohort.corpus_id)
    why = f"It was saved {since}. " if since else ""
    if saved.cohort.model_id != found.model_id:
        why += f"It was saved with the model {saved.cohort.model_id}. "
    return capital(
        f"{why}{number(then.changed)} lists of {count(then.users, 'user')} changed then, "
        f"{number(now.changed)} of {number(now.users)} now."
    )


def tell_what_if(view: WhatIfView, cohort: str) -> list[str]:
    """A cohort's what-if as lines for a terminal."""
    lines = [f"{cohort}: {view.sentence}", view.items_sentence]
    for rows in (view.winners, view.losers):
        lines += [
            f"{row.gain:>14}  {short(row.item, 60)} ({row.before} before, {row.after} after)"
            for row in rows[:TOLD]
        ]
    users = view.users.head(TOLD)
    lines += [
        f"{user}: {count(edits, 'edit')}, {'no list' if change != change else f'{change:.3f}'}"
        for user, edits, change in zip(
            users["user_id"], users["edits"], users["change"], strict=True
        )
    ]
    return [*lines, *view.cautions]

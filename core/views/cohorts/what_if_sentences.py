"""Sentences of a cohort's what-if."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.cohorts.pattern import Act, Pattern
from core.cohorts.patterns import SavedPattern, outcome_of
from core.cohorts.traits import LEVEL
from core.cohorts.what_if import TOO_MANY, CohortWhatIf
from core.language import mark, tr, trn
from core.measure.metrics import Interval
from core.scenario.capsule import MOST_EDITS
from core.views.cohorts.rows import ItemRow, ListedTopic, WhatIfView, beyond_chance
from core.views.wording import (
    KIND_WORDS,
    capital,
    count,
    figure,
    grown_since,
    joined,
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
NOUNS = {
    "view": mark("their views"),
    "click": mark("their clicks"),
    "like": mark("their likes"),
    "cart": mark("their carts"),
    "purchase": mark("their purchases"),
    "rating": mark("their ratings"),
    "review": mark("their reviews"),
    "event": mark("their events"),
}
"""All events of each kind."""
EVENT = {"event": mark("event")} | {kind.value: word for kind, word in KIND_WORDS.items()}
CAUTION = mark(
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
    if pattern.last:
        which = trn(
            "their last {noun}",
            "their last {events}",
            pattern.last,
            noun=tr(EVENT[noun]),
            events=count(pattern.last, noun),
        )
    else:
        which = tr(NOUNS[noun])
        which = which if pattern.do is Act.DELETE else tr("all {events}", events=which)
    if pattern.item is not None:
        item = corpus.short_title(pattern.item, 40)
        which = tr("{events} of {item}", events=which, item=item)
    if pattern.topic is not None:
        which = tr("{events} in {topic}", events=which, topic=short(pattern.topic, 40))
    if pattern.kind and pattern.do is not Act.DELETE:
        kind = tr(KIND_WORDS[pattern.kind])
        which = tr("{events} ({kind} events)", events=which, kind=kind)
    if pattern.do is Act.DELETE:
        return tr("without {events}", events=which)
    if pattern.do is Act.TEXT:
        text = short(pattern.text or "", 40)
        return tr("{events} replaced by “{text}”", events=which, text=text)
    if pattern.do is Act.SHIFT:
        by = pattern.by or 0.0
        if by > 0:
            return tr("{events} raised by {by:g}", events=which, by=by)
        return tr("{events} lowered by {by:g}", events=which, by=abs(by))
    if pattern.do is Act.NEGATIVE:
        return tr("{events} made negative", events=which)
    return tr("{events} made positive", events=which)


def changes_sentence(
    found: CohortWhatIf, name: str, n: int, changed: Interval | None, change: Interval | None
) -> str:
    """How many histories and lists change, and by how much; ``n`` histories do."""
    users = count(len(found.user_ids), "user")
    if changed is None:
        return tr(
            "{pattern}: nothing to change in the histories of {users}.",
            pattern=capital(name),
            users=users,
        )
    said = tr(
        "{pattern}: the histories of {n} of {users} change, and with them {lists} ({share})",
        pattern=capital(name),
        n=number(n),
        users=users,
        lists=count(int(found.changed.sum()), "list"),
        share=f"{percent(changed.mean)} [{changed.low * 100:.0f}, {changed.high * 100:.0f}]",
    )
    if change is None:
        return tr("{said}.", said=said)
    return tr(
        "{said}, on average by {mean} (1 \u2212 RBO of the first {k}).",
        said=said,
        mean=f"{figure(change.mean)} [{figure(change.low)}, {figure(change.high)}]",
        k=found.k,
    )


def items_sentence(items: Sequence[ItemRow]) -> str:
    """Which items gain and lose beyond chance; ``items`` by falling gain."""
    if not items:
        return tr("No item enters or leaves a list.")
    said = []
    for sign, words in ((1, mark("win most: {items}")), (-1, mark("lose most: {items}"))):
        if rows := beyond_chance(items, sign):
            named = listing([f"{short(row.item, 40)} ({row.gain})" for row in rows[:2]])
            said.append(tr(words, items=named))
    moving = count(len(items), "item")
    if not said:
        return tr(
            "{items} enter or leave lists; none gains or loses more lists than chance would move.",
            items=moving,
        )
    return tr(
        "{items} enter or leave lists. Lists gained or lost beyond chance: {changes}.",
        items=moving,
        changes=tr("; ").join(said),
    )


def topics_sentence(topics: Sequence[ListedTopic]) -> str:
    """Which topics have more or fewer items of a list, the largest change first."""
    sure = sorted((row for row in topics if row.q <= LEVEL), key=lambda row: -abs(row.more.mean))
    if not sure:
        if not topics:
            return ""
        return tr("No topic has more or fewer items of a list than chance would give.")
    said = [f"{short_topic(row.topic)} {row.words}" for row in sure[:3]]
    return tr("Items of a list by topic: {topics}.", topics=listing(said))


def cautions(found: CohortWhatIf) -> list[str]:
    """Users who were left out, and how to read the rest."""
    said = []
    too_many = int((found.edits == TOO_MANY).sum())
    if too_many:
        said.append(
            tr(
                "{users} would need more than {n} edits: left out.",
                users=count(too_many, "user"),
                n=number(MOST_EDITS),
            )
        )
    if found.pattern.do in (Act.NEGATIVE, Act.POSITIVE):
        said.append(
            tr(
                "Reviews that are clearly so already stay, and so do those for which the corpus "
                "has no such review of the item or its topic by somebody else. A rating follows "
                "its review."
            )
        )
    return said


def saved_words(saved: SavedPattern, found: CohortWhatIf, manifest: Manifest) -> str:
    """Whether a saved pattern still gives what it gave; why it may not."""
    if found.recommender != saved.recommender:
        return tr(
            "It was saved for the lists of {saved}; these are {now}'s.",
            saved=saved.recommender,
            now=found.recommender,
        )
    now, then = outcome_of(found), saved.outcome
    if now == then:
        return tr("It gives the same lists as when it was saved.")
    since, model = grown_since(manifest, saved.cohort.corpus_id), saved.cohort.model_id
    other = tr("It was saved with the model {model}.", model=model)
    return joined(
        tr("It was saved {since}.", since=since) if since else "",
        other if model != found.model_id else "",
        tr(
            "{then} lists of {users} changed then, {now} of {n} now.",
            then=number(then.changed),
            users=count(then.users, "user"),
            now=number(now.changed),
            n=number(now.users),
        ),
    )


def tell_what_if(view: WhatIfView, cohort: str) -> list[str]:
    """A cohort's what-if as lines for a terminal."""
    lines = [tr("{name}: {said}", name=cohort, said=view.sentence), view.items_sentence]
    for rows in (view.winners, view.losers):
        for row in rows[:TOLD]:
            item, counts = short(row.item, 60), {"before": row.before, "after": row.after}
            said = tr("{item} ({before} before, {after} after)", item=item, **counts)
            lines.append(f"{row.gain:>14}  {said}")
    users = view.users.head(TOLD)
    lines += [
        tr(
            "{user}: {edits}, {change}",
            user=user,
            edits=count(edits, "edit"),
            change=tr("no list") if change != change else f"{change:.3f}",
        )
        for user, edits, change in zip(
            users["user_id"], users["edits"], users["change"], strict=True
        )
    ]
    return [*lines, *view.cautions]

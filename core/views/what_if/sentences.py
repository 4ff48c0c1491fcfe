"""Every sentence of the What-if page that is made from data."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import numpy as np

from core.compare.comparison import Comparison
from core.compare.fork import FADED, Fork
from core.compare.replay import Replay, items_differ, say_difference
from core.corpus.corpus import Corpus
from core.corpus.manifest import Manifest
from core.language import mark, mark_n, tr, trn
from core.scenario.capsule import Capsule
from core.scenario.search import SmallestChange
from core.scenario.store import Scenario
from core.views import wording
from core.views.wording import joined

CAUTION = mark("This is the model's behaviour, not a forecast of the customer's.")


def lists_sentence(fork: Fork) -> str:
    """``With 2 edits: 3 entered, 3 left, 4 moved; 3 of 10 keep their rank.``"""
    edits = len(fork.edited.edits)
    if not edits:
        return tr("No edits yet: both lists are the same. Change a cell of the history to begin.")
    made = wording.count(edits, "edit")
    counts = Counter(move.kind for move in fork.moves(causes=False))
    if not counts:
        return tr("With {edits} the list is the same, item for item.", edits=made)
    entered, left, moved = counts["entered"], counts["left"], counts["up"] + counts["down"]
    said = [
        *([tr("{n} entered", n=entered)] if entered else []),
        *([tr("{n} left", n=left)] if left else []),
        *([tr("{n} moved", n=moved)] if moved else []),
    ]
    length = len(fork.after.items)
    return tr(
        "With {edits}: {changes}; {n} of {items} keep their rank.",
        edits=made,
        changes=tr(", ").join(said),
        n=length - entered - moved,
        items=length,
    )


def fork_sentence(fork: Fork) -> str:
    """Where the paths part, and how far apart they end."""
    if not fork.edited.edits:
        return tr("One path: nothing is edited.")
    if fork.fork_step is None:
        return tr("The paths are the same: no edit changes the model's states.")
    old, new = fork.queries
    end = 1 - float(old[-1] @ new[-1] / (np.linalg.norm(old[-1]) * np.linalg.norm(new[-1])))
    edited = fork.edited.history
    at = edited.events if fork.fork_step <= len(edited) else fork.base.events
    when, step = at[fork.fork_step - 1].date, tr("step {step}", step=fork.fork_step)
    return tr(
        "The paths part at {step} and end {apart} apart (cosine distance, 0 to 2).",
        step=tr("{step} ({day})", step=step, day=wording.day(when)) if when else step,
        apart=f"{end:.2f}" if end >= 0.005 else tr("less than 0.005"),
    )


def effect_sentence(fork: Fork) -> str:
    """How soon the effect of the last edit fades."""
    if not fork.edited.edits or fork.fork_step is None:
        return ""
    events = len(fork.distances) - 1
    if fork.reconvergence is None:
        apart = tr("the states are {distance:.2f} apart", distance=fork.distances[-1])
        if not events:
            return tr("No event follows the last change: {apart}.", apart=apart)
        later = wording.count(events, "later event")
        return tr("The effect persists after {events}: {apart}.", events=later, apart=apart)
    if fork.reconvergence == 0:
        return tr(
            "The effect fades at the last changed event (states less than {distance:g} apart).",
            distance=FADED,
        )
    return tr(
        "The effect fades after {events} (states less than {distance:g} apart).",
        events=wording.count(fork.reconvergence, "later event"),
        distance=FADED,
    )


def saved_words(scenario: Scenario) -> str:
    """``no bad review · 3 edits · 24 Nov 2026 · ann@example.com``."""
    pieces = [scenario.name, wording.count(len(scenario.capsule.edits), "edit")]
    if scenario.saved is not None:
        pieces.append(f"{wording.day(scenario.saved)} {scenario.saved:%H:%M} UTC")  # no sentence
    if scenario.owner:
        pieces.append(scenario.owner)
    return " · ".join(pieces)


def status_words(user_id: str, step: int, edits: int, changed: bool, saved: Scenario | None) -> str:
    """``U0123 up to step 42 · 3 edits · not saved; the address keeps them``."""
    if saved is None and changed:
        state = tr("not saved; the address keeps them")
    elif saved is None:
        state = tr("nothing to save")
    elif changed:
        state = tr(
            "changed since revision {revision}; the address keeps the changes",
            revision=saved.revision,
        )
    else:
        state = tr("saved, revision {revision}", revision=saved.revision)
    return tr(
        "{user} up to step {step} · {edits} · {state}",
        user=user_id,
        step=step,
        edits=wording.count(edits, "edit"),
        state=state,
    )


def replay_words(replay: Replay, name: str, saved: datetime | None = None) -> str:
    """Whether a capsule or an old scenario, ``saved`` when, gives the list that it says.

    ``name`` is what it is called at the begin of a sentence.
    """
    capsule, manifest = replay.capsule, replay.fork.engine.corpus.manifest
    about = [
        difference.what
        for difference in replay.differences
        if not difference.what.startswith(("rank", "score"))
    ]
    if replay.is_of_other_model:
        length = max(len(capsule.expected), len(replay.fork.after.items))
        said = tr(
            "{name} was {made}; with this model {now}.",
            name=name,
            made=made_words(capsule, manifest, saved),
            now=list_words(replay.matches, replay.items_differ, length),
        )
        others = [say_difference(what) for what in about if what not in ("model_id", "corpus_id")]
        if not others:
            return said
        return joined(said, tr("Also different: {inputs}.", inputs=tr(", ").join(others)))
    if replay.matches:
        outcome = tr("the list matches the saved one.")
    else:
        rows = wording.count(len(replay.differences) - len(about), "row")
        outcome = tr("the list differs from the saved one in {rows}.", rows=rows)
    if not about:
        return tr("{name}: {outcome}", name=name, outcome=outcome)
    facts = {"name": name, "inputs": tr(", ").join(map(say_difference, about)), "outcome": outcome}
    if since := wording.grown_since(manifest, capsule.corpus_id):
        return tr(
            "{name} was made with other inputs ({inputs}), {since}; {outcome}", since=since, **facts
        )
    return tr("{name} was made with other inputs ({inputs}); {outcome}", **facts)


def made_words(capsule: Capsule, manifest: Manifest, saved: datetime | None) -> str:
    """``made with model d30a790c on 24 Nov 2026, before 300 events were appended``."""
    model = capsule.model_id[:8]
    made = tr("made with model {model}", model=model)
    if saved:
        made = tr("made with model {model} on {day}", model=model, day=wording.day(saved))
    since = wording.grown_since(manifest, capsule.corpus_id)
    return tr("{made}, {since}", made=made, since=since) if since else made


def list_words(matches: bool, differ: int, length: int) -> str:
    """``the list is the same``, ``3 of 10 items differ``."""
    if matches:
        return tr("the list is the same")
    items = wording.count(length, "item")
    if not differ:
        return tr("the same {items} are in another order", items=items)
    forms = mark_n("{n} of {items} differs", "{n} of {items} differ")
    return trn(*forms, length, n=differ, items=items)


def model_notes(comparison: Comparison) -> list[str]:
    """Which columns show a saved scenario by another model than it was made with, and the effect.

    Only where the column's list answers the saved one's question.
    """
    notes = []
    for column, shown in zip(comparison.columns, comparison.lists, strict=True):
        if column.saved is None:
            continue
        capsule, model = column.saved.capsule, column.model or comparison.engine.model_id
        question = (capsule.steps, capsule.recommender, capsule.k)
        if column.recommender is None or capsule.model_id == model:
            continue
        if question != (column.step, column.recommender.id, comparison.k):
            continue
        now, then = ([row.item_id for row in rows] for rows in (shown.items, capsule.expected))
        said = list_words(now == then, items_differ(capsule, shown), max(len(now), len(then)))
        made = made_words(capsule, comparison.engine.corpus.manifest, column.saved.saved)
        notes.append(
            tr(
                "The scenario {name} was {made}; with model {model} {now}.",
                name=capsule.name,
                made=made,
                model=model[:8],
                now=said,
            )
        )
    return list(dict.fromkeys(notes))


def search_words(corpus: Corpus, change: SmallestChange) -> str:
    """What a search found, or how much it tried without finding anything."""
    into = change.goal == "in"
    goal = tr("into the top {k}", k=change.k) if into else tr("out of the top {k}", k=change.k)
    facts = {
        "item": corpus.short_title(change.item_id, wording.TITLE),
        "before": _rank_words(change.rank_before),
        "goal": goal,
    }
    if change.found and not change.edits:
        return tr("{item} needs no edit: it is {before} already.", **facts)
    sets = change.tried.sets
    tried = trn("Tried {n} set of edits", "Tried {n} sets of edits", sets, n=wording.number(sets))
    if not change.found:
        said = tr("No edits found that bring {item} ({before}) {goal}.", **facts)
        if rank := change.tried.closest_rank:
            end = tr("{tried}; the closest gives rank {rank}.", tried=tried, rank=rank)
        else:
            end = tr("{tried}.", tried=tried)
        return joined(said, end)
    edits = len(change.edits)
    said = trn(
        "{edits} brings {item} {goal}: {before} before, {after} after, verified by the "
        "recommender.",
        "{edits} bring {item} {goal}: {before} before, {after} after, verified by the recommender.",
        edits,
        edits=wording.count(edits, "edit"),
        after=_rank_words(change.verified_rank),
        **facts,
    )
    if change.proven:
        return joined(said, tr("{tried}; no smaller set is enough.", tried=tried))
    return joined(said, tr("{tried}; a smaller set may exist.", tried=tried))


def _rank_words(rank: int | None) -> str:
    return tr("excluded") if rank is None else tr("rank {rank}", rank=rank)

"""Every sentence of the What-if page that is made from data."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import numpy as np

from core.compare.comparison import Comparison
from core.compare.fork import FADED, Fork
from core.compare.replay import Replay, items_differ
from core.corpus.corpus import Corpus
from core.corpus.manifest import Manifest
from core.scenario.capsule import Capsule
from core.scenario.search import SmallestChange
from core.scenario.store import Scenario
from core.views import wording

CAUTION = "This is the model's behaviour, not a forecast of the customer's."


def lists_sentence(fork: Fork) -> str:
    """``With 2 edits: 3 entered, 3 left, 4 moved; 3 of 10 keep their rank.``"""
    edits = len(fork.edited.edits)
    if not edits:
        return "No edits yet: both lists are the same. Change a cell of the history to begin."
    made = wording.count(edits, "edit")
    counts = Counter(move.kind for move in fork.moves(causes=False))
    if not counts:
        return f"With {made} the list is the same, item for item."
    moved = {"entered": counts["entered"], "left": counts["left"]}
    moved["moved"] = counts["up"] + counts["down"]
    said = ", ".join(f"{number} {word}" for word, number in moved.items() if number)
    length = len(fork.after.items)
    stayed = length - moved["entered"] - moved["moved"]
    return f"With {made}: {said}; {stayed} of {length} keep their rank."


def fork_sentence(fork: Fork) -> str:
    """Where the paths part, and how far apart they end."""
    if not fork.edited.edits:
        return "One path: nothing is edited."
    if fork.fork_step is None:
        return "The paths are the same: no edit changes the model's states."
    old, new = fork.queries
    end = 1 - float(old[-1] @ new[-1] / (np.linalg.norm(old[-1]) * np.linalg.norm(new[-1])))
    edited = fork.edited.history
    at = edited.events if fork.fork_step <= len(edited) else fork.base.events
    when = at[fork.fork_step - 1].date
    dated = f" ({wording.day(when)})" if when else ""
    apart = f"{end:.2f}" if end >= 0.005 else "less than 0.005"
    return (
        f"The paths part at step {fork.fork_step}{dated} and end {apart} apart "
        "(cosine distance, 0 to 2)."
    )


def effect_sentence(fork: Fork) -> str:
    """How soon the effect of the last edit fades."""
    if not fork.edited.edits or fork.fork_step is None:
        return ""
    events, apart = len(fork.distances) - 1, f"the states are {fork.distances[-1]:.2f} apart"
    if fork.reconvergence is None and not events:
        return f"No event follows the last change: {apart}."
    if fork.reconvergence is None:
        return f"The effect persists after {wording.count(events, 'later event')}: {apart}."
    faded = f"(states less than {FADED:g} apart)"
    if fork.reconvergence == 0:
        return f"The effect fades at the last changed event {faded}."
    return f"The effect fades after {wording.count(fork.reconvergence, 'later event')} {faded}."


def saved_words(scenario: Scenario) -> str:
    """``no bad review · 3 edits · 24 Nov 2026 · ann@example.com``."""
    pieces = [scenario.name, wording.count(len(scenario.capsule.edits), "edit")]
    if scenario.saved is not None:
        pieces.append(f"{wording.day(scenario.saved)} {scenario.saved:%H:%M} UTC")
    if scenario.owner:
        pieces.append(scenario.owner)
    return " · ".join(pieces)


def status_words(user_id: str, step: int, edits: int, changed: bool, saved: Scenario | None) -> str:
    """``U0123 up to step 42 · 3 edits · not saved; the address keeps them``."""
    if saved is None:
        state = "not saved; the address keeps them" if changed else "nothing to save"
    elif changed:
        state = f"changed since revision {saved.revision}; the address keeps the changes"
    else:
        state = f"saved, revision {saved.revision}"
    return f"{user_id} up to step {step} · {wording.count(edits, 'edit')} · {state}"


def replay_words(replay: Replay, name: str, saved: datetime | None = None) -> str:
    """Whether a capsule or an old scenario, ``saved`` when, gives the list that it says."""
    capsule, manifest = replay.capsule, replay.fork.engine.corpus.manifest
    about = [
        difference.what
        for difference in replay.differences
        if not difference.what.startswith(("rank", "score"))
    ]
    if replay.is_of_other_model:
        made = made_words(capsule, manifest, saved)
        length = max(len(capsule.expected), len(replay.fork.after.items))
        now = list_words(replay.matches, replay.items_differ, length)
        said = f"{name} was {made}; with this model {now}."
        others = [what for what in about if what not in ("model_id", "corpus_id")]
        return f"{said} Also different: {', '.join(others)}." if others else said
    said = f"{name} was made with other inputs ({', '.join(about)}); " if about else f"{name}: "
    since = wording.grown_since(manifest, capsule.corpus_id)
    if about and since:
        said = said.replace("; ", f", {since}; ")
    if replay.matches:
        return f"{said}the list matches the saved one."
    rows = len(replay.differences) - len(about)
    return f"{said}the list differs from the saved one in {wording.count(rows, 'row')}."


def made_words(capsule: Capsule, manifest: Manifest, saved: datetime | None) -> str:
    """``made with model d30a790c on 24 Nov 2026, before 300 events were appended``."""
    on = f" on {wording.day(saved)}" if saved else ""
    since = wording.grown_since(manifest, capsule.corpus_id)
    return f"made with model {capsule.model_id[:8]}{on}{f', {since}' if since else ''}"


def list_words(matches: bool, differ: int, length: int) -> str:
    """``the list is the same``, ``3 of 10 items differ``."""
    if matches:
        return "the list is the same"
    if not differ:
        return f"the same {wording.count(length, 'item')} are in another order"
    return f"{differ} of {wording.count(length, 'item')} differ{'s' * (length == 1)}"


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
        notes.append(f"The scenario {capsule.name} was {made}; with model {model[:8]} {said}.")
    return list(dict.fromkeys(notes))


def search_words(corpus: Corpus, change: SmallestChange) -> str:
    """What a search found, or how much it tried without finding anything."""
    item = wording.short(corpus.title(change.item_id), wording.TITLE)
    goal = f"{'into' if change.goal == 'in' else 'out of'} the top {change.k}"
    before = "excluded" if change.rank_before is None else f"rank {change.rank_before}"
    if change.found and not change.edits:
        return f"{item} needs no edit: it is {before} already."
    tried = f"Tried {wording.count(change.tried.sets, 'set')} of edits"
    if not change.found:
        rank = change.tried.closest_rank
        closest = f"; the closest gives rank {rank}" if rank else ""
        return f"No edits found that bring {item} ({before}) {goal}. {tried}{closest}."
    verb = "brings" if len(change.edits) == 1 else "bring"
    after = "excluded" if change.verified_rank is None else f"rank {change.verified_rank}"
    proof = "no smaller set is enough" if change.proven else "a smaller set may exist"
    return (
        f"{wording.count(len(change.edits), 'edit')} {verb} {item} {goal}: {before} before, "
        f"{after} after, verified by the recommender. {tried}; {proof}."
    )

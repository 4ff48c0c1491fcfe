"""Every sentence of the What-if page that is made from data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.corpus.corpus import Corpus
from core.domain import History, RecommendationList
from core.scenario.capsule import Replay
from core.scenario.causes import ELIGIBILITY, Cause
from core.scenario.edits import Edit, Op, name_of
from core.scenario.fork import FELT, Fork
from core.scenario.search import SearchResult
from core.scenario.store import Scenario
from core.views import wording

TITLE = 40
"""Longer titles are cut in sentences."""
CAUTION = "This is how the model behaves, not what a customer would do."


def move_sign(before: int | None, after: int | None) -> str:
    """``+ entered``, ``✕ left``, ``▲ 3``, ``▼ 2`` or ``=``."""
    if before is None:
        return "+ entered"
    if after is None:
        return "✕ left"
    if before == after:
        return "="
    return f"▲ {before - after}" if after < before else f"▼ {after - before}"


def lists_sentence(before: RecommendationList, after: RecommendationList, edits: int) -> str:
    """``With 2 edits: 3 entered, 3 left, 4 moved; 3 of 10 stay where they were.``"""
    if not edits:
        return "No edits yet, so both lists are the same. Change a cell of the history to begin."
    old, new = ({item.item_id: item.rank for item in found.items} for found in (before, after))
    entered, left = len(new.keys() - old.keys()), len(old.keys() - new.keys())
    moved = sum(old[item] != new[item] for item in old.keys() & new.keys())
    made = wording.count(edits, "edit")
    if not entered and not left and not moved:
        return f"With {made} the list is the same, item for item."
    parts = [
        f"{number} {word}"
        for number, word in ((entered, "entered"), (left, "left"), (moved, "moved"))
        if number
    ]
    stayed = len(new) - entered - moved
    return f"With {made}: {', '.join(parts)}; {stayed} of {len(new)} stay where they were."


def fork_sentence(fork: Fork) -> str:
    """Where the paths part, and how far apart they end."""
    if not fork.edited.edits:
        return "One path: nothing is edited."
    if fork.fork_step is None:
        return "The paths are the same: no edit changes what the model knows of this user."
    old, new = fork.queries
    end = 1 - float(old[-1] @ new[-1] / (np.linalg.norm(old[-1]) * np.linalg.norm(new[-1])))
    edited = fork.edited.history
    at = edited.events if fork.fork_step <= len(edited) else fork.base.events
    when = wording.day(at[fork.fork_step - 1].timestamp)
    apart = f"{end:.2f}" if end >= 0.005 else "less than 0.005"
    return (
        f"The paths part at step {fork.fork_step} ({when}) and end {apart} apart "
        "(cosine distance, 0 to 2)."
    )


def felt_sentence(fork: Fork) -> str:
    """How long the last edit stays felt."""
    if not fork.edited.edits or fork.fork_step is None:
        return ""
    events = len(fork.felt) - 1
    if fork.reconvergence == 0:
        return f"Right after the last changed event the states are less than {FELT:g} apart."
    if fork.reconvergence is not None:
        later = wording.count(fork.reconvergence, "event")
        return f"{later} later the states are less than {FELT:g} apart: no longer felt."
    distance = f"{fork.felt[-1]:.2f} apart"
    if not events:
        return f"No event follows the last change, so it is fully felt: {distance}."
    return f"Still felt {wording.count(events, 'event')} later: the states are {distance}."


def cause_words(corpus: Corpus, fork: Fork, cause: Cause) -> str:
    """``edit 2: rated step 12 · Title 1``."""
    if cause.kind == ELIGIBILITY or cause.edit is None:
        return "what the user already had; scores alone would not move it"
    return f"edit {cause.edit}: {edit_words(corpus, fork.base, fork.edited.edits, cause.edit)}"


def edit_words(corpus: Corpus, base: History, edits: Sequence[Edit], number: int) -> str:
    """One edit in words; ``number`` is 1-based."""
    edit = edits[number - 1]
    event = wording.short(_event_words(corpus, base, edits, edit), TITLE)
    match edit.op:
        case Op.ADD:
            rated = f", rated {wording.rating(edit.rating)}" if edit.rating is not None else ""
            return f"added {event}{rated}"
        case Op.DELETE:
            return f"deleted {event}"
        case Op.RATE:
            return f"rated {event} {wording.rating(edit.rating)}"
        case Op.EDIT:
            return f"rewrote the text of {event}"
        case Op.DATE:
            return f"dated {event} {wording.day(edit.timestamp)}" if edit.timestamp else ""
        case Op.MOVE:
            return f"moved {event} to {name_of(edit.to)}" if edit.to is not None else ""


def _event_words(corpus: Corpus, base: History, edits: Sequence[Edit], edit: Edit) -> str:
    if edit.op is Op.ADD:
        return corpus.title(edit.item_id or "")
    handle = edit.step
    if isinstance(handle, int):
        known = 1 <= handle <= len(base)
        item = base.events[handle - 1].item_id if known else ""
    else:
        added = [one.item_id or "" for one in edits if one.op is Op.ADD]
        at = int(str(handle)[1:]) - 1
        item = added[at] if at < len(added) else ""
    name = name_of(handle) if handle is not None else ""
    return f"{name} · {corpus.title(item)}" if item else name


def saved_words(scenario: Scenario) -> str:
    """``no bad review · 3 edits · 24 Nov 2026``."""
    pieces = [scenario.name, wording.count(len(scenario.capsule.edits), "edit")]
    if scenario.saved is not None:
        pieces.append(f"{wording.day(scenario.saved)} {scenario.saved:%H:%M} UTC")
    return " · ".join(pieces)


def status_words(user_id: str, step: int, edits: int, changed: bool, saved: Scenario | None) -> str:
    """``U0123 up to step 42 · 3 edits · not saved, so in no link``."""
    if changed:
        state = "not saved, so in no link"
        if saved is not None:
            state = f"changed since revision {saved.revision}, which a link opens"
    elif saved is not None:
        state = f"saved, revision {saved.revision}"
    else:
        state = "nothing to save"
    return f"{user_id} up to step {step} · {wording.count(edits, 'edit')} · {state}"


def replay_words(replay: Replay, name: str) -> str:
    """Whether a capsule or an old scenario gives the list that it says."""
    about = [one.what for one in replay.differences if not one.what.startswith(("rank", "score"))]
    rows = len(replay.differences) - len(about)
    said = f"{name} was made with other inputs ({', '.join(about)})" if about else name
    if replay.matches:
        return f"{said}{'; ' if about else ': '}the list is the one that was saved, item by item."
    places = wording.count(rows, "place")
    return f"{said}{'; ' if about else ': '}the list differs from the saved one in {places}."


def search_words(corpus: Corpus, found: SearchResult) -> str:
    """What a search found, or how hard it tried in vain."""
    item = wording.short(corpus.title(found.item_id), TITLE)
    goal = f"{'into' if found.goal == 'in' else 'out of'} the top {found.k}"
    now = "excluded" if found.rank_before is None else f"rank {found.rank_before}"
    if found.found and not found.edits:
        return f"{item} needs no edit: it is {now} already."
    tried = f"{wording.count(found.tried, 'set')} of edits tried"
    if not found.found:
        closest = f"; the closest gives rank {found.closest_rank}" if found.closest_rank else ""
        return f"Nothing found that brings {item} ({now}) {goal}: {tried}{closest}."
    verb = "brings" if len(found.edits) == 1 else "bring"
    then = "excluded" if found.verified_rank is None else f"rank {found.verified_rank}"
    sure = "no smaller set does it" if found.proven else "a smaller one may exist"
    return (
        f"{wording.count(len(found.edits), 'edit')} {verb} {item} {goal}: {now} before, {then} "
        f"after, asked of the recommender. {tried[0].upper()}{tried[1:]}; {sure}."
    )

"""The What-if page: what edits of a history do to a user's list, path and profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.arrays import BoolArray, FloatArray
from core.corpus.corpus import Corpus
from core.domain import Event, History
from core.scenario.edits import Edit, name_of
from core.scenario.fields import Handle
from core.scenario.fork import Fork
from core.views import wording
from core.views.timeline.build import present
from core.views.what_if.sentences import (
    cause_words,
    edit_words,
    felt_sentence,
    fork_sentence,
    lists_sentence,
    move_sign,
)

if TYPE_CHECKING:
    from core.engine import Trajectory


TOPICS_SHOWN = 7
NAME = 30
"""Longer names are cut in the sentence about real moves."""


@dataclass(frozen=True, slots=True)
class ListRow:
    """One place of both lists."""

    rank: int
    """1 is first."""
    before_id: str
    """Item at this place before; empty where that list is shorter."""
    before: str
    """Its title."""
    fate: str
    """What became of it: ``✕ left``, ``▲ 3``, ``▼ 2`` or ``=``."""
    after_id: str
    """Item at this place after the edits; empty where that list is shorter."""
    after: str
    """Its title."""
    move: str
    """Where it came from: ``+ entered``, ``▲ 3``, ``▼ 2`` or ``=``."""
    score: float | None
    """Natural log of its probability after the edits (nats)."""


@dataclass(frozen=True, slots=True)
class ListsView:
    """The list beside the original list."""

    sentence: str
    """How many entered, left and moved."""
    rows: tuple[ListRow, ...]
    """Place by place."""
    recommender: str
    """Which recommender made both."""


@dataclass(frozen=True, slots=True)
class MoveRow:
    """One item whose place changed, and why."""

    item_id: str
    """Which item."""
    item: str
    """Its title, or its id."""
    move: str
    """``+ entered``, ``✕ left``, ``▲ 3`` or ``▼ 2``."""
    before: int | None
    """Place before; None outside the list."""
    after: int | None
    """Place after; None outside the list."""
    score_change: float
    """Change of the item's score in nats."""
    because: str
    """The edit that did most of it, in words."""
    edit: int | None
    """Its 1-based number; None where only the excluded items changed."""
    value: float | None
    """That edit's share of the change of the item's score, in nats."""


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """A topic's share before and after."""

    topic: int
    """Index of the topic, which gives its hue."""
    label: str
    """Its name."""
    before: float
    """Probability before, 0 to 1."""
    after: float
    """Probability after, 0 to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class PathView:
    """One path on the map; arrays over its n steps."""

    x: FloatArray
    """Place on the map, float32[n]."""
    y: FloatArray
    """Place on the map, float32[n]."""
    step_size: FloatArray
    """Cosine distance from the state before, float32[n], NaN first."""
    misleading: BoolArray
    """Where the step to here looks longer or shorter than it is, bool[n]."""
    times: tuple[datetime, ...]
    """When each event happened."""
    names: tuple[str, ...]
    """``step 12 · Title`` of each event; added ones ``a1 · Title``."""

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, slots=True, eq=False)
class ForkView:
    """Both paths, from where they part."""

    before: PathView
    """The base's path."""
    after: PathView
    """The edited history's path."""
    fork_step: int | None
    """First step whose state differs; None where none does."""
    sentence: str
    """Where they part and how far apart they end."""
    felt_sentence: str
    """How long the edit stays felt."""
    sizes_sentence: str
    """The largest real move of each path."""


def build_lists(fork: Fork) -> ListsView:
    """Both lists side by side, without causes."""
    places = [{i.item_id: i.rank for i in found.items} for found in (fork.before, fork.after)]
    old, new = fork.before.items, fork.after.items
    rows = []
    for at in range(max(len(old), len(new))):
        was = old[at] if at < len(old) else None
        now = new[at] if at < len(new) else None
        rows.append(
            ListRow(
                rank=at + 1,
                before_id=was.item_id if was else "",
                before=(was.title or was.item_id) if was else "",
                fate=move_sign(was.rank, places[1].get(was.item_id)) if was else "",
                after_id=now.item_id if now else "",
                after=(now.title or now.item_id) if now else "",
                move=move_sign(places[0].get(now.item_id), now.rank) if now else "",
                score=now.score if now else None,
            )
        )
    return ListsView(
        sentence=lists_sentence(fork.before, fork.after, len(fork.edited.edits)),
        rows=tuple(rows),
        recommender=fork.recommender.id,
    )


def build_moves(fork: Fork) -> tuple[MoveRow, ...]:
    """Every move with the edit that caused most of it."""
    corpus = fork.engine.corpus
    return tuple(
        MoveRow(
            item_id=move.item_id,
            item=corpus.title(move.item_id),
            move=move_sign(move.before, move.after),
            before=move.before,
            after=move.after,
            score_change=move.score_change,
            because=cause_words(corpus, fork, move.cause),
            edit=move.cause.edit,
            value=move.cause.value,
        )
        for move in fork.moves
    )


def build_profile(fork: Fork) -> tuple[ProfileRow, ...]:
    """The topics that are largest before or after, the largest first."""
    before, after = fork.profile_before, fork.profile_after
    largest = np.argsort(-np.maximum(before, after), kind="stable")[:TOPICS_SHOWN]
    names = fork.engine.topics.names
    return tuple(
        ProfileRow(int(topic), names[topic], float(before[topic]), float(after[topic]))
        for topic in largest
    )


def build_fork(fork: Fork) -> ForkView:
    """Both paths and the sentences that read them."""
    corpus = fork.engine.corpus
    steps = tuple(range(1, len(fork.base) + 1))
    before = _path(corpus, fork.path_before, steps)
    after = _path(corpus, fork.path_after, fork.edited.origins)
    return ForkView(
        before=before,
        after=after,
        fork_step=fork.fork_step,
        sentence=fork_sentence(fork),
        felt_sentence=felt_sentence(fork),
        sizes_sentence=sizes_sentence(before, after, changed=fork.fork_step is not None),
    )


def _path(corpus: Corpus, trajectory: Trajectory, handles: Sequence[Handle]) -> PathView:
    events = trajectory.history.events
    return PathView(
        x=trajectory.x,
        y=trajectory.y,
        step_size=trajectory.step_size,
        misleading=trajectory.misleading,
        times=tuple(event.timestamp for event in events),
        names=tuple(
            f"{name_of(handle)} · {corpus.title(event.item_id)}"
            for handle, event in zip(handles, events, strict=True)
        ),
    )


def sizes_sentence(before: PathView, after: PathView, *, changed: bool) -> str:
    """The largest real move of each path."""
    old, new = _largest(before), _largest(after)
    if old is None:
        return "One event makes no move."
    if not changed or new is None or new == old:
        return f"Largest real move: {old}"
    return f"Largest real move before: {old}; after: {new}"


def _largest(path: PathView) -> str | None:
    if not np.isfinite(path.step_size).any():
        return None
    at = int(np.nanargmax(path.step_size))
    return f"{path.step_size[at]:.2f} at {wording.short(path.names[at], NAME)}"


def build_comparison(this: Fork, other: Fork) -> tuple[str, pd.DataFrame]:
    """Two scenarios' lists place by place, and how much they share."""
    lists = [[(i.item_id, i.title or i.item_id) for i in f.after.items] for f in (this, other)]
    places = {item: at for at, (item, _) in enumerate(lists[0], start=1)}
    rows = []
    for at in range(max(map(len, lists))):
        titles = [found[at][1] if at < len(found) else "" for found in lists]
        move = move_sign(places.get(lists[1][at][0]), at + 1) if at < len(lists[1]) else ""
        rows.append({"rank": at + 1, "this": titles[0], "other": titles[1], "move": move})
    shared = len(places.keys() & {item for item, _ in lists[1]})
    sentence = f"The two lists share {shared} of {len(rows)} items."
    if this.recommender.id != other.recommender.id:
        sentence += f" They are by {this.recommender.id} and {other.recommender.id}."
    return sentence, pd.DataFrame(rows, columns=["rank", "this", "other", "move"])


def equal_times(events: Sequence[Event], at: int) -> tuple[bool, bool]:
    """Whether the 0-based event has a neighbour of the same instant before and after it."""
    same = [
        0 <= other < len(events) and events[other].timestamp == events[at].timestamp
        for other in (at - 1, at + 1)
    ]
    return same[0], same[1]


def lists_table(view: ListsView) -> pd.DataFrame:
    """Both lists place by place."""
    return pd.DataFrame(
        [
            {
                "rank": row.rank,
                "before": f"✕ {row.before}" if row.fate == "✕ left" else row.before,
                "before_id": row.before_id,
                "became": row.fate,
                "after": row.after,
                "after_id": row.after_id,
                "move": row.move,
                "score": row.score,
            }
            for row in view.rows
        ]
    )


def moves_table(rows: Sequence[MoveRow]) -> pd.DataFrame:
    """Every move with its cause."""
    columns = ["move", "item", "item_id", "before", "after", "score_change", "because", "value"]
    found = pd.DataFrame(
        [{name: getattr(row, name) for name in columns} for row in rows], columns=columns
    )
    return found.astype({"before": "Int64", "after": "Int64", "value": "float64"})


def profile_table(rows: Sequence[ProfileRow]) -> pd.DataFrame:
    """Shares of the largest topics before and after."""
    return pd.DataFrame(
        [
            {"topic": r.label, "before": r.before, "after": r.after, "change": r.after - r.before}
            for r in rows
        ]
    )


def paths_table(view: ForkView) -> pd.DataFrame:
    """Both paths, one row per step."""
    return pd.DataFrame(
        [
            {
                "path": name,
                "step": at + 1,
                "event": path.names[at],
                "timestamp": path.times[at],
                "x": float(path.x[at]),
                "y": float(path.y[at]),
                "step_size": present(path.step_size[at]),
                "map_misleads": bool(path.misleading[at]),
            }
            for name, path in (("before", view.before), ("after", view.after))
            for at in range(len(path))
        ]
    )


def edits_table(corpus: Corpus, base: History, edits: Sequence[Edit]) -> pd.DataFrame:
    """The edits in their order, in words."""
    rows = [
        {"edit": number, "what": edit_words(corpus, base, edits, number)}
        for number in range(1, len(edits) + 1)
    ]
    return pd.DataFrame(rows, columns=["edit", "what"])

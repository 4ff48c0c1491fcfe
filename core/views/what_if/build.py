"""The What-if page: what edits of a history do to a user's list, path and profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.compare.causes import move_words
from core.compare.fork import Fork
from core.corpus.corpus import Corpus
from core.domain import Event, History, RecommendationList
from core.language import tr, trc
from core.scenario.draft import Draft
from core.scenario.edits import Edit, Handle, name_of
from core.scenario.store import Scenario
from core.views import wording
from core.views.what_if.edits import edit_words
from core.views.what_if.sentences import effect_sentence, fork_sentence

if TYPE_CHECKING:
    from core.engine import Trajectory


TOPICS_SHOWN = 7
LISTS = ["rank", "before", "before_id", "became", "after", "after_id", "move", "score"]
NAME = 30
"""Longer names are cut in the sentence about real moves."""


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

    COLUMNS = "topic=label before after change"

    @property
    def change(self) -> float:
        """The difference of both."""
        return self.after - self.before


@dataclass(frozen=True, slots=True, eq=False)
class PathView:
    """One path on the map, and what its events are called."""

    states: Trajectory
    """Positions, step sizes, and where the map misleads."""
    names: tuple[str, ...]
    """``step 12 · Title`` of each event; added ones ``a1 · Title``."""
    handles: tuple[Handle, ...]
    """Of each event: the original's step, or a1, a2, ..."""

    @property
    def marks(self) -> list[list[Handle]]:
        """What each event's mark in a chart carries: its handle and its item."""
        events = self.states.history.events
        return [[handle, event.item_id] for handle, event in zip(self.handles, events, strict=True)]

    def __len__(self) -> int:
        return len(self.states)


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
    effect_sentence: str
    """How soon the edit's effect fades."""
    sizes_sentence: str
    """The largest real move of each path."""


def build_profile(fork: Fork) -> tuple[ProfileRow, ...]:
    """The topics that are largest before or after, the largest first."""
    before, after = fork.profiles
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
        effect_sentence=effect_sentence(fork),
        sizes_sentence=sizes_sentence(before, after, changed=fork.fork_step is not None),
    )


def _path(corpus: Corpus, trajectory: Trajectory, handles: Sequence[Handle]) -> PathView:
    names = (
        f"{name_of(handle)} · {corpus.event_title(event)}"
        for handle, event in zip(handles, trajectory.history.events, strict=True)
    )
    return PathView(trajectory, tuple(names), tuple(handles))


def sizes_sentence(before: PathView, after: PathView, *, changed: bool) -> str:
    """The largest real move of each path."""
    old, new = _largest(before), _largest(after)
    if old is None:
        return tr("A single event has no move to measure.")
    if not changed or new is None or new == old:
        return tr("Largest real move: {move}", move=old)
    return tr("Largest real move before: {before}; after: {after}", before=old, after=new)


def _largest(path: PathView) -> str | None:
    sizes = path.states.step_size
    if not np.isfinite(sizes).any():
        return None
    at = int(np.nanargmax(sizes))
    return tr("{size:.2f} at {event}", size=sizes[at], event=wording.short(path.names[at], NAME))


def side_by_side(first: RecommendationList, second: RecommendationList) -> pd.DataFrame:
    """Two lists rank by rank: what became of the first's items, where the second's came from."""
    old_ranks, new_ranks = ({i.item_id: i.rank for i in shown.items} for shown in (first, second))
    rows = []
    for at, (old, new) in enumerate(zip_longest(first.items, second.items), start=1):
        left: tuple[Any, ...] = ("", "", "")
        right: tuple[Any, ...] = ("", "", "", None)
        if old:
            became = move_words(at, new_ranks.get(old.item_id))
            left = (old.title or old.item_id, old.item_id, became)
        if new:
            move = move_words(old_ranks.get(new.item_id), at)
            right = (new.title or new.item_id, new.item_id, move, new.score)
        rows.append((at, *left, *right))
    return pd.DataFrame(rows, columns=LISTS)


def build_beside(this: Fork, other: Fork) -> tuple[str, pd.DataFrame]:
    """Two scenarios' lists rank by rank, and how much they share."""
    table = side_by_side(this.after, other.after)
    shared = len(set(table["before_id"]) & set(table["after_id"]) - {""})
    sentence = tr("The two lists share {n} of {items} items.", n=shared, items=len(table))
    if this.recommender.id != other.recommender.id:
        ids = {"this": this.recommender.id, "other": other.recommender.id}
        sentence = wording.joined(sentence, tr("They are by {this} and {other}.", **ids))
    names = {"before": "this", "after": "other"}
    return sentence, table.rename(columns=names)[["rank", "this", "other", "move"]]


def equal_times(events: Sequence[Event], at: int) -> tuple[bool, bool]:
    """Whether the 0-based event has a neighbour of the same instant before and after it."""
    same = [
        0 <= other < len(events) and events[other].timestamp == events[at].timestamp
        for other in (at - 1, at + 1)
    ]
    return same[0], same[1]


def lists_table(fork: Fork) -> pd.DataFrame:
    """Both lists rank by rank; items that left are crossed."""
    table = side_by_side(fork.before, fork.after)
    left = ~table["before_id"].isin({"", *table["after_id"]})
    table["before"] = table["before"].where(~left, "✕ " + table["before"])
    return table


def paths_table(view: ForkView) -> pd.DataFrame:
    """Both paths, one row per step."""
    tables = []
    before, after = trc("edits", "before"), trc("edits", "after")
    for name, path in ((before, view.before), (after, view.after)):
        columns = {
            "path": name,
            "step": range(1, len(path) + 1),
            "event": path.names,
            "timestamp": [event.date for event in path.states.history.events],
            "x": path.states.x,
            "y": path.states.y,
            "step_size": path.states.step_size,
            "map_misleads": path.states.misleading,
        }
        tables.append(pd.DataFrame(columns, index=range(len(path))))
    return pd.concat(tables, ignore_index=True)


def edits_table(corpus: Corpus, base: History, edits: Sequence[Edit]) -> pd.DataFrame:
    """The edits in their order, in words."""
    numbers = range(1, len(edits) + 1)
    what = [edit_words(corpus, base, edits, number, None) for number in numbers]
    return pd.DataFrame({"edit": numbers, "what": what})


def revisions_table(corpus: Corpus, versions: Sequence[Scenario]) -> pd.DataFrame:
    """Saved versions of a scenario, one row each, with their edits in words."""
    rows = []
    for version in versions:
        capsule = version.capsule
        base = Draft.of_scenario(version).base(corpus)
        edits = edits_table(corpus, base, capsule.changes)["what"]
        said = tr("; ").join(edits) or tr("no edits")
        rows.append((version.revision, version.saved, capsule.name, said, version.deleted))
    return pd.DataFrame(rows, columns=["revision", "saved", "name", "edits", "deleted"])

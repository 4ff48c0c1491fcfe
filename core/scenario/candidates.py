"""The edits that a search for the smallest change may choose from."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from core.domain import Event, EventKind, History
from core.ranking import top_k
from core.scenario.edits import Edit, Op

if TYPE_CHECKING:
    from core.engine import Engine

Edits = tuple[Edit, ...]

NEAR = ("content", "item-knn")
"""Recommenders whose lists after the item alone give the items that may be added."""
NEAR_ITEMS = 5
"""Items taken from each."""


def step_edits(history: History, scale: tuple[float, float] | None) -> list[Edits]:
    """For each step: deletion, and for a rated event the ends of the scale that it doesn't have."""
    groups = []
    for step, event in enumerate(history.events, start=1):
        ends = scale if scale is not None and event.rating is not None else ()
        rated = (Edit(Op.RATE, step, rating=end) for end in ends if end != event.rating)
        groups.append((Edit(Op.DELETE, step), *rated))
    return groups


def candidate_edits(engine: Engine, base: History, item_id: str) -> list[Edits]:
    """What a search may do, in groups of which at most one edit is made.

    Each step's ``step_edits``, and a last group that adds one event, a second after the clock, of
    an item near the one in question, rated with either end; its kind is one that the corpus has.
    """
    manifest = engine.corpus.manifest
    scale, kinds = manifest.rating_scale, manifest.kinds
    groups = step_edits(base, scale)
    clock = base.at or manifest.last
    if clock is not None:
        kind = EventKind.RATING
        if scale is None or not kinds.get(kind):
            kind = EventKind(max(kinds, key=lambda name: kinds[name]))
        add = Edit(Op.ADD, timestamp=clock + timedelta(seconds=1), kind=kind)
        near = [
            replace(add, item_id=near, rating=rating)
            for near in _near_items(engine, base, item_id)
            for rating in (scale or (None,))
        ]
        groups += [tuple(near)] if near else []
    return groups


def _near_items(engine: Engine, base: History, item_id: str) -> list[str]:
    """Items near one in content, then items that the same people had; none of the history's."""
    corpus = engine.corpus
    event = Event(item_id, base.at or corpus.manifest.created, EventKind.VIEW)
    alone = History(base.user_id, (event,))
    known = np.zeros(len(corpus.item_ids), np.bool_)
    met = {item_id, *(event.item_id for event in base.events)}
    known[[corpus.item_index[item] for item in met if item in corpus.item_index]] = True
    near_items: list[int] = []
    for name in NEAR:
        if name in engine.recommenders:
            scores = engine.recommenders[name].log_probabilities([alone])[0]
            near = top_k(scores, known, NEAR_ITEMS)
            known[near] = True
            near_items += near.tolist()
    return [corpus.item_ids[item] for item in near_items]

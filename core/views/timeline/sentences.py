"""The Timeline's sentences, made from its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import numpy as np

from core.arrays import FloatArray
from core.domain import Part
from core.views.timeline.rows import ListRow, StepRow
from core.views.wording import (
    FEW_HELD_OUT,
    PART_WORDS,
    TOP,
    capital,
    count,
    day,
    number,
    percent,
    rating,
    sentiment_sign,
    short,
)


def profile(topics: Sequence[str], shares: FloatArray, times: Sequence[datetime | None]) -> str:
    """Which topic leads, since when, and what led before.

    ``shares`` is float32[n_steps, n_topics], rows summing to 1.
    """
    if not len(shares):
        return "There are no events yet."
    runs = [(topic, len(list(steps))) for topic, steps in groupby(shares.argmax(axis=1))]
    leader, length = runs[-1]
    last = percent(float(shares[-1, leader]))
    if len(runs) == 1:
        first = percent(float(shares[0, leader]))
        return (
            f"{topics[leader]} leads at every step: {first} after the first event, {last} at the "
            "end."
        )
    since = len(shares) - length
    others = [run for run in runs[:-1] if run[0] != leader]
    before, before_length = max(others, key=lambda run: run[1])
    changes = "once" if len(runs) == 2 else f"{len(runs) - 1} times"
    began = f"step {since + 1}"
    if (when := times[since]) is not None:
        began = f"{day(when)} ({began})"
    return (
        f"{topics[leader]} has led since {began} and reaches {last} "
        f"at the end; before that, {topics[before]} led longest "
        f"({count(before_length, 'step')}). The leading topic changed {changes}."
    )


def events(rows: Sequence[StepRow]) -> str:
    """What the events are, and how they sound."""
    kinds = Counter(row.kind for row in rows).most_common()
    listed = ", ".join(count(n, kind.value) for kind, n in kinds)
    signs = Counter(sentiment_sign(row.sentiment) for row in rows if row.sentiment is not None)
    if not signs:
        return f"{listed}. None has text."
    return (
        f"{listed}. Of the {number(signs.total())} with text, {signs['▲']} are positive, "
        f"{signs['▼']} negative, {signs['●']} neutral."
    )


def ranks(rows: Sequence[StepRow], items: int) -> str:
    """How often the next item was in the top 10, training events apart from held-out ones."""
    known = [(row.next_part, row.next_rank) for row in rows if row.next_rank is not None]
    if not known:
        return "There is no next event to compare with."
    said = []
    for part in Part:
        name = PART_WORDS[part]
        ranks = [rank for of, rank in known if of == part]
        if ranks and (part == Part.TRAIN or len(ranks) > FEW_HELD_OUT):
            said.append(
                f"the actual next item was in the top {TOP} for {sum(r <= TOP for r in ranks)} of "
                f"{count(len(ranks), f'{name} event')} "
                f"(median rank {np.median(ranks):.0f} of {number(items)})"
            )
        else:
            said += [f"{name} event: rank {number(rank)}" for rank in ranks]
    return capital("; ".join(said)) + "."


def distortion(rows: Sequence[StepRow]) -> str:
    """How much of the path the map gets wrong."""
    moves, distorted = len(rows) - 1, sum(row.misleading for row in rows)
    if moves < 1:
        return "There is only one state, so there is no move yet."
    if not distorted:
        none = "the only move is not" if moves == 1 else f"none of the {number(moves)} moves is"
        return f"The map is faithful here: {none} distorted."
    return (
        f"The map distorts {number(distorted)} of {count(moves, 'move')} (dashed): drawn longer or "
        "shorter than in the model's own space."
    )


def step_sizes(rows: Sequence[StepRow]) -> str:
    """The largest move in the model's own space."""
    sizes = [(row.step_size, row) for row in rows if row.step_size is not None]
    if not sizes:
        return "A single event has no move to measure."
    size, row = max(sizes, key=lambda pair: pair[0])
    where = f"{day(row.timestamp)}, {short(row.item)}" if row.timestamp else short(row.item)
    return (
        f"Largest move in the model's space: {size:.2f} at step {row.step} ({where}); "
        f"median {np.median([other for other, _ in sizes]):.2f}."
    )


def moment(row: StepRow, steps: int, rating_top: float | None) -> str:
    """``Step 17 of 42 · 3 Mar 2024 · review · rated 4 of 5``."""
    pieces = [f"Step {row.step} of {steps}", *([day(row.timestamp)] if row.timestamp else [])]
    pieces.append(row.kind.value)
    if row.rating is not None:
        top = "" if rating_top is None else f" of {rating(rating_top)}"
        pieces.append(f"rated {rating(row.rating)}{top}")
    return " · ".join(pieces)


def list_changes(step: int, items: Sequence[ListRow], by: str) -> str:
    """How the list of a recommender at a step differs from the one of its length before it.

    What it counts is what Compare counts for the same event.
    """
    shown = len(items)
    entered = sum(item.move == "entered" for item in items)
    moved = sum(item.move != "=" for item in items) - entered
    before = "before the first event" if step == 1 else f"at step {step - 1}"
    if not entered and not moved:
        return f"The top {shown} by {by} is the same list as {before}."
    stay = f"{shown - entered} of {shown} stay" + (f" ({moved} at another rank)" if moved else "")
    return f"Top {shown} by {by}, compared with the one {before}: {stay}, {entered} entered."

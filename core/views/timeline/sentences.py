"""The Timeline's sentences, made from its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import numpy as np

from core.arrays import FloatArray
from core.domain import Part
from core.language import mark, tr, trn
from core.views.timeline.rows import ListRow, StepRow
from core.views.wording import (
    FEW_HELD_OUT,
    KIND_WORDS,
    PART_WORDS,
    TOP,
    capital,
    count,
    day,
    joined,
    number,
    percent,
    rating,
    sentiment_sign,
    short,
)

SOUNDS = {"▲": mark("positive"), "▼": mark("negative"), "●": mark("neutral")}
"""How a sign of sentiment reads."""


def profile(topics: Sequence[str], shares: FloatArray, times: Sequence[datetime | None]) -> str:
    """Which topic leads, since when, and what led before.

    ``shares`` is float32[n_steps, n_topics], rows summing to 1.
    """
    if not len(shares):
        return tr("There are no events yet.")
    runs = [(topic, len(list(steps))) for topic, steps in groupby(shares.argmax(axis=1))]
    leader, length = runs[-1]
    last = percent(float(shares[-1, leader]))
    if len(runs) == 1:
        first = percent(float(shares[0, leader]))
        return tr(
            "{topic} leads at every step: {first} after the first event, {last} at the end.",
            topic=topics[leader],
            first=first,
            last=last,
        )
    since = len(shares) - length
    others = [run for run in runs[:-1] if run[0] != leader]
    before, before_length = max(others, key=lambda run: run[1])
    began = tr("step {step}", step=since + 1)
    if (when := times[since]) is not None:
        began = tr("{day} ({step})", day=day(when), step=began)
    changes = len(runs) - 1
    said = tr(
        "{topic} has led since {began} and reaches {last} at the end; before that, {before} led "
        "longest ({steps}).",
        topic=topics[leader],
        began=began,
        last=last,
        before=topics[before],
        steps=count(before_length, "step"),
    )
    changed = trn(
        "The leading topic changed once.",
        "The leading topic changed {n} times.",
        changes,
        n=changes,
    )
    return joined(said, changed)


def events(rows: Sequence[StepRow]) -> str:
    """What the events are, and how they sound."""
    kinds = Counter(row.kind for row in rows).most_common()
    listed = tr(", ").join(count(n, kind.value) for kind, n in kinds)
    signs = Counter(sentiment_sign(row.sentiment) for row in rows if row.sentiment is not None)
    if not signs:
        return tr("{listed}. None has text.", listed=listed)
    if signs.total() == 1:
        sound = tr(SOUNDS[next(iter(signs))])
        return tr("{listed}. The one with text is {sound}.", listed=listed, sound=sound)
    return tr(
        "{listed}. Of the {n} with text, {positive} are positive, {negative} negative, {neutral} "
        "neutral.",
        listed=listed,
        n=number(signs.total()),
        positive=signs["▲"],
        negative=signs["▼"],
        neutral=signs["●"],
    )


def ranks(rows: Sequence[StepRow], items: int) -> str:
    """How often the next item was in the top 10, training events apart from held-out ones."""
    known = [(row.next_part, row.next_rank) for row in rows if row.next_rank is not None]
    if not known:
        return tr("There is no next event to compare with.")
    said = []
    for part in Part:
        name = f"{PART_WORDS[part]} event"  # no sentence
        ranks = [rank for of, rank in known if of == part]
        if ranks and (part == Part.TRAIN or len(ranks) > FEW_HELD_OUT):
            said.append(
                tr(
                    "the actual next item was in the top {top} for {n} of {events} (median rank "
                    "{median:.0f} of {items})",
                    top=TOP,
                    n=sum(rank <= TOP for rank in ranks),
                    events=count(len(ranks), name),
                    median=np.median(ranks),
                    items=number(items),
                )
            )
        else:
            part_name = tr(PART_WORDS[part])
            said += [
                tr("{part} event: rank {rank}", part=part_name, rank=number(rank)) for rank in ranks
            ]
    clauses = tr("; ").join(said)
    return tr("{clauses}.", clauses=capital(clauses))


def distortion(rows: Sequence[StepRow]) -> str:
    """How much of the path the map gets wrong."""
    moves, distorted = len(rows) - 1, sum(row.misleading for row in rows)
    if moves < 1:
        return tr("There is only one state, so there is no move yet.")
    if not distorted:
        return trn(
            "The map is faithful here: the only move is not distorted.",
            "The map is faithful here: none of the {n} moves is distorted.",
            moves,
            n=number(moves),
        )
    return tr(
        "The map distorts {n} of {moves} (dashed): drawn longer or shorter than in the model's own "
        "space.",
        n=number(distorted),
        moves=count(moves, "move"),
    )


def step_sizes(rows: Sequence[StepRow]) -> str:
    """The largest move in the model's own space."""
    sizes = [(row.step_size, row) for row in rows if row.step_size is not None]
    if not sizes:
        return tr("A single event has no move to measure.")
    size, row = max(sizes, key=lambda pair: pair[0])
    where = short(row.item)
    if row.timestamp:
        where = tr("{day}, {item}", day=day(row.timestamp), item=where)
    return tr(
        "Largest move in the model's space: {size:.2f} at step {step} ({where}); median "
        "{median:.2f}.",
        size=size,
        step=row.step,
        where=where,
        median=np.median([other for other, _ in sizes]),
    )


def moment(row: StepRow, steps: int, rating_top: float | None) -> str:
    """``Step 17 of 42 · 3 Mar 2024 · review · rated 4 of 5``."""
    pieces = [tr("Step {step} of {steps}", step=row.step, steps=steps)]
    if row.timestamp:
        pieces.append(day(row.timestamp))
    pieces.append(tr(KIND_WORDS[row.kind]))
    if row.rating is not None:
        given = rating(row.rating)
        if rating_top is None:
            pieces.append(tr("rated {rating}", rating=given))
        else:
            pieces.append(tr("rated {rating} of {top}", rating=given, top=rating(rating_top)))
    return " · ".join(pieces)


def list_changes(step: int, items: Sequence[ListRow], by: str) -> str:
    """How the list of a recommender at a step differs from the one of its length before it.

    What it counts is what Compare counts for the same event.
    """
    shown = len(items)
    entered = sum(item.before is None for item in items)
    moved = sum(item.before not in (None, item.rank) for item in items)
    before = tr("at step {step}", step=step - 1) if step > 1 else tr("before the first event")
    if not entered and not moved:
        return tr(
            "The top {shown} by {by} is the same list as {before}.",
            shown=shown,
            by=by,
            before=before,
        )
    stay = tr("{n} of {shown} stay", n=shown - entered, shown=shown)
    if moved:
        stay = tr("{stay} ({n} at another rank)", stay=stay, n=moved)
    return tr(
        "Top {shown} by {by}, compared with the one {before}: {stay}, {entered} entered.",
        shown=shown,
        by=by,
        before=before,
        stay=stay,
        entered=entered,
    )

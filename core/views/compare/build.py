"""The Compare page: lists side by side, what they share, what moved, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from core.arrays import FloatArray
from core.compare.columns import Column
from core.compare.comparison import Comparison, Move
from core.views.compare import sentences as words
from core.views.wording import day, rating, short, signed

if TYPE_CHECKING:
    from core.engine import Engine


@dataclass(frozen=True, slots=True)
class ColumnView:
    """One column: a list and its moment."""

    spec: str
    """Its notation, as in the permalink."""
    name: str
    """What tells it from the other columns, in one line."""
    short: str
    """Number and name without the date, for narrow places."""
    user_id: str
    """Whose list."""
    step: int
    """Events seen; the time that Explain and Timeline open at."""
    when: datetime | None
    """When the list is asked for, UTC."""
    recommender: str
    """Which recommender made it, or the name of served lists."""
    scenario: str | None
    """Name of the scenario; None for the original."""
    explains: bool
    """Whether Explain can open it: a recommender's list after the user's own events."""
    profile: FloatArray
    """The interest model's profile then, float32[n_topics], sums to 1."""
    next_item_id: str | None
    """The item that the user really took next."""
    next_item: str | None
    """Its title."""
    next_rank: int | None
    """Its rank over the catalogue; None where the column can't list it."""


@dataclass(frozen=True, slots=True)
class FlowLine:
    """One item over all columns."""

    item_id: str
    """Which item."""
    item: str
    """Its title, or its id."""
    topic: int
    """Index of its topic, which gives its hue."""
    ranks: tuple[int | None, ...]
    """Its rank in each column's list; None outside."""
    full_ranks: tuple[int | None, ...]
    """Its rank over the whole catalogue; None where it can't be listed."""
    is_next: tuple[bool, ...]
    """In which columns it is what the user really took next."""


@dataclass(frozen=True, slots=True)
class MoveRow:
    """One item that entered, left or moved between two neighbouring columns."""

    a: int
    """0-based column it comes from."""
    b: int
    """0-based column it goes to."""
    kind: str
    """entered, left, up or down."""
    item_id: str
    """Which item."""
    item: str
    """Its title, or its id."""
    topic: int
    """Index of its topic."""
    before: int | None
    """Rank in the earlier list; None outside."""
    after: int | None
    """Rank in the later list; None outside."""
    full_before: int | None
    """Rank over the whole catalogue before; None where it can't be listed."""
    full_after: int | None
    """Rank over the whole catalogue after; None where it can't be listed."""
    change: float | None
    """Difference of its score in nats; None with served lists."""
    cause: str
    """The cause in words; empty where none is defined."""
    cause_step: int | None
    """Step of the event that is the cause; None for the clock and without a cause."""

    @property
    def move(self) -> str:
        """``in at 3``, ``out from 2``, ``▲ 4``, ``▼ 1``."""
        if self.before is None:
            return f"in at {self.after}"
        if self.after is None:
            return f"out from {self.before}"
        moved = self.before - self.after
        return f"▲ {moved}" if moved > 0 else f"▼ {-moved}"


@dataclass(frozen=True, slots=True)
class OverlapRow:
    """What two columns share."""

    a: int
    """0-based column."""
    b: int
    """0-based column."""
    jaccard: float | None
    """Shared items over all, 0 to 1; None for two empty lists."""
    rbo: float | None
    """Rank-biased overlap, 0 to 1; None for two empty lists."""
    kendall: float | None
    """Order of the shared items, -1 to 1; None with fewer than two."""
    sentence: str
    """The same in words."""


@dataclass(frozen=True, slots=True, eq=False)
class CompareView:
    """Everything but the causes, which take longer."""

    columns: tuple[ColumnView, ...]
    """Left to right."""
    lines: tuple[FlowLine, ...]
    """Every item of any list, by its first rank."""
    overlaps: tuple[OverlapRow, ...]
    """Every pair of columns."""
    moves: tuple[MoveRow, ...]
    """Moves between neighbours, without causes."""
    topics: tuple[str, ...]
    """Topic names; their index gives the hue."""
    k: int
    """Length of the lists."""
    flow_sentence: str
    """Reads the rank flow."""
    next_sentence: str
    """Where what really came next stood; empty where nothing is known."""
    profile_sentence: str
    """Reads the profiles."""


@dataclass(frozen=True, slots=True)
class ChangeBar:
    """What one event, a group of them, or the clock gave an item between two columns."""

    step: int | None
    """Step of the event, a group's last; None for the clock."""
    label: str
    """Names it."""
    value: float
    """In nats."""
    stderr: float
    """Standard error in nats; 0 where exact."""


def build_compare(comparison: Comparison) -> CompareView:
    """The view of a comparison, without causes."""
    engine = comparison.engine
    names = column_names(comparison.columns)
    columns = tuple(
        _column(comparison, at, name) for at, name in zip(range(len(names)), names, strict=True)
    )
    lines = _lines(comparison, columns)
    last = {line.item_id: line for line in lines if line.ranks[-1] is not None}
    entered = sorted(
        (line for line in last.values() if line.ranks[0] is None), key=lambda x: x.ranks[-1] or 0
    )
    return CompareView(
        columns=columns,
        lines=lines,
        overlaps=tuple(
            OverlapRow(
                o.a,
                o.b,
                o.jaccard,
                o.rbo,
                o.kendall,
                words.overlap_sentence(names[o.a], names[o.b], o.jaccard, o.rbo),
            )
            for o in comparison.overlaps
        ),
        moves=move_rows(comparison, comparison.moves(causes=False)),
        topics=tuple(engine.topics.names),
        k=comparison.k,
        flow_sentence=words.flow_sentence(
            names[0], names[-1], len(last) - len(entered), [x.item for x in entered], len(last)
        ),
        next_sentence=_next_sentence(columns, comparison.k),
        profile_sentence=words.profile_sentence(
            names,
            [_leading(engine, column.profile) for column in columns],
            len({column.profile.tobytes() for column in columns}) == 1,
        ),
    )


def column_names(columns: Sequence[Column]) -> list[str]:
    """What tells each column from the others: user, step, recommender, scenario where they vary."""
    users = len({column.spec.user for column in columns}) > 1
    sources = len({column.source for column in columns}) > 1
    edited = any(column.scenario is not None for column in columns)
    moments = len({column.step for column in columns}) > 1
    found = []
    for column in columns:
        parts = [column.spec.user] if users else []
        if moments or not (users or sources or edited):
            when = f" ({day(column.moment)})" if column.moment else ""
            parts.append(f"{words.step_phrase(column.step)}{when if column.step else ''}")
        if sources:
            parts.append(column.source)
        if edited:
            parts.append(f"“{short(column.scenario, 32)}”" if column.scenario else "original")
        found.append(" · ".join(parts))
    return found


def _column(comparison: Comparison, at: int, name: str) -> ColumnView:
    column, engine = comparison.columns[at], comparison.engine
    following = column.following
    return ColumnView(
        spec=str(column.spec),
        name=name,
        short=f"{at + 1} · {name.split(' (')[0]}",
        user_id=column.spec.user,
        step=column.step,
        when=column.moment,
        recommender=column.source,
        scenario=column.scenario,
        explains=column.is_plain and column.step > 0,
        profile=engine.profile(column.history),
        next_item_id=following,
        next_item=None if following is None else engine.corpus.title(following),
        next_rank=None
        if following is None
        else comparison.rank(at, engine.corpus.item_index[following]),
    )


def _lines(comparison: Comparison, columns: Sequence[ColumnView]) -> tuple[FlowLine, ...]:
    corpus, topics = comparison.engine.corpus, comparison.engine.topics
    ranks = [{item.item_id: item.rank for item in found.items} for found in comparison.lists]
    every = list(dict.fromkeys(item for own in ranks for item in own))
    return tuple(
        FlowLine(
            item_id=item,
            item=corpus.title(item),
            topic=int(topics.item_topic[corpus.item_index[item]]),
            ranks=tuple(own.get(item) for own in ranks),
            full_ranks=tuple(
                comparison.rank(at, corpus.item_index[item]) for at in range(len(ranks))
            ),
            is_next=tuple(column.next_item_id == item for column in columns),
        )
        for item in every
        if item in corpus.item_index
    )


def _next_sentence(columns: Sequence[ColumnView], k: int) -> str:
    return words.next_sentence(
        [(c.next_item, c.name, c.next_rank) for c in columns if c.next_item is not None], k
    )


def _leading(engine: Engine, profile: FloatArray) -> tuple[str, float]:
    first = int(profile.argmax())
    return engine.topics.names[first], float(profile[first])


def move_rows(comparison: Comparison, moves: Sequence[Move]) -> tuple[MoveRow, ...]:
    """Moves as rows: entered and left first, then by new rank."""
    corpus, topics = comparison.engine.corpus, comparison.engine.topics
    order = {"entered": 0, "left": 1, "up": 2, "down": 2}
    rows = [
        MoveRow(
            a=move.a,
            b=move.b,
            kind=move.kind,
            item_id=move.item_id,
            item=corpus.title(move.item_id),
            topic=int(topics.item_topic[move.item]),
            before=move.before,
            after=move.after,
            full_before=move.rank_before,
            full_after=move.rank_after,
            change=None
            if move.score_before is None or move.score_after is None
            else move.score_after - move.score_before,
            cause=_cause(comparison, move),
            cause_step=move.cause.step if move.cause else None,
        )
        for move in moves
    ]
    return tuple(
        sorted(rows, key=lambda row: (row.a, order[row.kind], row.after or row.before or 0))
    )


def _cause(comparison: Comparison, move: Move) -> str:
    cause = move.cause
    if cause is None:
        return ""
    if cause.edit is not None:
        pair = comparison.columns[move.a : move.b + 1]
        edited = next(column.edited for column in pair if column.edited is not None)
        return words.edit_cause(cause.edit, edited.edits[cause.edit - 1].label, cause.value)
    event, own = "", False
    if cause.step is not None:
        event = player_name(comparison, move.a, cause.step)
        longer = max(comparison.columns[move.a : move.b + 1], key=lambda column: column.step)
        own = longer.history.events[cause.step - 1].item_id == move.item_id
    return words.cause(cause.kind, cause.step, event, cause.value, own)


def player_name(comparison: Comparison, a: int, step: int) -> str:
    """The event of a step between two columns, or the group of events that it stands for."""
    changes = comparison.changes(a)
    players = changes.players if changes is not None else ()
    steps = next((steps for steps in players if step in steps), (step,))
    if len(steps) == 1:
        return event_name(comparison, a, step)
    return f"steps {steps[0]} to {steps[-1]}"


def event_name(comparison: Comparison, a: int, step: int) -> str:
    """``step 12, review (5) of Title``: an event between two columns."""
    longer = max(comparison.columns[a : a + 2], key=lambda column: column.step)
    event = longer.history.events[step - 1]
    rated = f" ({rating(event.rating)})" if event.rating is not None else ""
    title = short(comparison.engine.corpus.title(event.item_id), words.TITLE)
    return f"step {step}, {event.kind.value}{rated} of {title}"


def trust_sentence(comparison: Comparison) -> str:
    """How the causes between all neighbours were found; or why there are none."""
    pairs = (comparison.changes(a) for a in range(len(comparison.columns) - 1))
    found = [changes for changes in pairs if changes is not None]
    if not found:
        edits = any(m.cause is not None for m in comparison.moves())
        return words.EDIT_CAUSE if edits else words.NO_CAUSE
    return words.trust(
        all(changes.exact for changes in found),
        comparison.error,
        max(float(np.abs(changes.residual).max(initial=0.0)) for changes in found),
    )


def change_bars(comparison: Comparison, a: int, item_id: str) -> tuple[ChangeBar, ...]:
    """What every event between column ``a`` and the next gave an item, largest first."""
    changes = comparison.changes(a)
    item = comparison.engine.corpus.item_index[item_id]
    if changes is None or item not in changes.items:
        return ()
    at = int(np.flatnonzero(changes.items == item)[0])
    bars = []
    for player, value in enumerate(changes.values[:, at].tolist()):
        stderr = float(changes.stderr[player, at])
        if player == len(changes.players):
            bars.append(ChangeBar(None, "the clock", value, stderr))
            continue
        step = changes.players[player][-1]
        bars.append(ChangeBar(step, player_name(comparison, a, step), value, stderr))
    return tuple(sorted(bars, key=lambda bar: -abs(bar.value)))


def tell(comparison: Comparison) -> list[str]:
    """A comparison as lines for a terminal."""
    view = build_compare(comparison)
    lines = [view.flow_sentence, *(row.sentence for row in view.overlaps)]
    for row in move_rows(comparison, comparison.moves()):
        change = "" if row.change is None else f" ({signed(row.change)})"
        cause = f"; {row.cause}" if row.cause else ""
        lines.append(f"{row.a + 1}→{row.b + 1}  {row.move:>11}  {row.item}{change}{cause}")
    lines += [view.next_sentence, trust_sentence(comparison)]
    return [line for line in lines if line]

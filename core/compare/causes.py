"""What became of items between two neighbouring lists, and what moved each most.

Players (``core.shapley``) are the events between two times and a ``clock`` that moves the moment of
asking, or the edits that make one history of the other. A coalition of no player is the first
history, that of all the second, so Shapley values add up to the scores' difference. All items are
scored at once: the histories are the same for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from core.compare.columns import Column
from core.corpus.corpus import Corpus
from core.domain import CONSUMING_KINDS, History
from core.language import tr, trc
from core.progress import StopCallback
from core.ranking import ahead_of, rank_of
from core.recommend.protocol import Recommender
from core.scenario.edits import EditedHistory, apply_some
from core.shapley.engine import ShapleyValues, shapley_values
from core.shapley.game import Game, Players, players_of

EXACT_EDITS = 8
"""Edits up to which all combinations are asked."""
SECONDS = 0.5
"""Sampling on a page begins no further round after so long; the command line has no clock."""
SHOWN = 0.005
"""A score that changed by less, in nats, is shown as unchanged and moves nothing by itself."""
CauseKind = Literal["event", "clock", "eligibility", "others", "edit", "component"]


@dataclass(frozen=True, slots=True)
class Cause:
    """What moved an item most.

    ``event``: the event that pushed its score most in the direction of the move; ``clock``: time
    alone did; ``eligibility``: the excluded items changed, and that alone explains the new rank;
    ``others``: its own score went the other way, so others moved by more, most of all through this
    event, the clock or this component; ``edit``: an edit of a scenario, ``edit`` its 1-based
    number; ``component``: a part that differs between two models (``core.compare.model_causes``).

    ``step`` names the event, or the base's step that the edit changed; a group by its last step.
    ``value`` is the player's contribution to the change of the item's own score, in nats,
    ``stderr`` its standard error (0 where exact).
    """

    kind: CauseKind
    step: int | None = None
    value: float = 0.0
    stderr: float = 0.0
    edit: int | None = None
    component: str | None = None

    @property
    def contribution(self) -> float | None:
        """``value`` of the player that is the cause; None for the excluded items alone."""
        return None if self.kind == "eligibility" and self.step is None else self.value


@dataclass(frozen=True, slots=True)
class Move:
    """An item whose rank differs between column ``a`` and the next.

    ``item`` is its catalogue index. ``before`` and ``after`` are ranks within the lists, None
    outside; ``rank_before``, ``rank_after`` over the whole catalogue, None where the item is
    excluded or a list was served. Scores in nats, None for served lists.
    """

    a: int
    item: int
    item_id: str
    before: int | None
    after: int | None
    rank_before: int | None
    rank_after: int | None
    score_before: float | None
    score_after: float | None
    cause: Cause | None = None

    @property
    def b(self) -> int:
        """The column that it moved to."""
        return self.a + 1

    @property
    def kind(self) -> Literal["entered", "left", "up", "down"]:
        """What happened to it."""
        if self.before is None:
            return "entered"
        if self.after is None:
            return "left"
        return "up" if self.after < self.before else "down"

    @property
    def rises(self) -> bool:
        """Whether it entered or went up."""
        return self.kind in ("entered", "up")

    @property
    def words(self) -> str:
        """``entered``, ``left``, ``up 3`` or ``down 2``."""
        return move_words(self.before, self.after)

    @property
    def score_change(self) -> float | None:
        """Change of its score in nats; None with a served list."""
        if self.score_before is None or self.score_after is None:
            return None
        return self.score_after - self.score_before

    @property
    def cause_step(self) -> int | None:
        """Step of the event that is the cause; None for the clock and without a cause."""
        return self.cause.step if self.cause is not None else None


def move_words(before: int | None, after: int | None) -> str:
    """A move in words: ``entered``, ``left``, ``up 3``, ``down 2``, or ``=`` for no move."""
    if before is None:
        return tr("entered")
    if after is None:
        return trc("move", "left")
    if before == after:
        return "="
    return tr("up {n}", n=before - after) if after < before else tr("down {n}", n=after - before)


@dataclass(frozen=True, eq=False)
class Changes(ShapleyValues):
    """What each event, or component, contributes to each item's change, in nats.

    An output per item: ``items`` int64[n] are catalogue indices, ``base`` and ``whole`` float64[n]
    the scores in the earlier and the later column. Between two times ``players`` holds the steps of
    each player but the last one, the clock; between two models ``components`` names all players.
    """

    items: IntArray
    players: Players
    components: tuple[str, ...] = ()

    def of(self, item: int) -> ShapleyValues:
        """One item's change."""
        return self.output(int(np.flatnonzero(self.items == item)[0]))

    def reversed(self) -> Changes:
        """The same changes seen from the later time to the earlier."""
        return replace(self, base=self.whole, whole=self.base, values=-self.values)

    def cause(self, change: ShapleyValues, player: int) -> Cause:
        """One player as the cause of one item's change."""
        value, stderr = float(change.values[player]), float(change.stderr[player])
        if self.components:
            return Cause("component", None, value, stderr, component=self.components[player])
        if player == len(self.players):
            return Cause("clock", None, value, stderr)
        return Cause("event", self.players[player][-1], value, stderr)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two neighbouring columns by one recommender.

    ``scores`` float32[n_items] and ``excluded`` bool[n_items] of each.
    """

    corpus: Corpus
    columns: tuple[Column, Column]
    scores: tuple[FloatArray, FloatArray]
    excluded: tuple[BoolArray, BoolArray]

    def reversed(self) -> Pair:
        """From the second to the first."""
        return Pair(self.corpus, self.columns[::-1], self.scores[::-1], self.excluded[::-1])


def have_changes(early: History, late: History) -> bool:
    """Whether the later history is the earlier one continued, so that causes are defined."""
    return (
        early.user_id == late.user_id
        and len(early) < len(late)
        and late.events[: len(early)] == early.events
    )


def explain_changes(
    recommender: Recommender,
    early: History,
    late: History,
    items: IntArray,
    stop: StopCallback | None = None,
    seconds: float = SECONDS,
) -> Changes:
    """Shapley values of the events between two times and of the clock, for items int64[n].

    Each coalition excludes what its own events consumed. Above 60 events between, older ones are
    taken in groups.
    """
    start = len(early)
    players = tuple(
        tuple(step + start for step in steps) for steps in players_of(len(late) - start)
    )
    if not len(items):
        nothing = np.zeros((len(players) + 1, 0))
        return Changes(nothing[0], nothing[0], nothing, nothing, 0, items, players)

    def history(mask: BoolArray) -> History:
        steps = [step for player in np.flatnonzero(mask[:-1]) for step in players[player]]
        events = (*early.events, *(late.events[step - 1] for step in steps))
        return History(late.user_id, events, late.at if mask[-1] else early.at)

    def read(scores: FloatArray) -> DoubleArray:
        return scores[:, items].astype(np.float64)

    shares = shapley_values(
        Game(recommender, history, read, stop),
        len(players) + 1,
        seconds=seconds,
        stop=stop,
    )
    return Changes(**vars(shares), items=items, players=players)


def score_cause(pair: Pair, move: Move, changes: Changes) -> Cause:
    """The event, the clock or the component that caused a move between two times or models."""
    old, new = pair.excluded
    if old[move.item] != new[move.item]:
        return _exclusion(pair, move, changes, np.array([move.item]))
    decisive = np.flatnonzero((old != new) & ahead_of(move.item, pair.scores[0]))
    if len(decisive) and rank_of(move.item, pair.scores[0], new) == move.rank_after:
        return _exclusion(pair, move, changes, decisive)
    change = changes.of(move.item)
    sign = 1.0 if move.rises else -1.0
    own = sign * float(change.values.sum())
    if own >= SHOWN:
        return changes.cause(change, int((sign * change.values).argmax()))
    # Its own score stayed or fell back: which player changed most its lead over those it passed?
    lead_before, lead_after = change.base - changes.base, change.whole - changes.whole
    passed = (sign * lead_before <= 0) & (sign * lead_after >= 0) & ~(old | new)[changes.items]
    passed &= changes.items != move.item
    if not passed.any():
        if own > 0:
            return changes.cause(change, int((sign * change.values).argmax()))
        return _exclusion(pair, move, changes, decisive)
    leads = sign * (change.values - changes.values[:, passed].mean(axis=1))
    return replace(changes.cause(change, int(leads.argmax())), kind="others")


def _exclusion(pair: Pair, move: Move, changes: Changes, decisive: IntArray) -> Cause:
    """The first event between that consumed one of the ``decisive`` items (any, if there are none).

    ``decisive`` int64[n] are catalogue indices.
    """
    early, late = sorted((column.history for column in pair.columns), key=len)
    ids = {pair.corpus.item_ids[item] for item in decisive}
    for step, event in enumerate(late.events[len(early) :], start=len(early) + 1):
        if event.kind in CONSUMING_KINDS and (not ids or event.item_id in ids):
            player = next(at for at, steps in enumerate(changes.players) if step in steps)
            cause = changes.cause(changes.of(move.item), player)
            return replace(cause, kind="eligibility", step=step)
    return Cause("eligibility")


def edit_causes(
    pair: Pair,
    moves: Sequence[Move],
    k: int,
    stop: StopCallback | None = None,
    seconds: float = SECONDS,
) -> list[Cause]:
    """The edit that caused each move between a history and its edited form, in either direction.

    A move has two parts: with the old scores and the new excluded items the item would be at some
    rank, and from there new scores took it to where it is. Where the second part is nothing, the
    cause is eligibility. Otherwise it is the edit that changed most the item's lead over the items
    that it passed or was passed by: so an item that sank because others rose is laid to the edit
    that raised them.
    """
    if pair.columns[0].edited is not None:
        turned = [replace(move, before=move.after, after=move.before) for move in moves]
        causes = edit_causes(pair.reversed(), turned, k, stop, seconds)
        return [replace(cause, value=-cause.value) if cause.edit else cause for cause in causes]
    edited = pair.columns[1].edited
    assert edited is not None
    scored = [move for move in moves if not _by_eligibility(pair, move, k)]
    values, stderr = _edit_values(pair, edited, scored, stop, seconds)
    causes_of = dict.fromkeys((move.item for move in moves), Cause("eligibility"))
    for at, move in enumerate(scored):
        lead = values[:, 1, at]
        number = int((lead if move.rises else -lead).argmax())
        step = edited.edits[number].step
        causes_of[move.item] = Cause(
            "edit",
            step if isinstance(step, int) else None,
            float(values[number, 0, at]),
            float(stderr[number, 0, at]),
            number + 1,
        )
    return list(causes_of.values())


def _by_eligibility(pair: Pair, move: Move, k: int) -> bool:
    """Whether the new excluded items alone, with the old scores, make this move."""
    excluded = pair.excluded[1]
    if excluded[move.item]:
        return True
    rank = rank_of(move.item, pair.scores[0], excluded)
    if move.before is None or move.after is None:
        return (rank <= k) == (move.after is not None)
    return rank == move.after


def _edit_values(
    pair: Pair,
    edited: EditedHistory,
    moves: Sequence[Move],
    stop: StopCallback | None,
    seconds: float,
) -> tuple[DoubleArray, DoubleArray]:
    """Shapley values of the edits and their standard errors, float64[n_edits, 2, n_moves] each.

    For each move's item its score, then its lead: its score less the mean score of the items that
    it passed. Above 60 edits older ones are taken in groups, which share their value evenly.
    """
    recommender, n_edits = pair.columns[1].recommender, len(edited.edits)
    assert recommender is not None
    if not moves:
        return np.zeros((n_edits, 2, 0)), np.zeros((n_edits, 2, 0))
    players = players_of(n_edits)
    items = [move.item for move in moves]
    passed = [_passed(pair, item) for item in items]

    def history(mask: BoolArray) -> History:
        numbers = [number for player in np.flatnonzero(mask) for number in players[player]]
        return apply_some(edited.base, edited.edits, pair.corpus, numbers).history

    def read(scores: FloatArray) -> DoubleArray:
        own = scores[:, items].astype(np.float64)
        means = [scores[:, others].mean(1, dtype=np.float64) for others in passed]
        return np.concatenate([own, own - np.stack(means, 1)], 1)

    ends = np.array([np.zeros(len(players)), np.ones(len(players))], np.bool_)
    known = dict(zip(map(bytes, ends), read(np.stack(pair.scores)), strict=True))
    shares = shapley_values(
        Game(recommender, history, read, stop, known),
        len(players),
        seconds=seconds,
        exact_up_to=EXACT_EDITS,
        stop=stop,
    )
    sizes = np.array([len(numbers) for numbers in players])
    values, stderr = (
        np.repeat(array / sizes[:, None], sizes, axis=0).reshape(n_edits, 2, len(items))
        for array in (shares.values, shares.stderr)
    )
    return values, stderr


def _passed(pair: Pair, item: int) -> IntArray:
    """Items that this one passed or was passed by, as catalogue indices, in the move's direction.

    Only those that the new list may contain.
    """
    before, after = (ahead_of(item, scores) for scores in pair.scores)
    allowed = ~pair.excluded[1]
    gained, lost = before & ~after & allowed, after & ~before & allowed
    return np.flatnonzero(gained if gained.sum() > lost.sum() else lost)

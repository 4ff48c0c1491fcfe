"""What became of an item between two lists, and what moved it most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CauseKind = Literal["event", "clock", "eligibility", "others", "edit"]


@dataclass(frozen=True, slots=True)
class Cause:
    """What moved an item most.

    ``event``: the event that pushed its score most in the direction of the move; ``clock``: time
    alone did; ``eligibility``: the excluded items changed, and that alone explains the new rank;
    ``others``: its own score went the other way, so others moved by more, most of all through this
    event or the clock; ``edit``: an edit of a scenario, ``edit`` its 1-based number.

    ``step`` names the event, or the base's step that the edit changed; a group by its last step.
    ``value`` is the player's contribution to the change of the item's own score, in nats,
    ``stderr`` its standard error (0 where exact).
    """

    kind: CauseKind
    step: int | None = None
    value: float = 0.0
    stderr: float = 0.0
    edit: int | None = None

    @property
    def contribution(self) -> float | None:
        """``value`` where an event or an edit is the cause; None for the excluded items alone."""
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
        return "entered"
    if after is None:
        return "left"
    if before == after:
        return "="
    return f"up {before - after}" if after < before else f"down {after - before}"

"""Is the explanation any good? Curves of deletion and insertion, and stability.

Deletion takes the events away in the order of an explanation, insertion brings them in; a good
order drops, or raises, the score early (Petsiuk et al. 2018, RISE). The rivals are random orders
and the plain rule "the most recent first". Areas are means of the curve in nats.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.arrays import DoubleArray
from core.explain.game import EventGame, explain_by_seeds
from core.language import mark
from core.progress import Progress, ProgressCallback, report
from core.shapley.engine import ENOUGH, ShapleyValues
from core.shapley.game import Masks

ORDERS = ("explanation", "recent-first", "random")
RANDOM_ORDERS = 20
SEEDS = 5
STABILITY_SECONDS = 1.0


@dataclass(frozen=True, eq=False)
class Scorecard:
    """Curves float64[n_players + 1] of the goal's value, and what follows from them.

    Deletion areas are better when low, insertion areas when high.
    """

    deletion: dict[str, DoubleArray]
    """By order: ``explanation``, ``recent-first``, ``random`` (mean of 20)."""
    insertion: dict[str, DoubleArray]
    stability: float | None
    """Mean rank correlation of the values between 5 seeds; 1 where exact, None without ranks."""

    def area(self, kind: str, order: str) -> float:
        """Mean of a curve; ``kind`` is ``deletion`` or ``insertion``."""
        curve = self.deletion[order] if kind == "deletion" else self.insertion[order]
        return float((curve[:-1] + curve[1:]).mean() / 2) if len(curve) > 1 else float(curve[0])

    def gain(self, kind: str, rival: str) -> float:
        """How much better the explanation's area is than a rival's, in nats."""
        difference = self.area(kind, "explanation") - self.area(kind, rival)
        return -difference if kind == "deletion" else difference

    def beats(self, rival: str) -> bool:
        """Whether deletion by the explanation is better than a rival's order.

        By the two digits that are shown: nobody is told that an area is below its equal.
        """
        own, other = self._shown(rival)
        return own < other

    def equals(self, rival: str) -> bool:
        """Whether both areas of deletion are shown with the same digits."""
        own, other = self._shown(rival)
        return own == other

    def _shown(self, rival: str) -> tuple[float, float]:
        own, other = (round(self.area("deletion", order), 2) for order in ("explanation", rival))
        return own, other


def make_scorecard(
    game: EventGame,
    events: ShapleyValues,
    *,
    with_stability: bool = True,
    stability_seconds: float = STABILITY_SECONDS,
    progress: ProgressCallback | None = None,
) -> Scorecard:
    """Judge the values of a game's players."""
    players = len(game.players)
    random = np.random.default_rng(0)
    orders = [np.argsort(-events.values, kind="stable"), np.arange(players)[::-1]]
    orders += [random.permutation(players) for _ in range(RANDOM_ORDERS if players > 1 else 1)]
    # All players, then one fewer each time, bool[n_orders, n_players + 1, n_players].
    ranks = np.argsort(orders, axis=1).reshape(len(orders), 1, players)
    masks = ranks >= np.arange(players + 1)[:, None]

    def curves(masks: Masks) -> dict[str, DoubleArray]:
        values = game.values(np.concatenate(masks)).reshape(masks.shape[:2])
        return dict(zip(ORDERS, (values[0], values[1], values[2:].mean(0)), strict=True))

    stability = _stability(game, events, stability_seconds, progress) if with_stability else None
    return Scorecard(curves(masks), curves(~masks), stability)


def _stability(
    game: EventGame, events: ShapleyValues, seconds: float, progress: ProgressCallback | None
) -> float | None:
    """Mean pairwise Spearman correlation of the values from five seeds.

    At equal effort, or at a standard error of 2.5 % where that is less.
    """
    players = len(game.players)
    if players < 2:
        return None
    if events.exact:
        return 1.0

    def told(of_orders: Progress) -> None:
        report(progress, replace(of_orders, stage=mark("explain again with other seeds")))

    again = explain_by_seeds(
        game,
        range(1, SEEDS + 1),
        seconds=seconds,
        enough=max(events.error, ENOUGH / 2),
        progress=told,
    )
    ranks = [pd.Series(values.values).rank().to_numpy() for values in again]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return None
    return float(np.corrcoef(ranks)[np.triu_indices(SEEDS, 1)].mean())

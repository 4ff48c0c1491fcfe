"""What a share for new items and diverse lists cost in NDCG on validation cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.arrays import DoubleArray
from core.language import mark
from core.measure.cases import Case, targets_of
from core.measure.metrics import Interval, bootstrap, compare_paired, intra_list_diversity, ndcg
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.ranking import NO_ITEM, ExcludedItems, target_ranks, top_items
from core.recommend.protocol import batches
from core.recommend.training_data import TrainingData
from core.strategy.adjusted import Adjusted, Settings, rerank

DIVERSITIES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
NEW_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
MOST_CASES = 1_000
"""Cases that are asked; of more, every second, third, ..."""
LEAST_CASES = 30
"""Cases below which no price is told."""
CELLS = 4_000_000
K = 10


@dataclass(frozen=True, slots=True)
class Price:
    """Lists of ten under one setting.

    ``ndcg`` and, against lists in order of scores, ``price`` (negative: it costs). ``diversity`` is
    the mean cosine distance of item vectors within a list, ``new`` the mean share of new items.
    """

    settings: Settings
    ndcg: Interval
    price: Interval
    diversity: float
    new: float

    def to_json(self) -> dict[str, Any]:
        """One point of the verb ``strategy --price``."""
        return {
            "new_share": self.settings.new_share,
            "diversity": self.settings.diversity,
            "ndcg": self.ndcg.mean,
            "ndcg_ci": [self.ndcg.low, self.ndcg.high],
            "price": self.price.mean,
            "price_ci": [self.price.low, self.price.high],
            "list_diversity": None if np.isnan(self.diversity) else self.diversity,
            "list_new_share": self.new,
        }


@dataclass(frozen=True, eq=False)
class Prices:
    """The two curves, each beginning without re-ranking; ``cases`` of as many users.

    ``new_items`` of the catalogue's ``n_items`` count as new.
    """

    diversity: tuple[Price, ...]
    new_share: tuple[Price, ...]
    cases: int
    new_items: int
    n_items: int

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the verb ``strategy --price``."""
        return {
            "cases": self.cases,
            "new_items": self.new_items,
            "items": self.n_items,
            "diversity": [price.to_json() for price in self.diversity],
            "new_share": [price.to_json() for price in self.new_share],
        }


def measure_prices(
    adjusted: Adjusted,
    data: TrainingData,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Prices:
    """Both curves of a joint, each with the other setting at 0."""
    grid = [Settings(0.0, value) for value in DIVERSITIES]
    grid += [Settings(value, 0.0) for value in NEW_SHARES[1:]]
    prices = prices_of(adjusted, grid, data, progress, stop)
    n = len(DIVERSITIES)
    cases = len(priced_cases(data))
    counts = int(adjusted.new_items.sum()), len(adjusted.new_items)
    return Prices(prices[:n], (prices[0], *prices[n:]), cases, *counts)


def prices_of(
    adjusted: Adjusted,
    grid: Sequence[Settings],
    data: TrainingData,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> tuple[Price, ...]:
    """The price of each setting against the first of ``grid``, on the same validation cases."""
    cases = priced_cases(data)
    users = [case.history.user_id for case in cases]
    targets = targets_of(cases, data.item_index)
    gains = np.zeros((len(grid), len(cases)))
    spread, new = np.full(gains.shape, np.nan), np.zeros(gains.shape)
    is_new, directions = adjusted.new_items, adjusted.directions
    for rows in batches(len(cases), data.n_items, CELLS):
        histories = [case.history for case in cases[rows]]
        scores = adjusted.joint.log_probabilities(histories)
        excluded = ExcludedItems.of(histories, data.item_index)
        for at, settings in enumerate(grid):
            check_stop(stop)
            report(progress, Progress(mark("measure prices"), rows.start, len(cases)))
            own = scores.copy()
            if settings.reranks:
                rerank(own, excluded, is_new, directions, settings)
            gains[at, rows] = ndcg(target_ranks(own, targets[rows], excluded), K)
            lists = top_items(own, excluded, K)
            spread[at, rows] = intra_list_diversity(lists, directions)
            known = lists != NO_ITEM
            new[at, rows] = (is_new[lists] & known).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return tuple(
        Price(
            settings,
            bootstrap(gains[at], users),
            compare_paired(gains[at], gains[0], users).difference,
            _mean(spread[at]),
            _mean(new[at]),
        )
        for at, settings in enumerate(grid)
    )


def priced_cases(data: TrainingData) -> tuple[Case, ...]:
    """The validation cases that prices are measured on: those whose target may be listed."""
    asked = [case for case in data.validation if case.is_open]
    return tuple(asked[:: max(-(-len(asked) // MOST_CASES), 1)])


def _mean(values: DoubleArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")

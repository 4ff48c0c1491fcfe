"""What is known when a list is asked for, as numbers that the joint's weights depend on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.arrays import DoubleArray, IntArray
from core.domain import History
from core.recommend.histories import EncodedHistories

FEATURES = (
    "events",
    "days between the last two events",
    "training events of the last item",
    "mean training events of the items",
    "share of items hardly seen in training",
    "share of events with text",
)
"""Counts and days enter as log(1 + x); hardly seen means at most one training event."""
FURTHEST = 2.5
"""Standard deviations at which a feature is cut off, so that no weight runs away."""


@dataclass(frozen=True, eq=False)
class Gate:
    """Standardises the features by their ``mean`` and ``spread`` float64[n_features]."""

    mean: DoubleArray
    spread: DoubleArray

    @classmethod
    def of(cls, features: DoubleArray) -> Gate:
        """Learn mean and spread from float64[n, n_features] with NaN for unknown."""
        known = ~np.isnan(features)
        n = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, features, 0.0).sum(axis=0) / n
        spread = np.sqrt((np.where(known, features - mean, 0.0) ** 2).sum(axis=0) / n)
        return cls(mean, spread)

    def __call__(self, features: DoubleArray) -> DoubleArray:
        """A leading 1 and the standardised features, float64[n, 1 + n_features]; unknown is 0."""
        usable = self.spread > 1e-6
        scaled = np.where(usable, (features - self.mean) / np.where(usable, self.spread, 1.0), 0.0)
        scaled = np.clip(np.nan_to_num(scaled, nan=0.0), -FURTHEST, FURTHEST)
        return np.hstack([np.ones((len(features), 1)), scaled])


def features_of(
    histories: Sequence[History], encoded: EncodedHistories, item_counts: IntArray
) -> DoubleArray:
    """The ``FEATURES`` of each history, float64[n, n_features], NaN where unknown.

    ``encoded`` are the same histories; ``item_counts`` int64[n_items] training events. Parts that
    an explainer removed are unknown.
    """
    features = np.full((len(histories), len(FEATURES)), np.nan)
    bounds = np.searchsorted(encoded.row, np.arange(len(histories) + 1))
    counts_of_events = np.log1p(item_counts[encoded.item])
    # Histories of one question are made of the same few events.
    events_by_id = {id(event): event for history in histories for event in history.events}
    with_text = {key: bool(event.words) for key, event in events_by_id.items()}
    for row, history in enumerate(histories):
        events = history.events
        features[row, 0] = np.log1p(len(events))
        times = [event.timestamp for event in events[-2:] if event.timed]
        if len(times) == 2:
            features[row, 1] = np.log1p(max((times[1] - times[0]).total_seconds(), 0.0) / 86_400)
        counts = counts_of_events[bounds[row] : bounds[row + 1]]
        if len(counts):
            features[row, 2:5] = counts[-1], counts.mean(), (counts < 0.7).mean()
        if events:
            features[row, 5] = sum(with_text[id(event)] for event in events) / len(events)
    return features

"""A custom ``Recommender`` from a function: give scores, get probabilities.

See docs/own_recommender.md for a whole example.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.arrays import FloatArray
from core.domain import DomainError, History
from core.language import tr
from core.measure.cases import targets_of
from core.recommend.calibration import Calibration, fit_calibration, log_training_share
from core.recommend.training_data import Catalogued, EncodedHistories, TrainingData

Score = Callable[[History], Mapping[str, float]]
"""A history to the scores of items by id, in any unit, higher is better.

Items that are not scored count as 0, or as the lowest score given where that is below 0; ids that
the catalogue lacks are ignored. No scores at all mean "nothing is known of this user".
"""
MOST_CELLS = 16_000_000
"""Validation scores held at a time; more cases than that are thinned evenly."""


@dataclass(frozen=True, eq=False)
class OwnRecommender(Catalogued):
    """Satisfies ``core.recommend.protocol.Recommender``; made by ``calibrated``.

    ``log_share`` float32[n_items] is the log of each item's smoothed share of training events: the
    answer where ``score`` knows nothing of a user.
    """

    id: str
    item_ids: tuple[str, ...]
    score: Score
    calibration: Calibration
    log_share: FloatArray

    @classmethod
    def calibrated(cls, id: str, score: Score, data: TrainingData) -> OwnRecommender:
        """Find the curve that makes the scores probabilities, on the validation cases of ``data``.

        The order of the scores stays as it is. ``score`` must have been learned from the training
        part alone, which is what ``data`` holds. DomainError where a score is not a finite number.
        """
        log_share = log_training_share(data.item_counts)
        raw = cls(id, data.item_ids, score, Calibration(), log_share)
        thin = -(-len(data.validation) * data.n_items // MOST_CELLS)
        cases = data.validation[:: max(thin, 1)]
        histories = [case.history for case in cases]
        curve = fit_calibration(
            raw.scores(histories),
            targets_of(cases, data.item_index),
            EncodedHistories.of(histories, data.item_index).consumed,
            log_share,
            with_prior=False,
        )
        return cls(id, data.item_ids, score, curve, log_share)

    def log_probabilities(self, histories: Sequence[History]) -> FloatArray:
        """Natural logs of probabilities over the whole catalogue, float32[n_histories, n_items].

        DomainError for a history with an item outside the catalogue.
        """
        encoded = EncodedHistories.of(histories, self.item_index)
        scores = self.scores(histories)
        return self.calibration.log_probabilities(scores, self.log_share, encoded.consumed)

    def scores(self, histories: Sequence[History]) -> FloatArray:
        """What ``score`` says, from 0 upwards, float32[n_histories, n_items]."""
        scores = np.zeros((len(histories), len(self.item_ids)), np.float32)
        for row, history in enumerate(histories):
            given = {
                self.item_index[item]: self._finite(float(value), item)
                for item, value in self.score(history).items()
                if item in self.item_index
            }
            if given:
                low = min(0.0, *given.values())
                scores[row, list(given)] = [value - low for value in given.values()]
        return scores

    def _finite(self, value: float, item: str) -> float:
        if math.isfinite(value):
            return value
        raise DomainError(
            tr("the score of item {item!r} is {value}", item=item, value=value),
            where=tr("recommender {id}", id=self.id),
            remedy=tr("Give finite numbers, and leave out what has no score"),
        )

"""The joint recommender: the interest model and the baselines as one calibrated distribution."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.arrays import DoubleArray, FloatArray, IntArray
from core.domain import DomainError, History
from core.files import load_arrays, replace_text, save_arrays
from core.recommend.baseline import Baseline, check_catalogue, reading_fitted
from core.recommend.calibration import normalise
from core.recommend.histories import Catalogued, EncodedHistories, distinct
from core.recommend.pool import Gate, Pool, buckets_of, features_of
from core.recommend.protocol import Recommender

TENSORS, FACTS = "joint.safetensors", "joint.json"
SEEN, BASE = "seen in training", "base"
"""What ``shares`` calls the item's own offset, and the score of an average item."""


@dataclass(frozen=True, eq=False)
class Joint(Catalogued):
    """A gated log-linear pool of its components; satisfies ``Recommender``.

    ``item_counts`` int64[n_items]: training events. ``repeat`` is the probability of all items that
    are excluded from the list together, as in ``Calibration``. ``validation_ndcg``
    is the NDCG@10 on validation users by weights that had not seen them; None without any.
    """

    item_ids: tuple[str, ...]
    components: tuple[Recommender, ...]
    pool: Pool
    gate: Gate
    item_counts: IntArray
    repeat: float
    validation_ndcg: float | None = None
    id: str = "joint"

    @cached_property
    def _item_offsets(self) -> FloatArray:
        return self.pool.offsets.astype(np.float32)[buckets_of(self.item_counts)]

    def weights(
        self, histories: Sequence[History], encoded: EncodedHistories | None = None
    ) -> DoubleArray:
        """Weight of each component's log-probability at that moment, float64[n, n_components]."""
        encoded = encoded or EncodedHistories.of(histories, self.item_index)
        features = features_of(histories, encoded, self.item_counts)
        return np.asarray(self.gate(features) @ self.pool.weights.T)

    def log_probabilities(self, histories: Sequence[History]) -> FloatArray:
        """Natural logs of probabilities over the whole catalogue, float32[n_histories, n_items].

        DomainError for a history with an item outside the catalogue.
        """
        encoded = EncodedHistories.of(histories, self.item_index)
        weights = self.weights(histories, encoded).astype(np.float32)
        unlike, index = distinct(histories)  # baselines read no text
        once = encoded
        if len(unlike) < len(histories):
            once = EncodedHistories.of(unlike, self.item_index)
        logits = np.tile(self._item_offsets, (len(histories), 1))
        for component, weight in zip(self.components, weights.T, strict=True):
            logits += weight[:, None] * (
                component.log_probabilities_of(once)[index]
                if isinstance(component, Baseline)
                else component.log_probabilities(histories)
            )
        return normalise(logits, encoded.consumed, self.repeat)

    def shares(self, history: History, item_id: str) -> dict[str, float]:
        """How much each component contributes to an item's score, in nats; adds up to the score.

        A component's share is its weight times what it gives this item above the catalogue's
        average; ``seen in training`` is the item's own offset above average, and ``base`` the rest:
        what an average item would score. DomainError for an unknown item.
        """
        index = self.item_index.get(item_id)
        if index is None:
            raise DomainError(
                f"item {item_id!r} is not in the catalogue",
                remedy="Choose an item of the corpus",
            )
        score = float(self.log_probabilities([history])[0, index])
        shares: dict[str, float] = {}
        for weight, component in zip(self.weights([history])[0], self.components, strict=True):
            log_p = component.log_probabilities([history])[0].astype(np.float64)
            shares[component.id] = float(weight * (log_p[index] - log_p.mean()))
        offsets = self._item_offsets
        shares[SEEN] = float(offsets[index] - offsets.mean())
        shares[BASE] = score - sum(shares.values())
        return shares

    @property
    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Everything that was learned, by name."""
        return {
            "weights": self.pool.weights,
            "offsets": self.pool.offsets,
            "gate_mean": self.gate.mean,
            "gate_spread": self.gate.spread,
            "item_counts": self.item_counts,
        }

    def save(self, folder: Path) -> None:
        """Write ``joint.safetensors`` and ``joint.json``; components are saved by themselves."""
        facts = {
            "id": self.id,
            "components": [component.id for component in self.components],
            "repeat": self.repeat,
            "validation_ndcg": self.validation_ndcg,
        }
        save_arrays(folder / TENSORS, self.tensors)
        replace_text(folder / FACTS, json.dumps(facts, indent=2) + "\n")

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Whether a joint was saved in this folder."""
        return (folder / FACTS).is_file()

    @classmethod
    def load(
        cls, folder: Path, components: Mapping[str, Recommender], item_ids: tuple[str, ...]
    ) -> Joint:
        """Read what ``save`` wrote; DomainError where it is damaged or misses a component."""
        with reading_fitted("joint", folder):
            facts: dict[str, Any] = json.loads((folder / FACTS).read_text("utf-8"))
            tensors, _ = load_arrays(folder / TENSORS)
            check_catalogue("joint", len(tensors["item_counts"]), item_ids, folder)
            return cls(
                item_ids=item_ids,
                components=tuple(components[name] for name in facts["components"]),
                pool=Pool(tensors["weights"], tensors["offsets"]),
                gate=Gate(tensors["gate_mean"], tensors["gate_spread"]),
                item_counts=tensors["item_counts"],
                repeat=float(facts["repeat"]),
                validation_ndcg=facts["validation_ndcg"],
            )

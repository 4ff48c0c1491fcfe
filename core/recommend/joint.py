"""The joint recommender: the interest model and the baselines as one calibrated distribution.

Its weights come from validation cases only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.arrays import DoubleArray, FloatArray, IntArray, check_array
from core.domain import DomainError, History
from core.files import load_arrays, read_object, replace_text, save_arrays
from core.language import mark, tr
from core.measure.cases import Case, targets_of
from core.measure.metrics import ndcg
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.ranking import excluded_mask
from core.recommend.baseline import Baseline, check_catalogue, reading_fitted
from core.recommend.calibration import normalise
from core.recommend.pool import (
    FEATURES,
    N_BUCKETS,
    Contenders,
    Gate,
    Pool,
    buckets_of,
    choose_contenders,
    features_of,
    fit_pool,
)
from core.recommend.protocol import Recommender, batches
from core.recommend.training_data import Catalogued, EncodedHistories, TrainingData, distinct

POOL = ("weights", "offsets", "unmet", "unmet_gate")
TENSORS, FACTS = "joint.safetensors", "joint.json"
SEEN, BASE = "seen in training", "base"  # no sentence
"""What ``shares`` calls the item's own offset, and the score of an average item."""
MOST_CASES, MOST_CONTENDERS = 4_000, 256
POWER, PENALTY = 0.25, 3.0
"""Settings of ``fit_pool``, the penalty for all cases together. Of the powers 0, 0.25, 0.5 and the
penalties 1, 3, 10, 50 they have the best cross-validated NDCG@10 on validation users, averaged over
the three corpora named in the README."""
FOLDS, K, SEED = 5, 10, 0


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

    @cached_property
    def _unmet(self) -> IntArray:
        """Catalogue indices of the items without training events."""
        return np.flatnonzero(self.item_counts == 0)

    def weights(
        self, histories: Sequence[History], encoded: EncodedHistories | None = None
    ) -> DoubleArray:
        """Weight of each component's log-probability at that moment, float64[n, n_components].

        For items without training events ``pool.unmet`` is added.
        """
        return np.asarray(self._gated(histories, encoded) @ self.pool.weights.T)

    def _gated(
        self, histories: Sequence[History], encoded: EncodedHistories | None = None
    ) -> DoubleArray:
        encoded = encoded or EncodedHistories.of(histories, self.item_index)
        return self.gate(features_of(histories, encoded, self.item_counts))

    def log_probabilities(self, histories: Sequence[History]) -> FloatArray:
        """Natural logs of probabilities over the whole catalogue, float32[n_histories, n_items].

        DomainError for a history with an item outside the catalogue.
        """
        encoded = EncodedHistories.of(histories, self.item_index)
        gated = self._gated(histories, encoded)
        weights = (gated @ self.pool.weights.T).astype(np.float32)
        unlike, index = distinct(histories)  # baselines read no text
        once = encoded
        if len(unlike) < len(histories):
            once = EncodedHistories.of(unlike, self.item_index)
        logits = np.tile(self._item_offsets, (len(histories), 1))
        logits[:, self._unmet] += (gated[:, 1:] @ self.pool.unmet_gate)[:, None]
        further = self.pool.unmet.astype(np.float32)
        for component, weight, more in zip(self.components, weights.T, further, strict=True):
            log_p = (
                component.log_probabilities_of(once)[index]
                if isinstance(component, Baseline)
                else component.log_probabilities(histories)
            )
            logits += weight[:, None] * log_p
            if more and len(self._unmet):
                logits[:, self._unmet] += more * log_p[:, self._unmet]
        return normalise(logits, encoded.consumed, self.repeat)

    def contributions(self, history: History) -> dict[str, DoubleArray]:
        """What each component adds to the logit of every item, float64[n_items] by id, in nats.

        ``seen in training`` is the items' own offset, which the case moves for unmet items. Among
        the items that the history excludes, and among the others, their sum is the score but for a
        constant.
        """
        weights, offsets = self.weights_of_items(history)
        added = {
            component.id: weights[component.id] * component.log_probabilities([history])[0]
            for component in self.components
        }
        added[SEEN] = offsets
        return added

    def weights_of_items(self, history: History) -> tuple[dict[str, DoubleArray], DoubleArray]:
        """What multiplies each component's log-probability of every item, and what is added.

        float64[n_items] by component id, and float64[n_items]: the items' own offset.
        """
        weights: dict[str, DoubleArray] = {}
        gated = self._gated([history])[0]
        for number, component in enumerate(self.components):
            weight = np.full(len(self.item_ids), float(gated @ self.pool.weights[number]))
            weight[self._unmet] += self.pool.unmet[number]
            weights[component.id] = weight
        offsets = self._item_offsets.astype(np.float64)
        offsets[self._unmet] += float(gated[1:] @ self.pool.unmet_gate)
        return weights, offsets

    def shares(self, history: History, item_id: str) -> dict[str, float]:
        """How much each component contributes to an item's score, in nats; adds up to the score.

        A component's share is its weight times what it gives this item above the catalogue's
        average; ``seen in training`` is the item's own offset above average, and ``base`` the rest:
        what an average item would score. DomainError for an unknown item.
        """
        index = self.item_index.get(item_id)
        if index is None:
            raise DomainError(
                tr("item {item!r} is not in the catalogue", item=item_id),
                remedy=tr("Choose an item of the corpus"),
            )
        score = float(self.log_probabilities([history])[0, index])
        added = self.contributions(history)
        shares = {part: float(nats[index] - nats.mean()) for part, nats in added.items()}
        shares[BASE] = score - sum(shares.values())
        return shares

    @property
    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Everything that was learned, by name."""
        return {
            "weights": self.pool.weights,
            "offsets": self.pool.offsets,
            "unmet": self.pool.unmet,
            "unmet_gate": self.pool.unmet_gate,
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

    @classmethod
    def load(
        cls, folder: Path, components: Mapping[str, Recommender], item_ids: tuple[str, ...]
    ) -> Joint:
        """Read what ``save`` wrote; DomainError where it is damaged or misses a component."""
        with reading_fitted("joint", folder):
            facts = read_object(folder / FACTS)
            tensors, _ = load_arrays(folder / TENSORS)
            check_catalogue("joint", tensors["item_counts"].size, item_ids, folder)
            names, n = facts["components"], len(FEATURES)
            for added, size in (("unmet", len(names)), ("unmet_gate", n)):  # older models
                tensors.setdefault(added, np.zeros(size))
            shapes = {
                "weights": (len(names), 1 + n),
                "offsets": (N_BUCKETS,),
                "unmet": (len(names),),
                "unmet_gate": (n,),
                "gate_mean": (n,),
                "gate_spread": (n,),
            }
            for name, shape in shapes.items():
                check_array(name, tensors[name], np.float64, shape)
            check_array("item_counts", tensors["item_counts"], np.int64, (len(item_ids),), low=0)
            repeat, validation = float(facts["repeat"]), facts["validation_ndcg"]
            if not 0 < repeat < 1 or len(set(names)) < len(names):
                raise ValueError("its settings are damaged")
            return cls(
                item_ids=item_ids,
                components=tuple(components[name] for name in names),
                pool=Pool(*(tensors[name] for name in POOL)),
                gate=Gate(tensors["gate_mean"], tensors["gate_spread"]),
                item_counts=tensors["item_counts"],
                repeat=repeat,
                validation_ndcg=None if validation is None else float(validation),
            )


def fit_joint(
    components: Sequence[Recommender],
    data: TrainingData,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    folds: int = FOLDS,
    start: Pool | None = None,
) -> Joint:
    """Weigh the components by the validation cases of ``data``.

    How sure the joint is, one factor on all logits, has the best likelihood on validation users
    whose case the weights had not seen (in so many ``folds``). Without validation cases all weigh
    alike. ``start``: weights of the same components by which the search over all cases begins; they
    may come from these cases, so the folds begin without them.
    """
    cases = data.validation[:: max(-(-len(data.validation) // MOST_CASES), 1)]
    histories = [case.history for case in cases]
    encoded = EncodedHistories.of(histories, data.item_index)
    features = features_of(histories, encoded, data.item_counts)
    gate = Gate.of(features)
    open_cases = [case.target not in case.history.excluded_items() for case in cases]
    repeat = (len(cases) - sum(open_cases) + 1.0) / (len(cases) + 100.0)
    usable = [case for case, is_open in zip(cases, open_cases, strict=True) if is_open]
    pool, value = Pool.equal(len(components), features.shape[1]), None
    if len(usable) >= FOLDS:
        gated = gate(features[open_cases])
        contenders = reduce_cases(components, usable, data, gated, progress, stop)
        pool, value = _fit(contenders, folds, start, progress, stop)
    return Joint(
        item_ids=data.item_ids,
        components=tuple(components),
        pool=pool,
        gate=gate,
        item_counts=data.item_counts,
        repeat=repeat,
        validation_ndcg=value,
    )


def reduce_cases(
    components: Sequence[Recommender],
    cases: Sequence[Case],
    data: TrainingData,
    gate: DoubleArray,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> Contenders:
    """Ask all components about all cases, keeping only the contenders of each.

    ``gate`` float64[n, 1 + n_features] of the cases, whose targets may all be listed.
    """
    targets = targets_of(cases, data.item_index)
    buckets = buckets_of(data.item_counts)
    log_ps: list[FloatArray] = []
    offsets: list[FloatArray] = []
    chosen: list[IntArray] = []
    for rows in batches(len(cases), data.n_items * len(components)):
        check_stop(stop)
        report(progress, Progress(mark("join recommenders"), rows.start, len(cases)))
        histories = [case.history for case in cases[rows]]
        log_p = np.stack(
            [component.log_probabilities(histories) for component in components], axis=1
        )
        for number, (history, of_case) in enumerate(zip(histories, log_p, strict=True), rows.start):
            eligible = ~excluded_mask(history, data.item_index)
            items, offset = choose_contenders(
                of_case, int(targets[number]), eligible, MOST_CONTENDERS, number
            )
            log_ps.append(of_case[:, items])
            offsets.append(offset)
            chosen.append(items)
    stacked = np.ascontiguousarray(np.stack(log_ps, axis=1))
    return Contenders(stacked, np.array(offsets), buckets[np.array(chosen)], gate)


def _fit(
    cases: Contenders,
    folds: int,
    start: Pool | None,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> tuple[Pool, float]:
    """The pool of all cases, and the NDCG@10 on each fold by a pool of the others."""
    n = len(cases)
    fold = np.random.default_rng(SEED).permutation(n) % folds
    held_out = np.empty_like(cases.offset)
    for number in range(folds):
        check_stop(stop)
        report(progress, Progress(mark("weigh recommenders"), number, folds))
        pool = fit_pool(cases.take(fold != number), POWER, PENALTY / n)  # start has seen them all
        held_out[fold == number] = cases.take(fold == number).own(pool)
    value = float(ndcg(contender_ranks(held_out, cases.offset), K).mean())
    factor = best_factor(held_out, cases.offset)
    return fit_pool(cases, POWER, PENALTY / n, start=start).scaled(factor), value


def contender_ranks(own: FloatArray, offset: FloatArray) -> DoubleArray:
    """Rank of the target (column 0) with each contender counted as often as it stands for.

    ``own`` are the items' logits without ``offset``: taking it out again would round equal ones
    apart, all to the same side.
    """
    weight = np.exp(offset)
    weight[:, 0] = 0.0
    above = (own > own[:, :1]) + 0.5 * (own == own[:, :1])
    return np.asarray(1.0 + (weight * above).sum(axis=1, dtype=np.float64))


def best_factor(own: FloatArray, offset: FloatArray) -> float:
    """The factor on all logits under which the targets are likeliest."""

    def loss(log_factor: float) -> float:
        scaled = offset + np.float32(np.exp(log_factor)) * own
        top = scaled.max(axis=1)
        total = np.log(np.exp(scaled - top[:, None]).sum(axis=1)) + top
        return float((total - scaled[:, 0]).mean())

    from scipy.optimize import minimize_scalar

    optimum = minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded", options={"xatol": 0.01})
    return float(np.exp(optimum.x))

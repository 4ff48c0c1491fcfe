"""A baseline: what scores items, and the curve that makes the scores probabilities."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from safetensors import SafetensorError
from safetensors.numpy import load_file

from core.arrays import FloatArray
from core.domain import DomainError, History
from core.files import replace_text, save_arrays
from core.recommend.calibration import Calibration
from core.recommend.histories import EncodedHistories
from core.recommend.registry import SCORERS, Scorer

SPARSE_ARRAYS = ("data", "indices", "indptr")


@dataclass(frozen=True)
class Trial:
    """One setting that was tried and its validation NDCG@10."""

    setting: dict[str, float]
    ndcg: float


@dataclass(frozen=True, eq=False)
class Baseline:
    """A fitted baseline; satisfies ``core.recommend.protocol.Recommender``.

    ``log_share`` float32[n_items] is the log of each item's smoothed share of training events.
    """

    id: str
    item_ids: tuple[str, ...]
    scorer: Scorer
    calibration: Calibration
    log_share: FloatArray
    trials: tuple[Trial, ...] = ()

    @cached_property
    def item_index(self) -> Mapping[str, int]:
        """Catalogue index of each item id."""
        return {item: index for index, item in enumerate(self.item_ids)}

    def log_probabilities(self, histories: Sequence[History]) -> FloatArray:
        """Natural logs of probabilities over the whole catalogue, float32[n_histories, n_items].

        DomainError for a history with an item outside the catalogue.
        """
        return self.log_probabilities_of(EncodedHistories.of(histories, self.item_index))

    def log_probabilities_of(self, encoded: EncodedHistories) -> FloatArray:
        """The same of histories that are encoded already."""
        return self.calibration.log_probabilities(
            self.scorer.scores(encoded), self.log_share, encoded.consumed
        )

    def save(self, folder: Path) -> None:
        """Write ``ID.safetensors`` and ``ID.json`` into a folder; item ids are the caller's."""
        tensors: dict[str, Any] = {"log_share": self.log_share}
        settings: dict[str, float] = {}
        for field in fields(self.scorer):
            value = getattr(self.scorer, field.name)
            if isinstance(value, np.ndarray):
                tensors[field.name] = np.ascontiguousarray(value)
            elif sp.issparse(value):
                arrays = {name: getattr(value, name) for name in SPARSE_ARRAYS}
                tensors |= {f"{field.name}.{name}": array for name, array in arrays.items()}
                tensors[f"{field.name}.shape"] = np.array(value.shape, np.int64)
            else:
                settings[field.name] = float(value)
        facts = {
            "id": self.id,
            "n_items": len(self.item_ids),
            "settings": settings,
            "calibration": asdict(self.calibration),
            "trials": [asdict(trial) for trial in self.trials],
        }
        save_arrays(folder / f"{self.id}.safetensors", tensors)
        replace_text(folder / f"{self.id}.json", json.dumps(facts, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path, name: str, item_ids: tuple[str, ...]) -> Baseline:
        """Read what ``save`` wrote; DomainError for a damaged file or another catalogue."""
        with reading_fitted(name, folder):
            facts = json.loads((folder / f"{name}.json").read_text("utf-8"))
            tensors = load_file(folder / f"{name}.safetensors")
            scorer_class = SCORERS[facts["id"]]
            values: dict[str, Any] = dict(facts["settings"])
            for field in fields(scorer_class):
                if field.name in tensors:
                    values[field.name] = tensors[field.name]
                elif f"{field.name}.shape" in tensors:
                    arrays = (tensors[f"{field.name}.{array}"] for array in SPARSE_ARRAYS)
                    shape = tuple(tensors[f"{field.name}.shape"].tolist())
                    values[field.name] = sp.csr_matrix(tuple(arrays), shape)
            check_catalogue(name, len(tensors["log_share"]), item_ids, folder)
            return cls(
                id=facts["id"],
                item_ids=item_ids,
                scorer=scorer_class(**values),
                calibration=Calibration(**facts["calibration"]),
                log_share=tensors["log_share"],
                trials=tuple(Trial(**trial) for trial in facts["trials"]),
            )


@contextmanager
def reading_fitted(name: str, folder: Path) -> Iterator[None]:
    """What a damaged file of a fitted recommender raises becomes a ``DomainError``."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise DomainError(
            f"the recommender {name} can't be read ({type(error).__name__})",
            where=str(folder),
            remedy="Train the model again",
        ) from None


def check_catalogue(name: str, fitted: int, item_ids: tuple[str, ...], folder: Path) -> None:
    """DomainError where a recommender was fitted on another number of items."""
    if fitted != len(item_ids):
        raise DomainError(
            f"the recommender {name} was made for another catalogue",
            where=str(folder),
            remedy="Train a model on the current corpus",
        )

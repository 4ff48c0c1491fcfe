"""A baseline: what scores items, and the curve that makes the scores probabilities.

Settings are chosen by validation NDCG@10, curves by validation likelihood.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from core.arrays import FloatArray, check_array
from core.domain import DomainError, History
from core.files import (
    Damaged,
    is_held,
    load_arrays,
    read_object,
    reason_of,
    replace_text,
    save_arrays,
    verify,
)
from core.language import mark, tr
from core.measure.cases import targets_of
from core.measure.metrics import ndcg
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.ranking import target_ranks
from core.recommend.calibration import Calibration, fit_calibration, log_training_share
from core.recommend.checking import check_csr, check_fields
from core.recommend.registry import SCORERS, Scorer
from core.recommend.training_data import Catalogued, EncodedHistories, TrainingData

CELLS_OF_VALIDATION = 48_000_000
"""Scores held while choosing: 192 MB. More cases than fit are thinned evenly, to 256 at least."""
K = 10
SPARSE_ARRAYS = ("data", "indices", "indptr")


@dataclass(frozen=True)
class Trial:
    """One setting that was tried and its validation NDCG@10."""

    setting: dict[str, float]
    ndcg: float


@dataclass(frozen=True, eq=False)
class Baseline(Catalogued):
    """A fitted baseline; satisfies ``core.recommend.protocol.Recommender``.

    ``log_share`` float32[n_items] is the log of each item's smoothed share of training events.
    """

    id: str
    item_ids: tuple[str, ...]
    scorer: Scorer
    calibration: Calibration
    log_share: FloatArray
    trials: tuple[Trial, ...] = ()

    @property
    def setting(self) -> dict[str, float]:
        """The setting that validation chose: the first of the best, curves left out."""
        tried = [trial for trial in self.trials if "prior" not in trial.setting]
        return max(tried, key=lambda trial: trial.ndcg).setting

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
            facts = read_object(folder / f"{name}.json")
            tensors, _ = load_arrays(folder / f"{name}.safetensors")
            if facts["id"] != name:
                raise ValueError(f"it holds the recommender {facts['id']!r}")
            check_catalogue(name, tensors["log_share"].size, item_ids, folder)
            log_share = check_array(
                "log_share", tensors["log_share"], np.float32, (len(item_ids),), high=0
            )
            if abs(float(np.exp(log_share.astype(np.float64)).sum()) - 1.0) > 1e-3:
                raise ValueError("log_share holds no shares")
            return cls(
                id=name,
                item_ids=item_ids,
                scorer=_read_scorer(SCORERS[name], facts["settings"], tensors, len(item_ids)),
                calibration=Calibration.read(facts["calibration"]),
                log_share=log_share,
                trials=tuple(Trial(**trial) for trial in facts["trials"]),
            )


def _read_scorer(
    scorer_class: type[Scorer],
    settings: dict[str, Any],
    tensors: dict[str, npt.NDArray[Any]],
    n_items: int,
) -> Scorer:
    """A scorer of numbers and arrays that are what its class says; else ValueError."""
    values: dict[str, Any] = {name: float(value) for name, value in settings.items()}
    for field in fields(scorer_class):
        if field.name in tensors:
            values[field.name] = tensors[field.name]
        elif f"{field.name}.shape" in tensors:
            data, indices, indptr = (tensors[f"{field.name}.{part}"] for part in SPARSE_ARRAYS)
            shape = tuple(tensors[f"{field.name}.shape"].tolist())
            values[field.name] = check_csr(field.name, data, indices, indptr, shape)
    scorer = scorer_class(**values)
    check_fields(scorer, n_items)
    return scorer


@contextmanager
def reading_fitted(name: str, folder: Path) -> Iterator[None]:
    """What a damaged file of a fitted recommender raises becomes ``Damaged``.

    Its files are held to the hashes of the model folder first.
    """
    remedy = tr("Train the model again")
    try:
        home = folder.parent
        files = (f"{folder.name}/{name}{suffix}" for suffix in (".json", ".safetensors"))
        verify(home, files, remedy=remedy)
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise Damaged(
            tr(
                "the recommender {name} can't be read: {reason}", name=name, reason=reason_of(error)
            ),
            where=str(folder),
            remedy=remedy,
        ) from None


def check_catalogue(name: str, fitted: int, item_ids: tuple[str, ...], folder: Path) -> None:
    """DomainError where a recommender was fitted on another number of items."""
    if fitted != len(item_ids):
        raise DomainError(
            tr("the recommender {name} was made for another catalogue", name=name),
            where=str(folder),
            remedy=tr("Train a model on the current corpus"),
        )


def fit_baselines(
    data: TrainingData,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    only: Collection[str] = (),
) -> dict[str, Baseline]:
    """Fit every baseline that has a setting for this corpus, by id; the same data, the same fit.

    ``only`` names those that are wanted; none means all.
    """
    most = max(CELLS_OF_VALIDATION // max(data.n_items, 1), 256)
    cases = data.validation[:: max(-(-len(data.validation) // most), 1)]
    histories = EncodedHistories.of([case.history for case in cases], data.item_index)
    targets = targets_of(cases, data.item_index)
    log_share = log_training_share(data.item_counts)

    def judge(scores: FloatArray) -> float:
        """Mean validation NDCG@10 of scores or log-probabilities; 0 without cases."""
        ranks = target_ranks(scores, targets, histories.consumed)
        return float(ndcg(ranks, K).mean()) if len(ranks) else 0.0

    def choose(name: str, grid: Iterator[tuple[dict[str, float], Scorer]]) -> Baseline | None:
        """The setting with the best ranking, then the better of its two curves."""
        trials: list[Trial] = []
        best: tuple[float, Scorer, FloatArray] | None = None
        for setting, scorer in grid:
            check_stop(stop)
            scores = scorer.scores(histories)
            value = judge(scores)
            trials.append(Trial(setting, value))
            if best is None or value > best[0]:
                best = (value, scorer, scores)
            del scorer, scores  # else the next would be made beside them
        if best is None:
            return None
        _, scorer, scores = best
        curves: list[tuple[float, Calibration]] = []
        for with_prior in (False, True):
            check_stop(stop)
            curve = fit_calibration(scores, targets, histories.consumed, log_share, with_prior)
            calibrated = curve.log_probabilities(scores, log_share, histories.consumed)
            curves.append((judge(calibrated), curve))
            trials.append(Trial({"prior": curve.prior}, curves[-1][0]))
        chosen = max(curves, key=lambda pair: pair[0])[1]
        return Baseline(name, data.item_ids, scorer, chosen, log_share, tuple(trials))

    baselines: dict[str, Baseline] = {}
    wanted = {name: scorer for name, scorer in SCORERS.items() if not only or name in only}
    for done, (name, scorer_class) in enumerate(wanted.items()):
        report(progress, Progress(tr("fit {name}", name=name), done, len(wanted)))
        best = choose(name, scorer_class.grid(data))
        if best is not None:
            baselines[name] = best
    report(progress, Progress(mark("fit baselines"), len(wanted), len(wanted)))
    return baselines


def save_baselines(baselines: dict[str, Baseline], folder: Path) -> None:
    """Write every baseline into one folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for baseline in baselines.values():
        baseline.save(folder)


def load_baselines(folder: Path, item_ids: tuple[str, ...]) -> dict[str, Baseline]:
    """Read the baselines of a folder, in the order of tables; none where there are none."""
    return {
        name: Baseline.load(folder, name, item_ids)
        for name in SCORERS
        if is_held(folder.parent, f"{folder.name}/{name}.json")
    }

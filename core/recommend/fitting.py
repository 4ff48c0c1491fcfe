"""Fit all baselines: settings by validation NDCG@10, curves by validation likelihood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.arrays import FloatArray, IntArray
from core.measure.cases import targets_of
from core.measure.metrics import ndcg
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.ranking import target_ranks
from core.recommend.baseline import Baseline, Trial
from core.recommend.calibration import Calibration, fit_calibration, log_training_share
from core.recommend.histories import EncodedHistories
from core.recommend.registry import SCORERS, Scorer
from core.recommend.training_data import TrainingData

CELLS_OF_VALIDATION = 16_000_000
"""Scores held while choosing: 64 MB. More cases than fit are thinned evenly, to 256 at least."""
K = 10


def fit_baselines(
    data: TrainingData,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> dict[str, Baseline]:
    """Fit every baseline that has a setting for this corpus, by id; the same data, the same fit."""
    baselines: dict[str, Baseline] = {}
    judge = _Judge.of(data)
    for done, (name, scorer) in enumerate(SCORERS.items()):
        report(progress, Progress(f"fit {name}", done, len(SCORERS)))
        best = _choose(name, scorer.grid(data), judge, stop)
        if best is not None:
            baselines[name] = best
    report(progress, Progress("fit baselines", len(SCORERS), len(SCORERS)))
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
        if (folder / f"{name}.json").is_file()
    }


@dataclass(frozen=True, eq=False)
class _Judge:
    """The validation cases as arrays, and what every baseline shares."""

    item_ids: tuple[str, ...]
    histories: EncodedHistories
    targets: IntArray
    log_share: FloatArray

    @classmethod
    def of(cls, data: TrainingData) -> _Judge:
        most = max(CELLS_OF_VALIDATION // max(data.n_items, 1), 256)
        cases = data.validation[:: max(-(-len(data.validation) // most), 1)]
        return cls(
            data.item_ids,
            EncodedHistories.of([case.history for case in cases], data.item_index),
            targets_of(cases, data.item_index),
            log_training_share(data.item_counts),
        )

    def ndcg(self, scores: FloatArray) -> float:
        """Mean validation NDCG@10 of scores or log-probabilities; 0 without cases."""
        ranks = target_ranks(scores, self.targets, self.histories.consumed)
        return float(ndcg(ranks, K).mean()) if len(ranks) else 0.0


def _choose(
    name: str,
    grid: Iterator[tuple[dict[str, float], Scorer]],
    judge: _Judge,
    stop: StopCallback | None,
) -> Baseline | None:
    """The setting with the best ranking, then the better of its two curves."""
    trials: list[Trial] = []
    best: tuple[float, Scorer, FloatArray] | None = None
    for setting, scorer in grid:
        check_stop(stop)
        scores = scorer.scores(judge.histories)
        value = judge.ndcg(scores)
        trials.append(Trial(setting, value))
        if best is None or value > best[0]:
            best = (value, scorer, scores)
    if best is None:
        return None
    _, scorer, scores = best
    curves: list[tuple[float, Calibration]] = []
    for with_prior in (False, True):
        check_stop(stop)
        curve = fit_calibration(
            scores, judge.targets, judge.histories.consumed, judge.log_share, with_prior
        )
        calibrated = curve.log_probabilities(scores, judge.log_share, judge.histories.consumed)
        curves.append((judge.ndcg(calibrated), curve))
        trials.append(Trial({"prior": curve.prior}, curves[-1][0]))
    chosen = max(curves, key=lambda pair: pair[0])[1]
    return Baseline(name, judge.item_ids, scorer, chosen, judge.log_share, tuple(trials))

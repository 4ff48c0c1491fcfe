"""Fit all baselines: settings by validation NDCG@10, curves by validation likelihood."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from core.arrays import FloatArray, IntArray
from core.measure.cases import Case, targets_of
from core.measure.metrics import ndcg
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.ranking import target_ranks
from core.recommend.baseline import SCORERS, Baseline, Scorer, Trial
from core.recommend.calibration import Calibration, fit_calibration, log_training_share
from core.recommend.content import Content, centre
from core.recommend.counts import Popularity, RecentPopularity
from core.recommend.ease import MOST_ITEMS, Ease
from core.recommend.histories import EncodedHistories
from core.recommend.neighbours import ItemNeighbours, Transitions
from core.recommend.training_data import TrainingData

CELLS_OF_VALIDATION = 16_000_000
"""Scores held while choosing: 64 MB. More cases than fit are thinned evenly, to 256 at least."""
K = 10

Settings = Iterator[tuple[dict[str, float], Scorer]]


def fit_baselines(
    data: TrainingData,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> dict[str, Baseline]:
    """Fit every baseline that the corpus allows, by id.

    ``ease`` is left out above 20,000 items, ``content`` without item text. The same data gives the
    same baselines.
    """
    found: dict[str, Baseline] = {}
    judge = _Judge.of(data)
    for done, (name, settings) in enumerate(_GRIDS.items()):
        report(progress, Progress(f"fit {name}", done, len(_GRIDS)))
        best = _choose(name, settings(data), judge, stop)
        if best is not None:
            found[name] = best
    report(progress, Progress("fit baselines", len(_GRIDS), len(_GRIDS)))
    return found


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


def thinned(cases: tuple[Case, ...], n_items: int) -> tuple[Case, ...]:
    """Evenly spaced cases whose scores fit into ``CELLS_OF_VALIDATION``."""
    most = max(CELLS_OF_VALIDATION // max(n_items, 1), 256)
    return cases[:: max(-(-len(cases) // most), 1)]


@dataclass(frozen=True, eq=False)
class _Judge:
    """The validation cases as arrays, and what every baseline shares."""

    item_ids: tuple[str, ...]
    histories: EncodedHistories
    targets: IntArray
    log_share: FloatArray

    @classmethod
    def of(cls, data: TrainingData) -> _Judge:
        chosen = thinned(data.validation, data.n_items)
        return cls(
            data.item_ids,
            EncodedHistories.of([case.history for case in chosen], data.item_index),
            targets_of(chosen, data.item_index),
            log_training_share(data.item_counts),
        )

    def ndcg(self, scores: FloatArray) -> float:
        """Mean validation NDCG@10 of scores or log-probabilities; 0 without cases."""
        ranks = target_ranks(scores, self.targets, self.histories.consumed)
        return float(ndcg(ranks, K).mean()) if len(ranks) else 0.0


def _choose(
    name: str, settings: Settings, judge: _Judge, stop: StopCallback | None
) -> Baseline | None:
    """The setting with the best ranking, then the better of its two curves."""
    trials: list[Trial] = []
    best: tuple[float, Scorer, FloatArray] | None = None
    for setting, scorer in settings:
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


def _popularity(data: TrainingData) -> Settings:
    yield {}, Popularity.of(data)


def _recent_popularity(data: TrainingData) -> Settings:
    recent = RecentPopularity.of(data, 1.0)
    for window in (30.0, 90.0, 180.0, 365.0, 730.0):
        yield {"window": window}, replace(recent, window=window)


def _transitions(data: TrainingData) -> Settings:
    for reach in (1, 3, 10, 30):
        following = Transitions.following_within(data, reach)
        for decay in (0.0, 0.5, 0.7, 0.85):
            yield {"reach": reach, "decay": decay}, Transitions(following, decay)


def _item_neighbours(data: TrainingData) -> Settings:
    for shrinkage, decay in product((0.0, 5.0, 20.0), (0.4, 0.7, 0.85, 1.0)):
        neighbours = ItemNeighbours(data.user_items, shrinkage, decay)
        yield {"shrinkage": shrinkage, "decay": decay}, neighbours


def _ease(data: TrainingData) -> Settings:
    if data.n_items > MOST_ITEMS:
        return
    for regularisation in (20.0, 50.0, 100.0, 200.0, 500.0):
        solved = Ease.of(data, regularisation, 1.0)
        for decay in (0.7, 0.85, 0.95, 1.0):
            yield {"regularisation": regularisation, "decay": decay}, replace(solved, decay=decay)


def _content(data: TrainingData) -> Settings:
    if data.item_vectors is None or not data.item_vectors.any():
        return
    for whiten in (False, True):
        vectors = centre(data.item_vectors, whiten)
        for decay in (0.3, 0.5, 0.7, 0.85):
            yield {"whiten": float(whiten), "decay": decay}, Content(vectors, decay)


_GRIDS: dict[str, Callable[[TrainingData], Settings]] = {
    "popularity": _popularity,
    "recent-popularity": _recent_popularity,
    "transitions": _transitions,
    "item-knn": _item_neighbours,
    "ease": _ease,
    "content": _content,
}

"""After the choice: the same settings learned once more, with the validation events as well.

Settings, curves and the joint's weights stay as validation chose them; only what is counted grows.
Judged on test events, that is as honest as without: neither choice nor refit has seen them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from core.arrays import PartArray
from core.domain import DomainError, Part
from core.language import mark, tr
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.recommend.baseline import Baseline
from core.recommend.calibration import log_training_share
from core.recommend.joint import Joint
from core.recommend.protocol import Recommender
from core.recommend.training_data import TrainingData


def with_validation(parts: PartArray) -> PartArray:
    """The split with validation events as training events, int8[n_events] of ``Part``."""
    return np.where(parts == Part.VALIDATION, Part.TRAIN, parts).astype(np.int8)


def refit_baseline(
    baseline: Baseline, data: TrainingData, stop: StopCallback | None = None
) -> Baseline:
    """The baseline's chosen setting fitted on ``data``, under the curve it has.

    DomainError where this version doesn't try that setting any more.
    """
    setting = baseline.setting
    for tried, scorer in type(baseline.scorer).grid(data, setting):
        check_stop(stop)
        if tried == setting:
            share = log_training_share(data.item_counts)
            return replace(baseline, scorer=scorer, log_share=share)
        del scorer
    raise DomainError(
        tr(
            "{id} can't be refitted: its setting {setting} is no longer tried",
            id=baseline.id,
            setting=setting,
        ),
        remedy=tr("Train the model again"),
    )


def refit(
    recommenders: Iterable[Recommender],
    data: TrainingData,
    refitted: Mapping[str, Recommender] | None = None,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> dict[str, Recommender]:
    """Every baseline and joint among ``recommenders`` refitted on ``data``, by id.

    ``data`` holds the validation events as training rows. ``refitted`` are components that were
    refitted elsewhere, such as the interest model; the joint keeps those it finds in neither.
    """
    known = list(recommenders)
    baselines = [each for each in known if isinstance(each, Baseline)]
    made: dict[str, Recommender] = dict(refitted or {})
    for done, baseline in enumerate(baselines):
        report(progress, Progress(tr("refit {name}", name=baseline.id), done, len(baselines)))
        made[baseline.id] = refit_baseline(baseline, data, stop)
    report(progress, Progress(mark("refit"), len(baselines), len(baselines)))
    for each in known:
        if isinstance(each, Joint):
            components = tuple(made.get(component.id, component) for component in each.components)
            made[each.id] = replace(each, components=components, item_counts=data.item_counts)
    return made

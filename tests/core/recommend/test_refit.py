"""A refit counts the validation events in, keeps every choice, and reads no test event."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.corpus.split import leave_last_out
from core.corpus.store import Corpus
from core.domain import DomainError, Part
from core.recommend.baseline import Baseline, Trial
from core.recommend.joint import Joint, fit_joint
from core.recommend.refit import refit, refit_baseline, with_validation
from core.recommend.registry import SCORERS
from core.recommend.training_data import EncodedHistories, TrainingData


@pytest.fixture(scope="module")
def grown(corpus: Corpus, data: TrainingData) -> TrainingData:
    parts = with_validation(leave_last_out(corpus.events))
    return TrainingData.of(corpus, parts, data.item_vectors)


def test_the_split_gains_the_validation_events_and_no_test_event(
    corpus: Corpus, data: TrainingData, grown: TrainingData
) -> None:
    parts = leave_last_out(corpus.events)
    assert (with_validation(parts) == Part.TEST).sum() == (parts == Part.TEST).sum()
    assert len(grown.item) - len(data.item) == (parts == Part.VALIDATION).sum() > 0
    assert grown.validation == ()


def test_every_baseline_keeps_its_choice_and_counts_more(
    baselines: dict[str, Baseline], data: TrainingData, grown: TrainingData
) -> None:
    made = refit(baselines.values(), grown)
    assert list(made) == list(baselines)
    for name, before in baselines.items():
        after = made[name]
        assert isinstance(after, Baseline)
        assert (after.calibration, after.trials) == (before.calibration, before.trials)
        again = refit_baseline(before, data)
        histories = [case.history for case in data.validation[:5]]
        np.testing.assert_array_equal(
            again.log_probabilities(histories), before.log_probabilities(histories)
        )
    popularity = made["popularity"].scorer.counts  # type: ignore[attr-defined]
    np.testing.assert_array_equal(popularity, grown.item_counts)


def test_the_joint_takes_refitted_components_and_keeps_its_weights(
    baselines: dict[str, Baseline], data: TrainingData, grown: TrainingData
) -> None:
    joint = fit_joint(list(baselines.values()), data)
    elsewhere = replace(baselines["content"], id="interest")
    before = replace(joint, components=(elsewhere, *joint.components[1:]))
    learned = replace(elsewhere)
    made = refit([before, *baselines.values()], grown, {"interest": learned})
    after = made["joint"]
    assert isinstance(after, Joint)
    assert after.pool is joint.pool
    assert after.components[0] is learned
    assert after.components[1] is made[after.components[1].id]
    np.testing.assert_array_equal(after.item_counts, grown.item_counts)
    total = np.exp(after.log_probabilities([data.validation[0].history])).sum()
    assert total == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("name", SCORERS)
def test_a_setting_fitted_alone_is_the_one_of_the_whole_grid(
    name: str,
    all_baselines: dict[str, Baseline],
    data: TrainingData,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Settings share fits; what is fitted for one of them alone must not differ by a bit."""
    baseline = all_baselines[name]
    if name == "sparse-ease":
        monkeypatch.setattr("core.recommend.scorers.MOST_ITEMS", 0)
    histories = EncodedHistories.of([case.history for case in data.validation], data.item_index)
    grid = {tuple(made.items()): scorer for made, scorer in type(baseline.scorer).grid(data)}
    for setting in list(grid)[:: max(len(grid) // 5, 1)]:
        chosen = replace(baseline, trials=(Trial(dict(setting), 0.5),))
        alone = refit_baseline(chosen, data).scorer
        np.testing.assert_array_equal(alone.scores(histories), grid[setting].scores(histories))


def test_a_setting_that_is_no_longer_tried_is_said(
    baselines: dict[str, Baseline], grown: TrainingData
) -> None:
    strange = replace(baselines["transitions"], trials=(Trial({"reach": 4, "decay": 0.1}, 0.5),))
    with pytest.raises(DomainError, match="no longer tried"):
        refit_baseline(strange, grown)


@pytest.mark.parametrize(
    ("name", "limit", "setting"),
    [
        ("ials", "factors.MOST_PAIRS", {"unobserved": 0.3, "penalty": 0.003, "decay": 0.5}),
        ("ease", "scorers.MOST_DOUBLE", {"regularisation": 20.0, "decay": 0.85}),
    ],
)
def test_a_chosen_setting_is_refitted_where_a_choice_would_now_try_fewer(
    name: str,
    limit: str,
    setting: dict[str, float],
    baselines: dict[str, Baseline],
    grown: TrainingData,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The validation events that a refit counts in may lift a corpus above the limit."""
    chosen = replace(baselines[name], trials=(Trial(setting, 0.5),))
    monkeypatch.setattr(f"core.recommend.{limit}", 10)
    tried = [made for made, _ in SCORERS[name].grid(grown)]
    assert setting not in tried
    made = refit_baseline(chosen, grown).scorer
    assert made.decay == setting["decay"]  # type: ignore[attr-defined]

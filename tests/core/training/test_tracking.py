"""What a tracker is told of a training, and that the training never fails with it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from core.domain import DomainError
from core.progress import Progress
from core.training.tracking import POINTS, Tracking, open_tracker


class Kept:
    """A tracker that remembers; it breaks down after ``good`` calls."""

    def __init__(self, good: int = 10_000) -> None:
        self.said: list[tuple[object, ...]] = []
        self._good = good

    def _keep(self, *said: object) -> None:
        if len(self.said) >= self._good:
            raise OSError("no space left\non the device")
        self.said.append(said)

    def settings(self, values: Mapping[str, object]) -> None:
        self._keep("settings", dict(values))

    def figures(self, step: int, values: Mapping[str, float]) -> None:
        self._keep(step, dict(values))

    def close(self, done: bool) -> None:
        self._keep("close", done)


def test_figures_are_logged_by_their_stage_and_passed_on() -> None:
    kept, passed = Kept(), []
    tracking = Tracking(kept)
    tell = tracking.told(passed.append)
    tell(Progress("Encoding texts", 3, 9))
    for step in range(1, 1001):
        tell(Progress("Training", step, 1000, figures={"loss": 1.0 / step}))
    # An epoch ends: its last step is told again, with what validation said of it.
    tell(Progress("Training", 7, 1000, figures={"loss": 0.5, "validation NDCG@10": 0.1}))
    tell(Progress("Training", 8, 1000, figures={"loss": 0.5, "validation NDCG@10": 0.1}))
    tell(Progress("Training", 8, 1000, figures={"loss": 0.4, "validation NDCG@10": 0.3}))
    tracking.results({"test NDCG@10/joint": 0.4})
    tracking.close(True)
    assert (8, {"Training/loss": 0.4, "Training/validation NDCG@10": 0.3}) in kept.said
    assert len(passed) == 1004 and len(kept.said) <= POINTS + 5
    assert (1000, {"Training/loss": 0.001}) in kept.said
    assert kept.said[-2:] == [(0, {"test NDCG@10/joint": 0.4}), ("close", True)]


def test_a_tracker_that_breaks_down_is_left_and_the_training_goes_on() -> None:
    kept, passed = Kept(good=1), []
    tracking = Tracking(kept)
    tracking.settings({"corpus": "shop"})
    tell = tracking.told(passed.append)
    for step in range(5):
        tell(Progress("Training", step, 5, figures={"loss": 1.0}))
    tracking.close(False)
    assert len(passed) == 5 and kept.said == [("settings", {"corpus": "shop"})]
    assert tracking.problem == "no space left"


@pytest.mark.parametrize("asked", ["tensorboard", "tensorboard:", "wandb:x", ""])
def test_another_form_is_a_mistake_of_the_reader(asked: str) -> None:
    with pytest.raises(DomainError, match="is not tensorboard:DIR or mlflow:URI"):
        open_tracker(asked, "shop")


@pytest.mark.parametrize("module", ["mlflow", "tensorboard"])
def test_a_missing_package_is_named(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    with pytest.raises(DomainError, match=f"{module} can't be imported") as refused:
        open_tracker(f"{module}:{tmp_path}", "shop")
    assert refused.value.remedy == f"Install it: pip install {module}"


def test_tensorboard_reads_what_was_logged(tmp_path: Path) -> None:
    """Where TensorBoard is installed, which it is not in every environment."""
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    tracker = open_tracker(f"tensorboard:{tmp_path}", "shop")
    tracker.settings({"epochs": 3})
    tracker.figures(7, {"Training/validation NDCG@10": 0.25})
    tracker.close(True)
    (run,) = tmp_path.iterdir()
    read = events.EventAccumulator(str(run))
    read.Reload()
    (scalar,) = read.Scalars("Training/validation NDCG@10")
    assert run.name.startswith("shop-") and (scalar.step, scalar.value) == (7, 0.25)

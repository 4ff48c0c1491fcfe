"""``metrics.json`` of a model folder: how good a model is and how its training went."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from core.encode.sentiment import SentimentQuality
from core.files import Damaged, is_held, replace_text, verify
from core.language import tr
from core.measure.cases import Sample

METRICS = "metrics.json"


class Score(BaseModel):
    """Means of one recommender over the targets; None where nothing could be measured.

    ``ndcg_ci`` is the 95 % interval, ``log_probability`` in nats, ``novelty`` in bits.
    """

    model_config = ConfigDict(frozen=True)

    recommender: str
    ndcg: float | None = None
    ndcg_ci: tuple[float | None, float | None] = (None, None)
    recall: float | None = None
    mrr: float | None = None
    log_probability: float | None = None
    coverage: float | None = None
    novelty: float | None = None
    diversity: float | None = None
    popularity_bias: float | None = None

    def __str__(self) -> str:
        low, high = self.ndcg_ci
        if self.ndcg is None or low is None or high is None:
            return "–"
        return f"{self.ndcg:.4f} [{low:.4f}, {high:.4f}]"


class Epoch(BaseModel):
    """One line of the training curve; the first, before any training, has no loss."""

    model_config = ConfigDict(frozen=True)

    epoch: int
    loss: float | None
    validation_ndcg: float | None
    seconds: float | None = None
    validation_loss: float | None = None
    """Like ``loss``, of the validation events: nats per event among the items met in training."""


class UpdateFacts(BaseModel):
    """What an update learned, replayed and forgot.

    ``new_targets`` are training events that the parent had not learned; ``replayed`` of the known
    ones were replayed in each epoch, with ``strength`` times their divergence from the parent.
    ``before`` and ``after`` are the NDCG@10 of parent and update on the test targets;
    ``kept_before`` and ``kept_after`` the same on the ``kept_targets`` of users without a new
    event, which neither has learned: what was forgotten. None where nobody could be judged.
    """

    model_config = ConfigDict(frozen=True)

    new_events: int
    new_users: int
    new_items: int
    new_targets: int
    replayed: int
    strength: float
    before: float | None = None
    after: float | None = None
    kept_targets: int = 0
    kept_before: float | None = None
    kept_after: float | None = None
    moved: float | None = None
    """Median distance on the map between a known state by the parent and by the update, as a share
    of the median step."""
    compared: int | None = None
    """Items drawn over which a step compared distributions with the parent's; None for all."""


class SampleFacts(BaseModel):
    """What a large corpus was looked at by a sample of; None where all was looked at.

    Of ``test`` and ``validation`` cases in all, ``Metrics.targets`` were ranked and
    ``validation_judged`` judged after each epoch. ``negatives`` items were drawn for each step's
    softmax.
    """

    model_config = ConfigDict(frozen=True)

    test: int | None = None
    validation: int | None = None
    validation_judged: int | None = None
    negatives: int | None = None
    strengths: int | None = None
    """Regularisations of iALS that were tried, where not all were."""


class Metrics(BaseModel):
    """Test results of the recommenders, the training curve, sentiment and map quality.

    Whatever a file lacks has its default, so that a model of another version shows the rest.
    """

    model_config = ConfigDict(frozen=True)

    protocol: str = "leave-last-out"
    users: int = 0
    targets: int = 0
    excluded_targets: int = 0
    results: tuple[Score, ...] = ()
    unseen_targets: int = 0
    training: tuple[Epoch, ...] = ()
    best_epoch: int | None = None
    sentiment: SentimentQuality | None = None
    trustworthiness: float | None = None
    seconds: dict[str, float] | None = None
    """Seconds by stage of the training; None where no time was recorded."""
    unknown: float | None = None
    """Share of word pieces in a sample of the texts that the encoder does not know, 0 to 1."""
    unknown_scripts: dict[str, float] = {}
    """The same by script, where any is unknown."""
    update: UpdateFacts | None = None
    """None for a model that was trained from nothing."""
    sample: SampleFacts | None = None
    """None where everything was looked at."""

    @property
    def sampled(self) -> Sample | None:
        """What the results are a sample of; None where all test cases were ranked."""
        every = self.sample.test if self.sample is not None else None
        return None if every is None else Sample(self.targets, every)

    @property
    def best_first(self) -> list[Score]:
        """The results, highest NDCG first."""
        return sorted(self.results, key=lambda score: -(score.ndcg or 0.0))

    def write(self, folder: Path) -> None:
        """Write the file; what was not recorded is left out."""
        facts = self.model_dump(mode="json", exclude_unset=True)
        replace_text(folder / METRICS, json.dumps(facts, indent=1) + "\n")


def read_metrics(folder: Path) -> Metrics | None:
    """The metrics of a model folder; None where it has none, ``Damaged`` where it had others."""
    path = folder / METRICS
    remedy = tr("The lists are not concerned. To have them again, train again")
    if not is_held(folder, METRICS):
        return None
    verify(folder, (METRICS,), remedy=remedy)
    try:
        return Metrics.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        problem = tr("the model's metrics are damaged")
        raise Damaged(problem, where=str(path), remedy=remedy) from None

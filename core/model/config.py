"""What a training run may be told, each choice with its meaning."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from core.domain import DomainError


@dataclass(frozen=True)
class InterestConfig:
    """Sizes and training choices of the interest model.

    The defaults were chosen by validation NDCG@10 on three corpora of real data; the trials are in
    ``docs/trials.md``.
    """

    dim: int = 128
    """Length of query and item vectors."""
    hidden: int = 128
    """Units of the LSTM."""
    decays: tuple[float, ...] = (0.6, 0.85)
    """Start values of the memory's decay per step back, one per memory."""
    dropout: float = 0.3
    """Share of LSTM inputs and outputs dropped in training."""
    id_dropout: float = 0.3
    """Share of items whose id embedding and bias are dropped per batch: text must carry them."""
    part_dropout: float = 0.1
    """Share of events that lose their rating, text, time or item in training, each by itself."""
    id_scale: float = 1.0
    """Length of a well-observed item's id embedding, where its text vector has length 1."""
    id_shrinkage: float = 5.0
    """Training events at which the id embedding has half of that length."""
    output_scale: float = 0.1
    """Factor on the start weights that lead from the LSTM and the review to the query."""
    temperature: float = 15.0
    """Start value of the factor on cosine scores."""
    bias_scale: float = 0.25
    """Start value of an item's bias per unit of log popularity."""
    learning_rate: float = 5e-4
    """Peak step size of AdamW."""
    weight_decay: float = 0.01
    """Decay of AdamW on weight matrices."""
    label_smoothing: float = 0.0
    """Share of the target's probability spread over the catalogue."""
    clip: float = 1.0
    """Largest gradient norm."""
    batch_users: int = 64
    """Histories per step at most."""
    batch_events: int = 2048
    """Events per step at most, so that the scores of one step stay small."""
    window: int = 128
    """Longer histories are cut into pieces of this many events for training."""
    epochs: int = 40
    """Passes over the training events at most."""
    patience: int = 8
    """Epochs without a better validation NDCG before training ends."""
    negatives: int = 20_000
    """Shared negative items per step; catalogues up to 50,000 items use all of them."""
    seed: int = 0
    """Seed of initial weights, dropout and batch order."""

    def to_json(self) -> dict[str, Any]:
        """A JSON object of every field."""
        return {**asdict(self), "decays": list(self.decays)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> InterestConfig:
        """Read what ``to_json`` wrote; DomainError for a field this version doesn't know."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise DomainError(
                f"the model's configuration has an unknown field {unknown[0]!r}",
                remedy="It was made by another version; train again",
            )
        return cls(**{**values, "decays": tuple(values["decays"])})

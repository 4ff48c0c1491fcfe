"""What a training run may be told, each choice with its meaning."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from core.domain import DomainError

LARGEST_SEED = 2**32 - 1
RANGES: dict[str, tuple[float, float]] = {
    "dim": (1, 4096),
    "hidden": (1, 4096),
    "decays": (0.001, 0.999),
    "dropout": (0, 0.99),
    "id_dropout": (0, 0.99),
    "part_dropout": (0, 0.99),
    "id_scale": (0.001, 1000),
    "id_shrinkage": (0.001, 1e6),
    "output_scale": (0, 100),
    "temperature": (0.01, 1000),
    "bias_scale": (0, 100),
    "learning_rate": (1e-8, 1),
    "weight_decay": (0, 100),
    "label_smoothing": (0, 0.99),
    "clip": (1e-6, 1e6),
    "batch_users": (1, 100_000),
    "batch_events": (1, 1_000_000),
    "window": (2, 100_000),
    "epochs": (1, 100_000),
    "patience": (1, 100_000),
    "negatives": (1, 1_000_000),
    "seed": (0, LARGEST_SEED),
}
"""What a person may set, both ends included; of ``decays`` each of one to MOST_DECAYS values."""
MOST_DECAYS = 8


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
    def checked(cls, values: dict[str, Any], where: str = "") -> InterestConfig:
        """Settings that a person wrote, the rest by default.

        DomainError for an unknown field, and for a value of another type or out of RANGES.
        """
        usual = cls().to_json()
        for name, value in values.items():
            if name in usual and not _is_allowed(name, value, usual[name]):
                low, high = RANGES[name]
                kind = "whole number" if isinstance(usual[name], int) else "number"
                several = f"a list of 1 to {MOST_DECAYS} numbers, each"
                raise DomainError(
                    f"{name} can't be {_brief(value)}",
                    where=where,
                    remedy=f"Give {several if name == 'decays' else f'a {kind}'} from "
                    f"{low:,.10g} to {high:,.10g}",
                )
        return cls.from_json({**usual, **values})

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


def _is_allowed(name: str, value: Any, usual: Any) -> bool:
    if isinstance(usual, list):
        few = isinstance(value, list) and 1 <= len(value) <= MOST_DECAYS
        return few and all(_is_allowed(name, number, usual[0]) for number in value)
    low, high = RANGES[name]
    is_kind = type(value) is int or (type(value) is float and isinstance(usual, float))
    return is_kind and low <= value <= high


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"

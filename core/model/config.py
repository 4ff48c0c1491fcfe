"""What a training run may be told, each choice with its meaning."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from core.domain import DomainError
from core.language import tr

LARGEST_SEED = 2**32 - 1
MOST_DECAYS = 8
PATIENT_EVENTS, SHORT_PATIENCE = 250_000, 4
"""Events above which early stopping waits for fewer epochs, and for how many."""
UNJUDGED_EPOCHS = 20
"""Epochs at most where no validation event says when to stop."""


def _setting(default: Any, low: float, high: float) -> Any:
    """A field with what a person may set, both ends included; ``decays`` has several values."""
    return field(default=default, metadata={"range": (low, high)})


@dataclass(frozen=True)
class InterestConfig:
    """Sizes and training choices of the interest model.

    The defaults were chosen by validation NDCG@10 on three corpora of real data; the trials are in
    ``docs/trials.md``.
    """

    dim: int = _setting(128, 1, 4096)
    """Length of query and item vectors."""
    hidden: int = _setting(128, 1, 4096)
    """Units of the LSTM."""
    decays: tuple[float, ...] = _setting((0.6, 0.85), 0.001, 0.999)
    """Start values of the memory's decay per step back, one per memory."""
    dropout: float = _setting(0.3, 0, 0.99)
    """Share of LSTM inputs and outputs dropped in training."""
    id_dropout: float = _setting(0.3, 0, 0.99)
    """Share of items whose id embedding and bias are dropped per batch: text must carry them."""
    part_dropout: float = _setting(0.1, 0, 0.99)
    """Share of events that lose their rating, time or item in training, each by itself."""
    text_dropout: float = _setting(0.1, 0, 0.99)
    """The same for their text. Each review is unlike all others, so a network that reads it often
    may learn by heart what followed it (docs/trials.md)."""
    id_scale: float = _setting(1.0, 0.001, 1000)
    """Length of a well-observed item's id embedding, where its text vector has length 1."""
    id_shrinkage: float = _setting(5.0, 0.001, 1e6)
    """Training events at which the id embedding has half of that length."""
    output_scale: float = _setting(0.1, 0, 100)
    """Factor on the start weights that lead from the LSTM and the review to the query."""
    review_to_query: float = _setting(1.0, 0, 100)
    """Factor on those from the review alone. 0 takes this way out: reviews then reach the query
    through the LSTM, and can't be learned by heart so easily (docs/trials.md)."""
    id_bound: float = _setting(0.0, 0, 1000)
    """How far training may move an id embedding from its start at most; 0 sets no bound."""
    temperature: float = _setting(15.0, 0.01, 1000)
    """Start value of the factor on cosine scores."""
    bias_scale: float = _setting(0.25, 0, 100)
    """Start value of an item's bias per unit of log popularity."""
    learning_rate: float = _setting(1e-3, 1e-8, 1)
    """Peak step size of AdamW."""
    weight_decay: float = _setting(0.01, 0, 100)
    """Decay of AdamW on weight matrices."""
    label_smoothing: float = _setting(0.0, 0, 0.99)
    """Share of the target's probability spread over the catalogue."""
    clip: float = _setting(1.0, 1e-6, 1e6)
    """Largest gradient norm."""
    batch_users: int = _setting(256, 1, 100_000)
    """Histories per step at most; fewer, down to 64, where an epoch would have few steps."""
    batch_events: int = _setting(2048, 1, 1_000_000)
    """Events per step at most, so that the scores of one step stay small."""
    window: int = _setting(128, 2, 100_000)
    """Longer histories are cut into pieces of this many events for training."""
    averaging: float = _setting(0.99, 0, 0.9999)
    """Share of the running average of weights that each step keeps; it is judged and becomes the
    model. 0 takes the weights as they are."""
    epochs: int = _setting(40, 1, 100_000)
    """Passes over the training events at most."""
    patience: int = _setting(8, 1, 100_000)
    """Epochs without a better validation NDCG before training ends."""
    negatives: int = _setting(20_000, 1, 1_000_000)
    """Shared negative items per step at most, and a sixth of the items met in training at most; up
    to 20,000 items met all of them are negatives."""
    seed: int = _setting(0, 0, LARGEST_SEED)
    """Seed of initial weights, dropout and batch order."""

    @classmethod
    def usual(cls, events: int) -> InterestConfig:
        """The defaults for a corpus of so many events: of many, training waits fewer epochs.

        An epoch is then many steps, and validation NDCG, over thousands of cases, rises without
        long pauses (``docs/trials.md``, a million events).
        """
        return cls(patience=SHORT_PATIENCE) if events > PATIENT_EVENTS else cls()

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
                ends = {"low": f"{low:,.10g}", "high": f"{high:,.10g}"}
                remedy = tr("Give a number from {low} to {high}", **ends)
                if name == "decays":
                    remedy = tr(
                        "Give a list of 1 to {most} numbers, each from {low} to {high}",
                        most=MOST_DECAYS,
                        **ends,
                    )
                elif isinstance(usual[name], int):
                    remedy = tr("Give a whole number from {low} to {high}", **ends)
                problem = tr("{name} can't be {value}", name=name, value=_brief(value))
                raise DomainError(problem, where=where, remedy=remedy)
        return cls.from_json({**usual, **values})

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> InterestConfig:
        """Read what ``to_json`` wrote; DomainError for a field this version doesn't know."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise DomainError(
                tr(
                    "the model's configuration has an unknown field {name!r}",
                    name=unknown[0],
                ),
                remedy=tr("It was made by another version; train again"),
            )
        return cls(**{**values, "decays": tuple(values["decays"])})


RANGES: dict[str, tuple[float, float]] = {
    field.name: field.metadata["range"] for field in fields(InterestConfig)
}


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

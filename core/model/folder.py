"""A model on disk, in the Hugging Face manner: one folder, plain files, no code."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer
from safetensors.numpy import load_file, save_file

from core.arrays import FloatArray, IntArray
from core.corpus.corpus import Corpus
from core.domain import Columns, DomainError
from core.encode.item_text import TITLE_AND_CATEGORY
from core.encode.sentiment import SentimentModel
from core.files import replace_text
from core.interest_map.projection import InterestMap
from core.model.config import InterestConfig
from core.model.interest import InterestModel
from core.model.network import InterestNetwork
from core.model.profile import Topics
from core.model.sequences import EventEncoder, TextVectors

FORMAT = 1
CONFIG, WEIGHTS, ITEMS, CARD = "config.json", "model.safetensors", "items.parquet", "README.md"
SENTIMENT, MAP, BASELINES = "sentiment.safetensors", "map.safetensors", "recommenders"
USERS = "users.parquet"
EVALUATION = "evaluation.safetensors"
_NETWORK = "network."


class EncoderFacts(BaseModel):
    """Which text encoder a model was trained with."""

    name: str
    encoder_id: str
    dim: int
    weights_sha256: str = ""
    max_tokens: int = 0


class TopicFacts(BaseModel):
    """Names of the topics, most events first, and whether they are categories or clusters."""

    names: tuple[str, ...]
    source: Literal["category", "cluster"]


class SentimentOrigin(BaseModel):
    """The corpus whose training reviews the sentiment was fitted on."""

    fitted_on: str


class ModelConfig(BaseModel):
    """``config.json``: identity, origin, encoder, settings and choices of a model."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    model_id: str = ""
    created: str = ""
    corpus: str
    corpus_id: str
    encoder: EncoderFacts
    interest: dict[str, Any]
    rating_scale: tuple[float, float] | None
    topics: TopicFacts
    sentiment: SentimentOrigin
    cold_offset: float = 0.0
    item_text: tuple[str, ...] = TITLE_AND_CATEGORY
    """Columns of the items that describe them; not written where they are title and category, as
    in models from before they could be chosen."""
    versions: dict[str, str] = {}

    @model_serializer(mode="wrap")
    def _facts(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        facts: dict[str, Any] = serialise(self)
        if self.item_text == TITLE_AND_CATEGORY:
            facts.pop("item_text", None)
        return facts

    @property
    def settings(self) -> InterestConfig:
        """Settings of the interest model; DomainError for those of another version."""
        return InterestConfig.from_json(self.interest)

    def identified(self, weights: dict[str, np.ndarray], created: datetime) -> ModelConfig:
        """This config with its date and id: 12 hex digits of a hash over choices and weights."""
        choices = self.model_dump(mode="json", exclude={"model_id", "created"})
        content = hashlib.sha256(json.dumps(choices, sort_keys=True).encode())
        for name in sorted(weights):
            content.update(name.encode())
            content.update(np.ascontiguousarray(weights[name]).tobytes())
        date = created.isoformat(timespec="seconds")
        return self.model_copy(update={"model_id": content.hexdigest()[:12], "created": date})


@dataclass(frozen=True, eq=False)
class ModelParts:
    """What a model folder holds, in memory."""

    config: ModelConfig
    interest: InterestModel
    sentiment: SentimentModel
    topics: Topics
    map: InterestMap
    training_counts: IntArray
    """int64[n_items]: training events of each item."""


def weights_of(
    network: InterestNetwork, item_vectors: FloatArray, item_bias: npt.NDArray[Any]
) -> dict[str, np.ndarray]:
    """All learned numbers by name, as they are written to ``model.safetensors``."""
    weights: dict[str, np.ndarray] = {
        _NETWORK + name: value.numpy() for name, value in network.state_dict().items()
    }
    weights["item_vectors"] = item_vectors
    weights["item_bias"] = item_bias.astype(np.float32)
    return weights


def write_parts(folder: Path, parts: ModelParts, weights: dict[str, np.ndarray]) -> None:
    """Write everything but metrics and card into a folder that is not yet in place."""
    facts = parts.config.model_dump(mode="json")
    replace_text(folder / CONFIG, json.dumps(facts, indent=2, sort_keys=True) + "\n")
    save_file(weights, folder / WEIGHTS)
    pd.DataFrame(
        {
            Columns.Item: list(parts.interest.item_ids),
            "topic": parts.topics.item_topic,
            "training_events": parts.training_counts.astype(np.int32),
            "x": parts.map.items[:, 0],
            "y": parts.map.items[:, 1],
        }
    ).to_parquet(folder / ITEMS, index=False, compression="zstd")
    parts.sentiment.save(folder / SENTIMENT)
    parts.map.save(folder / MAP)


def read_parts(folder: Path, corpus: Corpus, text_vectors: TextVectors) -> ModelParts:
    """Read a model folder for its corpus; DomainError where they don't belong together."""
    config = read_config(folder)
    if config.corpus_id != corpus.corpus_id:
        raise DomainError(
            f"the model was trained on other content (corpus id {config.corpus_id})",
            where=f"corpus {corpus.name} now has id {corpus.corpus_id}",
            remedy=f"Train again: python -m core train {corpus.name}",
        )
    try:
        settings = config.settings
        weights = load_file(folder / WEIGHTS)
        items = pd.read_parquet(folder / ITEMS)
        sentiment = SentimentModel.load(folder / SENTIMENT)
        interest_map = InterestMap.load(folder / MAP)
        topics = Topics(
            config.topics.names, items["topic"].to_numpy(np.int16), config.topics.source
        )
        network = InterestNetwork(
            settings, config.encoder.dim, len(weights[_NETWORK + "kind_in.weight"])
        )
        network.load_state_dict(
            {
                name.removeprefix(_NETWORK): torch.from_numpy(value)
                for name, value in weights.items()
                if name.startswith(_NETWORK)
            }
        )
    except DomainError:
        raise
    except Exception as error:  # damaged files raise many kinds; all mean the same to a person
        raise DomainError(
            f"the model folder is damaged: {type(error).__name__}: {str(error).splitlines()[0]}",
            where=str(folder),
            remedy=f"Train again: python -m core train {corpus.name}",
        ) from error
    events = EventEncoder(
        corpus.item_index, config.rating_scale, sentiment, text_vectors, config.encoder.dim
    )
    vectors, bias = weights["item_vectors"], weights["item_bias"]
    interest = InterestModel(settings, network, corpus.item_ids, vectors, bias, events)
    counts = items["training_events"].to_numpy(np.int64)
    return ModelParts(config, interest, sentiment, topics, interest_map, counts)


def read_config(folder: Path) -> ModelConfig:
    """The model's ``config.json``; DomainError when it is missing, damaged or of another format."""
    path = folder / CONFIG
    try:
        facts = json.loads(path.read_text("utf-8"))
        if facts["format"] == FORMAT:
            return ModelConfig.model_validate(facts)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DomainError(
            "the model's config.json cannot be read", where=str(path), remedy="Train again"
        ) from error
    raise DomainError(
        f"the model has format {facts['format']}, this version reads {FORMAT}",
        where=str(path),
        remedy="Train again",
    )

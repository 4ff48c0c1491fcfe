"""A model on disk, in the Hugging Face manner: one folder, plain files, no code."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from safetensors.numpy import load_file, save_file

from core.arrays import FloatArray, IntArray
from core.corpus.corpus import Corpus
from core.domain import Columns, DomainError
from core.encode.sentiment import SentimentModel
from core.files import replace_text
from core.interest_map.projection import InterestMap
from core.model.config import InterestConfig
from core.model.interest import InterestModel
from core.model.network import InterestNetwork
from core.model.sequences import EventEncoder, TextVectors
from core.model.topics import Topics

FORMAT = 1
CONFIG, WEIGHTS, ITEMS, METRICS, CARD = (
    "config.json",
    "model.safetensors",
    "items.parquet",
    "metrics.json",
    "README.md",
)
SENTIMENT, MAP, BASELINES = "sentiment.safetensors", "map.safetensors", "recommenders"
USERS = "users.parquet"
EVALUATION = "evaluation.safetensors"
_NETWORK = "network."


@dataclass(frozen=True, eq=False)
class ModelParts:
    """What a model folder holds, in memory."""

    config: dict[str, Any]
    """``config.json``: identity, origin, encoder, sizes and choices."""
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


def fingerprint(config: dict[str, Any], weights: dict[str, np.ndarray]) -> str:
    """The model's id: 12 hex digits of a hash over its choices, origin and learned numbers."""
    content = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for name in sorted(weights):
        content.update(name.encode())
        content.update(np.ascontiguousarray(weights[name]).tobytes())
    return content.hexdigest()[:12]


def write_parts(
    folder: Path,
    config: dict[str, Any],
    weights: dict[str, np.ndarray],
    corpus: Corpus,
    topics: Topics,
    sentiment: SentimentModel,
    interest_map: InterestMap,
    training_counts: IntArray,
) -> None:
    """Write everything but metrics and card into a folder that is not yet in place."""
    replace_text(folder / CONFIG, json.dumps(config, indent=2, sort_keys=True) + "\n")
    save_file(weights, folder / WEIGHTS)
    pd.DataFrame(
        {
            Columns.Item: list(corpus.item_ids),
            "topic": topics.item_topic,
            "training_events": training_counts.astype(np.int32),
            "x": interest_map.items[:, 0],
            "y": interest_map.items[:, 1],
        }
    ).to_parquet(folder / ITEMS, index=False, compression="zstd")
    sentiment.save(folder / SENTIMENT)
    interest_map.save(folder / MAP)


def read_parts(folder: Path, corpus: Corpus, text_vectors: TextVectors) -> ModelParts:
    """Read a model folder for its corpus; DomainError where they don't belong together."""
    config = read_config(folder)
    if config.get("corpus_id") != corpus.corpus_id:
        raise DomainError(
            f"the model was trained on other content (corpus id {config.get('corpus_id')})",
            where=f"corpus {corpus.name} now has id {corpus.corpus_id}",
            remedy=f"Train again: python -m core train {corpus.name}",
        )
    try:
        settings = InterestConfig.from_json(config["interest"])
        weights = load_file(folder / WEIGHTS)
        items = pd.read_parquet(folder / ITEMS)
        sentiment = SentimentModel.load(folder / SENTIMENT)
        interest_map = InterestMap.load(folder / MAP)
        topics = Topics(
            tuple(config["topics"]["names"]),
            items["topic"].to_numpy(np.int16),
            config["topics"]["source"],
        )
        network = InterestNetwork(settings, int(config["encoder"]["dim"]))
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
    scale = config["rating_scale"]
    interest = InterestModel(
        settings,
        network,
        corpus.item_ids,
        weights["item_vectors"],
        weights["item_bias"],
        EventEncoder(
            corpus.item_index,
            (scale[0], scale[1]) if scale else None,
            sentiment,
            text_vectors,
            int(config["encoder"]["dim"]),
        ),
    )
    return ModelParts(
        config,
        interest,
        sentiment,
        topics,
        interest_map,
        items["training_events"].to_numpy(np.int64),
    )


def read_config(folder: Path) -> dict[str, Any]:
    """The model's ``config.json``; DomainError when it is missing, damaged or of another format."""
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text("utf-8"))
        known = config["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DomainError(
            "the model's config.json cannot be read", where=str(path), remedy="Train again"
        ) from error
    if not known:
        raise DomainError(
            f"the model has format {config['format']}, this version reads {FORMAT}",
            where=str(path),
            remedy="Train again",
        )
    result: dict[str, Any] = config
    return result

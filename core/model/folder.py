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
from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
)

from core.arrays import FloatArray, IntArray, check_array
from core.corpus.corpus import Corpus
from core.corpus.manifest import Manifest
from core.corpus.models import CONFIG, REMEDY, read_model_facts
from core.corpus.sampling import UserSample, among
from core.domain import Columns, DomainError
from core.encode.item_text import TITLE_AND_CATEGORY
from core.encode.sentiment import SentimentModel
from core.files import (
    Damaged,
    is_held,
    load_arrays,
    read_object,
    reason_of,
    replace_text,
    save_arrays,
    verify,
)
from core.interest_map.projection import InterestMap
from core.language import tr, trn
from core.model.config import InterestConfig
from core.model.interest import InterestModel
from core.model.network import InterestNetwork
from core.model.profile import Topics
from core.model.sequences import EventEncoder, TextVectors
from core.recommend.baseline import load_baselines
from core.recommend.joint import FACTS, TENSORS, Joint
from core.recommend.protocol import Recommender
from core.recommend.registry import INTEREST

FORMAT = 1
WEIGHTS, ITEMS, CARD = "model.safetensors", "items.parquet", "README.md"
SENTIMENT, MAP, BASELINES = "sentiment.safetensors", "map.safetensors", "recommenders"
USERS = "users.parquet"
EVALUATION = "evaluation.safetensors"
_NETWORK = "network."
MOST_TEXT_DIM = 16_384


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


class ParentFacts(BaseModel):
    """The model that an updated one went on from, and the content that it was made from."""

    model_id: str
    corpus_id: str


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
    repeat_offset: float = 0.0
    """See ``InterestModel``; not written where it is 0, as in models from before it was chosen."""
    item_text: tuple[str, ...] = TITLE_AND_CATEGORY
    """Columns of the items that describe them; not written where they are title and category, as
    in models from before they could be chosen."""
    versions: dict[str, str] = {}
    parent: ParentFacts | None = None
    """Not written where a model was trained from nothing."""
    sample: UserSample | None = None
    """Whose events it was made from; not written where they were those of all users."""

    @field_validator("sample")
    @classmethod
    def _is_a_draw(cls, sample: UserSample | None) -> UserSample | None:
        return sample.checked() if sample is not None else None

    @model_serializer(mode="wrap")
    def _facts(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        facts: dict[str, Any] = serialise(self)
        if self.parent is None:
            facts.pop("parent", None)
        if self.sample is None:
            facts.pop("sample", None)
        if self.item_text == TITLE_AND_CATEGORY:
            facts.pop("item_text", None)
        if self.repeat_offset == 0.0:
            facts.pop("repeat_offset", None)
        return facts

    @property
    def settings(self) -> InterestConfig:
        """Settings of the interest model; DomainError for those of another version."""
        return InterestConfig.from_json(self.interest)

    def identified(self, weights: dict[str, np.ndarray], created: datetime) -> ModelConfig:
        """This config with its date and id: 12 hex digits of a hash over choices and weights."""
        date = created.isoformat()
        model_id = content_id(self.model_dump(mode="json"), weights)
        return self.model_copy(update={"model_id": model_id, "created": date})


def content_id(facts: dict[str, Any], weights: dict[str, np.ndarray]) -> str:
    """12 hex digits of a hash over a config's choices and all weights by name."""
    choices = {name: facts[name] for name in facts if name not in ("model_id", "created")}
    content = hashlib.sha256(json.dumps(choices, sort_keys=True).encode())
    for name in sorted(weights):
        content.update(name.encode())
        content.update(np.ascontiguousarray(weights[name]).tobytes())
    return content.hexdigest()[:12]


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
    save_arrays(folder / WEIGHTS, weights)
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
        raise _of_other_content(config, corpus.manifest)
    return _read(folder, config, corpus.item_ids, text_vectors)


def read_alone(folder: Path, text_vectors: TextVectors) -> ModelParts:
    """Read a model folder with the catalogue that it was made with, whatever its corpus is now."""
    return _read(folder, read_config(folder), None, text_vectors)


def _of_other_content(config: ModelConfig, manifest: Manifest) -> DomainError:
    """Why a model doesn't open on a corpus, and the way on."""
    name = manifest.name
    where = tr("corpus {name} now has id {id}", name=name, id=manifest.corpus_id)
    added = manifest.appends_since(config.corpus_id)
    if not added:
        return DomainError(
            tr("the model was trained on other content (corpus id {id})", id=config.corpus_id),
            where=where,
            remedy=train_again(name),
        )
    n = sum(append.accepted for append in added)
    problem = trn(
        "the model was made from earlier content (corpus id {id}); {n:,} event came later",
        "the model was made from earlier content (corpus id {id}); {n:,} events came later",
        n,
        id=config.corpus_id,
        n=n,
    )
    remedy = tr("Update it: {command}", command=f"python -m core update {name}")  # no sentence
    return DomainError(problem, where=where, remedy=remedy)


def train_again(corpus: str) -> str:
    """What to do about a model that can't be used."""
    command = f"python -m core train {corpus}"  # no sentence
    return tr("Train again: {command}", command=command)


def _read(
    folder: Path, config: ModelConfig, catalogue: tuple[str, ...] | None, text_vectors: TextVectors
) -> ModelParts:
    """Read a model of that catalogue; of its own one where None."""
    remedy = train_again(config.corpus)
    verify(folder, (WEIGHTS, ITEMS, SENTIMENT, MAP), remedy=remedy)
    try:
        weights, _ = load_arrays(folder / WEIGHTS)
        items = pd.read_parquet(folder / ITEMS)
        item_ids = catalogue or tuple(items[Columns.Item])
        _check_id(folder, weights)
        settings = InterestConfig.checked(config.interest, str(folder / CONFIG))
        network = _read_network(settings, config.encoder.dim, weights)
        n, dim = len(item_ids), settings.dim
        vectors = check_array("item_vectors", weights["item_vectors"], np.float32, (n, dim))
        bias = check_array("item_bias", weights["item_bias"], np.float32, (n,))
        topics, counts = _read_items(items, config.topics, item_ids)
        sentiment = SentimentModel.load(folder / SENTIMENT)
        name = "the sentiment's weight"  # no sentence
        check_array(name, sentiment.weight, np.float32, (config.encoder.dim,))
        interest_map = InterestMap.load(folder / MAP)
        interest_map.check(n, dim, len(topics.names))
    except DomainError:
        raise
    except Exception as error:  # damaged files raise many kinds; all mean the same to a person
        raise Damaged(
            tr("the model folder is damaged: {reason}", reason=reason_of(error)),
            where=str(folder),
            remedy=remedy,
        ) from error
    item_index = {item: index for index, item in enumerate(item_ids)}
    events = EventEncoder(
        item_index, config.rating_scale, sentiment, text_vectors, config.encoder.dim
    )
    offset = config.repeat_offset
    interest = InterestModel(settings, network, item_ids, vectors, bias, events, offset)
    return ModelParts(config, interest, sentiment, topics, interest_map, counts)


def check_model(folder: Path, corpus: Corpus) -> None:
    """DomainError where anything that a model of this corpus reads is damaged."""
    corpus = among(corpus, read_config(folder).sample)
    parts = read_parts(folder, corpus, lambda texts: np.zeros((len(texts), 0), np.float32))
    read_users(folder, corpus)
    components: dict[str, Recommender] = {INTEREST: parts.interest}
    components |= load_baselines(folder / BASELINES, corpus.item_ids)
    if is_held(folder, f"{BASELINES}/{FACTS}"):
        Joint.load(folder / BASELINES, components, corpus.item_ids)


def read_users(folder: Path, corpus: Corpus) -> pd.DataFrame:
    """The table of users of a model (``profile.summarise_users``); DomainError if damaged."""
    path, remedy = folder / USERS, train_again(corpus.name)
    verify(folder, (USERS,), remedy=remedy)
    try:
        users = pd.read_parquet(path)
        if tuple(users[Columns.User]) != corpus.user_ids:
            raise ValueError("it lists other users than the corpus")
        n = (len(users),)
        check_array("events", users["events"].to_numpy(), np.int64, n, low=1)
        check_array("drift", users["drift"].to_numpy(), np.float64, n, low=0, high=3)
        for name in ("first_topic", "last_topic"):
            check_array(name, users[name].to_numpy(), np.int64, n, low=0)
        if "path" in users:  # models of earlier versions have none
            paths = [np.asarray(path, np.float64) for path in users["path"]]
            check_array("path", np.concatenate(paths), np.float64, (None,), low=0, high=1)
        check_array("held_out_rank", users["held_out_rank"].to_numpy(), np.float64, n, nan=True)
    except Exception as error:  # pyarrow raises many kinds
        raise Damaged(
            tr(
                "the model's table of users is missing or damaged: {reason}",
                reason=reason_of(error),
            ),
            where=str(path),
            remedy=remedy,
        ) from error
    return users


def _read_network(
    settings: InterestConfig, text_dim: int, weights: dict[str, np.ndarray]
) -> InterestNetwork:
    """The network of these weights; ValueError or RuntimeError where they are no such network."""
    if not 0 < text_dim <= MOST_TEXT_DIM:
        raise ValueError(f"text vectors can't have {text_dim} numbers")
    values = {
        name.removeprefix(_NETWORK): check_array(name, value, np.float32, (None,) * value.ndim)
        for name, value in weights.items()
        if name.startswith(_NETWORK)
    }
    network = InterestNetwork(settings, text_dim, len(values["kind_in.weight"]))
    network.load_state_dict({name: torch.from_numpy(value) for name, value in values.items()})
    return network


def _read_items(
    items: pd.DataFrame, facts: TopicFacts, item_ids: tuple[str, ...]
) -> tuple[Topics, IntArray]:
    """Topics and training events of the catalogue; ValueError for another one, or wild numbers."""
    if tuple(items[Columns.Item]) != item_ids:
        raise ValueError(f"{ITEMS} lists other items than the corpus")
    most = len(facts.names) - 1
    columns = {name: items[name].to_numpy() for name in ("topic", "training_events")}
    topic = check_array("topic", columns["topic"], np.int16, (None,), low=0, high=most)
    counts = check_array("training_events", columns["training_events"], np.int32, (None,), low=0)
    return Topics(facts.names, topic, facts.source), counts.astype(np.int64)


def _check_id(folder: Path, weights: dict[str, np.ndarray]) -> None:
    """Hold a folder to its model id, a hash of choices and weights; ValueError where it isn't.

    The weights of the joint are part of it, where the model was made with one.
    """
    facts = read_object(folder / CONFIG)
    joint = folder / BASELINES / TENSORS
    learned = load_arrays(joint)[0] if joint.is_file() else {}
    whole = weights | {f"joint.{name}": values for name, values in learned.items()}
    if facts["model_id"] not in (content_id(facts, whole), content_id(facts, weights)):
        raise ValueError("its settings and weights don't give its id")


def read_config(folder: Path) -> ModelConfig:
    """The model's ``config.json``; DomainError when it is missing, damaged or of another format."""
    path = folder / CONFIG
    try:
        facts = read_model_facts(folder)
        if facts["format"] == FORMAT:
            return ModelConfig.model_validate(facts)
    except (ValueError, KeyError) as error:
        raise Damaged(
            tr("the model's config.json can't be read: {reason}", reason=reason_of(error)),
            where=str(path),
            remedy=tr(REMEDY),
        ) from error
    raise DomainError(
        tr(
            "the model has format {format}, this version reads {known}",
            format=facts["format"],
            known=FORMAT,
        ),
        where=str(path),
        remedy=tr("Train again"),
    )

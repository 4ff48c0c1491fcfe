"""Recommenders of another model than the one that is open: its lists beside those of this one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.corpus.corpus import Corpus
from core.corpus.store import Library, created_at
from core.domain import DomainError, History
from core.encode.cache import check_encoder, open_cache, open_encoder
from core.files import is_held
from core.language import tr
from core.model.folder import BASELINES, read_alone, read_config
from core.model.sequences import kinds_within
from core.ranking import excluded_mask, rank_of
from core.recommend.baseline import load_baselines
from core.recommend.earlier import Earlier
from core.recommend.joint import FACTS, Joint
from core.recommend.protocol import Recommender
from core.recommend.registry import INTEREST, JOINT

if TYPE_CHECKING:
    from core.corpus.manifest import Manifest
    from core.engine import Engine

KEPT = 4
"""Other models that stay open."""
Standing = Literal["opens", "compares", "gone"]
"""Whether a model opens on the present content, can only be compared with one that does (it was
made from content that the corpus grew from), or is not there."""


def standing(library: Library, manifest: Manifest, model_id: str) -> Standing:
    """What can be done with a model now."""
    try:
        config = read_config(library.model_folder(manifest.name, model_id))
    except DomainError:
        return "gone"
    appends = manifest.appends_since(config.corpus_id)
    return "gone" if appends is None else "compares" if appends else "opens"


def comparable(library: Library, manifest: Manifest, model_id: str) -> tuple[str, ...]:
    """Ids of the other models of a corpus that can be compared with one, the newest first."""
    folders = library.model_folders(manifest.name)
    names = (folder.name for folder in folders if folder.name != model_id)
    return tuple(name for name in names if standing(library, manifest, name) != "gone")


@dataclass(frozen=True, slots=True)
class EarlierAnswer:
    """What the model that the open one was updated from says of an item."""

    model_id: str
    created: datetime | None
    rank: int | None
    """Its rank over the catalogue; None where it is excluded."""
    rank_now: int | None
    """The same by the open model."""
    score: float
    """In nats."""
    score_now: float

    def to_json(self) -> dict[str, Any]:
        """The contract's form."""
        names = ("model_id", "rank", "score")
        return {name: getattr(self, name) for name in names}


def earlier_answer(
    engine: Engine, library: Library, history: History, item_id: str, recommender: str
) -> EarlierAnswer | None:
    """An item by the model that the open one was updated from.

    None for a model that was trained from nothing, and where the earlier one is gone, damaged or
    lacks the recommender.
    """
    parent, corpus = engine.config.parent, engine.corpus
    if parent is None or standing(library, corpus.manifest, parent.model_id) == "gone":
        return None
    try:
        earlier = of_model(engine, library, parent.model_id, recommender)
    except DomainError:
        return None
    item, excluded = corpus.item_index[item_id], excluded_mask(history, corpus.item_index)
    then, now = (
        chosen.log_probabilities([history])[0]
        for chosen in (earlier, engine.recommender(recommender))
    )
    ranks = [None if excluded[item] else rank_of(item, s, excluded) for s in (then, now)]
    created = created_at(library.model_folder(corpus.name, parent.model_id))
    scores = (float(then[item]), float(now[item]))
    return EarlierAnswer(parent.model_id, created, ranks[0], ranks[1], *scores)


def of_model(
    engine: Engine, library: Library, model_id: str, name: str | None = None
) -> Recommender:
    """A recommender of another model over the open corpus; None means its default.

    Also of one that was made from content which the corpus grew from: it never lists the items that
    came later. DomainError for an unknown or damaged model, one of other content, or without that
    recommender.
    """
    corpus = engine.corpus
    folder = library.model_folder(corpus.name, model_id)
    config = read_config(folder)
    if corpus.manifest.appends_since(config.corpus_id) is None:
        raise DomainError(
            tr(
                "the model {model} was made from other content (corpus id {corpus})",
                model=model_id,
                corpus=config.corpus_id,
            ),
            where=tr("corpus {name} now has id {id}", name=corpus.name, id=corpus.corpus_id),
            remedy=tr("Choose a model of this content, or of content that it grew from"),
        )
    known = _opened(corpus, folder, library)
    if name is None:
        return next(iter(known.values()))
    if name not in known:
        raise DomainError(
            tr("there is no recommender {name!r} in this model", name=name),
            where=tr("model {id}", id=model_id),
            remedy=tr("Choose one of {names}", names=tr(", ").join(known)),
        )
    return known[name]


def are_kin(library: Library, corpus: str, one: str, other: str) -> bool:
    """Whether one model was updated from the other, or both from a third."""
    return not lineage(library, corpus, one).isdisjoint(lineage(library, corpus, other))


def lineage(library: Library, corpus: str, model_id: str) -> frozenset[str]:
    """Ids of a model and of those that it went on from, as far back as their folders are there."""
    known: list[str] = []
    following: str | None = model_id
    while following is not None and following not in known:
        known.append(following)
        parent = None
        with suppress(DomainError):
            parent = read_config(library.model_folder(corpus, following)).parent
        following = parent.model_id if parent else None
    return frozenset(known)


@lru_cache(KEPT)
def _opened(corpus: Corpus, folder: Path, library: Library) -> dict[str, Recommender]:
    """The recommenders of a model folder over this corpus by id, the default first."""
    made_with = read_config(folder).encoder
    encoder, cache = open_encoder(library, made_with.name), open_cache(library)
    check_encoder(encoder, made_with.encoder_id, corpus.name)
    interest = read_alone(folder, lambda texts: cache.vectors(texts, encoder)).interest
    known: dict[str, Recommender] = {INTEREST: interest}
    known |= load_baselines(folder / BASELINES, interest.item_ids)
    if is_held(folder, f"{BASELINES}/{FACTS}"):
        known = {JOINT: Joint.load(folder / BASELINES, known, interest.item_ids), **known}
    kinds = kinds_within(len(interest.network.kind_in.weight))
    return {
        name: Earlier(corpus.item_ids, each, interest.item_ids, kinds)
        for name, each in known.items()
    }

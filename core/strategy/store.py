"""Named strategies: how the joint of a model is adjusted, and which recommenders they are."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from core import access
from core.arrays import FloatArray
from core.corpus.corpus import Corpus
from core.corpus.store import Library, check_name
from core.domain import DomainError
from core.language import mark, tr
from core.recommend.joint import Joint
from core.recommend.own import installed
from core.recommend.pool import FEATURES, Pool
from core.recommend.registry import NAMES
from core.revisions import RevisionStore, clean_notes
from core.strategy.adjusted import Adjusted, Settings, Strategic, strategic


@dataclass(frozen=True, slots=True)
class Strategy:
    """One version of a strategy; ``revision`` 0 is not saved yet.

    ``name`` is its recommender id. It adjusts the joint of the model ``model_id``: ``weights`` are
    the numbers of another pool (``Pool.vector``), None for the model's own. ``who`` saved this
    version, ``notes`` say why.
    """

    name: str
    corpus: str
    model_id: str
    settings: Settings
    weights: tuple[float, ...] | None = None
    who: str = ""
    notes: str = ""
    strategy_id: str = ""
    revision: int = 0
    saved: datetime | None = None
    deleted: bool = False
    owner: str = ""
    """Who saved it first; empty without sign-in."""

    def pool(self, joint: Joint) -> Pool | None:
        """Its weights for a joint; None where it has none of its own.

        DomainError where they are those of another joint.
        """
        if self.weights is None:
            return None
        n = len(joint.components)
        vector = np.array(self.weights, np.float64)
        if vector.shape != joint.pool.vector.shape or not np.isfinite(vector).all():
            raise DomainError(
                tr(
                    "the weights of the strategy {name!r} don't fit the joint of {n} components",
                    name=self.name,
                    n=n,
                ),
                where=tr("model {id}", id=self.model_id),
                remedy=tr("Refit them: python -m core reweigh {corpus}", corpus=self.corpus),
            )
        return Pool.of(vector, n, len(FEATURES))

    def recommender(self, corpus: Corpus, joint: Joint, item_vectors: FloatArray) -> Strategic:
        """The strategy as a recommender; ``item_vectors`` float32[n_items, d]."""
        pool = self.pool(joint)
        adjusted = Adjusted.of(self.name, joint, self.settings, item_vectors, pool)
        return strategic(corpus, adjusted)


class StrategyStore(RevisionStore[Strategy]):
    """The strategies of a library."""

    noun, plural = mark("strategy"), mark("strategies")
    file_name = "strategies.sqlite"
    application_id = 0x7A57E121
    columns = ("corpus", "user_id", "name", "notes", "definition")

    def cleaned(self, entry: Strategy) -> Strategy:
        """With its notes as they are kept; DomainError for a name that no recommender can have."""
        check_name(entry.name, tr("the name of a strategy"))
        return replace(entry, notes=clean_notes(entry.notes))

    def cells(self, entry: Strategy) -> tuple[str, ...]:
        """The model and the settings, as JSON."""
        definition = {
            "model_id": entry.model_id,
            "new_share": entry.settings.new_share,
            "diversity": entry.settings.diversity,
            "weights": entry.weights,
            "who": entry.who,
        }
        text = json.dumps(definition, ensure_ascii=False, allow_nan=False)
        return entry.corpus, "", entry.name, entry.notes, text

    def read(self, cells: Sequence[str], mark: dict[str, Any]) -> Strategy:
        """What ``cells`` wrote."""
        corpus, _, name, notes, definition = cells
        facts = json.loads(definition)
        weights = facts["weights"]
        return Strategy(
            check_name(name),
            corpus,
            str(facts["model_id"]),
            Settings(float(facts["new_share"]), float(facts["diversity"])),
            None if weights is None else tuple(map(float, weights)),
            str(facts["who"]),
            notes,
            **mark,
        )

    def strategies(self, corpus: str) -> list[Strategy]:
        """The newest version of all of a corpus that aren't deleted, the one saved last first."""
        return self.entries(corpus)

    def versions(self, corpus: str) -> list[Strategy]:
        """Every version that can be read of all strategies of a corpus, also of deleted ones."""
        with self._reading() as connection:
            rows = self._rows(connection) if connection else []
        found = []
        for row in rows:
            with suppress(DomainError):
                version = self._read(row)
                if version.corpus == corpus:
                    found.append(version)
        return found

    def named(self, corpus: str, name: str) -> Strategy | None:
        """The strategy of that name; None where there is none."""
        return next((each for each in self.strategies(corpus) if each.name == name), None)

    def first(self, entry: Strategy) -> Strategy:
        """A strategy that is not saved yet, with the id that its name has.

        Of two sessions that save one name for the first time, the second gets a ``Conflict``.
        """
        former = {
            each.strategy_id for each in self.versions(entry.corpus) if each.name == entry.name
        }
        key = f"{entry.corpus} {entry.name} {len(former)}"
        return replace(entry, strategy_id=hashlib.sha256(key.encode()).hexdigest()[:12])


def whoami() -> str:
    """Who acts, as the log names them: who signed in, else the user of the operating system."""
    if name := access.current().name:
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user without a name
        return f"uid {os.getuid()}"  # no sentence


def save_strategy(
    library: Library,
    corpus: str,
    name: str,
    model_id: str,
    settings: Settings,
    weights: Sequence[float] | None,
    why: str,
    taken: Sequence[str] = (),
) -> Strategy:
    """Save a strategy as the next version of that name.

    ``taken`` are the names of imported lists. DomainError for a name that another recommender has,
    ``Refused`` for all but editors: a strategy is everybody's.
    """
    access.need_editor(tr("saving a strategy"))
    check_name(name, tr("the name of a strategy"))
    others = dict.fromkeys(NAMES, tr("one of the product's own recommenders"))
    others |= {point.name: tr("the id of an installed recommender") for point in installed()}
    others |= dict.fromkeys(taken, tr("the name of imported lists"))
    if name in others:
        remedy = tr("Choose another name, for example diverse")
        raise DomainError(tr("{name!r} is {taken}", name=name, taken=others[name]), remedy=remedy)
    store = StrategyStore.open(library)
    known = store.named(corpus, name) or store.first(Strategy(name, corpus, model_id, settings))
    kept = None if weights is None else tuple(map(float, weights))
    return store.save(
        replace(known, model_id=model_id, settings=settings, weights=kept, who=whoami(), notes=why)
    )


def delete_strategy(library: Library, corpus: str, name: str, why: str) -> Strategy:
    """Take a strategy off the list; its versions stay. DomainError for an unknown name.

    ``Refused`` for all but editors.
    """
    access.need_editor(tr("deleting a strategy"))
    store = StrategyStore.open(library)
    known = store.named(corpus, name)
    if known is None:
        raise unknown_strategy(store, corpus, name)
    return store.delete(replace(known, who=whoami(), notes=why))


def unknown_strategy(store: StrategyStore, corpus: str, name: str) -> DomainError:
    """That there is no strategy of a name, with the names that there are."""
    names = tr(", ").join(each.name for each in store.strategies(corpus)[:12])
    return DomainError(
        tr("there is no strategy {name!r}", name=name[:80]),
        where=tr("corpus {name}", name=corpus),
        remedy=tr("Choose one of {names}", names=names) if names else tr("Save one first"),
    )

"""A capsule is made of a what-if, and computed anew from its file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Any

from core.compare.fork import Fork, run
from core.domain import DomainError, RecommendationList
from core.engine import Engine
from core.language import mark, tr
from core.scenario.capsule import LONGEST_LIST, Capsule, Expected, check_number, fingerprint

SCORE_TOLERANCE = 1e-3
"""Nats between two scores of one model that processors may disagree about."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is otherwise than the capsule says, in words or numbers."""

    what: str
    """``say_difference`` says it in the reader's language."""
    expected: str | int | float | None
    found: str | int | float | None


@dataclass(frozen=True, eq=False)
class Replay:
    """A capsule computed anew.

    ``differences`` names another corpus, model or base history, and every row of the list that is
    otherwise. ``matches``: the list has the same items in the same order and, where corpus and
    model are the capsule's, the same scores; those of another model are other numbers by nature.
    """

    capsule: Capsule
    fork: Fork
    differences: tuple[Difference, ...]
    matches: bool

    @property
    def is_of_other_model(self) -> bool:
        """Whether the capsule was made with another model than the open one."""
        return self.capsule.model_id != self.fork.engine.model_id

    @property
    def items_differ(self) -> int:
        """How many items of the list are not those of the capsule's."""
        return items_differ(self.capsule, self.fork.after)

    def to_json(self) -> dict[str, Any]:
        """The contract's form of the verb ``replay``."""
        return {
            "matches": self.matches,
            "items_differ": self.items_differ,
            "model_id": self.fork.engine.model_id,
            "made_with": self.capsule.model_id,
            "differences": [asdict(d) for d in self.differences],
        }


def items_differ(capsule: Capsule, computed: RecommendationList) -> int:
    """How many items of a list are not those that a capsule expects."""
    expected = {row.item_id for row in capsule.expected}
    now = {item.item_id for item in computed.items}
    return max(len(expected - now), len(now - expected))


def make_capsule(fork: Fork, name: str = "") -> Capsule:
    """The capsule of a fork: its edits, and the list that they gave.

    DomainError above 1,000 edits or ranks: such a file could not be read again.
    """
    corpus = fork.engine.corpus
    check_number(len(fork.edited.edits), tr("capsule"))
    if fork.k > LONGEST_LIST:
        raise DomainError(
            tr("a list of {n:,} is too long for a capsule", n=fork.k),
            remedy=tr("Ask for {most:,} at most", most=LONGEST_LIST),
        )
    return Capsule(
        format="tastelines-capsule",
        version=1,
        name=name[:200],
        corpus=corpus.name,
        corpus_id=corpus.corpus_id,
        model_id=fork.engine.model_id,
        user=fork.base.user_id,
        steps=len(fork.base),
        history=fingerprint(fork.base),
        edits=[edit.to_json() for edit in fork.edited.edits],
        recommender=fork.recommender.id,
        k=fork.k,
        expected=[
            Expected(rank=item.rank, item_id=item.item_id, score=item.score)
            for item in fork.after.items
        ],
    )


def replay(engine: Engine, capsule: Capsule) -> Replay:
    """Compute a capsule's list with this corpus and model, and compare.

    DomainError where it can't be computed: an unknown user or recommender, or an edit that can't be
    applied to the user's history as it is now.
    """
    whole = engine.corpus.history(capsule.user)
    base = whole.up_to(min(capsule.steps, len(whole)))
    fork = run(engine, base, capsule.changes, capsule.recommender, capsule.k)
    same_world = (engine.corpus.corpus_id, engine.model_id) == (capsule.corpus_id, capsule.model_id)
    about = [
        Difference(what, expected, computed)
        for what, expected, computed in (
            (mark("corpus_id"), capsule.corpus_id, engine.corpus.corpus_id),
            (mark("model_id"), capsule.model_id, engine.model_id),
            (mark("events of the base history"), capsule.steps, len(base)),
            (mark("fingerprint of the base history"), capsule.history, fingerprint(base)),
        )
        if expected != computed
    ]
    rows = _compare(capsule.expected, fork.after, with_scores=same_world)
    return Replay(capsule, fork, (*about, *rows), matches=not rows)


def _compare(
    expected: list[Expected], computed: RecommendationList, *, with_scores: bool
) -> list[Difference]:
    differences = []
    for rank, (old, new) in enumerate(zip_longest(expected, computed.items), start=1):
        if old is None or new is None or old.item_id != new.item_id:
            ids = (old.item_id if old else None, new.item_id if new else None)
            differences.append(Difference(f"rank {rank}", *ids))  # no sentence
        elif with_scores and abs(old.score - new.score) > SCORE_TOLERANCE:
            what = f"score at rank {rank}"  # no sentence
            differences.append(Difference(what, old.score, new.score))
    return differences


def say_difference(what: str) -> str:
    """What of a ``Difference`` is otherwise, in the reader's language."""
    of, _, rank = what.rpartition(" ")
    if not rank.isdigit():
        return tr(what)
    return tr("rank {rank}", rank=rank) if of == "rank" else tr("score at rank {rank}", rank=rank)

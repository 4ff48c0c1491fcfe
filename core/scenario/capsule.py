"""A capsule: one JSON file with a scenario and the list that it gave, to be replayed anywhere."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.corpus.store import Library
from core.domain import DomainError, Event, History, RecommendationList
from core.scenario.edits import Edit, edits_from_json
from core.scenario.fork import Fork, list_facts, run
from core.scenario.reading import MOST_EDITS, check_number, check_size

if TYPE_CHECKING:
    from core.engine import Engine

SCORE_TOLERANCE = 1e-3
"""Nats between two scores of one model that processors may disagree about."""

LONGEST_LIST = 1_000

Id = Annotated[str, Field(min_length=1, max_length=200)]


class Expected(BaseModel):
    """One row of the list that was."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    rank: Annotated[int, Field(ge=1, le=LONGEST_LIST)]
    item_id: Id
    score: float


class Capsule(BaseModel):
    """What a capsule's file says.

    ``steps`` events of the user's history are the base, ``history`` is their fingerprint;
    ``expected`` is the list after the edits by ``recommender``. ``edits`` are in the contract's
    form and are checked when ``changes`` is asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    format: Literal["tastelines-capsule"]
    version: Literal[1]
    name: Annotated[str, Field(max_length=200)] = ""
    corpus: Id
    corpus_id: Id
    model_id: Id
    user: Id
    steps: Annotated[int, Field(ge=0, le=10_000_000)]
    history: Id
    edits: Annotated[list[dict[str, Any]], Field(max_length=MOST_EDITS)]
    recommender: Id
    k: Annotated[int, Field(ge=1, le=LONGEST_LIST)]
    expected: Annotated[list[Expected], Field(max_length=LONGEST_LIST)]

    @property
    def changes(self) -> tuple[Edit, ...]:
        """The edits."""
        return edits_from_json(self.edits)

    def to_text(self) -> str:
        """The file's content."""
        return json.dumps(self.model_dump(), indent=1, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is otherwise than the capsule says, in words or numbers."""

    what: str
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

    def to_json(self) -> dict[str, Any]:
        """The contract's form of the verb ``replay``."""
        return {
            "matches": self.matches,
            "differences": [
                {"what": d.what, "expected": d.expected, "found": d.found} for d in self.differences
            ],
        }


def make_capsule(fork: Fork, name: str = "") -> Capsule:
    """The capsule of a fork: its edits, and the list that they gave.

    DomainError above 1,000 edits or places: such a file could not be read again.
    """
    corpus = fork.engine.corpus
    check_number(len(fork.edited.edits), "capsule")
    if fork.k > LONGEST_LIST:
        raise DomainError(
            f"a list of {fork.k:,} is too long for a capsule",
            remedy=f"Ask for {LONGEST_LIST:,} at most",
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
        expected=[Expected(**row) for row in list_facts(fork.after)],
    )


def read_capsule(data: bytes, where: str = "capsule") -> Capsule:
    """Read a capsule's bytes; DomainError says what is wrong with any other content."""
    check_size(data, where)
    try:
        capsule = Capsule.model_validate_json(data)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        what = (
            "this is no capsule" if place in ("", "format") else f"the capsule's {place} is wrong"
        )
        raise DomainError(
            f"{what}: {problem['msg']}", where=where, remedy="Export it again from What-if"
        ) from None
    try:
        _ = capsule.changes
    except DomainError as error:
        raise DomainError(
            error.what, where=f"{where}, {error.where}", remedy=error.remedy
        ) from None
    return capsule


def corpus_of(capsule: Capsule, library: Library) -> str:
    """Name of the corpus with the capsule's content, else of the one with its name.

    DomainError where the library has neither.
    """
    known = library.corpora()
    same = [manifest.name for manifest in known if manifest.corpus_id == capsule.corpus_id]
    if same:
        return capsule.corpus if capsule.corpus in same else same[0]
    if capsule.corpus in {manifest.name for manifest in known}:
        return capsule.corpus
    raise DomainError(
        f"there is no corpus {capsule.corpus!r} with id {capsule.corpus_id}",
        where=f"library {library.root}",
        remedy="Import the corpus that the capsule was made with",
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
        Difference(what, expected, found)
        for what, expected, found in (
            ("corpus_id", capsule.corpus_id, engine.corpus.corpus_id),
            ("model_id", capsule.model_id, engine.model_id),
            ("events of the base history", capsule.steps, len(base)),
            ("fingerprint of the base history", capsule.history, fingerprint(base)),
        )
        if expected != found
    ]
    rows = _compare(capsule.expected, fork.after, with_scores=same_world)
    return Replay(capsule, fork, (*about, *rows), matches=not rows)


def _compare(
    expected: list[Expected], found: RecommendationList, *, with_scores: bool
) -> list[Difference]:
    differences = []
    for at in range(max(len(expected), len(found.items))):
        old = expected[at] if at < len(expected) else None
        new = found.items[at] if at < len(found.items) else None
        if old is None or new is None or old.item_id != new.item_id:
            ids = (old.item_id if old else None, new.item_id if new else None)
            differences.append(Difference(f"rank {at + 1}", *ids))
        elif with_scores and abs(old.score - new.score) > SCORE_TOLERANCE:
            differences.append(Difference(f"score at rank {at + 1}", old.score, new.score))
    return differences


def fingerprint(history: History) -> str:
    """What a history contains, as 16 hex digits of a sha256."""

    def facts(event: Event) -> list[Any]:
        return [
            event.item_id,
            event.timestamp.isoformat(),
            event.kind.value,
            event.rating,
            event.title,
            event.text,
        ]

    content = json.dumps([history.user_id, *map(facts, history.events)])
    return hashlib.sha256(content.encode()).hexdigest()[:16]

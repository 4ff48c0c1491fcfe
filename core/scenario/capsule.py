"""A capsule: one JSON file with a scenario and the list that it gave, to be replayed anywhere."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.corpus.store import Library
from core.domain import DomainError, Event, History
from core.scenario.edits import Edit, edits_from_json
from core.scenario.reading import MOST_EDITS, check_size

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

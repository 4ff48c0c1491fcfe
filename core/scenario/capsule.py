"""JSON files from outside, bounded and never trusted: lists of edits, and capsules.

A capsule holds a scenario and the list that it gave, to be replayed anywhere.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic_core
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.corpus.store import Library
from core.domain import DomainError, History
from core.language import tr
from core.scenario.edits import Edit, edits_from_json

LARGEST = 10_000_000
"""Bytes; a larger file is refused."""
MOST_EDITS = 1_000
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


def read_capsule(data: bytes, where: str = "") -> Capsule:
    """Read a capsule's bytes; DomainError says what is wrong with any other content."""
    where = where or tr("capsule")
    check_size(data, where)
    try:
        capsule = Capsule.model_validate_json(data)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place, reason = ".".join(map(str, problem["loc"])), problem["msg"]
        if place in ("", "format"):
            what = tr("this is no capsule: {reason}", reason=reason)
        else:
            what = tr("the capsule's {place} is wrong: {reason}", place=place, reason=reason)
        raise DomainError(what, where=where, remedy=tr("Export it again from What-if")) from None
    try:
        _ = capsule.changes
    except DomainError as error:
        where = tr(", ").join([where, error.where])
        raise DomainError(error.what, where=where, remedy=error.remedy) from None
    return capsule


def corpus_of(capsule: Capsule, library: Library) -> str:
    """Name of the corpus with the capsule's content, else of the one with its name.

    A corpus that grew from its content by appends counts as one with it.

    DomainError where the library has neither.
    """
    known = library.corpora()
    since = {manifest.name: manifest.appends_since(capsule.corpus_id) for manifest in known}
    same = [name for name, appends in since.items() if appends == ()]
    same = same or [name for name, appends in since.items() if appends]
    if same:
        return capsule.corpus if capsule.corpus in same else same[0]
    if capsule.corpus in {manifest.name for manifest in known}:
        return capsule.corpus
    raise DomainError(
        tr("there is no corpus {name!r} with id {id}", name=capsule.corpus, id=capsule.corpus_id),
        where=tr("library {folder}", folder=library.root),
        remedy=tr("Import the corpus that the capsule was made with"),
    )


def fingerprint(history: History) -> str:
    """What a history contains, as 16 hex digits of a sha256."""
    events = [
        [e.item_id, e.timestamp.isoformat(), e.kind.value, e.rating, e.title, e.text]
        for e in history.events
    ]
    content = json.dumps([history.user_id, *events])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def read_bytes(path: Path) -> bytes:
    """The bytes of a file; DomainError when it can't be read or is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DomainError(
            tr("the file can't be read: {reason}", reason=reason),
            where=repr(str(path))[1:-1],
            remedy=tr("Check its name and permissions"),
        ) from None
    check_size(data, str(path))
    return data


def check_size(data: bytes, where: str) -> None:
    """DomainError for more bytes than ``LARGEST``."""
    if len(data) > LARGEST:
        raise DomainError(tr("the file has more than {n} MB", n=LARGEST // 1_000_000), where=where)


def read_edits(path: Path) -> tuple[Edit, ...]:
    """The list of edits in a JSON file; DomainError names the file, or the entry in it."""
    data = read_bytes(path)
    try:
        edits = edits_from_json(pydantic_core.from_json(data))
    except ValueError as error:
        raise DomainError(
            tr("the file is not JSON: {reason}", reason=error),
            where=str(path),
            remedy=tr("Write a list of edits"),
        ) from None
    check_number(len(edits), str(path))
    return edits


def check_number(edits: int, where: str) -> None:
    """DomainError for more edits than a scenario may have."""
    if edits > MOST_EDITS:
        raise DomainError(
            tr("{edits:,} edits are more than {most:,}", edits=edits, most=MOST_EDITS),
            where=where,
            remedy=tr("Leave some out"),
        )

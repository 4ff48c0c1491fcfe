"""JSON files from outside: bounded, never trusted."""

from __future__ import annotations

from pathlib import Path

import pydantic_core

from core.domain import DomainError
from core.scenario.edits import Edit, edits_from_json

LARGEST = 10_000_000
"""Bytes; a larger file is refused."""
MOST_EDITS = 1_000


def read_bytes(path: Path) -> bytes:
    """The bytes of a file; DomainError when it can't be read or is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        remedy = "Check its name and permissions"
        raise DomainError(
            f"the file can't be read: {reason}", where=repr(str(path))[1:-1], remedy=remedy
        ) from None
    check_size(data, str(path))
    return data


def check_size(data: bytes, where: str) -> None:
    """DomainError for more bytes than ``LARGEST``."""
    if len(data) > LARGEST:
        raise DomainError(f"the file has more than {LARGEST // 1_000_000} MB", where=where)


def read_edits(path: Path) -> tuple[Edit, ...]:
    """The list of edits in a JSON file; DomainError names the file, or the entry in it."""
    data = read_bytes(path)
    try:
        edits = edits_from_json(pydantic_core.from_json(data))
    except ValueError as error:
        raise DomainError(
            f"the file is not JSON: {error}", where=str(path), remedy="Write a list of edits"
        ) from None
    check_number(len(edits), str(path))
    return edits


def check_number(edits: int, where: str) -> None:
    """DomainError for more edits than a scenario may have."""
    if edits > MOST_EDITS:
        raise DomainError(
            f"{edits:,} edits are more than {MOST_EDITS:,}", where=where, remedy="Leave some out"
        )

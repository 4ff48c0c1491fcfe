"""The fields of an edit as JSON has them, each read with a message of its own.

Each reader takes a value of a stranger's file and where it stands; DomainError for a wrong one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from reprlib import repr as short
from typing import Any

from core.domain import DomainError, EventKind

Handle = int | str
"""How an edit names an event: the base history's step, or a1, a2, ... for an added one."""
ADDED = re.compile(r"a[1-9]\d{0,5}")


def read_handle(value: object, where: str) -> Handle:
    """A base step as a whole number, or the name of an added event."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and ADDED.fullmatch(value):
        return value
    raise DomainError(
        f"{short(value)} names no event", where=where,
        remedy="Use a step such as 12, or a1 for the first added event",
    )  # fmt: skip


def read_str(value: object, where: str) -> str:
    """Text as it is."""
    if not isinstance(value, str):
        raise DomainError(f"{short(value)} is not text", where=where, remedy="Put it in quotes")
    return value


def read_rating(value: object, where: str) -> float:
    """A finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > 1e300:
        raise DomainError(f"the rating {short(value)} is not a number", where=where)
    if not math.isfinite(value):
        raise DomainError(f"the rating {short(value)} is not a number", where=where)
    return float(value)


def read_time(value: object, where: str) -> datetime:
    """An ISO time as UTC; without a zone it is UTC, a bare date its first instant."""
    try:
        if not isinstance(value, str):
            raise ValueError
        found = datetime.fromisoformat(value.strip())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise DomainError(
            f"{short(value)} is no possible date",
            where=where,
            remedy="Use one such as 2024-03-01 or 2024-03-01T12:00:00",
        ) from None
    return found


def read_kind(value: object, where: str) -> EventKind:
    """A kind of event."""
    if not isinstance(value, str) or value not in set(EventKind):
        raise DomainError(
            f"unknown kind {short(value)}", where=where, remedy=f"Use {one_of(list(EventKind))}"
        )
    return EventKind(value)


READERS: dict[str, Callable[[object, str], Any]] = {
    "step": read_handle,
    "to": read_handle,
    "item_id": read_str,
    "text": read_str,
    "rating": read_rating,
    "timestamp": read_time,
    "kind": read_kind,
}


def all_of(names: Sequence[str]) -> str:
    """Names in a row: a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def one_of(names: Sequence[str]) -> str:
    """Names to choose from: a, b or c."""
    return f"{', '.join(names[:-1])} or {names[-1]}"

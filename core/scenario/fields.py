"""The fields of an edit as JSON has them, each read with a message of its own.

Each reader takes an untrusted value and where it stands; DomainError for a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from functools import partial
from reprlib import repr as short
from typing import Any, TypeVar

from core.domain import DomainError, EventKind, read_utc

Handle = int | str
"""How an edit names an event: the base history's step, or a1, a2, ... for an added one."""
ADDED = re.compile(r"a[1-9]\d{0,5}")

Choice = TypeVar("Choice", bound=StrEnum)


def read_handle(value: object, where: str) -> Handle:
    """A base step as a whole number, or the name of an added event."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and ADDED.fullmatch(value):
        return value
    remedy = "Use a step such as 12, or a1 for the first added event"
    raise DomainError(f"{short(value)} does not name an event", where=where, remedy=remedy)


def read_str(value: object, where: str) -> str:
    """Text as it is."""
    if not isinstance(value, str):
        raise DomainError(f"{short(value)} is not text", where=where, remedy="Put it in quotes")
    return value


def read_rating(value: object, where: str) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e300:
        raise DomainError(f"the rating {short(value)} is not a number", where=where)
    return float(value)


def read_time(value: object, where: str) -> datetime:
    """An ISO time as UTC; without a zone it is UTC, a bare date its first instant."""
    try:
        return read_utc(value if isinstance(value, str) else "")
    except (ValueError, OverflowError):
        remedy = "Use one such as 2024-03-01 or 2024-03-01T12:00:00"
        raise DomainError(
            f"{short(value)} is not a valid date", where=where, remedy=remedy
        ) from None


def read_choice(choices: type[Choice], name: str, value: object, where: str) -> Choice:
    """One of the values of an enumeration."""
    if not isinstance(value, str) or value not in set(choices):
        remedy = f"Use one of {', '.join(choices)}"
        raise DomainError(f"unknown {name} {short(value)}", where=where, remedy=remedy)
    return choices(value)


READERS: dict[str, Callable[[object, str], Any]] = {
    "step": read_handle,
    "to": read_handle,
    "item_id": read_str,
    "text": read_str,
    "rating": read_rating,
    "timestamp": read_time,
    "kind": partial(read_choice, EventKind, "kind"),
}

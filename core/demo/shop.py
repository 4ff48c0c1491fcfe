"""The shop as written down in ``shop/*.toml``: categories, product families and their words.

Its time is in whole seconds since the start of the simulation, in UTC.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

SHOP_FOLDER = Path(__file__).parent / "shop"
WINDOW_START = datetime(2022, 1, 1, tzinfo=UTC)
HOUR = 3600
DAY = 24 * HOUR
WINDOW_END = (datetime(2024, 12, 31, tzinfo=UTC) - WINDOW_START).days * DAY


def instant(seconds: int) -> datetime:
    """The moment that many seconds into the window."""
    return WINDOW_START + timedelta(seconds=seconds)


def seconds_at(year: int, month: int, day: int = 1) -> int:
    """Seconds from the window's start to the beginning of a day."""
    return (datetime(year, month, day, tzinfo=UTC) - WINDOW_START).days * DAY


@dataclass(frozen=True)
class Aspect:
    """What reviews of a family speak about: subjects, their verbs, words by polarity, tails.

    Written as ``subjects | verbs | praise | blame | tails``, each separated by semicolons.
    """

    subjects: tuple[str, ...]
    verbs: tuple[str, ...]
    praise: tuple[str, ...]
    blame: tuple[str, ...]
    tails: tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """One kind of product; ``follows`` is the family that a buyer of this one needs next."""

    index: int
    name: str
    category: int
    follows: int | None
    facts: Mapping[str, Any]
    aspects: tuple[Aspect, ...]
    words: Mapping[str, Any]


@dataclass(frozen=True)
class Category:
    """One department of the shop; ``season`` is (first month, last month) or None."""

    index: int
    name: str
    code: str
    weight: int
    brands: tuple[str, ...]
    models: tuple[str, ...]
    season: tuple[int, int] | None
    families: tuple[int, ...]


@dataclass(frozen=True)
class Shop:
    """All departments in alphabetical order, all families, and the words they share."""

    categories: tuple[Category, ...]
    families: tuple[Family, ...]
    words: Mapping[str, Any]


def listed(text: str) -> tuple[str, ...]:
    """Split a semicolon list."""
    return tuple(part.strip() for part in text.split(";") if part.strip())


@cache
def open_shop() -> Shop:
    """Read the shop's files."""
    paths = SHOP_FOLDER.glob("*.toml")
    files = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in paths}
    common = files.pop("common")
    documents = sorted(files.values(), key=lambda document: str(document["name"]))
    names = [family["name"] for document in documents for family in document["families"]]
    categories: list[Category] = []
    families: list[Family] = []
    for index, document in enumerate(documents):
        words = {
            topic: {**common[topic], **document.get(topic, {})}
            for topic in ("frames", "verdict", "neutral", "titles")
        }
        first = len(families)
        for facts in document["families"]:
            families.append(
                Family(
                    index=len(families),
                    name=facts["name"],
                    category=index,
                    follows=names.index(facts["then"]) if facts["then"] else None,
                    facts=facts,
                    aspects=tuple(
                        Aspect(*map(listed, line.split("|"))) for line in facts["aspects"]
                    ),
                    words=words,
                )
            )
        categories.append(
            Category(
                index=index,
                name=document["name"],
                code=document["code"],
                weight=document["weight"],
                brands=listed(document["brands"]),
                models=listed(document["models"]),
                season=tuple(document["season"]) if "season" in document else None,
                families=tuple(range(first, len(families))),
            )
        )
    return Shop(tuple(categories), tuple(families), common)

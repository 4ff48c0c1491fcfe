"""The shop as written down in ``shop/*.toml``: categories, product families and their words."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

SHOP_FOLDER = Path(__file__).parent / "shop"


@dataclass(frozen=True)
class Aspect:
    """What reviews of a family speak about: subjects, their verbs, words by polarity, tails."""

    subjects: tuple[str, ...]
    verbs: tuple[str, ...]
    praise: tuple[str, ...]
    blame: tuple[str, ...]
    tails: tuple[str, ...]

    @classmethod
    def parse(cls, line: str) -> Aspect:
        """Read ``subjects | verbs | praise | blame | tails``, each separated by semicolons."""
        return cls(*(listed(part) for part in line.split("|")))


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


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def open_shop() -> Shop:
    """Read the shop's files."""
    common = _read(SHOP_FOLDER / "common.toml")
    documents = [_read(p) for p in SHOP_FOLDER.glob("*.toml") if p.name != "common.toml"]
    documents.sort(key=lambda document: str(document["name"]))
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
                    aspects=tuple(Aspect.parse(line) for line in facts["aspects"]),
                    words=words,
                )
            )
        season = document.get("season")
        categories.append(
            Category(
                index=index,
                name=document["name"],
                code=document["code"],
                weight=document["weight"],
                brands=listed(document["brands"]),
                models=listed(document["models"]),
                season=(season[0], season[1]) if season else None,
                families=tuple(range(first, len(families))),
            )
        )
    return Shop(tuple(categories), tuple(families), common)

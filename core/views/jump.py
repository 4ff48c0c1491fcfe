"""Finding a few names among many, for a search that answers while a person types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice

from core.corpus.attributes import label_of
from core.corpus.finding import UserHit
from core.corpus.store import Corpus
from core.language import tr
from core.views.wording import short

BETWEEN = " · "


@dataclass(frozen=True, slots=True)
class Names:
    """What can be typed to find an item of a corpus."""

    items: tuple[str, ...]
    """Titles of items with their ids."""
    item_ids: tuple[str, ...]
    """Ids of the same items."""


def build_names(corpus: Corpus) -> Names:
    """The names of a corpus."""
    titles = map(corpus.title, corpus.item_ids)
    items = tuple(
        f"{title} · {item_id}" if title != item_id else item_id
        for title, item_id in zip(titles, corpus.item_ids, strict=True)
    )
    return Names(items, corpus.item_ids)


def hit_label(hit: UserHit, most: int = 60) -> str:
    """A user that was found, with the attribute that answered, in at most so many letters.

    Where both are long each gets half.
    """
    if hit.attribute is None:
        return short(hit.user_id, most)
    because = tr("{name}: {value}", name=label_of(hit.attribute), value=hit.value)
    room = most - len(BETWEEN)
    because = short(because, max(room // 2, room - len(hit.user_id)))
    return f"{short(hit.user_id, room - len(because))}{BETWEEN}{because}"  # no sentence


def find(names: Sequence[str], query: str, most: int) -> list[int]:
    """Which names hold every word of a query, at most so many.

    First those that begin with it, then those with a word that does.
    """
    query = query.casefold().strip()
    words = query.split()
    begin: list[int] = []
    within: list[int] = []
    hold: list[int] = []
    for at, name in enumerate(names):
        folded = name.casefold()
        if all(word in folded for word in words):
            begins = folded.startswith(query)
            (begin if begins else within if f" {query}" in folded else hold).append(at)
            if len(begin) == most:
                break
    return list(islice(chain(begin, within, hold), most))

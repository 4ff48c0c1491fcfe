"""Finding a few users among a million while a person types: by id, or by a users file's words.

All names lie in one piece of folded bytes, which ``bytes.find`` walks through: 10 ms for a million
ids. Since a code point's bytes are never part of another's, bytes match where the text does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.arrays import BoolArray, IntArray
from core.corpus.attributes import TEXT, Attributes
from core.corpus.corpus import Corpus

SHOWN = 8
"""Hits that a list shows."""
_END = "\0"


class UserHit(NamedTuple):
    """A user that answers to what was typed.

    ``attribute`` is the name of the attribute that answers with its ``value``; None where the id
    does.
    """

    user_id: str
    attribute: str | None = None
    value: str = ""


class UserFinder:
    """The users of a corpus, to be found by a part of their id or of a text attribute.

    Case does not matter. Safe between threads.
    """

    def __init__(self, user_ids: Sequence[str], attributes: Attributes | None = None) -> None:
        self._user_ids = user_ids
        self._ids = _Names(user_ids)
        texts = [] if attributes is None else attributes.facts.columns
        self._attributes = [
            _Values(column.name, attributes.aligned(column.name))
            for column in texts
            if attributes is not None and column.kind == TEXT
        ]

    @classmethod
    def of(cls, corpus: Corpus) -> UserFinder:
        """A finder of a corpus's users."""
        return cls(corpus.user_ids, corpus.attributes)

    def find(self, query: str, most: int = SHOWN) -> list[UserHit]:
        """At most so many users, each once; nobody where nothing is typed.

        The id that was typed comes first, then ids that begin so, attributes that begin so, ids and
        attributes that hold every word of it anywhere. Within each, ids stand in order, attributes
        in the order of the file, then of their values.
        """
        typed = query.strip()
        if not typed:
            return []
        found: dict[int, UserHit] = {}
        for user, hit in chain(
            self._exactly(typed),
            self._hits(typed, begins=True),
            self._hits(*typed.split(), begins=False),
        ):
            found.setdefault(user, hit)
            if len(found) == most:
                break
        return list(found.values())

    def _exactly(self, typed: str) -> Iterator[tuple[int, UserHit]]:
        for user in self._ids.holding(typed, begins=True, ends=True):
            if self._user_ids[user] == typed:
                yield user, UserHit(typed)

    def _hits(self, *typed: str, begins: bool) -> Iterator[tuple[int, UserHit]]:
        for user in self._ids.holding(*typed, begins=begins):
            yield user, UserHit(self._user_ids[user])
        for values in self._attributes:
            for user, value in values.holding(*typed, begins=begins):
                yield user, UserHit(self._user_ids[user], values.name, value)


def holding(names: Sequence[str], query: str) -> BoolArray:
    """Which names hold a text, bool[n]; case does not matter."""
    held = np.zeros(len(names), np.bool_)
    held[list(_Names(names).holding(query, begins=False))] = True
    return held


class _Names:
    """Many names in one piece of bytes."""

    def __init__(self, names: Sequence[str]) -> None:
        joined = _END.join(names)
        if names and joined.count(_END) != len(names) - 1:
            joined = _END.join(name.replace(_END, " ") for name in names)
        self._text = f"{_END}{joined}{_END}".casefold().encode("utf-8", "surrogatepass")
        ends = np.flatnonzero(np.frombuffer(self._text, np.uint8) == 0)
        self._starts: IntArray = ends[:-1].astype(np.int64) if names else np.empty(0, np.int64)

    def holding(self, *texts: str, begins: bool, ends: bool = False) -> Iterator[int]:
        """Places of the names that hold all of some texts, or begin with one, or end so.

        In their order.
        """
        needle, *rest = map(_folded, texts)
        if rest:  # the rarest is looked for, so that the others are asked of few names
            needle, *rest = sorted({needle, *rest}, key=lambda word: (self._text.count(word), word))
        needle = b"\0" * begins + needle + b"\0" * ends
        at = self._text.find(needle)
        while at >= 0:
            place = int(np.searchsorted(self._starts, at, side="right")) - 1
            if not rest or self._holds(place, rest):
                yield place
            if place + 1 == len(self._starts):
                return
            at = self._text.find(needle, int(self._starts[place + 1]))

    def _holds(self, place: int, words: list[bytes]) -> bool:
        start = int(self._starts[place])
        name = self._text[start : self._text.index(b"\0", start + 1)]
        return all(word in name for word in words)


def _folded(text: str) -> bytes:
    return text.replace(_END, " ").casefold().encode("utf-8", "surrogatepass")


class _Values:
    """A text attribute: its distinct values, and the users that have each."""

    def __init__(self, name: str, column: pa.Array) -> None:
        self.name = name
        coded = column.dictionary_encode()
        order = pc.sort_indices(coded.dictionary).to_numpy()
        self._values = coded.dictionary.take(pa.array(order)).to_pylist()
        rank = np.empty(len(order) + 1, np.int64)
        rank[order], rank[-1] = np.arange(len(order)), len(order)
        ranks = rank[pc.fill_null(coded.indices, len(order)).to_numpy()]
        self._users = np.argsort(ranks, kind="stable").astype(np.int32)
        self._begins = np.searchsorted(ranks[self._users], np.arange(len(order) + 1))
        self._names = _Names(self._values)

    def holding(self, *texts: str, begins: bool) -> Iterator[tuple[int, str]]:
        """Users whose value holds all of some texts, or begins with one, with that value."""
        for at in self._names.holding(*texts, begins=begins):
            for user in self._users[self._begins[at] : self._begins[at + 1]]:
                yield int(user), self._values[at]

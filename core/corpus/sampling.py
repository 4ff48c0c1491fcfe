"""A sample of a corpus's users: whom a model of a very large corpus is made from.

A user is drawn by a hash of the id, so the same ones are drawn again after an append, and new users
join them with the same chance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.arrays import FloatArray, IntArray
from core.corpus.events import CodeArray, EventRow, EventSource, FrameEvents, TimeArray
from core.language import tr
from core.threads import once_each

if TYPE_CHECKING:
    from core.corpus.corpus import Corpus

HEX_DIGITS = 16
MOST_SEEDS = 2**64


@dataclass(frozen=True, slots=True)
class UserSample:
    """So many ``users`` of all, drawn uniformly by ``seed``: those whose hash is up to ``last``."""

    users: int
    of: int
    seed: int
    last: str
    """Hexadecimal."""

    def checked(self) -> UserSample:
        """Itself; ValueError where no draw can have made it."""
        if not (0 <= self.seed < MOST_SEEDS and 0 < self.users <= self.of):
            raise ValueError(tr("the sample of users is out of bounds"))
        if len(self.last) != HEX_DIGITS or not set(self.last) <= set("0123456789abcdef"):
            raise ValueError(tr("the sample of users is out of bounds"))
        return self

    @property
    def sentence(self) -> str:
        """What is said of a model that was made from it."""
        return tr(
            "Trained on {users:,} of {all:,} users, drawn at random (seed {seed}).",
            users=self.users,
            all=self.of,
            seed=self.seed,
        )

    @property
    def facts(self) -> dict[str, dict[str, int]]:
        """As JSON says it, beside what was found."""
        return {"trained_on": {"users": self.users, "of": self.of, "seed": self.seed}}


def draw(corpus: Corpus, users: int | None, seed: int) -> Corpus:
    """The corpus of so many users, drawn at random; itself where it has no more, or for None.

    Of its users a sample counts: ``user_ids``, ``events`` and all that is about everybody are
    theirs. Items are those of the whole catalogue, and ``history`` knows every other user, too.
    """
    if users is None or users >= len(corpus.user_ids):
        return corpus
    hashes = _hashes(corpus.user_ids, seed)
    last = int(np.partition(hashes, users - 1)[users - 1])
    return _up_to(corpus, hashes, last, seed)


def among(corpus: Corpus, sample: UserSample | None) -> Corpus:
    """The corpus of the users that a sample holds, of those that there are now.

    For None it is the whole corpus.
    """
    if corpus.sample == sample:
        return corpus
    corpus = corpus.whole
    if sample is None:
        return corpus
    known = _drawn_of(corpus).get((sample.seed, sample.last))
    if known is not None:
        return known
    hashes = _hashes(corpus.user_ids, sample.seed)
    return _up_to(corpus, hashes, int(sample.last, 16), sample.seed)


def _drawn_of(corpus: Corpus) -> WeakValueDictionary[tuple[int, str], Corpus]:
    """Samples of a corpus that are in use, by seed and last hash: what one reads, all have."""
    drawn: WeakValueDictionary[tuple[int, str], Corpus]
    drawn = vars(corpus).setdefault("_drawn", WeakValueDictionary())
    return drawn


def _up_to(corpus: Corpus, hashes: npt.NDArray[np.uint64], last: int, seed: int) -> Corpus:
    drawn, key = _drawn_of(corpus), (seed, f"{last:0{HEX_DIGITS}x}")
    known = drawn.get(key)
    if known is not None:
        return known
    users = np.flatnonzero(hashes <= np.uint64(last))
    events = SampledEvents(corpus.source, users)
    sample = UserSample(len(users), len(hashes), *key)
    attributes = corpus.attributes
    if attributes is not None:
        attributes = replace(attributes, user_ids=events.user_ids)
    facts = {"attributes": attributes, "sample": sample, "drawn_from": corpus}
    return drawn.setdefault(key, replace(corpus, events=events, **facts))  # type: ignore[arg-type]


def _hashes(user_ids: Sequence[str], seed: int) -> npt.NDArray[np.uint64]:
    """A number for each user, uint64[n], as good as random."""
    key = seed.to_bytes(8, "big")
    hashed = (
        hashlib.blake2b(user.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest()
        for user in user_ids
    )
    return np.frombuffer(b"".join(hashed), ">u8").astype(np.uint64)


@dataclass(eq=False)
class SampledEvents:
    """The events of some users, int64[n] places among those of ``whole``; see ``EventSource``.

    A history is read from the whole until a column is asked for: then all of theirs are in memory.
    """

    whole: EventSource
    users: IntArray
    user_ids: tuple[str, ...] = field(init=False)
    user_starts: IntArray = field(init=False)

    def __post_init__(self) -> None:
        ids, sizes = self.whole.user_ids, np.diff(self.whole.user_starts)[self.users]
        self.user_ids = tuple(ids[user] for user in self.users.tolist())
        self.user_starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    @once_each
    def _read(self) -> FrameEvents:
        return FrameEvents(self.whole.some(self._rows_of(0, int(self.user_starts[-1]))))

    def _rows_of(self, begin: int, end: int) -> IntArray:
        """The rows of the whole that some rows are, int64[end - begin]."""
        rows = np.arange(begin, end, dtype=np.int64)
        user = np.searchsorted(self.user_starts, rows, side="right") - 1
        begins = self.whole.user_starts[self.users]
        return np.asarray(rows + (begins - self.user_starts[:-1])[user])

    @property
    def frame(self) -> pd.DataFrame:
        """All events of the users; their ids and kinds are each in memory once."""
        return self._read.frame

    @property
    def times(self) -> TimeArray:
        """As in ``EventSource``."""
        return self._read.times

    @property
    def ratings(self) -> FloatArray:
        """As in ``EventSource``."""
        return self._read.ratings

    def codes(self, name: str) -> tuple[tuple[str, ...], CodeArray]:
        """As in ``EventSource``."""
        return self._read.codes(name)

    def some(self, rows: IntArray) -> pd.DataFrame:
        """As in ``EventSource``."""
        return self._read.some(rows)

    def rows(self, begin: int, end: int) -> list[EventRow]:
        """As in ``EventSource``."""
        if "_read" in vars(self):
            return self._read.rows(begin, end)
        rows = self._rows_of(begin, end)
        found: list[EventRow] = []
        for run in np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1):
            if len(run):
                found += self.whole.rows(int(run[0]), int(run[-1]) + 1)
        return found

    def forget(self) -> None:
        """As in ``EventSource``."""
        vars(self).pop("_read", None)

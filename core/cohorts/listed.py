"""Some users of a corpus as a code in an address: a cohort that another page found.

A code is the start of the content's id (of a sample of users its own mark, too) and base64url of
deflated JSON: a name, and where the users stand in the corpus's order, each as the distance from
the one before.
"""

from __future__ import annotations

import binascii
import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.arrays import BoolArray
from core.corpus.corpus import Corpus
from core.corpus.texts import clean_text
from core.domain import DomainError
from core.language import tr

MOST = 500
"""Users of one code; an address should stay short enough for mail programs."""
LONGEST_NAME = 120
LARGEST = 20_000
"""Bytes of a code's JSON."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A name, and the ``places`` of its users in the corpus's order, ascending."""

    name: str
    places: tuple[int, ...]

    def to_code(self, corpus: Corpus) -> str:
        """The code; ``read_listed`` reads it back."""
        steps = np.diff(sorted(self.places), prepend=0).tolist()
        text = json.dumps([self.name[:LONGEST_NAME], *steps], separators=(",", ":"))
        packed = urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")
        return f"{_content(corpus)}.{packed}"

    def mask(self, corpus: Corpus) -> BoolArray:
        """Which users of the corpus they are, bool[n_users]."""
        users = np.zeros(len(corpus.user_ids), np.bool_)
        users[list(self.places)] = True
        return users


def read_listed(code: str, corpus: Corpus) -> Listed:
    """Read ``to_code``; DomainError for any other text, and for users of other content."""
    content, _, packed = code.partition(".")
    whose, mark, _ = content.partition("-")
    is_other_sample = content != _content(corpus) and whose == corpus.corpus_id[:8]
    if is_other_sample and (bool(mark) or corpus.sample is not None):
        raise DomainError(
            tr("these users were found with a model of another sample of users"),
            where=tr("corpus {name}", name=corpus.name),
            remedy=tr("Choose that model"),
        )
    if content != _content(corpus):
        raise DomainError(
            tr("these users are of other content than the corpus has now"),
            where=tr("corpus {name}", name=corpus.name),
            remedy=tr("Open the cohort again where it was found"),
        )
    try:
        inflate = zlib.decompressobj()
        data = urlsafe_b64decode(packed.encode("ascii") + b"=" * (-len(packed) % 4))
        text = inflate.decompress(data, LARGEST)
        name, *steps = json.loads(text)
        places = _places(steps, len(corpus.user_ids))
        if not (inflate.eof and isinstance(name, str)):
            raise ValueError(code)
        return Listed(clean_text(name)[:LONGEST_NAME], places)
    except (ValueError, TypeError, RecursionError, binascii.Error, zlib.error):
        raise DomainError(
            tr("the users in the address can't be read"),
            where=code[:20],
            remedy=tr("Copy the whole link"),
        ) from None


def _content(corpus: Corpus) -> str:
    """Whose order the places are in."""
    sample = f"-{corpus.sample.seed}-{corpus.sample.last[:8]}" if corpus.sample else ""
    return corpus.corpus_id[:8] + sample


def _places(steps: Sequence[object], users: int) -> tuple[int, ...]:
    places: list[int] = []
    place = 0
    for step in steps:
        if type(step) is not int or step < (1 if places else 0):
            raise ValueError(step)
        place += step
        places.append(place)
    if not places or place >= users or len(places) > MOST:
        raise ValueError("no users of this corpus")
    return tuple(places)

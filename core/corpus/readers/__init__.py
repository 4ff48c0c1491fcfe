"""The formats of events and items that are known; auto detection asks them in this order."""

from __future__ import annotations

from core.corpus.readers.amazon2014 import Amazon2014
from core.corpus.readers.amazon2023 import Amazon2023
from core.corpus.readers.movielens import MovieLens
from core.corpus.readers.protocol import Reader
from core.corpus.readers.table import Table

READERS: tuple[Reader, ...] = (Amazon2014(), Amazon2023(), MovieLens(), Table())
"""The table comes last: it recognises almost anything."""

FORMATS = ("auto", *(reader.format for reader in READERS))

__all__ = ["FORMATS", "READERS", "Reader"]
